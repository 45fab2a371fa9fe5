//! How fast existing log files come in: `trailkeep import` until lookups find every event, against DuckDB reading the same
//! files into a table.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::Bench;
use super::machine::Others;
use super::peer;
use super::records::{ACCOUNT, Records, Times};
use super::report::{Floor, Report};
use super::server::Server;

/// How often the peer's time must be beaten (issue 2, section 5).
const RATIO_MIN: f64 = 6.0;
/// Records in a file: the median of a busy account's files, and that of an organization's (PROFILE.md).
const SHAPES: [u64; 2] = [200, 5];
/// Files in a folder; CloudTrail has one for each day.
const FILES_A_FOLDER: u64 = 2_000;
/// The newest record's time: imported events are kept whatever their age, so that the input is the same every time.
pub(super) const TIMES: Times = Times { newest_s: 1_751_328_000, span_s: 30 * 86_400 };

/// Log files that were made.
pub(super) struct LogFiles {
    pub(super) files: u64,
    pub(super) events: u64,
    /// Bytes of the records, as they are stored.
    pub(super) bytes: u64,
    pub(super) compressed_bytes: u64,
}

/// Measures both shapes of files.
pub(super) fn run(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    for each in SHAPES {
        one(bench, report, each)?;
    }
    Ok(())
}

fn one(bench: &Bench, report: &mut Report, each: u64) -> anyhow::Result<()> {
    let events = bench.events(300_000);
    let dir = tempfile::Builder::new().prefix("log-files-").tempdir_in(bench.dir.path())?;
    let made = write(dir.path(), Records::new(&bench.shapes, bench.seed, TIMES, events), each)?;
    let server = Server::start(&bench.binary, bench.dir.path())?;
    let records_before = server.history_records()?;
    let others = Others::watch()?;
    let cpu_s = server.cpu_s()?;
    let imported = server.import(dir.path())?;
    let server_cpu_s = server.cpu_s()? - cpu_s;
    let cpu_s = server_cpu_s + imported.client_cpu_s;
    let others = others.share(cpu_s)?;

    let what = format!("import of {} files with {each} records", made.files);
    let summary = imported.summary;
    report.check(&format!("{what}: complete"), 1, u64::from(summary.complete));
    report.check(&format!("{what}: files read"), made.files, summary.files.read);
    report.check(&format!("{what}: files damaged"), 0, summary.files.damaged);
    report.check(&format!("{what}: events new"), events, summary.events.new);
    report.check(&format!("{what}: records in event history"), events, server.history_records()? - records_before);
    let rate = events as f64 / imported.seconds;
    let size = made.compressed_bytes as f64 / f64::from(1 << 20);
    let mut section = report
        .section(format!("import: {} .json.gz with {each} records each, {size:.1} MiB, until lookups find all", made.files));
    section.add("events a second", rate, "events/s");
    section.add("files a second", made.files as f64 / imported.seconds, "files/s");
    section.add("CPU of server and client", cpu_s * 1e6 / events as f64, "µs/event");
    section.add("  of which the client", imported.client_cpu_s * 1e6 / events as f64, "µs/event");
    section.add("peak memory of the server", server.peak_mib(), "MiB");
    section.add("peak memory of the client", imported.client_peak_mib, "MiB");
    section.add("taken by other processes", others * 100.0, "% of CPU");
    server.stop()?;

    if let Some(loaded) = peer::load(bench, "log-files", dir.path())? {
        report.check(&format!("{what}: rows of DuckDB"), events, loaded.rows);
        let mut section = report.section(format!("import: DuckDB reading the same {} files into a table", made.files));
        loaded.tell(&mut section);
        section.add_with_floor("Trailkeep to DuckDB", loaded.seconds / imported.seconds, "×", Floor::AtLeast(RATIO_MIN));
        section.add("the same by CPU", loaded.cpu_s / cpu_s, "×");
    }
    Ok(())
}

/// Writes log files as CloudTrail delivers them, `each` records to a file.
pub(super) fn write(dir: &Path, mut records: Records<'_>, each: u64) -> anyhow::Result<LogFiles> {
    let mut made = LogFiles { files: 0, events: records.left(), bytes: 0, compressed_bytes: 0 };
    let mut text = Vec::new();
    while records.left() > 0 {
        text.clear();
        text.extend_from_slice(b"{\"Records\":[");
        let count = each.min(records.left());
        for i in 0..count {
            if i > 0 {
                text.push(b',');
            }
            records.append(&mut text);
        }
        text.extend_from_slice(b"]}");
        made.bytes += text.len() as u64 - 14 - (count - 1);
        let folder = dir.join(format!("AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2025/06/{:02}", made.files / FILES_A_FOLDER + 1));
        if made.files.is_multiple_of(FILES_A_FOLDER) {
            fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let name = format!("{ACCOUNT}_CloudTrail_us-east-1_20250601T0000Z_{:016}.json.gz", made.files);
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(&text)?;
        let compressed = gzip.finish()?;
        File::create(folder.join(name))?.write_all(&compressed)?;
        made.compressed_bytes += compressed.len() as u64;
        made.files += 1;
    }
    Ok(made)
}
