use proptest::prelude::*;

use super::*;

const ACCOUNT: &str = "123456789012";
const OTHER: &str = "210987654321";
const TRAIL: &str = "arn:aws:cloudtrail:eu-west-1:123456789012:trail/main";

fn account(id: &str) -> crate::account::AccountId {
    id.parse().expect("an account")
}

fn root(id: &str) -> Principal {
    Principal::Root(account(id))
}

fn user(name: &str) -> Principal {
    Principal::User { account: account(ACCOUNT), arn: format!("arn:aws:iam::{ACCOUNT}:user/{name}") }
}

fn session(role: &str, name: &str) -> Principal {
    let arn = format!("arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{name}");
    Principal::Session { account: account(ACCOUNT), arn, role_arn: format!("arn:aws:iam::{ACCOUNT}:role/{role}") }
}

fn cloudtrail() -> Principal {
    Principal::Service("cloudtrail.amazonaws.com".to_owned())
}

/// A request; `about` is `action resource`, the context's keys may come many times.
fn request(principal: Principal, about: &str, context: &[(&str, &str)]) -> Request {
    let (action, resource) = about.split_once(' ').expect("action and resource");
    let mut request =
        Request { principal, action: action.to_owned(), resource: resource.to_owned(), context: Context::default() };
    for (key, value) in context {
        request.context.add(key, *value);
    }
    request
}

fn check(statements: &str, request: &Request, expected: Decision) {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":{statements}}}"#);
    let policy = Policy::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(policy.evaluate(request), expected, "{statements} for {request:?}");
}

const GET: &str = "s3:GetObject arn:aws:s3:::b/a/k";
const ALL: &str = r#""Effect":"Allow","Principal":"*","Action":"*","Resource":"*""#;

