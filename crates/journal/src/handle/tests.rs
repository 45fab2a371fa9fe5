use std::os::unix::fs::FileExt;
use std::sync::atomic::AtomicI64;

use bytes::Bytes;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::*;
use crate::{Commit, PAYLOAD_BYTES_MAX, Ticket};

/// A journal on a disk that can be told to fail.
struct Bench {
    runtime: Runtime,
    dir: TempDir,
    disk: Disk,
    journal: Journal,
}

const OPTIONS: Options = Options {
    segment_bytes: 1 << 20,
    queue_bytes_max: 4 << 20,
    group_bytes_max: 1 << 20,
    free_bytes_min: 1000,
    control_free_bytes_min: 100,
};

fn bench(options: Options) -> Bench {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let disk = Disk::default();
    disk.faults.set(|faults| faults.free_bytes = Some(u64::MAX));
    let (journal, _) = Journal::open_on(disk.clone(), dir.path(), options, steady()).unwrap();
    Bench { runtime, dir, disk, journal }
}

fn steady() -> Clock {
    let now = AtomicI64::new(0);
    Arc::new(move || now.fetch_add(1, Ordering::Relaxed))
}

fn entry(kind: Kind, payload: impl Into<Bytes>) -> Entry {
    Entry { kind, ledger: "ledger".into(), origin: 1, flags: 0, principal: "me".into(), payload: payload.into() }
}

impl Bench {
    fn reserve(&self, bytes: usize, kind: Kind) -> Result<Permit, Error> {
        self.runtime.block_on(self.journal.reserve(bytes, kind, Duration::ZERO))
    }

    fn send(&self, kind: Kind, payloads: &[&str]) -> Ticket {
        let entries: Vec<_> = payloads.iter().map(|payload| entry(kind, payload.to_string())).collect();
        let permit = self.reserve(entries.iter().map(Entry::bytes).sum(), kind).unwrap();
        self.journal.enqueue(permit, entries)
    }

    fn payloads(&self) -> Vec<String> {
        let mut from = self.journal.first();
        let mut found = Vec::new();
        while from < self.journal.committed() {
            for frame in self.journal.read(from, 1 << 20).unwrap() {
                assert_eq!((frame.position, frame.sequence), (from, from));
                found.push(String::from_utf8(frame.payload.to_vec()).unwrap());
                from += 1;
            }
        }
        found
    }

    fn reopen(self) -> (Self, Recovery) {
        let Self { runtime, dir, disk: _, journal } = self;
        journal.close();
        let disk = Disk::default();
        disk.faults.set(|faults| faults.free_bytes = Some(u64::MAX));
        let (journal, recovery) = Journal::open_on(disk.clone(), dir.path(), OPTIONS, steady()).unwrap();
        (Self { runtime, dir, disk, journal }, recovery)
    }
}

#[test]
fn callers_that_come_while_the_disk_is_busy_share_one_fsync() {
    let bench = bench(OPTIONS);
    let before = bench.disk.faults.syncs();
    bench.disk.faults.set(|faults| faults.sync_waits = true);
    let first = bench.send(Kind::Event, &["first"]);
    bench.disk.faults.until_sync_waits();
    let tickets: Vec<_> = (0..100).map(|_| bench.send(Kind::Event, &["more", "and more"])).collect();
    bench.disk.faults.set(|faults| faults.sync_waits = false);
    assert_eq!(first.wait().unwrap().first, 0);
    for (number, ticket) in tickets.into_iter().enumerate() {
        let first = 1 + 2 * number as u64;
        assert_eq!(ticket.positions(), first..first + 2);
        let Commit { first: at, end, .. } = ticket.wait().unwrap();
        assert_eq!(at..end, first..first + 2);
    }
    assert_eq!(bench.disk.faults.syncs() - before, 2);
}

