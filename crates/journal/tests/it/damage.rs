//! Whatever happens to the files, an acknowledged entry is there, or the damage is named: it is never silently gone.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use journal::{Entry, Error};
use proptest::prelude::*;

use crate::sample::{Chance, assert_is, entry, open, read_all, send};

/// What is done to the last segment.
#[derive(Clone, Debug)]
enum Damage {
    /// One bit, at this share of the file.
    Flip(f64, u8),
    /// The file ends at this share of it.
    Cut(f64),
    /// Zeros from this share on, so many.
    Zeros(f64, usize),
    /// Other bytes from this share on, so many.
    Noise(f64, usize),
    /// Bytes after its end: zeros or noise.
    Grow(bool, usize),
}

fn damages() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (0.0..1.0, 0u8..8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        (0.0..1.0).prop_map(Damage::Cut),
        (0.0..1.0, 1usize..5000).prop_map(|(at, bytes)| Damage::Zeros(at, bytes)),
        (0.0..1.0, 1usize..5000).prop_map(|(at, bytes)| Damage::Noise(at, bytes)),
        (any::<bool>(), 1usize..5000).prop_map(|(zeros, bytes)| Damage::Grow(zeros, bytes)),
    ]
}

fn last_segment(dir: &Path) -> PathBuf {
    let files = fs::read_dir(dir).unwrap().map(|file| file.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "journal")).max().unwrap()
}

fn harm(path: &Path, damage: &Damage, seed: u64) {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let len = file.metadata().unwrap().len();
    let place = |share: &f64| (share * len as f64) as u64;
    let mut chance = Chance(seed | 1);
    let mut noise = |bytes: usize| (0..bytes).map(|_| chance.next() as u8).collect::<Vec<u8>>();
    match damage {
        Damage::Flip(at, bit) => {
            let mut byte = [0];
            file.read_exact_at(&mut byte, place(at)).unwrap();
            file.write_all_at(&[byte[0] ^ 1 << bit], place(at)).unwrap();
        }
        Damage::Cut(at) => file.set_len(place(at)).unwrap(),
        Damage::Zeros(at, bytes) => {
            let bytes = (*bytes).min((len - place(at)) as usize);
            file.write_all_at(&vec![0; bytes], place(at)).unwrap();
        }
        Damage::Noise(at, bytes) => {
            let bytes = (*bytes).min((len - place(at)) as usize);
            file.write_all_at(&noise(bytes), place(at)).unwrap();
        }
        Damage::Grow(true, bytes) => file.set_len(len + *bytes as u64).unwrap(),
        Damage::Grow(false, bytes) => file.write_all_at(&noise(*bytes), len).unwrap(),
    }
}

/// Opens and reads everything: all is there, or the last segment is named.
fn all_or_named(dir: &Path, entries: &[Entry]) -> Result<(), TestCaseError> {
    let path = last_segment(dir);
    let bytes = fs::read(&path).unwrap();
    let named = |error: &Error| matches!(error, Error::Corrupt { segment, .. } if *segment == path);
    match open(dir) {
        Ok((journal, recovery)) => {
            prop_assert!(recovery.committed >= entries.len() as u64, "{recovery:?}");
            let frames = read_all(&journal, 1 << 20).unwrap();
            entries.iter().enumerate().for_each(|(at, entry)| assert_is(&frames[at], at as u64, entry));
            prop_assert_eq!(frames.len(), entries.len());
            send(&journal, vec![entry(0, 10)]).wait().unwrap();
        }
        Err(error) => {
            prop_assert!(named(&error), "{}", error);
            prop_assert!(fs::read(&path).unwrap() == bytes, "a refusal changes nothing");
        }
    }
    Ok(())
}

