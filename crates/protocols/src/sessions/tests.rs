use time::macros::datetime;

use super::{gives, learn};
use crate::call::Session;
use crate::parameters::Value;

fn object(members: &[(&str, Value)]) -> Value {
    Value::Object(members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
}

fn credentials() -> (&'static str, Value) {
    let expiration = Value::Instant(datetime!(2030-01-01 00:00:00 UTC));
    let key = [("AccessKeyId", Value::text("ASIA1")), ("SecretAccessKey", Value::text("secret")), ("Expiration", expiration)];
    ("Credentials", object(&key))
}

fn session(made_by: &str) -> Session {
    Session {
        made_by: made_by.to_owned(),
        access_key_id: "ASIA1".to_owned(),
        expires_s: Some(1_893_456_000),
        arn: None,
        principal_id: None,
        role_arn: None,
        source_identity: None,
        tags: Vec::new(),
        transitive_tags: Vec::new(),
        mfa: false,
        federated_provider: None,
    }
}

#[test]
fn an_assumed_role_leads_back_to_who_assumed_it() {
    let tag = object(&[("Key", Value::text("team")), ("Value", Value::text("red"))]);
    let input = object(&[
        ("RoleArn", Value::text("arn:aws:iam::111122223333:role/r")),
        ("SourceIdentity", Value::text("dana")),
        ("Tags", Value::List(vec![tag])),
        ("TransitiveTagKeys", Value::List(vec![Value::text("team")])),
        ("SerialNumber", Value::text("arn:aws:iam::111122223333:mfa/dana")),
        ("TokenCode", Value::text("123456")),
    ]);
    let user =
        object(&[("Arn", Value::text("arn:aws:sts::111122223333:assumed-role/r/s")), ("AssumedRoleId", Value::text("AROA1:s"))]);
    let output = object(&[credentials(), ("AssumedRoleUser", user)]);
    let expected = Session {
        arn: Some("arn:aws:sts::111122223333:assumed-role/r/s".to_owned()),
        principal_id: Some("AROA1:s".to_owned()),
        role_arn: Some("arn:aws:iam::111122223333:role/r".to_owned()),
        source_identity: Some("dana".to_owned()),
        tags: vec![("team".to_owned(), "red".to_owned())],
        transitive_tags: vec!["team".to_owned()],
        mfa: true,
        ..session("AssumeRole")
    };
    assert_eq!(learn("sts", "AssumeRole", Some(&input), &output), Some(expected));
}

#[test]
fn other_operations_give_sessions_too() {
    let check = |service: &str, operation: &str, input: &[(&str, Value)], output: &[(&str, Value)], expected: Session| {
        assert_eq!(learn(service, operation, Some(&object(input)), &object(output)), Some(expected), "{operation}");
    };
    check("sts", "GetSessionToken", &[], &[credentials()], session("GetSessionToken"));
    check("s3", "CreateSession", &[], &[credentials()], session("CreateSession"));
    let user = object(&[("Arn", Value::text("arn:aws:sts::1:federated-user/f")), ("FederatedUserId", Value::text("1:f"))]);
    let federated = Session {
        arn: Some("arn:aws:sts::1:federated-user/f".to_owned()),
        principal_id: Some("1:f".to_owned()),
        ..session("GetFederationToken")
    };
    check("sts", "GetFederationToken", &[], &[credentials(), ("FederatedUser", user)], federated);
    let provider = [credentials(), ("Provider", Value::text("accounts.google.com"))];
    let web = Session { federated_provider: Some("accounts.google.com".to_owned()), ..session("AssumeRoleWithWebIdentity") };
    check("sts", "AssumeRoleWithWebIdentity", &[], &provider, web);
    let root = Session { arn: Some("arn:aws:iam::111122223333:root".to_owned()), ..session("AssumeRoot") };
    check("sts", "AssumeRoot", &[("TargetPrincipal", Value::text("111122223333"))], &[credentials()], root);
    let portal = object(&[("accessKeyId", Value::text("ASIA1")), ("expiration", Value::Number("1893456000123".to_owned()))]);
    check("sso", "GetRoleCredentials", &[], &[("roleCredentials", portal)], session("GetRoleCredentials"));
}

#[test]
fn nothing_is_learnt_from_anything_else() {
    assert!(gives("sts", "AssumeRole") && !gives("sts", "GetCallerIdentity") && !gives("iam", "CreateAccessKey"));
    assert_eq!(learn("iam", "CreateAccessKey", None, &object(&[credentials()])), None);
    assert_eq!(learn("sts", "AssumeRole", None, &Value::Null), None);
    assert_eq!(learn("sts", "AssumeRole", None, &object(&[("Credentials", Value::Null)])), None);
}

#[test]
fn what_is_longer_than_anything_of_aws_is_not_believed() {
    let key = |length: usize| object(&[("AccessKeyId", Value::text("A".repeat(length)))]);
    let learnt = |length: usize| learn("sts", "GetSessionToken", None, &object(&[("Credentials", key(length))])).is_some();
    assert_eq!([learnt(0), learnt(128), learnt(129)], [false, true, false]);
    let user = |length: usize| object(&[("Arn", Value::text("a".repeat(length)))]);
    let arn = |length: usize| {
        let output = object(&[credentials(), ("AssumedRoleUser", user(length))]);
        learn("sts", "AssumeRole", None, &output).unwrap().arn.map(|arn| arn.len())
    };
    assert_eq!([arn(2_048), arn(2_049)], [Some(2_048), None]);
}