#[test]
fn a_full_queue_refuses_events_and_takes_control_entries() {
    let bench = bench(OPTIONS);
    bench.disk.faults.set(|faults| faults.sync_waits = true);
    let large = "x".repeat(PAYLOAD_BYTES_MAX - 1000);
    let tickets = [bench.send(Kind::Event, &[&large]), bench.send(Kind::Event, &[&large])];
    assert!(matches!(bench.reserve(10_000, Kind::Event), Err(Error::Busy)));
    assert!(bench.journal.status().queued_bytes > 2 * PAYLOAD_BYTES_MAX - 2000);
    let control = bench.send(Kind::Control, &["cut"]);
    bench.disk.faults.set(|faults| faults.sync_waits = false);
    assert!(tickets.into_iter().all(|ticket| ticket.wait().is_ok()));
    control.wait().unwrap();
    bench.runtime.block_on(bench.journal.reserve(4 << 20, Kind::Event, Duration::from_mins(1))).unwrap();
}

#[test]
fn what_is_larger_than_allowed_is_refused_and_nothing_of_it_written() {
    let bench = bench(OPTIONS);
    assert!(matches!(bench.reserve(5 << 20, Kind::Event), Err(Error::TooLarge { what: "reservation", .. })));
    let small = entry(Kind::Event, "small");
    let cases = [
        Entry { payload: vec![0; PAYLOAD_BYTES_MAX + 1].into(), ..small.clone() },
        Entry { ledger: vec![0; 257].into(), ..small.clone() },
        Entry { principal: vec![0; 2049].into(), ..small.clone() },
    ];
    for case in cases {
        let permit = bench.reserve(10, Kind::Event).unwrap();
        let ticket = bench.journal.enqueue(permit, vec![small.clone(), case]);
        assert!(matches!(ticket.wait(), Err(Error::TooLarge { .. })));
    }
    assert_eq!(bench.send(Kind::Event, &["fits"]).wait().unwrap().first, 0);
    let permit = bench.reserve(3 << 20, Kind::Event).unwrap();
    let largest = Entry { payload: vec![7; PAYLOAD_BYTES_MAX].into(), ..small };
    bench.journal.enqueue(permit, vec![largest.clone()]).wait().unwrap();
    assert_eq!(bench.journal.read(1, 1).unwrap()[0].payload, largest.payload);
}

#[test]
fn a_nearly_full_disk_takes_control_entries_and_then_nothing() {
    let bench = bench(OPTIONS);
    bench.disk.faults.set(|faults| faults.free_bytes = Some(999));
    assert!(matches!(bench.reserve(10, Kind::Event), Err(Error::DiskFull)));
    assert!(bench.journal.status().disk_full);
    bench.send(Kind::Control, &["cut"]).wait().unwrap();
    bench.disk.faults.set(|faults| faults.free_bytes = Some(99));
    assert!(matches!(bench.reserve(10, Kind::Control), Err(Error::DiskFull)));
    bench.disk.faults.set(|faults| faults.free_bytes = Some(5000));
    bench.send(Kind::Event, &["again"]).wait().unwrap();
    assert!(!bench.journal.status().disk_full);
    assert_eq!(bench.payloads(), ["cut", "again"]);
}

#[test]
fn a_write_that_finds_no_room_leaves_nothing_and_the_journal_goes_on() {
    let bench = bench(OPTIONS);
    bench.send(Kind::Event, &["before"]).wait().unwrap();
    // Another caller waits in line behind the group that fails; its positions are void as well.
    bench.disk.faults.set(|faults| faults.sync_waits = true);
    let held = bench.send(Kind::Event, &["held"]);
    bench.disk.faults.until_sync_waits();
    let refused = [bench.send(Kind::Event, &["torn", "off"]), bench.send(Kind::Control, &["behind"])];
    bench.disk.faults.set(|faults| faults.room = Some(20 + 70));
    bench.disk.faults.set(|faults| faults.sync_waits = false);
    held.wait().unwrap();
    for ticket in refused {
        assert!(matches!(ticket.wait(), Err(Error::DiskFull)));
    }
    assert_eq!((bench.journal.status().disk_full, bench.journal.status().poisoned), (true, None));
    bench.disk.faults.set(|faults| faults.room = None);
    let commit = bench.send(Kind::Event, &["after"]).wait().unwrap();
    assert_eq!((commit.first, commit.end), (2, 3));
    assert!(!bench.journal.status().disk_full);
    let (bench, recovery) = bench.reopen();
    assert_eq!((recovery.committed, recovery.torn_bytes), (3, 0));
    assert_eq!(bench.payloads(), ["before", "held", "after"]);
}

