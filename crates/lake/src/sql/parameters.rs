//! Placeholders (R12): the values of `?` are put into the text before it is read.

use super::error::{Error, Place};

/// Puts the values in place of the statement's `?`, from left to right. Substitution is textual: within quotes
/// (`eventTime > '?'`) the quotes stay, and a quote in the value is doubled.
pub fn with_parameters(text: &str, values: &[String]) -> Result<String, Error> {
    let asked = text.matches('?').count();
    if asked != values.len() {
        let message = format!("the statement has {asked} placeholders, but there are {} parameters", values.len());
        return Err(Error::invalid(Place::default(), message));
    }
    let mut filled = String::with_capacity(text.len());
    let mut values = values.iter();
    let mut quoted = false;
    for char in text.chars() {
        if char == '?' {
            let value = values.next().map(String::as_str).unwrap_or_default();
            filled.push_str(&if quoted { value.replace('\'', "''") } else { value.to_owned() });
        } else {
            quoted ^= char == '\'';
            filled.push(char);
        }
    }
    Ok(filled)
}
