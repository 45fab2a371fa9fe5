//! Bounding a statement in time: each table it reads is replaced by the rows of that table from some time on.
//!
//! This is done on the text, between tokens, so that all the rest stays as it was written.

use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan};

use super::error::Error;
use super::lexer;

/// What may follow a table and is no alias.
const AFTER_TABLE: [&str; 22] = [
    "where",
    "group",
    "having",
    "order",
    "limit",
    "offset",
    "fetch",
    "union",
    "except",
    "intersect",
    "join",
    "inner",
    "left",
    "right",
    "full",
    "cross",
    "on",
    "using",
    "window",
    "tablesample",
    "natural",
    "for",
];

/// The statement over no rows that are earlier than `since`, a timestamp's text. Fails on what cannot be cut into tokens.
pub fn since(statement: &str, since: &str) -> Result<String, Error> {
    let tokens = lexer::tokens(statement)?;
    let mut bounded = Bounding { tokens: &tokens, with: with_names(&tokens), edits: Vec::new() };
    bounded.walk();
    let literal = since.replace('\'', "''");
    let offsets = Offsets::of(statement);
    let mut text = statement.to_owned();
    // From the end, so that places before stay what they are.
    for Table { start, end, alias } in bounded.edits.into_iter().rev() {
        let (start, end) = (offsets.of_place(start), offsets.of_place(end));
        let Some(name) = statement.get(start..end) else { continue };
        let alias = alias.map(|alias| format!(" AS \"{}\"", alias.replace('"', "\"\""))).unwrap_or_default();
        text.replace_range(start..end, &format!("(SELECT * FROM {name} WHERE eventTime >= '{literal}'){alias}"));
    }
    Ok(text)
}

/// A table's name in the statement.
struct Table {
    start: Location,
    end: Location,
    /// What it has to be called where it is not given another name.
    alias: Option<String>,
}

struct Bounding<'a> {
    tokens: &'a [TokenWithSpan],
    with: Vec<String>,
    edits: Vec<Table>,
}

impl Bounding<'_> {
    fn walk(&mut self) {
        // Whether each open parenthesis holds a query: a FROM elsewhere belongs to a function.
        let mut queries = vec![true];
        for at in 0..self.tokens.len() {
            match &self.tokens[at].token {
                Token::LParen => queries.push(false),
                Token::RParen if queries.len() > 1 => {
                    queries.pop();
                }
                _ if self.is(at, "select") => {
                    if let Some(last) = queries.last_mut() {
                        *last = true;
                    }
                }
                _ if self.is(at, "join") => self.tables(at + 1),
                _ if self.is(at, "from") => {
                    let distinct = at > 0 && self.is(at - 1, "distinct");
                    if queries.last() == Some(&true) && !distinct {
                        self.tables(at + 1);
                    }
                }
                _ => {}
            }
        }
    }

    /// The tables that are listed from here on.
    fn tables(&mut self, mut at: usize) {
        loop {
            let Some(after) = self.table(at) else { return };
            if !matches!(self.tokens.get(after).map(|token| &token.token), Some(Token::Comma)) {
                return;
            }
            at = after + 1;
        }
    }

    /// The table that is named here; answers the place behind it and its alias. None if something else stands here.
    fn table(&mut self, at: usize) -> Option<usize> {
        let first = self.word(at)?;
        if first.eq_ignore_ascii_case("unnest") || first.eq_ignore_ascii_case("lateral") {
            return None;
        }
        let mut last = at;
        while self.token(last + 1) == Some(&Token::Period) && self.word(last + 2).is_some() {
            last += 2;
        }
        let name = self.word(last)?.to_owned();
        let aliased = self.alias_end(last + 1);
        let is_with = last == at && self.with.iter().any(|with| with.eq_ignore_ascii_case(&name));
        if !is_with {
            let (start, end) = (self.tokens[at].span.start, self.tokens[last].span.end);
            self.edits.push(Table { start, end, alias: aliased.is_none().then_some(name) });
        }
        Some(aliased.unwrap_or(last + 1))
    }

    /// Behind the alias that stands here, if one does.
    fn alias_end(&self, at: usize) -> Option<usize> {
        let alias = if self.is(at, "as") { at + 1 } else { at };
        let word = self.word(alias)?;
        if alias == at && self.is_bare(at) && AFTER_TABLE.contains(&word.to_ascii_lowercase().as_str()) {
            return None;
        }
        let mut end = alias + 1;
        if self.token(end) == Some(&Token::LParen) {
            while self.token(end).is_some_and(|token| *token != Token::RParen) {
                end += 1;
            }
            end += 1;
        }
        Some(end)
    }

    fn token(&self, at: usize) -> Option<&Token> {
        self.tokens.get(at).map(|token| &token.token)
    }

    fn word(&self, at: usize) -> Option<&str> {
        match self.token(at) {
            Some(Token::Word(word)) => Some(&word.value),
            _ => None,
        }
    }

    fn is_bare(&self, at: usize) -> bool {
        is_bare(self.token(at))
    }

    fn is(&self, at: usize, word: &str) -> bool {
        self.is_bare(at) && self.word(at).is_some_and(|here| here.eq_ignore_ascii_case(word))
    }
}

