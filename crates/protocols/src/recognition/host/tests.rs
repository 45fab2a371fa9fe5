use super::{bucket, is_of_aws, services};
use crate::call::Surroundings;
use crate::recognition::Protocols;

#[test]
fn hosts_without_a_bucket_have_none() {
    for host in [
        "localhost",
        "s3.localhost",
        "127.0.0.1",
        "s3.amazonaws.com",
        "s3.eu-west-1.amazonaws.com",
        "s3-eu-west-1.amazonaws.com",
        "123456789012.s3-control.eu-west-1.amazonaws.com",
        "route.s3-object-lambda.eu-west-1.amazonaws.com",
        "dynamodb.eu-west-1.amazonaws.com",
        "example.org",
        "notbuckets.example.org",
        ".buckets.example.org",
        "..amazonaws.com",
    ] {
        assert_eq!(bucket(host, &buckets(false)), None, "{host}");
    }
}

fn buckets(only_bucket_domains: bool) -> Surroundings {
    Surroundings { bucket_domains: vec!["buckets.example.org".to_owned()], only_bucket_domains, ..Surroundings::default() }
}

#[test]
fn no_bucket_is_believed_that_the_service_does_not_see() {
    for host in ["b.localhost", "b.s3.amazonaws.com", "b.s3.eu-west-1.amazonaws.com"] {
        assert_eq!(bucket(host, &buckets(false)), Some("b"), "{host}");
        assert_eq!(bucket(host, &buckets(true)), None, "{host}");
    }
    assert_eq!(bucket("b.buckets.example.org", &buckets(true)), Some("b"));
    assert!(is_of_aws("s3.eu-west-1.amazonaws.com") && is_of_aws("S3.Amazonaws.com") && !is_of_aws("minio"));
}

#[test]
fn hosts_of_aws_name_a_service() {
    let protocols = Protocols::new().unwrap();
    let named = |host: &str| {
        let found = services(host, &protocols);
        found.first().and_then(|at| protocols.heading(*at)).map(|heading| heading.name.clone()).unwrap_or_default()
    };
    assert_eq!(named("portal.sso.eu-west-1.amazonaws.com"), "sso");
    assert_eq!(named("oidc.eu-west-1.amazonaws.com"), "sso-oidc");
    assert_eq!(named("bucket.s3.eu-west-1.amazonaws.com"), "s3");
    assert_eq!(named("example.org"), "");
    assert_eq!(named(".amazonaws.com"), "");
}
