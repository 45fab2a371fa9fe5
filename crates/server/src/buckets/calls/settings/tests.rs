use super::*;

#[test]
fn resources_of_a_policy_are_of_its_bucket() {
    let check = |resource: &str, ok: bool| {
        let statement = json!({ "Principal": "*", "Action": "s3:GetObject", "Resource": resource });
        let outcome = check_scope(&json!({ "Statement": statement }), "logs");
        assert_eq!(outcome.is_ok(), ok, "{resource}");
    };
    check("arn:aws:s3:::logs", true);
    check("arn:aws:s3:::logs/*", true);
    check("arn:aws:s3:::logs/a?c/*", true);
    check("arn:aws:s3:::logs*", true);
    check("arn:aws:s3:::lo*", true);
    check("*", true);
    check("arn:aws:s3:::logs-not/*", false);
    check("arn:aws:s3:::other*", false);
    check("arn:aws:s3:::logsnot", false);
}

#[test]
fn only_unconditional_permission_for_everyone_is_public() {
    let check = |statement: Value, expected: bool| assert_eq!(allows_everyone(&statement), expected, "{statement}");
    check(json!({ "Effect": "Allow", "Principal": "*" }), true);
    check(json!({ "Effect": "Allow", "Principal": { "AWS": ["1", "*"] } }), true);
    check(json!({ "Effect": "Deny", "Principal": "*" }), false);
    check(json!({ "Effect": "Allow", "Principal": "*", "Condition": {} }), false);
    check(json!({ "Effect": "Allow", "Principal": { "Service": "cloudtrail.amazonaws.com" } }), false);
}
