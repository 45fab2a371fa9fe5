//! The configuration: what the TOML file, `TRAILKEEP_*` variables and flags say, with defaults.
//!
//! A flag wins over a variable, a variable over the file. [`File`] is the file as written; [`Config`] is what the
//! program runs with, every value checked.

mod channels;
mod generate;
mod lake;
mod queries;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cloudtrail::account::AccountId;
use cloudtrail::region::{self, Region};
use serde::Deserialize;

pub use channels::{Channels, ChannelsFile};
pub use generate::{Generate, GenerateFile};
pub use lake::{Lake, LakeFile};
pub use queries::{Queries, QueriesFile};

/// Where `serve` listens unless told otherwise.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:4750";
/// The account whose root is the installation's root, unless told otherwise.
pub const DEFAULT_ACCOUNT: &str = "123456789012";
/// The home Region of tokens and of the program's own housekeeping.
pub const DEFAULT_REGION: &str = "us-east-1";
/// Accounts an installation may register.
pub const ACCOUNTS_MAX: usize = 1_000;

/// The longest access key (IAM API reference, `accessKeyIdType`).
const ACCESS_KEY_ID_CHARS_MAX: usize = 128;
/// The longest time that can be set: a hundred years.
const FOREVER: Duration = Duration::from_secs(100 * 366 * 86_400);

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not the TOML that is expected.
    #[error("{path}: {reason}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// The place and the reason.
        reason: String,
    },
    /// A setting has a value that cannot be used.
    #[error("{setting}: {reason}")]
    Setting {
        /// The setting's name, as in the file.
        setting: String,
        /// What is wrong with its value.
        reason: String,
    },
}

fn setting(name: impl Into<String>, reason: impl Into<String>) -> Error {
    Error::Setting { setting: name.into(), reason: reason.into() }
}

/// The configuration file as written. Every member may be absent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct File {
    /// `listen`: address and port.
    pub listen: Option<String>,
    /// `data_dir`: where everything is kept.
    pub data_dir: Option<PathBuf>,
    /// `account_id`: the default account.
    pub account_id: Option<String>,
    /// `regions`: which Regions trails deliver.
    pub regions: Option<Vec<String>>,
    /// `strict`: reads wait until they are recorded too.
    pub strict: Option<bool>,
    /// `strict_aws`: refuse our extensions; AWS's throttles and retention.
    pub strict_aws: Option<bool>,
    /// `[trails]`.
    pub trails: TrailsFile,
    /// `[history]`.
    pub history: HistoryFile,
    /// `[buckets]`.
    pub buckets: BucketsFile,
    /// `[channels]`.
    pub channels: ChannelsFile,
    /// `[generate]`.
    pub generate: GenerateFile,
    /// `[lake]`.
    pub lake: LakeFile,
    /// `[queries]`.
    pub queries: QueriesFile,
    /// `[s3]`: where buckets that are not local are.
    pub s3: EndpointFile,
    /// `[tls]`.
    pub tls: Option<TlsFile>,
    /// `[[account]]`.
    pub account: Vec<AccountFile>,
    /// `[[proxy]]`.
    pub proxy: Vec<proxy::settings::File>,
}

/// `[trails]` of the file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrailsFile {
    /// How long events wait at most before a log file is cut.
    pub delivery_interval: Option<String>,
    /// The time a digest covers.
    pub digest_interval: Option<String>,
    /// Bytes of log files that may wait on disk for one trail's bucket.
    pub spool_bytes_max: Option<u64>,
    /// libdeflate's compression level for log files: 1 to 12.
    pub compression_level: Option<i32>,
}

/// `[history]` of the file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HistoryFile {
    /// How long live events are kept.
    pub retention: Option<String>,
    /// How long imported events are kept.
    pub import_retention: Option<String>,
}

/// `[buckets]` of the file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BucketsFile {
    /// How long delivered files cannot be deleted; `0s` switches the lock off.
    pub lock: Option<String>,
}

/// `[s3]` of the file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EndpointFile {
    /// The URL.
    pub endpoint: Option<String>,
    /// The Region to sign for.
    pub region: Option<String>,
    /// The profile of the AWS configuration whose credentials are used.
    pub profile: Option<String>,
}

/// `[tls]` of the file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFile {
    /// PEM file with the certificate chain.
    pub cert: PathBuf,
    /// PEM file with the private key.
    pub key: PathBuf,
}

/// `[[account]]` of the file: a registered account and its root.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountFile {
    /// 12 digits.
    pub id: String,
    /// A name for people.
    #[serde(default)]
    pub name: String,
    /// The root's access key.
    pub access_key_id: String,
    /// The root's secret.
    pub secret_access_key: String,
}

impl File {
    /// Reads the file at `path`.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        toml::from_str(&text).map_err(|error| Error::Parse { path: path.to_owned(), reason: error.to_string() })
    }
}