fn write(dir: &Path, groups: &[Vec<usize>]) -> Vec<Entry> {
    let (journal, _) = open(dir).unwrap();
    let mut entries = Vec::new();
    for sizes in groups {
        let group: Vec<_> = sizes.iter().zip(entries.len() as u64..).map(|(bytes, id)| entry(id, *bytes)).collect();
        entries.extend_from_slice(&group);
        send(&journal, group).wait().unwrap();
    }
    entries
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_damage_loses_an_acknowledged_entry_silently(
        groups in prop::collection::vec(prop::collection::vec(0usize..4000, 1..12), 1..12),
        damage in damages(),
        seed in any::<u64>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let entries = write(dir.path(), &groups);
        harm(&last_segment(dir.path()), &damage, seed);
        all_or_named(dir.path(), &entries)?;
    }

    /// After a power cut the file `COMMITTED` may be old, and of the group that was being written any sectors may be
    /// missing. The journal must open by itself, with everything that was acknowledged.
    #[test]
    fn a_power_cut_during_a_group_never_needs_a_hand(
        groups in prop::collection::vec(prop::collection::vec(0usize..4000, 1..12), 1..6),
        torn in prop::collection::vec(0usize..4000, 1..12),
        share in 0.0..1.0,
        seed in any::<u64>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let entries = write(dir.path(), &groups);
        let path = last_segment(dir.path());
        let safe = fs::metadata(&path).unwrap().len();
        let committed = fs::read(dir.path().join("COMMITTED")).unwrap();
        let (journal, _) = open(dir.path()).unwrap();
        let group = torn.iter().map(|bytes| entry(1, *bytes)).collect();
        send(&journal, group).wait().unwrap();
        journal.close();
        prop_assume!(last_segment(dir.path()) == path);
        fs::write(dir.path().join("COMMITTED"), &committed).unwrap();

        // Sectors of the group that did not make it, and perhaps an end that came too early.
        let mut data = fs::read(&path).unwrap();
        let mut chance = Chance(seed | 1);
        let mut missing = 0;
        for sector in (safe as usize / 512)..data.len().div_ceil(512) {
            if chance.below(3) == 0 {
                let end = data.len().min(sector * 512 + 512);
                data[(sector * 512).max(safe as usize)..end].fill(0);
                missing += 1;
            }
        }
        if missing == 0 || chance.below(2) == 0 {
            data.truncate(safe as usize + ((data.len() - safe as usize) as f64 * share) as usize);
        }
        fs::write(&path, &data).unwrap();

        let (journal, recovery) = open(dir.path()).unwrap();
        prop_assert_eq!(recovery.committed, entries.len() as u64);
        prop_assert_eq!(recovery.torn_bytes, data.len() as u64 - safe);
        let frames = read_all(&journal, 1 << 20).unwrap();
        entries.iter().enumerate().for_each(|(at, entry)| assert_is(&frames[at], at as u64, entry));
    }
}

/// Segments of a journal that has several.
fn segments(dir: &Path) -> Vec<PathBuf> {
    let (journal, _) = open(dir).unwrap();
    for id in 0..200 {
        send(&journal, vec![entry(id, 1500)]).wait().unwrap();
    }
    journal.close();
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "journal"));
    files.sort();
    files
}

fn check_refused(dir: &Path, named: &Path, words: &str) {
    let error = open(dir).unwrap_err();
    assert!(matches!(&error, Error::Corrupt { segment, .. } if segment == named), "{error}");
    assert!(error.to_string().contains(words), "{error}");
}

#[test]
fn a_missing_segment_is_noticed_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let files = segments(dir.path());
    fs::remove_file(&files[2]).unwrap();
    check_refused(dir.path(), &files[3], "the segment before it should begin at");
}

#[test]
fn a_shortened_older_segment_is_noticed_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let files = segments(dir.path());
    let file = OpenOptions::new().write(true).open(&files[1]).unwrap();
    file.set_len(file.metadata().unwrap().len() - 1).unwrap();
    check_refused(dir.path(), &files[2], "the segment before it should begin at");
}

#[test]
fn a_damaged_header_of_any_segment_is_noticed_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let files = segments(dir.path());
    for path in [&files[0], &files[1], files.last().unwrap()] {
        let bytes = fs::read(path).unwrap();
        for at in [0, 9, 14, 20, 50] {
            let mut harmed = bytes.clone();
            harmed[at] ^= 4;
            fs::write(path, harmed).unwrap();
            check_refused(dir.path(), path, "at byte 0");
        }
        fs::write(path, bytes).unwrap();
    }
    open(dir.path()).unwrap();
}

#[test]
fn missing_last_segments_are_noticed_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let files = segments(dir.path());
    fs::remove_file(files.last().unwrap()).unwrap();
    check_refused(dir.path(), &files[files.len() - 2], "were acknowledged and are missing");
    files[..files.len() - 1].iter().for_each(|path| fs::remove_file(path).unwrap());
    check_refused(dir.path(), &dir.path().join("COMMITTED"), "were acknowledged and are missing");
}
