//! Object keys: `[prefix/]AWSLogs/[o-…/]{account}/{folder}/{Region}/{YYYY}/{MM}/{DD}/{file}`.

use std::fmt;
use std::str::FromStr;

use time::macros::format_description;
use time::{Date, PrimitiveDateTime, Time};

use super::{EXTENSION, UNIQUE_CHARS, utc};
use crate::account::AccountId;
use crate::region::Region;

/// The folder all keys share; below it, only the service writes.
const ROOT: &str = "AWSLogs";

/// What kind of file lies in a folder. The folder's name is also the middle of the files' names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Folder {
    /// Management and data events.
    CloudTrail,
    /// Network activity events.
    NetworkActivity,
    /// Insights events.
    Insight,
    /// Summaries of data events.
    Aggregated,
    /// Digests.
    Digest,
}

impl Folder {
    const ALL: [Self; 5] = [Self::CloudTrail, Self::NetworkActivity, Self::Insight, Self::Aggregated, Self::Digest];

    /// The folder's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::CloudTrail => "CloudTrail",
            Self::NetworkActivity => "CloudTrail-NetworkActivity",
            Self::Insight => "CloudTrail-Insight",
            Self::Aggregated => "CloudTrail-Aggregated",
            Self::Digest => "CloudTrail-Digest",
        }
    }
}

impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Folder {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|folder| folder.name() == name).ok_or(())
    }
}

/// Whose files they are and where a trail puts them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The trail's S3KeyPrefix.
    pub prefix: Option<String>,
    /// The organization's id, for an organization trail.
    pub organization: Option<String>,
    /// Whose events they are; not the trail's owner.
    pub account: AccountId,
    /// Where the events were recorded; not the trail's home Region.
    pub region: Region,
}

impl Place {
    /// The key of a log file cut at that second.
    pub fn key(&self, folder: Folder, cut_at_s: i64, unique: &str) -> String {
        let minute = utc(cut_at_s)
            .format(format_description!("[year][month][day]T[hour][minute]Z"))
            .expect("a date of four digits' years is written");
        let Self { account, region, .. } = self;
        let file = format!("{account}_{folder}_{region}_{minute}_{unique}{EXTENSION}");
        format!("{}{file}", self.day(folder, cut_at_s))
    }

    /// The folder of a day, with its closing slash: where a file of that second lies.
    pub fn day(&self, folder: Folder, at_s: i64) -> String {
        let day = utc(at_s).format(format_description!("[year]/[month]/[day]")).expect("a date of four digits' years is written");
        format!("{}{folder}/{}/{day}/", self.root(), self.region)
    }

    /// The marker object that is written when a trail is made or changed, to see whether the bucket admits us.
    pub fn marker(&self, folder: Folder) -> String {
        format!("{}{folder}/", self.root())
    }

    /// The prefix is joined with one slash, whatever it ends with: `validate-logs` does the same.
    fn root(&self) -> String {
        let prefix = self.prefix.as_deref().filter(|p| !p.is_empty()).map(|p| format!("{p}/"));
        let organization = self.organization.as_deref().map(|o| format!("{o}/"));
        let part = Option::unwrap_or_default;
        format!("{}{ROOT}/{}{}/", part(prefix), part(organization), self.account)
    }
}

/// The name of a log file, taken apart. Digests have names of their own, see `digest`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// Whose events.
    pub account: AccountId,
    /// What kind of events.
    pub folder: Folder,
    /// Where they were recorded.
    pub region: Region,
    /// The minute of the delivery, in seconds since 1970.
    pub cut_at_s: i64,
    /// The unique part.
    pub unique: String,
}

impl Name {
    /// Reads the last segment of a key; `None` when it is not the name of a log file.
    pub fn parse(file: &str) -> Option<Self> {
        let mut parts = file.strip_suffix(EXTENSION)?.split('_');
        let name = Self {
            account: parts.next()?.parse().ok()?,
            folder: parts.next()?.parse().ok().filter(|folder| *folder != Folder::Digest)?,
            region: parts.next()?.parse().ok()?,
            cut_at_s: minute(parts.next()?)?,
            unique: parts.next().filter(|unique| is_unique(unique))?.to_owned(),
        };
        parts.next().is_none().then_some(name)
    }
}

/// A log file's key, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Where it lies.
    pub place: Place,
    /// What it is called.
    pub name: Name,
}

impl Key {
    /// Reads a key; `None` when it is not that of a log file, or when its parts contradict each other.
    pub fn parse(key: &str) -> Option<Self> {
        let (folder, file) = key.rsplit_once('/')?;
        let name = Name::parse(file)?;
        let (prefix, inner) = match folder.rsplit_once("/AWSLogs/") {
            Some((prefix, inner)) => (Some(prefix), inner),
            None => (None, folder.strip_prefix("AWSLogs/")?),
        };
        let (first, _) = inner.split_once('/')?;
        let organization = first.starts_with("o-").then_some(first);
        let place = Place {
            prefix: prefix.map(str::to_owned),
            organization: organization.map(str::to_owned),
            account: name.account,
            region: name.region.clone(),
        };
        let here = place.key(name.folder, name.cut_at_s, &name.unique) == key;
        here.then_some(Self { place, name })
    }
}

fn is_unique(text: &str) -> bool {
    text.len() == UNIQUE_CHARS && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// `YYYYMMDDTHHmmZ`.
fn minute(text: &str) -> Option<i64> {
    let at = PrimitiveDateTime::parse(text, format_description!("[year][month][day]T[hour][minute]Z")).ok()?;
    Some(at.assume_utc().unix_timestamp())
}

/// `YYYYMMDDTHHMMSSZ`, as digests have it.
pub(crate) fn second(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let date = Date::parse(date, format_description!("[year][month][day]")).ok()?;
    let time = Time::parse(time, format_description!("[hour][minute][second]")).ok()?;
    Some(PrimitiveDateTime::new(date, time).assume_utc().unix_timestamp())
}
