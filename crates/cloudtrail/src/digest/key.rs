//! Keys and names of digests. `validate-logs` cuts the time out by its position from the end.

use time::macros::format_description;

use crate::account::AccountId;
use crate::log_file::{EXTENSION, Folder, Place, second, utc};
use crate::region::Region;

const BACKFILL: &str = "_backfill";

/// The key of a digest that ends at that second.
pub fn key(place: &Place, trail: &str, home: &Region, end_s: i64) -> String {
    let name = Name {
        account: place.account,
        region: place.region.clone(),
        trail: trail.to_owned(),
        home: home.clone(),
        end_s,
        backfill: false,
    };
    format!("{}{}", place.day(Folder::Digest, end_s), name.render())
}

/// The name of a digest: `{account}_CloudTrail-Digest_{Region}_{trail}_{home Region}_{YYYYMMDDTHHMMSSZ}`, then
/// `_backfill` perhaps, then `.json.gz`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// Whose events.
    pub account: AccountId,
    /// Where they were recorded.
    pub region: Region,
    /// The trail's name.
    pub trail: String,
    /// The trail's home Region.
    pub home: Region,
    /// digestEndTime.
    pub end_s: i64,
    /// Whether it lists files that came too late for their own digest.
    pub backfill: bool,
}

impl Name {
    /// Reads the last segment of a key; `None` when it is not the name of a digest.
    pub fn parse(file: &str) -> Option<Self> {
        let file = file.strip_suffix(EXTENSION)?;
        let (stem, backfill) = file.strip_suffix(BACKFILL).map_or((file, false), |stem| (stem, true));
        let (stem, end) = stem.rsplit_once('_')?;
        // The trail's name may have underscores in it; what is around it has none.
        let (stem, home) = stem.rsplit_once('_')?;
        let mut parts = stem.splitn(4, '_');
        let account = parts.next()?.parse().ok()?;
        let folder: Folder = parts.next()?.parse().ok()?;
        let region = parts.next()?.parse().ok()?;
        let trail = parts.next().filter(|trail| !trail.is_empty())?.to_owned();
        let name = Self { account, region, trail, home: home.parse().ok()?, end_s: second(end)?, backfill };
        (folder == Folder::Digest).then_some(name)
    }

    /// The name.
    pub fn render(&self) -> String {
        let Self { account, region, trail, home, end_s, backfill } = self;
        let end = utc(*end_s)
            .format(format_description!("[year][month][day]T[hour][minute][second]Z"))
            .expect("a date of four digits' years is written");
        let backfill = if *backfill { BACKFILL } else { "" };
        format!("{account}_{}_{region}_{trail}_{home}_{end}{backfill}{EXTENSION}", Folder::Digest)
    }
}
