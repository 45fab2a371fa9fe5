//! The project's automation, run as `cargo xtask VERB`. One file per verb.

use std::path::Path;

use clap::{Parser, Subcommand};

mod bench;
mod codegen;
mod tidy;

/// The repository.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Automation of the Trailkeep repository")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Generate crates/api from the stripped service models.
    Codegen(codegen::Arguments),
    /// Check what no compiler checks: arrows, names, paths, sizes.
    Tidy,
    /// Measure the release build against a peer; prints ratios.
    Bench(bench::Arguments),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().verb {
        Verb::Codegen(arguments) => codegen::run(&arguments),
        Verb::Tidy => tidy::run(Path::new(ROOT)),
        Verb::Bench(arguments) => bench::run(&arguments),
    }
}
