use super::{double, interval, timestamp};

#[test]
fn doubles_are_printed_as_trino_prints_them() {
    for (value, expected) in [
        (0.0, "0.0"),
        (1.0, "1.0"),
        (2.5, "2.5"),
        (0.001, "0.001"),
        (0.0001, "1.0E-4"),
        (9_999_999.0, "9999999.0"),
        (1e7, "1.0E7"),
        (12_345_678.9, "1.23456789E7"),
        (-1e-10, "-1.0E-10"),
        (f64::INFINITY, "Infinity"),
        (f64::NAN, "NaN"),
    ] {
        assert_eq!(double(value), expected);
    }
}

#[test]
fn times_are_printed_to_the_millisecond() {
    assert_eq!(timestamp(0), "1970-01-01 00:00:00.000");
    assert_eq!(timestamp(1_674_406_433_123_999), "2023-01-22 16:53:53.123");
    assert_eq!(timestamp(-1), "1969-12-31 23:59:59.999");
}

#[test]
fn intervals_are_printed_as_trino_prints_them() {
    assert_eq!(interval(0, 1_800_000_000), "0 00:30:00.000");
    assert_eq!(interval(0, -90_061_001_000), "-1 01:01:01.001");
    assert_eq!(interval(14, 0), "1-2");
}
