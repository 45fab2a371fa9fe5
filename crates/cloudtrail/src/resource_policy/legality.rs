//! Which policies may be attached: rules beyond the language, read off the policy's text. The language was checked before.

use super::{
    CHANNEL_PRINCIPALS_MAX, CHANNEL_STATEMENTS_MAX, EXTERNAL_ID, Invalid, PUT_AUDIT_EVENTS, SERVICE, START_QUERY, STORE_ACTIONS,
};
use crate::account::AccountId;
use crate::arn::Arn;
use crate::policy::document::Json;

/// The shortest external id (CloudTrail-Data API reference, PutAuditEvents).
const EXTERNAL_ID_CHARS_MIN: usize = 2;
/// The longest external id (same page).
const EXTERNAL_ID_CHARS_MAX: usize = 1_224;

/// Checks the policy of a channel; returns the external ids it asks for where it allows.
pub(super) fn check_channel(arn: &str, text: &str) -> Result<Vec<String>, Invalid> {
    let document = read(text)?;
    let statements = statements(&document);
    if statements.len() > CHANNEL_STATEMENTS_MAX {
        return Err(Invalid::of(format!("The policy of a channel has at most {CHANNEL_STATEMENTS_MAX} statements.")));
    }
    let mut external_ids = Vec::new();
    for statement in statements {
        refuse_inversions(statement)?;
        check_channel_principals(statement)?;
        check_actions(statement, &[PUT_AUDIT_EVENTS])?;
        let resources = texts(statement.get("Resource"));
        if resources.is_empty() || resources.iter().any(|resource| *resource != arn) {
            return Err(Invalid::of(format!("Resource must be the channel the policy is attached to, {arn}.")));
        }
        let ids = external_ids_of(statement)?;
        if texts(statement.get("Effect")) == ["Allow"] {
            external_ids.extend(ids);
        }
    }
    Ok(external_ids)
}

/// Checks the policy of an event data store.
pub(super) fn check_store(arn: &str, text: &str) -> Result<(), Invalid> {
    let document = read(text)?;
    for statement in statements(&document) {
        refuse_inversions(statement)?;
        let principals = principals(statement);
        let to_service = principals.iter().any(|(kind, _)| *kind == "Service");
        if to_service {
            check_service_statement(statement, &principals)?;
        } else {
            check_store_principals(statement, &principals)?;
            check_actions(statement, &STORE_ACTIONS)?;
        }
        // AWS's example for dashboards names those in the place of the store.
        let acceptable = |resource: &&str| **resource == *arn || (to_service && is_dashboard(resource));
        if !texts(statement.get("Resource")).iter().all(acceptable) {
            return Err(Invalid::of(format!("Resource must be the event data store the policy is attached to, {arn}.")));
        }
    }
    Ok(())
}

fn read(text: &str) -> Result<Json, Invalid> {
    serde_json::from_str(text).map_err(|error| Invalid::of(format!("This policy contains invalid Json: {error}")))
}

fn statements(document: &Json) -> &[Json] {
    document.get("Statement").map(Json::one_or_many).unwrap_or_default()
}

/// A list of texts, or one.
fn texts(json: Option<&Json>) -> Vec<&str> {
    json.map(Json::one_or_many).unwrap_or_default().iter().filter_map(Json::text).collect()
}

/// What is named, whom and what for has to be said, not what not.
fn refuse_inversions(statement: &Json) -> Result<(), Invalid> {
    match ["NotPrincipal", "NotAction", "NotResource"].into_iter().find(|name| statement.get(name).is_some()) {
        Some(name) => Err(Invalid::of(format!("{name} is not supported in this policy."))),
        None => Ok(()),
    }
}

/// Kind and name of each principal; everyone is `("*", "*")`.
fn principals(statement: &Json) -> Vec<(&str, &str)> {
    let Some(principal) = statement.get("Principal") else { return Vec::new() };
    if principal.text().is_some() {
        return vec![("*", "*")];
    }
    let of_kind = |(kind, names)| texts(Some(names)).into_iter().map(move |name| (kind, name));
    principal.members().iter().map(|(kind, names)| (kind.as_str(), names)).flat_map(of_kind).collect()
}

/// Accounts, users, roles and federated users: nobody else can send.
fn check_channel_principals(statement: &Json) -> Result<(), Invalid> {
    let principals = principals(statement);
    if principals.len() > CHANNEL_PRINCIPALS_MAX {
        return Err(Invalid::of(format!("A statement of a channel's policy has at most {CHANNEL_PRINCIPALS_MAX} principals.")));
    }
    let sends = |name: &str| is_of_account(name) && !name.contains(":assumed-role/");
    match principals.iter().find(|(kind, name)| *kind != "AWS" || !sends(name)) {
        Some((_, name)) => Err(Invalid::of(format!(
            "Principal {name} is not supported in the policy of a channel; it takes accounts, users, roles and federated users."
        ))),
        None => Ok(()),
    }
}

