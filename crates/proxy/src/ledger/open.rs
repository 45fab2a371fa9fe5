//! Opening a ledger: what stopped in the middle the last time is settled first.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use catalog::{Catalog, cursors};
use cloudtrail::account::AccountId;
use cloudtrail::region::Region;
use journal::{Journal, Position};
use pipeline::capture::recorder::Recorder;
use pipeline::clock::SharedClock;
use pipeline::route::trim::{self, Trim};

use super::aside::Aside;
use super::intents::{Intents, unresolved};
use super::shipping::{self, Shipping, Target};
use super::upkeep::{Unresolved, Upkeep};
use super::{Door, INTENTS, Inner, Ledger, event};

/// A ledger in the journal of this installation.
pub struct Here {
    /// The door to the journal.
    pub recorder: Recorder,
    /// The journal itself.
    pub journal: Journal,
    /// Where the cursor is.
    pub catalog: Catalog,
    /// The account of records that name none; ours all do.
    pub account: AccountId,
    /// The Region of records that name none; ours all do.
    pub region: Region,
    /// How long calls wait for room: [`WAIT`](super::WAIT).
    pub wait: Duration,
}

/// A ledger in a journal of its own, shipped to another installation.
pub struct Away {
    /// Where the journal, the catalog and what was rejected are.
    pub data_dir: PathBuf,
    /// The catalog in it: `catalog.sqlite`, opened by who also keeps sessions there.
    pub catalog: Catalog,
    /// The sizes of the journal.
    pub journal: journal::Options,
    /// Where to.
    pub target: Target,
    /// The time.
    pub clock: SharedClock,
    /// A number from 0 to below 1, at random: spreads what many proxies try again.
    pub jitter: Arc<dyn Fn() -> f64 + Send + Sync>,
    /// The account of records that name none; ours all do.
    pub account: AccountId,
    /// The Region of records that name none; ours all do.
    pub region: Region,
    /// How long calls wait for room: [`WAIT`](super::WAIT).
    pub wait: Duration,
}

/// Why there is no ledger.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The catalog cannot be read or written.
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
    /// The journal cannot be opened or read.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// A file cannot be opened.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The directory is that of an installation: its journal is not ours to ship.
    #[error("{} is the data directory of `trailkeep serve`; a proxy needs one of its own", dir.display())]
    OfInstallation {
        /// Which.
        dir: PathBuf,
    },
    /// The directory is that of proxies in a process of their own, whose journal is shipped and trimmed.
    #[error("the data directory is that of a `trailkeep proxy`; `trailkeep serve` needs one of its own")]
    OfProxies,
    /// The program is winding up.
    #[error("the runtime is shutting down")]
    Stopping,
}

/// What only an installation has in its data directory, from its first start on.
const OF_INSTALLATIONS: [&str; 2] = ["seen", "history"];

/// Refuses the catalog of [`Ledger::away`]: an installation would keep the journal for followers of its own, and its events
/// would be shipped.
pub async fn refuse_away(catalog: &Catalog) -> Result<(), OpenError> {
    match cursors::get(catalog, shipping::CURSOR).await? {
        Some(_) => Err(OpenError::OfProxies),
        None => Ok(()),
    }
}

impl Ledger {
    /// Opens a ledger in the journal of this installation, once for all its proxies, before any of them listens. Calls that
    /// were in the middle of something when the program ended become records whose outcome is unknown.
    ///
    /// The [`Upkeep`] has to run beside it, and to end after all audits.
    pub async fn here(here: Here) -> Result<(Self, Upkeep), OpenError> {
        let Here { recorder, journal, catalog, account, region, wait } = here;
        let door = Door::Here(recorder);
        let inner = Arc::new(Inner { door, journal, catalog, intents: Intents::default(), wait });
        let unresolved = settle(&inner, account, &region).await?;
        let ledger = Self { inner };
        let mut upkeep = Upkeep::new(ledger.clone(), unresolved, None);
        upkeep.recover().await;
        Ok((ledger, upkeep))
    }