fn is_bare(token: Option<&Token>) -> bool {
    matches!(token, Some(Token::Word(word)) if word.quote_style.is_none())
}

/// What common table expressions are called: names before `AS (`.
fn with_names(tokens: &[TokenWithSpan]) -> Vec<String> {
    let word = |at: usize| match tokens.get(at).map(|token| &token.token) {
        Some(Token::Word(word)) => Some(word.value.as_str()),
        _ => None,
    };
    let is_with =
        tokens.first().is_some_and(|first| matches!(&first.token, Token::Word(word) if word.value.eq_ignore_ascii_case("with")));
    let inner = tokens.windows(2).any(|pair| {
        pair[0].token == Token::LParen && matches!(&pair[1].token, Token::Word(word) if word.value.eq_ignore_ascii_case("with"))
    });
    if !is_with && !inner {
        return Vec::new();
    }
    let mut names = Vec::new();
    for at in 1..tokens.len() {
        let opens = tokens.get(at + 1).is_some_and(|token| token.token == Token::LParen);
        if !opens || !word(at).is_some_and(|word| word.eq_ignore_ascii_case("as")) {
            continue;
        }
        // Its columns may be named between the name and AS.
        let mut name = at - 1;
        if tokens[name].token == Token::RParen {
            while name > 0 && tokens[name].token != Token::LParen {
                name -= 1;
            }
            name = name.saturating_sub(1);
        }
        names.extend(word(name).map(str::to_owned));
    }
    names
}

/// Where the lines of a text begin, in bytes.
struct Offsets<'a> {
    text: &'a str,
    lines: Vec<usize>,
}

impl<'a> Offsets<'a> {
    fn of(text: &'a str) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, lines }
    }

    /// The byte at a line and a column of characters, both from 1.
    fn of_place(&self, place: Location) -> usize {
        let line = self.lines.get((place.line as usize).saturating_sub(1)).copied().unwrap_or(self.text.len());
        let rest = self.text.get(line..).unwrap_or_default();
        let column = (place.column as usize).saturating_sub(1);
        line + rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(statement: &str, expected: &str) {
        let expected = expected.replace('[', "(SELECT * FROM ").replace(']', " WHERE eventTime >= '2026-01-01T00:00:00Z')");
        assert_eq!(since(statement, "2026-01-01T00:00:00Z").unwrap(), expected);
    }

    #[test]
    fn every_table_is_bounded_and_keeps_its_name() {
        check("SELECT * FROM a", "SELECT * FROM [a] AS \"a\"");
        check("SELECT * FROM a;", "SELECT * FROM [a] AS \"a\";");
        check("SELECT 'é' FROM a x WHERE b = 'from c'", "SELECT 'é' FROM [a] x WHERE b = 'from c'");
        check(
            "select x.y\nfrom a AS x\nleft join b on x.y = b.y",
            "select x.y\nfrom [a] AS x\nleft join [b] AS \"b\" on x.y = b.y",
        );
        check("SELECT 1 FROM a, b c, d WHERE e", "SELECT 1 FROM [a] AS \"a\", [b] c, [d] AS \"d\" WHERE e");
        let store = "1234e567-0c7e-4c55-9a53-0d5f4f6f2a11";
        check(&format!("SELECT 1 FROM {store} LIMIT 1"), &format!("SELECT 1 FROM [{store}] AS \"{store}\" LIMIT 1"));
        check(
            "SELECT 1 FROM a UNION SELECT 1 FROM (SELECT 1 FROM b) c",
            "SELECT 1 FROM [a] AS \"a\" UNION SELECT 1 FROM (SELECT 1 FROM [b] AS \"b\") c",
        );
        check(
            "SELECT 1 FROM a WHERE b IN (SELECT b FROM c)",
            "SELECT 1 FROM [a] AS \"a\" WHERE b IN (SELECT b FROM [c] AS \"c\")",
        );
    }

    #[test]
    fn what_is_no_table_is_left_alone() {
        check("WITH x AS (SELECT 1 FROM a) SELECT 1 FROM x y", "WITH x AS (SELECT 1 FROM [a] AS \"a\") SELECT 1 FROM x y");
        check("WITH x (n) AS (SELECT 1 FROM a) SELECT 1 FROM x", "WITH x (n) AS (SELECT 1 FROM [a] AS \"a\") SELECT 1 FROM x");
        check("SELECT extract(day FROM t) FROM a", "SELECT extract(day FROM t) FROM [a] AS \"a\"");
        check("SELECT b IS DISTINCT FROM c FROM a", "SELECT b IS DISTINCT FROM c FROM [a] AS \"a\"");
        check(
            "SELECT 1 FROM a CROSS JOIN UNNEST(resources) AS t(r)",
            "SELECT 1 FROM [a] AS \"a\" CROSS JOIN UNNEST(resources) AS t(r)",
        );
        check("SELECT 1", "SELECT 1");
    }
}
