use super::*;

fn check(files: &[(i32, u64, bool)], expected: Option<&[u64]>) {
    let candidates: Vec<Candidate> = files
        .iter()
        .enumerate()
        .map(|(id, (day, rows, fresh))| Candidate { id: id as u64, day: *day, rows: *rows, bytes: rows * 150, fresh: *fresh })
        .collect();
    let config = Config { merge_fan_in: 4, merged_rows_max: 1_000, ..Config::default() };
    assert_eq!(plan(&candidates, &config).as_deref(), expected, "{files:?}");
}

#[test]
fn files_of_one_size_and_day_become_one_when_there_are_enough() {
    check(&[(1, 10, true), (1, 11, true), (1, 12, true)], None);
    check(&[(1, 10, true), (1, 11, true), (2, 12, true), (1, 13, true), (1, 14, true)], Some(&[0, 1, 3, 4]));
    check(&[(1, 1, true), (1, 11, true), (1, 100, true), (1, 13, true)], None);
}

#[test]
fn no_file_grows_beyond_the_limit() {
    check(&[(1, 400, true), (1, 400, true), (1, 400, true), (1, 400, true)], Some(&[0, 1]));
    check(&[(1, 600, true), (1, 600, true), (1, 600, true), (1, 600, true)], None);
}

#[test]
fn a_quiet_day_is_merged_whatever_the_sizes() {
    check(&[(1, 10, false), (1, 30, false), (1, 100, false)], Some(&[0, 1, 2]));
    check(&[(1, 10, false), (1, 30, true)], None);
    check(&[(1, 10, false)], None);
}

#[test]
fn a_late_event_does_not_have_a_large_file_written_again() {
    check(&[(1, 1, false), (1, 900, false)], None);
}
