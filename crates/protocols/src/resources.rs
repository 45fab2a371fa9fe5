//! The resources that AWS writes into the records of a call, with their ARNs.
//!
//! Few services write any, and most of those in records of data events alone; [`rules`] says which. An ARN is taken as it
//! is given; of a name it is made with the Region and the account of the call. A data event of which none can be read has
//! at least the type of what it is about, by [`of_one_type`].

mod of_one_type;
mod rules;

use cloudtrail::record::{RESOURCES_MAX, Resource, ResourceArn};

use crate::call::Surroundings;
use crate::parameters::Value;

use rules::{Form, Rule};

/// The longest name worth an ARN. Own choice: no name of AWS's is half as long.
const NAME_BYTES_MAX: usize = 2_048;

/// Where a call goes, for the ARNs of what it names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) region: &'a str,
    pub(crate) account: &'a str,
}

impl<'a> Place<'a> {
    /// Of a call to a Region; the resources of requests are the account's that stands behind the proxy.
    pub(crate) fn of(surroundings: &'a Surroundings, region: &'a str) -> Self {
        Self { region, account: &surroundings.account }
    }
}

/// The resources that the input of an operation names, of the service with this model.
pub(crate) fn of_input(service: &str, operation: &str, input: &Value, place: Place<'_>) -> Vec<Resource> {
    of(rules::INPUT, service, operation, input, place)
}

/// The resources that only an output names: those that were made.
pub(crate) fn of_output(service: &str, operation: &str, output: &Value, place: Place<'_>) -> Vec<Resource> {
    of(rules::OUTPUT, service, operation, output, place)
}

/// What a data event is about of which no resource can be read: the type that the operation is known to be about, with
/// no ARN. Selectors for data events always name a type.
pub(crate) fn of_type_alone(service: &str, operation: &str, place: Place<'_>) -> Option<Resource> {
    let row = of_one_type::OF_DATA.iter().find(|(name, operations, _)| *name == service && operations.covers(operation));
    row.map(|(_, _, type_)| Resource {
        account: place.account.parse().ok(),
        type_: Some((*type_).to_owned()),
        arn: ResourceArn::Untold,
    })
}

fn of(rules: &[Rule], service: &str, operation: &str, value: &Value, place: Place<'_>) -> Vec<Resource> {
    let mut found: Vec<Resource> = Vec::new();
    for rule in rules.iter().filter(|rule| rule.service == service && rule.operations.covers(operation)) {
        let mut names = Vec::new();
        walk(value, rule.way, &mut names);
        for name in names {
            let Some(resource) = resource(rule, name, place) else { continue };
            if found.len() < RESOURCES_MAX && !found.contains(&resource) {
                found.push(resource);
            }
        }
    }
    found
}

/// The texts at the end of a way of member names; `*` goes through the elements of a list or the values of a map, `%` to
/// the keys of a map. A member's first letter may be a capital or not.
fn walk<'v>(value: &'v Value, way: &[&str], found: &mut Vec<&'v str>) {
    if found.len() >= RESOURCES_MAX {
        return;
    }
    let Some((step, rest)) = way.split_first() else {
        match value {
            Value::Text(text) => found.push(text),
            Value::List(elements) => elements.iter().for_each(|element| walk(element, &[], found)),
            _ => {}
        }
        return;
    };
    match *step {
        "%" => found.extend(value.members().iter().map(|(key, _)| key.as_str()).take(RESOURCES_MAX)),
        "*" => {
            let inner = value.elements().iter().chain(value.members().iter().map(|(_, value)| value));
            inner.for_each(|inner| walk(inner, rest, found));
        }
        name => {
            let member = value.members().iter().find(|(member, _)| same_but_for_the_first_letter(member, name));
            if let Some((_, value)) = member {
                walk(value, rest, found);
            }
        }
    }
}

fn same_but_for_the_first_letter(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.get(..1).zip(b.get(..1)).is_some_and(|(a, b)| a.eq_ignore_ascii_case(b)) && a.get(1..) == b.get(1..)
}

fn resource(rule: &Rule, name: &str, place: Place<'_>) -> Option<Resource> {
    if name.is_empty() || name.len() > NAME_BYTES_MAX || name.chars().any(char::is_control) {
        return None;
    }
    let arn = arn(rule, name, place)?;
    let owner = arn.split(':').nth(4).filter(|account| !account.is_empty()).unwrap_or(place.account);
    let type_ = (!rule.type_.is_empty()).then(|| rule.type_.to_owned());
    Some(Resource { account: owner.parse().ok(), type_, arn: ResourceArn::Whole(arn) })
}

fn arn(rule: &Rule, name: &str, place: Place<'_>) -> Option<String> {
    let Place { region, account } = place;
    let made =
        |template: &str, name: &str| template.replace("{region}", region).replace("{account}", account).replace("{name}", name);
    match rule.form {
        Form::Name(template) if name.starts_with("arn:") => {
            // An ARN of another service is something else than what the rule looks for.
            let service = template.split(':').nth(2)?;
            (name.split(':').nth(2)? == service).then(|| name.to_owned())
        }
        Form::Name(template) => Some(made(template, name)),
        Form::Arn => name.starts_with("arn:").then(|| name.to_owned()),
        Form::Key | Form::Parameter if name.starts_with("arn:") => Some(name.to_owned()),
        Form::Key if name.starts_with("alias/") => Some(made("arn:aws:kms:{region}:{account}:{name}", name)),
        Form::Key => Some(made("arn:aws:kms:{region}:{account}:key/{name}", name)),
        Form::QueueUrl => queue_arn(name, place),
        Form::Function => Some(function_arn(name, place)),
        Form::Parameter => {
            let slash = if name.starts_with('/') { "" } else { "/" };
            Some(made("arn:aws:ssm:{region}:{account}:parameter", "") + slash + name)
        }
        Form::Before(separator) => {
            let arn = name.split(separator).next()?;
            arn.starts_with("arn:").then(|| arn.to_owned())
        }
        Form::Address => {
            let address = name.rsplit_once('<').map_or(name, |(_, address)| address.trim_end_matches('>'));
            Some(made("arn:aws:ses:{region}:{account}:identity/{name}", address))
        }
    }
}

/// `https://sqs.us-east-1.amazonaws.com/123456789012/queue`. Of another host's URLs the account counts where it is one.
fn queue_arn(url: &str, place: Place<'_>) -> Option<String> {
    let path = url.split_once("://").map_or(url, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    let mut pieces = path.trim_end_matches('/').rsplit('/');
    let queue = pieces.next().filter(|queue| !queue.is_empty())?;
    let digits = |account: &&str| account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let account = pieces.next().filter(digits).unwrap_or(place.account);
    Some(format!("arn:aws:sqs:{}:{account}:{queue}", place.region))
}

/// A function's name, with its version or alias or without; also `123456789012:function:name`, and an ARN.
fn function_arn(name: &str, place: Place<'_>) -> String {
    if name.starts_with("arn:") {
        return name.to_owned();
    }
    let Place { region, account } = place;
    match name.split_once(":function:") {
        Some((owner, name)) => format!("arn:aws:lambda:{region}:{}:function:{name}", owner.rsplit(':').next().unwrap_or(owner)),
        None => format!("arn:aws:lambda:{region}:{account}:function:{name}"),
    }
}

#[cfg(test)]
mod tests;
