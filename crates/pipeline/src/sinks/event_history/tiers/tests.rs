use super::*;

fn config() -> Config {
    Config { merge_fan_in: 4, merged_records_max: 1_000, merged_bytes_max: 10_000, ..Config::default() }
}

/// Segments with ids from 1 and so many records each.
fn segments(records: &[u64]) -> Vec<Candidate> {
    let segment = |(id, records): (u64, &u64)| Candidate { id, family: Family::Live, first: id, records: *records, bytes: 10 };
    (1..).zip(records).map(segment).collect()
}

fn check(records: &[u64], expected: Option<&[u64]>) {
    assert_eq!(plan(&segments(records), &config()).as_deref(), expected, "{records:?}");
}

#[test]
fn as_many_as_the_fan_in_of_one_size_are_merged() {
    check(&[], None);
    check(&[20, 20, 20], None);
    check(&[20, 20, 20, 20], Some(&[1, 2, 3, 4]));
    check(&[20, 20, 20, 20, 20], Some(&[1, 2, 3, 4]));
    check(&[20, 300, 20, 20, 300, 20], Some(&[1, 3, 4, 6]));
    check(&[20, 20, 20, 300], None);
    check(&[1, 2, 3, 3], Some(&[1, 2, 3, 4]));
}

#[test]
fn no_merged_segment_is_too_large() {
    check(&[400, 400, 400, 400], Some(&[1, 2]));
    check(&[900, 900, 900, 400, 400], Some(&[4, 5]));
    check(&[900, 900, 900, 900, 900], None);
    let mut heavy = segments(&[20, 20, 20, 20]);
    heavy[1].bytes = 9_990;
    assert_eq!(plan(&heavy, &config()), Some(vec![1, 2]));
    heavy[1].bytes = 10_000;
    assert_eq!(plan(&heavy, &config()), Some(vec![3, 4]));
}

#[test]
fn families_stay_apart() {
    let mut mixed = segments(&[20, 20, 20, 20, 20]);
    mixed[0].family = Family::Imported;
    mixed[2].family = Family::Imported;
    assert_eq!(plan(&mixed, &config()), None);
}
