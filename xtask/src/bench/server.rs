//! The program under measurement, as a process of its own with a fresh data directory.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;
use tempfile::TempDir;

use super::machine;
use super::wire::{Keys, Link};

/// How long followers may take to catch up, and the server to stop.
const SETTLE_LIMIT: Duration = Duration::from_mins(5);
/// How often it is looked whether something has come about.
const GLANCE: Duration = Duration::from_millis(5);
/// Variables that would change what is measured.
const VARIABLES: [&str; 3] = ["AWS_", "TRAILKEEP_", "XDG_"];

/// A running server; it is killed when this is dropped.
pub(super) struct Server {
    process: Child,
    binary: PathBuf,
    home: TempDir,
    /// Host and port.
    pub(super) address: String,
    /// Of the installation's root.
    pub(super) keys: Keys,
}

/// What an import came to.
pub(super) struct Imported {
    /// Until everything is found by lookups.
    pub(super) seconds: f64,
    /// Used by `trailkeep import`.
    pub(super) client_cpu_s: f64,
    pub(super) client_peak_mib: f64,
    pub(super) summary: Summary,
}

/// The part of the summary that is checked.
#[derive(Deserialize)]
pub(super) struct Summary {
    pub(super) complete: bool,
    pub(super) files: Files,
    pub(super) events: Events,
}

#[derive(Deserialize)]
pub(super) struct Files {
    pub(super) read: u64,
    pub(super) damaged: u64,
}

#[derive(Deserialize)]
pub(super) struct Events {
    pub(super) new: u64,
}

impl Server {
    /// Starts `binary` with a data directory below `dir`.
    pub(super) fn start(binary: &Path, dir: &Path) -> anyhow::Result<Self> {
        Self::start_with(binary, dir, None)
    }

    /// The same with a configuration file.
    pub(super) fn start_with(binary: &Path, dir: &Path, config: Option<&Path>) -> anyhow::Result<Self> {
        let home = tempfile::Builder::new().prefix("trailkeep-bench-").tempdir_in(dir).context("cannot make a data directory")?;
        let log = File::create(home.path().join("log"))?;
        let mut command = clean(binary, home.path());
        command.arg("serve").args(["--listen", "127.0.0.1:0"]).arg("--data-dir").arg(home.path().join("data"));
        if let Some(config) = config {
            command.arg("--config").arg(config);
        }
        let mut process = command.stdout(Stdio::piped()).stderr(log).spawn().context("the server does not start")?;
        let stdout = process.stdout.take().context("the server has no stdout")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.split_once("AWS_ENDPOINT_URL=http://").and_then(|(_, rest)| rest.split(' ').next());
        let Some(address) = address.map(str::to_owned) else {
            let log = fs::read_to_string(home.path().join("log")).unwrap_or_default();
            bail!("the server does not start: {}", log.trim());
        };
        let keys = keys(&home.path().join("data/credentials"))?;
        Ok(Self { process, binary: binary.to_owned(), home, address, keys })
    }

