//! Which files are log files, by where they lie and what they are called (log-files.md, section 1).

use std::fmt;

/// Why a file is passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Skip {
    /// A digest: it proves log files and holds no records.
    Digest,
    /// An object that stands for a folder.
    Marker,
    /// A log of another AWS service in the same bucket.
    OtherService,
    /// Not named as log files are.
    OtherName,
    /// A socket, a device, or a link to a folder.
    NotAFile,
}

impl Skip {
    /// The word for programs.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Digest => "digest",
            Self::Marker => "marker",
            Self::OtherService => "otherService",
            Self::OtherName => "otherName",
            Self::NotAFile => "notAFile",
        }
    }
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Digest => "digests",
            Self::Marker => "folder markers",
            Self::OtherService => "logs of other services",
            Self::OtherName => "not named .json, .ndjson or .jsonl, with or without .gz",
            Self::NotAFile => "neither files nor folders",
        })
    }
}

const EXTENSIONS: [&str; 3] = [".json", ".ndjson", ".jsonl"];
const COMPRESSED: &str = ".gz";

/// What is known of every file in a folder from its path.
pub(super) fn of_folder(path: &str) -> Option<Skip> {
    if path.split('/').any(|part| part == "CloudTrail-Digest") {
        return Some(Skip::Digest);
    }
    let mut below = path.split('/').skip_while(|part| *part != "AWSLogs").skip(1).peekable();
    below.next_if(|organization| organization.starts_with("o-"));
    below.next_if(|account| account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()))?;
    let service = below.next()?;
    (!service.is_empty() && !service.starts_with("CloudTrail")).then_some(Skip::OtherService)
}

/// Why a file of that name, in a folder of which that is known, is passed over; nothing if it is a log file.
pub(super) fn of_file(folder: Option<Skip>, name: &str) -> Option<Skip> {
    if name.is_empty() {
        return Some(Skip::Marker);
    }
    let by_name = if name.contains("_CloudTrail-Digest_") {
        Some(Skip::Digest)
    } else if is_log_file_name(name) {
        None
    } else {
        Some(Skip::OtherName)
    };
    folder.or(by_name)
}

fn is_log_file_name(name: &str) -> bool {
    let ends = |name: &str, end: &str| {
        name.len().checked_sub(end.len()).and_then(|at| name.get(at..)).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
    };
    let plain = if ends(name, COMPRESSED) { &name[..name.len() - COMPRESSED.len()] } else { name };
    EXTENSIONS.iter().any(|extension| ends(plain, extension))
}

#[cfg(test)]
mod tests;
