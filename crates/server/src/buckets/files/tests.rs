use std::io::Write as _;

use pipeline::clock::Clock;

use super::*;

struct Stopped(i64);

impl Clock for Stopped {
    fn now_us(&self) -> i64 {
        self.0
    }
}

fn files(dir: &Path, last: i64, now: i64) -> Arc<Files> {
    Files::open(dir.to_owned(), last, Arc::new(Stopped(now))).unwrap()
}

fn count(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

#[test]
fn numbers_rise_though_the_clock_stands_or_goes_back() {
    let dir = tempfile::tempdir().unwrap();
    let ahead = files(dir.path(), 500, 100);
    assert_eq!((ahead.floor(), ahead.next_number(), ahead.next_number()), (501, 502, 503));
}

#[test]
fn a_file_that_is_not_placed_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let files = files(dir.path(), 0, 100);
    let mut incoming = files.create().unwrap();
    incoming.file().write_all(b"half").unwrap();
    assert_eq!(count(&dir.path().join(INCOMING)), 1);
    drop(incoming);
    assert_eq!(count(&dir.path().join(INCOMING)), 0);
}

#[test]
fn a_placed_file_goes_unless_it_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let files = files(dir.path(), 0, 100);
    let placed = files.create().unwrap().place().unwrap();
    let path = files.path(placed.number());
    assert!(path.exists());
    drop(placed);
    assert!(!path.exists());
    let placed = files.create().unwrap().place().unwrap();
    let path = files.path(placed.number());
    placed.keep();
    assert!(path.exists());
}

#[test]
fn a_start_removes_what_was_being_written() {
    let dir = tempfile::tempdir().unwrap();
    let before = files(dir.path(), 0, 100);
    std::mem::forget(before.create().unwrap());
    assert_eq!(count(&dir.path().join(INCOMING)), 1);
    files(dir.path(), 0, 200);
    assert_eq!(count(&dir.path().join(INCOMING)), 0);
}
