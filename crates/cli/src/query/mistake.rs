//! Showing where in a statement a mistake is.

/// What a message that names a place is told with: the line, and a mark below the place. Nothing if it names none.
pub(super) fn shown(message: &str, statement: &str) -> Option<String> {
    let (line, column) = place(message)?;
    let text = statement.lines().nth(line.checked_sub(1)?)?;
    let before: String = text.chars().take(column.checked_sub(1)?).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    Some(format!("  {text}\n  {before}^"))
}

/// The first `line N:M` of a message.
fn place(message: &str) -> Option<(usize, usize)> {
    let rest = &message[message.find("line ")? + "line ".len()..];
    let (line, rest) = rest.split_once(':')?;
    let column = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((line.parse().ok()?, column.parse().ok()?))
}

/// The message with the place below it, if it names one.
pub(super) fn told(message: &str, statement: &str) -> String {
    match shown(message, statement) {
        Some(shown) => format!("{message}\n{shown}"),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_marked() {
        let statement = "SELECT eventID\nFROM x\nWHERE eventNam = 'é'";
        let told =
            told("InvalidQueryStatementException: line 3:7: column eventNam does not exist (did you mean eventname?)", statement);
        assert!(told.ends_with("eventname?)\n  WHERE eventNam = 'é'\n        ^"), "{told}");
        assert_eq!(shown("no place", statement), None);
        assert_eq!(shown("line 9:1: x", statement), None);
        assert_eq!(shown("line x: y", statement), None);
    }
}
