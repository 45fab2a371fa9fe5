//! Records to measure with: real shapes with other ids, times, users, keys, addresses and names.
//!
//! The shapes are the management events of the corpus where it is there, else a small set shaped after its profile. What
//! is made is a function of shapes, seed and times alone.

use std::fs::File;
use std::io::{BufReader, Read as _, Write as _};
use std::net::Ipv4Addr;
use std::path::Path;

use anyhow::{Context as _, ensure};
use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::macros::format_description;

/// The account all records are of: the server's default one.
pub(super) const ACCOUNT: &str = "123456789012";
/// Files of the corpus with whole, real records.
const CORPUS: [&str; 5] = ["invictus", "boogy", "stratus", "traildiscover", "umccr"];
/// For a machine without the corpus.
const BUILT_IN: &str = include_str!("records/shapes.ndjson");
/// Characters of an event's id.
const UUID_CHARS: usize = 36;
/// Few users do most; a company of this size is typical of who runs this.
const USERS: u64 = 2_000;
/// A user's keys over the time measured: sessions get new ones.
const KEYS_PER_USER: u64 = 8;
/// Variants of each resource that a shape names.
const RESOURCES: u64 = 20_000;
/// Records are up to so late against those around them (PROFILE.md: file time minus event time).
const LATE_S_MAX: u64 = 300;
/// Where calls go, each with its share in per cent.
const REGIONS: [(&str, u64); 6] =
    [("us-east-1", 55), ("eu-west-1", 20), ("us-west-2", 12), ("eu-central-1", 8), ("ap-southeast-2", 3), ("sa-east-1", 2)];

/// What is put in anew in every record. In a shape's text each stands as one control character, which JSON never has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Slot {
    EventId = 1,
    EventTime,
    RequestId,
    ExtendedRequestId,
    User,
    Principal,
    AccessKey,
    Address,
    Region,
    Resource,
    SessionTime,
}

impl Slot {
    const ALL: [Self; 11] = [
        Self::EventId,
        Self::EventTime,
        Self::RequestId,
        Self::ExtendedRequestId,
        Self::User,
        Self::Principal,
        Self::AccessKey,
        Self::Address,
        Self::Region,
        Self::Resource,
        Self::SessionTime,
    ];

    fn mark(self) -> String {
        char::from(self as u8).to_string()
    }

    fn of(mark: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|slot| *slot as u8 == mark)
    }
}

/// The shapes of records.
pub(super) struct Shapes {
    shapes: Vec<Shape>,
    /// Where they are from.
    pub(super) source: &'static str,
}

struct Shape {
    /// Text with what follows it.
    parts: Vec<(String, Slot)>,
    end: String,
}

/// Whose record it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recipient {
    recipient_account_id: String,
}

/// The members of a record that are varied.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Varied {
    user_identity: Identity,
    event_time: String,
    #[serde(rename = "eventID")]
    event_id: String,
    #[serde(rename = "requestID")]
    request_id: Option<String>,
    #[serde(rename = "sourceIPAddress")]
    address: String,
    aws_region: String,
    management_event: Option<bool>,
    request_parameters: Option<Map<String, Value>>,
    additional_event_data: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    principal_id: Option<String>,
    arn: Option<String>,
    access_key_id: Option<String>,
    session_context: Option<Value>,
}

impl Shapes {
    /// The shapes of the corpus in `corpus`, or the built-in ones.
    pub(super) fn read(corpus: &Path) -> anyhow::Result<Self> {
        let mut shapes = Vec::new();
        for name in CORPUS {
            let path = corpus.join(format!("events/{name}.ndjson.gz"));
            let Ok(file) = File::open(&path) else { continue };
            let mut text = String::new();
            let mut inflated = MultiGzDecoder::new(BufReader::new(file));
            inflated.read_to_string(&mut text).with_context(|| format!("cannot read {}", path.display()))?;
            shapes.extend(text.lines().filter_map(Shape::of));
        }
        if shapes.is_empty() {
            return Self::built_in();
        }
        Ok(Self { shapes, source: "corpus" })
    }

