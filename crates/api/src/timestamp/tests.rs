use super::Timestamp;

#[track_caller]
fn check(wire: &str, us: Option<i64>) {
    let parsed = serde_json::from_str::<Timestamp>(wire);
    assert_eq!(parsed.as_ref().ok().map(|timestamp| timestamp.us()), us, "{wire}: {parsed:?}");
}

#[test]
fn whole_and_fractional_seconds_are_read_and_nothing_else() {
    check("1700000000", Some(1_700_000_000_000_000));
    check("1.7e9", Some(1_700_000_000_000_000));
    check("1700000000.123", Some(1_700_000_000_123_000));
    check("1700000000.123456", Some(1_700_000_000_123_456));
    check("-1", Some(-1_000_000));
    check("253402300799", Some(253_402_300_799_000_000));
    check("253402300800", None);
    check("1e300", None);
    check("18446744073709551615", None);
    check(r#""2023-11-14T22:13:20Z""#, None);
    check("null", None);
}

#[test]
fn whole_seconds_are_written_as_integers() {
    assert_eq!(serde_json::to_string(&Timestamp::from_s(1_700_000_000)).unwrap(), "1700000000");
    assert_eq!(serde_json::to_string(&Timestamp::from_us(1_700_000_000_123_456)).unwrap(), "1700000000.123456");
    assert_eq!(Timestamp::from_us(-1).s(), -1);
}
