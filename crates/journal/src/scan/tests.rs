use super::*;
use crate::frame::{Place, Row, encode, encode_commit};
use crate::header::Header as SegmentHeader;
use crate::{Entry, Kind};

/// A segment with groups of the given payload sizes, and where each group ends.
struct Sample {
    data: Vec<u8>,
    parsed: Parsed,
    ends: Vec<usize>,
}

fn sample(groups: &[&[usize]]) -> Sample {
    let header = SegmentHeader {
        first: 5,
        accepted_at_us: 1_000,
        previous: Some((0, 77)),
        ledgers: vec![(Bytes::from_static(b"ledger"), 5)],
    };
    let (mut data, salt) = header.encode();
    let parsed = SegmentHeader::parse(&data).unwrap();
    let (mut position, mut ends) = (5, Vec::new());
    for sizes in groups {
        let (first, start, mut checksum) = (position, data.len() as u64, Hasher::new());
        for size in *sizes {
            let entry = Entry {
                kind: Kind::Event,
                ledger: Bytes::from_static(b"ledger"),
                origin: 1,
                flags: 0,
                principal: Bytes::new(),
                payload: vec![b'x'; *size].into(),
            };
            let place = Place { position, sequence: position, accepted_at_us: 2_000 };
            checksum.update(&encode(&mut data, salt, place, &entry).to_le_bytes());
            position += 1;
        }
        let rows = vec![Row { key: b"ledger", size: position }];
        encode_commit(&mut data, salt, position, 2_000, &Group { first, start, rows, checksum: checksum.finalize() });
        ends.push(data.len());
    }
    Sample { data, parsed, ends }
}

fn check(data: &[u8], sample: &Sample, groups: usize, expected: &Rest) {
    let scan = scan(data, &sample.parsed);
    let end = groups.checked_sub(1).map_or(sample.parsed.bytes as usize, |last| sample.ends[last]);
    assert_eq!((scan.end, &scan.rest), (end, expected));
}

#[test]
fn whole_groups_are_taken() {
    let sample = sample(&[&[10, 2000], &[300], &[1, 1, 1]]);
    check(&sample.data, &sample, 3, &Rest::Empty);
    let scan = scan(&sample.data, &sample.parsed);
    assert_eq!((scan.tail.position, scan.tail.accepted_at_us, scan.last_group), (11, 2_000, sample.ends[1]));
    assert_eq!(scan.tail.ledgers[&b"ledger"[..]], 11);
}

#[test]
fn a_file_that_ends_anywhere_in_the_last_group_is_torn() {
    let sample = sample(&[&[10, 700], &[600, 600]]);
    for len in sample.ends[0] + 1..sample.ends[1] {
        check(&sample.data[..len], &sample, 1, &Rest::Torn);
    }
    check(&sample.data[..sample.ends[0]], &sample, 1, &Rest::Empty);
    check(&sample.data[..sample.ends[0] - 1], &sample, 0, &Rest::Torn);
}

#[test]
fn a_last_group_with_a_sector_never_written_is_torn_even_if_its_commit_was() {
    let sample = sample(&[&[10, 700], &[3000, 3000]]);
    let mut data = sample.data.clone();
    let sector = (sample.ends[0] + 600).next_multiple_of(SECTOR_BYTES);
    data[sector..sector + SECTOR_BYTES].fill(0);
    check(&data, &sample, 1, &Rest::Torn);
}

#[test]
fn a_missing_sector_with_a_group_after_it_is_corruption() {
    let sample = sample(&[&[10, 700], &[3000, 3000], &[5]]);
    let mut data = sample.data.clone();
    let sector = (sample.ends[0] + 600).next_multiple_of(SECTOR_BYTES);
    data[sector..sector + SECTOR_BYTES].fill(0);
    let reason = "frame body does not match its checksum";
    check(&data, &sample, 1, &Rest::Corrupt { offset: sample.ends[0], reason });
}

#[test]
fn a_file_that_grew_by_zeros_is_torn() {
    let sample = sample(&[&[10, 700], &[30]]);
    for zeros in [1, 47, 48, 49, 512, 5000] {
        let data = [&sample.data[..], &vec![0; zeros]].concat();
        check(&data, &sample, 2, &Rest::Torn);
    }
}

#[test]
fn a_flipped_bit_is_corruption_wherever_it_is() {
    let sample = sample(&[&[10, 40], &[60, 6]]);
    for bit in sample.parsed.bytes as usize * 8..sample.data.len() * 8 {
        let mut data = sample.data.clone();
        data[bit / 8] ^= 1 << (bit % 8);
        let scan = scan(&data, &sample.parsed);
        let Rest::Corrupt { offset, .. } = scan.rest else { panic!("bit {bit}: {:?}", scan.rest) };
        assert!(offset <= bit / 8, "bit {bit}: {offset}");
    }
}

#[test]
fn a_payload_that_imitates_a_commit_does_not_pass_for_one() {
    let mut sample = sample(&[&[10], &[30]]);
    let commit = sample.data[sample.ends[0]..].to_vec();
    sample.data.truncate(sample.ends[0] + 20);
    // The same commit frames, copied to where they do not belong: their group would begin after themselves.
    let imitation = [&[b'x'; 100], &commit[..]].concat();
    let torn_at = sample.data.len();
    sample.data.extend_from_slice(&imitation);
    sample.data.resize(sample.data.len().next_multiple_of(SECTOR_BYTES) + SECTOR_BYTES, 0);
    assert!(torn_at > sample.ends[0]);
    check(&sample.data.clone(), &sample, 1, &Rest::Torn);
}
