//! Insights events as trails have them: what the table's columns hold stands under `insightDetails` there.

use cloudtrail::event::Event;
use cloudtrail::json::Json;

use super::Top;
use super::node::Context;

/// Where under `insightDetails` a column's value stands.
const DETAILS: [(&str, &str); 5] = [
    ("insightState", "state"),
    ("insightEventSource", "eventSource"),
    ("insightEventName", "eventName"),
    ("insightErrorCode", "errorCode"),
    ("insightType", "insightType"),
];

/// Where under `insightContext.statistics` a member's value stands.
const STATISTICS: [(&str, &[&str]); 4] = [
    ("baselineaverage", &["baseline", "average"]),
    ("insightaverage", &["insight", "average"]),
    ("baselineduration", &["baselineDuration"]),
    ("insightduration", &["insightDuration"]),
];

/// Fills what the record has only under `insightDetails`.
pub(super) fn put(row: usize, event: &Event, tops: &mut [Top], context: &mut Context<'_>) {
    let Some(details) = event.json("insightDetails") else { return };
    for (key, detail) in DETAILS {
        if let Some(value) = details.get(detail)
            && let Some(top) = tops.iter_mut().find(|top| top.key == key)
        {
            top.node.put(row, value, context);
        }
    }
    let Some(insight) = details.get("insightContext").filter(|insight| insight.is_object()) else { return };
    let Some(top) = tops.iter_mut().find(|top| top.key == "insightContext") else { return };
    if !top.node.open(row) {
        return;
    }
    let statistics = insight.get("statistics");
    for (name, path) in STATISTICS {
        let value = path.iter().fold(statistics, |value, key| value?.get(key));
        put_member(row, top, name, value, context);
    }
    put_member(row, top, "attributions", insight.get("attributions"), context);
}

fn put_member(row: usize, top: &mut Top, name: &str, value: Option<Json<'_>>, context: &mut Context<'_>) {
    if let Some(value) = value
        && let Some(member) = top.node.member(name)
    {
        member.put(row, value, context);
    }
}
