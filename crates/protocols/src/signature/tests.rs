use bytes::Bytes;
use http::Request;

use super::Signer;
use crate::call::Body;

fn check(headers: &[(&str, &str)], uri: &str, body: &str, expected: Option<(&str, &str, &str, Option<&str>, bool)>) {
    let mut request = Request::builder().uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let body = Body { whole: Some(Bytes::copy_from_slice(body.as_bytes())) };
    let signer = Signer::of(&parts, &body);
    let told = signer.as_ref().map(|signer| {
        let Signer { access_key_id, version, method, region, session_token_present, .. } = signer;
        (access_key_id.as_str(), version.as_str(), method.as_str(), region.as_deref(), *session_token_present)
    });
    assert_eq!(told, expected, "{uri} {headers:?}");
}

#[test]
fn signatures_in_the_header_name_their_key() {
    let v4 = "AWS4-HMAC-SHA256 Credential=AKID/20150830/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=00";
    check(&[("authorization", v4)], "/b/k", "", Some(("AKID", "SigV4", "AuthHeader", Some("eu-west-1"), false)));
    check(
        &[("authorization", v4), ("x-amz-security-token", "t")],
        "/b/k",
        "",
        Some(("AKID", "SigV4", "AuthHeader", Some("eu-west-1"), true)),
    );
    let v4a = "AWS4-ECDSA-P256-SHA256 Credential=AKID/20150830/s3/aws4_request, SignedHeaders=host, Signature=00";
    check(&[("authorization", v4a)], "/b/k", "", Some(("AKID", "SigV4A", "AuthHeader", None, false)));
    check(&[("authorization", "AWS AKID:c2ln")], "/b/k", "", Some(("AKID", "SigV2", "AuthHeader", None, false)));
}

#[test]
fn presigned_urls_name_their_key() {
    let v4 = "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20150830%2Fus-east-1%2Fs3%2Faws4_request\
              &X-Amz-Date=20150830T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=00";
    check(&[], v4, "", Some(("AKID", "SigV4", "QueryString", Some("us-east-1"), false)));
    let v2 = "/b/k?AWSAccessKeyId=AKID&Expires=1500000000&Signature=c2ln&x-amz-security-token=t";
    check(&[], v2, "", Some(("AKID", "SigV2", "QueryString", None, true)));
}

#[test]
fn a_posted_form_names_its_key() {
    let form = |fields: &[(&str, &str)]| {
        let mut text = String::new();
        for (name, value) in fields {
            text += &format!("--xx\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        }
        text + "--xx\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\ncontent\r\n--xx--\r\n"
    };
    let headers = [("content-type", "multipart/form-data; boundary=xx")];
    let v4 = form(&[("key", "k"), ("x-amz-credential", "AKID/20150830/us-east-1/s3/aws4_request")]);
    check(&headers, "/b", &v4, Some(("AKID", "SigV4", "PostPolicy", Some("us-east-1"), false)));
    let v2 = form(&[("AWSAccessKeyId", "AKID"), ("signature", "c2ln")]);
    check(&headers, "/b", &v2, Some(("AKID", "SigV2", "PostPolicy", None, false)));
    check(&headers, "/b", &form(&[("key", "k")]), None);
}

#[test]
fn what_is_no_signature_names_nobody() {
    let long = format!("AWS {}:sig", "A".repeat(129));
    for header in ["", "Bearer x", "AWS ", "AWS :sig", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=a/b", &long] {
        check(&[("authorization", header)], "/b/k", "", None);
    }
    check(&[], "/b/k?X-Amz-Credential=AKID", "", None);
    check(&[], "/b/k?AWSAccessKeyId=AKID", "", None);
    for body in ["", "--xx", "--xx\r\n", "--xx\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nno end"] {
        check(&[("content-type", "multipart/form-data; boundary=xx")], "/b", body, None);
    }
    check(&[("content-type", "multipart/form-data; boundary=")], "/b", "--\r\n", None);
}

#[test]
fn who_signed_is_found_wherever_it_stands() {
    let junk = "a&".repeat(600);
    let v4 = format!("/b/k?{junk}X-Amz-Credential=AKID%2F20150830%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature=00");
    check(&[], &v4, "", Some(("AKID", "SigV4", "QueryString", Some("us-east-1"), false)));
    let v2 = format!("/b/k?{junk}AWSAccessKeyId=AKID&Expires=1500000000&Signature=c2ln");
    check(&[], &v2, "", Some(("AKID", "SigV2", "QueryString", None, false)));
    let form = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
    let body = "Action=ListDomains&AWSAccessKeyId=AKID&SignatureVersion=2&Signature=c2ln";
    check(&form, "/", body, Some(("AKID", "SigV2", "PostPolicy", None, false)));
    check(&form, "/", "Action=ListDomains", None);
}

#[test]
fn a_boundary_is_as_long_as_boundaries_are() {
    let signed = |length: usize| {
        let boundary = "x".repeat(length);
        let body =
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"AWSAccessKeyId\"\r\n\r\nAKID\r\n--{boundary}--");
        let content_type = format!("multipart/form-data; boundary={boundary}");
        let expected = (length <= 70).then_some(("AKID", "SigV2", "PostPolicy", None, false));
        check(&[("content-type", &content_type)], "/b", &body, expected);
    };
    signed(70);
    signed(71);
}
