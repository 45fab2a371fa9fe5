//! What a request must show.

use std::time::{Duration, SystemTime};

use aws_sdk_s3::presigning::PresigningConfig;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use reqwest::Method;
use server::buckets::unsupported::UNSUPPORTED;

use super::*;

/// How a request is signed, for the ways an SDK never signs.
struct Signing<'a> {
    region: &'a str,
    service: &'a str,
    secret: &'a str,
    age: Duration,
    headers: Vec<(&'a str, &'a str)>,
    /// Headers added after the signature.
    unsigned: Vec<(&'a str, &'a str)>,
}

impl Default for Signing<'_> {
    fn default() -> Self {
        let (headers, unsigned) = (Vec::new(), Vec::new());
        Self { region: "us-east-1", service: "s3", secret: OWNER.2, age: Duration::ZERO, headers, unsigned }
    }
}

#[expect(clippy::disallowed_methods, reason = "signatures are checked against the machine's clock")]
fn now() -> SystemTime {
    SystemTime::now()
}

/// Sends a signed request; returns status and body.
async fn send(server: &Running, method: Method, path: &str, body: &str, signing: Signing<'_>) -> (u16, String) {
    let identity = Credentials::new(OWNER.1, signing.secret, None, None, "test").into();
    let mut settings = SigningSettings::default();
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(signing.region)
        .name(signing.service)
        .time(now() - signing.age)
        .settings(settings)
        .build()
        .unwrap();
    let url = format!("{}{path}", server.url());
    let signable =
        SignableRequest::new(method.as_str(), &url, signing.headers.iter().copied(), SignableBody::Bytes(body.as_bytes()));
    let (instructions, _) = sign(signable.unwrap(), &parameters.into()).unwrap().into_parts();
    let mut request = reqwest::Client::new().request(method, &url).body(body.to_owned());
    for (name, value) in instructions.headers().chain(signing.headers.iter().copied()).chain(signing.unsigned.iter().copied()) {
        request = request.header(name, value);
    }
    let answer = request.send().await.unwrap();
    assert!(answer.headers().contains_key("x-amz-request-id") && answer.headers().contains_key("x-amz-id-2"));
    (answer.status().as_u16(), answer.text().await.unwrap())
}

fn error(answer: &(u16, String)) -> String {
    let (_, rest) = answer.1.split_once("<Code>").unwrap_or_else(|| panic!("no error in {answer:?}"));
    rest.split_once("</Code>").unwrap().0.to_owned()
}

#[tokio::test]
async fn a_signed_request_is_answered_and_an_unsigned_one_is_not() {
    let server = start().await;
    let client = server.bucket("signed").await;
    put(&client, "signed", "k", "hello").await;
    assert_eq!(send(&server, Method::GET, "/signed/k", "", Signing::default()).await, (200, "hello".into()));
    let anonymous = reqwest::get(format!("{}/signed/k", server.url())).await.unwrap();
    assert_eq!(anonymous.status().as_u16(), 403);
    let document = anonymous.text().await.unwrap();
    for part in [
        "<Code>AccessDenied</Code>",
        "<Message>Access Denied</Message>",
        "<Resource>/signed/k</Resource>",
        "<RequestId>",
        "<HostId>",
    ] {
        assert!(document.contains(part), "{part} in {document}");
    }
}

