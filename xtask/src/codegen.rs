//! `cargo xtask codegen`: botocore's service models → the stripped models that are checked in →
//! the generated part of `crates/api`; and → the table of all services that `crates/protocols` reads.
//!
//! What must stay true: the stripped models and the table hold facts only (no text of AWS's documentation), and the
//! generated files are a function of the stripped models alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

mod model;
mod names;
mod operations;
mod services;
mod shapes;
mod table;

use model::Model;

/// The services of `crates/api`, in the order in which they are generated.
const SERVICES: [Service; 2] = [
    Service { module: "cloudtrail", model: "cloudtrail", botocore: "cloudtrail/2013-11-01", variant: "CloudTrail" },
    Service {
        module: "cloudtrail_data",
        model: "cloudtrail-data",
        botocore: "cloudtrail-data/2021-08-11",
        variant: "CloudTrailData",
    },
];

/// Where one service lies, and what it is called in Rust.
struct Service {
    /// Rust module of its shapes.
    module: &'static str,
    /// Name of its stripped model, without `.json`.
    model: &'static str,
    /// Folder of its model in botocore's `data`.
    botocore: &'static str,
    /// Variant of `api::Service`.
    variant: &'static str,
}

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Refresh the stripped models and the table of services from an unpacked botocore wheel (the folder that holds
    /// `botocore/`) first.
    #[arg(long, value_name = "DIR", conflicts_with = "check")]
    from_botocore: Option<PathBuf>,
    /// Change nothing; fail if a generated file is not what its model says, or the table of services cannot be read. Whether
    /// the table is what botocore says cannot be told without the wheel.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let api = &root.join("crates/api");
    if let Some(wheel) = &arguments.from_botocore {
        for service in &SERVICES {
            let stripped = model::strip(wheel, service.botocore)?;
            write(&api.join(format!("model/{}.json", service.model)), stripped.as_bytes())?;
        }
        write(&root.join(services::PATH), &services::build(wheel)?)?;
    }
    if arguments.check {
        services::check(root)?;
    }
    let mut stale = Vec::new();
    for (path, text) in generate(api)? {
        if arguments.check {
            let found = fs::read_to_string(&path).unwrap_or_default();
            if found != text {
                stale.push(path.display().to_string());
            }
        } else {
            write(&path, text.as_bytes())?;
        }
    }
    ensure!(stale.is_empty(), "stale generated files, run `cargo xtask codegen`: {}", stale.join(", "));
    Ok(())
}

/// Every generated file with its text, formatted.
fn generate(api: &Path) -> Result<Vec<(PathBuf, String)>> {
    let folder = api.join("src/generated");
    let mut models = Vec::new();
    for service in &SERVICES {
        models.push((service, Model::read(&api.join(format!("model/{}.json", service.model)))?));
    }
    let mut patterns = table::Patterns::default();
    let mut files = Vec::new();
    for (service, model) in &models {
        files.push((folder.join(format!("{}.rs", service.module)), shapes::render(service, model)?));
        files.push((folder.join(format!("{}_constraints.rs", service.module)), table::render(service, model, &mut patterns)?));
    }
    files.push((folder.join("patterns.rs"), patterns.render()));
    files.push((folder.join("operation.rs"), operations::render(&models)));
    files.into_iter().map(|(path, text)| Ok((path, rustfmt(&text)?))).collect()
}

fn rustfmt(text: &str) -> Result<String> {
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--emit", "stdout", "--quiet"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("rustfmt does not start")?;
    let mut stdin = child.stdin.take().context("rustfmt has no stdin")?;
    let input = text.to_owned();
    let feeder = std::thread::spawn(move || std::io::Write::write_all(&mut stdin, input.as_bytes()));
    let output = child.wait_with_output()?;
    feeder.join().map_err(|_| anyhow::anyhow!("feeding rustfmt panicked"))??;
    if !output.status.success() {
        bail!("rustfmt refuses generated code");
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests;
