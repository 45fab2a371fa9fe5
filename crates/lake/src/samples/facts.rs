//! What a prompt names: principals, addresses, actions, buckets, Regions, times.

use std::net::IpAddr;

use cloudtrail::region::partition_regions;

use super::period::{self, Period};
use super::ranking::Ranking;
use super::words;

/// Rows that can be asked for.
const LIMIT_MAX: u32 = 10_000;

/// Kinds of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// The ARN of whoever calls.
    Principal,
    /// The name of a user.
    User,
    /// The ARN of a role.
    Role,
    /// The name of a role.
    RoleName,
    /// An access key.
    Key,
    /// A source address.
    Ip,
    /// An operation: eventName.
    Action,
    /// A service: eventSource.
    Service,
    /// A Region.
    Region,
    /// An account.
    Account,
    /// An error code.
    Error,
    /// An eventID.
    Event,
    /// A bucket.
    Bucket,
    /// What the keys of objects begin with.
    Prefix,
    /// A Lambda function's name.
    Function,
    /// The ARN of a resource.
    Resource,
    /// The key of a tag.
    Tag,
    /// A type of resource.
    Type,
    /// Any text.
    Text,
}

impl Kind {
    const ALL: [(&'static str, Self); 19] = [
        ("principal", Self::Principal),
        ("user", Self::User),
        ("role", Self::Role),
        ("rolename", Self::RoleName),
        ("key", Self::Key),
        ("ip", Self::Ip),
        ("action", Self::Action),
        ("service", Self::Service),
        ("region", Self::Region),
        ("account", Self::Account),
        ("error", Self::Error),
        ("event", Self::Event),
        ("bucket", Self::Bucket),
        ("prefix", Self::Prefix),
        ("function", Self::Function),
        ("resource", Self::Resource),
        ("tag", Self::Tag),
        ("type", Self::Type),
        ("text", Self::Text),
    ];

    /// The kind that templates name so.
    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, kind)| kind)
    }
}

/// What a prompt names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// Values, in the order of the prompt, each once.
    pub(super) values: Vec<(Kind, String)>,
    /// The time.
    pub(super) period: Option<Period>,
    /// How many rows.
    pub(super) limit: Option<u32>,
    /// The terms of the rest of the prompt.
    pub(super) terms: Vec<String>,
}

impl Facts {
    /// Reads a prompt. A word that the library knows is not taken for a name.
    pub(super) fn read(prompt: &str, now_s: i64, ranking: &Ranking) -> Self {
        let words: Vec<Word> = prompt.split_whitespace().filter_map(Word::new).collect();
        let lower: Vec<String> = words.iter().map(|word| word.lower.clone()).collect();
        let (period, timely) = period::find(&lower, now_s);
        let mut reader = Reader { words: &words, ranking, facts: Self { period, ..Self::default() }, used: timely };
        reader.read();
        let rest = (0..words.len()).filter(|n| !reader.used.contains(n)).filter_map(|n| words.get(n));
        let rest: Vec<&str> = rest.map(|word| word.text.as_str()).collect();
        Self { terms: words::stems(&rest.join(" ")), ..reader.facts }
    }

    /// All values of a kind.
    pub(super) fn all(&self, kind: Kind) -> Vec<&str> {
        self.values.iter().filter(|(of, _)| *of == kind).map(|(_, value)| value.as_str()).collect()
    }

    /// The first value of a kind.
    pub(super) fn first(&self, kind: Kind) -> Option<&str> {
        self.values.iter().find(|(of, _)| *of == kind).map(|(_, value)| value.as_str())
    }
}

/// A word without the marks around it.
struct Word {
    text: String,
    lower: String,
    quoted: bool,
}

impl Word {
    fn new(raw: &str) -> Option<Self> {
        let text = raw.trim_matches(|c: char| matches!(c, ',' | ';' | '?' | '!' | '(' | ')' | '"' | '\'' | '`' | '<' | '>'));
        let text = text.trim_end_matches(['.', ':']).trim_matches(['"', '\'', '`']);
        let text = text.strip_suffix("'s").unwrap_or(text);
        let quoted = raw.contains(['"', '`']) || raw.starts_with('\'');
        (!text.is_empty()).then(|| Self { text: text.to_owned(), lower: text.to_ascii_lowercase(), quoted })
    }
}

struct Reader<'a> {
    words: &'a [Word],
    ranking: &'a Ranking,
    facts: Facts,
    used: Vec<usize>,
}

