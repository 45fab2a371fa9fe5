//! The door: what is refused and why, and how a record's bytes are made.

use std::borrow::Cow;
use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use bytestring::ByteString;

use super::fields::{Field, Fields, Keys, Span};
use super::{Category, Event, category, instant, text_at};
use crate::account::AccountId;
use crate::json::{self, Json};
use crate::region::Region;

/// The size of an event in trails, event history and event data stores of standard size: 256 KB
/// (CloudTrail user guide, "CloudTrail record contents").
pub const SIZE_MAX: usize = 262_144;

/// Before blank space is dropped a record may be this many times larger. Own choice: pretty-printed records are
/// about twice as long as compact ones.
pub const RAW_SIZE_FACTOR: usize = 4;

/// The longest eventID. Own choice: AWS's are 36 characters, other senders' may be longer; it is an index key.
pub const EVENT_ID_CHARS_MAX: usize = 128;

/// The longest eventName and eventSource. Own choice: real ones reach 42 characters (corpus).
pub const NAME_CHARS_MAX: usize = 256;

/// The circumstances in which a record arrives.
#[derive(Debug, Clone, Copy)]
pub struct Admission<'a> {
    /// Who sent it; its account, when the record names none.
    pub account: AccountId,
    /// Its Region, when the record names none.
    pub region: &'a Region,
    /// Its place in the request, which tells equal records without eventID apart.
    pub ordinal: u64,
    /// The most bytes it may have, compacted and completed.
    pub size_max: usize,
}

/// Why a record was refused; the codes `POST /v1/events` answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RejectionCode {
    /// Not one JSON object in UTF-8, or nested too deep.
    InvalidJson,
    /// A mandatory field is not there.
    MissingField,
    /// A field has no acceptable value.
    InvalidField,
    /// A top-level key is there twice.
    DuplicateKey,
    /// Larger than an event may be.
    TooLarge,
    /// The sender may not send events of that account.
    AccountNotPermitted,
}

impl fmt::Display for RejectionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A record that was refused, with the reason in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Rejection {
    /// The kind of reason.
    pub code: RejectionCode,
    /// The reason, with the field it is about.
    pub message: String,
}

impl Rejection {
    fn missing(field: Field) -> Self {
        Self { code: RejectionCode::MissingField, message: format!("{} is missing", field.name()) }
    }

    fn invalid(field: Field, must: &str) -> Self {
        Self { code: RejectionCode::InvalidField, message: format!("{} must be {must}", field.name()) }
    }

    fn too_large(size: usize, size_max: usize) -> Self {
        let message = format!("the record has {size} bytes, {size_max} are allowed");
        Self { code: RejectionCode::TooLarge, message }
    }
}

impl From<json::Fault> for Rejection {
    fn from(fault: json::Fault) -> Self {
        Self { code: RejectionCode::InvalidJson, message: fault.to_string() }
    }
}

impl From<std::str::Utf8Error> for Rejection {
    fn from(error: std::str::Utf8Error) -> Self {
        let message = format!("not UTF-8 after byte {}", error.valid_up_to());
        Self { code: RejectionCode::InvalidJson, message }
    }
}

pub(super) fn admit(raw: &[u8], admission: &Admission<'_>) -> Result<Event, Rejection> {
    admit_through(Door::Anyone, raw, admission)
}

pub(super) fn admit_activity(raw: &[u8], admission: &Admission<'_>) -> Result<Event, Rejection> {
    admit_through(Door::Channel, raw, admission)
}

/// Who brings a record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Door {
    Anyone,
    Channel,
}

impl Door {
    /// Channels bring activity and nothing else, and nobody else does: what stands in such a record was checked by the
    /// channel (channels.md, section 7).
    fn check(self, fields: &Fields, text: &str) -> Result<(), Rejection> {
        let activity = category::is_activity(fields, text);
        match (self, activity) {
            (Self::Anyone, true) => Err(Rejection::invalid(Field::EventCategory, "one that does not come through channels")),
            (Self::Channel, false) => Err(Rejection::invalid(Field::EventCategory, "ActivityAuditLog")),
            _ => Ok(()),
        }
    }
}

