//! `trailkeep serve`: runs the server until it is told to stop.

mod demo;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use server::config::{Config, Credentials, File};
use server::service::Server;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::exit::{self, Failure};

/// How long events wait for their log file in the demo, unless set.
const DEMO_DELIVERY_INTERVAL: &str = "5s";
/// The time a digest covers in the demo, unless set.
const DEMO_DIGEST_INTERVAL: &str = "30s";

/// Arguments of `serve`. Each has a `TRAILKEEP_…` variable; a flag wins over a variable, a variable over the file.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Where everything is kept; `$XDG_DATA_HOME/trailkeep` without it.
    #[arg(long, value_name = "DIR", env = "TRAILKEEP_DATA_DIR")]
    data_dir: Option<PathBuf>,
    /// Address and port; port 0 picks one.
    #[arg(long, value_name = "ADDR:PORT", env = "TRAILKEEP_LISTEN")]
    listen: Option<String>,
    /// A configuration file (TOML).
    #[arg(long, value_name = "FILE", env = "TRAILKEEP_CONFIG")]
    config: Option<PathBuf>,
    /// Load a company's quarter of activity into an empty data directory, and deliver within seconds.
    #[arg(long)]
    demo: bool,
    /// The default account.
    #[arg(long, value_name = "ID", env = "TRAILKEEP_ACCOUNT_ID")]
    account_id: Option<String>,
    /// Regions that trails deliver, with commas between them.
    #[arg(long, value_name = "LIST", value_delimiter = ',', env = "TRAILKEEP_REGIONS")]
    regions: Option<Vec<String>>,
    /// Reads wait until they are recorded too.
    #[arg(long, num_args = 0..=1, default_missing_value = "true", env = "TRAILKEEP_STRICT")]
    strict: Option<bool>,
    /// Refuse our extensions; AWS's throttles and retention.
    #[arg(long, num_args = 0..=1, default_missing_value = "true", env = "TRAILKEEP_STRICT_AWS")]
    strict_aws: Option<bool>,
    /// How long events wait at most before a log file is cut [default: 5m].
    #[arg(long, value_name = "TIME", env = "TRAILKEEP_TRAILS_DELIVERY_INTERVAL")]
    trails_delivery_interval: Option<String>,
    /// The time a digest covers [default: 1h].
    #[arg(long, value_name = "TIME", env = "TRAILKEEP_TRAILS_DIGEST_INTERVAL")]
    trails_digest_interval: Option<String>,
    /// How long live events stay in event history [default: 90d].
    #[arg(long, value_name = "TIME", env = "TRAILKEEP_HISTORY_RETENTION")]
    history_retention: Option<String>,
    /// How long imported events stay in event history [default: forever].
    #[arg(long, value_name = "TIME", env = "TRAILKEEP_HISTORY_IMPORT_RETENTION")]
    history_import_retention: Option<String>,
    /// How long delivered files cannot be deleted; 0s switches the lock off [default: 90d].
    #[arg(long, value_name = "TIME", env = "TRAILKEEP_BUCKETS_LOCK")]
    buckets_lock: Option<String>,
    /// How long a deleted event data store can be restored [default: 7d].
    #[arg(long, value_name = "TIME", env = "TRAILKEEP_LAKE_RESTORE_WINDOW")]
    lake_restore_window: Option<String>,
    /// How long events of event data stores wait at most before other query engines see them [default: 60s].
    #[arg(long, value_name = "TIME", env = "TRAILKEEP_LAKE_FLUSH_INTERVAL")]
    lake_flush_interval: Option<String>,
    /// Where buckets are that do not exist locally.
    #[arg(long, value_name = "URL", env = "TRAILKEEP_S3_ENDPOINT")]
    s3_endpoint: Option<String>,
    /// The Region to sign for there.
    #[arg(long, value_name = "REGION", env = "TRAILKEEP_S3_REGION")]
    s3_region: Option<String>,
    /// The profile whose credentials are used there.
    #[arg(long, value_name = "NAME", env = "TRAILKEEP_S3_PROFILE")]
    s3_profile: Option<String>,
    /// PEM file with the certificate chain.
    #[arg(long, value_name = "FILE", env = "TRAILKEEP_TLS_CERT", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// PEM file with the private key.
    #[arg(long, value_name = "FILE", env = "TRAILKEEP_TLS_KEY", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// The installation root's access key.
    #[arg(long, hide = true, env = "TRAILKEEP_ACCESS_KEY_ID", requires = "secret_access_key")]
    access_key_id: Option<String>,
    /// Its secret.
    #[arg(long, hide = true, env = "TRAILKEEP_SECRET_ACCESS_KEY", hide_env_values = true, requires = "access_key_id")]
    secret_access_key: Option<String>,
}

