//! `trailkeep import`: sends existing log files, compressed as they are.
//!
//! A source finds files and packs them into archives; senders post those, several at a time; the tally counts what became of
//! every file. The stages hang together by short queues, so that memory does not grow with the source. Nothing is left out
//! in silence: each file that is found is read, damaged, skipped for a reason, or noted as done before.

mod archive;
pub(crate) mod bucket;
mod directory;
mod names;
mod progress;
mod route;
mod send;
pub(crate) mod source;
pub(crate) mod state;
mod summary;
mod tally;

#[cfg(test)]
mod tests;

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::client::{self, Client};
use crate::exit::{self, Failure};
use progress::Progress;
use send::{Post, Sender};
use source::{Desk, Source};
use state::{Done, Identity, State};
use summary::Facts;
use tally::{Counts, Tally};

/// Requests under way at once: while one waits for the disk, another is read and a third travels.
const REQUESTS_UNDER_WAY: usize = 3;
/// Archives packed ahead of the senders; each is 8 MiB as a rule.
const ARCHIVES_AHEAD: usize = 1;

const EXAMPLES: &str = "\
What is sent goes to event history and to the default event data store, or to the one that --event-data-store names alone; \
not to trails unless --into-trails is given. Log files are .json, .ndjson or .jsonl, plain or gzipped; digests, markers and \
logs of other services are skipped and counted.

An interrupted import goes on where it was, and a later one finds files that were added or changed: what is done is noted in \
$XDG_STATE_HOME/trailkeep/imports. Files that were damaged or had records rejected are tried again.

Examples:
  trailkeep import ./AWSLogs
  trailkeep import s3://acme-audit/AWSLogs/123456789012/ --source-profile acme --source-region eu-west-1
  trailkeep import ./AWSLogs --event-data-store old-trails
  trailkeep import 123456789012_CloudTrail_us-east-1_20260302T0915Z_A6kvhMoVeCsc7v8U.json.gz

Exit codes: 0 all fine; 1 a file was damaged, a record rejected, or the server refused; 2 the server or the source cannot be \
reached; 3 usage.";

/// Arguments of `import`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// A folder, a file, or s3://BUCKET/PREFIX.
    #[arg(value_name = "PATH|s3://BUCKET/PREFIX")]
    source: String,
    /// Deliver the events through trails that select them, too.
    #[arg(long)]
    into_trails: bool,
    /// Load into this event data store, by its name, id or ARN, and not into event history.
    #[arg(long, value_name = "NAME", value_parser = route::store_name)]
    event_data_store: Option<String>,
    /// Send every file, even if an earlier import has.
    #[arg(long)]
    no_resume: bool,
    /// Note finished files here.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// How the summary is written.
    #[arg(long, value_name = "FORM", value_enum, default_value_t = Output::Text)]
    output: Output,
    #[command(flatten)]
    bucket: bucket::Arguments,
    #[command(flatten)]
    client: client::Arguments,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    Text,
    Json,
}

/// Imports, and says what became of every file.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<u8> {
    let client = Client::new(&arguments.client).await?;
    let source = Arc::new(Source::open(&arguments.source, &arguments.bucket).await?);
    let tally = Arc::new(Tally::default());
    let progress = Progress::start(&source, Arc::clone(&tally));
    let interrupted = interruption();
    let post = Post {
        client,
        path: route::path(arguments.event_data_store.as_deref(), arguments.into_trails),
        progress: Arc::clone(&progress),
        stop: interrupted.child_token(),
    };
    let begun = Instant::now();
    let mut state_path = None;
    let mut ended = match post.greet().await {
        Err(error) => Err(error),
        Ok(destination) => {
            let (done, state) = open_state(&arguments, destination.as_deref(), &source).inspect_err(|_| progress.finish())?;
            state_path = state.path().map(|path| path.display().to_string());
            let state = std::sync::Mutex::new(state);
            let sender = Sender { post, destination, tally: Arc::clone(&tally), state };
            import(&Arc::new(sender), source, Arc::new(done)).await
        }
    };
    progress.finish();
    if ended.is_ok() && interrupted.is_cancelled() {
        ended = Err(Failure::Unreachable("interrupted".to_owned()).into());
    }
    let facts = Facts { complete: ended.is_ok(), seconds: begun.elapsed().as_secs_f64(), state: state_path.as_deref() };
    report(arguments.output, &tally, &facts)?;
    ended.map(|()| if tally.is_clean() { exit::FINE } else { exit::WRONG })
}

/// Sends everything the source has; an error is why not all of it was.
async fn import(sender: &Arc<Sender>, source: Arc<Source>, done: Arc<Done>) -> anyhow::Result<()> {
    let (archives, packed) = mpsc::channel(ARCHIVES_AHEAD);
    let desk = Desk { archives, tally: Arc::clone(&sender.tally), done };
    let packing = tokio::spawn(async move { source.pack(desk).await });
    let packed = Arc::new(Mutex::new(packed));
    let mut senders = JoinSet::new();
    for _ in 0..REQUESTS_UNDER_WAY {
        senders.spawn(Arc::clone(sender).run(Arc::clone(&packed)));
    }
    // Only the senders may hold the receiving end: when they leave, the packers must notice.
    drop(packed);
    let mut ended = Ok(());
    while let Some(sent) = senders.join_next().await {
        let sent = sent.map_err(anyhow::Error::from).flatten();
        ended = ended.and(sent);
    }
    let packed = packing.await?;
    ended?;
    Ok(packed?)
}

/// Where finished files are noted, and what earlier imports noted there.
fn open_state(arguments: &Arguments, destination: Option<&str>, source: &Source) -> anyhow::Result<(Done, State)> {
    let Some(destination) = destination else {
        eprintln!(
            "trailkeep: finished files are not noted, an interrupted import will begin anew: the server does not say where records go"
        );
        return Ok(Default::default());
    };
    let identity = Identity::of(&[&source.identity(), destination]);
    let usage = |error: state::Error| Failure::Usage(format!("{error}\nhint: --state FILE notes finished files elsewhere"));
    if let Some(path) = &arguments.state {
        return Ok(State::open(path, identity, arguments.no_resume).map_err(usage)?);
    }
    let folder = state::folder().filter(|_| source.is_resumable());
    let Some(path) = folder.map(|folder| identity.path(&folder)) else { return Ok(Default::default()) };
    match State::open(&path, identity, arguments.no_resume) {
        Err(error @ state::Error::Io { .. }) => {
            eprintln!("trailkeep: finished files are not noted, an interrupted import will begin anew: {error}");
            Ok(Default::default())
        }
        opened => Ok(opened.map_err(usage)?),
    }
}

/// Is cancelled by Ctrl-C: what is under way is waited for. A second Ctrl-C ends the program at once.
fn interruption() -> CancellationToken {
    let interrupted = CancellationToken::new();
    let token = interrupted.clone();
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            if token.is_cancelled() {
                std::process::exit(i32::from(exit::INCONCLUSIVE));
            }
            token.cancel();
        }
    });
    interrupted
}

fn report(output: Output, tally: &Tally, facts: &Facts<'_>) -> anyhow::Result<()> {
    let account = tally.snapshot();
    let text = match output {
        Output::Text => summary::text(&account, facts),
        Output::Json => format!("{}\n", summary::json(&account, facts)),
    };
    if account.counts == Counts::default() && facts.complete {
        eprintln!("trailkeep: no log files were found");
    }
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}
