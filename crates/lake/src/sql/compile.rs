//! From CloudTrail Lake's SQL to the engine's: the compiler's state and its door.
//!
//! The statement is parsed into a tree; every name is resolved and the rules R1–R13 are applied while the tree is
//! walked with the types known; what comes out is SQL in which nothing is left to guess: every column is qualified,
//! every function is one of ours or one that means what Trino means by it. The engine plans that text.

use std::collections::BTreeSet;

use datafusion::sql::sqlparser::ast::{SetExpr, Statement};
use datafusion::sql::sqlparser::parser::{Parser, ParserError};

use super::body::{Body, Frame};
use super::dialect::Lake;
use super::error::{Error, Place};
use super::late::Late;
use super::lexer;
use super::names::{Names, Shape};
use super::query::Output;
use super::typing::Type;

/// How deep expressions and queries may be nested. Own choice: far beyond what people write.
const NESTING_MAX: usize = 200;
/// How deep the parser may recurse; it takes several steps for one of ours.
const PARSER_RECURSION_MAX: usize = 500;
/// Stack of the thread that compiles: unoptimised builds need some 20 kB for every level of nesting.
const STACK_BYTES: usize = 64 << 20;
/// The longest SQL that a statement may become. Own choice.
const COMPILED_BYTES_MAX: usize = 4 << 20;

/// A statement that is ready for the engine.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The event data stores it reads, sorted: the providers that the engine is to be given.
    pub tables: Vec<String>,
    /// What the columns of the result are called.
    pub columns: Vec<String>,
    /// What each table's rows look like, in the order of `tables`.
    pub(crate) shapes: Vec<Shape>,
    /// The columns of tables in OCSF.
    pub(crate) ocsf: Option<arrow::datatypes::SchemaRef>,
    /// What each column of the result holds.
    pub(crate) kinds: Vec<Type>,
    /// The engine's SQL.
    pub(crate) sql: String,
    /// Functions made of the statement's lambda expressions.
    pub(crate) bodies: Vec<Body>,
    /// How it can be run in two steps, if that takes less.
    pub(crate) late: Option<Late>,
    /// Where functions were called and columns named, for errors that the planner finds.
    pub(crate) places: Vec<(String, Place)>,
}

/// Compiles a statement: parses it, looks up its tables, applies the rewriting rules, refuses all but SELECT. `now_us`
/// is what `now()` will answer.
pub fn compile(text: &str, names: &Names, now_us: i64) -> Result<Compiled, Error> {
    let tokens = lexer::tokens(text)?;
    std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().name("compile".to_owned()).stack_size(STACK_BYTES);
        let work = builder.spawn_scoped(scope, || compile_tokens(tokens, names, now_us));
        let failed = |what: &str| Error::invalid(Place::default(), format!("the statement cannot be compiled: {what}"));
        work.map_err(|error| failed(&error.to_string()))?.join().map_err(|_| failed("the compiler failed"))?
    })
}

fn compile_tokens(
    tokens: Vec<datafusion::sql::sqlparser::tokenizer::TokenWithSpan>,
    names: &Names,
    now_us: i64,
) -> Result<Compiled, Error> {
    let query = parse(tokens)?;
    let mut compiler = Compiler::new(names, now_us);
    let (sql, outputs) = compiler.query(&query, None)?;
    Ok(compiler.finish(sql, outputs))
}

/// Parses the tokens of one SELECT.
fn parse(
    tokens: Vec<datafusion::sql::sqlparser::tokenizer::TokenWithSpan>,
) -> Result<datafusion::sql::sqlparser::ast::Query, Error> {
    use datafusion::sql::sqlparser::tokenizer::Token;
    let Some(first) = tokens.first() else { return Err(Error::invalid(Place::default(), "the statement is empty")) };
    let place = Place::from(first.span);
    let end = tokens.last().map(|last| Place { line: last.span.end.line as u32, column: last.span.end.column as u32 });
    let begins = match &first.token {
        Token::Word(word) if word.quote_style.is_none() => word.value.to_ascii_uppercase(),
        other => other.to_string(),
    };
    if !matches!(begins.as_str(), "SELECT" | "WITH" | "(" | "VALUES" | "TABLE") {
        return Err(only_select(place, &begins));
    }
    let mut after = tokens.iter().skip_while(|token| token.token != Token::SemiColon);
    if let Some(second) = after.find(|token| token.token != Token::SemiColon) {
        return Err(Error::invalid(second.span, "only one statement can be run at a time"));
    }
    let mut parser = Parser::new(&Lake).with_recursion_limit(PARSER_RECURSION_MAX).with_tokens_with_locations(tokens);
    let parsed = parser.parse_query();
    let query = *parsed.map_err(|error| syntax(&error, end))?;
    while parser.consume_token(&Token::SemiColon) {}
    let left = parser.peek_token();
    if left.token != Token::EOF {
        return Err(Error::invalid(left.span, format!("unexpected {}", left.token)));
    }
    if let SetExpr::Insert(statement) | SetExpr::Update(statement) | SetExpr::Delete(statement) = query.body.as_ref() {
        return Err(refused_statement(place, statement));
    }
    Ok(query)
}

fn only_select(place: Place, begins: &str) -> Error {
    let message = format!("only SELECT statements are allowed, but this one begins with {begins}");
    let hint = match begins {
        "CREATE" => "a store needs no table: query it by its UUID, or as cloudtrail_logs",
        "EXPLAIN" | "DESCRIBE" | "SHOW" => "the columns of every kind of store are documented in the SQL reference",
        _ => return Error::invalid(place, message),
    };
    Error::invalid(place, message).hint(Some(hint.to_owned()))
}

