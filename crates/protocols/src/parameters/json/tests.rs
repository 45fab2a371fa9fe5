use super::*;
use crate::parameters::tests::{input_of, service};

fn check(service_name: &str, operation: &str, body: &str, expected: Result<&str, Unread>) {
    let service = service(service_name);
    let read = read(&service, input_of(&service, operation), body.as_bytes());
    assert_eq!(read.map(|value| value.render().get().to_owned()).as_deref().map_err(|error| *error), expected, "{body:.100}");
}

#[test]
fn numbers_stay_as_they_are_written_and_both_of_two_members_are_told() {
    check(
        "logs",
        "PutMetricFilter",
        r#"{"metricTransformations":[{"defaultValue":1.50e2}],"logGroupName":"a","logGroupName":"b"}"#,
        Ok(r#"{"metricTransformations":[{"defaultValue":1.50e2}],"logGroupName":["a","b"]}"#),
    );
    check(
        "kms",
        "Encrypt",
        r#"{"EncryptionContext":{"a":"1","b":"2","a":"3"}}"#,
        Ok(r#"{"EncryptionContext":{"a":["1","3"],"b":"2"}}"#),
    );
}

#[test]
fn a_body_costs_no_more_than_a_record_can_hold() {
    let tokens = vec!["\"t\""; 60_000].join(",");
    check("kms", "Encrypt", &format!("{{\"GrantTokens\":[{tokens}]}}"), Err(Unread::TooLarge));
    let deep = format!("{{\"Item\":{{\"a\":{}", "{\"L\":[".repeat(20_000));
    check("dynamodb", "PutItem", &deep, Err(Unread::TooLarge));
    check("kms", "Encrypt", &format!("{{\"x\":{}", "[".repeat(100_000)), Err(Unread::Malformed));
}

#[test]
fn blank_space_goes_outside_of_strings_alone() {
    assert_eq!(compact("{ \"a b\\\" \\\\\" :\n[ 1 , true ] }"), "{\"a b\\\" \\\\\":[1,true]}");
}
