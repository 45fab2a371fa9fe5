//! Writing, reading, rolling, trimming, closing.

use std::sync::Arc;

use journal::{Entry, Error, Journal};

use crate::sample::{Hands, OPTIONS, assert_is, entry, open, read_all, send};

#[test]
fn what_is_acknowledged_can_be_read_now_and_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let entries: Vec<_> = (0..500).map(|id| entry(id, (id as usize * 37) % 3000)).collect();
    let (journal, recovery) = open(&dir.path().join("deep/er")).unwrap();
    assert_eq!((recovery.first, recovery.committed, recovery.torn_bytes), (0, 0, 0));
    for some in entries.chunks(7) {
        let ticket = send(&journal, some.to_vec());
        let positions = ticket.positions();
        let commit = ticket.wait().unwrap();
        assert_eq!(positions, commit.first..commit.end);
    }
    assert!(journal.status().segments > 5);
    for restarts in 0..3 {
        if restarts > 0 {
            journal.close();
        }
        let journal = if restarts == 0 { journal.clone() } else { open(&dir.path().join("deep/er")).unwrap().0 };
        for bytes_max in [0, 1000, 20_000, usize::MAX] {
            let frames = read_all(&journal, bytes_max).unwrap();
            assert_eq!(frames.len(), entries.len());
            frames.iter().zip(&entries).enumerate().for_each(|(at, (frame, entry))| assert_is(frame, at as u64, entry));
        }
        for from in (0..500).rev().step_by(13) {
            assert_is(&journal.read(from, 1).unwrap()[0], from, &entries[from as usize]);
        }
        journal.close();
    }
}

#[test]
fn a_read_gives_at_least_one_entry_and_no_more_than_was_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path()).unwrap();
    let entries: Vec<_> = (0..10).map(|id| entry(id, 1000)).collect();
    let each = entries[0].bytes();
    send(&journal, entries).wait().unwrap();
    assert_eq!(journal.read(0, 0).unwrap().len(), 1);
    assert_eq!(journal.read(2, each * 3 + each / 2).unwrap().len(), 3);
    assert_eq!(journal.read(10, 1000).unwrap(), []);
    assert!(matches!(journal.read(11, 1000), Err(Error::Ahead { from: 11, committed: 10 })));
}

#[test]
fn a_second_opening_is_refused_by_name_until_the_first_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path()).unwrap();
    let refused = open(dir.path()).unwrap_err();
    assert!(matches!(&refused, Error::Locked { dir: named } if named == dir.path()));
    assert!(refused.to_string().contains(dir.path().to_str().unwrap()), "{refused}");
    journal.close();
    let (second, _) = open(dir.path()).unwrap();
    assert!(matches!(journal.barrier().wait(), Err(Error::Closed)));
    assert!(matches!(journal.trim(0), Err(Error::Closed)));
    drop(second);
    open(dir.path()).unwrap();
}

#[test]
fn closing_writes_what_is_in_line() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path()).unwrap();
    let tickets: Vec<_> = (0..50).map(|id| send(&journal, vec![entry(id, 100)])).collect();
    drop(journal);
    assert!(tickets.into_iter().all(|ticket| ticket.wait().is_ok()));
    assert_eq!(open(dir.path()).unwrap().1.committed, 50);
}

#[test]
fn trimming_removes_whole_segments_and_no_sequence_number() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(dir.path()).unwrap();
    for id in 0..300 {
        send(&journal, vec![entry(id, 1500)]).wait().unwrap();
    }
    let sequences = read_all(&journal, 1 << 20).unwrap();
    let before = journal.status();
    journal.trim(0).unwrap();
    assert_eq!(journal.status(), before);
    journal.trim(150).unwrap();
    let first = journal.first();
    assert!(first > 100 && first <= 150, "{first}");
    assert!(journal.status().segments < before.segments && journal.status().bytes < before.bytes);
    assert!(matches!(journal.read(first - 1, 1), Err(Error::Trimmed { first: named, .. }) if named == first));
    assert_eq!(read_all(&journal, 1 << 20).unwrap(), sequences[first as usize..]);

    journal.trim(u64::MAX).unwrap();
    assert_eq!((journal.status().segments, journal.committed()), (1, 300));
    for id in 300..310 {
        journal.close();
        journal = open(dir.path()).unwrap().0;
        let at = send(&journal, vec![entry(id, 40_000)]).wait().unwrap().first;
        let expected = sequences.iter().rev().find(|frame| frame.ledger == entry(id, 0).ledger).unwrap().sequence;
        let frame = &journal.read(at, 1).unwrap()[0];
        assert_eq!((at, frame.sequence), (id, expected + 1 + (id - 300) / 3));
        journal.trim(at).unwrap();
    }
}

