//! `CREATE EXTERNAL TABLE … LOCATION 's3://…'`: Athena's way to say where log files are.
//!
//! Such a statement declares a table whose rows are the files' records as Athena shows them (R9), with all of
//! CloudTrail's columns, whichever it lists. What it says of formats and partitions is read over: the files are what
//! they are. Its columns may have lost the `<` after STRUCT, as they do when pages are copied.

use crate::schema;
use crate::sql::{Error, Place};
use cloudtrail::event_data_store::Family;

/// A table that is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// What it is called, without a database.
    pub name: String,
    /// Where its files are.
    pub location: String,
    /// Columns that it lists and records do not have.
    pub unknown: Vec<String>,
}

impl Declaration {
    /// Reads a statement; None if it does not begin with CREATE.
    pub fn parse(statement: &str) -> Result<Option<Self>, Error> {
        let tokens = tokens(statement)?;
        if !tokens.first().is_some_and(|first| first.is("create")) {
            return Ok(None);
        }
        Reading { tokens: &tokens, at: 1 }.declaration().map(Some)
    }
}

/// A piece of the statement.
#[derive(Debug)]
struct Token {
    kind: Kind,
    text: String,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Word,
    /// In backquotes or double quotes.
    Name,
    Text,
    Symbol,
}

impl Token {
    fn is(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    fn is_symbol(&self, symbol: &str) -> bool {
        self.kind == Kind::Symbol && self.text == symbol
    }
}

/// Cuts the statement into pieces, without blanks and comments; only the first of a statement that declares nothing.
fn tokens(statement: &str) -> Result<Vec<Token>, Error> {
    let mut chars = Chars { rest: statement.chars().peekable(), line: 1, column: 1 };
    let mut tokens = Vec::new();
    while let Some(first) = chars.peek() {
        let place = Place { line: chars.line, column: chars.column };
        let (kind, text) = match first {
            _ if first.is_whitespace() => {
                chars.next();
                continue;
            }
            '\'' => (Kind::Text, chars.quoted(place)?),
            '`' | '"' => (Kind::Name, chars.quoted(place)?),
            _ if is_word(first) => (Kind::Word, chars.word()),
            _ => {
                chars.next();
                match (first, chars.peek()) {
                    ('-', Some('-')) => {
                        while chars.next().is_some_and(|char| char != '\n') {}
                        continue;
                    }
                    ('/', Some('*')) => {
                        chars.comment();
                        continue;
                    }
                    _ => {}
                }
                (Kind::Symbol, first.to_string())
            }
        };
        tokens.push(Token { kind, text, place });
        if !tokens.first().is_some_and(|first| first.is("create")) {
            break;
        }
    }
    Ok(tokens)
}

struct Chars<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    line: u32,
    column: u32,
}

impl Chars<'_> {
    fn peek(&mut self) -> Option<char> {
        self.rest.peek().copied()
    }

    fn next(&mut self) -> Option<char> {
        let char = self.rest.next()?;
        (self.line, self.column) = if char == '\n' { (self.line + 1, 1) } else { (self.line, self.column + 1) };
        Some(char)
    }

    /// Goes behind the comment whose first sign was read.
    fn comment(&mut self) {
        let mut before = ' ';
        self.next();
        while let Some(char) = self.next() {
            if before == '*' && char == '/' {
                return;
            }
            before = char;
        }
    }

    fn word(&mut self) -> String {
        let mut word = String::new();
        while self.peek().is_some_and(is_word) {
            word.extend(self.next());
        }
        word
    }

    fn quoted(&mut self, place: Place) -> Result<String, Error> {
        let quote = self.next();
        let mut text = String::new();
        loop {
            match self.next() {
                char if char == quote && self.peek() == quote => text.extend(self.next()),
                char if char == quote => return Ok(text),
                Some(char) => text.push(char),
                None => return Err(Error::invalid(place, "the quote is not closed")),
            }
        }
    }
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