    /// The shapes in this tree.
    pub(super) fn built_in() -> anyhow::Result<Self> {
        let shapes: Vec<Shape> = BUILT_IN.lines().filter_map(Shape::of).collect();
        ensure!(shapes.len() == BUILT_IN.lines().count(), "a built-in shape is not as it should be");
        Ok(Self { shapes, source: "built in" })
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.shapes.len()
    }
}

impl Shape {
    /// The shape of a real record; None if it is no whole management event.
    fn of(line: &str) -> Option<Self> {
        let recipient: Recipient = serde_json::from_str(line).ok()?;
        let mut text = line.replace(&recipient.recipient_account_id, ACCOUNT);
        let varied: Varied = serde_json::from_str(&text).ok()?;
        let whole = varied.event_id.len() == UUID_CHARS && varied.management_event != Some(false);
        if !whole || line.bytes().any(|byte| byte < b' ') {
            return None;
        }
        let mut put = |found: &str, before: &str, after: &str, slot: Slot| {
            text = text.replace(&format!("{before}{found}{after}"), &format!("{before}{}{after}", slot.mark()));
        };
        put(&varied.event_id, "", "", Slot::EventId);
        put(&varied.event_time, "\"eventTime\":\"", "\"", Slot::EventTime);
        put(&varied.aws_region, "\"awsRegion\":\"", "\"", Slot::Region);
        if let Some(id) = varied.request_id.filter(|id| is_plain(id)) {
            put(&id, "", "", Slot::RequestId);
        }
        if varied.address.parse::<Ipv4Addr>().is_ok() {
            put(&varied.address, "", "", Slot::Address);
        }
        let identity = varied.user_identity;
        if let Some(key) = identity.access_key_id.filter(|key| is_plain(key)) {
            put(&key, "", "", Slot::AccessKey);
        }
        // The user, or the session of a role: the last part of the ARN.
        let user = identity.arn.as_deref().and_then(|arn| arn.rsplit_once('/')).map(|(_, user)| user.to_owned());
        if let Some(user) = user.filter(|user| is_plain(user)) {
            for before in ["/", ":", "\""] {
                put(&user, before, "\"", Slot::User);
            }
        }
        let principal = identity.principal_id.map(|id| id.split(':').next().unwrap_or_default().to_owned());
        if let Some(principal) = principal.filter(|id| is_plain(id)) {
            put(&principal, "", "", Slot::Principal);
        }
        let created = identity.session_context.as_ref().and_then(|context| context["attributes"]["creationDate"].as_str());
        if let Some(created) = created {
            put(created, "\"creationDate\":\"", "\"", Slot::SessionTime);
        }
        let extended = varied.additional_event_data.as_ref().and_then(|data| data.get("x-amz-id-2")?.as_str());
        if let Some(extended) = extended.filter(|id| id.len() > 8) {
            put(extended, "", "", Slot::ExtendedRequestId);
        }
        let named = varied.request_parameters.iter().flatten().filter_map(|(key, value)| resource(key, value));
        for name in named.filter(|name| *name != varied.aws_region) {
            text = text.replace(&format!("{name}\""), &format!("{name}-{}\"", Slot::Resource.mark()));
        }
        Some(Self::cut(&text))
    }

    fn cut(text: &str) -> Self {
        let mut parts = Vec::new();
        let mut begin = 0;
        for (at, byte) in text.bytes().enumerate() {
            if let Some(slot) = Slot::of(byte) {
                parts.push((text[begin..at].to_owned(), slot));
                begin = at + 1;
            }
        }
        Self { parts, end: text[begin..].to_owned() }
    }
}

/// A parameter that names a resource.
fn resource<'a>(key: &str, value: &'a Value) -> Option<&'a str> {
    let names = ["Name", "Id", "Arn", "ARN", "Identifier"].iter().any(|end| key.ends_with(end));
    value.as_str().filter(|value| names && is_plain(value))
}

/// Whether a value is long and simple enough to be found again in the record's text. The account's root bears its number.
fn is_plain(value: &str) -> bool {
    value.len() >= 6 && value != ACCOUNT && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:/".contains(&byte))
}

/// The times of records: evenly spread, but for some lateness.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// The newest.
    pub(super) newest_s: i64,
    /// From the oldest to the newest.
    pub(super) span_s: u64,
}