#[test]
fn time_does_not_step_back_when_the_clock_does() {
    let dir = tempfile::tempdir().unwrap();
    let hands = Hands::default();
    let (mut journal, _) = Journal::open(dir.path(), OPTIONS, hands.clock()).unwrap();
    for (now, expected) in [(1000, 1000), (500, 1000), (1001, 1001), (-7, 1001), (2000, 2000)] {
        hands.set(now);
        assert_eq!(send(&journal, vec![entry(0, 10)]).wait().unwrap().accepted_at_us, expected);
    }
    hands.set(30);
    for bytes in [10, 70_000, 10] {
        journal.close();
        let (again, recovery) = Journal::open(dir.path(), OPTIONS, hands.clock()).unwrap();
        assert_eq!(recovery.accepted_at_us, 2000);
        journal = again;
        assert_eq!(send(&journal, vec![entry(0, bytes)]).wait().unwrap().accepted_at_us, 2000);
        assert_eq!(journal.read(0, usize::MAX).unwrap()[1].accepted_at_us, 1000);
    }
}

#[test]
fn two_readers_follow_while_entries_are_written() {
    const ENTRIES: u64 = 3000;
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path()).unwrap();
    let journal = Arc::new(journal);
    let follow = |bytes_max: usize| {
        let journal = Arc::clone(&journal);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let mut committed = journal.subscribe();
            let mut at = 0;
            while at < ENTRIES {
                for frame in journal.read(at, bytes_max).unwrap() {
                    assert_is(&frame, at, &entry(at, (at as usize * 31) % 900));
                    at += 1;
                }
                if at < ENTRIES {
                    runtime.block_on(committed.wait_for(|committed| *committed > at)).unwrap();
                }
            }
        })
    };
    let readers = [follow(500), follow(1 << 20)];
    let mut tickets = Vec::new();
    for id in 0..ENTRIES {
        tickets.push(send(&journal, vec![entry(id, (id as usize * 31) % 900)]));
        if id % 50 == 0 {
            assert!(tickets.drain(..).all(|ticket| ticket.wait().is_ok()));
        }
    }
    for reader in readers {
        reader.join().unwrap();
    }
}

#[test]
fn a_barrier_resolves_after_all_that_came_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path()).unwrap();
    assert_eq!(journal.barrier().wait().unwrap().end, 0);
    for id in 0..20 {
        let sent = send(&journal, vec![entry(id, 10)]);
        let barrier = journal.barrier();
        assert_eq!(barrier.positions(), id + 1..id + 1);
        assert_eq!(barrier.wait().unwrap().end, id + 1);
        assert_eq!(journal.committed(), id + 1);
        drop(sent);
    }
}

#[test]
fn entries_of_one_call_stay_together_even_if_they_are_more_than_a_group() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path()).unwrap();
    let entries: Vec<_> = (0..30).map(|id| entry(id, 100_000)).collect();
    let commit = send(&journal, entries.clone()).wait().unwrap();
    assert_eq!((commit.first, commit.end), (0, 30));
    journal.close();
    let (journal, _) = open(dir.path()).unwrap();
    let frames = read_all(&journal, usize::MAX).unwrap();
    frames.iter().zip(&entries).enumerate().for_each(|(at, (frame, entry))| assert_is(frame, at as u64, entry));
}

#[test]
fn thousands_of_ledgers_are_numbered_across_segments_and_restarts() {
    const LEDGERS: u64 = 5000;
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(dir.path()).unwrap();
    let of = |id: u64| Entry { ledger: format!("{:012}/eu-central-1", id % LEDGERS).into(), ..entry(id, 10) };
    for round in 0..3 {
        send(&journal, (round * LEDGERS..(round + 1) * LEDGERS).map(of).collect()).wait().unwrap();
        journal.close();
        journal = open(dir.path()).unwrap().0;
    }
    assert_eq!(journal.status().segments, 3);
    for (from, bytes_max) in [(0, 1), (LEDGERS - 1, 1), (LEDGERS, 1), (3 * LEDGERS - 1, 1 << 20)] {
        let frame = &journal.read(from, bytes_max).unwrap()[0];
        assert_is(frame, from, &of(from));
        assert_eq!(frame.sequence, from / LEDGERS);
    }
}
