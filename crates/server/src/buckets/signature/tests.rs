use http::header::HOST;

use super::*;

const SCOPE: &str = "AKIA/20261120/us-east-1/s3/aws4_request";

fn regions() -> Vec<String> {
    vec!["us-east-1".to_owned(), "eu-west-1".to_owned()]
}

fn signed(credential: &str, signed_headers: &str, headers: &[(&str, &str)]) -> Request<()> {
    let authorization = format!("{ALGORITHM} Credential={credential}, SignedHeaders={signed_headers}, Signature=ab");
    let mut request = Request::builder().uri("http://h/bucket/key").header(HOST, "h").header(AUTHORIZATION, authorization);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap()
}

fn code(outcome: Result<Claim, Error>) -> &'static str {
    outcome.expect_err("the request is refused").code()
}

#[test]
fn a_claim_names_key_region_and_method() {
    let mut request = signed("A/B/20261120/eu-west-1/s3/aws4_request", "host;x-amz-date", &[("x-amz-date", "20261120T000000Z")]);
    let claim = inspect(&mut request, &regions()).unwrap();
    assert_eq!(claim, Claim { access_key: "A/B".into(), region: "eu-west-1".into(), method: Method::AuthHeader });
}

#[test]
fn every_amz_header_and_the_host_must_be_signed() {
    let check = |signed_headers: &str, headers: &[(&str, &str)], ok: bool| {
        let outcome = inspect(&mut signed(SCOPE, signed_headers, headers), &regions());
        assert_eq!(outcome.is_ok(), ok, "{signed_headers} {headers:?}");
    };
    check("host;x-amz-acl", &[("x-amz-acl", "private")], true);
    check("host", &[("x-amz-acl", "private")], false);
    check("host", &[("x-amz-meta-a", "b")], false);
    check("host", &[("x-amz-content-sha256", "UNSIGNED-PAYLOAD")], true);
    check("host", &[("x-amzn-trace-id", "set by a load balancer")], true);
    check("x-amz-date", &[], false);
}

#[test]
fn scope_and_mechanism_are_checked() {
    let header = |credential: &str| code(inspect(&mut signed(credential, "host", &[]), &regions()));
    assert_eq!(header("AKIA/20261120/mars-1/s3/aws4_request"), "AuthorizationHeaderMalformed");
    assert_eq!(header("AKIA/20261120/us-east-1/sts/aws4_request"), "AuthorizationHeaderMalformed");
    assert_eq!(header("AKIA/20261120/us-east-1/s3/aws3_request"), "AuthorizationHeaderMalformed");
    assert_eq!(header("AKIA"), "AuthorizationHeaderMalformed");
    let of = |uri: &str, authorization: Option<&str>| {
        let mut request = Request::builder().uri(uri).header(HOST, "h");
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        code(inspect(&mut request.body(()).unwrap(), &regions()))
    };
    assert_eq!(of("http://h/b", None), "AccessDenied");
    assert_eq!(of("http://h/b", Some("AWS AKIA:sig")), "InvalidRequest");
    assert_eq!(of("http://h/b", Some("AWS4-ECDSA-P256-SHA256 Credential=x")), "InvalidRequest");
    assert_eq!(of("http://h/b?AWSAccessKeyId=A&Signature=s&Expires=9", None), "InvalidRequest");
    assert_eq!(of("http://h/b?X-Amz-Signature=s", Some("AWS4-HMAC-SHA256 Credential=x")), "InvalidArgument");
    let presigned = |expires: &str, extra: &str| {
        let uri = format!(
            "http://h/b?X-Amz-Algorithm={ALGORITHM}&X-Amz-Credential={SCOPE}&X-Amz-Date=20261120T000000Z&X-Amz-Expires={expires}\
             &X-Amz-SignedHeaders=host&X-Amz-Signature=s{extra}"
        );
        of(&uri, None)
    };
    assert_eq!(presigned("604801", ""), "AuthorizationQueryParametersError");
    assert_eq!(presigned("60", "&X-Amz-Expires=70"), "AuthorizationQueryParametersError");
}

#[test]
fn a_session_token_comes_with_keys_made_for_a_while_and_with_no_others() {
    let check = |uri: &str, header: Option<&str>, expected: Option<&str>| {
        let mut request = Request::builder().uri(uri);
        if let Some(token) = header {
            request = request.header("x-amz-security-token", token);
        }
        check_session_token(&request.body(()).unwrap(), expected).is_ok()
    };
    let presigned = "http://h/b?X-Amz-Security-Token=t";
    assert!(check("http://h/b", None, None));
    assert!(!check("http://h/b", Some("t"), None));
    assert!(!check(presigned, None, None));
    assert!(check("http://h/b", Some("t"), Some("t")));
    assert!(check(presigned, None, Some("t")));
    assert!(!check(presigned, Some("u"), Some("t")));
    assert!(!check("http://h/b", Some("u"), Some("t")));
    assert!(!check("http://h/b", None, Some("t")));
}

#[test]
fn what_a_presigned_url_says_in_its_query_counts_as_header() {
    let uri = format!(
        "http://h/b/k?X-Amz-Algorithm={ALGORITHM}&X-Amz-Credential={SCOPE}&X-Amz-Date=20261120T000000Z&X-Amz-Expires=60\
         &X-Amz-SignedHeaders=host&X-Amz-Signature=s&x-amz-meta-a=one%20two&X-Amz-Acl=public-read"
    );
    let mut request = Request::builder().uri(uri).header(HOST, "h").body(()).unwrap();
    let claim = inspect(&mut request, &regions()).unwrap();
    assert_eq!(claim.method, Method::QueryString);
    assert_eq!(request.headers()["x-amz-meta-a"], "one two");
    assert_eq!(request.headers()["x-amz-acl"], "public-read");
    assert!(!request.headers().contains_key("x-amz-date"));
}
