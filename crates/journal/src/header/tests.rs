use super::*;

fn header() -> Header {
    Header {
        first: 12,
        accepted_at_us: 1_700_000_000_000_000,
        previous: Some((3, 4711)),
        ledgers: vec![(Bytes::from_static(b"one"), 5), (Bytes::from_static(b"two"), 7)],
    }
}

#[test]
fn a_header_comes_back_as_it_went_in() {
    let (mut bytes, salt) = header().encode();
    let length = bytes.len() as u64;
    bytes.extend_from_slice(b"frames follow");
    let parsed = Header::parse(&bytes).unwrap();
    assert_eq!((parsed.header, parsed.bytes, parsed.salt), (header(), length, salt));
}

#[test]
fn no_flipped_bit_goes_unnoticed() {
    let (bytes, _) = header().encode();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(Header::parse(&flipped).is_err(), "bit {bit}");
    }
}

#[test]
fn a_beginning_of_a_header_asks_for_the_rest() {
    let (bytes, _) = header().encode();
    for len in 0..bytes.len() {
        let needed = if len < LENGTH_END { LENGTH_END } else { bytes.len() };
        assert_eq!(Header::parse(&bytes[..len]).unwrap_err(), Fault::Short(needed), "{len} bytes");
    }
}

#[test]
fn ledgers_that_do_not_add_up_are_refused() {
    let (bytes, _) = Header { first: 13, ..header() }.encode();
    assert_eq!(Header::parse(&bytes).unwrap_err(), Fault::Bad("segment header is not laid out as one"));
}
