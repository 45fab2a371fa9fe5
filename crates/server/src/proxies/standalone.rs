//! Proxies in a process of their own: records are kept in a journal beside them until the installation they are for has
//! them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use catalog::Catalog;
use cloudtrail::account::AccountId;
use pipeline::clock::{SharedClock, SystemClock};
use proxy::ledger::shipping::Target;
use proxy::ledger::{self, Away, Ledger};
use proxy::running::{self, Place, Proxies};
use proxy::settings::{self, Settings};

use crate::config::{DEFAULT_ACCOUNT, Error, PROXIES_MAX};

/// How long a connection to the installation may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the installation may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// The configuration file of `trailkeep proxy`. Flags win over it.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct File {
    /// Where the journal and what is known of sessions are kept.
    pub data_dir: Option<PathBuf>,
    /// The URL of the installation that gets the records.
    pub record_to: Option<String>,
    /// The file with a token that may send events.
    pub token_file: Option<PathBuf>,
    /// The account of callers that are in no account known.
    pub account_id: Option<String>,
    /// `[[proxy]]`.
    pub proxy: Vec<settings::File>,
}

/// What the process runs with.
pub struct Config {
    data_dir: PathBuf,
    target: Target,
    account: AccountId,
    settings: Vec<Settings>,
}

impl File {
    /// Reads the file at `path`.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        toml::from_str(&text).map_err(|error| Error::Parse { path: path.to_owned(), reason: error.to_string() })
    }

    /// Checks it, and reads the token.
    pub fn checked(self) -> Result<Config, Error> {
        let setting = |setting: &str, reason: String| Error::Setting { setting: setting.to_owned(), reason };
        let missing = |name: &str| setting(name, "is not given".to_owned());
        let account = self.account_id.as_deref().unwrap_or(DEFAULT_ACCOUNT);
        let account =
            account.parse().map_err(|_| setting("account_id", format!("{account:?} is not an account id of 12 digits")))?;
        let url = self.record_to.ok_or_else(|| missing("record_to"))?.trim_end_matches('/').to_owned();
        if !(url.starts_with("http://") || url.starts_with("https://")) {
            return Err(setting("record_to", format!("{url:?} is not an http:// or https:// URL")));
        }
        let path = self.token_file.ok_or_else(|| missing("token_file"))?;
        let token =
            std::fs::read_to_string(&path).map_err(|source| Error::Read { path: path.clone(), source })?.trim().to_owned();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(setting("token_file", format!("{} holds no token", path.display())));
        }
        if self.proxy.is_empty() || self.proxy.len() > PROXIES_MAX {
            return Err(setting("proxy", format!("there must be 1 to {PROXIES_MAX}")));
        }
        let region = crate::service::default_region();
        let checked = |entry: settings::File| entry.checked(&account, &region).map_err(|reason| setting("proxy", reason));
        let settings = self.proxy.into_iter().map(checked).collect::<Result<_, _>>()?;
        let client = reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT).timeout(ANSWER_TIMEOUT).build();
        let client = client.map_err(|error| setting("record_to", error.to_string()))?;
        let data_dir = self.data_dir.ok_or_else(|| missing("data_dir"))?;
        Ok(Config { data_dir, target: Target { url, token, client }, account, settings })
    }
}

/// Proxies in a process of their own.
pub struct Standalone {
    proxies: Proxies,
    catalog: Catalog,
    data_dir: PathBuf,
}

impl Standalone {
    /// Opens the journal in the data directory and begins to serve.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        let Config { data_dir, target, account, settings } = config;
        crate::service::make_private_dir(&data_dir)?;
        let clock: SharedClock = Arc::new(SystemClock);
        let catalog = Catalog::open(&data_dir.join("catalog.sqlite")).await?;
        let away = Away {
            data_dir: data_dir.clone(),
            catalog: catalog.clone(),
            journal: journal::Options::default(),
            target,
            clock: Arc::clone(&clock),
            jitter: Arc::new(jitter),
            account,
            region: crate::service::default_region(),
            wait: ledger::WAIT,
        };
        let (ledger, upkeep) = Ledger::away(away).await.context("the journal cannot be opened")?;
        let proxies = Proxies::start(running::Parts {
            settings,
            ledger,
            upkeep,
            catalog: catalog.clone(),
            roots: Arc::new(|_| None),
            // What accounts the token may send for is for the installation to say.
            takes_account: Arc::new(|_, _| false),
            clock,
            random_uuid: Arc::new(crate::service::random_uuid),
        })
        .await?;
        Ok(Self { proxies, catalog, data_dir })
    }

    /// Where the proxies are.
    pub fn places(&self) -> &[Place] {
        self.proxies.places()
    }

    /// Where the journal is.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Lets calls under way finish; what is not shipped then is kept for the next start.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.proxies.stop().await?;
        self.catalog.close().await;
        Ok(())
    }
}

/// From 0 to below 1.
fn jitter() -> f64 {
    let mut bytes = [0; 4];
    SystemRandom::new().fill(&mut bytes).map_or(0.5, |()| f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0))
}
