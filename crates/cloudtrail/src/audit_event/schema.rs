//! The schema of `eventData` (CloudTrail user guide, "CloudTrail Lake integrations event schema").

use std::borrow::Cow;
use std::net::IpAddr;

use super::{Fault, Refusal};
use crate::account::AccountId;
use crate::event::{parse_time, time_text};
use crate::json::{self, Json};

/// From where on requestParameters and responseElements are too large: 100 KB (same page).
const PARAMETERS_BYTES_MAX: usize = 102_400;
/// From where on additionalEventData is too large: 28 KB (same page).
const ADDITIONAL_BYTES_MAX: usize = 28_672;
/// What the sources of AWS's own events end with; no one else's may (own reading: AWS does not publish its rule).
const RESERVED_SUFFIX: &str = "amazonaws.com";

/// How the guide spells the id that senders give an event, and how some do.
const UID: (&str, &str) = ("UID", "uid");

/// A field of the schema.
struct Field {
    name: &'static str,
    required: bool,
    type_: Type,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    /// A string of at most so many characters.
    Text(usize),
    /// An object of at most so many bytes.
    Object(usize),
}

const fn required(name: &'static str, type_: Type) -> Field {
    Field { name, required: true, type_ }
}

const fn optional(name: &'static str, type_: Type) -> Field {
    Field { name, required: false, type_ }
}

/// Bounded by the size of the event alone.
const ANY: usize = usize::MAX;
const USER_IDENTITY: &str = "userIdentity";

const FIELDS: [Field; 14] = [
    required("version", Type::Text(256)),
    required(USER_IDENTITY, Type::Object(ANY)),
    optional("userAgent", Type::Text(1_024)),
    required("eventSource", Type::Text(1_024)),
    required("eventName", Type::Text(1_024)),
    required("eventTime", Type::Text(ANY)),
    required(UID.0, Type::Text(1_024)),
    optional("requestParameters", Type::Object(PARAMETERS_BYTES_MAX)),
    optional("responseElements", Type::Object(PARAMETERS_BYTES_MAX)),
    optional("errorCode", Type::Text(256)),
    optional("errorMessage", Type::Text(256)),
    optional("sourceIPAddress", Type::Text(ANY)),
    required("recipientAccountId", Type::Text(ANY)),
    optional("additionalEventData", Type::Object(ADDITIONAL_BYTES_MAX)),
];

/// The members of userIdentity.
const IDENTITY_FIELDS: [Field; 3] =
    [required("type", Type::Text(128)), required("principalId", Type::Text(1_024)), optional("details", Type::Object(ANY))];

/// `eventData`, taken apart.
pub(super) struct Payload<'a> {
    whole: &'a str,
    members: Members<'a>,
    /// The id stands under its other name.
    renamed: bool,
    /// Fields the schema does not have.
    pub(super) unknown_fields: usize,
}

impl<'a> Payload<'a> {
    /// Reads compact text of one object, in which no field comes twice.
    pub(super) fn read(whole: &'a str) -> Result<Self, Refusal> {
        let mut members = Members::read(Json::of(whole), "eventData")?;
        let renamed = members.get(UID.0).is_none() && members.rename(UID.1, UID.0);
        let unknown_fields = members.0.iter().filter(|(name, _)| FIELDS.iter().all(|field| field.name != name)).count();
        Ok(Self { whole, members, renamed, unknown_fields })
    }

    /// Checks it against the schema; returns when the event happened.
    ///
    /// What is missing is told before what is wrong, each in the order of the schema.
    pub(super) fn check(&self, owner: AccountId) -> Result<i64, Refusal> {
        let identity = match self.members.get(USER_IDENTITY) {
            Some(identity) if identity.is_object() => Some(Members::read(identity, USER_IDENTITY)?),
            _ => None,
        };
        for field in &FIELDS {
            field.find(&self.members, "")?;
            if let (USER_IDENTITY, Some(identity)) = (field.name, &identity) {
                IDENTITY_FIELDS.iter().try_for_each(|field| field.find(identity, "userIdentity."))?;
            }
        }
        for field in &FIELDS {
            field.check(&self.members, "")?;
            if let (USER_IDENTITY, Some(identity)) = (field.name, &identity) {
                IDENTITY_FIELDS.iter().try_for_each(|field| field.check(identity, "userIdentity."))?;
            }
        }
        self.check_meaning(owner)
    }

