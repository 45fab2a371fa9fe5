//! What of a record has no place in API Activity: everything else, flat, as texts.

use std::collections::BTreeMap;

use serde_json::Value;

/// Paths in a record that have a place. What stands below one has it, too.
const MAPPED: [&str; 31] = [
    "eventVersion",
    "eventTime",
    "eventSource",
    "eventName",
    "awsRegion",
    "sourceIPAddress",
    "userAgent",
    "errorCode",
    "errorMessage",
    "requestParameters",
    "responseElements",
    "requestID",
    "eventID",
    "eventType",
    "apiVersion",
    "resources",
    "vpcEndpointId",
    "eventCategory",
    "userIdentity.type",
    "userIdentity.principalId",
    "userIdentity.arn",
    "userIdentity.accountId",
    "userIdentity.accessKeyId",
    "userIdentity.userName",
    "userIdentity.invokedBy",
    "userIdentity.identityProvider",
    "userIdentity.onBehalfOf.userId",
    "userIdentity.onBehalfOf.identityStoreArn",
    "userIdentity.sessionContext.attributes",
    "userIdentity.sessionContext.sessionIssuer.arn",
    "userIdentity.sessionContext.webIdFederationData.federatedProvider",
];
/// Objects within objects that are taken apart. Own choice: deeper than any field CloudTrail documents.
const DEPTH_MAX: usize = 8;

/// The rest of a record as a JSON object of texts; None if there is none.
pub(super) fn of(record: &str) -> Option<String> {
    let Ok(Value::Object(members)) = serde_json::from_str(record) else { return None };
    let mut rest = BTreeMap::new();
    for (name, value) in members {
        add(&mut rest, name, value, DEPTH_MAX);
    }
    (!rest.is_empty()).then(|| serde_json::to_string(&rest).expect("texts can be written"))
}

fn add(rest: &mut BTreeMap<String, String>, path: String, value: Value, depth: usize) {
    if MAPPED.contains(&path.as_str()) {
        return;
    }
    match value {
        Value::Null => {}
        Value::Object(members) if depth > 0 => {
            for (name, value) in members {
                add(rest, format!("{path}.{name}"), value, depth - 1);
            }
        }
        Value::String(text) => {
            rest.insert(path, text);
        }
        other => {
            rest.insert(path, other.to_string());
        }
    }
}
