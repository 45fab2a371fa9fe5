//! `cargo xtask bench`: measures the release build the way users drive it, against a peer on the same machine in the same
//! run.
//!
//! Counts are checked and decide the exit code; times never do, since they are the machine's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use tempfile::TempDir;

mod freshness;
mod import;
mod ingest;
mod lake;
mod load;
mod lookup;
mod machine;
mod peer;
mod proxy;
mod records;
mod report;
mod server;
mod wire;

use records::Shapes;
use report::Report;

/// Events with `--quick`.
const QUICK_EVENTS: u64 = 100_000;
/// Where the corpus is, seen from the repository.
const CORPUS: &str = "../shared/corpus";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// What to measure.
    #[arg(value_enum, default_value_t = What::All)]
    what: What,
    /// Events of each measurement instead of its usual number.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1_000..=20_000_000))]
    events: Option<u64>,
    /// 100,000 events: a few minutes in all.
    #[arg(long, conflicts_with = "events")]
    quick: bool,
    /// Connections that send events.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    connections: u8,
    /// Records in a request.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=50_000))]
    batch: u64,
    /// What chance begins with; the same seed makes the same records.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where data directories and log files are put; their disk is measured.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Measure this program instead of building one.
    #[arg(long, value_name = "PATH")]
    binary: Option<PathBuf>,
    /// Write the figures there, too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// POST /v1/events, fsynced.
    Ingest,
    /// `trailkeep import` against DuckDB.
    Import,
    /// LookupEvents by each attribute.
    Lookup,
    /// SQL over an event data store against DuckDB, chdb and PostgreSQL.
    Lake,
    /// The recording proxy against nginx.
    Proxy,
    /// How soon events are in SQL results at full ingest, and how soon a query is cancelled.
    Freshness,
    All,
}

/// What the measurements share.
struct Bench {
    binary: PathBuf,
    dir: TempDir,
    shapes: Shapes,
    seed: u64,
    events: Option<u64>,
    connections: usize,
    batch: u64,
}

impl Bench {
    fn events(&self, usual: u64) -> u64 {
        self.events.unwrap_or(usual)
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let root = Path::new(super::ROOT);
    let binary = match &arguments.binary {
        Some(binary) => fs::canonicalize(binary).with_context(|| format!("cannot find {}", binary.display()))?,
        None => build(root)?,
    };
    let parent = arguments.dir.clone().unwrap_or_else(std::env::temp_dir);
    let bench = Bench {
        binary,
        dir: tempfile::Builder::new()
            .prefix("trailkeep-bench-")
            .tempdir_in(&parent)
            .context("cannot make a folder to measure in")?,
        shapes: Shapes::read(&root.join(CORPUS))?,
        seed: arguments.seed,
        events: if arguments.quick { Some(QUICK_EVENTS) } else { arguments.events },
        connections: usize::from(arguments.connections),
        batch: arguments.batch,
    };
    let mut report = Report::default();
    about(&bench, &mut report)?;
    let chosen = |what| matches!(arguments.what, What::All) || arguments.what == what;
    if chosen(What::Ingest) {
        ingest::run(&bench, &mut report)?;
    }
    if chosen(What::Import) {
        import::run(&bench, &mut report)?;
    }
    if chosen(What::Lookup) {
        lookup::run(&bench, &mut report)?;
    }
    if chosen(What::Lake) {
        lake::run(&bench, &mut report)?;
    }
    if chosen(What::Proxy) {
        proxy::run(&bench, &mut report)?;
    }
    if chosen(What::Freshness) {
        freshness::run(&bench, &mut report)?;
    }
    report.about("load after", load_average());
    print(&report.text())?;
    if let Some(path) = &arguments.json {
        let text = serde_json::to_string_pretty(&report)?;
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    ensure!(report.wrong.is_empty(), "{} counts are wrong", report.wrong.len());
    Ok(())
}

fn about(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    report.about("machine", machine::describe());
    report.about("disk", format!("1 MiB and fdatasync: {:.2} ms at the median", machine::sync_ms(bench.dir.path())?));
    report.about("program", version(&bench.binary)?);
    report.about("input", format!("seed {}, {} shapes, {}", bench.seed, bench.shapes.len(), bench.shapes.source));
    report.about("load before", load_average());
    Ok(())
}

/// Builds the program as it is released; where it is.
fn build(root: &Path) -> anyhow::Result<PathBuf> {
    let cargo = || {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.current_dir(root);
        command
    };
    let built = cargo().args(["build", "--release", "--package", "cli"]).status().context("cannot run cargo")?;
    ensure!(built.success(), "the program does not build");
    let known = cargo().args(["metadata", "--no-deps", "--format-version", "1"]).output().context("cannot run cargo")?;
    let known: serde_json::Value = serde_json::from_slice(&known.stdout).context("cargo metadata cannot be read")?;
    let target = known["target_directory"].as_str().context("cargo metadata names no target directory")?;
    Ok(Path::new(target).join("release/trailkeep"))
}

fn version(binary: &Path) -> anyhow::Result<String> {
    let said = Command::new(binary).arg("--version").output().with_context(|| format!("cannot run {}", binary.display()))?;
    let version = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    let commit = Command::new("git").args(["describe", "--always", "--dirty"]).current_dir(super::ROOT).output();
    let commit = commit.map(|said| String::from_utf8_lossy(&said.stdout).trim().to_owned()).unwrap_or_default();
    Ok(format!("{version} ({commit})"))
}

/// Of one, five and fifteen minutes.
fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

fn print(text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}
