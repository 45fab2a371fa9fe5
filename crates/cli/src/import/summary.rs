//! The summary at the end.

use std::fmt::Write as _;

use indicatif::{BinaryBytes, HumanCount};
use serde_json::json;

use super::tally::Account;
use crate::lookup::cell::clean;

/// What the summary tells beside the account.
pub(super) struct Facts<'a> {
    /// Whether everything the source has was gone through.
    pub(super) complete: bool,
    pub(super) seconds: f64,
    /// Where finished files are noted.
    pub(super) state: Option<&'a str>,
}

/// The summary for people.
pub(super) fn text(account: &Account, facts: &Facts<'_>) -> String {
    let counts = &account.counts;
    let mut text = String::new();
    let mut line = |what: &str, number: u64, more: &str| {
        let more = if more.is_empty() { String::new() } else { format!("  {more}") };
        let _ = writeln!(text, "{what:<18}{:>13}{more}", HumanCount(number).to_string());
    };
    line("files read", counts.files_read, &format!("{} in {:.1} s", BinaryBytes(counts.bytes_read), facts.seconds));
    if counts.files_done_before > 0 {
        line("  done before", counts.files_done_before, "--no-resume sends them again");
    }
    line("  damaged", counts.files_damaged, "");
    for (skip, files) in &counts.files_skipped {
        line("  skipped", *files, &skip.to_string());
    }
    line("events new", counts.new, "");
    line("  duplicates", counts.duplicates, "");
    line(
        "  conflicts",
        counts.conflicts,
        if counts.conflicts > 0 { "among the new: the same event with other content" } else { "" },
    );
    line("  expired", counts.expired, if counts.expired > 0 { "nothing is configured that keeps them" } else { "" });
    line("records rejected", counts.rejected.values().sum(), &rejected_by_code(account));
    if !facts.complete {
        text.push_str("incomplete: not everything was read; the same command goes on from here\n");
    }
    damaged(&mut text, account);
    rejecting(&mut text, account);
    text
}

fn rejected_by_code(account: &Account) -> String {
    let codes: Vec<String> = account.counts.rejected.iter().map(|(code, n)| format!("{code} {}", HumanCount(*n))).collect();
    codes.join(", ")
}

fn damaged(text: &mut String, account: &Account) {
    if !account.damaged.is_empty() {
        text.push_str("damaged files:\n");
    }
    for damaged in &account.damaged {
        let damage = &damaged.damage;
        let _ = writeln!(text, "  {}: {}: {}", clean(&damaged.file), damage.code, clean(&damage.message));
    }
    unnamed(text, account.counts.files_damaged, account.damaged.len());
}

fn rejecting(text: &mut String, account: &Account) {
    if !account.rejecting.is_empty() {
        text.push_str("files with rejected records:\n");
    }
    for rejecting in &account.rejecting {
        let (first, records) = (&rejecting.first, rejecting.records);
        let noun = if records == 1 { "record" } else { "records" };
        let _ = writeln!(
            text,
            "  {}: {records} {noun}, the first at index {}: {}: {}",
            clean(&rejecting.file),
            first.index,
            first.code,
            clean(&first.message)
        );
    }
    unnamed(text, account.counts.files_rejecting, account.rejecting.len());
}

fn unnamed(text: &mut String, files: u64, named: usize) {
    let more = files.saturating_sub(named as u64);
    if more > 0 {
        let _ = writeln!(text, "  and {} more, named on stderr as they were met", HumanCount(more));
    }
}

/// The summary for programs.
pub(super) fn json(account: &Account, facts: &Facts<'_>) -> serde_json::Value {
    let counts = &account.counts;
    let skipped: serde_json::Map<_, _> =
        counts.files_skipped.iter().map(|(skip, files)| (skip.key().to_owned(), json!(files))).collect();
    json!({
        "complete": facts.complete,
        "seconds": facts.seconds,
        "files": {
            "read": counts.files_read,
            "bytes": counts.bytes_read,
            "doneBefore": counts.files_done_before,
            "damaged": counts.files_damaged,
            "skipped": skipped,
        },
        "events": {
            "new": counts.new,
            "duplicates": counts.duplicates,
            "conflicts": counts.conflicts,
            "expired": counts.expired,
            "rejected": counts.rejected,
        },
        "damaged": account.damaged,
        "rejected": account.rejecting,
        "state": facts.state,
    })
}

#[cfg(test)]
mod tests;
