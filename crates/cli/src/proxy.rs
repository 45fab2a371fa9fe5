//! `trailkeep proxy`: records the calls of one service, in a process of its own in front of it.

use std::path::PathBuf;

use anyhow::Context as _;
use proxy::settings;
use server::proxies::standalone::{File, Standalone};
use tokio::signal::unix::{SignalKind, signal};

use crate::exit::{self, Failure};

/// Arguments of `proxy`. A flag wins over the file.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Address and port; port 0 picks one.
    #[arg(long, value_name = "ADDR:PORT", env = "TRAILKEEP_PROXY_LISTEN")]
    listen: Option<String>,
    /// The service behind it: `http://127.0.0.1:9000`.
    #[arg(long, value_name = "URL", env = "TRAILKEEP_PROXY_UPSTREAM")]
    upstream: Option<String>,
    /// The Trailkeep that gets the records.
    #[arg(long, value_name = "URL", env = "TRAILKEEP_PROXY_RECORD_TO")]
    record_to: Option<String>,
    /// A file with a token of `trailkeep token create --ingest`.
    #[arg(long, value_name = "FILE", env = "TRAILKEEP_PROXY_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// Where records are kept until they have arrived.
    #[arg(long, value_name = "DIR", env = "TRAILKEEP_PROXY_DATA_DIR")]
    data_dir: Option<PathBuf>,
    /// A configuration file (TOML) with all of this, and `[[proxy]]` entries.
    #[arg(long, value_name = "FILE", env = "TRAILKEEP_PROXY_CONFIG")]
    config: Option<PathBuf>,
    /// Which data events are recorded: true, false, or beginnings of ARNs with commas between them.
    #[arg(long, value_name = "WHICH")]
    record_data_events: Option<String>,
    /// What happens to calls that cannot be recorded: refuse, strict or pass [default: refuse].
    #[arg(long, value_name = "WHAT")]
    on_failure: Option<String>,
    /// Whose X-Forwarded-For and PROXY protocol are believed: networks with commas between them.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    trusted_proxies: Option<Vec<String>>,
    /// The file that says whose keys are whose (TOML).
    #[arg(long, value_name = "FILE")]
    identities: Option<PathBuf>,
    /// The one service behind it, such as s3.
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// Domains whose subdomains are buckets, with commas between them.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    bucket_domains: Option<Vec<String>>,
    /// The account of callers that are in no account known [default: 123456789012].
    #[arg(long, value_name = "ID")]
    account_id: Option<String>,
}

/// Serves until SIGTERM or SIGINT, then finishes what is under way.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<u8> {
    crate::serve::start_log();
    let usage = |error: server::config::Error| Failure::Usage(error.to_string());
    let mut file = arguments.config.as_deref().map(File::read).transpose().map_err(usage)?.unwrap_or_default();
    lay_over(arguments, &mut file)?;
    let config = file.checked().map_err(usage)?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let proxies = Standalone::start(config).await.context("cannot start")?;
    eprintln!("Trailkeep {} records:", env!("CARGO_PKG_VERSION"));
    for place in proxies.places() {
        eprintln!("  proxy            {} -> {}", place.url, place.upstream);
    }
    eprintln!("  data             {}", proxies.data_dir().display());
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    eprintln!("trailkeep: stopping");
    proxies.stop().await.context("the stop was not clean")?;
    Ok(exit::FINE)
}

/// Lays the flags over the file; those about one proxy are for the only one there is.
fn lay_over(arguments: Arguments, file: &mut File) -> Result<(), Failure> {
    file.record_to = arguments.record_to.or_else(|| file.record_to.take());
    file.token_file = arguments.token_file.or_else(|| file.token_file.take());
    file.data_dir = arguments.data_dir.or_else(|| file.data_dir.take());
    file.account_id = arguments.account_id.or_else(|| file.account_id.take());
    if file.proxy.is_empty() {
        file.proxy.push(settings::File::default());
    }
    let several = file.proxy.len() > 1;
    let [entry, ..] = file.proxy.as_mut_slice() else { return Ok(()) };
    let flags = [
        arguments.listen.is_some(),
        arguments.upstream.is_some(),
        arguments.record_data_events.is_some(),
        arguments.on_failure.is_some(),
        arguments.trusted_proxies.is_some(),
        arguments.identities.is_some(),
        arguments.service.is_some(),
        arguments.bucket_domains.is_some(),
    ];
    if several && flags.contains(&true) {
        return Err(Failure::Usage("flags about a proxy cannot be given where the file has several".into()));
    }
    entry.listen = arguments.listen.unwrap_or_else(|| std::mem::take(&mut entry.listen));
    entry.upstream = arguments.upstream.unwrap_or_else(|| std::mem::take(&mut entry.upstream));
    if let Some(which) = arguments.record_data_events {
        let which = which.parse().map_err(|reason| Failure::Usage(format!("--record-data-events: {reason}")))?;
        entry.record_data_events = Some(which);
    }
    entry.on_failure = arguments.on_failure.or_else(|| entry.on_failure.take());
    entry.trusted_proxies = arguments.trusted_proxies.unwrap_or_else(|| std::mem::take(&mut entry.trusted_proxies));
    entry.identities = arguments.identities.or_else(|| entry.identities.take());
    entry.service = arguments.service.or_else(|| entry.service.take());
    entry.bucket_domains = arguments.bucket_domains.unwrap_or_else(|| std::mem::take(&mut entry.bucket_domains));
    Ok(())
}
