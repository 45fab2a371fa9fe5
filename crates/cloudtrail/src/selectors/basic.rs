//! Basic selectors: their shape and rules (trails.md §8).

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{BASIC_MAX, DATA_RESOURCES_MAX, EXCLUDABLE_SOURCES, SelectorError};
use crate::arn::Arn;

/// AWS's message for too few or too many selectors.
const COUNT: &str = "Specify a valid number of selectors (1 to 5) for your trail.";

/// A basic selector. An event is logged when one of a trail's selectors chooses it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct EventSelector {
    /// Reads, writes or both.
    pub read_write_type: ReadWriteType,
    /// Whether management events are chosen.
    pub include_management_events: bool,
    /// The resources whose data events are chosen.
    pub data_resources: Vec<DataResource>,
    /// Sources whose management events are not chosen.
    pub exclude_management_event_sources: Vec<String>,
}

impl Default for EventSelector {
    fn default() -> Self {
        Self {
            read_write_type: ReadWriteType::All,
            include_management_events: true,
            data_resources: Vec::new(),
            exclude_management_event_sources: Vec::new(),
        }
    }
}

/// Which events a basic selector chooses by their `readOnly`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReadWriteType {
    /// Those with `readOnly` true.
    ReadOnly,
    /// All others; an event without `readOnly` counts as a write.
    WriteOnly,
    /// Both.
    All,
}

impl ReadWriteType {
    /// Whether an event with this `readOnly` is chosen.
    pub fn takes(self, read_only: Option<bool>) -> bool {
        match self {
            Self::ReadOnly => read_only == Some(true),
            Self::WriteOnly => read_only != Some(true),
            Self::All => true,
        }
    }

    /// The value as requests write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadOnly => "ReadOnly",
            Self::WriteOnly => "WriteOnly",
            Self::All => "All",
        }
    }
}

impl FromStr for ReadWriteType {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        [Self::ReadOnly, Self::WriteOnly, Self::All]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| SelectorError::new(format!("Value {text} for ReadWriteType is invalid.")))
    }
}

/// Resources whose data events a basic selector chooses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DataResource {
    /// `AWS::S3::Object`, `AWS::Lambda::Function` or `AWS::DynamoDB::Table`.
    #[serde(rename = "Type")]
    pub type_: String,
    /// ARNs, or the beginnings of ARNs.
    #[serde(default)]
    pub values: Vec<String>,
}

/// A value of DataResources, understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target<'a> {
    /// Every resource of the type: `arn:aws:s3`.
    All,
    /// Objects whose ARN begins so.
    S3Prefix(&'a str),
    /// This function.
    Function(&'a str),
    /// This table and its stream.
    Table(&'a str),
}

impl<'a> Target<'a> {
    /// What the value chooses; `None` when it is not legal for the type.
    pub(super) fn of(type_: &str, value: &'a str) -> Option<Self> {
        let (service, named): (_, fn(&'a str) -> Option<Self>) = match type_ {
            "AWS::S3::Object" => ("s3", s3_prefix),
            "AWS::Lambda::Function" => ("lambda", function),
            "AWS::DynamoDB::Table" => ("dynamodb", table),
            _ => return None,
        };
        let (partition, rest) = value.strip_prefix("arn:")?.split_once(':')?;
        if !matches!(partition, "aws" | "aws-cn" | "aws-us-gov") || value.contains('*') {
            return None;
        }
        // `arn:aws:s3:::` is an older form of the same that AWS still takes.
        if rest == service || rest == "s3:::" && service == "s3" { Some(Self::All) } else { named(value) }
    }
}

fn s3_prefix(value: &str) -> Option<Target<'_>> {
    let arn: Arn = value.parse().ok()?;
    let (bucket, _) = arn.resource.split_once('/')?;
    // Names older than today's rules have capitals and underscores.
    let name = !bucket.is_empty() && bucket.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    let s3 = arn.service == "s3" && arn.region.is_empty() && arn.account.is_empty();
    (s3 && name).then_some(Target::S3Prefix(value))
}

fn function(value: &str) -> Option<Target<'_>> {
    let arn: Arn = value.parse().ok()?;
    is_function(&arn).then_some(Target::Function(value))
}

/// The ARN of a function without a version or alias: with one it would never match, for records carry none.
pub(super) fn is_function(arn: &Arn) -> bool {
    let name = arn.resource.strip_prefix("function:").unwrap_or_default();
    arn.service == "lambda" && is_placed(arn) && !name.is_empty() && !name.contains(':')
}

fn table(value: &str) -> Option<Target<'_>> {
    let arn: Arn = value.parse().ok()?;
    let name = arn.resource.strip_prefix("table/").unwrap_or_default();
    let whole = !name.is_empty() && !name.contains(['/', ':']);
    (arn.service == "dynamodb" && is_placed(&arn) && whole).then_some(Target::Table(value))
}

fn is_placed(arn: &Arn) -> bool {
    !arn.region.is_empty() && !arn.account.is_empty()
}

/// The rules for all basic selectors of a trail.
pub(super) fn check(selectors: &[EventSelector]) -> Result<(), SelectorError> {
    if !(1..=BASIC_MAX).contains(&selectors.len()) {
        return Err(SelectorError::new(COUNT));
    }
    let mut counted = 0;
    for selector in selectors {
        check_exclusions(selector)?;
        for resource in &selector.data_resources {
            counted += check_resource(resource)?;
        }
    }
    if counted > DATA_RESOURCES_MAX {
        let message = "Specify a valid number of DataResources.Values (0 to 250) for all your selectors";
        return Err(SelectorError::new(message));
    }
    Ok(())
}

fn check_exclusions(selector: &EventSelector) -> Result<(), SelectorError> {
    let excluded = &selector.exclude_management_event_sources;
    if !selector.include_management_events && !excluded.is_empty() {
        let message = "ExcludeManagementEventSources can be specified only when IncludeManagementEvents is true.";
        return Err(SelectorError::new(message));
    }
    match excluded.iter().find(|source| !EXCLUDABLE_SOURCES.contains(&source.as_str())) {
        Some(source) => Err(SelectorError::new(format!("Value {source} for ExcludeManagementEventSources is invalid."))),
        None => Ok(()),
    }
}

/// How many of the values count against the limit: those that mean all resources do not.
fn check_resource(resource: &DataResource) -> Result<usize, SelectorError> {
    if !matches!(resource.type_.as_str(), "AWS::S3::Object" | "AWS::Lambda::Function" | "AWS::DynamoDB::Table") {
        return Err(SelectorError::new(format!("Value {} for DataResources.Type is invalid.", resource.type_)));
    }
    let mut counted = 0;
    for value in &resource.values {
        match Target::of(&resource.type_, value) {
            Some(Target::All) => {}
            Some(_) => counted += 1,
            None => return Err(SelectorError::new(format!("Value {value} for DataResources.Values is invalid."))),
        }
    }
    Ok(counted)
}
