use super::*;

fn check(wire: &str, expected: Option<&str>) {
    assert_eq!(read(wire).map(iso).as_deref(), expected, "{wire}");
}

#[test]
fn instants_are_read_in_every_spelling_of_the_wire() {
    check("2026-01-31T09:30:00Z", Some("2026-01-31T09:30:00Z"));
    check("2026-01-31T10:30:00+01:00", Some("2026-01-31T09:30:00Z"));
    check("2026-01-31T09:30:00.125Z", Some("2026-01-31T09:30:00.125Z"));
    check("2026-01-31T09:30:00", Some("2026-01-31T09:30:00Z"));
    check("2026-01-31", Some("2026-01-31T00:00:00Z"));
    check("1769851800", Some("2026-01-31T09:30:00Z"));
    check("1769851800.5", Some("2026-01-31T09:30:00.5Z"));
    check("1.7698518E9", Some("2026-01-31T09:30:00Z"));
    check("Sat, 31 Jan 2026 09:30:00 GMT", Some("2026-01-31T09:30:00Z"));
    for wire in
        ["", "soon", "9e99", "99999999999999999", "-", "2026-13-01", "\u{e9}026-01-31T09:30:00", "1970-01-01T00:00:0\u{e9}"]
    {
        check(wire, None);
    }
}

#[test]
fn instants_are_spelled_as_records_have_them() {
    let instant = read("2026-01-31T21:05:09Z").unwrap();
    assert_eq!(spoken(instant), "Jan 31, 2026, 9:05:09 PM");
    assert_eq!(millis(instant), "1769893509000");
    assert_eq!(iso_millis(instant), "2026-01-31T21:05:09.000Z");
    assert_eq!(spoken(read("2026-12-01T00:00:00Z").unwrap()), "Dec 1, 2026, 12:00:00 AM");
    assert_eq!(spoken(read("2026-12-01T12:00:00Z").unwrap()), "Dec 1, 2026, 12:00:00 PM");
}
