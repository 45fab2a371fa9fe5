//! What a record says at a glance.

use cloudtrail::account::AccountId;
use cloudtrail::event::{Admission, Event, SIZE_MAX};
use cloudtrail::lookup::{self, Resource};
use cloudtrail::region::Region;
use time::OffsetDateTime;
use time::macros::format_description;

/// The parts of a record that fit a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Row {
    /// eventTime in UTC, as `2026-01-31 09:30:00`.
    pub(crate) time: String,
    /// eventTime as the record has it.
    pub(crate) event_time: String,
    pub(crate) event_name: String,
    pub(crate) event_source: String,
    /// The user name it is found by; else what else says who it was.
    pub(crate) user: String,
    /// The user name it is found by, or nothing.
    pub(crate) username: String,
    pub(crate) access_key_id: String,
    pub(crate) event_id: String,
    pub(crate) read_only: Option<bool>,
    pub(crate) source_ip: String,
    pub(crate) region: String,
    pub(crate) resources: Vec<Resource>,
    pub(crate) error: String,
}

impl Row {
    /// Reads a record.
    pub(crate) fn of(record: &str) -> anyhow::Result<Self> {
        // Only used where the record says nothing itself, and never shown.
        let (account, region): (AccountId, Region) =
            ("000000000000".parse().expect("twelve digits"), "us-east-1".parse().expect("a Region"));
        let admission = Admission { account, region: &region, ordinal: 0, size_max: SIZE_MAX };
        let event = Event::admit(record.as_bytes(), &admission)
            .map_err(|rejection| anyhow::anyhow!("the server sent what is no record: {}", rejection.message))?;
        let facts = lookup::facts(&event);
        let text = |key| event.text(key).map(String::from).unwrap_or_default();
        let username = facts.username.unwrap_or_default();
        Ok(Self {
            time: time_text(event.event_time_s()),
            event_time: text("eventTime"),
            user: if username.is_empty() { who(&event) } else { username.clone() },
            username,
            event_name: facts.event_name,
            event_source: facts.event_source,
            access_key_id: facts.access_key_id.unwrap_or_default(),
            event_id: facts.event_id,
            read_only: facts.read_only,
            source_ip: text("sourceIPAddress"),
            region: event.region().to_owned(),
            resources: facts.resources,
            error: text("errorCode"),
        })
    }

    /// The cells of the table.
    pub(super) fn cells(self) -> Vec<String> {
        let resources = self.resource_names(", ");
        vec![self.time, self.event_name, self.user, self.source_ip, self.region, resources, self.error]
    }

    /// The names of its resources in one text, each once.
    pub(crate) fn resource_names(&self, between: &str) -> String {
        let mut names: Vec<&str> = Vec::new();
        for resource in &self.resources {
            if !names.contains(&resource.name.as_str()) {
                names.push(&resource.name);
            }
        }
        names.join(between)
    }
}

/// Who called, where there is no user name.
fn who(event: &Event) -> String {
    let identity = event.identity();
    let arn_end = identity.arn.as_deref().and_then(|arn| arn.rsplit(':').next());
    let words = [identity.user_name.as_deref(), identity.invoked_by.as_deref(), arn_end, identity.principal_id.as_deref()];
    let words = words.into_iter().chain([identity.account_id.as_deref(), identity.type_.as_deref()]);
    words.flatten().find(|word| !word.is_empty()).unwrap_or_default().to_owned()
}

fn time_text(at_s: i64) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    OffsetDateTime::from_unix_timestamp(at_s).ok().and_then(|at| at.format(format).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
