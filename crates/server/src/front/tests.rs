use super::*;

fn check(request: http::request::Builder, expected: &Kind) {
    let (parts, ()) = request.body(()).expect("a request").into_parts();
    assert_eq!(Kind::of(&parts), *expected, "{:?} {:?}", parts.uri, parts.headers);
}

fn signed(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=AKIA/20260302/us-east-1/{service}/aws4_request, SignedHeaders=host;x-amz-date, Signature=00"
    )
}

#[test]
fn reserved_paths_come_first_then_the_target_then_the_service_of_the_signature() {
    let request = |uri: &str| Request::builder().uri(uri);
    check(request("/healthz").header("authorization", signed("s3")), &Kind::Reserved);
    check(request("/v1/events").header(api::json::TARGET, "x"), &Kind::Reserved);
    check(request("/v1events").header("authorization", signed("s3")), &Kind::S3);
    check(request("/").header(api::json::TARGET, "x").header("authorization", signed("s3")), &Kind::AwsJson);
    for (service, kind) in [
        ("cloudtrail", Kind::AwsJson),
        ("cloudtrail-data", Kind::CloudTrailData),
        ("s3", Kind::S3),
        ("sts", Kind::Sts),
        ("iam", Kind::NotBuilt("iam")),
        ("organizations", Kind::NotBuilt("organizations")),
        ("ec2", Kind::Nobody),
    ] {
        check(request("/").header("authorization", signed(service)), &kind);
    }
    check(
        request("/bucket/key?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%2F20260302%2Fus-east-1%2Fs3%2Faws4_request"),
        &Kind::S3,
    );
    check(request("/").header("authorization", "AWS AKIA:c2lnbmF0dXJl"), &Kind::S3);
    check(request("/bucket/key?AWSAccessKeyId=AKIA&Signature=x"), &Kind::S3);
    check(request("/"), &Kind::Nobody);
}
