//! What lookups see: a set of segments that has every record once.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;

use super::error::{Damage, Error};
use super::open::Open;
use super::segment::{Family, Segment};

/// Damaged places remembered: enough to see what is going on.
const DAMAGES_MAX: usize = 64;

/// A segment that cannot be opened: what the catalog knows of it, and what is wrong.
#[derive(Clone)]
pub(super) struct Unreadable {
    pub(super) id: u64,
    pub(super) family: Family,
    pub(super) records: u64,
    pub(super) bytes: u64,
    pub(super) newest_s: i64,
    pub(super) oldest_s: i64,
    pub(super) damage: Damage,
}

/// A segment that the catalog names.
#[derive(Clone)]
pub(super) enum Member {
    /// It can be read, as far as is known.
    Sound(Arc<Segment>),
    /// It cannot even be opened; what the catalog knows of it is enough to tell which answers depend on it.
    Damaged(Unreadable),
}

impl Member {
    pub(super) fn id(&self) -> u64 {
        match self {
            Self::Sound(segment) => segment.id(),
            Self::Damaged(segment) => segment.id,
        }
    }

    pub(super) fn family(&self) -> Family {
        match self {
            Self::Sound(segment) => segment.summary().family,
            Self::Damaged(segment) => segment.family,
        }
    }

    pub(super) fn newest_s(&self) -> i64 {
        match self {
            Self::Sound(segment) => segment.summary().newest_s,
            Self::Damaged(segment) => segment.newest_s,
        }
    }

    pub(super) fn oldest_s(&self) -> i64 {
        match self {
            Self::Sound(segment) => segment.summary().oldest_s,
            Self::Damaged(segment) => segment.oldest_s,
        }
    }

    pub(super) fn records(&self) -> u64 {
        match self {
            Self::Sound(segment) => u64::from(segment.summary().records),
            Self::Damaged(segment) => segment.records,
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Sound(segment) => segment.file().len(),
            Self::Damaged(segment) => segment.bytes,
        }
    }
}

/// One state of event history.
#[derive(Clone)]
pub(super) struct View {
    pub(super) sealed: Vec<Member>,
    /// Full and being sealed.
    pub(super) sealing: Option<Arc<Open>>,
    pub(super) open: Arc<Open>,
}

/// The current view, and the damage that was found.
pub(super) struct Views {
    current: ArcSwap<View>,
    damaged: Mutex<Vec<(u64, Damage)>>,
}

impl Views {
    pub(super) fn new(sealed: Vec<Member>, open: Open) -> Self {
        let damaged = sealed.iter().filter_map(|member| match member {
            Member::Sound(_) => None,
            Member::Damaged(segment) => Some((segment.id, segment.damage.clone())),
        });
        let damaged = Mutex::new(damaged.collect());
        Self { current: ArcSwap::from_pointee(View { sealed, sealing: None, open: Arc::new(open) }), damaged }
    }

    /// The view of this moment.
    pub(super) fn load(&self) -> Arc<View> {
        self.current.load_full()
    }

    /// The open segment takes no more; `next` does.
    pub(super) fn rotate(&self, next: &Arc<Open>) {
        self.current.rcu(|view| View {
            sealed: view.sealed.clone(),
            sealing: Some(Arc::clone(&view.open)),
            open: Arc::clone(next),
        });
    }

    /// What was being sealed is in `segments`.
    pub(super) fn sealed(&self, segments: &[Arc<Segment>]) {
        self.current.rcu(|view| {
            let added = segments.iter().map(|segment| Member::Sound(Arc::clone(segment)));
            View { sealed: view.sealed.iter().cloned().chain(added).collect(), sealing: None, open: Arc::clone(&view.open) }
        });
    }

    /// The segments `gone` are no longer; what they had that counts is in `merged`.
    pub(super) fn replaced(&self, gone: &HashSet<u64>, merged: Option<&Arc<Segment>>) {
        self.current.rcu(|view| {
            let kept = view.sealed.iter().filter(|member| !gone.contains(&member.id())).cloned();
            let sealed = kept.chain(merged.map(|segment| Member::Sound(Arc::clone(segment)))).collect();
            View { sealed, sealing: view.sealing.clone(), open: Arc::clone(&view.open) }
        });
        self.damages().retain(|(id, _)| !gone.contains(id));
    }

    /// Remembers `error` if it is about a damaged segment, for health and so that it is not merged; gives it back.
    pub(super) fn noted(&self, error: Error) -> Error {
        if let Error::Damaged(damage) = &error {
            let view = self.load();
            let is_it = |member: &&Member| matches!(member, Member::Sound(s) if s.file().path() == damage.file);
            let id = view.sealed.iter().find(is_it).map(Member::id);
            let mut damages = self.damages();
            let is_new = !damages.iter().any(|(_, known)| known == damage) && damages.len() < DAMAGES_MAX;
            if let Some(id) = id.filter(|_| is_new) {
                tracing::error!(%damage, "damaged");
                damages.push((id, damage.clone()));
            }
        }
        error
    }

    /// The damage that was found, with the segments' ids.
    pub(super) fn damaged(&self) -> Vec<(u64, Damage)> {
        self.damages().clone()
    }

    fn damages(&self) -> MutexGuard<'_, Vec<(u64, Damage)>> {
        self.damaged.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