/// Records, one after the other.
pub(super) struct Records<'a> {
    shapes: &'a Shapes,
    chance: Chance,
    times: Times,
    count: u64,
    made: u64,
}

impl<'a> Records<'a> {
    /// `count` records.
    pub(super) fn new(shapes: &'a Shapes, seed: u64, times: Times, count: u64) -> Self {
        Self { shapes, chance: Chance(seed), times, count, made: 0 }
    }

    /// How many are left.
    pub(super) fn left(&self) -> u64 {
        self.count - self.made
    }

    /// Appends the next record.
    pub(super) fn append(&mut self, out: &mut Vec<u8>) {
        let chance = &mut self.chance;
        let Times { newest_s, span_s } = self.times;
        let rest = (u128::from(span_s) * u128::from(self.count - self.made - 1) / u128::from(self.count)) as u64;
        let at_s = newest_s - (rest + chance.below(LATE_S_MAX)).min(span_s) as i64;
        let user = chance.skewed(USERS);
        let session = chance.below(KEYS_PER_USER);
        let region = region(chance.below(100));
        let (event_id, request_id) = (chance.next(), chance.next());
        let resource = chance.skewed(RESOURCES);
        let shape = &self.shapes.shapes[chance.below(self.shapes.shapes.len() as u64) as usize];
        for (text, slot) in &shape.parts {
            out.extend_from_slice(text.as_bytes());
            match slot {
                Slot::EventId => uuid(out, event_id),
                Slot::EventTime => instant(out, at_s),
                Slot::RequestId => uuid(out, request_id),
                Slot::ExtendedRequestId => letters(out, request_id, 76),
                Slot::User => append(out, format_args!("user-{user:04}")),
                Slot::Principal => {
                    out.extend_from_slice(b"AIDA");
                    letters(out, user, 17);
                }
                Slot::AccessKey => {
                    out.extend_from_slice(b"ASIA");
                    letters(out, user * KEYS_PER_USER + session, 16);
                }
                Slot::Address => append(out, format_args!("10.{}.{}.{}", user % 7, user % 251, session)),
                Slot::Region => out.extend_from_slice(region.as_bytes()),
                Slot::Resource => letters(out, resource, 8),
                Slot::SessionTime => instant(out, at_s - at_s.rem_euclid(3_600) - session as i64),
            }
        }
        out.extend_from_slice(shape.end.as_bytes());
        self.made += 1;
    }
}

fn region(share: u64) -> &'static str {
    let mut below = 0;
    let chosen = REGIONS.iter().find(|(_, part)| {
        below += part;
        share < below
    });
    chosen.map_or(REGIONS[0].0, |(region, _)| region)
}

fn append(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("memory takes what is written");
}

fn uuid(out: &mut Vec<u8>, id: u64) {
    let (a, b) = (Chance(id).next(), Chance(!id).next());
    append(
        out,
        format_args!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            a >> 32,
            a >> 16 & 0xffff,
            a & 0xfff,
            b >> 52,
            b & 0xffff_ffff_ffff
        ),
    );
}

fn instant(out: &mut Vec<u8>, at_s: i64) {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    let at = OffsetDateTime::from_unix_timestamp(at_s).expect("times are near the present");
    at.format_into(out, format).expect("memory takes what is written");
}

/// Letters as keys and ids have them, the same for the same `id`.
fn letters(out: &mut Vec<u8>, id: u64, count: usize) {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut chance = Chance(id);
    let mut bits = 0;
    for i in 0..count {
        if i % 12 == 0 {
            bits = chance.next();
        }
        out.push(LETTERS[(bits & 31) as usize]);
        bits >>= 5;
    }
}

/// Chance that comes out the same for the same seed: SplitMix64 (Steele, Lea, Flood: Fast splittable PRNGs, 2014).
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Any number below `n`.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// A number below `n`: few are frequent, many are rare.
    fn skewed(&mut self, n: u64) -> u64 {
        let bits = self.below(u64::from(64 - n.leading_zeros()));
        self.below(n) >> bits
    }
}

#[cfg(test)]
mod tests;
