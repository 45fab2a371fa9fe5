//! What a call is to CloudTrail: where it says the event comes from, what it calls it, whether the call can change
//! anything, and whether it is a management or a data event.
//!
//! AWS's services decide these for themselves and publish no list. What is here follows the records of the corpus and
//! the services' own pages on CloudTrail; `docs/reference/recording.md` tells where we differ. When in doubt a call is a
//! write and a management event, so that it is recorded and waited for.

mod data;
mod names;

use http::Method;

use crate::recognition::Recognised;
use crate::s3;
use crate::table::{Heading, Operation, Service};

/// What a call is to CloudTrail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nature {
    /// `s3.amazonaws.com`.
    pub event_source: String,
    /// CloudTrail's name of the operation.
    pub event_name: String,
    /// The version of the API, for the services whose records carry it.
    pub api_version: Option<String>,
    /// Whether it can change nothing.
    pub read_only: bool,
    /// A management event; else a data event.
    pub management: bool,
}

impl Nature {
    /// The nature of a call, as far as it was recognised.
    pub fn of(recognised: &Recognised, method: &Method) -> Self {
        match (&recognised.service, recognised.operation()) {
            (Some(service), Some(operation)) => Self::of_known(service, operation, recognised),
            _ => Self::of_unknown(recognised, method),
        }
    }

    fn of_known(service: &Service, operation: &Operation, recognised: &Recognised) -> Self {
        if service.heading.name == s3::SERVICE {
            return s3::nature(&operation.name, recognised.bucket.as_deref());
        }
        let heading = &service.heading;
        Self {
            event_source: event_source(heading, &operation.name),
            event_name: event_name(heading, operation),
            api_version: api_version(heading, operation),
            read_only: read_only(heading, operation),
            management: !data::is_data(&heading.name, &operation.name),
        }
    }

    /// Of an operation that is not in the table: its name tells what there is to tell.
    fn of_unknown(recognised: &Recognised, method: &Method) -> Self {
        let service = recognised.service.as_ref().map(|service| &service.heading);
        let name = &recognised.event_name;
        if service.is_some_and(|heading| heading.name == s3::SERVICE) && s3::is_named(name) {
            return s3::nature(name, recognised.bucket.as_deref());
        }
        Self {
            event_source: service.map_or_else(|| recognised.event_source.clone(), |heading| event_source(heading, name)),
            event_name: name.clone(),
            api_version: recognised.api_version.clone().filter(|_| service.is_none()),
            read_only: !recognised.is_ambiguous
                && (reads_by_name(name) || (!is_word(name) && [Method::GET, Method::HEAD].contains(method))),
            management: !service.is_some_and(|heading| data::is_data(&heading.name, name)),
        }
    }
}

/// eventSource: the signing name of a service, but for those that call themselves otherwise.
fn event_source(heading: &Heading, operation: &str) -> String {
    let of_one = |(service, name, source): &(&str, &str, &'static str)| {
        (*service == heading.name && *name == operation).then_some(*source)
    };
    let of_all = |(service, source): &(&str, &'static str)| (*service == heading.name).then_some(*source);
    let known = names::EVENT_SOURCES_OF_OPERATIONS.iter().find_map(of_one);
    let known = known.or_else(|| names::EVENT_SOURCES.iter().find_map(of_all));
    known.map_or_else(|| heading.event_source.clone(), str::to_owned)
}

fn event_name(heading: &Heading, operation: &Operation) -> String {
    let name = &operation.name;
    if heading.name == "lambda" {
        return lambda_name(operation);
    }
    if heading.name == "cloudfront" && names::is_function_of_cloudfront(name) {
        return format!("{name}2020_05_31");
    }
    let known = names::EVENT_NAMES.iter().find(|(service, api, _)| *service == heading.name && api == name);
    known.map_or_else(|| name.clone(), |(_, _, event_name)| (*event_name).to_owned())
}

/// Lambda's names end with the date in their path, those of its first years at least, and some with `v2` besides.
fn lambda_name(operation: &Operation) -> String {
    let name = &operation.name;
    let date = operation.uri.trim_start_matches('/').split('/').next().unwrap_or_default();
    let dated = date.len() == 10 && date <= names::LAMBDA_DATED_UNTIL && !name.starts_with("Invoke");
    let second = if names::LAMBDA_SECOND.contains(&name.as_str()) { "v2" } else { "" };
    if dated { format!("{name}{}{second}", date.replace('-', "")) } else { name.clone() }
}

/// apiVersion: most services leave it out.
fn api_version(heading: &Heading, operation: &Operation) -> Option<String> {
    let version = &heading.api_version;
    match heading.name.as_str() {
        "cloudfront" if names::is_function_of_cloudfront(&operation.name) => None,
        "cloudfront" => Some(version.replace('-', "_")),
        "logs" => Some(version.replace('-', "")),
        name if names::WITH_API_VERSION.contains(&name) => Some(version.clone()),
        _ => None,
    }
}

/// readOnly: the services' own word where it is known, then the model's, then the verb.
fn read_only(heading: &Heading, operation: &Operation) -> bool {
    let name = &operation.name;
    let listed = |table: &[(&str, &[&str])]| {
        table.iter().any(|(service, operations)| *service == heading.name && operations.contains(&name.as_str()))
    };
    if listed(names::READS) {
        return true;
    }
    if listed(names::WRITES) || names::ACTS.iter().any(|verb| begins_with_word(name, verb)) {
        return false;
    }
    operation.read_only.unwrap_or_else(|| reads_by_name(name) || operation.method == "HEAD")
}

/// Whether a name begins with a verb that only looks.
pub(crate) fn reads_by_name(name: &str) -> bool {
    names::LOOKS.iter().any(|verb| begins_with_word(name, verb))
}

/// `GetUser` begins with `Get`, `Getaway` does not.
fn begins_with_word(name: &str, word: &str) -> bool {
    name.strip_prefix(word).is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_lowercase()))
}

/// Whether it is an operation's name, not a method and a path.
fn is_word(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests;
