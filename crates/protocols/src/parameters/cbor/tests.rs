use time::macros::datetime;

use super::*;

fn check(bytes: &[u8], expected: &Result<Item, Unread>) {
    assert_eq!(item(bytes), *expected, "{bytes:02x?}");
}

fn number(text: &str) -> Item {
    Item::Number(text.to_owned())
}

#[test]
fn items_are_read_in_all_their_forms() {
    check(&[0x17], &Ok(number("23")));
    check(&[0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], &Ok(number("18446744073709551615")));
    check(&[0x3b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], &Ok(number("-18446744073709551616")));
    check(&[0xf9, 0x3c, 0x00], &Ok(number("1.0")));
    check(&[0xf9, 0x00, 0x01], &Ok(number("5.960464477539063e-8")));
    check(
        &[0xc2, 0x50, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xaf],
        &Ok(Item::Text("0x010000000000000000000000000000af".into())),
    );
    check(&[0xfa, 0x47, 0xc3, 0x50, 0x00], &Ok(number("100000.0")));
    check(&[0xfb, 0x3f, 0xf1, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a], &Ok(number("1.1")));
    check(&[0xf5], &Ok(Item::Boolean(true)));
    check(&[0xf6], &Ok(Item::Null));
    check(&[0x62, 0x68, 0x69], &Ok(Item::Text("hi".into())));
    check(&[0x7f, 0x61, 0x68, 0x61, 0x69, 0xff], &Ok(Item::Text("hi".into())));
    check(&[0x42, 1, 2], &Ok(Item::Bytes));
    check(&[0x9f, 0x01, 0xff], &Ok(Item::List(vec![Item::Number("1".into())])));
    check(&[0xbf, 0x61, 0x61, 0x80, 0xff], &Ok(Item::Map(vec![("a".into(), Item::List(Vec::new()))])));
    check(&[0xc1, 0x1a, 0x69, 0x7d, 0xcb, 0x98], &Ok(Item::Instant(datetime!(2026-01-31 09:30:00 UTC))));
    check(&[0xc2, 0x49, 1, 0, 0, 0, 0, 0, 0, 0, 0], &Ok(number("18446744073709551616")));
    check(&[0xc3, 0x41, 0xff], &Ok(number("-256")));
}

#[test]
fn lengths_that_are_claimed_are_held_against_what_is_there() {
    for bytes in
        [&[][..], &[0x1b, 1], &[0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], &[0x62, 0x68], &[0x7f, 0x41, 1, 0xff]]
    {
        check(bytes, &Err(Unread::Malformed));
    }
    check(&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], &Err(Unread::Malformed));
    for bytes in [&[0xff][..], &[0x1c], &[0xa1, 0x01, 0x01], &[1, 1], &[0x62, 0xff, 0xfe], &[0xf8, 0xff]] {
        check(bytes, &Err(Unread::Malformed));
    }
    check(&[0x81; 100], &Err(Unread::TooLarge));
    check(&[0xc1; 100], &Err(Unread::TooLarge));
    let mut many = vec![0x9f];
    many.resize(60_000, 0x01);
    check(&many, &Err(Unread::TooLarge));
}

#[test]
fn fractions_of_what_is_no_whole_number_are_none() {
    check(&[0xc4, 0x82, 0x21, 0x19, 0x6a, 0xb3], &Ok(number("27315e-2")));
    let half = || Item::Number("0.5".into());
    check(&[0xc4, 0x82, 0xf9, 0x38, 0x00, 0x01], &Ok(Item::List(vec![half(), number("1")])));
    check(&[0xc4, 0x82, 0x01, 0xf9, 0x38, 0x00], &Ok(Item::List(vec![number("1"), half()])));
    check(&[0xc4, 0x82, 0x01, 0xf9, 0x7e, 0x00], &Ok(Item::List(vec![number("1"), number("null")])));
}