#[test]
fn a_full_disk_at_the_begin_of_a_segment_is_survived() {
    let bench = bench(Options { segment_bytes: 1, ..OPTIONS });
    bench.send(Kind::Event, &["one"]).wait().unwrap();
    bench.disk.faults.set(|faults| faults.room = Some(30));
    assert!(matches!(bench.send(Kind::Event, &["two"]).wait(), Err(Error::DiskFull)));
    bench.disk.faults.set(|faults| faults.room = None);
    bench.send(Kind::Event, &["two"]).wait().unwrap();
    assert_eq!(bench.journal.status().segments, 2);
    let (bench, _) = bench.reopen();
    assert_eq!(bench.payloads(), ["one", "two"]);
}

#[test]
fn a_full_disk_that_cannot_be_tidied_poisons() {
    let bench = bench(OPTIONS);
    bench.disk.faults.set(|faults| (faults.room, faults.truncate_fails) = (Some(60), true));
    assert!(matches!(bench.send(Kind::Event, &["lost"]).wait(), Err(Error::Poisoned { .. })));
    bench.disk.faults.set(|faults| (faults.room, faults.truncate_fails) = (None, false));
    assert!(matches!(bench.reserve(1, Kind::Control), Err(Error::Poisoned { .. })));
    let (bench, recovery) = bench.reopen();
    assert!(recovery.torn_bytes > 0 && recovery.torn_segment.is_some(), "{recovery:?}");
    assert_eq!(bench.payloads(), Vec::<String>::new());
}

#[test]
fn a_failed_fsync_poisons_for_good_and_a_restart_recovers() {
    let bench = bench(OPTIONS);
    bench.send(Kind::Event, &["safe"]).wait().unwrap();
    bench.disk.faults.set(|faults| faults.sync_waits = true);
    let failed = bench.send(Kind::Event, &["unknown"]);
    bench.disk.faults.until_sync_waits();
    let behind = bench.send(Kind::Event, &["behind"]);
    let permit = bench.reserve(10, Kind::Event).unwrap();
    bench.disk.faults.set(|faults| (faults.sync_fails, faults.sync_waits) = (true, false));
    assert!(matches!(failed.wait(), Err(Error::Poisoned { .. })));
    assert!(matches!(behind.wait(), Err(Error::Poisoned { .. })));

    bench.disk.faults.set(|faults| faults.sync_fails = false);
    let late = bench.journal.enqueue(permit, vec![entry(Kind::Event, "late")]);
    assert!(matches!(late.wait(), Err(Error::Poisoned { .. })), "never tried again");
    assert!(matches!(bench.journal.barrier().wait(), Err(Error::Poisoned { .. })));
    assert!(matches!(bench.journal.trim(1), Err(Error::Poisoned { .. })));
    let status = bench.journal.status();
    assert!(status.poisoned.is_some_and(|reason| reason.contains("injected fsync failure")));
    assert_eq!((status.committed, bench.payloads()), (1, vec!["safe".to_owned()]), "what is safe can be read");

    let (bench, recovery) = bench.reopen();
    assert!((1..=2).contains(&recovery.committed));
    assert_eq!(bench.payloads()[0], "safe");
    bench.send(Kind::Event, &["next"]).wait().unwrap();
}

#[test]
fn whoever_waits_for_room_hears_that_the_journal_is_poisoned() {
    let bench = bench(OPTIONS);
    bench.disk.faults.set(|faults| faults.sync_waits = true);
    let large = "x".repeat(PAYLOAD_BYTES_MAX);
    let ticket = bench.send(Kind::Event, &[&large]);
    bench.disk.faults.until_sync_waits();
    let refused = bench.runtime.block_on(async {
        let wait = bench.journal.reserve(4 << 20, Kind::Event, Duration::from_mins(10));
        let fail = async { bench.disk.faults.set(|faults| (faults.sync_fails, faults.sync_waits) = (true, false)) };
        tokio::join!(wait, fail).0
    });
    assert!(matches!(refused, Err(Error::Poisoned { .. })));
    assert!(matches!(ticket.wait(), Err(Error::Poisoned { .. })));
}

