//! Completing what is typed: keywords, functions, columns, and what tables are called.

use std::cell::RefCell;

use lake::words;
use rustyline::completion::{Completer, Pair};
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper, Result};

use super::statements;

/// Names that stand for the one store there is, or for the files that are read.
const TABLES: [&str; 2] = ["event_data_store", "cloudtrail_logs"];

/// What helps whoever types a statement.
pub(super) struct Typing {
    words: Vec<Word>,
    /// Words that are commands of their own, without `;`.
    commands: &'static [&'static str],
    tables: RefCell<Vec<String>>,
}

struct Word {
    shown: String,
    written: String,
}

impl Typing {
    /// Knows the language, the columns, and these names of tables.
    pub(super) fn new(tables: Vec<String>, commands: &'static [&'static str]) -> Self {
        let plain = |word: &str| Word { shown: word.to_owned(), written: word.to_owned() };
        let mut words: Vec<Word> = words::columns().iter().map(|column| plain(column)).collect();
        words.extend(words::functions().map(|name| Word { shown: format!("{name}()"), written: format!("{name}(") }));
        words.extend(words::KEYWORDS.iter().chain(&TABLES).map(|word| plain(word)));
        words.sort_by(|a, b| a.shown.cmp(&b.shown));
        words.dedup_by(|a, b| a.written == b.written);
        Self { words, commands, tables: RefCell::new(tables) }
    }

    /// There is one more table.
    pub(super) fn add_table(&self, name: &str) {
        let mut tables = self.tables.borrow_mut();
        if !tables.iter().any(|table| table == name) {
            tables.push(name.to_owned());
        }
    }

    /// What may follow at the end of `text`: from where on, and the candidates.
    fn candidates(&self, text: &str) -> (usize, Vec<Pair>) {
        let begins = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-');
        let start = text.char_indices().rev().take_while(|(_, c)| begins(*c)).last().map_or(text.len(), |(at, _)| at);
        let typed = &text[start..];
        if typed.is_empty() || is_in_quotes(&text[..start]) {
            return (start, Vec::new());
        }
        let fits = |word: &str| word.get(..typed.len()).is_some_and(|head| head.eq_ignore_ascii_case(typed));
        let upper = typed.chars().all(|c| !c.is_lowercase());
        let word = |word: &Word| {
            // A keyword is written as its beginning was: `sel` becomes `select`.
            let is_keyword = words::KEYWORDS.contains(&word.written.as_str());
            let written = if is_keyword && !upper { word.written.to_lowercase() } else { word.written.clone() };
            Pair { display: word.shown.clone(), replacement: written }
        };
        let mut found: Vec<Pair> = self.words.iter().filter(|word| fits(&word.written)).map(word).collect();
        let tables = self.tables.borrow();
        let tables = tables.iter().filter(|table| fits(table));
        found.extend(tables.map(|table| Pair { display: table.clone(), replacement: table.clone() }));
        // Members of a struct come when it is there and a point behind it.
        let depth = typed.matches('.').count();
        found.retain(|pair| pair.replacement.matches('.').count() <= depth || pair.replacement.starts_with(typed));
        (start, found)
    }
}

/// Whether a text that is not closed begins in there.
fn is_in_quotes(text: &str) -> bool {
    let mut open = None;
    for c in text.chars() {
        match open {
            None if matches!(c, '\'' | '"') => open = Some(c),
            Some(quote) if c == quote => open = None,
            _ => {}
        }
    }
    open.is_some()
}

impl Completer for Typing {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> Result<(usize, Vec<Pair>)> {
        Ok(self.candidates(line.get(..pos).unwrap_or(line)))
    }
}

impl Validator for Typing {
    fn validate(&self, context: &mut ValidationContext<'_>) -> Result<ValidationResult> {
        let typed = context.input().trim();
        let done = self.commands.iter().any(|command| typed.eq_ignore_ascii_case(command)) || statements::is_complete(typed);
        Ok(if done { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}

impl Hinter for Typing {
    type Hint = String;
}

impl Highlighter for Typing {}

impl Helper for Typing {}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(text: &str) -> (usize, Vec<String>) {
        let typing = Typing::new(vec!["my-store".to_owned()], &[]);
        let (start, found) = typing.candidates(text);
        (start, found.into_iter().map(|pair| pair.replacement).collect())
    }

    #[test]
    fn columns_functions_and_tables_are_completed() {
        assert_eq!(complete("SELECT eventna"), (7, vec!["eventName".to_owned()]));
        assert_eq!(complete("SELECT element_"), (7, vec!["element_at(".to_owned()]));
        assert_eq!(complete("select 1 wher"), (9, vec!["where".to_owned()]));
        assert_eq!(complete("SELECT 1 WHER"), (9, vec!["WHERE".to_owned()]));
        assert_eq!(complete("SELECT 1 FROM my-"), (14, vec!["my-store".to_owned()]));
        assert!(complete("SELECT useridentity.sess").1.iter().all(|word| word.starts_with("userIdentity.sessionContext")));
        assert!(complete("SELECT useridentity.a").1.contains(&"userIdentity.arn".to_owned()));
        assert_eq!(complete("SELECT 'eventna").1, Vec::<String>::new());
    }
}
