//! Where the server is to put what is sent.

/// A name, an id or an ARN of an event data store.
pub(super) fn store_name(text: &str) -> Result<String, String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "._-:/".contains(c);
    if !text.is_empty() && text.chars().all(legal) {
        Ok(text.to_owned())
    } else {
        Err("an event data store has letters, digits and . _ - in its name".to_owned())
    }
}

/// Path and query to post to.
pub(super) fn path(store: Option<&str>, into_trails: bool) -> String {
    let mut path = "/v1/import".to_owned();
    if let Some(words) = words(store, into_trails) {
        path.push_str("?route=");
        path.extend(words.join(",").chars().map(escaped));
    }
    path
}

fn words(store: Option<&str>, into_trails: bool) -> Option<Vec<String>> {
    match (store, into_trails) {
        (None, false) => None,
        (None, true) => Some(["history", "stores", "trails"].map(str::to_owned).into()),
        (Some(store), false) => Some(vec![format!("store:{store}")]),
        (Some(store), true) => Some(vec!["trails".to_owned(), format!("store:{store}")]),
    }
}

/// The characters of words that a query cannot have as they are.
fn escaped(c: char) -> String {
    match c {
        ',' => "%2C".to_owned(),
        ':' => "%3A".to_owned(),
        '/' => "%2F".to_owned(),
        c => c.to_string(),
    }
}
