use super::*;

fn object(size: u64, parts: &[u64]) -> Object {
    let mut object = Object {
        file: 1,
        size,
        etag: "tag".into(),
        modified_at_us: 5_900_000,
        attributes: catalog::objects::Attributes::default(),
    };
    let part = |(index, size): (usize, &u64)| PartOfObject { number: index as i32 + 1, size: *size, checksum: None };
    object.attributes.parts = parts.iter().enumerate().map(part).collect();
    object
}

#[test]
fn parts_and_ranges_select_bytes() {
    let check = |object: &Object, range: Option<&str>, part: Option<i32>, expected: Option<Range<u64>>| {
        let range = range.map(|range| dto::Range::parse(range).unwrap());
        assert_eq!(select(object, range.as_ref(), part).ok().map(|selected| selected.range), expected, "{range:?} {part:?}");
    };
    let whole = object(10, &[]);
    check(&whole, None, None, Some(0..10));
    check(&whole, Some("bytes=9-"), None, Some(9..10));
    check(&whole, Some("bytes=10-"), None, None);
    check(&whole, None, Some(1), Some(0..10));
    check(&whole, None, Some(2), None);
    check(&whole, Some("bytes=0-1"), Some(1), None);
    check(&object(0, &[]), Some("bytes=-5"), None, None);
    check(&object(0, &[]), None, None, Some(0..0));
    let parted = object(10, &[4, 6]);
    check(&parted, None, Some(2), Some(4..10));
    check(&parted, None, Some(0), None);
}

#[test]
fn dates_are_compared_in_whole_seconds() {
    let at = |seconds: i64| Timestamp::from(instant(seconds * 1_000_000));
    let object = object(1, &[]);
    let (five, four) = (at(5), at(4));
    let since = |since| Conditions { modified_since: Some(since), ..Conditions::default() };
    assert!(since(&five).check(&object).is_err());
    assert!(since(&four).check(&object).is_ok());
}