impl Reader<'_> {
    fn read(&mut self) {
        for n in 0..self.words.len() {
            if self.used.contains(&n) {
                continue;
            }
            if let Some((kind, value)) = self.by_shape(n).or_else(|| self.by_neighbour(n)) {
                self.note(kind, value);
                self.used.push(n);
            }
        }
    }

    fn note(&mut self, kind: Kind, value: String) {
        let value = (kind, value);
        if !self.facts.values.contains(&value) {
            self.facts.values.push(value);
        }
    }

    fn lower(&self, n: usize) -> &str {
        self.words.get(n).map_or("", |word| word.lower.as_str())
    }

    /// What a word is whatever stands around it.
    fn by_shape(&mut self, n: usize) -> Option<(Kind, String)> {
        let word = self.words.get(n)?;
        let text = word.text.as_str();
        if text.starts_with("arn:") {
            return Some(arn(text));
        }
        if let Some(rest) = text.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            if !prefix.is_empty() {
                self.note(Kind::Prefix, prefix.to_owned());
            }
            return Some((Kind::Bucket, bucket.to_owned()));
        }
        let kind = if is_region(&word.lower) {
            return Some((Kind::Region, word.lower.clone()));
        } else if text.parse::<IpAddr>().is_ok() {
            Kind::Ip
        } else if is_access_key(text) {
            Kind::Key
        } else if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
            Kind::Account
        } else if is_uuid(text) {
            Kind::Event
        } else if word.lower.ends_with(".amazonaws.com") {
            Kind::Service
        } else if is_error(text) {
            Kind::Error
        } else if is_resource_id(text) {
            Kind::Text
        } else if is_action(text) {
            Kind::Action
        } else if text.contains('@') && text.contains('.') {
            Kind::User
        } else if text.starts_with("AWS::") {
            Kind::Type
        } else {
            return None;
        };
        Some((kind, text.to_owned()))
    }

    /// What a word is because of the one before or after it.
    fn by_neighbour(&mut self, n: usize) -> Option<(Kind, String)> {
        let word = self.words.get(n)?;
        let before = if n > 0 { self.lower(n - 1).to_owned() } else { String::new() };
        if matches!(before.as_str(), "top" | "first" | "last" | "latest" | "newest" | "limit")
            && let Some(limit) = word.lower.parse::<u32>().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit))
        {
            self.facts.limit = Some(limit);
            self.used.push(n);
            return None;
        }
        let named = match before.as_str() {
            "user" | "username" | "by" | "did" | "has" | "does" => Kind::User,
            "role" => Kind::RoleName,
            "bucket" => Kind::Bucket,
            "prefix" | "under" | "below" => Kind::Prefix,
            "function" => Kind::Function,
            "tag" => Kind::Tag,
            _ => Kind::Text,
        };
        let explicit = !matches!(before.as_str(), "by" | "did" | "has" | "does") && named != Kind::Text;
        let capital = word.text.starts_with(|c: char| c.is_ascii_uppercase());
        let certain = word.quoted || has_sign_of_a_name(&word.text) || explicit && capital;
        let taken = match named {
            Kind::Text => word.quoted,
            _ => certain || self.is_unknown(&word.lower) && (explicit || n > 0),
        };
        if taken {
            return Some((named, word.text.clone()));
        }
        // `the blizzard-exports bucket`.
        let after = match self.lower(n + 1) {
            "bucket" => Kind::Bucket,
            "role" => Kind::RoleName,
            "function" => Kind::Function,
            _ => return None,
        };
        (certain && self.is_unknown(&word.lower)).then(|| (after, word.text.clone()))
    }

    /// Whether a word cannot be one of the question.
    fn is_unknown(&self, lower: &str) -> bool {
        !words::is_stop(lower) && !self.ranking.knows(&words::stem(lower))
    }
}

/// Hyphens, digits, slashes and underscores are in names rather than in words.
fn has_sign_of_a_name(text: &str) -> bool {
    text.chars().any(|c| c.is_ascii_digit() || matches!(c, '-' | '_' | '/'))
}

fn arn(text: &str) -> (Kind, String) {
    let resource = text.splitn(6, ':').nth(5).unwrap_or_default();
    let service = text.split(':').nth(2).unwrap_or_default();
    let kind = match (service, resource) {
        ("iam", role) if role.starts_with("role/") => Kind::Role,
        ("iam", user) if user.starts_with("user/") || user == "root" => Kind::Principal,
        ("sts", _) => Kind::Principal,
        ("s3", bucket) if !bucket.contains('/') => return (Kind::Bucket, bucket.to_owned()),
        _ => Kind::Resource,
    };
    (kind, text.to_owned())
}

fn is_region(lower: &str) -> bool {
    ["aws", "aws-cn", "aws-us-gov"].into_iter().any(|partition| partition_regions(partition).contains(&lower))
}

fn is_access_key(text: &str) -> bool {
    text.len() >= 16
        && (text.starts_with("AKIA") || text.starts_with("ASIA"))
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}

/// `i-0123456789abcdef0`, `sg-…`: what EC2 numbers.
fn is_resource_id(text: &str) -> bool {
    text.split_once('-').is_some_and(|(kind, id)| {
        (1..=8).contains(&kind.len())
            && kind.bytes().all(|b| b.is_ascii_lowercase())
            && (id.len() == 8 || id.len() == 17)
            && id.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

fn is_error(text: &str) -> bool {
    let capital = text.starts_with(|c: char| c.is_ascii_uppercase());
    capital
        && (text.starts_with("Client.") || text.ends_with("Exception") || text.ends_with("Denied") || text.ends_with("Exceeded"))
}

/// Names in camel case that are no operations.
const NO_ACTIONS: &[&str] = &[
    "CloudTrail",
    "CloudFormation",
    "CloudFront",
    "CloudWatch",
    "GuardDuty",
    "DynamoDB",
    "SecurityHub",
    "EventBridge",
    "DocumentDB",
    "IPv",
    "KMS",
    "VPCs",
    "APIs",
    "ACLs",
    "WordPress",
    "PowerShell",
    "GitHub",
    "ConsoleLogin",
    "AdministratorAccess",
    "CloudShell",
    "OpenSearch",
    "SageMaker",
    "QuickSight",
    "TLSv",
];

/// Two or more words in camel case: `DeleteTrail`, `PutBucketPolicy`.
fn is_action(text: &str) -> bool {
    let letters = text.bytes().all(|b| b.is_ascii_alphanumeric());
    let capitals = text.bytes().filter(u8::is_ascii_uppercase).count();
    let bytes = text.as_bytes();
    let begins = bytes.first().is_some_and(u8::is_ascii_uppercase) && bytes.get(1).is_some_and(u8::is_ascii_lowercase);
    letters && begins && capitals >= 2 && !NO_ACTIONS.contains(&text)
}
