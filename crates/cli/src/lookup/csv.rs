//! Comma-separated values, as RFC 4180 has them, safe to open in a spreadsheet.

use std::fmt::Write as _;

use super::page::Hit;
use super::row::Row;

/// The columns, in the order of the console's download with ours behind (event-history.md, section 6).
const COLUMNS: [&str; 13] = [
    "eventName",
    "eventTime",
    "userName",
    "eventSource",
    "resourceType",
    "resourceName",
    "accessKeyId",
    "eventID",
    "readOnly",
    "sourceIPAddress",
    "awsRegion",
    "errorCode",
    "event",
];
const SENDER_COLUMNS: [&str; 3] = ["acceptedAt", "origin", "sender"];
/// Between the resources of one event.
const BETWEEN: &str = "; ";

/// The first line.
pub(super) fn header(sender: bool) -> String {
    let mut columns = COLUMNS.to_vec();
    if sender {
        columns.extend(SENDER_COLUMNS);
    }
    line_of(columns.into_iter())
}

/// A record's line; with how it came in, if that is given.
pub(super) fn line(row: &Row, record: &str, hit: Option<&Hit<'_>>) -> String {
    let types: Vec<&str> = row.resources.iter().map(|resource| resource.type_.as_deref().unwrap_or_default()).collect();
    let names: Vec<&str> = row.resources.iter().map(|resource| resource.name.as_str()).collect();
    let (types, names) = (types.join(BETWEEN), names.join(BETWEEN));
    let read_only = row.read_only.map(|read_only| read_only.to_string()).unwrap_or_default();
    let mut cells = vec![
        row.event_name.as_str(),
        &row.event_time,
        &row.username,
        &row.event_source,
        &types,
        &names,
        &row.access_key_id,
        &row.event_id,
        &read_only,
        &row.source_ip,
        &row.region,
        &row.error,
        record,
    ];
    let accepted_at = hit.map(Hit::accepted_at).unwrap_or_default();
    if let Some(hit) = hit {
        cells.extend([accepted_at.as_str(), hit.origin, &hit.sender]);
    }
    line_of(cells.into_iter())
}

fn line_of<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let mut line = String::new();
    for (column, text) in cells.enumerate() {
        if column > 0 {
            line.push(',');
        }
        write(&mut line, text);
    }
    line.push('\n');
    line
}

/// A cell. What a spreadsheet would take for a formula gets an apostrophe in front: records hold what strangers wrote
/// (OWASP, "CSV Injection").
fn write(line: &mut String, text: &str) {
    let apostrophe = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    if text.contains([',', '"', '\n', '\r']) {
        let _ = write!(line, "\"{apostrophe}{}\"", text.replace('"', "\"\""));
    } else {
        line.push_str(apostrophe);
        line.push_str(text);
    }
}

#[cfg(test)]
mod tests;
