//! Settings of queries over event data stores.

use std::time::Duration;

use serde::Deserialize;

use super::{Error, duration, setting};

/// How long a query may run (CloudTrail user guide, "Query quotas").
const TIME_LIMIT: &str = "1h";
/// The longest time that can be set: what AWS lets queries run.
const TIME_LIMIT_MAX: Duration = Duration::from_secs(3_600);

/// `[queries]` of the file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QueriesFile {
    /// How long a query may run.
    pub time_limit: Option<String>,
}

/// How queries run.
#[derive(Clone, Copy, Debug)]
pub struct Queries {
    /// How long a query may run.
    pub time_limit: Duration,
}

impl QueriesFile {
    pub(super) fn checked(&self) -> Result<Queries, Error> {
        let name = "queries.time_limit";
        match duration(name, self.time_limit.as_deref().unwrap_or(TIME_LIMIT))? {
            Some(time_limit) if !time_limit.is_zero() && time_limit <= TIME_LIMIT_MAX => Ok(Queries { time_limit }),
            _ => Err(setting(name, "must be more than nothing and at most 1h")),
        }
    }
}