    /// Settles what was left open by proxies that are no longer configured, so that the journal is not kept for them.
    pub async fn retire(here: Here) -> Result<(), OpenError> {
        if cursors::get(&here.catalog, INTENTS).await?.is_none() {
            return Ok(());
        }
        let catalog = here.catalog.clone();
        let (_ledger, upkeep) = Self::here(here).await?;
        if upkeep.is_settled() {
            let mut tx = catalog.begin().await?;
            cursors::remove(&mut tx, INTENTS).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Opens a ledger in a journal of its own. See [`Ledger::here`]; the upkeep also ships records.
    pub async fn away(away: Away) -> Result<(Self, Upkeep), OpenError> {
        let Away { data_dir, catalog, journal: options, target, clock, jitter, account, region, wait } = away;
        refuse_installation(&data_dir, &catalog).await?;
        let journal = open_journal(&data_dir, options, clock).await?;
        let aside = open_aside(&data_dir).await?;
        let door = Door::Away;
        let inner =
            Arc::new(Inner { door, journal: journal.clone(), catalog: catalog.clone(), intents: Intents::default(), wait });
        let unresolved = settle(&inner, account, &region).await?;
        if cursors::get(&catalog, shipping::CURSOR).await?.is_none() {
            set_cursor(&catalog, shipping::CURSOR, journal.first()).await?;
        }
        let shipping = Shipping::new(journal.clone(), catalog.clone(), target, aside, jitter);
        let trim = Trim::new(journal, catalog, Arc::new(|| Position::MAX), trim::INTERVAL);
        let ledger = Self { inner };
        let mut upkeep = Upkeep::new(ledger.clone(), unresolved, Some((shipping, trim)));
        upkeep.recover().await;
        Ok((ledger, upkeep))
    }
}

/// A directory from which nothing was shipped yet may be an installation's.
async fn refuse_installation(dir: &Path, catalog: &Catalog) -> Result<(), OpenError> {
    let ships = cursors::get(catalog, shipping::CURSOR).await?.is_some();
    if !ships && OF_INSTALLATIONS.iter().any(|name| dir.join(name).exists()) {
        return Err(OpenError::OfInstallation { dir: dir.to_owned() });
    }
    Ok(())
}

/// The intents that nothing followed; the journal is kept for them. The first time there are none, and there is a cursor
/// from then on.
async fn settle(inner: &Inner, account: AccountId, region: &Region) -> Result<Vec<Unresolved>, OpenError> {
    let Some(from) = cursors::get(&inner.catalog, INTENTS).await? else {
        set_cursor(&inner.catalog, INTENTS, inner.journal.committed()).await?;
        return Ok(Vec::new());
    };
    let journal = inner.journal.clone();
    let open = blocking(move || unresolved(&journal, from)).await??;
    let as_event = |(position, record): (Position, Bytes)| {
        let event = event(&record, account, region)?;
        Some(Unresolved { event, number: inner.intents.keep(position) })
    };
    Ok(open.into_iter().filter_map(as_event).collect())
}

async fn open_journal(dir: &Path, options: journal::Options, clock: SharedClock) -> Result<Journal, OpenError> {
    let dir = dir.join("journal");
    let opened = blocking(move || Journal::open(&dir, options, Arc::new(move || clock.now_us()))).await??;
    Ok(opened.0)
}

async fn open_aside(dir: &Path) -> Result<Aside, OpenError> {
    let dir = dir.to_owned();
    blocking(move || Aside::open(&dir).map_err(|source| OpenError::Io { path: Aside::path(&dir), source })).await?
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, OpenError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| OpenError::Stopping)
}

async fn set_cursor(catalog: &Catalog, name: &str, position: Position) -> Result<(), catalog::Error> {
    let mut tx = catalog.begin().await?;
    cursors::set(&mut tx, name, position).await?;
    tx.commit().await
}
