use super::*;

const SALT: u32 = 0x1234_5678;

fn entry() -> Entry {
    Entry {
        kind: Kind::Event,
        ledger: Bytes::from_static(b"123456789012/us-east-1"),
        origin: 2,
        flags: 0x8000_0001,
        principal: Bytes::from_static(b"arn:aws:iam::123456789012:root"),
        payload: Bytes::from_static(br#"{"eventName":"CreateBucket"}"#),
    }
}

fn encoded() -> Vec<u8> {
    let mut out = Vec::new();
    encode(&mut out, SALT, Place { position: 7, sequence: 3, accepted_at_us: -5 }, &entry());
    out
}

fn check(bytes: &[u8], salt: u32) -> Result<(), Fault> {
    let header = Header::parse(bytes, salt)?;
    header.body(bytes).map(|_| ())
}

#[test]
fn a_frame_comes_back_as_it_went_in() {
    let bytes = encoded();
    let header = Header::parse(&bytes, SALT).unwrap();
    let body = header.body(&bytes).unwrap();
    assert_eq!(header.ledger(body), b"123456789012/us-east-1");
    assert_eq!((header.frame_bytes(), entry().bytes()), (bytes.len(), bytes.len()));
    let entry = entry();
    let expected = Frame {
        position: 7,
        sequence: 3,
        accepted_at_us: -5,
        kind: Kind::Event,
        ledger: entry.ledger,
        origin: 2,
        flags: 0x8000_0001,
        principal: entry.principal,
        payload: entry.payload,
    };
    assert_eq!(header.frame(Kind::Event, &Bytes::from(bytes), 0), expected);
}

#[test]
fn no_flipped_bit_goes_unnoticed() {
    let bytes = encoded();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(matches!(check(&flipped, SALT), Err(Fault::Bad(_))), "bit {bit}");
    }
}

#[test]
fn a_beginning_of_a_frame_asks_for_the_rest() {
    let bytes = encoded();
    for len in 0..bytes.len() {
        let needed = if len < HEADER_BYTES { HEADER_BYTES } else { bytes.len() };
        assert_eq!(check(&bytes[..len], SALT), Err(Fault::Short(needed)), "{len} bytes");
    }
}

#[test]
fn a_frame_of_another_segment_is_none() {
    assert!(matches!(check(&encoded(), SALT + 1), Err(Fault::Bad(_))));
    assert!(matches!(check(&[0; 100], SALT), Err(Fault::Bad(_))));
}

#[test]
fn a_commit_comes_back_as_it_went_in() {
    let rows = vec![Row { key: b"a".as_slice(), size: 3 }, Row { key: b"".as_slice(), size: u64::MAX }];
    let group = Group { first: 4, start: 99, rows, checksum: 0xdead_beef };
    let mut bytes = Vec::new();
    encode_commit(&mut bytes, SALT, 6, 11, &group);
    assert!(may_be_commit(&bytes));
    let header = Header::parse(&bytes, SALT).unwrap();
    assert_eq!((header.kind, header.position, header.sequence, header.accepted_at_us), (None, 6, 2, 11));
    assert_eq!(Group::parse(header.body(&bytes).unwrap()), Ok(group));
}

#[test]
fn a_commit_that_promises_more_rows_than_it_has_is_none() {
    let mut payload = [0; 24];
    payload[16..20].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(matches!(Group::parse(&payload), Err(Fault::Bad(_))));
}