fn refused_statement(place: Place, statement: &Statement) -> Error {
    let text = statement.to_string();
    only_select(place, text.split_whitespace().next().unwrap_or_default())
}

/// The parser's error in our form: it writes the place into the text.
fn syntax(error: &ParserError, end: Option<Place>) -> Error {
    let text = match error {
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text.clone(),
        ParserError::RecursionLimitExceeded => "the statement is nested too deeply".to_owned(),
    };
    let (message, place) = match text.rsplit_once(" at Line: ") {
        Some((message, place)) => (message.to_owned(), read_place(place)),
        None => (text, None),
    };
    let message = message.replace("Expected: ", "expected ").replace("Expected ", "expected ");
    let message = message.replace("found: EOF", "the statement ends").replace("found: ", "found ");
    let place = place.or_else(|| end.filter(|_| message.contains("the statement ends")));
    Error::invalid(place.unwrap_or_default(), message)
}

fn read_place(text: &str) -> Option<Place> {
    let (line, column) = text.split_once(", Column: ")?;
    Some(Place { line: line.trim().parse().ok()?, column: column.trim().parse().ok()? })
}

/// The compiler at work on one statement.
pub(crate) struct Compiler<'a> {
    pub(crate) names: &'a Names,
    pub(crate) now_us: i64,
    tables: BTreeSet<(String, u8)>,
    pub(crate) bodies: Vec<Body>,
    /// The lambda expressions around the place that is being compiled.
    pub(crate) frames: Vec<Frame>,
    /// Common table expressions that can be named here, the innermost last.
    pub(crate) with: Vec<super::query::With>,
    /// Whether what is being compiled is asked of rows, so that NULL is as good as false.
    pub(crate) filter: bool,
    /// Windows that can be named here.
    pub(crate) windows: Vec<(String, datafusion::sql::sqlparser::ast::WindowSpec)>,
    pub(crate) late: Option<Late>,
    places: Vec<(String, Place)>,
    relations: Vec<String>,
    depth: usize,
    size: usize,
}

impl<'a> Compiler<'a> {
    pub(crate) fn new(names: &'a Names, now_us: i64) -> Self {
        Self {
            names,
            now_us,
            tables: BTreeSet::new(),
            bodies: Vec::new(),
            frames: Vec::new(),
            with: Vec::new(),
            filter: false,
            windows: Vec::new(),
            late: None,
            places: Vec::new(),
            relations: Vec::new(),
            depth: 0,
            size: 0,
        }
    }

    fn finish(self, sql: String, outputs: Vec<Output>) -> Compiled {
        let (tables, shapes) = self.tables.into_iter().map(|(id, shape)| (id, shape_of(shape))).unzip();
        let (columns, kinds) = outputs.into_iter().map(|output| (output.label, output.kind)).unzip();
        let ocsf = self.names.ocsf.clone();
        Compiled { tables, columns, shapes, ocsf, kinds, sql, bodies: self.bodies, late: self.late, places: self.places }
    }

    /// Notes that the statement reads a table.
    pub(crate) fn reads(&mut self, id: &str, shape: Shape) {
        self.tables.insert((id.to_owned(), shape_number(shape)));
    }

    /// Notes where something was named.
    pub(crate) fn note(&mut self, what: &str, place: impl Into<Place>) {
        if !self.places.iter().any(|(known, _)| known == what) {
            self.places.push((what.to_owned(), place.into()));
        }
    }

    /// A name for a relation that no other has.
    pub(crate) fn fresh(&mut self, name: &str) -> String {
        let mut fresh = name.to_ascii_lowercase();
        let mut number = 2;
        while self.relations.contains(&fresh) {
            fresh = format!("{}#{number}", name.to_ascii_lowercase());
            number += 1;
        }
        self.relations.push(fresh.clone());
        fresh
    }

    /// Does something one level deeper.
    pub(crate) fn nested<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        self.depth += 1;
        let done = if self.depth > NESTING_MAX {
            Err(Error::invalid(Place::default(), "the statement is nested too deeply"))
        } else {
            work(self)
        };
        self.depth -= 1;
        done
    }

    /// Whether what is being compiled belongs to the outermost query itself.
    pub(crate) fn is_outermost(&self) -> bool {
        self.depth == 1 && self.with.is_empty()
    }

    /// Does something where NULL and false are (`true`) or are not (`false`) the same.
    pub(crate) fn filtering<T>(&mut self, filter: bool, work: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.filter, filter);
        let done = work(self);
        self.filter = before;
        done
    }

    /// Holds the size of what comes out within bounds.
    pub(crate) fn weigh(&mut self, sql: &str) -> Result<(), Error> {
        self.size += sql.len();
        if self.size > COMPILED_BYTES_MAX {
            return Err(Error::invalid(Place::default(), "the statement is too complex"));
        }
        Ok(())
    }
}

/// What a shape is sorted by; a table has one shape but for Athena's view of it.
fn shape_number(shape: Shape) -> u8 {
    use cloudtrail::event_data_store::Family;
    match shape {
        Shape::Store(Family::Events) | Shape::Athena => 0,
        Shape::Store(Family::Insight) => 1,
        Shape::Store(Family::ConfigurationItem) => 2,
        Shape::Store(Family::Evidence) => 3,
        Shape::Store(Family::Activity) => 4,
        Shape::Ocsf => 5,
    }
}

fn shape_of(number: u8) -> Shape {
    use cloudtrail::event_data_store::Family;
    match number {
        0 => Shape::Store(Family::Events),
        1 => Shape::Store(Family::Insight),
        2 => Shape::Store(Family::ConfigurationItem),
        3 => Shape::Store(Family::Evidence),
        4 => Shape::Store(Family::Activity),
        _ => Shape::Ocsf,
    }
}
