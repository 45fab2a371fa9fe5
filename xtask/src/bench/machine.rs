//! What the kernel knows: time of processes, memory, how busy the machine is, and how long its disk takes.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process;
use std::time::Instant;

use anyhow::Context as _;

use super::report::quantile;

/// Ticks a second in /proc (USER_HZ; 100 on every Linux of today, see time(7)).
const TICKS: f64 = 100.0;
/// Writes with fdatasync that are timed.
const SYNCS: usize = 40;
/// Bytes of each.
const SYNC_BYTES: usize = 1 << 20;

/// One line about the machine.
pub(super) fn describe() -> String {
    let line = |path: &str, key: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let found = text.lines().find(|line| line.starts_with(key)).and_then(|line| line.split_once(':'));
        found.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    };
    let memory = line("/proc/meminfo", "MemTotal");
    let memory_kib: f64 = memory.split(' ').next().and_then(|kib| kib.parse().ok()).unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{} × {}, {:.0} GiB, Linux {}",
        cores(),
        line("/proc/cpuinfo", "model name"),
        memory_kib / f64::from(1 << 20),
        kernel.trim()
    )
}

/// Processors that may be used.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The median time in milliseconds that a write of 1 MiB with fdatasync takes in `dir`.
pub(super) fn sync_ms(dir: &Path) -> anyhow::Result<f64> {
    let path = dir.join("sync");
    let mut file = File::create(&path).context("cannot write where it is to be measured")?;
    let block = vec![0x5a; SYNC_BYTES];
    let mut took = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let begun = now();
        file.write_all(&block)?;
        file.sync_data()?;
        took.push(begun.elapsed());
    }
    fs::remove_file(path)?;
    Ok(quantile(&mut took, 0.5))
}

/// What a measurement begins with.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// Seconds since 1970.
#[expect(clippy::disallowed_methods, reason = "records are made near the present, and signatures carry the time")]
pub(super) fn now_s() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |since| since.as_secs() as i64)
}

/// Seconds of CPU a process has used so far.
pub(super) fn cpu_s(process: u32) -> anyhow::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).context("the process is gone")?;
    Ok(ticks(&stat, 11)? + ticks(&stat, 12)?)
}

/// Seconds of CPU that ended and awaited children of this process used.
pub(super) fn children_cpu_s() -> anyhow::Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    Ok(ticks(&stat, 13)? + ticks(&stat, 14)?)
}

fn ticks(stat: &str, field: usize) -> anyhow::Result<f64> {
    let fields = stat.rsplit_once(')').map(|(_, fields)| fields).unwrap_or_default();
    let ticks: f64 =
        fields.split_whitespace().nth(field).and_then(|field| field.parse().ok()).context("/proc is not as known")?;
    Ok(ticks / TICKS)
}

/// The most memory a process had so far, in MiB; None once it has ended.
pub(super) fn peak_mib(process: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1_024.0)
}

/// Tells how much of the machine others took meanwhile.
pub(super) struct Others {
    begun: Instant,
    busy_s: f64,
    own_s: f64,
}

impl Others {
    /// Watches from here on.
    pub(super) fn watch() -> anyhow::Result<Self> {
        Ok(Self { begun: now(), busy_s: busy_s()?, own_s: cpu_s(process::id())? })
    }

    /// The share of the machine that was taken by neither this process nor those that used `known_s` seconds of CPU.
    pub(super) fn share(&self, known_s: f64) -> anyhow::Result<f64> {
        let own_s = cpu_s(process::id())? - self.own_s;
        let all_s = self.begun.elapsed().as_secs_f64() * cores() as f64;
        Ok(((busy_s()? - self.busy_s - own_s - known_s) / all_s).max(0.0))
    }
}

/// Seconds the processors were busy since boot.
fn busy_s() -> anyhow::Result<f64> {
    let stat = fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().context("/proc/stat is empty")?;
    let fields: Vec<f64> = line.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    // user, nice, system, then idle and iowait, then irq, softirq, steal.
    let busy: f64 = fields.iter().take(8).enumerate().filter(|(i, _)| !matches!(i, 3 | 4)).map(|(_, ticks)| ticks).sum();
    Ok(busy / TICKS)
}
