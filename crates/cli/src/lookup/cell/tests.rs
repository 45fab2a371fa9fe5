use super::*;

#[test]
fn what_would_act_on_a_terminal_is_replaced() {
    assert_eq!(clean("a\x1b[31mb\nc\u{9b}2J\u{202e}d\u{7f}"), "a\u{fffd}[31mb\u{fffd}c\u{fffd}2J\u{fffd}d\u{fffd}");
    assert_eq!(clean("Zoë 山田 ünï"), "Zoë 山田 ünï");
}

#[test]
fn texts_take_exactly_their_columns() {
    for (text, columns, expected) in [
        ("dana", 6, "dana  "),
        ("dana", 4, "dana"),
        ("danaide", 4, "dan…"),
        ("dana", 1, "…"),
        ("dana", 0, ""),
        ("", 2, "  "),
        ("山田太郎", 8, "山田太郎"),
        ("山田太郎", 7, "山田太…"),
        ("山田太郎", 6, "山田… "),
        ("e\u{301}e", 2, "e\u{301}e"),
    ] {
        let fitted = fitted(text, columns);
        assert_eq!(fitted, expected);
        assert_eq!(width(&fitted), columns, "{text}");
    }
}