/// The configuration the program runs with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Where to listen; port 0 picks one.
    pub listen: SocketAddr,
    /// The account whose root is the installation's root.
    pub account: AccountId,
    /// The installation root's credentials, when the environment gives them.
    pub root: Option<Credentials>,
    /// The other registered accounts and their roots.
    pub accounts: BTreeMap<AccountId, Account>,
    /// The partition, `aws`.
    pub partition: String,
    /// The Regions that trails deliver.
    pub regions: Vec<Region>,
    /// Reads wait until they are recorded too.
    pub strict: bool,
    /// Refuse our extensions; AWS's throttles and retention.
    pub strict_aws: bool,
    /// Delivery of trails.
    pub trails: Trails,
    /// How long live events are kept in event history.
    pub history_retention: Duration,
    /// How long imported events are kept there; `None` is forever.
    pub import_retention: Option<Duration>,
    /// How long delivered files cannot be deleted; zero switches the lock off.
    pub bucket_lock: Duration,
    /// What channels there may be.
    pub channels: Channels,
    /// What writes queries for GenerateQuery besides the library of samples.
    pub generate: Option<Generate>,
    /// How event data stores are kept.
    pub lake: Lake,
    /// How queries run.
    pub queries: Queries,
    /// Where buckets that are not local are.
    pub s3: Endpoint,
    /// Certificate and key, when the listener speaks TLS.
    pub tls: Option<Tls>,
    /// The recording proxies.
    pub proxies: Vec<proxy::settings::Settings>,
}

/// How trails deliver.
#[derive(Clone, Copy, Debug)]
pub struct Trails {
    /// How long events wait at most before a log file is cut.
    pub delivery_interval: Duration,
    /// The time a digest covers.
    pub digest_interval: Duration,
    /// Bytes of log files that may wait on disk for one trail's bucket.
    pub spool_bytes_max: u64,
    /// libdeflate's compression level.
    pub compression_level: i32,
}

/// A pair of keys.
#[derive(Clone)]
pub struct Credentials {
    /// The access key.
    pub access_key_id: String,
    /// The secret.
    pub secret_access_key: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// A registered account.
#[derive(Clone, Debug)]
pub struct Account {
    /// A name for people.
    pub name: String,
    /// Its root's keys.
    pub root: Credentials,
}

/// A service elsewhere, reached with credentials of our own configuration.
#[derive(Clone, Debug, Default)]
pub struct Endpoint {
    /// The URL; `None` with a Region or profile means AWS itself, `None` without either means there is none.
    pub endpoint: Option<String>,
    /// The Region to sign for.
    pub region: Option<String>,
    /// The profile whose credentials are used.
    pub profile: Option<String>,
}

impl Endpoint {
    /// Whether anything is configured.
    pub fn is_configured(&self) -> bool {
        self.endpoint.is_some() || self.region.is_some() || self.profile.is_some()
    }
}

/// Certificate and key files in PEM.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The certificate chain.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

impl Config {
    /// Checks what `file` says (flags and variables already laid over it) and fills in the defaults.
    ///
    /// `data_dir` is used when the file names none.
    pub fn new(file: File, data_dir: PathBuf, root: Option<Credentials>) -> Result<Self, Error> {
        let account = parse_account("account_id", file.account_id.as_deref().unwrap_or(DEFAULT_ACCOUNT))?;
        if let Some(root) = &root {
            check_keys("TRAILKEEP_ACCESS_KEY_ID", &root.access_key_id, &root.secret_access_key)?;
        }
        let partition = "aws".to_owned();
        Ok(Self {
            data_dir: file.data_dir.unwrap_or(data_dir),
            listen: parse_listen(file.listen.as_deref().unwrap_or(DEFAULT_LISTEN))?,
            account,
            root,
            accounts: parse_accounts(account, file.account)?,
            regions: parse_regions(&partition, file.regions)?,
            partition,
            strict: file.strict.unwrap_or(false),
            strict_aws: file.strict_aws.unwrap_or(false),
            trails: Trails {
                delivery_interval: at_least_a_second("trails.delivery_interval", file.trails.delivery_interval.as_deref(), "5m")?,
                digest_interval: at_least_a_second("trails.digest_interval", file.trails.digest_interval.as_deref(), "1h")?,
                spool_bytes_max: file.trails.spool_bytes_max.unwrap_or(10 << 30),
                compression_level: parse_level(file.trails.compression_level.unwrap_or(1))?,
            },
            history_retention: duration("history.retention", file.history.retention.as_deref().unwrap_or("90d"))?
                .ok_or_else(|| setting("history.retention", "must be a duration, such as 90d"))?,
            import_retention: duration(
                "history.import_retention",
                file.history.import_retention.as_deref().unwrap_or("forever"),
            )?,
            bucket_lock: duration("buckets.lock", file.buckets.lock.as_deref().unwrap_or("90d"))?.unwrap_or(FOREVER),
            channels: file.channels.checked(),
            generate: file.generate.checked()?,
            lake: file.lake.checked()?,
            queries: file.queries.checked()?,
            s3: Endpoint { endpoint: file.s3.endpoint, region: file.s3.region, profile: file.s3.profile },
            tls: file.tls.map(|tls| Tls { cert: tls.cert, key: tls.key }),
            proxies: parse_proxies(account, file.proxy)?,
        })
    }

