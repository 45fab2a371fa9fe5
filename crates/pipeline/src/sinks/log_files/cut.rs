//! A cut as it stands in the journal: what fixes the content and the names of files before any of them is written.

use bytes::Bytes;
use cloudtrail::account::AccountId;
use cloudtrail::log_file::Folder;
use cloudtrail::region::Region;
use journal::Position;
use serde::{Deserialize, Serialize};

/// What the entry of a cut says of its kind.
const TYPE: &str = "cut";

/// A cut: all events a trail selects from `from` to before `to` are in these files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    #[serde(rename = "type")]
    kind: String,
    /// The trail's ARN.
    pub trail: String,
    /// The number of the run.
    pub run: i64,
    /// The position of the first event.
    pub from: Position,
    /// One past the last position that was looked at.
    pub to: Position,
    /// The time in the files' names, in seconds since 1970.
    pub at: i64,
    /// The files.
    pub files: Vec<FileCut>,
}

/// A file of a cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileCut {
    /// Whose events.
    pub account: AccountId,
    /// Where they were recorded.
    pub region: Region,
    /// What kind of events: the name of the folder.
    pub folder: String,
    /// The position of the first event.
    pub first: Position,
    /// How many events.
    pub count: u64,
    /// The SHA-256 of the content before compression, in hex.
    pub sha256: String,
}

impl Cut {
    /// A cut of a run.
    pub fn new(trail: &str, run: i64, range: std::ops::Range<Position>, at: i64, files: Vec<FileCut>) -> Self {
        let kind = TYPE.to_owned();
        Self { kind, trail: trail.to_owned(), run, from: range.start, to: range.end, at, files }
    }

    /// As it goes into the journal.
    pub fn payload(&self) -> Bytes {
        serde_json::to_vec(self).expect("a struct of texts and numbers is written as JSON").into()
    }

    /// The cut in a control entry's payload; none when it is something else.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        serde_json::from_slice::<Self>(payload).ok().filter(|cut| cut.kind == TYPE)
    }
}

impl FileCut {
    pub(super) fn new(
        account: AccountId,
        region: Region,
        folder: Folder,
        first: Position,
        count: u64,
        sha256: &[u8; 32],
    ) -> Self {
        Self { account, region, folder: folder.name().to_owned(), first, count, sha256: hex::encode(sha256) }
    }
}