fn admit_through(door: Door, raw: &[u8], admission: &Admission<'_>) -> Result<Event, Rejection> {
    let raw_max = admission.size_max.saturating_mul(RAW_SIZE_FACTOR);
    if raw.len() > raw_max {
        return Err(Rejection::too_large(raw.len(), raw_max));
    }
    let raw = std::str::from_utf8(raw)?;
    let (mut fields, blank) = places(raw)?;
    let compact = if blank { Cow::Owned(compact(raw)?) } else { Cow::Borrowed(raw) };
    if blank {
        fields = places(&compact)?.0;
    }
    door.check(&fields, &compact)?;
    let known = Known::read(&fields, &compact)?;
    let account = known.account.or_else(|| identity_account(&fields, &compact)).unwrap_or(admission.account);
    let region = known.region.unwrap_or_else(|| admission.region.clone());

    let text = if fields.complete() {
        compact.into_owned()
    } else {
        complete(&compact, &mut fields, account, &region, admission.ordinal)
    };
    if text.len() > admission.size_max {
        return Err(Rejection::too_large(text.len(), admission.size_max));
    }
    Ok(Event { text: text.into(), fields, account, region, time_s: known.time_s })
}

pub(super) fn stored(bytes: Bytes, account: AccountId) -> Result<Event, Rejection> {
    let text = ByteString::try_from(bytes)?;
    let (fields, blank) = places(&text)?;
    if blank {
        let message = "blank space in stored bytes".to_owned();
        return Err(Rejection { code: RejectionCode::InvalidJson, message });
    }
    if let Some(missing) = Fields::INSERTED.into_iter().find(|&field| fields.get(field).is_none()) {
        return Err(Rejection::missing(missing));
    }
    let known = Known::read(&fields, &text)?;
    if known.account.is_some_and(|named| named != account) {
        return Err(Rejection::invalid(Field::RecipientAccountId, &format!("{account}, under which it is kept")));
    }
    let region = known.region.ok_or_else(|| Rejection::missing(Field::AwsRegion))?;
    Ok(Event { text, fields, account, region, time_s: known.time_s })
}

/// The record without blank space outside strings.
fn compact(raw: &str) -> Result<String, Rejection> {
    String::from_utf8(json::compact(raw.as_bytes())).map_err(|error| error.utf8_error().into())
}

/// Where the values stand, and whether there is blank space between them.
fn places(text: &str) -> Result<(Fields, bool), Rejection> {
    let mut fields = Fields::new();
    let mut keys = Keys::new();
    let blank = json::scan(text.as_bytes(), |key, value| {
        let inner = text.get(key).unwrap_or_default();
        let key = json::unescape_strictly(inner).ok_or_else(|| Rejection {
            code: RejectionCode::InvalidJson,
            message: "a key has half a surrogate pair".to_owned(),
        })?;
        if keys.note(&mut fields, key, Span::new(value.start, value.end)) {
            return Ok(());
        }
        Err(Rejection { code: RejectionCode::DuplicateKey, message: format!("\"{inner}\" is there twice") })
    })?;
    Ok((fields, blank))
}

/// The fields every record is asked for.
struct Known {
    time_s: i64,
    region: Option<Region>,
    account: Option<AccountId>,
}

impl Known {
    fn read(fields: &Fields, text: &str) -> Result<Self, Rejection> {
        let record = Record { fields, text };
        let time = record.string(Field::EventTime)?.ok_or_else(|| Rejection::missing(Field::EventTime))?;
        let time_s = instant::parse(&time)
            .ok_or_else(|| Rejection::invalid(Field::EventTime, "an RFC 3339 time such as 2026-01-31T09:30:00Z"))?;
        for name in [Field::EventSource, Field::EventName] {
            if !record.bounded(name, NAME_CHARS_MAX)? && names_its_event(category::of(fields, text)) {
                return Err(Rejection::missing(name));
            }
        }
        record.bounded(Field::EventId, EVENT_ID_CHARS_MAX)?;
        let region = match record.string(Field::AwsRegion)? {
            Some(name) => {
                Some(name.parse().map_err(|_| Rejection::invalid(Field::AwsRegion, "1 to 32 ASCII letters, digits or hyphens"))?)
            }
            None => None,
        };
        let account = record.json(Field::RecipientAccountId).and_then(account_in);
        Ok(Self { time_s, region, account })
    }
}

