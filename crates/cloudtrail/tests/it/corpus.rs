//! Where real records come from.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A file of records: its name, and each record's bytes as they stand in it.
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) records: Vec<Vec<u8>>,
}

/// Our own few records, of which each kind has some.
pub(crate) fn fixtures() -> Vec<Source> {
    let dir = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures"));
    let mut sources = events_in(dir);
    sources.extend(log_files_in(dir));
    sources
}

/// The corpus folder, if it is there; says so if it is not.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    let dir = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus")).join(name);
    if !dir.is_dir() {
        eprintln!("skipped: no corpus at {}", dir.display());
        return None;
    }
    Some(dir)
}

/// The files of one record a line.
pub(crate) fn events_in(dir: &Path) -> Vec<Source> {
    let lines = |bytes: Vec<u8>| bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect();
    read(dir, ".ndjson.gz").into_iter().map(|(name, bytes)| Source { name, records: lines(bytes) }).collect()
}

/// The delivered log files, `{"Records":[…]}`.
pub(crate) fn log_files_in(dir: &Path) -> Vec<Source> {
    read(dir, ".json.gz").into_iter().map(|(name, bytes)| Source { name, records: records_of(&bytes) }).collect()
}

fn records_of(file: &[u8]) -> Vec<Vec<u8>> {
    #[derive(serde::Deserialize)]
    struct LogFile<'a> {
        #[serde(rename = "Records", borrow)]
        records: Vec<&'a serde_json::value::RawValue>,
    }
    let file: LogFile<'_> = serde_json::from_slice(file).unwrap();
    file.records.iter().map(|record| record.get().as_bytes().to_vec()).collect()
}

fn read(dir: &Path, ending: &str) -> Vec<(String, Vec<u8>)> {
    let mut paths: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.to_string_lossy().ends_with(ending));
    paths.sort();
    let inflated = |path: &Path| {
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(fs::File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
        bytes
    };
    paths.iter().map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), inflated(path))).collect()
}
