//! A place where ledgers live, with a clock that stands still and a journal whose writer can be held back.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use catalog::Catalog;
use cloudtrail::account::AccountId;
use cloudtrail::event::Event;
use cloudtrail::region::Region;
use cloudtrail::selectors::Selectors;
use journal::{Frame, Journal, Kind};
use pipeline::accounts::Accounts;
use pipeline::capture::recorder::{self, Recorder};
use pipeline::capture::seen;
use pipeline::clock::Clock;
use pipeline::route::table::{Table, TrailRoute};
use tempfile::TempDir;

use crate::ledger::{Away, Here, Ledger, Upkeep, shipping};

/// 2026-11-20T00:00:00Z.
pub(crate) const NOW_S: i64 = 1_795_132_800;
pub(crate) const ACCOUNT: &str = "123456789012";

pub(crate) struct Now(AtomicI64);

impl Clock for Now {
    fn now_us(&self) -> i64 {
        self.0.load(Ordering::Relaxed) * 1_000_000
    }
}

/// Holds the journal's writer back: it asks the time before it writes a group.
#[derive(Default)]
pub(crate) struct Gate {
    closed: Mutex<bool>,
    changed: Condvar,
}

impl Gate {
    pub(crate) fn set(&self, closed: bool) {
        *self.closed.lock().unwrap() = closed;
        self.changed.notify_all();
    }

    fn pass(&self) {
        drop(self.changed.wait_while(self.closed.lock().unwrap(), |closed| *closed).unwrap());
    }
}

pub(crate) struct Site {
    pub(crate) dir: TempDir,
    pub(crate) now: Arc<Now>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) journal: journal::Options,
    /// Whether a trail keeps data events.
    pub(crate) keeps_data: bool,
}

/// What is open until the program ends.
pub(crate) struct Opened {
    pub(crate) ledger: Ledger,
    pub(crate) upkeep: Upkeep,
    pub(crate) journal: Journal,
    pub(crate) catalog: Catalog,
}

impl Site {
    pub(crate) fn new() -> Self {
        let journal = journal::Options { free_bytes_min: 0, control_free_bytes_min: 0, ..journal::Options::default() };
        Self {
            dir: TempDir::new().unwrap(),
            now: Arc::new(Now(AtomicI64::new(NOW_S))),
            gate: Arc::default(),
            journal,
            keeps_data: true,
        }
    }

    pub(crate) async fn parts(&self) -> Here {
        let (now, gate) = (Arc::clone(&self.now), Arc::clone(&self.gate));
        let clock: journal::Clock = Arc::new(move || {
            gate.pass();
            now.now_us()
        });
        let (journal, _) = Journal::open(&self.dir.path().join("journal"), self.journal.clone(), clock).unwrap();
        let trails = if self.keeps_data { vec![Arc::new(trail_of_everything())] } else { Vec::new() };
        let parts = recorder::Parts {
            routes: Table { history_retention_us: i64::MAX, trails, ..Table::default() }.shared(),
            accounts: Accounts::new(account(), []),
            clock: self.now.clone(),
            seen: seen::Options::default(),
            wait: recorder::WAIT,
        };
        let (recorder, _) = Recorder::open(journal.clone(), &self.dir.path().join("seen"), parts).unwrap();
        Here { recorder, journal, catalog: self.catalog().await, account: account(), region: region(), wait: Duration::ZERO }
    }

    pub(crate) async fn open(&self) -> Opened {
        let parts = self.parts().await;
        let (journal, catalog) = (parts.journal.clone(), parts.catalog.clone());
        let (ledger, upkeep) = Ledger::here(parts).await.unwrap();
        Opened { ledger, upkeep, journal, catalog }
    }

    pub(crate) async fn away(&self, url: String) -> Away {
        let target = shipping::Target { url, token: "secret".to_owned(), client: reqwest::Client::new() };
        Away {
            data_dir: self.dir.path().to_owned(),
            catalog: self.catalog().await,
            journal: self.journal.clone(),
            target,
            clock: self.now.clone(),
            jitter: Arc::new(|| 0.0),
            account: account(),
            region: region(),
            wait: Duration::ZERO,
        }
    }

    pub(crate) async fn open_away(&self, url: String) -> Opened {
        let away = self.away(url).await;
        let catalog = away.catalog.clone();
        let (ledger, upkeep) = Ledger::away(away).await.unwrap();
        let journal = ledger.inner.journal.clone();
        Opened { ledger, upkeep, journal, catalog }
    }

    pub(crate) async fn catalog(&self) -> Catalog {
        Catalog::open(&self.dir.path().join("catalog.sqlite")).await.unwrap()
    }
}

impl Opened {
    /// Ends without writing anything more.
    pub(crate) async fn die(self) {
        self.journal.close();
        self.catalog.close().await;
    }

    pub(crate) fn frames(&self) -> Vec<Frame> {
        let mut frames = Vec::new();
        let mut at = self.journal.first();
        while at < self.journal.committed() {
            frames.extend(self.journal.read(at, 1 << 20).unwrap());
            at = frames.last().unwrap().position + 1;
        }
        frames
    }

    /// The events in the journal.
    pub(crate) fn events(&self) -> Vec<Event> {
        let frames = self.frames().into_iter().filter(|frame| frame.kind == Kind::Event);
        frames.map(|frame| Event::stored(frame.payload, account()).unwrap()).collect()
    }
}

pub(crate) fn account() -> AccountId {
    ACCOUNT.parse().unwrap()
}

pub(crate) fn region() -> Region {
    "eu-west-1".parse().unwrap()
}

fn trail_of_everything() -> TrailRoute {
    let selectors = ["Management", "Data"].map(|category| {
        let json = format!(r#"{{"FieldSelectors":[{{"Field":"eventCategory","Equals":["{category}"]}}]}}"#);
        serde_json::from_str(&json).unwrap()
    });
    TrailRoute {
        arn: format!("arn:aws:cloudtrail:eu-west-1:{ACCOUNT}:trail/all"),
        account: account(),
        home_region: region(),
        multi_region: true,
        global_events: true,
        logging: true,
        matcher: Selectors::Advanced(selectors.into()).compile(),
        regions: Arc::new(["eu-west-1".parse().unwrap()].into()),
    }
}