    fn check_meaning(&self, owner: AccountId) -> Result<i64, Refusal> {
        let text = |name| self.members.get(name).and_then(Json::string).unwrap_or_default();
        if is_reserved(&text("eventSource")) {
            return Err(Refusal::new(Fault::Source, format!("eventSource ends with {RESERVED_SUFFIX}, which is AWS's own")));
        }
        let time_s = time_of(&text("eventTime"))
            .ok_or_else(|| Refusal::new(Fault::Data, "eventTime must be a UTC time in the form yyyy-MM-ddTHH:mm:ss"))?;
        let address = self.members.get("sourceIPAddress").and_then(Json::string);
        if address.is_some_and(|address| address.parse::<IpAddr>().is_err()) {
            return Err(Refusal::new(Fault::Data, "sourceIPAddress must be an IPv4 or IPv6 address"));
        }
        if text("recipientAccountId") != owner.as_str() {
            return Err(Refusal::new(Fault::Recipient, "recipientAccountId is not the account that owns the channel"));
        }
        Ok(time_s)
    }

    /// The object as the record has it.
    pub(super) fn text(&self) -> Cow<'a, str> {
        if !self.renamed {
            return Cow::Borrowed(self.whole);
        }
        let member = |(name, value): &(Cow<'_, str>, Json<'_>)| format!("{}:{}", serde_json::Value::from(&**name), value.raw());
        let members: Vec<String> = self.members.0.iter().map(member).collect();
        Cow::Owned(format!("{{{}}}", members.join(",")))
    }
}

impl Field {
    /// Whether it is there, if it has to be: null, `""` and `{}` are as nothing.
    fn find(&self, members: &Members<'_>, prefix: &str) -> Result<(), Refusal> {
        let empty = |value: Json<'_>| matches!(value.raw(), "null" | "\"\"" | "{}");
        if self.required && members.get(self.name).is_none_or(empty) {
            return Err(Refusal::new(Fault::NotFound, format!("{prefix}{} is required", self.name)));
        }
        Ok(())
    }

    /// Type and size, if it is there.
    fn check(&self, members: &Members<'_>, prefix: &str) -> Result<(), Refusal> {
        let Some(value) = members.get(self.name).filter(|value| !value.is_null()) else { return Ok(()) };
        let name = self.name;
        match self.type_ {
            Type::Text(max) => {
                let text = text(value).ok_or_else(|| Refusal::new(Fault::Data, format!("{prefix}{name} must be a string")))?;
                if text.chars().nth(max).is_some() {
                    return Err(Refusal::new(Fault::TooLong, format!("{prefix}{name} has more than {max} characters")));
                }
            }
            Type::Object(max) => {
                if !value.is_object() {
                    return Err(Refusal::new(Fault::Data, format!("{prefix}{name} must be an object")));
                }
                if value.raw().len() > max {
                    return Err(Refusal::new(Fault::TooLong, format!("{prefix}{name} has more than {max} bytes")));
                }
            }
        }
        Ok(())
    }
}

/// The members of an object, none of which comes twice.
struct Members<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

impl<'a> Members<'a> {
    fn read(object: Json<'a>, name: &str) -> Result<Self, Refusal> {
        let members: Vec<(Cow<'a, str>, Json<'a>)> = object.members().collect();
        let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_ref()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
            return Err(Refusal::new(Fault::Data, format!("{name} has a field twice")));
        }
        Ok(Self(members))
    }

    fn get(&self, name: &str) -> Option<Json<'a>> {
        self.0.iter().find(|(member, _)| member == name).map(|(_, value)| *value)
    }

    fn rename(&mut self, from: &str, to: &'static str) -> bool {
        let member = self.0.iter_mut().find(|(name, _)| name == from);
        member.map(|(name, _)| *name = Cow::Borrowed(to)).is_some()
    }
}

fn text(value: Json<'_>) -> Option<Cow<'_, str>> {
    let inner = value.raw().strip_prefix('"')?.strip_suffix('"')?;
    json::unescape_strictly(inner)
}

fn is_reserved(source: &str) -> bool {
    let source = source.to_ascii_lowercase();
    source.strip_suffix(RESERVED_SUFFIX).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// `yyyy-MM-ddTHH:mm:ss`, with or without a `Z`: the guide's text has none, its samples have one.
fn time_of(text: &str) -> Option<i64> {
    let whole = format!("{}Z", text.strip_suffix('Z').unwrap_or(text));
    // What is written back the same is in this form and no other: no fractions, no offsets.
    parse_time(&whole).filter(|time_s| time_text(*time_s) == whole)
}
