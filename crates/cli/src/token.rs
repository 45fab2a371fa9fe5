//! `trailkeep token create`: makes a bearer token and prints it alone on stdout.

use anyhow::Context as _;
use bytes::Bytes;
use serde::Deserialize;

use crate::client::{self, Client};
use crate::exit;

/// Arguments of `token`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Make a token; it is shown once.
    Create(Create),
}

#[derive(clap::Args)]
struct Create {
    #[command(flatten)]
    kind: Kind,
    /// The account it acts for; the caller's without it.
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// Events of unregistered accounts are taken too.
    #[arg(long, requires = "ingest")]
    adopt: bool,
    #[command(flatten)]
    client: client::Arguments,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Kind {
    /// May send events and do nothing else.
    #[arg(long)]
    ingest: bool,
    /// May read tables under /iceberg/.
    #[arg(long)]
    read: bool,
    /// May read /metrics.
    #[arg(long)]
    metrics: bool,
}

#[derive(Deserialize)]
struct Made {
    token: String,
}

/// Makes the token.
#[expect(clippy::print_stdout, reason = "the token is the verb's output")]
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<u8> {
    let Verb::Create(create) = arguments.verb;
    let kind = match create.kind {
        Kind { ingest: true, .. } => "ingest",
        Kind { read: true, .. } => "read",
        Kind { .. } => "metrics",
    };
    let client = Client::new(&create.client).await?;
    let mut wanted = serde_json::json!({ "kind": kind, "adopt": create.adopt });
    if let Some(account) = create.account {
        wanted["account"] = account.into();
    }
    let answer = client.call("POST", "/v1/tokens", "application/json", Bytes::from(wanted.to_string())).await?;
    let made: Made = serde_json::from_slice(&answer).context("the server's answer is no token")?;
    println!("{}", made.token);
    Ok(exit::FINE)
}
