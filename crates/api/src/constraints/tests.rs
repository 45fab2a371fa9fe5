use regex::Regex;
use serde_json::{Value, json};

use super::{Constraints, InputError, ViolationKind};
use crate::generated::patterns::PATTERNS;
use crate::{Input, Operation, Timestamp};

/// What a document comes to: `ok`, or the message.
#[track_caller]
fn check(operation: Operation, document: &Value, expected: &str) {
    let message = match Constraints::new().parse(operation, document.to_string().as_bytes()) {
        Ok(_) => "ok".to_owned(),
        Err(error) => error.to_string(),
    };
    assert_eq!(message, expected);
}

fn long(length: usize) -> String {
    "é".repeat(length)
}

#[test]
fn patterns_compile() {
    for pattern in PATTERNS {
        assert!(Regex::new(pattern.rust).is_ok(), "{}", pattern.rust);
    }
}

#[test]
fn numbers_have_bounds() {
    let lookup = |results: Value| json!({ "MaxResults": results });
    check(Operation::LookupEvents, &lookup(json!(50)), "ok");
    check(Operation::LookupEvents, &lookup(json!(50.0)), "ok");
    check(Operation::LookupEvents, &lookup(json!(null)), "ok");
    check(
        Operation::LookupEvents,
        &lookup(json!(51)),
        "1 validation error detected: Value '51' at 'maxResults' failed to satisfy constraint: Member must have value less than or \
         equal to 50",
    );
    check(
        Operation::LookupEvents,
        &lookup(json!(0)),
        "1 validation error detected: Value '0' at 'maxResults' failed to satisfy constraint: Member must have value greater than or \
         equal to 1",
    );
    check(Operation::LookupEvents, &lookup(json!(1.5)), "NUMBER_VALUE can not be converted to an Integer at 'maxResults'");
    check(
        Operation::LookupEvents,
        &lookup(json!(1_u64 << 40)),
        "NUMBER_VALUE can not be converted to an Integer at 'maxResults'",
    );
    check(Operation::LookupEvents, &lookup(json!("5")), "STRING_VALUE can not be converted to an Integer at 'maxResults'");
}

#[test]
fn required_members_and_enums_are_told_together() {
    check(
        Operation::LookupEvents,
        &json!({ "LookupAttributes": [{ "AttributeKey": "Foo" }], "EventCategory": "management" }),
        "3 validation errors detected: Value 'Foo' at 'lookupAttributes.1.member.attributeKey' failed to satisfy constraint: Member must \
         satisfy enum value set: [EventId, EventName, ReadOnly, Username, ResourceType, ResourceName, EventSource, AccessKeyId]; \
         Value null at 'lookupAttributes.1.member.attributeValue' failed to satisfy constraint: Member must not be null; \
         Value 'management' at 'eventCategory' failed to satisfy constraint: Member must satisfy enum value set: [insight]",
    );
    check(
        Operation::CreateTrail,
        &json!({ "Name": null, "S3BucketName": "" }),
        "1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null",
    );
}

#[test]
fn lengths_are_counted_in_characters() {
    let tags = |key: String| json!({ "ResourceId": "arn", "TagsList": [{ "Key": key }] });
    check(Operation::AddTags, &tags(long(128)), "ok");
    let shown = long(129);
    check(
        Operation::AddTags,
        &tags(long(129)),
        &format!(
            "1 validation error detected: Value '{shown}' at 'tagsList.1.member.key' failed to satisfy constraint: Member must have \
             length less than or equal to 128"
        ),
    );
    check(
        Operation::AddTags,
        &tags(String::new()),
        "1 validation error detected: Value '' at 'tagsList.1.member.key' failed to satisfy constraint: Member must have length \
         greater than or equal to 1",
    );
}

#[test]
fn patterns_match_whole_values() {
    let query = |id: &str| json!({ "QueryId": id });
    check(Operation::CancelQuery, &query("0123abcd-0123-0123-0123-0123456789ab"), "ok");
    check(
        Operation::CancelQuery,
        &query("0123ABCD-0123-0123-0123-0123456789ab"),
        "1 validation error detected: Value '0123ABCD-0123-0123-0123-0123456789ab' at 'queryId' failed to satisfy constraint: Member \
         must satisfy regular expression pattern: ^[a-f0-9\\-]+$",
    );
    let account = |id: &str| json!({ "MemberAccountId": id });
    check(Operation::RegisterOrganizationDelegatedAdmin, &account("123456789012"), "ok");
    for wrong in ["123456789012\n", "x123456789012", "１２３４５６７８９０１２"] {
        let error =
            Constraints::new().parse(Operation::RegisterOrganizationDelegatedAdmin, account(wrong).to_string().as_bytes());
        let Err(InputError::Violations(violations)) = error else { panic!("{wrong:?} passes") };
        assert_eq!(violations.first().kind, ViolationKind::Pattern);
        assert_eq!(violations.first().member(), "memberAccountId");
    }
}

