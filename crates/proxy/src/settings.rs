//! What a proxy is told: where it listens, what is behind it, what it records and what it does when it cannot.

mod file;
mod network;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use cloudtrail::account::AccountId;
use cloudtrail::region::Region;
use http::Uri;

pub use file::{DataEventsFile, File, TlsFile};

/// One proxy's settings, checked. `[[proxy]]` of the configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it listens; port 0 picks one.
    pub listen: SocketAddr,
    /// Certificate chain and private key in PEM, when the listener speaks TLS.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// What is behind it: `http://` or `https://`, host and port, no path.
    pub upstream: Uri,
    /// PEM file with certificates to trust for the upstream besides the system's.
    pub upstream_ca: Option<PathBuf>,
    /// Which data events are recorded.
    pub record_data_events: DataEvents,
    /// What happens to calls that cannot be recorded.
    pub on_failure: OnFailure,
    /// Whose X-Forwarded-For and PROXY protocol are believed.
    pub trusted_proxies: Vec<Network>,
    /// The file that says whose keys are whose.
    pub identities: Option<PathBuf>,
    /// The one service behind it, by the name of its model (`s3`), where that is known.
    pub service: Option<String>,
    /// Domains whose subdomains are buckets.
    pub bucket_domains: Vec<String>,
    /// The account whose log has the calls of callers that are in no account known.
    pub account: AccountId,
    /// The Region of requests that name none.
    pub region: Region,
}

/// Which data events are recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataEvents {
    /// None.
    None,
    /// All.
    All,
    /// Those on resources whose ARN begins with one of these.
    Prefixes(Vec<String>),
}

/// What happens to calls that cannot be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// They are refused with 503 and do not reach the upstream; the answers of writes wait for their record.
    Refuse,
    /// The same, and the answers of reads wait too.
    Strict,
    /// They go on; the gap is counted, and recorded later.
    Pass,
}

/// A network: an address and how many of its bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// The address.
    pub address: IpAddr,
    /// How many of its bits count.
    pub bits: u8,
}

impl DataEvents {
    /// Whether an event on resources with these ARNs is recorded.
    pub fn cover<'a>(&self, mut arns: impl Iterator<Item = &'a str>) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Prefixes(prefixes) => arns.any(|arn| {
                let begins = |arn: &str| prefixes.iter().any(|prefix| arn.starts_with(prefix.as_str()));
                begins(arn) || begins(&resolved(arn))
            }),
        }
    }
}

/// An ARN as a service sees it that takes names for paths: without empty and dotted steps. Which of the two it goes by is
/// not known, so either counts.
fn resolved(arn: &str) -> Cow<'_, str> {
    let odd = |step: &str| matches!(step, "" | "." | "..");
    let Some((before, name)) = arn.split_once(":::").filter(|(_, name)| name.split('/').any(odd)) else {
        return Cow::Borrowed(arn);
    };
    let mut steps: Vec<&str> = Vec::new();
    for step in name.split('/') {
        match step {
            "" | "." => {}
            ".." => drop(steps.pop()),
            step => steps.push(step),
        }
    }
    Cow::Owned(format!("{before}:::{}", steps.join("/")))
}
