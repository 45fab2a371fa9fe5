//! Where log files come from.

use std::path::Path;
use std::sync::Arc;

use cloudtrail::import::Range;
use lake::raw_files::{self, Progress};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::archive::Archive;
use super::bucket::{self, Bucket};
use super::directory::Folder;
use super::progress::Total;
use super::state::Done;
use super::tally::{Damage, Tally};
use crate::exit::Failure;

/// A folder, a file, or a bucket.
pub(crate) enum Source {
    Folder(Folder),
    Bucket(Box<Bucket>),
}

/// What who packs needs.
#[derive(Clone)]
pub(super) struct Desk {
    /// Where archives go; closed when nothing more is wanted.
    pub(super) archives: mpsc::Sender<Archive>,
    pub(super) tally: Arc<Tally>,
    pub(super) done: Arc<Done>,
}

/// Who reads files here instead of sending them.
#[derive(Clone)]
pub(crate) struct Reader {
    /// Where files go; closed when nothing more is wanted.
    pub(crate) files: mpsc::Sender<Result<raw_files::Found, String>>,
    pub(crate) progress: Arc<Progress>,
    /// Is told of what cannot be read.
    pub(crate) complain: Arc<dyn Fn(raw_files::Damage) + Send + Sync>,
}

impl Reader {
    /// Tells of a file that cannot be read.
    pub(super) fn damaged(&self, file: String, damage: Damage) {
        let Damage { code, message } = damage;
        (self.complain)(raw_files::Damage { file, record: None, code, message });
    }
}

impl Source {
    /// The source of that name.
    pub(crate) async fn open(name: &str, arguments: &bucket::Arguments) -> Result<Self, Failure> {
        if name.starts_with("s3://") {
            return Ok(Self::Bucket(Box::new(Bucket::open(name, arguments).await?)));
        }
        if arguments.any() {
            return Err(Failure::Usage(
                "--source-endpoint-url, --source-profile and --source-region are for s3:// sources".into(),
            ));
        }
        let folder = Folder::open(Path::new(name));
        folder.map(Self::Folder).map_err(|error| Failure::Unreachable(format!("cannot read {name}: {error}")))
    }

    /// What tells it from others.
    pub(super) fn identity(&self) -> String {
        match self {
            Self::Folder(folder) => folder.identity(),
            Self::Bucket(bucket) => bucket.identity(),
        }
    }

    /// Whether what was done is worth noting: for one file it is not.
    pub(super) fn is_resumable(&self) -> bool {
        !matches!(self, Self::Folder(folder) if folder.is_file())
    }

    /// Packs everything there is.
    pub(super) async fn pack(&self, desk: Desk) -> Result<(), Failure> {
        match self {
            Self::Folder(folder) => folder.pack(desk).await,
            Self::Bucket(bucket) => bucket.pack(desk).await,
        }
    }

    /// Hands every log file to the reader that may hold events of the range.
    pub(crate) async fn find(self: Arc<Self>, range: Range, reader: Reader) -> Result<(), Failure> {
        match &*self {
            Self::Bucket(bucket) => bucket.find(range, &reader).await,
            Self::Folder(folder) => {
                let folder = folder.clone();
                let found = tokio::task::spawn_blocking(move || folder.find(range, &reader)).await;
                found.map_err(|error| Failure::Unreachable(format!("reading files broke off: {error}")))
            }
        }
    }

    /// Counts the log files; whether it came to the end.
    pub(super) async fn count(&self, total: &Arc<Total>, stop: &CancellationToken) -> bool {
        match self {
            Self::Folder(folder) => folder.count(total, stop).await,
            Self::Bucket(bucket) => bucket.count(total, stop).await,
        }
    }
}