/// Whether events of that category say at the top level what happened.
fn names_its_event(category: Category) -> bool {
    !matches!(category, Category::Insight | Category::ActivityAuditLog)
}

struct Record<'a> {
    fields: &'a Fields,
    text: &'a str,
}

impl<'a> Record<'a> {
    fn json(&self, field: Field) -> Option<Json<'a>> {
        self.fields.get(field).map(|span| Json::of(text_at(self.text, span)))
    }

    /// A field that must be a string if it is there.
    fn string(&self, field: Field) -> Result<Option<Cow<'a, str>>, Rejection> {
        let Some(value) = self.json(field) else { return Ok(None) };
        let inner = value.raw().strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        match inner.and_then(json::unescape_strictly) {
            Some(text) => Ok(Some(text)),
            None => Err(Rejection::invalid(field, "a string")),
        }
    }

    /// Whether a field is there; if so it must be a string of 1 to `chars_max` characters.
    fn bounded(&self, field: Field, chars_max: usize) -> Result<bool, Rejection> {
        match self.string(field)? {
            None => Ok(false),
            Some(text) if !text.is_empty() && at_most(&text, chars_max) => Ok(true),
            Some(_) => Err(Rejection::invalid(field, &format!("1 to {chars_max} characters"))),
        }
    }
}

/// Most texts have fewer bytes than they may have characters, and need no counting.
fn at_most(text: &str, chars_max: usize) -> bool {
    text.len() <= chars_max || text.chars().nth(chars_max).is_none()
}

fn account_in(value: Json<'_>) -> Option<AccountId> {
    value.string()?.parse().ok()
}

fn identity_account(fields: &Fields, text: &str) -> Option<AccountId> {
    Record { fields, text }.json(Field::UserIdentity)?.get("accountId").and_then(account_in)
}

impl Fields {
    /// What the door inserts when it is missing, in this order.
    const INSERTED: [Field; 3] = [Field::EventId, Field::AwsRegion, Field::RecipientAccountId];

    fn complete(&self) -> bool {
        Self::INSERTED.into_iter().all(|field| self.get(field).is_some())
    }
}

/// The record with what is missing inserted before its closing brace. None of the values needs escaping.
fn complete(compact: &str, fields: &mut Fields, account: AccountId, region: &Region, ordinal: u64) -> String {
    const INSERTED_BYTES: usize = 160;
    let mut text = String::with_capacity(compact.len() + INSERTED_BYTES);
    text.push_str(compact.strip_suffix('}').unwrap_or(compact));
    for field in Fields::INSERTED {
        if fields.get(field).is_some() {
            continue;
        }
        let value = match field {
            Field::EventId => derived_event_id(account, compact.as_bytes(), ordinal),
            Field::AwsRegion => region.to_string(),
            _ => account.to_string(),
        };
        text.extend([",\"", field.name(), "\":"]);
        let start = text.len();
        text.extend(["\"", &value, "\""]);
        fields.set(field, Span::new(start, text.len()));
    }
    text.push('}');
    text
}

/// An eventID for a record without one: the same for the same record at the same place in the same account's
/// request, so that a request that is sent again is a duplicate. Shaped as a UUID of version 8 (RFC 9562).
fn derived_event_id(account: AccountId, compact: &[u8], ordinal: u64) -> String {
    let mut input = Vec::with_capacity(compact.len() + 20);
    input.extend_from_slice(account.as_str().as_bytes());
    input.extend_from_slice(compact);
    input.extend_from_slice(&ordinal.to_be_bytes());
    let mut id = [0_u8; 16];
    id.copy_from_slice(digest(&SHA256, &input).as_ref().split_at(16).0);
    id[6] = id[6] & 0x0f | 0x80;
    id[8] = id[8] & 0x3f | 0x80;
    let hex = hex::encode(id);
    [0..8, 8..12, 12..16, 16..20, 20..32].map(|group| hex.get(group).unwrap_or_default()).join("-")
}
