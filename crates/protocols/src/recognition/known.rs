//! The table at hand: which services a name may mean, and the services that were called lately.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use super::routes::Routes;
use crate::table::file::{Error, Table};
use crate::table::{Heading, Protocol, Service};

/// The models of all services; `cargo xtask codegen --from-botocore` makes it.
const TABLE: &[u8] = include_bytes!("../../model/services.table");
/// How much of the table is kept decompressed, as it is in the file (ours: in memory it takes some 30 MB).
pub(super) const KEPT_BYTES_MAX: usize = 4 << 20;

/// What is known of the services. Clones are the same one.
#[derive(Clone)]
pub struct Protocols {
    known: Arc<Known>,
}

struct Known {
    table: Table,
    by_name: HashMap<String, usize>,
    by_target: HashMap<String, Vec<usize>>,
    by_signing_name: HashMap<String, Vec<usize>>,
    by_endpoint: HashMap<String, Vec<usize>>,
    by_version: HashMap<String, Vec<usize>>,
    kept: RwLock<HashMap<usize, Kept>>,
    clock: AtomicU64,
}

struct Kept {
    loaded: Arc<Loaded>,
    used: AtomicU64,
}

/// A service that was called.
pub(super) struct Loaded {
    pub(super) service: Arc<Service>,
    routes: OnceLock<Routes>,
}

impl Protocols {
    /// Reads the index of the table; services are read when they are first called.
    pub fn new() -> Result<Self, Error> {
        Ok(Self::of(Table::open(TABLE)?))
    }

    /// The same with another table.
    pub fn of(table: Table) -> Self {
        let mut known = Known {
            by_name: HashMap::new(),
            by_target: HashMap::new(),
            by_signing_name: HashMap::new(),
            by_endpoint: HashMap::new(),
            by_version: HashMap::new(),
            kept: RwLock::default(),
            clock: AtomicU64::new(0),
            table,
        };
        for (at, heading) in known.table.headings().iter().enumerate() {
            known.by_name.insert(heading.name.clone(), at);
            if let Some(target) = &heading.target_prefix {
                known.by_target.entry(target.clone()).or_default().push(at);
            }
            known.by_signing_name.entry(heading.signing_name.clone()).or_default().push(at);
            known.by_endpoint.entry(heading.endpoint_prefix.clone()).or_default().push(at);
            known.by_version.entry(heading.api_version.clone()).or_default().push(at);
        }
        // Whose own name it is comes first among those that sign alike: rds before docdb and neptune.
        let headings = known.table.headings();
        for (name, services) in &mut known.by_signing_name {
            services.sort_by_key(|at| headings.get(*at).is_none_or(|heading| heading.name != *name));
        }
        Self { known: Arc::new(known) }
    }

    /// What the table was made of: `botocore 1.44.5`.
    pub fn source(&self) -> &str {
        self.known.table.source()
    }

    /// The index of the table.
    pub fn headings(&self) -> &[Heading] {
        self.known.table.headings()
    }

    /// A service by the name of its model; none if there is none, or its block is damaged.
    pub fn service(&self, name: &str) -> Option<Arc<Service>> {
        Some(Arc::clone(&self.loaded(self.named(name)?)?.service))
    }

    pub(super) fn heading(&self, at: usize) -> Option<&Heading> {
        self.known.table.headings().get(at)
    }

    pub(super) fn named(&self, name: &str) -> Option<usize> {
        self.known.by_name.get(name).copied()
    }

    /// Those whose target begins so; with RPC v2 those of that name.
    pub(super) fn targeted(&self, prefix: &str) -> &[usize] {
        self.known.by_target.get(prefix).map_or(&[], Vec::as_slice)
    }

    /// Those that sign with this name.
    pub(super) fn signing(&self, name: &str) -> Vec<usize> {
        let of = |name: &str| self.known.by_signing_name.get(name).map_or(&[][..], Vec::as_slice);
        match name {
            // What S3 signs for other kinds of buckets and access points.
            "s3express" | "s3-object-lambda" => of("s3").to_vec(),
            "s3-outposts" => [of(name), of("s3")].concat(),
            _ if of(name).is_empty() => self.ending(name).to_vec(),
            _ => of(name).to_vec(),
        }
    }

    /// Those whose host names begin so.
    pub(super) fn ending(&self, prefix: &str) -> &[usize] {
        self.known.by_endpoint.get(prefix).map_or(&[], Vec::as_slice)
    }

    /// Those that have this version, the ones that speak Query first.
    pub(super) fn versioned(&self, version: &str) -> Vec<usize> {
        let mut services = self.known.by_version.get(version).cloned().unwrap_or_default();
        services.sort_by_key(|at| (!self.speaks(*at, &[Protocol::Query, Protocol::Ec2]), self.is_namesake(*at)));
        services
    }

    pub(super) fn speaks(&self, at: usize, any_of: &[Protocol]) -> bool {
        self.heading(at).is_some_and(|heading| heading.protocols.iter().any(|protocol| any_of.contains(protocol)))
    }

    /// Whether it signs with another one's name.
    fn is_namesake(&self, at: usize) -> bool {
        self.heading(at).is_none_or(|heading| heading.name != heading.signing_name)
    }

    /// A service, read if it is not at hand; none if its block is damaged.
    pub(super) fn loaded(&self, at: usize) -> Option<Arc<Loaded>> {
        let now = self.known.clock.fetch_add(1, Ordering::Relaxed);
        if let Some(kept) = self.known.kept.read().unwrap_or_else(PoisonError::into_inner).get(&at) {
            kept.used.store(now, Ordering::Relaxed);
            return Some(Arc::clone(&kept.loaded));
        }
        let service = Arc::new(self.known.table.read(at).ok()?);
        let loaded = Arc::new(Loaded { service, routes: OnceLock::new() });
        let mut kept = self.known.kept.write().unwrap_or_else(PoisonError::into_inner);
        let entry = kept.entry(at).or_insert_with(|| Kept { loaded, used: AtomicU64::new(now) });
        let loaded = Arc::clone(&entry.loaded);
        self.forget(&mut kept, at);
        Some(loaded)
    }

    /// How much is kept, as it is in the file.
    #[cfg(test)]
    pub(super) fn bytes_kept(&self) -> usize {
        let kept = self.known.kept.read().unwrap_or_else(PoisonError::into_inner);
        kept.keys().map(|at| self.known.table.bytes_decompressed(*at)).sum()
    }

    /// Lets go of what was not called for longest while there is too much.
    fn forget(&self, kept: &mut HashMap<usize, Kept>, but: usize) {
        let bytes = |at: &usize| self.known.table.bytes_decompressed(*at);
        while kept.keys().map(bytes).sum::<usize>() > KEPT_BYTES_MAX {
            let others = kept.iter().filter(|(at, _)| **at != but);
            let Some(oldest) = others.min_by_key(|(_, kept)| kept.used.load(Ordering::Relaxed)).map(|(at, _)| *at) else {
                return;
            };
            kept.remove(&oldest);
        }
    }
}

impl fmt::Debug for Protocols {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Protocols").field("source", &self.source()).finish_non_exhaustive()
    }
}

impl Loaded {
    /// The place of an operation.
    pub(super) fn operation(&self, name: &str) -> Option<usize> {
        // The table has them in order.
        self.service.operations.binary_search_by(|operation| operation.name.as_str().cmp(name)).ok()
    }

    pub(super) fn routes(&self) -> &Routes {
        self.routes.get_or_init(|| Routes::of(&self.service))
    }
}
