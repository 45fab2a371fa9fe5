//! Names and patterns, from the model's way of writing to Rust's.

/// `S3BucketName` → `s3_bucket_name`, `SnsTopicARN` → `sns_topic_arn`, `Type` → `type_`.
pub(super) fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let after_lower = at > 0 && !letters[at - 1].is_ascii_uppercase();
        let before_lower = letters.get(at + 1).is_some_and(char::is_ascii_lowercase);
        if letter.is_ascii_uppercase() && at > 0 && (after_lower || before_lower) {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    if out == "type" {
        out.push('_');
    }
    out
}

/// `TagsList` → `TAGS_LIST`, for constants.
pub(super) fn screaming(name: &str) -> String {
    snake(name).trim_end_matches('_').to_ascii_uppercase()
}

/// A Java pattern as the `regex` crate reads it, matching whole values: classes are ASCII in Java, and
/// characters beyond the basic plane are written as two `\u` escapes there.
pub(super) fn pattern(java: &str) -> String {
    let mut rest = java;
    let mut out = String::new();
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escape = &rest[at + 1..];
        let (written, used) = match escape.as_bytes().first() {
            Some(b'w') => ("[0-9A-Za-z_]".to_owned(), 1),
            Some(b'd') => ("[0-9]".to_owned(), 1),
            Some(b's') => ("[ \\t\\n\\x0B\\f\\r]".to_owned(), 1),
            Some(b'u') => unicode(escape),
            _ => (format!("\\{}", &escape[..1]), 1),
        };
        out.push_str(&written);
        rest = &escape[used..];
    }
    out.push_str(rest);
    format!("\\A(?:{out})\\z")
}

/// `uD83D\uDE00…` → `\u{1F600}` and how many bytes of it were read.
fn unicode(escape: &str) -> (String, usize) {
    let unit = |text: &str| u32::from_str_radix(text, 16).expect("the model's \\u escapes have four hex digits");
    let high = unit(&escape[1..5]);
    let low = escape[5..].strip_prefix("\\u").map(|text| unit(&text[..4]));
    match low {
        Some(low @ 0xDC00..=0xDFFF) if (0xD800..=0xDBFF).contains(&high) => {
            let scalar = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
            (format!("\\u{{{scalar:X}}}"), 11)
        }
        _ => (format!("\\u{{{high:X}}}"), 5),
    }
}

#[cfg(test)]
mod tests;
