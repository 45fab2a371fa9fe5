use std::net::IpAddr;

use super::{BINARY, Read, TEXT_BYTES_MAX, read};

fn check(bytes: &[u8], expected: &Read) {
    assert_eq!(read(bytes), *expected, "{}", bytes.escape_ascii());
    // Byte by byte it is the same in the end, and never something else before.
    let decided = match expected {
        Read::Header(length, _) => *length,
        _ => return,
    };
    for end in 0..decided {
        assert_eq!(read(&bytes[..end]), Read::More, "{}", bytes[..end].escape_ascii());
    }
}

fn header(length: usize, source: &str) -> Read {
    Read::Header(length, Some(source.parse::<IpAddr>().unwrap()))
}

fn binary(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = BINARY.to_vec();
    bytes.extend([command, family]);
    bytes.extend((body.len() as u16).to_be_bytes());
    bytes.extend(body);
    bytes
}

#[test]
fn version_1_names_the_source() {
    check(b"PROXY TCP4 10.1.2.3 10.0.0.1 5000 443\r\nGET / ", &header(39, "10.1.2.3"));
    check(b"PROXY TCP6 fd00::1 fd00::2 5000 443\r\n", &header(37, "fd00::1"));
    check(b"PROXY UNKNOWN\r\n", &Read::Header(15, None));
    check(b"PROXY UNKNOWN ffff:f whatever\r\n", &Read::Header(31, None));
}

#[test]
fn version_1_with_nonsense_is_malformed() {
    check(b"PROXY TCP4 fd00::1 fd00::2 5000 443\r\n", &Read::Malformed);
    check(b"PROXY TCP4 10.1.2.3 10.0.0.1 5000\r\n", &Read::Malformed);
    check(b"PROXY TCP4 10.1.2.3 10.0.0.1 5000 99999\r\n", &Read::Malformed);
    check(b"PROXY UDP4 10.1.2.3 10.0.0.1 5000 443\r\n", &Read::Malformed);
    check(b"PROXY TCP4 10.1.2.3  10.0.0.1 5000 443\r\n", &Read::Malformed);
    check(b"PROXY \xff\r\n", &Read::Malformed);
    let mut endless = b"PROXY TCP4 ".to_vec();
    endless.resize(TEXT_BYTES_MAX, b'1');
    check(&endless, &Read::Malformed);
    check(&endless[..TEXT_BYTES_MAX - 1], &Read::More);
}

#[test]
fn version_2_names_the_source() {
    let four = [10, 1, 2, 3, 10, 0, 0, 1, 0, 80, 1, 187];
    check(&binary(0x21, 0x11, &four), &header(28, "10.1.2.3"));
    // What stands after the addresses is skipped.
    check(&binary(0x21, 0x11, &[&four[..], &[4, 0, 1, 0]].concat()), &header(32, "10.1.2.3"));
    let mut six = vec![0xfd];
    six.resize(36, 0);
    check(&binary(0x21, 0x21, &six), &header(52, "fd00::"));
    check(&binary(0x20, 0, &[]), &Read::Header(16, None));
    check(&binary(0x21, 0x31, &[0; 216]), &Read::Header(232, None));
}

#[test]
fn version_2_with_nonsense_is_malformed() {
    check(&binary(0x31, 0x11, &[0; 12]), &Read::Malformed);
    check(&binary(0x21, 0x11, &[0; 11]), &Read::Malformed);
    check(&binary(0x22, 0x11, &[0; 12]), &Read::Malformed);
    check(&binary(0x21, 0x11, &[0; 5000]), &Read::Malformed);
}

#[test]
fn other_beginnings_are_not_the_protocol() {
    check(b"GET / HTTP/1.1\r\n", &Read::Absent);
    check(b"PUT / HTTP/1.1\r\n", &Read::Absent);
    check(b"PROPFIND / HTTP/1.1\r\n", &Read::Absent);
    check(b"\x16\x03\x01", &Read::Absent);
    check(b"\r\n\r\nGET /", &Read::Absent);
    check(b"PRO", &Read::More);
    check(b"\r\n", &Read::More);
}
