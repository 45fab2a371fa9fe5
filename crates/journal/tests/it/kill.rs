//! A real process, killed for real: what it said was safe is there.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;

use journal::{Entry, Journal, Kind, Position};

use crate::sample::{Chance, Hands, OPTIONS, assert_is, entry, open, read_all};

const ROUNDS: u64 = 8;
const DIR: &str = "TRAILKEEP_TEST_JOURNAL";
const SEED: &str = "TRAILKEEP_TEST_CHILD_SEED";

/// Not a test of its own: the child, when the test below starts this binary again.
#[test]
fn child() {
    let (Ok(dir), Ok(seed)) = (std::env::var(DIR), std::env::var(SEED)) else { return };
    let (journal, _) = Journal::open(Path::new(&dir), OPTIONS, Hands::default().clock()).unwrap();
    let (lines, printer) = mpsc::channel::<String>();
    for caller in 0..4 {
        let (journal, lines, seed) = (journal.clone(), lines.clone(), seed.parse::<u64>().unwrap());
        std::thread::spawn(move || append(&journal, &lines, seed.wrapping_mul(8).wrapping_add(caller)));
    }
    let mut out = std::io::stdout().lock();
    for line in printer {
        writeln!(out, "{line}").unwrap();
        out.flush().unwrap();
    }
}

/// Appends for ever; says where and what.
fn append(journal: &Journal, lines: &mpsc::Sender<String>, seed: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let mut chance = Chance(seed.wrapping_mul(2).wrapping_add(1));
    loop {
        let ids: Vec<_> = (0..=chance.below(20)).map(|_| (chance.next(), chance.below(3000) as usize)).collect();
        let entries: Vec<_> = ids.iter().map(|(id, bytes)| entry(*id, *bytes)).collect();
        let bytes = entries.iter().map(Entry::bytes).sum();
        let permit = runtime.block_on(journal.reserve(bytes, Kind::Event, std::time::Duration::from_mins(1)));
        let commit = runtime.block_on(journal.enqueue(permit.unwrap(), entries)).unwrap();
        for (position, (id, bytes)) in (commit.first..commit.end).zip(ids) {
            lines.send(format!("safe {position} {id} {bytes} .")).unwrap();
        }
    }
}

#[test]
fn a_killed_process_loses_nothing_it_acknowledged() {
    let mut chance = Chance::new("a_killed_process_loses_nothing_it_acknowledged");
    let dir = tempfile::tempdir().unwrap();
    let mut safe: Vec<(Position, u64, usize)> = Vec::new();
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::child", "--nocapture"])
            .env(DIR, dir.path())
            .env(SEED, chance.next().to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let mut left = 1 + chance.below(400);
        // Killed after some line; what it could still say until then counts as well.
        for line in out.lines() {
            let Some(said) = parse(&line.unwrap()) else { continue };
            safe.push(said);
            left = left.saturating_sub(1);
            if left == 0 {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert_eq!(left, 0, "the child ended by itself");

        let (journal, recovery) = open(dir.path()).unwrap();
        let frames = read_all(&journal, 1 << 20).unwrap();
        eprintln!("round {round}: {} said to be safe, {recovery:?}", safe.len());
        for (position, id, bytes) in &safe {
            assert_is(&frames[*position as usize], *position, &entry(*id, *bytes));
        }
        journal.close();
    }
}

/// A line may be cut short by the kill.
fn parse(line: &str) -> Option<(Position, u64, usize)> {
    // The first may follow what the test harness prints on its line.
    let (_, said) = line.split_once("safe ")?;
    let mut words = said.split(' ');
    let said = (words.next()?.parse().ok()?, words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    (words.next() == Some(".")).then_some(said)
}

#[test]
fn a_lock_dies_with_its_process() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::child", "--nocapture"])
        .env(DIR, dir.path())
        .env(SEED, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| parse(&line.unwrap()).is_some()), "the child ended by itself");
    assert!(matches!(open(dir.path()), Err(journal::Error::Locked { .. })));
    child.kill().unwrap();
    child.wait().unwrap();
    open(dir.path()).unwrap();
}