#[test]
fn elements_of_plain_lists_and_maps_are_told_as_one() {
    check(
        Operation::StartQuery,
        &json!({ "QueryParameters": ["a", "", "b"] }),
        "1 validation error detected: Value '[a, , b]' at 'queryParameters' failed to satisfy constraint: Member must satisfy \
         constraint: [Member must have length less than or equal to 1024, Member must have length greater than or equal to 1, \
         Member must satisfy regular expression pattern: .*]",
    );
    check(
        Operation::StartDashboardRefresh,
        &json!({ "DashboardId": "d", "QueryParameterValues": { "a": "x", "$Period$": "a b" } }),
        "2 validation errors detected: Value '{$Period$=a b, a=x}' at 'queryParameterValues' failed to satisfy constraint: Map keys must \
         satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 3, \
         Member must satisfy regular expression pattern: ^[a-zA-Z0-9._/\\-:$]+$]; \
         Value '{$Period$=a b, a=x}' at 'queryParameterValues' failed to satisfy constraint: Map value must satisfy constraint: \
         [Member must have length less than or equal to 128, Member must have length greater than or equal to 1, \
         Member must satisfy regular expression pattern: ^[a-zA-Z0-9._/\\-:]+$]",
    );
    check(
        Operation::StartQuery,
        &json!({ "QueryParameters": [] }),
        "1 validation error detected: Value '[]' at 'queryParameters' failed to satisfy constraint: Member must have length greater than \
         or equal to 1",
    );
    check(
        Operation::StartQuery,
        &json!({ "QueryParameters": ["a", null] }),
        "1 validation error detected: Value null at 'queryParameters.2.member' failed to satisfy constraint: Member must not be null",
    );
}

#[test]
fn wrong_types_are_not_violations() {
    for (document, message) in [
        (json!({ "Name": 5 }), "NUMBER_VALUE can not be converted to a String at 'name'"),
        (json!({ "IsMultiRegionTrail": "true" }), "STRING_VALUE can not be converted to a Boolean at 'isMultiRegionTrail'"),
        (json!({ "TagsList": {} }), "START_OBJECT can not be converted to a list at 'tagsList'"),
        (json!({ "TagsList": ["x"] }), "STRING_VALUE can not be converted to a structure or map at 'tagsList.1.member'"),
    ] {
        check(Operation::CreateTrail, &document, message);
    }
    for time in [json!("2026-11-20T00:00:00Z"), json!(true), json!({})] {
        let error = Constraints::new().parse(Operation::LookupEvents, json!({ "StartTime": time }).to_string().as_bytes());
        let Err(InputError::Serialization(message)) = error else { panic!("{time} is taken for a time") };
        assert!(message.contains("can not be converted to milliseconds since epoch at 'startTime'"), "{message}");
    }
}

#[test]
fn an_input_holds_what_was_sent_and_ignores_what_is_unknown() {
    let body = json!({
        "StartTime": 1_700_000_000, "EndTime": 1_700_000_000.5, "MaxResults": 7.0, "Unknown": { "deep": [1] },
        "NextToken": null, "LookupAttributes": [{ "AttributeKey": "EventName", "AttributeValue": "x", "More": 1 }]
    });
    let Ok(Input::LookupEvents(input)) = Constraints::new().parse(Operation::LookupEvents, body.to_string().as_bytes()) else {
        panic!("a good input is refused");
    };
    assert_eq!(input.start_time.map(Timestamp::us), Some(1_700_000_000_000_000));
    assert_eq!(input.end_time.map(Timestamp::us), Some(1_700_000_000_500_000));
    assert_eq!(input.max_results, Some(7));
    assert_eq!(input.next_token, None);
    assert_eq!(input.lookup_attributes.unwrap()[0].attribute_value, "x");
}

#[test]
fn violations_and_what_they_repeat_are_bounded() {
    let tags: Vec<Value> = (0..10_000).map(|_| json!({ "Value": "" })).collect();
    let body = json!({ "ResourceId": "a", "TagsList": tags }).to_string();
    let Err(InputError::Violations(violations)) = Constraints::new().parse(Operation::AddTags, body.as_bytes()) else {
        panic!("tags without keys pass");
    };
    assert_eq!(violations.all().len(), 50);
    assert!(violations.to_string().len() < 50 * 500);
}
