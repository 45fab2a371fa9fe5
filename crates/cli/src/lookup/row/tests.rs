use super::*;

fn row(identity: &str, rest: &str) -> Row {
    let record = format!(
        r#"{{"eventTime":"2026-03-02T09:14:09Z","eventSource":"s3.amazonaws.com","eventName":"CreateBucket","userIdentity":{identity}{rest}}}"#
    );
    Row::of(&record).unwrap()
}

#[test]
fn a_user_is_shown_by_the_name_it_is_found_by() {
    let session =
        r#"{"type":"AssumedRole","principalId":"AROAX:dana","arn":"arn:aws:sts::123456789012:assumed-role/admin/dana"}"#;
    let row = row(session, "");
    assert_eq!((row.user.as_str(), row.username.as_str()), ("dana", "dana"));
    assert_eq!(row.time, "2026-03-02 09:14:09");
}

#[test]
fn who_has_no_user_name_is_shown_by_what_there_is() {
    for (identity, expected) in [
        (r#"{"type":"AWSService","invokedBy":"config.amazonaws.com"}"#, "config.amazonaws.com"),
        (r#"{"type":"AWSAccount","accountId":"210987654321","principalId":"AIDAX"}"#, "AIDAX"),
        (r#"{"type":"AWSAccount","accountId":"210987654321"}"#, "210987654321"),
        (r#"{"type":"Role","arn":"arn:aws:iam::123456789012:role/admin"}"#, "role/admin"),
        (r#"{"type":"Unknown"}"#, "Unknown"),
        ("{}", ""),
    ] {
        let row = row(identity, "");
        assert_eq!((row.user.as_str(), row.username.as_str()), (expected, ""), "{identity}");
    }
}

#[test]
fn a_name_that_stands_twice_is_shown_once() {
    let named = |name: &str| Resource { type_: None, name: name.to_owned() };
    let row = Row { resources: vec![named("a"), named("b"), named("a")], ..Row::default() };
    assert_eq!(row.resource_names(", "), "a, b");
}

#[test]
fn what_is_no_record_is_an_error() {
    assert!(Row::of("{}").is_err());
}