#[tokio::test]
async fn a_wrong_signature_is_told_apart() {
    let server = start().await;
    server.bucket("signed").await;
    let check = async |signing: Signing<'_>, expected: &str| {
        let answer = send(&server, Method::GET, "/signed", "", signing).await;
        assert_eq!(error(&answer), expected, "{answer:?}");
        assert!(answer.1.contains("<Message>") && !answer.1.contains("<Message></Message>"), "{answer:?}");
    };
    check(Signing { secret: "wrong", ..Signing::default() }, "SignatureDoesNotMatch").await;
    check(Signing { region: "mars-1", ..Signing::default() }, "AuthorizationHeaderMalformed").await;
    check(Signing { service: "sts", ..Signing::default() }, "AuthorizationHeaderMalformed").await;
    check(Signing { age: Duration::from_mins(16), ..Signing::default() }, "RequestTimeTooSkewed").await;
    check(Signing { headers: vec![("x-amz-security-token", "x")], ..Signing::default() }, "InvalidToken").await;
    check(Signing { unsigned: vec![("x-amz-acl", "private")], ..Signing::default() }, "AccessDenied").await;
    let old = reqwest::Client::new().get(format!("{}/signed", server.url()));
    let old = old
        .header("authorization", "AWS AKIAOWNER00000000000:c2ln")
        .header("date", "Fri, 20 Nov 2026 10:00:00 GMT")
        .send()
        .await
        .unwrap();
    assert_eq!(old.status().as_u16(), 400);
    assert!(old.text().await.unwrap().contains("Please use AWS4-HMAC-SHA256"));
    let other = server.client_of((OWNER.0, "AKIANOBODY0000000000", "x"), "us-east-1");
    assert_eq!(code(other.list_buckets().send().await), "InvalidAccessKeyId");
}

#[tokio::test]
async fn a_header_added_to_a_presigned_url_makes_it_no_copy() {
    let server = start().await;
    let client = server.bucket("presigned").await;
    put(&client, "presigned", "secret", "secret").await;
    let hour = PresigningConfig::expires_in(Duration::from_hours(1)).unwrap();
    let url = client.put_object().bucket("presigned").key("drop").presigned(hour.clone()).await.unwrap();
    let send = |extra: Option<(&'static str, &'static str)>, body: &'static str| {
        let mut request = reqwest::Client::new().put(url.uri()).body(body);
        for (name, value) in url.headers().chain(extra) {
            request = request.header(name, value);
        }
        request.send()
    };
    let answer = send(Some(("x-amz-copy-source", "presigned/secret")), "").await.unwrap();
    assert_eq!(answer.status().as_u16(), 403);
    assert!(answer.text().await.unwrap().contains("x-amz-copy-source"));
    assert_eq!(code(client.get_object().bucket("presigned").key("drop").send().await), "NoSuchKey");
    let answer = send(None, "dropped").await.unwrap();
    assert_eq!(answer.status().as_u16(), 200, "{}", answer.text().await.unwrap());
    assert_eq!(get(&client, "presigned", "drop").await, b"dropped");

    let url = client.get_object().bucket("presigned").key("drop").presigned(hour).await.unwrap();
    assert_eq!(reqwest::get(url.uri()).await.unwrap().text().await.unwrap(), "dropped");
    assert_eq!(reqwest::get(url.uri().replace("/drop", "/secret")).await.unwrap().status().as_u16(), 403);
}

#[tokio::test]
async fn a_document_is_checked_against_its_digest() {
    let server = start().await;
    let client = server.bucket("documents").await;
    put(&client, "documents", "k", "x").await;
    let body = "<Delete><Object><Key>k</Key></Object></Delete>";
    let wrong = Signing { headers: vec![("content-md5", "XUFAKrxLKna5cZ2REBfFkg==")], ..Signing::default() };
    assert_eq!(error(&send(&server, Method::POST, "/documents?delete=", body, wrong).await), "BadDigest");
    let wrong = Signing { headers: vec![("x-amz-checksum-crc32", "AAAAAA==")], ..Signing::default() };
    assert_eq!(error(&send(&server, Method::POST, "/documents?delete=", body, wrong).await), "BadDigest");
    assert_eq!(get(&client, "documents", "k").await, b"x");
    assert_eq!(send(&server, Method::POST, "/documents?delete=", body, Signing::default()).await.0, 200);
}

