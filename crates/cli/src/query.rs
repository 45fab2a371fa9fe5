//! `trailkeep query`: SQL over event data stores, or straight over log files.

mod completion;
mod csv;
mod files;
mod header;
mod local;
mod mistake;
mod output;
mod page;
mod progress;
mod prompt;
mod server;
mod session;
mod statements;
mod table;

#[cfg(test)]
mod tests;

use std::io::{IsTerminal as _, Read as _};
use std::path::PathBuf;

use anyhow::Context as _;

use crate::client;
use crate::exit::{self, Failure};
use crate::import::bucket;
use crate::lookup::terminal;
use crate::lookup::when::When;
use output::Form;
use session::Session;

const EXAMPLES: &str = "\
Without a statement it asks for statements, one after the other, each ended by `;`; Tab completes columns and functions, \
and what was asked is kept in $XDG_STATE_HOME/trailkeep/query_history. A statement may also come from standard input.

--since puts the rows of each table from that time on in the table's place: FROM x becomes \
FROM (SELECT * FROM x WHERE eventTime >= '…') AS x. Log files whose name bears a date at which they cannot hold what \
eventTime is compared with are not read; --every-file reads them.

--files needs no server: event_data_store, and cloudtrail_logs as Athena shows it, stand for the records of the files, each \
as often as it is there. Digests and logs of other services are left out. CREATE EXTERNAL TABLE … LOCATION 's3://…' declares \
a table over a bucket of the server, for the rest of the session.

Examples:
  trailkeep query \"SELECT eventName, COUNT(*) AS n FROM event_data_store GROUP BY eventName ORDER BY n DESC LIMIT 10\"
  trailkeep query --since 7d --output csv \"SELECT eventTime, eventName FROM event_data_store WHERE errorCode IS NOT NULL\"
  trailkeep query --files ./AWSLogs \"SELECT * FROM event_data_store WHERE userIdentity.userName = 'dana' LIMIT 5\"
  trailkeep query --files s3://acme-audit/AWSLogs/ --source-profile acme
  trailkeep query --output parquet --output-file events.parquet < statement.sql

Exit codes: 0 also when there are no rows; 1 the statement was refused or failed, or a log file is damaged; 2 server or source \
unreachable, or interrupted; 3 usage.";

/// Arguments of `query`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// What to run: a SELECT, or several statements separated by `;`.
    #[arg(value_name = "SQL")]
    statement: Option<String>,
    /// Read log files there instead of asking a server.
    #[arg(long, value_name = "PATH|s3://BUCKET/PREFIX")]
    files: Option<String>,
    /// Only rows whose eventTime is at or after this time, of every table: 30m, 2h, 7d, yesterday, 2026-01-31, …
    #[arg(long, value_name = "TIME")]
    since: Option<When>,
    /// A table; csv; json: an object a row, all values as text; parquet: a file.
    #[arg(long, value_name = "FORM", value_enum, default_value_t = Form::Table)]
    output: Form,
    /// Where to write; without it, to stdout. The file has its name once it is whole.
    #[arg(long, value_name = "FILE")]
    output_file: Option<PathBuf>,
    /// Read log files whatever date their names bear.
    #[arg(long)]
    every_file: bool,
    #[command(flatten)]
    bucket: bucket::Arguments,
    #[command(flatten)]
    client: client::Arguments,
}

/// Runs what is asked.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<u8> {
    check(&arguments)?;
    let given = arguments.statement.clone();
    let asks = given.is_none() && std::io::stdin().is_terminal();
    if asks && !std::io::stdout().is_terminal() {
        return Err(Failure::Usage("no statement\nhint: trailkeep query \"SELECT …\"".to_owned()).into());
    }
    let text = match given {
        Some(text) => text,
        None if asks => String::new(),
        None => from_stdin()?,
    };
    if !asks && statements::split(&text).is_empty() {
        return Err(Failure::Usage("no statement\nhint: trailkeep query \"SELECT …\"".to_owned()).into());
    }
    let mut session = Session::open(arguments).await?;
    if asks {
        return prompt::run(session).await;
    }
    for statement in statements::split(&text) {
        match session.run(statement).await {
            // Who reads the output has seen enough: `trailkeep query … | head`.
            Err(error) if terminal::is_closed(&error) => return Ok(exit::FINE),
            ran => ran?,
        }
    }
    Ok(session.code())
}

fn check(arguments: &Arguments) -> Result<(), Failure> {
    let to_terminal = arguments.output_file.is_none() && std::io::stdout().is_terminal();
    if arguments.output == Form::Parquet && to_terminal {
        return Err(Failure::Usage("Parquet is nothing for a terminal\nhint: give --output-file, or a pipe".to_owned()));
    }
    Ok(())
}

fn from_stdin() -> anyhow::Result<String> {
    let mut text = String::new();
    let read = std::io::stdin().take(statements::TEXT_BYTES_MAX as u64 + 1).read_to_string(&mut text);
    read.context("cannot read statements from standard input")?;
    if text.len() > statements::TEXT_BYTES_MAX {
        return Err(Failure::Usage("standard input holds too much to be statements".to_owned()).into());
    }
    Ok(text)
}
