//! `[[proxy]]` of the configuration file, and how it becomes settings.

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use cloudtrail::account::AccountId;
use cloudtrail::region::Region;
use http::Uri;
use serde::Deserialize;

use super::{DataEvents, Network, OnFailure, Settings};

/// `[[proxy]]`, or the flags of `trailkeep proxy`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Where it listens: `127.0.0.1:9000`.
    #[serde(default)]
    pub listen: String,
    /// What is behind it: `http://127.0.0.1:8333`.
    #[serde(default)]
    pub upstream: String,
    /// Which data events are recorded; none without it.
    pub record_data_events: Option<DataEventsFile>,
    /// `refuse`, `strict` or `pass`; `refuse` without it.
    pub on_failure: Option<String>,
    /// Whose X-Forwarded-For and PROXY protocol are believed.
    #[serde(default)]
    pub trusted_proxies: Vec<String>,
    /// The file that says whose keys are whose.
    pub identities: Option<PathBuf>,
    /// The one service behind it, by the name of its model.
    pub service: Option<String>,
    /// Domains whose subdomains are buckets.
    #[serde(default)]
    pub bucket_domains: Vec<String>,
    /// The account of callers that are in no account known.
    pub account: Option<String>,
    /// The Region of requests that name none.
    pub region: Option<String>,
    /// Certificate and key, when the listener speaks TLS.
    pub tls: Option<TlsFile>,
    /// PEM file with certificates to trust for the upstream besides the system's.
    pub upstream_ca: Option<PathBuf>,
}

/// `record_data_events`: all, none, or a list of beginnings of ARNs.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum DataEventsFile {
    /// All or none.
    All(bool),
    /// Those on resources whose ARN begins with one of these.
    Prefixes(Vec<String>),
}

/// `tls`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFile {
    /// PEM file with the certificate chain.
    pub cert: PathBuf,
    /// PEM file with the private key.
    pub key: PathBuf,
}

impl File {
    /// Checks it; account and Region are the installation's own where it names none. The message begins with the key.
    pub fn checked(self, default_account: &AccountId, default_region: &Region) -> Result<Settings, String> {
        let events = self.record_data_events.map_or(Ok(DataEvents::None), DataEvents::try_from);
        let networks = self.trusted_proxies.iter().map(|text| text.parse()).collect::<Result<Vec<Network>, _>>();
        let domains = self.bucket_domains.iter().map(|text| domain(text)).collect::<Result<Vec<_>, _>>();
        Ok(Settings {
            listen: at(
                "listen",
                self.listen.parse::<SocketAddr>().map_err(|_| format!("{:?} is not an address and a port", self.listen)),
            )?,
            tls: self.tls.map(|tls| (tls.cert, tls.key)),
            upstream: at("upstream", upstream(&self.upstream))?,
            upstream_ca: self.upstream_ca,
            record_data_events: at("record_data_events", events)?,
            on_failure: at("on_failure", self.on_failure.as_deref().map_or(Ok(OnFailure::Refuse), str::parse))?,
            trusted_proxies: at("trusted_proxies", networks)?,
            identities: self.identities,
            service: at("service", self.service.map(|name| service(&name)).transpose())?,
            bucket_domains: at("bucket_domains", domains)?,
            account: at("account", self.account.map_or_else(|| Ok(*default_account), |text| text.parse()))?,
            region: at("region", self.region.map_or_else(|| Ok(default_region.clone()), |text| text.parse()))?,
        })
    }
}

fn at<T, E: Display>(key: &str, checked: Result<T, E>) -> Result<T, String> {
    checked.map_err(|error| format!("{key}: {error}"))
}

/// The URL of an upstream: scheme, host, maybe a port, and nothing else.
pub(super) fn upstream(text: &str) -> Result<Uri, String> {
    let uri: Uri = text.parse().map_err(|_| format!("{text:?} is not a URL"))?;
    let plain = uri.path() == "/" && uri.query().is_none() && !text.contains(['?', '#']);
    let authority = uri.authority().filter(|authority| !authority.host().is_empty() && !authority.as_str().contains('@'));
    match uri.scheme_str() {
        Some("http" | "https") if authority.is_none() => Err(format!("{text:?} does not name a host")),
        Some("http" | "https") if !plain => Err(format!("{text:?} has more than a scheme, a host and a port")),
        Some("http" | "https") => Ok(uri),
        _ => Err(format!("{text:?} is not an http:// or https:// URL")),
    }
}

fn service(name: &str) -> Result<String, String> {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let name_like = !name.is_empty() && name.bytes().all(known);
    if name_like { Ok(name.to_owned()) } else { Err(format!("{name:?} is not the name of a service's model, such as \"s3\"")) }
}

fn domain(text: &str) -> Result<String, String> {
    let domain = text.trim_end_matches('.').to_ascii_lowercase();
    let label =
        |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if domain.split('.').all(label) {
        Ok(domain)
    } else {
        Err(format!("{text:?} is not a domain; it takes no scheme and no port"))
    }
}

impl TryFrom<DataEventsFile> for DataEvents {
    type Error = String;

    fn try_from(file: DataEventsFile) -> Result<Self, String> {
        match file {
            DataEventsFile::All(false) => Ok(Self::None),
            DataEventsFile::All(true) => Ok(Self::All),
            DataEventsFile::Prefixes(prefixes) => match prefixes.iter().find(|prefix| !prefix.starts_with("arn:")) {
                Some(other) => Err(format!("{other:?} is not the beginning of an ARN, such as \"arn:aws:s3:::bucket/\"")),
                None if prefixes.is_empty() => Ok(Self::None),
                None => Ok(Self::Prefixes(prefixes)),
            },
        }
    }
}

impl FromStr for DataEventsFile {
    type Err = String;

    /// `true`, `false`, or beginnings of ARNs with commas between them.
    fn from_str(text: &str) -> Result<Self, String> {
        let which = match text {
            "true" => Self::All(true),
            "false" => Self::All(false),
            list => Self::Prefixes(list.split(',').map(|prefix| prefix.trim().to_owned()).collect()),
        };
        DataEvents::try_from(which.clone()).map(|_| which)
    }
}

impl FromStr for OnFailure {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "refuse" => Ok(Self::Refuse),
            "strict" => Ok(Self::Strict),
            "pass" => Ok(Self::Pass),
            other => Err(format!("{other:?} is not one of \"refuse\", \"strict\" and \"pass\"")),
        }
    }
}
