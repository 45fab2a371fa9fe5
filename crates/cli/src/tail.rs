//! `trailkeep tail`: shows events as they come in.

mod lines;
#[cfg(test)]
mod tests;

use std::io::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;

use crate::client::{self, Client, refused};
use crate::exit::{self, Failure};
use crate::lookup::cell;
use crate::lookup::filters::Filters;
use crate::lookup::row::Row;
use crate::lookup::terminal::{self, Paint, Terminal};
use lines::Lines;

/// Pauses between attempts to reach a server that went away. Own choice: a restart takes about a second.
const PAUSE_MIN: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(10);

const EXAMPLES: &str = "\
Examples:
  trailkeep tail
  trailkeep tail --event-source iam --read-only false
  trailkeep tail --output json | jq -r .eventName

Ctrl-C ends it. Exit codes: 0 ended by Ctrl-C; 1 refused by the server; 2 server unreachable; 3 usage.";

/// Arguments of `tail`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// A line for the eye; json: the records as they are stored, one a line.
    #[arg(long, value_name = "FORM", value_enum, default_value_t = Output::Text)]
    output: Output,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    client: client::Arguments,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    Text,
    Json,
}

/// Follows the live stream until Ctrl-C.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<u8> {
    let client = Client::new(&arguments.client).await?;
    let path = path(&arguments.filters, &arguments.client, &client)?;
    let out = Out { output: arguments.output, terminal: Terminal::of_stdout() };
    let followed = tokio::select! {
        followed = follow(&client, &path, out) => followed,
        interrupted = tokio::signal::ctrl_c() => return interrupted.context("cannot listen for Ctrl-C").map(|()| exit::FINE),
    };
    match followed {
        Err(error) if terminal::is_closed(&error) => Ok(exit::FINE),
        Err(error) => Err(error),
        Ok(never) => match never {},
    }
}

/// The path and query of the stream; the query has the lookup attributes' names.
fn path(filters: &Filters, arguments: &client::Arguments, client: &Client) -> anyhow::Result<String> {
    let mut url = client.endpoint().join("/v1/tail").context("the path does not fit the endpoint")?;
    let region = filters.region(arguments).map(|region| ("region", region.to_owned()));
    let pairs: Vec<_> = filters.attributes().into_iter().chain(region).collect();
    if !pairs.is_empty() {
        url.query_pairs_mut().extend_pairs(pairs);
    }
    // Forms write a blank as a plus, queries do not (RFC 3986); a real plus is escaped already.
    let query = url.query().map(|query| format!("?{}", query.replace('+', "%20")));
    Ok(format!("/v1/tail{}", query.unwrap_or_default()))
}

/// Shows what comes, and connects again when the stream breaks off. Ends only with an error.
async fn follow(client: &Client, path: &str, out: Out) -> anyhow::Result<std::convert::Infallible> {
    let mut response = connect(client, path).await?;
    loop {
        let reason = show(response, out).await?;
        eprintln!("trailkeep: {reason}; connecting again");
        response = reconnect(client, path).await?;
        eprintln!("trailkeep: connected again\nhint: what came in between is not shown; `trailkeep lookup` finds it");
    }
}

async fn connect(client: &Client, path: &str) -> anyhow::Result<reqwest::Response> {
    let response = client.send("GET", path, "application/x-ndjson", Bytes::new()).await?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let body = response.bytes().await.unwrap_or_default();
    if status.is_server_error() {
        return Err(Failure::Unreachable(format!("{:#}", refused(status.as_u16(), &body))).into());
    }
    Err(refused(status.as_u16(), &body))
}

/// Tries until it works or the server refuses.
async fn reconnect(client: &Client, path: &str) -> anyhow::Result<reqwest::Response> {
    let mut pause = PAUSE_MIN;
    loop {
        tokio::time::sleep(pause).await;
        match connect(client, path).await {
            Err(error) if matches!(error.downcast_ref(), Some(Failure::Unreachable(_))) => pause = (pause * 2).min(PAUSE_MAX),
            other => return other,
        }
    }
}

/// Shows the records of one connection; says why it ended.
async fn show(mut response: reqwest::Response, out: Out) -> anyhow::Result<String> {
    let mut lines = Lines::default();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => lines.feed(&chunk, |line| out.write(line))?,
            Ok(None) => return Ok("the server ended the stream".to_owned()),
            Err(error) => return Ok(format!("the stream broke off: {error}")),
        }
    }
}

#[derive(Clone, Copy)]
struct Out {
    output: Output,
    terminal: Terminal,
}

impl Out {
    fn write(self, record: &[u8]) -> anyhow::Result<()> {
        let mut stdout = std::io::stdout().lock();
        match self.output {
            Output::Json => {
                stdout.write_all(record)?;
                stdout.write_all(b"\n")?;
            }
            Output::Text => {
                let record = std::str::from_utf8(record).context("the server sent what is no record")?;
                stdout.write_all(line(&Row::of(record)?, self.terminal).as_bytes())?;
            }
        }
        Ok(stdout.flush()?)
    }
}

/// A record in one line: time, Region, user, call, resources, error.
fn line(row: &Row, terminal: Terminal) -> String {
    let clean = |text: &str| cell::clean(text);
    let source = row.event_source.strip_suffix(".amazonaws.com").unwrap_or(&row.event_source);
    let call = clean(&format!("{source}:{}", row.event_name));
    // What changes something stands out from what only reads.
    let call_paint = if row.read_only == Some(true) { Paint::Dim } else { Paint::Cyan };
    let parts = [
        terminal.paint(Paint::Dim, &row.time),
        clean(&row.region),
        terminal.paint(Paint::Green, &clean(&row.user)),
        terminal.paint(call_paint, &call),
        terminal.paint(Paint::Yellow, &clean(&row.resource_names(", "))),
        terminal.paint(Paint::Red, &clean(&row.error)),
    ];
    let mut line = String::new();
    for part in parts.iter().filter(|part| !part.is_empty()) {
        if !line.is_empty() {
            line.push_str("  ");
        }
        line.push_str(part);
    }
    line.push('\n');
    line
}
