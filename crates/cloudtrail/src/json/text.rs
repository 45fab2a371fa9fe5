//! Strings: from their JSON form to text.

use std::borrow::Cow;

/// The text of a JSON string, given without its quotes. A lone surrogate, which is legal JSON but no text, becomes
/// U+FFFD; so does an escape that is none.
pub fn unescape(inner: &str) -> Cow<'_, str> {
    decode(inner, || Some(char::REPLACEMENT_CHARACTER)).unwrap_or_default()
}

/// The text of a JSON string, given without its quotes; `None` when there is a lone surrogate in it.
pub(crate) fn unescape_strictly(inner: &str) -> Option<Cow<'_, str>> {
    decode(inner, || None)
}

fn decode(inner: &str, lone: impl Fn() -> Option<char>) -> Option<Cow<'_, str>> {
    let Some(first) = memchr::memchr(b'\\', inner.as_bytes()) else {
        return Some(Cow::Borrowed(inner));
    };
    let mut out = String::with_capacity(inner.len());
    let (plain, mut rest) = inner.split_at(first);
    out.push_str(plain);
    while let Some(escaped) = rest.strip_prefix('\\') {
        let (decoded, after) = escape(escaped);
        out.push(match decoded {
            Some(c) => c,
            None => lone()?,
        });
        let plain = memchr::memchr(b'\\', after.as_bytes()).unwrap_or(after.len());
        let (plain, next) = after.split_at(plain);
        out.push_str(plain);
        rest = next;
    }
    Some(Cow::Owned(out))
}

/// The character an escape stands for, and what follows it; the escape is given without its backslash.
fn escape(text: &str) -> (Option<char>, &str) {
    let mut chars = text.chars();
    let simple = match chars.next() {
        Some('u') => return unicode(chars.as_str()),
        Some('b') => '\u{8}',
        Some('f') => '\u{c}',
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        Some(c @ ('"' | '\\' | '/')) => c,
        Some(_) | None => return (None, chars.as_str()),
    };
    (Some(simple), chars.as_str())
}

/// After `\u`: one escape, or two that make a surrogate pair (RFC 8259, section 7).
fn unicode(text: &str) -> (Option<char>, &str) {
    let Some((high, after)) = hex4(text) else {
        return (None, text);
    };
    if !(0xD800..0xDC00).contains(&high) {
        return (char::from_u32(high), after);
    }
    match after.strip_prefix("\\u").and_then(hex4) {
        Some((low, after)) if (0xDC00..0xE000).contains(&low) => {
            (char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)), after)
        }
        _ => (None, after),
    }
}

fn hex4(text: &str) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(4)?;
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    Some((u32::from_str_radix(digits, 16).ok()?, rest))
}
