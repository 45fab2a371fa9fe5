//! Checks that no compiler makes: arrows between crates, names, stray paths, the size of maps, licences.

mod licences;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail, ensure};

/// Which crates of ours each crate may use (ARCHITECTURE.md, "Arrows").
const ARROWS: &[(&str, &[&str])] = &[
    ("cloudtrail", &[]),
    ("api", &[]),
    ("journal", &[]),
    ("catalog", &["cloudtrail"]),
    ("pipeline", &["journal", "catalog", "cloudtrail"]),
    ("lake", &["pipeline", "catalog", "cloudtrail"]),
    ("protocols", &["api", "cloudtrail"]),
    ("proxy", &["protocols", "pipeline", "catalog", "journal", "api", "cloudtrail"]),
    ("server", &["lake", "proxy", "pipeline", "catalog", "journal", "api", "cloudtrail"]),
    ("cli", &["server", "proxy", "lake", "api", "cloudtrail"]),
];
/// Direct dependencies a crate may have.
const DIRECT_DEPENDENCIES_MAX: &[(&str, usize)] = &[("cloudtrail", 10), ("journal", 8)];
/// Modules are nouns of the domain; these are kinds of code.
const NAMES_REFUSED: &[&str] =
    &["common", "core", "util", "utils", "helper", "helpers", "manager", "misc", "types", "traits", "enums"];
/// Lines of a hand-written source file; a flat table may say that it is one.
const LINES_MAX: usize = 600;
/// What marks a file that may be longer.
const TABLE_MARK: &str = "//! A flat table:";
/// Lines of ARCHITECTURE.md.
const ARCHITECTURE_LINES_MAX: usize = 250;
/// Parts of paths that only exist on somebody's machine.
const MACHINE_PATHS: &[&str] = &["/root/", "/home/", "/work/", "/Users/"];

/// Runs every check and tells all findings.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let files = tracked(root)?;
    let mut findings = Vec::new();
    for file in &files {
        let Ok(text) = fs::read_to_string(root.join(file)) else { continue };
        check_paths(file, &text, &mut findings);
        if file.extension().is_some_and(|extension| extension == "rs") {
            check_source(file, &text, &mut findings);
        }
    }
    check_arrows(root, &mut findings)?;
    check_architecture(root, &mut findings);
    licences::check(root, &mut findings)?;
    for finding in &findings {
        eprintln!("tidy: {finding}");
    }
    ensure!(findings.is_empty(), "{} findings", findings.len());
    eprintln!("tidy: {} files are in order", files.len());
    Ok(())
}

fn tracked(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(root).output().context("cannot run git")?;
    if !listed.status.success() {
        bail!("git ls-files failed");
    }
    let listed = String::from_utf8(listed.stdout).context("a file name is not UTF-8")?;
    Ok(listed.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect())
}

fn check_paths(file: &Path, text: &str, findings: &mut Vec<String>) {
    let own = file.ends_with("tidy.rs");
    let data = file.components().any(|part| part.as_os_str() == "fixtures" || part.as_os_str() == "model");
    if own || data || file.ends_with("Cargo.lock") {
        return;
    }
    for (number, line) in text.lines().enumerate() {
        if let Some(path) = MACHINE_PATHS.iter().find(|path| line.contains(**path)) {
            findings.push(format!("{}:{}: a path of somebody's machine: {path}", file.display(), number + 1));
        }
    }
}

fn check_source(file: &Path, text: &str, findings: &mut Vec<String>) {
    let shown = file.display();
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    if NAMES_REFUSED.contains(&stem) {
        findings.push(format!("{shown}: `{stem}` is a kind of code, not a noun of the domain"));
    }
    let generated = file.components().any(|part| part.as_os_str() == "generated");
    let lines = text.lines().count();
    if lines > LINES_MAX && !generated && !text.contains(TABLE_MARK) {
        findings.push(format!("{shown}: {lines} lines, over {LINES_MAX}"));
    }
    for (number, line) in text.lines().enumerate() {
        let comment = line.trim_start().starts_with("//");
        if comment && (line.contains("TODO") || line.contains("FIXME") || line.contains("XXX")) && !line.contains('#') {
            findings.push(format!("{shown}:{}: a TODO without an issue number", number + 1));
        }
    }
}

fn check_arrows(root: &Path, findings: &mut Vec<String>) -> anyhow::Result<()> {
    let ours: Vec<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    for (name, allowed) in ARROWS {
        let manifest = root.join("crates").join(name).join("Cargo.toml");
        let text = fs::read_to_string(&manifest).with_context(|| format!("cannot read {}", manifest.display()))?;
        let direct = section(&text, "[dependencies]");
        for used in direct.iter().filter(|used| ours.contains(&used.as_str())) {
            if !allowed.contains(&used.as_str()) {
                findings.push(format!("crates/{name}: may not use {used}"));
            }
        }
        let limit = DIRECT_DEPENDENCIES_MAX.iter().find(|(limited, _)| limited == name);
        if let Some((_, max)) = limit.filter(|(_, max)| direct.len() > *max) {
            findings.push(format!("crates/{name}: {} direct dependencies, over {max}", direct.len()));
        }
    }
    Ok(())
}

/// The names in one section of a manifest.
fn section(manifest: &str, heading: &str) -> Vec<String> {
    let lines = manifest.lines().skip_while(|line| line.trim() != heading).skip(1);
    lines
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| !name.is_empty() && !name.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

fn check_architecture(root: &Path, findings: &mut Vec<String>) {
    match fs::read_to_string(root.join("ARCHITECTURE.md")) {
        Ok(text) if text.lines().count() > ARCHITECTURE_LINES_MAX => {
            findings.push(format!("ARCHITECTURE.md: over {ARCHITECTURE_LINES_MAX} lines"));
        }
        Ok(_) => {}
        Err(error) => findings.push(format!("ARCHITECTURE.md: {error}")),
    }
}
