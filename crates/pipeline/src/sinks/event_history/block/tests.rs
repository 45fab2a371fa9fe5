use super::*;

fn record(i: u64) -> Stored {
    let account = |n: u64| format!("{:012}", 111_111_111_111 + n).parse().unwrap();
    Stored {
        place: Place { event_time_s: 1_700_000_000 - (i as i64) * 7, position: u64::MAX - i * i },
        accepted_at_us: if i == 3 { i64::MIN } else { 1_700_000_000_000_000 + i as i64 },
        origin: Origin::from_stored((i % 3) as u8 + 1).unwrap(),
        owner: account(i % 2),
        account: account(i % 5),
        principal: SmolStr::new("p".repeat(i as usize * 40)),
        bytes: Bytes::from(format!("{{\"i\":{i}}}").repeat(i as usize)),
    }
}

fn encoded(records: &[Stored]) -> Vec<u8> {
    let mut out = Vec::new();
    encode(records, &mut out);
    out
}

#[test]
fn records_come_back() {
    for count in [1, 2, 31, RECORDS_MAX as u64] {
        let records: Vec<_> = (0..count).map(record).collect();
        assert_eq!(decode(&Bytes::from(encoded(&records))), Some(records));
    }
}

#[test]
fn what_is_no_block_is_refused() {
    let mut whole = encoded(&[record(1), record(2)]);
    for end in 0..whole.len() {
        assert_eq!(decode(&Bytes::copy_from_slice(&whole[..end])), None, "cut off at {end}");
    }
    whole.push(0);
    assert_eq!(decode(&Bytes::from(whole)), None);
    assert_eq!(decode(&Bytes::from_static(&[200])), None, "more records than a block has");
}
