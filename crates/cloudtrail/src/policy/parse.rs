//! From a policy's text to its statements. What is not understood is refused.

use super::condition::{self, Condition};
use super::document::Json;
use super::pattern::{Pattern, Syntax};
use super::statement::{Choice, Effect, Statement};
use super::{BYTES_MAX, Malformed, principal};

/// The version whose variables are variables.
const VERSION: &str = "2012-10-17";
/// The version of a policy that names none.
const VERSION_BEFORE: &str = "2008-10-17";

/// With `attached_to`, statements are about that ARN and need not say so.
pub(super) fn policy(text: &str, attached_to: Option<&str>) -> Result<Vec<Statement>, Malformed> {
    if text.len() > BYTES_MAX {
        return Err(Malformed::of(format!("Normalized policy document exceeds the maximum allowed size of {BYTES_MAX} bytes.")));
    }
    if !text.trim_start().starts_with('{') {
        return Err(Malformed::of("Policies must be valid JSON and the first byte must be '{'"));
    }
    let document: Json =
        serde_json::from_str(text).map_err(|error| Malformed::of(format!("This policy contains invalid Json: {error}")))?;
    let members = object(&document, &["Version", "Id", "Statement"])?;
    let version = find(members, "Version").map_or(Some(VERSION_BEFORE), Json::text);
    let variables = match version {
        Some(VERSION) => true,
        Some(VERSION_BEFORE) => false,
        _ => return Err(Malformed::of("The policy must contain a valid version string")),
    };
    optional_text(members, "Id")?;
    let statements = find(members, "Statement").ok_or_else(|| missing("Statement"))?.one_or_many();
    if statements.is_empty() {
        return Err(Malformed::of("Could not parse the policy: Statement is empty!"));
    }
    check_ids(statements)?;
    statements.iter().map(|json| statement(json, variables, attached_to)).collect()
}

const MEMBERS: [&str; 9] =
    ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];

fn statement(json: &Json, variables: bool, attached_to: Option<&str>) -> Result<Statement, Malformed> {
    let members = object(json, &MEMBERS)?;
    let effect = match find(members, "Effect").ok_or_else(|| missing("Effect"))?.text() {
        Some("Allow") => Effect::Allow,
        Some("Deny") => Effect::Deny,
        other => return Err(Malformed::of(format!("Invalid effect: {}", other.unwrap_or_default()))),
    };
    let principals = either(members, "Principal", "NotPrincipal", principal::parse)?;
    if effect == Effect::Allow && matches!(principals, Choice::AllBut(_)) {
        return Err(Malformed::of("Allow with NotPrincipal is not allowed."));
    }
    Ok(Statement {
        effect,
        principals,
        actions: either(members, "Action", "NotAction", |json| texts(json, "action", action))?,
        resources: match attached_to {
            Some(arn) => Choice::These(vec![Pattern::parse(arn, Syntax { wildcards: false, variables: false })?]),
            None => either(members, "Resource", "NotResource", |json| texts(json, "resource", |text| resource(text, variables)))?,
        },
        conditions: find(members, "Condition").map_or(Ok(Vec::new()), |json| conditions(json, variables))?,
    })
}

/// The statements' ids, if they have any, are texts that differ.
fn check_ids(statements: &[Json]) -> Result<(), Malformed> {
    let mut ids = Vec::new();
    for statement in statements {
        let Json::Object(members) = statement else { continue };
        match optional_text(members, "Sid")? {
            Some(id) if ids.contains(&id) => {
                return Err(Malformed::of(format!("Statement IDs (SID) in a single policy must be unique: {id}")));
            }
            id => ids.extend(id),
        }
    }
    Ok(())
}

fn either<T>(
    members: &[(String, Json)],
    these: &str,
    all_but: &str,
    read: impl Fn(&Json) -> Result<Vec<T>, Malformed>,
) -> Result<Choice<T>, Malformed> {
    match (find(members, these), find(members, all_but)) {
        (Some(json), None) => read(json).map(Choice::These),
        (None, Some(json)) => read(json).map(Choice::AllBut),
        (None, None) => Err(missing(these)),
        (Some(_), Some(_)) => Err(Malformed::of(format!("Policy statement must not have both {these} and {all_but}"))),
    }
}

fn texts(json: &Json, what: &str, read: impl Fn(&str) -> Result<Option<Pattern>, Malformed>) -> Result<Vec<Pattern>, Malformed> {
    let invalid = || Malformed::of(format!("Policy has invalid {what}"));
    let texts = json.one_or_many();
    if texts.is_empty() {
        return Err(invalid());
    }
    texts.iter().map(|json| read(json.text().ok_or_else(invalid)?)?.ok_or_else(invalid)).collect()
}

/// `*` or `service:name`, with wildcards in the name and no variables.
fn action(text: &str) -> Result<Option<Pattern>, Malformed> {
    let (service, name) = text.split_once(':').unwrap_or_default();
    let word = |text: &str, more: &[u8]| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || more.contains(&b));
    if text != "*" && !(word(service, b"-") && word(name, b"*?-_")) {
        return Ok(None);
    }
    Pattern::parse(text, Syntax { wildcards: true, variables: false }).map(Some)
}

/// `*` or what begins like an ARN.
fn resource(text: &str, variables: bool) -> Result<Option<Pattern>, Malformed> {
    if text != "*" && !text.starts_with("arn:") {
        return Ok(None);
    }
    Pattern::parse(text, Syntax { wildcards: true, variables }).map(Some)
}

fn conditions(json: &Json, variables: bool) -> Result<Vec<Condition>, Malformed> {
    let invalid = || Malformed::of("Policy has an invalid condition");
    let Json::Object(operators) = json else { return Err(invalid()) };
    let mut conditions = Vec::new();
    for (operator, keys) in operators {
        let Json::Object(keys) = keys else { return Err(invalid()) };
        for (key, values) in keys {
            conditions.push(condition::parse(operator, key, values, variables)?);
        }
    }
    Ok(conditions)
}

fn object<'a>(json: &'a Json, legal: &[&str]) -> Result<&'a [(String, Json)], Malformed> {
    let Json::Object(members) = json else {
        return Err(Malformed::of("This policy contains invalid Json"));
    };
    match members.iter().find(|(name, _)| !legal.contains(&name.as_str())) {
        Some((name, _)) => Err(Malformed::of(format!("Unknown field {name}"))),
        None => Ok(members),
    }
}

fn optional_text<'a>(members: &'a [(String, Json)], name: &str) -> Result<Option<&'a str>, Malformed> {
    match find(members, name) {
        None => Ok(None),
        Some(json) => json.text().map(Some).ok_or_else(|| Malformed::of(format!("{name} must be a string"))),
    }
}

fn find<'a>(members: &'a [(String, Json)], name: &str) -> Option<&'a Json> {
    members.iter().find(|(member, _)| member == name).map(|(_, json)| json)
}

fn missing(name: &str) -> Malformed {
    Malformed::of(format!("Missing required field {name}"))
}
