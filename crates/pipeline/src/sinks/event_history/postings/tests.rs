use super::*;
use crate::sinks::event_history::segment::SegmentFile;

/// Every `seek` along `ordinals` finds what a look at the list would, whatever steps are taken.
fn check(ordinals: &[u32], step: u32) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("list");
    let (bytes, list) = long(ordinals);
    std::fs::write(&path, bytes).unwrap();
    let file = Arc::new(SegmentFile::open(&path).unwrap());
    let records = ordinals.last().unwrap() + 1;
    let mut walk = Postings::open(List::Long(list), &file, records).unwrap();
    assert_eq!(walk.len(), ordinals.len());
    let mut from = 0;
    while from <= records {
        let expected = ordinals.iter().copied().find(|ordinal| *ordinal >= from);
        assert_eq!(walk.seek(from).unwrap(), expected, "from {from}");
        from += step;
    }
    assert_eq!(walk.seek(records + 7).unwrap(), None);
}

#[test]
fn long_lists_are_found_in_steps_of_any_length() {
    let dense: Vec<u32> = (0..1000).collect();
    let sparse: Vec<u32> = (0..1000).map(|i| i * 37 + i % 5).collect();
    let clustered: Vec<u32> = (0..600).map(|i| if i < 300 { i } else { 100_000 + i * 3 }).collect();
    for step in [1, 2, 127, 128, 129, 5_000] {
        check(&dense, step);
        check(&sparse, step);
        if step > 2 {
            check(&clustered, step);
        }
    }
}

#[test]
fn short_lists_come_back() {
    for ordinals in [vec![0], vec![5], vec![0, 1, 2], vec![3, 900, 70_000, u32::MAX - 2]] {
        let mut bytes = Vec::new();
        put_short(&mut bytes, &ordinals);
        let mut reader = Reader::new(&bytes);
        assert_eq!(get_short(&mut reader, ordinals.len(), u32::MAX), Some(ordinals.clone()));
        assert!(reader.is_empty());
        assert_eq!(get_short(&mut Reader::new(&bytes), ordinals.len(), *ordinals.last().unwrap()), None);
        assert_eq!(get_short(&mut Reader::new(&bytes), ordinals.len() + 1, u32::MAX), None);
    }
}

#[test]
fn any_damaged_byte_of_a_long_list_is_named() {
    let ordinals: Vec<u32> = (0..700).map(|i| i * 3).collect();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("list");
    let (bytes, list) = long(&ordinals);
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        std::fs::write(&path, &damaged).unwrap();
        let file = Arc::new(SegmentFile::open(&path).unwrap());
        let walked = Postings::open(List::Long(list), &file, 2_100).and_then(|walk| walk.rest(&mut Vec::new()));
        let Err(Error::Damaged(damage)) = walked else { panic!("byte {at} went unnoticed") };
        assert_eq!(damage.file, path);
        assert!(damage.offset <= at as u64, "byte {at}: {damage}");
    }
}