struct Reading<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl<'a> Reading<'a> {
    fn declaration(mut self) -> Result<Declaration, Error> {
        self.expect("external", "only external tables can be declared: CREATE EXTERNAL TABLE …")?;
        self.expect("table", "expected TABLE")?;
        if self.take("if") {
            self.expect("not", "expected NOT EXISTS")?;
            self.expect("exists", "expected EXISTS")?;
        }
        let name = self.name()?;
        let unknown = if self.peek().is_some_and(|token| token.is_symbol("(")) { self.columns()? } else { Vec::new() };
        let location = self.location()?;
        Ok(Declaration { name, location, unknown })
    }

    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<&'a Token> {
        let token = self.tokens.get(self.at)?;
        self.at += 1;
        Some(token)
    }

    fn take(&mut self, word: &str) -> bool {
        let is = self.peek().is_some_and(|token| token.is(word));
        self.at += usize::from(is);
        is
    }

    fn expect(&mut self, word: &str, otherwise: &str) -> Result<(), Error> {
        if self.take(word) { Ok(()) } else { Err(Error::invalid(self.place(), otherwise)) }
    }

    /// The place of the next piece, or of the last.
    fn place(&self) -> Place {
        self.peek().or_else(|| self.tokens.last()).map(|token| token.place).unwrap_or_default()
    }

    /// The table's name; a database before it is read over.
    fn name(&mut self) -> Result<String, Error> {
        let place = self.place();
        let mut name = self.next().filter(|token| matches!(token.kind, Kind::Word | Kind::Name));
        if self.peek().is_some_and(|token| token.is_symbol(".")) {
            self.at += 1;
            name = self.next().filter(|token| matches!(token.kind, Kind::Word | Kind::Name));
        }
        name.map(|token| token.text.clone()).ok_or_else(|| Error::invalid(place, "expected the table's name"))
    }

    /// Goes over the columns; answers those that records do not have.
    fn columns(&mut self) -> Result<Vec<String>, Error> {
        let open = self.place();
        let (mut round, mut angle) = (0_usize, 0_usize);
        let mut unknown = Vec::new();
        let mut names_column = false;
        while let Some(token) = self.next() {
            if std::mem::take(&mut names_column) && matches!(token.kind, Kind::Word | Kind::Name) && !is_column(&token.text) {
                unknown.push(token.text.clone());
            }
            match (token.kind, token.text.as_str()) {
                (Kind::Symbol, "(") => {
                    round += 1;
                    names_column = round == 1;
                }
                (Kind::Symbol, ")") => {
                    round -= 1;
                    if round == 0 {
                        return Ok(unknown);
                    }
                }
                (Kind::Symbol, "<") => angle += 1,
                (Kind::Symbol, ">") => angle = angle.saturating_sub(1),
                (Kind::Symbol, ",") => names_column = round == 1 && angle == 0,
                // Members follow, whether or not the bracket before them is there.
                (Kind::Word, word) if word.eq_ignore_ascii_case("struct") && !self.opens() => angle += 1,
                _ => {}
            }
        }
        Err(Error::invalid(open, "the parenthesis around the columns is not closed"))
    }

    fn opens(&self) -> bool {
        self.peek().is_some_and(|token| token.is_symbol("<"))
    }

    fn location(&mut self) -> Result<String, Error> {
        while let Some(token) = self.next() {
            if !token.is("location") {
                continue;
            }
            let place = self.place();
            let location = self.next().filter(|token| token.kind == Kind::Text && !token.text.is_empty());
            let location = location.ok_or_else(|| Error::invalid(place, "expected LOCATION 's3://bucket/prefix/'"))?;
            return Ok(location.text.clone());
        }
        let hint = "add LOCATION 's3://bucket/AWSLogs/account/CloudTrail/' at the end".to_owned();
        Err(Error::invalid(self.place(), "the table has no LOCATION").hint(Some(hint)))
    }
}

/// Whether records have such a column, under any family of names that AWS's pages use.
fn is_column(name: &str) -> bool {
    schema::columns(Family::Events).iter().any(|column| column.shown && column.name.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The statement as a page shows it that lost the bracket after STRUCT.
    const WITHOUT_BRACKET: &str = "CREATE EXTERNAL TABLE cloudtrail_logs (
        eventversion STRING,
        useridentity STRUCT
            type:STRING,
            principalid:STRING,
            sessioncontext:STRUCT<attributes:STRUCT<mfaauthenticated:STRING>>
        >,
        eventtime STRING,
        oddity STRING
    )
    ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'
    LOCATION 's3://trail-bucket/AWSLogs/123456789012/CloudTrail/';";

    fn parse(statement: &str) -> Result<Option<Declaration>, String> {
        Declaration::parse(statement).map_err(|error| error.to_string())
    }

    fn table(name: &str, location: &str, unknown: &[&str]) -> Declaration {
        let unknown = unknown.iter().map(|name| (*name).to_owned()).collect();
        Declaration { name: name.to_owned(), location: location.to_owned(), unknown }
    }

    #[test]
    fn a_bracket_may_be_missing() {
        let expected = Some(table("cloudtrail_logs", "s3://trail-bucket/AWSLogs/123456789012/CloudTrail/", &["oddity"]));
        assert_eq!(parse(WITHOUT_BRACKET), Ok(expected.clone()));
        assert_eq!(parse(&WITHOUT_BRACKET.replace("STRUCT\n", "STRUCT<\n")), Ok(expected));
    }

    #[test]
    fn what_athena_takes_besides_is_read_over() {
        let statement =
            "create external table if not exists `default`.`logs`(eventtime string, resources ARRAY<STRUCT<arn:string>>)
            COMMENT 'CloudTrail' PARTITIONED BY (`timestamp` string) STORED AS INPUTFORMAT 'x' OUTPUTFORMAT 'y'
            LOCATION 's3://b/it''s/' TBLPROPERTIES ('projection.enabled'='true') -- the end";
        assert_eq!(parse(statement), Ok(Some(table("logs", "s3://b/it's/", &[]))));
        assert_eq!(parse("CREATE EXTERNAL TABLE t LOCATION 's3://b/'"), Ok(Some(table("t", "s3://b/", &[]))));
        assert_eq!(parse("/* it's */ CREATE EXTERNAL TABLE t LOCATION 's3://b/'"), Ok(Some(table("t", "s3://b/", &[]))));
        assert_eq!(parse("SELECT 1 /* it's */"), Ok(None));
        assert_eq!(parse(""), Ok(None));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (statement, error) in [
            ("CREATE TABLE t (a string)", "line 1:8: only external tables"),
            ("CREATE EXTERNAL TABLE", "line 1:17: expected the table's name"),
            ("CREATE EXTERNAL TABLE t (a STRING\nLOCATION 's3://b/'", "line 1:25: the parenthesis"),
            ("CREATE EXTERNAL TABLE t (a STRING)", "the table has no LOCATION (add LOCATION"),
            ("CREATE EXTERNAL TABLE t\nLOCATION s3://b/", "line 2:10: expected LOCATION '"),
            ("CREATE EXTERNAL TABLE t LOCATION 's3", "line 1:34: the quote is not closed"),
        ] {
            let told = parse(statement).unwrap_err();
            assert!(told.contains(error), "{statement}: {told}");
        }
    }
}
