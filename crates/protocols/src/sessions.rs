//! Temporary credentials that an answer gives out, and for whom: what the proxy learns so that a later call with such a
//! key leads back to who asked for it.
//!
//! What is read here holds secrets; of them nothing goes into a [`Session`].

use crate::call::Session;
use crate::parameters::Value;

/// The most session tags there are (IAM user guide, "Pass session tags").
const TAGS_MAX: usize = 50;

/// The longest text that is believed: ARNs have at most 2,048 characters (IAM API reference), all others fewer.
const TEXT_BYTES_MAX: usize = 2_048;
/// The longest access key id: IAM's limit (`GetAccessKeyInfo`, 128 characters).
const ACCESS_KEY_ID_BYTES_MAX: usize = 128;

/// The operations that give out temporary credentials: of the service with this model.
const GIVING: &[(&str, &str)] = &[
    ("cognito-identity", "GetCredentialsForIdentity"),
    ("s3", "CreateSession"),
    ("sso", "GetRoleCredentials"),
    ("sts", "AssumeRole"),
    ("sts", "AssumeRoleWithSAML"),
    ("sts", "AssumeRoleWithWebIdentity"),
    ("sts", "AssumeRoot"),
    ("sts", "GetFederationToken"),
    ("sts", "GetSessionToken"),
];

/// Whether the operation gives out temporary credentials.
pub(crate) fn gives(service: &str, operation: &str) -> bool {
    GIVING.contains(&(service, operation))
}

/// The session of an answer: `input` and `output` are as the model names them, and not spelled yet.
pub(crate) fn learn(service: &str, operation: &str, input: Option<&Value>, output: &Value) -> Option<Session> {
    if !gives(service, operation) {
        return None;
    }
    let credentials = first(output, &["Credentials", "credentials", "roleCredentials"])?;
    let key = first(credentials, &["AccessKeyId", "accessKeyId"])?.as_text()?;
    if !(1..=ACCESS_KEY_ID_BYTES_MAX).contains(&key.len()) {
        return None;
    }
    let asked = |name: &str| text(input?, &[name]);
    let told = |way: &[&str]| text(output, way);
    Some(Session {
        made_by: operation.to_owned(),
        access_key_id: key.to_owned(),
        expires_s: first(credentials, &["Expiration", "expiration"]).and_then(seconds),
        arn: told(&["AssumedRoleUser", "Arn"])
            .or_else(|| told(&["FederatedUser", "Arn"]))
            .or_else(|| asked("TargetPrincipal").as_deref().and_then(root_arn)),
        principal_id: told(&["AssumedRoleUser", "AssumedRoleId"])
            .or_else(|| told(&["FederatedUser", "FederatedUserId"]))
            .or_else(|| told(&["IdentityId"])),
        role_arn: asked("RoleArn").or_else(|| asked("CustomRoleArn")),
        source_identity: told(&["SourceIdentity"]).or_else(|| asked("SourceIdentity")),
        tags: tags(input),
        transitive_tags: texts(input, "TransitiveTagKeys"),
        mfa: asked("SerialNumber").is_some() && asked("TokenCode").is_some(),
        federated_provider: told(&["Provider"]).or_else(|| told(&["Issuer"])),
    })
}

fn first<'v>(value: &'v Value, names: &[&str]) -> Option<&'v Value> {
    names.iter().find_map(|name| value.at(&[name]))
}

fn text(value: &Value, way: &[&str]) -> Option<String> {
    value.text_at(way).filter(|text| is_text(text)).map(str::to_owned)
}

fn is_text(text: &str) -> bool {
    (1..=TEXT_BYTES_MAX).contains(&text.len())
}

fn texts(input: Option<&Value>, name: &str) -> Vec<String> {
    let elements = input.and_then(|input| input.at(&[name])).map(Value::elements).unwrap_or_default();
    elements.iter().filter_map(Value::as_text).filter(|text| is_text(text)).take(TAGS_MAX).map(str::to_owned).collect()
}

fn tags(input: Option<&Value>) -> Vec<(String, String)> {
    let elements = input.and_then(|input| input.at(&["Tags"])).map(Value::elements).unwrap_or_default();
    let tag = |element: &Value| Some((text(element, &["Key"])?, text(element, &["Value"]).unwrap_or_default()));
    elements.iter().filter_map(tag).take(TAGS_MAX).collect()
}

/// An instant, or a number: milliseconds since 1970, in which the SSO portal counts.
fn seconds(value: &Value) -> Option<i64> {
    match value {
        Value::Instant(instant) => Some(instant.unix_timestamp()),
        Value::Number(number) => Some(number.parse::<i64>().ok()?.div_euclid(1_000)),
        _ => None,
    }
}

/// AssumeRoot makes a session of an account's root; the account is asked for by its id or the root's ARN.
fn root_arn(target: &str) -> Option<String> {
    let account = target.strip_prefix("arn:aws:iam::").and_then(|rest| rest.strip_suffix(":root")).unwrap_or(target);
    let digits = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| format!("arn:aws:iam::{account}:root"))
}

#[cfg(test)]
mod tests;