/// Serves until SIGTERM or SIGINT, then finishes what is under way.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<u8> {
    start_log();
    let demo = arguments.demo;
    let config = configure(arguments)?;
    let data_dir = config.data_dir.clone();
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let server = Server::start(config).await.with_context(|| format!("cannot start on {}", data_dir.display()))?;
    if demo {
        demo::load(&server).await.context("cannot load the demo")?;
    }
    announce(&server);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    eprintln!("trailkeep: stopping");
    server.stop().await.context("the stop was not clean")?;
    Ok(exit::FINE)
}

/// Logs to stderr what `TRAILKEEP_LOG` asks for.
pub(crate) fn start_log() {
    let filter = EnvFilter::try_from_env("TRAILKEEP_LOG")
        .unwrap_or_else(|_| EnvFilter::new("warn,s3s=off,server=info,pipeline=info,proxy=info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).init();
}

fn configure(arguments: Arguments) -> anyhow::Result<Config> {
    let usage = |error: server::config::Error| Failure::Usage(error.to_string());
    let mut file = arguments.config.as_deref().map(File::read).transpose().map_err(usage)?.unwrap_or_default();
    let over = |flag: Option<String>, setting: &mut Option<String>| {
        if flag.is_some() {
            *setting = flag;
        }
    };
    over(arguments.listen, &mut file.listen);
    over(arguments.account_id, &mut file.account_id);
    over(arguments.trails_delivery_interval, &mut file.trails.delivery_interval);
    over(arguments.trails_digest_interval, &mut file.trails.digest_interval);
    over(arguments.history_retention, &mut file.history.retention);
    over(arguments.history_import_retention, &mut file.history.import_retention);
    over(arguments.buckets_lock, &mut file.buckets.lock);
    over(arguments.lake_restore_window, &mut file.lake.restore_window);
    over(arguments.lake_flush_interval, &mut file.lake.flush_interval);
    over(arguments.s3_endpoint, &mut file.s3.endpoint);
    over(arguments.s3_region, &mut file.s3.region);
    over(arguments.s3_profile, &mut file.s3.profile);
    if arguments.demo {
        // Nobody waits five minutes for a log file, or an hour for a digest, to see what they look like.
        file.trails.delivery_interval.get_or_insert_with(|| DEMO_DELIVERY_INTERVAL.to_owned());
        file.trails.digest_interval.get_or_insert_with(|| DEMO_DIGEST_INTERVAL.to_owned());
    }
    file.data_dir = arguments.data_dir.or(file.data_dir);
    file.regions = arguments.regions.or(file.regions);
    file.strict = arguments.strict.or(file.strict);
    file.strict_aws = arguments.strict_aws.or(file.strict_aws);
    if let Some((cert, key)) = arguments.tls_cert.zip(arguments.tls_key) {
        file.tls = Some(server::config::TlsFile { cert, key });
    }
    let root = arguments
        .access_key_id
        .zip(arguments.secret_access_key)
        .map(|(access_key_id, secret_access_key)| Credentials { access_key_id, secret_access_key });
    // Without a home the default is unknown, which matters only where it is used.
    let data_dir = file.data_dir.clone().map_or_else(default_data_dir, Ok)?;
    Ok(Config::new(file, data_dir, root).map_err(usage)?)
}

/// `$XDG_DATA_HOME/trailkeep`, else `~/.local/share/trailkeep`.
fn default_data_dir() -> anyhow::Result<PathBuf> {
    let xdg = std::env::var_os("XDG_DATA_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share"));
    let base =
        xdg.or_else(home).ok_or_else(|| Failure::Usage("neither XDG_DATA_HOME nor HOME is set\nhint: give --data-dir".into()))?;
    Ok(base.join("trailkeep"))
}

/// Says where the server is, with one line to paste.
#[expect(clippy::print_stdout, reason = "the line to paste is the verb's output")]
fn announce(server: &Server) {
    let url = server.url();
    eprintln!("Trailkeep {} is ready.", env!("CARGO_PKG_VERSION"));
    eprintln!("  API, S3 buckets  {url}");
    eprintln!("  events           {url}/v1/events");
    eprintln!("  health, metrics  {url}/healthz  {url}/metrics");
    for place in server.proxies() {
        eprintln!("  proxy            {} -> {}", place.url, place.upstream);
    }
    eprintln!("  data             {}", server.data_dir().display());
    eprintln!("Paste this into a shell, then use the AWS CLI as ever:\n");
    println!(
        "export AWS_ENDPOINT_URL={url} AWS_SHARED_CREDENTIALS_FILE={} AWS_DEFAULT_REGION=us-east-1; unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_PROFILE",
        quoted(&server.credentials_path())
    );
    eprintln!();
    if let Some(folder) = folder_to_add() {
        eprintln!("And this, for `trailkeep` itself, which is not on your path:\n\nexport PATH={}:\"$PATH\"\n", quoted(&folder));
    }
}

/// Where this program is, if a shell would not find it.
fn folder_to_add() -> Option<PathBuf> {
    let folder = std::env::current_exe().ok()?.parent()?.to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|on_path| on_path.join("trailkeep").is_file());
    (!found).then_some(folder)
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:@%".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests;
