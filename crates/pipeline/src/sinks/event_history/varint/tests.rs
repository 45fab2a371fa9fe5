use super::*;

#[test]
fn numbers_come_back() {
    for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
        let mut bytes = Vec::new();
        put(&mut bytes, value);
        put_signed(&mut bytes, value as i64);
        put_signed(&mut bytes, (value as i64).wrapping_neg());
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.number(), Some(value));
        assert_eq!(reader.signed(), Some(value as i64));
        assert_eq!(reader.signed(), Some((value as i64).wrapping_neg()));
        assert!(reader.is_empty());
    }
}

#[test]
fn what_is_cut_off_or_endless_is_no_number() {
    assert_eq!(Reader::new(&[]).number(), None);
    assert_eq!(Reader::new(&[0x80]).number(), None);
    assert_eq!(Reader::new(&[0xff; 11]).number(), None);
    assert_eq!(Reader::new(&[5]).up_to(4), None);
    assert_eq!(Reader::new(&[1, 2]).bytes(3), None);
}

#[test]
fn numbers_are_left_out() {
    let mut bytes = Vec::new();
    for value in [1, 500, 70_000, 9] {
        put(&mut bytes, value);
    }
    let mut reader = Reader::new(&bytes);
    reader.skip(0).unwrap();
    reader.skip(3).unwrap();
    assert_eq!(reader.number(), Some(9));
    assert_eq!(reader.skip(1), None);
}
