//! Rows as comma-separated values (RFC 4180), exactly as they are: NULL is an empty field, the empty text a pair of quotes,
//! as in the result files that the server delivers.

/// A line of fields.
pub(super) fn line<'a>(fields: impl Iterator<Item = Option<&'a str>>) -> String {
    let mut line = String::new();
    for (at, field) in fields.enumerate() {
        if at > 0 {
            line.push(',');
        }
        let Some(text) = field else { continue };
        if !text.is_empty() && !text.contains([',', '"', '\n', '\r']) {
            line.push_str(text);
        } else {
            line.push('"');
            line.push_str(&text.replace('"', "\"\""));
            line.push('"');
        }
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        let fields = [Some("a"), None, Some(""), Some("-5"), Some("x,\"y\"\nz")];
        assert_eq!(line(fields.into_iter()), "a,,\"\",-5,\"x,\"\"y\"\"\nz\"\n");
    }
}
