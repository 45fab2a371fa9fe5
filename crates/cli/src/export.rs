//! `trailkeep export`: the events of an event data store, to a file or a program.

use std::fs;
use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Serialize;

use crate::client::{self, Client, refused};
use crate::exit::{self, Failure};
use crate::lookup::terminal;
use crate::lookup::when::{self, When};

const EXAMPLES: &str = "\
Times are 30m, 2h, 7d or 2w ago, today, yesterday, a date (2026-01-31), a date and time (2026-01-31T09:30, UTC unless it \
says otherwise), or seconds since 1970. Events come in no particular order.

Examples:
  trailkeep export --event-data-store management-events --format ocsf --since 1d > events.ocsf.ndjson
  trailkeep export --event-data-store management-events --format parquet --since 2026-01-01 --until 2026-03-31 \\
      --output-file quarter.parquet

Exit codes: 0 also when there are no events; 1 refused by the server; 2 server unreachable, or the export broke off; \
3 usage.";

/// Arguments of `export`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The event data store: its name, id or ARN.
    #[arg(long, value_name = "NAME")]
    event_data_store: String,
    /// ocsf: API Activity (class 6003) of OCSF 1.1.0, an event a line; parquet: the columns that SQL knows; ndjson: the
    /// records as they are stored, one a line.
    #[arg(long, value_name = "FORM", value_enum)]
    format: Format,
    /// Events at or after this time.
    #[arg(long, value_name = "TIME")]
    since: Option<When>,
    /// Events at or before this time; a date is its first moment.
    #[arg(long, value_name = "TIME")]
    until: Option<When>,
    /// Where to write; without it, to stdout. The file has its name once it is whole.
    #[arg(long, value_name = "FILE")]
    output_file: Option<PathBuf>,
    #[command(flatten)]
    client: client::Arguments,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    Ocsf,
    Parquet,
    Ndjson,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Asked<'a> {
    event_data_store: &'a str,
    format: Format,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<i64>,
}

/// Exports, and says where to.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<u8> {
    let now_s = when::now_s();
    let (start, end) = (arguments.since.map(|when| when.resolve(now_s)), arguments.until.map(|when| when.resolve(now_s)));
    if start.zip(end).is_some_and(|(start, end)| start > end) {
        return Err(Failure::Usage("--since is after --until".to_owned()).into());
    }
    if arguments.format == Format::Parquet && arguments.output_file.is_none() && io::stdout().is_terminal() {
        return Err(Failure::Usage("Parquet is nothing for a terminal\nhint: give --output-file, or a pipe".to_owned()).into());
    }
    let asked = Asked { event_data_store: &arguments.event_data_store, format: arguments.format, start, end };
    let body = serde_json::to_vec(&asked).context("cannot write the request")?;
    let client = Client::new(&arguments.client).await?;
    let response = client.send("POST", "/v1/export", "application/json", body.into()).await?;
    let status = response.status();
    if !status.is_success() {
        let body = response.bytes().await.unwrap_or_default();
        if status.is_server_error() {
            return Err(Failure::Unreachable(format!("{:#}", refused(status.as_u16(), &body))).into());
        }
        return Err(refused(status.as_u16(), &body));
    }
    let written = match &arguments.output_file {
        Some(path) => to_file(response, path).await,
        None => copy(response, &mut io::stdout().lock()).await.map(drop),
    };
    match written {
        // Who reads the output has seen enough: `trailkeep export … | head`.
        Err(error) if terminal::is_closed(&error) => Ok(exit::FINE),
        written => written.map(|()| exit::FINE),
    }
}

/// Writes beside the file and gives it its name at the end: what broke off is never taken for the whole.
async fn to_file(response: reqwest::Response, path: &Path) -> anyhow::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".part");
    let unfinished = PathBuf::from(unfinished);
    let cannot = |path: &Path| format!("cannot write {}", path.display());
    let mut file = fs::File::create(&unfinished).with_context(|| cannot(&unfinished))?;
    let copied = copy(response, &mut file).await;
    let finish = |bytes: u64| {
        file.sync_all().with_context(|| cannot(&unfinished))?;
        fs::rename(&unfinished, path).with_context(|| cannot(path))?;
        eprintln!("{}: {bytes} bytes", path.display());
        Ok(())
    };
    let done = copied.and_then(finish);
    if done.is_err() {
        fs::remove_file(&unfinished).ok();
    }
    done
}

/// Copies the answer; returns its bytes.
async fn copy(mut response: reqwest::Response, to: &mut impl Write) -> anyhow::Result<u64> {
    let mut bytes = 0;
    loop {
        let piece = response.chunk().await;
        let piece = piece.map_err(|error| Failure::Unreachable(format!("the export broke off: {error}")))?;
        let Some(piece) = piece else {
            to.flush()?;
            return Ok(bytes);
        };
        to.write_all(&piece)?;
        bytes += piece.len() as u64;
    }
}
