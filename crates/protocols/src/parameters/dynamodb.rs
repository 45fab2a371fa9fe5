//! DynamoDB's items: records have the values of primary keys and of nothing else, and statements without literals.

use super::value::Value;

/// What stands in place of a literal.
const REDACTED: &str = "***(Redacted)";

/// The names of attributes, without what they hold.
pub(crate) fn keys(value: Value) -> Value {
    match value {
        Value::Object(entries) => Value::List(entries.into_iter().map(|(name, _)| Value::Text(name)).collect()),
        Value::List(several) => Value::List(several.into_iter().map(keys).collect()),
        _ => Value::List(Vec::new()),
    }
}

/// Keys with their values, without the letters that say of what type they are.
pub(crate) fn plain(value: Value) -> Value {
    match value {
        Value::List(keys) => Value::List(keys.into_iter().map(plain).collect()),
        Value::Object(entries) => {
            let told = entries.into_iter().map(|(name, value)| (name, without_type(value)));
            Value::Object(told.collect())
        }
        other => other,
    }
}

fn without_type(value: Value) -> Value {
    match value {
        Value::Object(typed) => match typed.into_iter().next() {
            Some((_, value @ (Value::Text(_) | Value::Number(_) | Value::Boolean(_)))) => value,
            // A key in bytes.
            _ => Value::text(REDACTED),
        },
        _ => Value::text(REDACTED),
    }
}

/// A statement of PartiQL without the text and the numbers in it.
pub(crate) fn statement(value: Value) -> Value {
    let text = match value {
        Value::Text(text) => text,
        Value::List(several) => return Value::List(several.into_iter().map(statement).collect()),
        _ => return Value::Null,
    };
    let mut told = String::new();
    let mut letters = text.chars().peekable();
    let mut in_word = false;
    while let Some(letter) = letters.next() {
        if letter == '\'' {
            told.push_str(REDACTED);
            // A quote within text is written twice, and so looks like another text at once.
            while letters.next().is_some_and(|letter| letter != '\'') {}
        } else if letter == '"' {
            told.push('"');
            for letter in letters.by_ref() {
                told.push(letter);
                if letter == '"' {
                    break;
                }
            }
        } else if letter.is_ascii_digit() && !in_word {
            told.push_str(REDACTED);
            while letters.next_if(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '+' | '-')).is_some() {}
        } else {
            told.push(letter);
        }
        in_word = letter.is_alphanumeric() || letter == '_';
    }
    Value::Text(told)
}

#[cfg(test)]
mod tests;
