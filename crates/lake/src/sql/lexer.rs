//! The lexer of CloudTrail Lake's SQL: Trino's tokens, and names of event data stores.
//!
//! A store's name is a bare UUID, which may start with a digit and holds hyphens (`FROM 1234e567-…`): a stock lexer reads
//! arithmetic. So this lexer makes one quoted identifier of anything shaped like a UUID wherever it stands, and of a
//! hyphenated name, an ARN or `$EDS_ID` where a table is named. It also lets a number be a path segment
//! (`requestParameters.items.0.name`).

use datafusion::sql::sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan};

use super::error::{Error, Place};

/// The longest statement in characters (CloudTrail API reference, StartQuery).
pub const STATEMENT_CHARS_MAX: usize = 10_000;
/// What `ocsf_` and a store's name stand for together: that store's events as OCSF.
pub const OCSF_PREFIX: &str = "ocsf_";

/// Cuts a statement into tokens, without blanks and comments.
pub(crate) fn tokens(text: &str) -> Result<Vec<TokenWithSpan>, Error> {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() > STATEMENT_CHARS_MAX {
        let message = format!("the statement has {} characters, over {STATEMENT_CHARS_MAX}", chars.len());
        return Err(Error::invalid(Place::default(), message));
    }
    let mut lexer = Lexer { chars, at: 0, line: 1, column: 1, tokens: Vec::new(), queries: vec![true] };
    while lexer.next()? {}
    Ok(with_array_types(lexer.tokens))
}

/// Writes Trino's `array(varchar)` as `array<varchar>`, which is what the parser knows.
fn with_array_types(mut tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    // Whether each open parenthesis is one of an array's type.
    let mut open = Vec::new();
    let mut after_array = false;
    for token in &mut tokens {
        match &token.token {
            Token::LParen => {
                open.push(after_array);
                if after_array {
                    token.token = Token::Lt;
                }
            }
            Token::RParen if open.pop() == Some(true) => token.token = Token::Gt,
            _ => {}
        }
        after_array =
            matches!(&token.token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("array"));
    }
    tokens
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    line: u64,
    column: u64,
    tokens: Vec<TokenWithSpan>,
    /// Whether each open parenthesis holds a query; a FROM elsewhere belongs to a function (`EXTRACT(… FROM …)`).
    queries: Vec<bool>,
}

impl Lexer {
    /// Reads one token; false at the end.
    fn next(&mut self) -> Result<bool, Error> {
        self.blanks()?;
        let Some(&first) = self.chars.get(self.at) else { return Ok(false) };
        let start = self.location();
        let token = match first {
            '\'' => Token::SingleQuotedString(self.quoted('\'')?),
            '"' => Token::make_word(&self.quoted('"')?, Some('"')),
            '`' => Token::make_word(&self.quoted('`')?, Some('"')),
            _ => match self.store() {
                Some(name) => Token::make_word(&name, Some('"')),
                None if first.is_alphabetic() || first == '_' => Token::make_word(&self.take(is_word), None),
                None if first == '$' => self.dollar(),
                None if self.starts_number() => self.number(),
                None => self.symbol()?,
            },
        };
        self.note(&token);
        self.tokens.push(TokenWithSpan { token, span: Span { start, end: self.location() } });
        Ok(true)
    }

    fn location(&self) -> Location {
        Location { line: self.line, column: self.column }
    }

