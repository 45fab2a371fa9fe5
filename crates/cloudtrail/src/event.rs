//! An event: the bytes of one CloudTrail record, and where its top-level values stand in them.
//!
//! What must stay true ("bytes by fiat"): `admit` is the only place where a record's bytes are made. It drops blank
//! space outside strings and inserts what is missing of eventID, awsRegion and recipientAccountId before the
//! closing brace; after that nothing re-serialises a record. Admitting admitted bytes again changes nothing.

mod admission;
mod category;
mod fields;
mod instant;

use std::borrow::Cow;

use bytes::Bytes;
use bytestring::ByteString;

pub use admission::{Admission, EVENT_ID_CHARS_MAX, NAME_CHARS_MAX, RAW_SIZE_FACTOR, Rejection, RejectionCode, SIZE_MAX};
pub use category::{Category, is_without_regions};
use fields::{Field, Fields, Span};
pub(crate) use instant::parse as parse_time;
pub use instant::time_text;

use crate::account::AccountId;
use crate::identity::Identity;
use crate::json::Json;
use crate::region::Region;

/// One record. Cheap to clone; two events are equal when their bytes are, and they are the same account's.
#[derive(Debug, Clone)]
pub struct Event {
    text: ByteString,
    fields: Fields,
    account: AccountId,
    region: Region,
    time_s: i64,
}

impl Event {
    /// A record at the door: checked, compacted, completed. What comes back has the bytes it will always have.
    pub fn admit(raw: &[u8], admission: &Admission<'_>) -> Result<Self, Rejection> {
        admission::admit(raw, admission)
    }

    /// A record that a channel made of what was put into it: the only way in for events of the category
    /// ActivityAuditLog, which [`Event::admit`] refuses. Who made it and when is in it, not in who sends it.
    pub(crate) fn admit_activity(raw: &[u8], admission: &Admission<'_>) -> Result<Self, Rejection> {
        admission::admit_activity(raw, admission)
    }

    /// Bytes that passed `admit`, read back from where they are kept. The account is the one they are kept under:
    /// a record that names no account belongs to who sent it, and only the journal's ledger knows that. Bytes
    /// that name another account, or that `admit` would have changed, are refused.
    pub fn stored(bytes: Bytes, account: AccountId) -> Result<Self, Rejection> {
        admission::stored(bytes, account)
    }

    /// The record's bytes: compact JSON, UTF-8.
    pub fn bytes(&self) -> &Bytes {
        self.text.as_bytes()
    }

    /// The record as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whose event it is: recipientAccountId, else userIdentity.accountId, else who sent it.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// awsRegion.
    pub fn region(&self) -> &str {
        self.region.as_str()
    }

    /// awsRegion, as the Region it is.
    pub fn region_id(&self) -> &Region {
        &self.region
    }

    /// eventID.
    pub fn event_id(&self) -> Cow<'_, str> {
        self.field_text(Field::EventId).unwrap_or_default()
    }

    /// eventTime in seconds since 1970, fractions dropped.
    pub fn event_time_s(&self) -> i64 {
        self.time_s
    }

    /// eventName; for an Insight event the one in insightDetails; else "".
    pub fn event_name(&self) -> Cow<'_, str> {
        self.named(Field::EventName, "eventName")
    }

    /// eventSource; for an Insight event the one in insightDetails; else "".
    pub fn event_source(&self) -> Cow<'_, str> {
        self.named(Field::EventSource, "eventSource")
    }

    /// eventCategory, derived where the record (before eventVersion 1.07) has none.
    pub fn category(&self) -> Category {
        category::of(&self.fields, &self.text)
    }

    /// readOnly; the strings "true" and "false" count too.
    pub fn read_only(&self) -> Option<bool> {
        self.field(Field::ReadOnly)?.boolean()
    }

    /// The JSON text of a top-level value.
    pub fn raw(&self, key: &str) -> Option<&str> {
        self.json(key).map(Json::raw)
    }

    /// A top-level value.
    pub fn json(&self, key: &str) -> Option<Json<'_>> {
        match Field::named(key) {
            Some(field) => self.field(field),
            None => Json::of(self.as_str()).get(key),
        }
    }

    /// The text of a top-level string.
    pub fn text(&self, key: &str) -> Option<Cow<'_, str>> {
        self.json(key)?.string()
    }

    /// userIdentity; empty when there is none.
    pub fn identity(&self) -> Identity<'_> {
        self.field(Field::UserIdentity).map(Identity::of).unwrap_or_default()
    }

    /// Whether this is an event of a global service, recorded in the partition's leader Region on behalf of all.
    pub fn is_global_service(&self) -> bool {
        category::is_global_service(self)
    }

    fn named(&self, field: Field, detail: &str) -> Cow<'_, str> {
        let inside = || self.field(Field::InsightDetails)?.get(detail)?.string();
        self.field_text(field).or_else(inside).unwrap_or_default()
    }

    fn field(&self, field: Field) -> Option<Json<'_>> {
        Some(Json::of(self.slice(self.fields.get(field)?)))
    }

    fn field_text(&self, field: Field) -> Option<Cow<'_, str>> {
        self.field(field)?.string()
    }

    fn slice(&self, span: Span) -> &str {
        text_at(&self.text, span)
    }
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.account == other.account && self.text == other.text
    }
}

impl Eq for Event {}

/// A value's text in a record that has been scanned. Values begin and end at ASCII characters.
fn text_at(text: &str, span: Span) -> &str {
    text.get(span.range()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
