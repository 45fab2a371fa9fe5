//! `trailkeep`: one program, a file per verb.

mod client;
mod exit;
mod export;
mod import;
mod lookup;
mod memory;
mod proxy;
mod query;
mod serve;
mod tail;
mod token;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The audit trail that AWS CloudTrail is, as software anyone can run.
#[derive(Parser)]
#[command(name = "trailkeep", version, about, max_term_width = 110)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Run the server: CloudTrail's API, buckets and everything that keeps events, on one port.
    Serve(serve::Arguments),
    /// Send existing log files from a directory or a bucket.
    Import(import::Arguments),
    /// Find events in event history.
    Lookup(lookup::Arguments),
    /// Ask with SQL: event data stores, or log files as they lie.
    Query(query::Arguments),
    /// Write the events of an event data store to a file or a program: as OCSF, Parquet or records.
    Export(export::Arguments),
    /// Show events as they come in.
    Tail(tail::Arguments),
    /// Record the calls of one service, in a process of its own in front of it.
    Proxy(proxy::Arguments),
    /// Make bearer tokens.
    Token(token::Arguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::try_parse().unwrap_or_else(|error| {
        // Help and version are no errors; everything else is a mistake in how the program was called.
        let code = if error.use_stderr() { exit::USAGE } else { 0 };
        error.print().ok();
        std::process::exit(i32::from(code));
    });
    if matches!(arguments.verb, Verb::Serve(_) | Verb::Proxy(_)) {
        memory::keep_little();
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return exit::failed(&anyhow::anyhow!("cannot start: {error}")),
    };
    let ended = runtime.block_on(async {
        match arguments.verb {
            Verb::Serve(arguments) => serve::run(arguments).await,
            Verb::Import(arguments) => import::run(arguments).await,
            Verb::Lookup(arguments) => lookup::run(arguments).await,
            Verb::Query(arguments) => query::run(arguments).await,
            Verb::Export(arguments) => export::run(arguments).await,
            Verb::Tail(arguments) => tail::run(arguments).await,
            Verb::Proxy(arguments) => proxy::run(arguments).await,
            Verb::Token(arguments) => token::run(arguments).await,
        }
    });
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(error) => exit::failed(&error),
    }
}
