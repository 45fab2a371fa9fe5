//! Audit events: what PutAuditEvents takes, and the records that channels make of it (channels.md, sections 5 to 7).
//!
//! What must stay true: an entry is refused for one named reason or becomes a record of the category ActivityAuditLog
//! that the door takes as it is; the sender's `eventData` stands in it as it was sent, blank space outside strings aside.

mod schema;

use std::borrow::Cow;

use aws_lc_rs::digest::{SHA256, digest};
use schema::Payload;

use crate::account::AccountId;
use crate::event::{Admission, Event, RejectionCode, SIZE_MAX, time_text};
use crate::json;
use crate::region::Region;

/// Entries of one request (CloudTrail quotas, "PutAuditEvents").
pub const ENTRIES_MAX: usize = 100;
/// Bytes of one request (same page): 1 MB.
pub const REQUEST_BYTES_MAX: usize = 1 << 20;
/// The version of the records that channels make. Own choice: AWS does not document its value.
pub const EVENT_VERSION: &str = "1.0";

/// Where entries go in.
#[derive(Debug, Clone, Copy)]
pub struct Intake<'a> {
    /// The channel's ARN.
    pub channel_arn: &'a str,
    /// Whose channel it is: the recipient every event must name.
    pub owner: AccountId,
    /// The Region that was called.
    pub region: &'a Region,
    /// When the call came in.
    pub now_s: i64,
}

/// What is sent of one event.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// `eventData`: JSON, or JSON as a JSON string.
    pub data: &'a str,
    /// `eventDataChecksum`, decoded: the SHA-256 of the data, if the sender gives it.
    pub checksum: Option<&'a [u8]>,
}

/// An entry that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The record made of it.
    pub event: Event,
    /// Fields of `eventData` that its schema does not have. They stay in the record; no column has them.
    pub unknown_fields: usize,
}

/// What kind of reason an entry is refused for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// A field, or the whole event, is larger than it may be.
    TooLong,
    /// A field that must be there is not, or is empty.
    NotFound,
    /// The checksum is not that of the data.
    Checksum,
    /// Not an object, or a field of the wrong type or form.
    Data,
    /// Meant for another account than the channel's.
    Recipient,
    /// The source claims to be an AWS service.
    Source,
}

/// Why an entry is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The kind of reason.
    pub fault: Fault,
    /// The reason in words, with the field it is about.
    pub message: String,
}

impl Refusal {
    fn new(fault: Fault, message: impl Into<String>) -> Self {
        Self { fault, message: message.into() }
    }
}

impl From<json::Fault> for Refusal {
    fn from(fault: json::Fault) -> Self {
        Self::new(Fault::Data, format!("eventData is {fault}"))
    }
}

impl Intake<'_> {
    /// Makes the record of an entry, with that eventID; or says why it is refused.
    pub fn take(&self, entry: &Entry<'_>, event_id: &str) -> Result<Taken, Refusal> {
        let text = unwrap(entry.data)?;
        if let Some(checksum) = entry.checksum
            && !is_checksum(checksum, entry.data)
            && !is_checksum(checksum, &text)
        {
            return Err(Refusal::new(Fault::Checksum, "eventDataChecksum is not the SHA-256 of eventData"));
        }
        let compact = compact(&text)?;
        let payload = Payload::read(&compact)?;
        let time_s = payload.check(self.owner)?;
        let record = self.record(&payload, time_s, event_id);
        let admission = Admission { account: self.owner, region: self.region, ordinal: 0, size_max: SIZE_MAX };
        let event = Event::admit_activity(record.as_bytes(), &admission).map_err(|rejection| {
            let fault = if rejection.code == RejectionCode::TooLarge { Fault::TooLong } else { Fault::Data };
            Refusal::new(fault, rejection.message)
        })?;
        Ok(Taken { event, unknown_fields: payload.unknown_fields })
    }

    /// The record's text (channels.md, section 7).
    fn record(&self, payload: &Payload<'_>, time_s: i64, event_id: &str) -> String {
        let text = |text: &str| serde_json::Value::from(text).to_string();
        [
            r#"{"eventVersion":"#,
            &text(EVENT_VERSION),
            r#","eventCategory":"ActivityAuditLog","eventType":"ActivityLog","eventID":"#,
            &text(event_id),
            r#","eventTime":"#,
            &text(&time_text(time_s)),
            r#","awsRegion":"#,
            &text(self.region.as_str()),
            r#","recipientAccountId":"#,
            &text(self.owner.as_str()),
            r#","metadata":{"ingestionTime":"#,
            &text(time_text(self.now_s).trim_end_matches('Z')),
            r#","channelARN":"#,
            &text(self.channel_arn),
            r#"},"eventData":"#,
            &payload.text(),
            "}",
        ]
        .concat()
    }
}

/// The data, or what it quotes: AWS's guide wraps the payload in a second pair of quotes on the command line.
fn unwrap(data: &str) -> Result<Cow<'_, str>, Refusal> {
    if !data.trim_start().starts_with('"') {
        return Ok(Cow::Borrowed(data));
    }
    serde_json::from_str(data).map(Cow::Owned).map_err(|_| Refusal::new(Fault::Data, "eventData is not a JSON object"))
}

fn is_checksum(checksum: &[u8], data: &str) -> bool {
    digest(&SHA256, data.as_bytes()).as_ref() == checksum
}

/// The text of an object, without blank space outside strings.
fn compact(text: &str) -> Result<Cow<'_, str>, Refusal> {
    let blank = json::scan::<Refusal>(text.as_bytes(), |_, _| Ok(()))?;
    if !blank {
        return Ok(Cow::Borrowed(text));
    }
    let compact = String::from_utf8(json::compact(text.as_bytes()));
    Ok(Cow::Owned(compact.expect("taking ASCII characters out of UTF-8 leaves UTF-8")))
}

#[cfg(test)]
mod tests;