#[test]
fn a_failed_fsync_of_the_directory_poisons() {
    let bench = bench(Options { segment_bytes: 1, ..OPTIONS });
    bench.send(Kind::Event, &["one"]).wait().unwrap();
    bench.send(Kind::Event, &["two"]).wait().unwrap();
    bench.disk.faults.set(|faults| faults.sync_fails = true);
    assert!(matches!(bench.journal.trim(1), Err(Error::Poisoned { .. })));
    assert!(bench.journal.status().poisoned.is_some());
}

#[test]
fn recovery_writes_the_last_group_again_so_that_the_disk_has_it_too() {
    let bench = bench(OPTIONS);
    bench.send(Kind::Event, &["one"]).wait().unwrap();
    let path = bench.dir.path().join("00000000000000000000.journal");
    bench.journal.close();
    let disk = Disk::default();
    disk.faults.set(|faults| faults.room = Some(0));
    let refused = Journal::open_on(disk.clone(), bench.dir.path(), OPTIONS, steady()).unwrap_err();
    assert!(matches!(refused, Error::Io { path: named, .. } if named == path));
    disk.faults.set(|faults| (faults.room, faults.sync_fails) = (None, true));
    assert!(Journal::open_on(disk, bench.dir.path(), OPTIONS, steady()).is_err());
}

#[test]
fn an_acknowledged_entry_that_is_gone_is_noticed_though_the_rest_is_whole() {
    let bench = bench(OPTIONS);
    bench.send(Kind::Event, &["one"]).wait().unwrap();
    let path = bench.dir.path().join("00000000000000000000.journal");
    let len = std::fs::metadata(&path).unwrap().len();
    bench.send(Kind::Event, &["two"]).wait().unwrap();
    bench.journal.close();
    OpenOptions::new().write(true).open(&path).unwrap().set_len(len).unwrap();
    let refused = Journal::open(bench.dir.path(), OPTIONS, steady()).unwrap_err();
    assert!(matches!(&refused, Error::Corrupt { segment, offset, .. } if *segment == path && *offset == len));
    assert!(refused.to_string().contains("entries 1 to 2 (exclusive) were acknowledged"), "{refused}");
    std::fs::remove_file(bench.dir.path().join("COMMITTED")).unwrap();
    let (_, recovery) = Journal::open(bench.dir.path(), OPTIONS, steady()).unwrap();
    assert_eq!(recovery.committed, 1);
}

#[test]
fn a_damaged_frame_of_an_older_segment_is_named_when_it_is_read() {
    let bench = bench(Options { segment_bytes: 1, ..OPTIONS });
    for payload in ["one", "two", "three"] {
        bench.send(Kind::Event, &[payload]).wait().unwrap();
    }
    let path = bench.dir.path().join("00000000000000000001.journal");
    let file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
    let data = std::fs::read(&path).unwrap();
    let at = data.windows(3).position(|bytes| bytes == b"two").unwrap() as u64;
    file.write_all_at(b"t", at + 2).unwrap();
    let (bench, _) = bench.reopen();
    assert_eq!(bench.journal.read(0, 1).unwrap().len(), 1);
    let frame_at = at - 48 - "ledgerme".len() as u64;
    let error = bench.journal.read(1, 1).unwrap_err();
    assert!(matches!(error, Error::Corrupt { segment, offset, .. } if segment == path && offset == frame_at));
    assert_eq!(bench.journal.read(2, 1).unwrap()[0].payload, "three");
}

#[test]
fn an_unfinished_segment_is_removed() {
    let bench = bench(OPTIONS);
    bench.send(Kind::Event, &["one"]).wait().unwrap();
    let unfinished = bench.dir.path().join("00000000000000000001.journal.tmp");
    for bytes in [b"".as_slice(), b"TKJRNL"] {
        std::fs::write(&unfinished, bytes).unwrap();
        bench.journal.close();
        let (journal, _) = Journal::open(bench.dir.path(), OPTIONS, steady()).unwrap();
        assert_eq!((journal.committed(), unfinished.exists()), (1, false));
        journal.close();
    }
}