    /// Where the server keeps everything.
    pub(super) fn data_dir(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// The server's process.
    pub(super) fn process(&self) -> u32 {
        self.process.id()
    }

    /// A new token that may send events.
    pub(super) fn token(&self) -> anyhow::Result<String> {
        let output = self.verb(&["token", "create", "--ingest"]).output().context("`trailkeep token` does not start")?;
        ensure!(output.status.success(), "no token: {}", String::from_utf8_lossy(&output.stderr).trim());
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Imports the log files in `dir` and waits until they are all found by lookups.
    pub(super) fn import(&self, dir: &Path) -> anyhow::Result<Imported> {
        let cpu_s = machine::children_cpu_s()?;
        let begun = machine::now();
        let mut command = self.verb(&["import", "--output", "json", "--no-resume"]);
        let told = self.home.path().join("summary");
        command.arg(dir).stdout(File::create(&told)?).stderr(File::create(self.home.path().join("import"))?);
        let mut process = command.spawn().context("`trailkeep import` does not start")?;
        let mut client_peak_mib = 0.0_f64;
        let status = loop {
            client_peak_mib = machine::peak_mib(process.id()).map_or(client_peak_mib, |peak| peak.max(client_peak_mib));
            if let Some(status) = process.try_wait()? {
                break status;
            }
            sleep(GLANCE);
        };
        let client_cpu_s = machine::children_cpu_s()? - cpu_s;
        self.settle()?;
        let seconds = begun.elapsed().as_secs_f64();
        let said = fs::read_to_string(&told)?;
        let Ok(summary) = serde_json::from_str(&said) else {
            let log = fs::read_to_string(self.home.path().join("import")).unwrap_or_default();
            bail!("`trailkeep import` ended with {status}: {} {}", said.trim(), log.trim());
        };
        Ok(Imported { seconds, client_cpu_s, client_peak_mib, summary })
    }

    /// Waits until lookups find all that was accepted.
    pub(super) fn settle(&self) -> anyhow::Result<()> {
        let mut link = Link::connect(&self.address)?;
        let begun = machine::now();
        while begun.elapsed() < SETTLE_LIMIT {
            if metrics(&mut link)?.get("trailkeep_history_lag") == Some(&0.0) {
                return Ok(());
            }
            sleep(GLANCE);
        }
        bail!("event history does not catch up")
    }

    /// The server's metrics without labels.
    pub(super) fn metrics(&self) -> anyhow::Result<BTreeMap<String, f64>> {
        metrics(&mut Link::connect(&self.address)?)
    }

    /// Events accepted so far.
    pub(super) fn accepted(&self) -> anyhow::Result<u64> {
        Ok(self.metrics()?.get("trailkeep_recorder_accepted_total").map_or(0, |value| *value as u64))
    }

    /// Records in event history.
    pub(super) fn history_records(&self) -> anyhow::Result<u64> {
        Ok(self.metrics()?.get("trailkeep_history_records").map_or(0, |value| *value as u64))
    }

    /// Seconds of CPU used so far.
    pub(super) fn cpu_s(&self) -> anyhow::Result<f64> {
        machine::cpu_s(self.process())
    }

    /// The most memory used so far, in MiB.
    pub(super) fn peak_mib(&self) -> f64 {
        machine::peak_mib(self.process()).unwrap_or_default()
    }

    /// Stops the server as an operator does; the bytes of event history it leaves.
    pub(super) fn stop(mut self) -> anyhow::Result<u64> {
        let asked = Command::new("kill").arg(self.process().to_string()).status().context("cannot run kill")?;
        ensure!(asked.success(), "the server was gone before it was stopped");
        let begun = machine::now();
        while begun.elapsed() < SETTLE_LIMIT {
            if let Some(status) = self.process.try_wait()? {
                ensure!(status.success(), "the server's stop ended with {status}");
                return bytes_in(&self.home.path().join("data/history"));
            }
            sleep(GLANCE);
        }
        bail!("the server does not stop")
    }

    fn verb(&self, arguments: &[&str]) -> Command {
        let mut command = clean(&self.binary, self.home.path());
        command.args(arguments).env("AWS_ENDPOINT_URL", format!("http://{}", self.address));
        command.env("AWS_SHARED_CREDENTIALS_FILE", self.home.path().join("data/credentials"));
        command.env("AWS_DEFAULT_REGION", "us-east-1");
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already if all went well.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The program without the caller's settings.
fn clean(binary: &Path, home: &Path) -> Command {
    let mut command = Command::new(binary);
    for (name, _) in std::env::vars_os() {
        if VARIABLES.iter().any(|start| name.to_string_lossy().starts_with(start)) {
            command.env_remove(name);
        }
    }
    command.env("HOME", home).stdin(Stdio::null());
    command
}

fn metrics(link: &mut Link) -> anyhow::Result<BTreeMap<String, f64>> {
    let answer = link.get("/metrics")?;
    ensure!(answer.status == 200, "/metrics answers {}", answer.status);
    let text = String::from_utf8(answer.body)?;
    let pairs = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.rsplit_once(' '));
    Ok(pairs.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect())
}

fn keys(path: &Path) -> anyhow::Result<Keys> {
    let text = fs::read_to_string(path).context("the server wrote no credentials")?;
    let value = |name: &str| {
        let values = text.lines().filter_map(|line| line.split_once('='));
        values
            .filter(|(key, _)| key.trim() == name)
            .map(|(_, value)| value.trim().to_owned())
            .next()
            .with_context(|| format!("no {name}"))
    };
    Ok(Keys { id: value("aws_access_key_id")?, secret: value("aws_secret_access_key")? })
}

/// Bytes of all files in a folder.
pub(super) fn bytes_in(dir: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        let entry = entry?;
        bytes += if entry.file_type()?.is_dir() { bytes_in(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(bytes)
}