    fn place(&self) -> Place {
        Place { line: self.line as u32, column: self.column as u32 }
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn bump(&mut self) -> Option<char> {
        let char = self.peek(0)?;
        self.at += 1;
        if char == '\n' {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
        Some(char)
    }

    fn take(&mut self, while_: fn(char) -> bool) -> String {
        let mut taken = String::new();
        while self.peek(0).is_some_and(while_) {
            taken.extend(self.bump());
        }
        taken
    }

    /// Skips blanks, `-- …` and `/* … */`.
    fn blanks(&mut self) -> Result<(), Error> {
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(char), _) if char.is_whitespace() => {
                    self.bump();
                }
                (Some('-'), Some('-')) => while self.bump().is_some_and(|char| char != '\n') {},
                (Some('/'), Some('*')) => self.comment()?,
                _ => return Ok(()),
            }
        }
    }

    fn comment(&mut self) -> Result<(), Error> {
        let start = self.place();
        self.bump();
        self.bump();
        while !(self.peek(0) == Some('*') && self.peek(1) == Some('/')) {
            if self.bump().is_none() {
                return Err(Error::invalid(start, "the comment has no end"));
            }
        }
        self.bump();
        self.bump();
        Ok(())
    }

    /// What stands between two quotes; a doubled quote is one.
    fn quoted(&mut self, quote: char) -> Result<String, Error> {
        let start = self.place();
        self.bump();
        let mut text = String::new();
        loop {
            match self.bump() {
                Some(char) if char == quote => {
                    if self.peek(0) != Some(quote) {
                        return Ok(text);
                    }
                    self.bump();
                    text.push(quote);
                }
                Some(char) => text.push(char),
                None => return Err(Error::invalid(start, format!("the quote {quote} is not closed"))),
            }
        }
    }

    /// The name of a store that no other lexer would take as one token.
    fn store(&mut self) -> Option<String> {
        let prefix = if self.at_word(OCSF_PREFIX) { OCSF_PREFIX.len() } else { 0 };
        let length = match self.uuid(prefix) {
            Some(length) => prefix + length,
            None if self.table_comes() => self.free_name(prefix)?,
            None => return None,
        };
        Some((0..length).filter_map(|_| self.bump()).collect())
    }

    fn at_word(&self, word: &str) -> bool {
        word.chars().enumerate().all(|(i, char)| self.peek(i).is_some_and(|here| here.eq_ignore_ascii_case(&char)))
    }

    /// The length of the UUID that starts here and ends at a word's end.
    fn uuid(&self, from: usize) -> Option<usize> {
        const LENGTH: usize = 36;
        let fits = (0..LENGTH).all(|i| {
            self.peek(from + i)
                .is_some_and(|char| if matches!(i, 8 | 13 | 18 | 23) { char == '-' } else { char.is_ascii_hexdigit() })
        });
        (fits && !self.peek(from + LENGTH).is_some_and(|char| is_word(char) || char == '-')).then_some(LENGTH)
    }

    /// Whether the next token names a table: after FROM or JOIN of a query.
    fn table_comes(&self) -> bool {
        let keyword = |back: usize| match self.tokens.iter().nth_back(back).map(|token| &token.token) {
            Some(Token::Word(word)) if word.quote_style.is_none() => word.value.to_ascii_lowercase(),
            _ => String::new(),
        };
        let in_query = self.queries.last().copied().unwrap_or(true);
        keyword(0) == "join" || (keyword(0) == "from" && in_query && keyword(1) != "distinct")
    }

    /// The length of an unquoted ARN or of a name with hyphens or a leading digit.
    fn free_name(&self, from: usize) -> Option<usize> {
        let arn = self.at_word("arn:");
        let fits = |char: char| is_word(char) || char == '-' || (arn && matches!(char, ':' | '/' | '.'));
        let name: String = self.chars.iter().skip(self.at).take_while(|char| fits(**char)).collect();
        let name = name.split("--").next().unwrap_or_default().trim_end_matches('-');
        let special = arn || name.contains('-') || name.starts_with(|char: char| char.is_ascii_digit());
        (special && name.len() > from).then(|| name.chars().count())
    }

    /// `$EDS_ID`, or a lone dollar sign.
    fn dollar(&mut self) -> Token {
        self.bump();
        let name = format!("${}", self.take(|char| is_word(char) || char == '$'));
        Token::make_word(&name, Some('"'))
    }

    fn starts_number(&self) -> bool {
        let digit = |ahead| self.peek(ahead).is_some_and(|char: char| char.is_ascii_digit());
        digit(0) || (self.peek(0) == Some('.') && digit(1) && !self.after_operand())
    }

    /// Whether a path could go on here: the token before is a name or a closing bracket and touches this place.
    fn after_operand(&self) -> bool {
        self.tokens.last().is_some_and(|last| {
            last.span.end == self.location() && matches!(last.token, Token::Word(_) | Token::RParen | Token::RBracket)
        })
    }

    fn number(&mut self) -> Token {
        let segment = self.tokens.len() >= 2 && matches!(self.tokens.last(), Some(last) if last.token == Token::Period);
        let mut text = self.take(|char| char.is_ascii_digit());
        if segment {
            return Token::make_word(&text, Some('"'));
        }
        if self.peek(0) == Some('.') {
            text.extend(self.bump());
            text.push_str(&self.take(|char| char.is_ascii_digit()));
        }
        let signed = usize::from(matches!(self.peek(1), Some('+' | '-')));
        if matches!(self.peek(0), Some('e' | 'E')) && self.peek(1 + signed).is_some_and(|char| char.is_ascii_digit()) {
            for _ in 0..=signed {
                text.extend(self.bump());
            }
            text.push_str(&self.take(|char| char.is_ascii_digit()));
        }
        Token::Number(text, false)
    }

    fn symbol(&mut self) -> Result<Token, Error> {
        let place = self.place();
        let two = (self.peek(0), self.peek(1));
        let pair = match two {
            (Some('<'), Some('=')) => Some(Token::LtEq),
            (Some('>'), Some('=')) => Some(Token::GtEq),
            (Some('<'), Some('>')) | (Some('!'), Some('=')) => Some(Token::Neq),
            (Some('|'), Some('|')) => Some(Token::StringConcat),
            (Some('-'), Some('>')) => Some(Token::Arrow),
            (Some('='), Some('>')) => Some(Token::RArrow),
            (Some('='), Some('=')) => return Err(Error::invalid(place, "unexpected ==").hint(Some("write =".to_owned()))),
            _ => None,
        };
        if let Some(token) = pair {
            self.bump();
            self.bump();
            return Ok(token);
        }
        let char = self.bump().unwrap_or_default();
        Ok(match char {
            ',' => Token::Comma,
            '(' => Token::LParen,
            ')' => Token::RParen,
            '[' => Token::LBracket,
            ']' => Token::RBracket,
            '.' => Token::Period,
            ';' => Token::SemiColon,
            '+' => Token::Plus,
            '-' => Token::Minus,
            '*' => Token::Mul,
            '/' => Token::Div,
            '%' => Token::Mod,
            '=' => Token::Eq,
            '<' => Token::Lt,
            '>' => Token::Gt,
            '?' => return Err(Error::invalid(place, "the placeholder ? has no value")),
            _ => return Err(Error::invalid(place, format!("unexpected character {char}"))),
        })
    }

    /// Keeps account of the parentheses.
    fn note(&mut self, token: &Token) {
        match token {
            Token::LParen => self.queries.push(false),
            Token::RParen if self.queries.len() > 1 => {
                self.queries.pop();
            }
            Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("select") => {
                if let Some(last) = self.queries.last_mut() {
                    *last = true;
                }
            }
            _ => {}
        }
    }
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}
