//! Every dependency's licence is one that `deny.toml` allows. `cargo deny` knows more (advisories, sources), but is itself a
//! program to be built; this runs wherever cargo does.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};
use serde_json::Value;

/// Tells each package whose licence is not allowed.
pub(super) fn check(root: &Path, findings: &mut Vec<String>) -> anyhow::Result<()> {
    let allowed = allowed(root)?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let known = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root)
        .output()
        .context("cannot run cargo")?;
    ensure!(known.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&known.stderr).trim());
    let known: Value = serde_json::from_slice(&known.stdout).context("cargo metadata cannot be read")?;
    for package in known["packages"].as_array().into_iter().flatten().filter(|package| !package["source"].is_null()) {
        let licence = package["license"].as_str().unwrap_or_default();
        if !is_allowed(licence, &allowed) {
            findings.push(format!("{} {}: licence {licence:?} is not in deny.toml", package["name"], package["version"]));
        }
    }
    Ok(())
}

/// The list `allow` of `[licenses]` in `deny.toml`.
fn allowed(root: &Path) -> anyhow::Result<BTreeSet<String>> {
    let text = fs::read_to_string(root.join("deny.toml")).context("cannot read deny.toml")?;
    let list = text.split_once("allow = [").and_then(|(_, rest)| rest.split_once(']')).context("deny.toml allows nothing")?.0;
    Ok(list.split(',').map(|name| name.trim().trim_matches('"').to_owned()).filter(|name| !name.is_empty()).collect())
}

/// Whether one of the alternatives of an SPDX expression is allowed in all its parts. Parentheses are only ever around
/// alternatives or parts of them in practice, and are ignored.
fn is_allowed(licence: &str, allowed: &BTreeSet<String>) -> bool {
    let clean = licence.replace(['(', ')'], "");
    let alternatives = clean.split(" OR ").flat_map(|alternative| alternative.split('/'));
    alternatives.into_iter().any(|alternative| alternative.split(" AND ").all(|part| allowed.contains(part.trim())))
}

#[cfg(test)]
mod tests;
