//! The project's automation, run as `cargo xtask VERB`. One file per verb.

use clap::{Parser, Subcommand};

mod codegen;

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
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().verb {
        Verb::Codegen(arguments) => codegen::run(&arguments),
    }
}
