//! Texts with wildcards and variables: `*` is any run of characters, `?` any one, `${aws:username}` what the request
//! says (IAM user guide, "Variables and tags").

use super::{Context, Malformed};

/// What a text in a policy may have in it besides itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Syntax {
    /// `*` and `?`.
    pub(super) wildcards: bool,
    /// `${…}`: only in policies of version 2012-10-17; in older ones this is text.
    pub(super) variables: bool,
}

/// A text of a policy, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Symbol(Symbol),
    Variable { key: String, default: Option<String> },
}

/// A pattern for one request: no variables any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Symbol {
    Char(char),
    /// `?`.
    One,
    /// `*`.
    Run,
}

impl Pattern {
    pub(super) fn parse(text: &str, syntax: Syntax) -> Result<Self, Malformed> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if let (true, Some(inner)) = (syntax.variables, rest.strip_prefix("${")) {
                let (inner, after) =
                    inner.split_once('}').ok_or_else(|| Malformed::of(format!("The policy has an unclosed variable: {text}")))?;
                pieces.push(variable(inner)?);
                rest = after;
                continue;
            }
            pieces.push(Piece::Symbol(match c {
                '*' if syntax.wildcards => Symbol::Run,
                '?' if syntax.wildcards => Symbol::One,
                _ => Symbol::Char(c),
            }));
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
        Ok(Self(pieces))
    }

    /// The pattern for a request; `None` when a variable has no single value there, which then matches nothing.
    pub(super) fn resolve(&self, context: &Context) -> Option<Vec<Symbol>> {
        let mut symbols = Vec::with_capacity(self.0.len());
        for piece in &self.0 {
            match piece {
                Piece::Symbol(symbol) => symbols.push(*symbol),
                Piece::Variable { key, default } => {
                    let value = match context.get(key) {
                        Some([value]) => Some(value),
                        _ => default.as_ref(),
                    };
                    symbols.extend(value?.chars().map(Symbol::Char));
                }
            }
        }
        Some(symbols)
    }
}

/// `${*}`, `${?}` and `${$}` are those characters; else a key, and what to take when the request has none.
fn variable(inner: &str) -> Result<Piece, Malformed> {
    if let "*" | "?" | "$" = inner {
        return Ok(Piece::Symbol(Symbol::Char(inner.chars().next().unwrap_or('$'))));
    }
    let invalid = || Malformed::of(format!("The policy has an invalid variable: ${{{inner}}}"));
    let (key, default) = match inner.split_once(',') {
        None => (inner, None),
        Some((key, default)) => {
            let quoted = default.trim().strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
            (key, Some(quoted.ok_or_else(invalid)?.to_owned()))
        }
    };
    let key = key.trim();
    // Keys of tags have spaces and letters of all scripts.
    if key.is_empty() || key.chars().any(|c| c.is_control() || "${'*?".contains(c)) {
        return Err(invalid());
    }
    Ok(Piece::Variable { key: key.to_owned(), default })
}

/// Whether the whole value is of this form. At most pattern × value steps: only the last `*` is ever retried.
pub(super) fn matches(pattern: &[Symbol], value: &str, fold_case: bool) -> bool {
    let same = |a: char, b: char| a == b || fold_case && a.to_lowercase().eq(b.to_lowercase());
    let (mut at, mut rest) = (pattern, value.chars());
    let mut retry: Option<(&[Symbol], std::str::Chars<'_>)> = None;
    loop {
        let mut ahead = rest.clone();
        match (at.split_first(), ahead.next()) {
            (None, None) => return true,
            (Some((Symbol::Run, after)), _) => {
                retry = Some((after, rest.clone()));
                at = after;
            }
            (Some((Symbol::One, after)), Some(_)) => (at, rest) = (after, ahead),
            (Some((Symbol::Char(wanted), after)), Some(c)) if same(*wanted, c) => (at, rest) = (after, ahead),
            _ => {
                let Some((after, mut from)) = retry.take() else { return false };
                if from.next().is_none() {
                    return false;
                }
                (at, rest) = (after, from.clone());
                retry = Some((after, from));
            }
        }
    }
}

/// Whether an ARN is of this form, part by part: a wildcard does not reach over the first five colons. The last part
/// of a pattern with fewer parts, such as `arn:aws:s3:*`, is compared with all that is left.
pub(super) fn matches_arn(pattern: &[Symbol], value: &str) -> bool {
    let parts: Vec<&[Symbol]> = pattern.splitn(6, |symbol| *symbol == Symbol::Char(':')).collect();
    let values: Vec<&str> = value.splitn(parts.len(), ':').collect();
    values.len() == parts.len() && parts.iter().zip(values).all(|(part, value)| matches(part, value, false))
}