/// Accounts and who is in them. Everyone can be denied something, but not allowed.
fn check_store_principals(statement: &Json, principals: &[(&str, &str)]) -> Result<(), Invalid> {
    let denies = texts(statement.get("Effect")) == ["Deny"];
    let acceptable = |kind: &str, name: &str| match name {
        "*" => denies && matches!(kind, "*" | "AWS"),
        _ => kind == "AWS" && is_of_account(name),
    };
    match principals.iter().find(|(kind, name)| !acceptable(kind, name)) {
        Some((_, name)) => Err(Invalid::of(format!(
            "Principal {name} is not supported in the policy of an event data store; it takes accounts, users, roles and sessions."
        ))),
        None => Ok(()),
    }
}

/// An account, or the ARN of someone in one; which ARNs are was checked before.
fn is_of_account(name: &str) -> bool {
    name.parse::<AccountId>().is_ok() || name.parse::<Arn>().is_ok()
}

fn check_actions(statement: &Json, legal: &[&str]) -> Result<(), Invalid> {
    let actions = texts(statement.get("Action"));
    match actions.iter().find(|action| !legal.iter().any(|legal| legal.eq_ignore_ascii_case(action))) {
        Some(action) => Err(Invalid::of(format!("Action {action} is not supported in this policy. Use {}.", legal.join(", ")))),
        None => Ok(()),
    }
}

/// `StringEquals` on the external id, and nothing else.
fn external_ids_of(statement: &Json) -> Result<Vec<String>, Invalid> {
    let mut ids = Vec::new();
    for (operator, keys) in conditions(statement) {
        for (key, values) in keys.members() {
            if operator != "StringEquals" || !key.eq_ignore_ascii_case(EXTERNAL_ID) {
                return Err(Invalid::of(format!(
                    "Condition {operator} on {key} is not supported in the policy of a channel. Use StringEquals on {EXTERNAL_ID}."
                )));
            }
            ids.extend(texts(Some(values)).into_iter().map(str::to_owned));
            let legal = |id: &String| is_external_id(id);
            if texts(Some(values)).len() != values.one_or_many().len() || !ids.iter().all(legal) {
                return Err(Invalid::of(format!(
                    "{EXTERNAL_ID} must have {EXTERNAL_ID_CHARS_MIN} to {EXTERNAL_ID_CHARS_MAX} letters, digits and characters of _+=,.@:/-."
                )));
            }
        }
    }
    Ok(ids)
}

fn is_external_id(id: &str) -> bool {
    (EXTERNAL_ID_CHARS_MIN..=EXTERNAL_ID_CHARS_MAX).contains(&id.chars().count())
        && id.chars().all(|c| c.is_alphanumeric() || "_+=,.@:/-".contains(c))
}

fn conditions(statement: &Json) -> &[(String, Json)] {
    statement.get("Condition").map(Json::members).unwrap_or_default()
}

/// The service alone, for queries of dashboards, and for nobody else's.
fn check_service_statement(statement: &Json, principals: &[(&str, &str)]) -> Result<(), Invalid> {
    if principals.iter().any(|principal| *principal != ("Service", SERVICE)) {
        return Err(Invalid::of(format!("A statement for a service can have no principal but {SERVICE}.")));
    }
    check_actions(statement, &[START_QUERY])?;
    for (operator, keys) in conditions(statement) {
        for (key, values) in keys.members() {
            let values = texts(Some(values));
            let legal = match key.to_ascii_lowercase().as_str() {
                "aws:sourcearn" => values.iter().all(|value| is_dashboard(value)),
                "aws:sourceaccount" => values.iter().all(|value| value.parse::<AccountId>().is_ok()),
                _ => false,
            };
            if !legal || !matches!(operator.as_str(), "StringEquals" | "StringLike") {
                return Err(Invalid::of(format!(
                    "Condition {operator} on {key} is not supported for {SERVICE}. Use StringEquals or StringLike on AWS:SourceArn, with ARNs of dashboards, and on AWS:SourceAccount."
                )));
            }
        }
    }
    Ok(())
}

/// Whether it is the ARN of dashboards; it may have wildcards.
fn is_dashboard(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    matches!(parts.as_slice(), ["arn", _, "cloudtrail", _, _, resource] if resource.starts_with("dashboard/"))
}