#[test]
fn actions_and_resources_are_matched_with_wildcards() {
    for (action, resource, expected) in [
        ("*", "*", true),
        ("s3:GetObject", "arn:aws:s3:::b/a/k", true),
        ("S3:getOBJECT", "arn:aws:s3:::b/a/k", true),
        ("s3:GetObject", "arn:aws:s3:::B/a/k", false),
        ("s3:*", "arn:aws:s3:::b/*", true),
        ("s3:Get*", "arn:aws:s3:::b*", true),
        ("s3:Get?bject", "arn:aws:s3:::b/?/k", true),
        ("s3:Get?Object", "arn:aws:s3:::b/a/k", false),
        ("s3:*Object", "arn:aws:s3*", true),
        ("s3:G*t*O*ct", "arn:*/k", true),
        ("s3:PutObject", "*", false),
        ("s3:GetObject*", "arn:aws:s3:::b", false),
        ("s3:GetObjects", "*", false),
        ("ec2:*", "*", false),
        ("s3:GetObject", "arn:aws:s3:::b/*/k", true),
        ("s3:GetObject", "arn:aws:s3:::b/a/k?", false),
        ("s3:GetObject", "arn:aws:s3:::b/a/k*", true),
    ] {
        let statement = format!(r#"{{"Effect":"Allow","Principal":"*","Action":"{action}","Resource":"{resource}"}}"#);
        let expected = if expected { Decision::Allow } else { Decision::NoMatch };
        check(&statement, &request(root(ACCOUNT), GET, &[]), expected);
    }
    let lists = r#"[{"Effect":"Allow","Principal":"*","Action":["s3:PutObject","s3:GetObject"],"Resource":["arn:aws:s3:::c/*","arn:aws:s3:::b/*"]}]"#;
    check(lists, &request(root(ACCOUNT), GET, &[]), Decision::Allow);
    check(lists, &request(root(ACCOUNT), "s3:GetObject arn:aws:s3:::d/k", &[]), Decision::NoMatch);
    let colons = r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*z"}"#;
    check(colons, &request(root(ACCOUNT), "s3:GetObject arn:aws:s3:::b/x:y/z", &[]), Decision::Allow);
}

#[test]
fn not_action_and_not_resource_take_the_rest() {
    let statement =
        r#"{"Effect":"Allow","Principal":"*","NotAction":["s3:Delete*","s3:PutObject"],"NotResource":"arn:aws:s3:::b/secret/*"}"#;
    for (about, expected) in [
        (GET, Decision::Allow),
        ("s3:DeleteObject arn:aws:s3:::b/k", Decision::NoMatch),
        ("s3:PUTOBJECT arn:aws:s3:::b/k", Decision::NoMatch),
        ("s3:GetObject arn:aws:s3:::b/secret/k", Decision::NoMatch),
    ] {
        check(statement, &request(root(ACCOUNT), about, &[]), expected);
    }
}

#[test]
fn a_deny_anywhere_outweighs() {
    let deny = r#"{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"*"}"#;
    let get = request(root(ACCOUNT), GET, &[]);
    check(&format!("[{deny},{{{ALL}}}]"), &get, Decision::Deny);
    check(&format!("[{{{ALL}}},{deny}]"), &get, Decision::Deny);
    check(&format!("[{{{ALL}}},{deny}]"), &request(root(ACCOUNT), "s3:PutObject arn:aws:s3:::b/k", &[]), Decision::Allow);
    check(deny, &get, Decision::Deny);
    let conditional = deny.replace('}', r#","Condition":{"Bool":{"aws:SecureTransport":"false"}}}"#);
    check(
        &format!("[{{{ALL}}},{conditional}]"),
        &request(root(ACCOUNT), GET, &[("aws:SecureTransport", "true")]),
        Decision::Allow,
    );
    check(
        &format!("[{{{ALL}}},{conditional}]"),
        &request(root(ACCOUNT), GET, &[("aws:SecureTransport", "false")]),
        Decision::Deny,
    );
}

#[test]
fn principals_are_matched_by_kind() {
    let user_arn = format!(r#"{{"AWS":"arn:aws:iam::{ACCOUNT}:user/ann"}}"#);
    let role_arn = format!(r#"{{"AWS":"arn:aws:iam::{ACCOUNT}:role/reader"}}"#);
    let session_arn = format!(r#"{{"AWS":"arn:aws:sts::{ACCOUNT}:assumed-role/reader/one"}}"#);
    let account_id = format!(r#"{{"AWS":"{ACCOUNT}"}}"#);
    let account_root = format!(r#"{{"AWS":["arn:aws:iam::{ACCOUNT}:root"]}}"#);
    let service = r#"{"Service":"cloudtrail.amazonaws.com"}"#;
    let mixed =
        format!(r#"{{"Service":["config.amazonaws.com","cloudtrail.amazonaws.com"],"AWS":"{OTHER}","CanonicalUser":"abc"}}"#);
    for (principal, who, expected) in [
        ("\"*\"", Principal::Anonymous, true),
        (r#"{"AWS":"*"}"#, Principal::Anonymous, true),
        ("\"*\"", cloudtrail(), true),
        (&account_id, root(ACCOUNT), true),
        (&account_id, user("ann"), true),
        (&account_id, session("reader", "one"), true),
        (&account_id, root(OTHER), false),
        (&account_id, cloudtrail(), false),
        (&account_id, Principal::Anonymous, false),
        (&account_root, root(ACCOUNT), true),
        (&account_root, user("ann"), true),
        (&account_root, root(OTHER), false),
        (&user_arn, user("ann"), true),
        (&user_arn, user("anna"), false),
        (&user_arn, root(ACCOUNT), false),
        (&role_arn, session("reader", "one"), true),
        (&role_arn, session("writer", "one"), false),
        (&role_arn, user("ann"), false),
        (&session_arn, session("reader", "one"), true),
        (&session_arn, session("reader", "two"), false),
        (service, cloudtrail(), true),
        (service, Principal::Service("config.amazonaws.com".to_owned()), false),
        (service, root(ACCOUNT), false),
        (&mixed, cloudtrail(), true),
        (&mixed, root(OTHER), true),
        (&mixed, root(ACCOUNT), false),
    ] {
        let statement = format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"s3:*","Resource":"*"}}"#);
        let expected = if expected { Decision::Allow } else { Decision::NoMatch };
        check(&statement, &request(who, GET, &[]), expected);
    }
}

#[test]
fn not_principal_denies_all_but_those_it_names() {
    let deny = |named: &str| format!(r#"[{{{ALL}}},{{"Effect":"Deny","NotPrincipal":{named},"Action":"*","Resource":"*"}}]"#);
    let ann = deny(&format!(r#"{{"AWS":["arn:aws:iam::{ACCOUNT}:user/ann","arn:aws:iam::{ACCOUNT}:root"]}}"#));
    let service = deny(r#"{"Service":"cloudtrail.amazonaws.com"}"#);
    let role = deny(&format!(r#"{{"AWS":"arn:aws:iam::{ACCOUNT}:role/reader"}}"#));
    for (statements, who, expected) in [
        (&ann, user("ann"), Decision::Allow),
        (&ann, root(ACCOUNT), Decision::Allow),
        (&ann, user("bob"), Decision::Deny),
        (&ann, root(OTHER), Decision::Deny),
        (&ann, cloudtrail(), Decision::Deny),
        (&ann, Principal::Anonymous, Decision::Deny),
        (&service, cloudtrail(), Decision::Allow),
        (&service, root(ACCOUNT), Decision::Deny),
        (&role, session("reader", "one"), Decision::Allow),
        (&role, session("writer", "one"), Decision::Deny),
    ] {
        check(statements, &request(who, GET, &[]), expected);
    }
}

/// Whether a statement with these conditions is about a request with that context.
fn check_condition(condition: &str, context: &[(&str, &str)], expected: bool) {
    let statement = format!(r#"{{{ALL},"Condition":{{{condition}}}}}"#);
    let expected = if expected { Decision::Allow } else { Decision::NoMatch };
    check(&statement, &request(root(ACCOUNT), GET, context), expected);
}

#[test]
fn strings_are_compared() {
    let k = |value: &'static str| [("aws:x", value)];
    for (condition, context, expected) in [
        (r#""StringEquals":{"aws:x":"a"}"#, &k("a")[..], true),
        (r#""StringEquals":{"aws:x":"a"}"#, &k("A"), false),
        (r#""StringEquals":{"aws:x":"a*"}"#, &k("ab"), false),
        (r#""StringEquals":{"aws:x":["b","a"]}"#, &k("a"), true),
        (r#""StringEquals":{"AWS:X":"a"}"#, &k("a"), true),
        (r#""StringEquals":{"aws:x":"a"}"#, &[], false),
        (r#""StringEqualsIfExists":{"aws:x":"a"}"#, &[], true),
        (r#""StringEqualsIfExists":{"aws:x":"a"}"#, &k("b"), false),
        (r#""StringEqualsIgnoreCase":{"aws:x":"ÄA"}"#, &k("äa"), true),
        (r#""StringNotEqualsIgnoreCase":{"aws:x":"A"}"#, &k("a"), false),
        (r#""StringNotEquals":{"aws:x":"a"}"#, &k("b"), true),
        (r#""StringNotEquals":{"aws:x":["a","b"]}"#, &k("b"), false),
        (r#""StringNotEquals":{"aws:x":"a"}"#, &[], true),
        (r#""StringNotEqualsIfExists":{"aws:x":"a"}"#, &[], true),
        (r#""StringLike":{"aws:x":"a*c?e"}"#, &k("abbcde"), true),
        (r#""StringLike":{"aws:x":"a*c?e"}"#, &k("abbcdf"), false),
        (r#""StringLike":{"aws:x":["x","*"]}"#, &k(""), true),
        (r#""StringLike":{"aws:x":"*"}"#, &[], false),
        (r#""StringNotLike":{"aws:x":["a*","b*"]}"#, &k("bc"), false),
        (r#""StringNotLike":{"aws:x":["a*","b*"]}"#, &k("cb"), true),
        (r#""StringEquals":{"aws:x":"a","aws:y":"b"}"#, &[("aws:x", "a"), ("aws:y", "b")], true),
        (r#""StringEquals":{"aws:x":"a","aws:y":"b"}"#, &[("aws:x", "a"), ("aws:y", "c")], false),
        (r#""StringEquals":{"aws:x":"a"},"StringLike":{"aws:y":"b*"}"#, &k("a"), false),
        (r#""StringEquals":{"aws:x":5}"#, &k("5"), true),
    ] {
        check_condition(condition, context, expected);
    }
}

#[test]
fn other_types_are_compared() {
    let k = |value: &'static str| [("aws:x", value)];
    for (condition, context, expected) in [
        (r#""Null":{"aws:x":"true"}"#, &[][..], true),
        (r#""Null":{"aws:x":"false"}"#, &[], false),
        (r#""Null":{"aws:x":false}"#, &k(""), true),
        (r#""Null":{"aws:x":"true"}"#, &k("a"), false),
        (r#""Bool":{"aws:x":"true"}"#, &k("true"), true),
        (r#""Bool":{"aws:x":true}"#, &k("TRUE"), true),
        (r#""Bool":{"aws:x":false}"#, &k("true"), false),
        (r#""Bool":{"aws:x":false}"#, &[], false),
        (r#""BoolIfExists":{"aws:x":false}"#, &[], true),
        (r#""Bool":{"aws:x":false}"#, &k("maybe"), false),
        (r#""NumericEquals":{"aws:x":"5"}"#, &k("5.0"), true),
        (r#""NumericNotEquals":{"aws:x":5}"#, &k("6"), true),
        (r#""NumericLessThan":{"aws:x":"10"}"#, &k("9"), true),
        (r#""NumericLessThan":{"aws:x":"10"}"#, &k("10"), false),
        (r#""NumericLessThanEquals":{"aws:x":10}"#, &k("10"), true),
        (r#""NumericGreaterThan":{"aws:x":-1.5}"#, &k("-1"), true),
        (r#""NumericGreaterThanEquals":{"aws:x":["7","3"]}"#, &k("3"), true),
        (r#""NumericGreaterThan":{"aws:x":1}"#, &k("many"), false),
        (r#""NumericGreaterThan":{"aws:x":1}"#, &k("NaN"), false),
        (r#""DateGreaterThan":{"aws:x":"2026-01-01T00:00:00Z"}"#, &k("2026-01-01T00:00:01Z"), true),
        (r#""DateLessThan":{"aws:x":"2026-01-01T00:00:00Z"}"#, &k("2026-01-01T00:00:01Z"), false),
        (r#""DateEquals":{"aws:x":"2026-01-01T01:00:00+01:00"}"#, &k("2026-01-01T00:00:00.000Z"), true),
        (r#""DateEquals":{"aws:x":"1767225600"}"#, &k("2026-01-01"), true),
        (r#""DateLessThanEquals":{"aws:x":1767225600}"#, &k("2026-01-01T00:00Z"), true),
        (r#""DateNotEquals":{"aws:x":"2026-01-01"}"#, &k("2026-01-02"), true),
        (r#""IpAddress":{"aws:x":"10.0.0.0/8"}"#, &k("10.1.2.3"), true),
        (r#""IpAddress":{"aws:x":"10.0.0.0/8"}"#, &k("11.1.2.3"), false),
        (r#""IpAddress":{"aws:x":["192.168.1.1","10.0.0.0/8"]}"#, &k("192.168.1.1"), true),
        (r#""IpAddress":{"aws:x":"192.168.1.1"}"#, &k("192.168.1.2"), false),
        (r#""IpAddress":{"aws:x":"0.0.0.0/0"}"#, &k("203.0.113.9"), true),
        (r#""IpAddress":{"aws:x":"2001:db8::/32"}"#, &k("2001:db8:1::1"), true),
        (r#""IpAddress":{"aws:x":"2001:db8::/32"}"#, &k("2001:db9::1"), false),
        (r#""IpAddress":{"aws:x":"::/0"}"#, &k("10.0.0.1"), false),
        (r#""IpAddress":{"aws:x":"10.0.0.0/8"}"#, &k("::ffff:10.0.0.1"), true),
        (r#""NotIpAddress":{"aws:x":["10.0.0.0/8","2001:db8::/32"]}"#, &k("192.0.2.1"), true),
        (r#""NotIpAddress":{"aws:x":["10.0.0.0/8","2001:db8::/32"]}"#, &k("2001:db8::5"), false),
        (r#""NotIpAddress":{"aws:x":"10.0.0.0/8"}"#, &[], true),
        (r#""IpAddress":{"aws:x":"10.0.0.0/8"}"#, &k("AWS Internal"), false),
        (r#""BinaryEquals":{"aws:x":"QmluYXJ5"}"#, &k("QmluYXJ5"), true),
    ] {
        check_condition(condition, context, expected);
    }
}

#[test]
fn arns_are_compared_part_by_part() {
    let source = [("aws:SourceArn", TRAIL)];
    for (pattern, expected) in [
        (TRAIL, true),
        ("arn:aws:cloudtrail:*:123456789012:trail/*", true),
        ("arn:aws:cloudtrail:eu-west-?:123456789012:trail/main", true),
        ("arn:aws:cloudtrail:*:trail/main", false),
        ("arn:aws:*:123456789012:trail/*", false),
        ("arn:aws:cloudtrail:*", true),
        ("arn:*", true),
        ("*", true),
        ("arn:aws:cloudtrail:*:210987654321:trail/*", false),
        ("arn:aws:cloudtrail:eu-west-1:123456789012:TRAIL/main", false),
        ("arn:aws:cloudtrail:*:*:*", true),
    ] {
        check_condition(&format!(r#""ArnEquals":{{"aws:SourceArn":"{pattern}"}}"#), &source, expected);
        check_condition(&format!(r#""ArnLike":{{"aws:SourceArn":["arn:aws:s3:::x","{pattern}"]}}"#), &source, expected);
        check_condition(&format!(r#""ArnNotEquals":{{"aws:SourceArn":"{pattern}"}}"#), &source, !expected);
        check_condition(&format!(r#""ArnNotLike":{{"aws:SourceArn":"{pattern}"}}"#), &source, !expected);
    }
    check_condition(&format!(r#""ArnLike":{{"aws:SourceArn":"{TRAIL}"}}"#), &[], false);
    check_condition(&format!(r#""ArnLikeIfExists":{{"aws:SourceArn":"{TRAIL}"}}"#), &[], true);
    check_condition(r#""ArnLike":{"aws:SourceArn":"*"}"#, &[("aws:SourceArn", "no ARN")], false);
}

#[test]
fn sets_are_compared_with_a_quantifier() {
    let (a, ab, abc) =
        (&[("aws:k", "a")][..], &[("aws:k", "a"), ("aws:k", "b")][..], &[("aws:k", "a"), ("aws:k", "b"), ("aws:k", "c")][..]);
    for (condition, context, expected) in [
        (r#""ForAllValues:StringEquals":{"aws:k":["a","b"]}"#, ab, true),
        (r#""ForAllValues:StringEquals":{"aws:k":["a","b"]}"#, abc, false),
        (r#""ForAllValues:StringEquals":{"aws:k":["a","b"]}"#, &[], true),
        (r#""ForAllValues:StringNotEquals":{"aws:k":["c"]}"#, ab, true),
        (r#""ForAllValues:StringNotEquals":{"aws:k":["c"]}"#, abc, false),
        (r#""ForAnyValue:StringEquals":{"aws:k":["b","x"]}"#, ab, true),
        (r#""ForAnyValue:StringEquals":{"aws:k":["b","x"]}"#, a, false),
        (r#""ForAnyValue:StringEquals":{"aws:k":["b","x"]}"#, &[], false),
        (r#""ForAnyValue:StringNotEquals":{"aws:k":["a"]}"#, ab, true),
        (r#""ForAnyValue:StringNotEquals":{"aws:k":["a","b"]}"#, ab, false),
        (r#""ForAnyValue:StringNotEquals":{"aws:k":["a"]}"#, &[], false),
        (r#""ForAnyValue:StringLikeIfExists":{"aws:k":"x*"}"#, &[], true),
        (r#""ForAllValues:IpAddress":{"aws:k":"10.0.0.0/8"}"#, &[("aws:k", "10.0.0.1"), ("aws:k", "10.0.0.2")], true),
    ] {
        check_condition(condition, context, expected);
    }
    let mut empty = request(root(ACCOUNT), GET, &[]);
    empty.context.set("aws:k", vec![]);
    let with = |condition: &str| format!(r#"{{{ALL},"Condition":{{{condition}}}}}"#);
    check(&with(r#""ForAllValues:StringEquals":{"aws:k":"a"}"#), &empty, Decision::Allow);
    check(&with(r#""ForAnyValue:StringEquals":{"aws:k":"a"}"#), &empty, Decision::NoMatch);
    check(&with(r#""Null":{"aws:k":"true"}"#), &empty, Decision::Allow);
    check(&with(r#""StringEquals":{"aws:k":"a"}"#), &empty, Decision::NoMatch);
}

#[test]
fn variables_stand_for_what_the_request_says() {
    let home = |resource: &str| {
        format!(r#"{{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b/{resource}"}}"#)
    };
    let get =
        |key: &str, context: &[(&str, &str)]| request(root(ACCOUNT), &format!("s3:GetObject arn:aws:s3:::b/{key}"), context);
    let (ann, star) = ([("aws:username", "ann")], [("aws:username", "*")]);
    for (resource, key, context, expected) in [
        ("home/${aws:username}/*", "home/ann/k", &ann[..], true),
        ("home/${aws:username}/*", "home/bob/k", &ann, false),
        ("home/${AWS:UserName}/*", "home/ann/k", &ann, true),
        ("home/${aws:username}/*", "home/bob/k", &star, false),
        ("home/${aws:username}/*", "home//k", &[], false),
        ("home/${aws:username, 'guest'}/*", "home/guest/k", &[], true),
        ("home/${aws:username, 'guest'}/*", "home/guest/k", &ann, false),
        ("${*}/k", "*/k", &[], true),
        ("${*}/k", "x/k", &[], false),
        ("${?}", "?", &[], true),
        ("${?}", "x", &[], false),
        ("${$}", "$", &[], true),
        ("${aws:k}", "a", &[("aws:k", "a"), ("aws:k", "b")], false),
    ] {
        let expected = if expected { Decision::Allow } else { Decision::NoMatch };
        check(&home(resource), &get(key, context), expected);
    }
    let context = [("aws:username", "ann"), ("aws:PrincipalTag/team", "red"), ("s3:prefix", "home/ann/x")];
    check_condition(r#""StringLike":{"s3:prefix":"home/${aws:username}/*"}"#, &context, true);
    check_condition(r#""StringEquals":{"s3:prefix":"home/${aws:username}/*"}"#, &context, false);
    check_condition(r#""StringEquals":{"aws:PrincipalTag/team":"${aws:principaltag/TEAM}"}"#, &context, true);
    check_condition(r#""StringLike":{"s3:prefix":"${aws:nobody}*"}"#, &context, false);
    let old = Policy::parse(&format!(r#"{{"Statement":{}}}"#, home("${aws:username}"))).expect("a policy");
    assert_eq!(old.evaluate(&get("${aws:username}", &ann)), Decision::Allow, "older versions have no variables");
    assert_eq!(old.evaluate(&get("ann", &ann)), Decision::NoMatch);
}

#[test]
fn the_policy_of_the_guide_admits_trails() {
    let statements = format!(
        r#"[{{"Sid":"AWSCloudTrailAclCheck20150319","Effect":"Allow","Principal":{{"Service":"cloudtrail.amazonaws.com"}},"Action":"s3:GetBucketAcl","Resource":"arn:aws:s3:::b","Condition":{{"StringEquals":{{"aws:SourceArn":"{TRAIL}"}}}}}},
        {{"Sid":"AWSCloudTrailWrite20150319","Effect":"Allow","Principal":{{"Service":"cloudtrail.amazonaws.com"}},"Action":"s3:PutObject","Resource":"arn:aws:s3:::b/AWSLogs/{ACCOUNT}/*","Condition":{{"StringEquals":{{"s3:x-amz-acl":"bucket-owner-full-control","aws:SourceArn":"{TRAIL}"}}}}}}]"#
    );
    let acl = ("s3:x-amz-acl", "bucket-owner-full-control");
    let source = ("aws:SourceArn", TRAIL);
    let put = "s3:PutObject arn:aws:s3:::b/AWSLogs/123456789012/CloudTrail/x";
    for (who, about, context, expected) in [
        (cloudtrail(), "s3:GetBucketAcl arn:aws:s3:::b", &[source][..], Decision::Allow),
        (cloudtrail(), put, &[source, acl], Decision::Allow),
        (cloudtrail(), put, &[source], Decision::NoMatch),
        (cloudtrail(), put, &[acl, ("aws:SourceArn", "arn:aws:cloudtrail:eu-west-1:210987654321:trail/main")], Decision::NoMatch),
        (cloudtrail(), "s3:PutObject arn:aws:s3:::b/AWSLogs/210987654321/x", &[source, acl], Decision::NoMatch),
        (root(ACCOUNT), put, &[source, acl], Decision::NoMatch),
    ] {
        check(&statements, &request(who, about, context), expected);
    }
}

/// The policy is refused with a message that has this in it.
fn check_malformed(text: &str, expected: &str) {
    let message = Policy::parse(text).expect_err(text).message;
    assert!(message.contains(expected), "{message}: {text}");
}

#[test]
fn what_is_not_understood_is_refused() {
    for (text, expected) in [
        ("", "must be valid JSON"),
        ("[]", "must be valid JSON"),
        ("{", "invalid Json"),
        (r#"{"Statement":[],"Statement":[]}"#, "duplicate member Statement"),
        (r#"{"Version":"2012-10-17"}"#, "Missing required field Statement"),
        (r#"{"Version":"2013-10-17","Statement":[]}"#, "valid version"),
        (r#"{"Version":7,"Statement":[]}"#, "valid version"),
        (r#"{"Statement":[]}"#, "Statement is empty"),
        (r#"{"Statement":"x"}"#, "invalid Json"),
        (r#"{"Statement":[7]}"#, "invalid Json"),
        (r#"{"Id":7,"Statement":[{}]}"#, "Id must be a string"),
        (r#"{"statement":[{}]}"#, "Unknown field statement"),
    ] {
        check_malformed(text, expected);
    }
    check_malformed(&format!(r#"{{"Statement":[{{{ALL}}}]{}}}"#, " ".repeat(BYTES_MAX)), "maximum allowed size");
    check_malformed(&format!(r#"{{"Statement":[{{"Sid":"a",{ALL}}},{{"Sid":"a",{ALL}}}]}}"#), "must be unique");
    let everyone = r#""Effect":"Allow","Principal":"*""#;
    let on = |rest: &str| format!(r#"{everyone},"Action":"s3:*","Resource":"*",{rest}"#);
    for (statement, expected) in [
        (r#""Principal":"*","Action":"*","Resource":"*""#.to_owned(), "Missing required field Effect"),
        (r#""Effect":"allow","Principal":"*","Action":"*","Resource":"*""#.to_owned(), "Invalid effect: allow"),
        (r#""Effect":"Allow","Action":"*","Resource":"*""#.to_owned(), "Missing required field Principal"),
        (format!(r#"{everyone},"Resource":"*""#), "Missing required field Action"),
        (format!(r#"{everyone},"Action":"*""#), "Missing required field Resource"),
        (format!(r#"{everyone},"Action":"*","NotAction":"*","Resource":"*""#), "both Action and NotAction"),
        (format!(r#"{everyone},"Action":"GetObject","Resource":"*""#), "invalid action"),
        (format!(r#"{everyone},"Action":[],"Resource":"*""#), "invalid action"),
        (format!(r#"{everyone},"Action":7,"Resource":"*""#), "invalid action"),
        (format!(r#"{everyone},"Action":"s3:*","Resource":"b/*""#), "invalid resource"),
        (format!(r#"{everyone},"Action":"s3:*","Resource":[]"#), "invalid resource"),
        (on(r#""Extra":1"#), "Unknown field Extra"),
        (on(r#""Sid":1"#), "Sid must be a string"),
        (on(r#""Condition":[]"#), "invalid condition"),
        (on(r#""Condition":{"StringEquals":"x"}"#), "invalid condition"),
        (on(r#""Condition":{"StringEqual":{"a":"b"}}"#), "Invalid Condition type : StringEqual"),
        (on(r#""Condition":{"NullIfExists":{"a":"true"}}"#), "Invalid Condition type"),
        (on(r#""Condition":{"ForSome:StringEquals":{"a":"b"}}"#), "Invalid Condition type"),
        (on(r#""Condition":{"NumericAlmost":{"a":"1"}}"#), "Invalid Condition type"),
        (on(r#""Condition":{"StringEquals":{"a":[]}}"#), "has no value"),
        (on(r#""Condition":{"StringEquals":{"a":null}}"#), "invalid value"),
        (on(r#""Condition":{"StringEquals":{"":"a"}}"#), "invalid condition key"),
        (on(r#""Condition":{"NumericEquals":{"a":"x"}}"#), "invalid value"),
        (on(r#""Condition":{"IpAddress":{"a":"10.0.0.0/33"}}"#), "invalid value"),
        (on(r#""Condition":{"DateEquals":{"a":"soon"}}"#), "invalid value"),
        (on(r#""Condition":{"Bool":{"a":"yes"}}"#), "invalid value"),
        (on(r#""Condition":{"StringEquals":{"a":"b","a":"c"}}"#), "duplicate member a"),
    ] {
        check_malformed(&format!(r#"{{"Statement":{{{statement}}}}}"#), expected);
    }
    for variable in ["${aws:username", "${}", "${a${b}}", "${a, b}"] {
        let statement = format!(r#"{everyone},"Action":"s3:*","Resource":"arn:aws:s3:::b/{variable}""#);
        check_malformed(&format!(r#"{{"Version":"2012-10-17","Statement":{{{statement}}}}}"#), "variable");
    }
}

#[test]
fn principals_that_are_none_are_refused() {
    let arn = |kind: &str| format!(r#"{{"AWS":"arn:aws:iam::{ACCOUNT}:{kind}"}}"#);
    for principal in [
        r#""123456789012""#.to_owned(),
        "{}".to_owned(),
        "7".to_owned(),
        r#"{"AWS":[]}"#.to_owned(),
        r#"{"AWS":"12345"}"#.to_owned(),
        r#"{"AWS":"AIDACKCEVSQ6C2EXAMPLE"}"#.to_owned(),
        r#"{"Service":"*"}"#.to_owned(),
        r#"{"User":"*"}"#.to_owned(),
        arn("user/*"),
        arn("user/a?n"),
        arn("group/g"),
        arn("user/"),
        arn("root/x"),
        r#"{"AWS":"arn:aws:iam::*:root"}"#.to_owned(),
        r#"{"AWS":"arn:aws:s3:::b"}"#.to_owned(),
    ] {
        let text = format!(r#"{{"Statement":{{"Effect":"Deny","Principal":{principal},"Action":"*","Resource":"*"}}}}"#);
        check_malformed(&text, "Invalid principal in policy");
    }
    let text =
        format!(r#"{{"Statement":{{"Effect":"Allow","NotPrincipal":{{"AWS":"{ACCOUNT}"}},"Action":"*","Resource":"*"}}}}"#);
    check_malformed(&text, "Allow with NotPrincipal");
}

/// What the matcher must agree with, written to be seen to be right.
fn plain(pattern: &[char], value: &[char]) -> bool {
    match (pattern, value) {
        ([], []) => true,
        (['*', rest @ ..], value) => (0..=value.len()).any(|n| plain(rest, value.split_at(n).1)),
        (['?', rest @ ..], [_, after @ ..]) => plain(rest, after),
        ([p, rest @ ..], [v, after @ ..]) => p == v && plain(rest, after),
        _ => false,
    }
}

proptest! {
    #[test]
    fn wildcards_agree_with_their_definition(pattern in "[ab*?]{0,8}", value in "[abc]{0,8}") {
        let syntax = pattern::Syntax { wildcards: true, variables: false };
        let symbols = pattern::Pattern::parse(&pattern, syntax).expect("a pattern").resolve(&Context::default()).expect("no variables");
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        prop_assert_eq!(pattern::matches(&symbols, &value, false), plain(&chars(&pattern), &chars(&value)));
    }

    #[test]
    fn any_text_is_answered(text in "\\PC{0,80}", statement in "[\"{}:,\\[\\]A-Za-z*]{0,80}") {
        let _ = Policy::parse(&text);
        let _ = Policy::parse(&format!("{{\"Statement\":{{{statement}}}}}"));
    }

    #[test]
    fn any_condition_is_answered(operator in operator(), wanted in value(), given in value()) {
        let wanted = serde_json::to_string(&wanted).expect("JSON");
        let text = format!(r#"{{"Version":"2012-10-17","Statement":{{{ALL},"Condition":{{"{operator}":{{"k":{wanted}}}}}}}}}"#);
        if let Ok(policy) = Policy::parse(&text) {
            let decision = policy.evaluate(&request(root(ACCOUNT), GET, &[("k", &given)]));
            prop_assert!(decision != Decision::Deny);
        }
    }
}

fn operator() -> impl Strategy<Value = String> {
    "(ForAllValues:|ForAnyValue:)?(StringLike|StringNotEquals|ArnLike|NumericLessThan|DateGreaterThan|Bool|IpAddress|NotIpAddress|Null)(IfExists)?"
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,12}",
        "[0-9.:/a-f]{0,20}",
        "[0-9TZ:+-]{0,25}",
        "arn(:[a-z*]{0,3}){0,6}",
        "(true|false|1e[0-9]{1,4}|\\$\\{k\\})"
    ]
}