    /// Where the printed credentials are.
    pub fn credentials_path(&self) -> PathBuf {
        self.data_dir.join("credentials")
    }
}

fn parse_account(name: &str, text: &str) -> Result<AccountId, Error> {
    text.parse().map_err(|_| setting(name, format!("{text:?} is not an account id of 12 digits")))
}

/// Proxies an installation may have.
pub const PROXIES_MAX: usize = 64;

fn parse_proxies(account: AccountId, entries: Vec<proxy::settings::File>) -> Result<Vec<proxy::settings::Settings>, Error> {
    if entries.len() > PROXIES_MAX {
        return Err(setting("proxy", format!("at most {PROXIES_MAX} proxies")));
    }
    let region = crate::service::default_region();
    entries.into_iter().map(|entry| entry.checked(&account, &region).map_err(|reason| setting("proxy", reason))).collect()
}

fn parse_listen(text: &str) -> Result<SocketAddr, Error> {
    text.parse().map_err(|_| setting("listen", format!("{text:?} is not ADDRESS:PORT, such as {DEFAULT_LISTEN}")))
}

fn parse_level(level: i32) -> Result<i32, Error> {
    if (1..=12).contains(&level) { Ok(level) } else { Err(setting("trails.compression_level", "must be 1 to 12")) }
}

fn parse_accounts(default: AccountId, entries: Vec<AccountFile>) -> Result<BTreeMap<AccountId, Account>, Error> {
    if entries.len() > ACCOUNTS_MAX {
        return Err(setting("account", format!("at most {ACCOUNTS_MAX} accounts")));
    }
    let mut accounts = BTreeMap::new();
    let mut keys = std::collections::BTreeSet::new();
    for entry in entries {
        let id = parse_account("account.id", &entry.id)?;
        check_keys("account", &entry.access_key_id, &entry.secret_access_key)?;
        if id == default {
            return Err(setting("account", format!("{id} is the default account; its root's keys are in the credentials file")));
        }
        if !keys.insert(entry.access_key_id.clone()) {
            return Err(setting("account", format!("access key {} is given twice", entry.access_key_id)));
        }
        let root = Credentials { access_key_id: entry.access_key_id, secret_access_key: entry.secret_access_key };
        if accounts.insert(id, Account { name: entry.name, root }).is_some() {
            return Err(setting("account", format!("{id} is given twice")));
        }
    }
    Ok(accounts)
}

/// A key that signatures can name, and a secret that stays on its line in the credentials file.
fn check_keys(name: &str, access_key_id: &str, secret: &str) -> Result<(), Error> {
    let nameable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if !(1..=ACCESS_KEY_ID_CHARS_MAX).contains(&access_key_id.len()) || !access_key_id.chars().all(nameable) {
        return Err(setting(name, format!("access_key_id must have 1 to {ACCESS_KEY_ID_CHARS_MAX} letters, digits and - _ .")));
    }
    if secret.is_empty() || !secret.chars().all(|c| c.is_ascii_graphic()) {
        return Err(setting(name, "secret_access_key must have ASCII letters, digits and signs, and no spaces"));
    }
    Ok(())
}

fn parse_regions(partition: &str, given: Option<Vec<String>>) -> Result<Vec<Region>, Error> {
    let Some(names) = given else {
        return region::partition_regions(partition)
            .iter()
            .map(|name| name.parse().map_err(|_| setting("regions", format!("{name:?} is not a Region"))))
            .collect();
    };
    if names.is_empty() {
        return Err(setting("regions", "names no Region"));
    }
    names.iter().map(|name| name.parse().map_err(|_| setting("regions", format!("{name:?} is not a Region")))).collect()
}

fn at_least_a_second(name: &str, text: Option<&str>, default: &str) -> Result<Duration, Error> {
    match duration(name, text.unwrap_or(default))? {
        Some(duration) if duration >= Duration::from_secs(1) => Ok(duration),
        _ => Err(setting(name, "must be a second or more")),
    }
}

/// Parses `90d`, `12h`, `5m`, `10s`, `250ms` or `forever` (`None`).
pub fn duration(name: &str, text: &str) -> Result<Option<Duration>, Error> {
    if text == "forever" {
        return Ok(None);
    }
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 =
        number.parse().map_err(|_| setting(name, format!("{text:?} is not a duration such as 90d, 12h, 5m, 10s or forever")))?;
    let seconds = match unit {
        "d" => number.checked_mul(86_400),
        "h" => number.checked_mul(3_600),
        "m" => number.checked_mul(60),
        "s" => Some(number),
        "ms" => return Ok(Some(Duration::from_millis(number))),
        _ => return Err(setting(name, format!("{text:?} has no unit of d, h, m, s or ms"))),
    };
    match seconds {
        Some(seconds) if seconds <= FOREVER.as_secs() => Ok(Some(Duration::from_secs(seconds))),
        _ => Err(setting(name, format!("{text:?} is over 100 years; say forever"))),
    }
}

#[cfg(test)]
mod tests;