#[tokio::test]
async fn an_unknown_word_in_the_query_deletes_and_makes_nothing() {
    let server = start().await;
    let client = server.bucket("words").await;
    put(&client, "words", "k", "x").await;
    for (method, path) in [
        (Method::DELETE, "/words?notification="),
        (Method::DELETE, "/words/k?acl="),
        (Method::PUT, "/made?abac="),
        (Method::PUT, "/words/k?renameObject="),
        (Method::GET, "/words?metadataInventoryTable="),
    ] {
        let answer = send(&server, method.clone(), path, "", Signing::default()).await;
        assert_eq!((answer.0, error(&answer).as_str()), (501, "NotImplemented"), "{method} {path}");
    }
    assert_eq!(get(&client, "words", "k").await, b"x");
    assert_eq!(send(&server, Method::GET, "/words/k?x-id=GetObject", "", Signing::default()).await, (200, "x".into()));
}

#[tokio::test]
async fn what_is_not_implemented_says_so_by_name() {
    let server = start().await;
    let client = server.bucket("unbuilt").await;
    put(&client, "unbuilt", "k", "x").await;
    let words = [
        "accelerate",
        "analytics",
        "cors",
        "encryption",
        "intelligent-tiering",
        "inventory",
        "lifecycle",
        "logging",
        "metrics",
        "notification",
        "object-lock",
        "replication",
        "requestPayment",
        "versioning",
        "website",
    ];
    let on_objects = [
        (Method::PUT, "/unbuilt/k?legal-hold="),
        (Method::PUT, "/unbuilt/k?retention="),
        (Method::GET, "/unbuilt/k?torrent="),
        (Method::POST, "/unbuilt/k?restore="),
        (Method::POST, "/unbuilt/k?select=&select-type=2"),
        (Method::GET, "/unbuilt?session="),
    ];
    let on_bucket = words.map(|word| (Method::PUT, format!("/unbuilt?{word}=&id=1")));
    for (method, path) in on_objects.map(|(method, path)| (method, path.to_owned())).into_iter().chain(on_bucket) {
        let answer = send(&server, method.clone(), &path, "<x/>", Signing::default()).await;
        assert_eq!((answer.0, error(&answer).as_str()), (501, "NotImplemented"), "{method} {path}");
        let named =
            UNSUPPORTED.iter().any(|(name, why)| answer.1.contains(&format!("Trailkeep does not implement {name}: {why}.")));
        assert!(named, "{method} {path}: {}", answer.1);
    }
}

#[tokio::test]
async fn a_form_is_no_way_in() {
    let server = start().await;
    server.bucket("forms").await;
    let headers = vec![("content-type", "multipart/form-data; boundary=x")];
    let answer = send(&server, Method::POST, "/forms", "--x--", Signing { headers, ..Signing::default() }).await;
    assert_eq!((answer.0, error(&answer).as_str()), (501, "NotImplemented"));
    assert!(answer.1.contains("PostObject"));
}

#[tokio::test]
async fn a_bucket_can_be_named_by_the_host() {
    let server = start().await;
    let client = server.bucket("hosted").await;
    put(&client, "hosted", "k", "hello").await;
    let signing = Signing { headers: vec![("host", "hosted.s3.localhost")], ..Signing::default() };
    assert_eq!(send(&server, Method::GET, "/k", "", signing).await, (200, "hello".into()));
    let signing = Signing { headers: vec![("host", "localhost:4750")], ..Signing::default() };
    assert_eq!(send(&server, Method::GET, "/hosted/k", "", signing).await, (200, "hello".into()));
}

#[tokio::test]
async fn a_body_that_is_not_the_signed_one_stores_nothing() {
    let server = start().await;
    let client = server.bucket("bodies").await;
    let hash = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    let signing = Signing { headers: vec![("x-amz-content-sha256", hash)], ..Signing::default() };
    let (status, body) = send(&server, Method::PUT, "/bodies/k", "other", signing).await;
    assert!(matches!(status, 400 | 403), "{status} {body}");
    assert_eq!(code(client.get_object().bucket("bodies").key("k").send().await), "NoSuchKey");
    assert!(server.files().is_empty());
}
