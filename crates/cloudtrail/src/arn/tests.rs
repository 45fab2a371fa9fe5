use proptest::prelude::*;

use super::*;

/// `expected` is the parts joined with `|`, or the error.
fn check(text: &str, expected: Result<&str, Invalid>) {
    let parts = |arn: Arn| {
        assert_eq!(arn.to_string(), text, "prints as it was given");
        format!("{}|{}|{}|{}|{}", arn.partition, arn.service, arn.region, arn.account, arn.resource)
    };
    assert_eq!(text.parse::<Arn>().map(parts), expected.map(str::to_owned), "{text}");
}

#[test]
fn arns_are_taken_apart() {
    check("arn:aws:cloudtrail:us-east-1:123456789012:trail/main", Ok("aws|cloudtrail|us-east-1|123456789012|trail/main"));
    check("arn:aws:s3:::bucket/a:b/c", Ok("aws|s3|||bucket/a:b/c"));
    check("arn:aws-cn:iam::aws:policy/X", Ok("aws-cn|iam||aws|policy/X"));
    check("arn:aws:lambda:eu-west-1:1:function:f", Ok("aws|lambda|eu-west-1|1|function:f"));
    check("arn:aws:s3:::clé/ü", Ok("aws|s3|||clé/ü"));
}

#[test]
fn other_texts_are_refused_with_the_reason() {
    check("", Err(Invalid::Shape));
    check("arn", Err(Invalid::Shape));
    check("arn:aws:s3", Err(Invalid::Shape));
    check("ARN:aws:s3:::b", Err(Invalid::Shape));
    check("arn:aws:s3::b", Err(Invalid::Shape));
    check("arn::s3:::b", Err(Invalid::Part("partition")));
    check("arn:aws::::b", Err(Invalid::Part("service")));
    check("arn:aws:s3:eu west:1:b", Err(Invalid::Part("region")));
    check("arn:aws:s3::a/b:c", Err(Invalid::Part("account")));
    check("arn:aws:s3:::", Err(Invalid::Part("resource")));
    check("arn:aws:s3:::a\nb", Err(Invalid::Part("resource")));
    check(&format!("arn:aws:s3:::{}", "x".repeat(CHARS_MAX)), Err(Invalid::TooLong));
}

#[test]
fn a_trail_arn_names_its_trail() {
    let home: Region = "eu-west-1".parse().expect("a Region");
    let owner: AccountId = "123456789012".parse().expect("an account");
    let arn = trail_arn("aws", &home, owner, "main");
    assert_eq!(arn.to_string(), "arn:aws:cloudtrail:eu-west-1:123456789012:trail/main");
    assert_eq!(arn.trail_name(), Some("main"));
    let other: Arn = "arn:aws:s3:::trail/main".parse().expect("an ARN");
    assert_eq!(other.trail_name(), None);
}

#[test]
fn an_arn_is_text_in_json() {
    let arn: Arn = serde_json::from_str("\"arn:aws:s3:::b/k\"").expect("an ARN");
    assert_eq!(serde_json::to_string(&arn).expect("text"), "\"arn:aws:s3:::b/k\"");
    assert!(serde_json::from_str::<Arn>("\"b/k\"").is_err());
}

proptest! {
    #[test]
    fn what_parses_prints_the_same(text in "arn:[a-z-]{0,6}:[a-z0-9]{0,6}:[a-z0-9-]{0,9}:[0-9a-z]{0,12}:\\PC{0,40}") {
        if let Ok(arn) = text.parse::<Arn>() {
            prop_assert_eq!(arn.to_string(), text);
        }
    }

    #[test]
    fn any_text_is_answered(text in any::<String>()) {
        if let Ok(arn) = text.parse::<Arn>() {
            prop_assert_eq!(arn.to_string(), text);
        }
    }
}
