use std::collections::BTreeSet;

use bytes::Bytes;
use cloudtrail::record::ResourceArn;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};

use super::*;
use crate::recognition::Recognised;

const HOST: &str = "b.s3.eu-west-1.amazonaws.com";

/// A request of a virtual host, read: what its record says.
struct Read {
    nature: Nature,
    parameters: String,
    resources: Vec<String>,
}

fn read(operation: &str, request: &str, headers: &[(&str, &str)], body: &str) -> Read {
    let (method, path) = request.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(path).header("host", HOST);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let body = Body { whole: Some(Bytes::copy_from_slice(body.as_bytes())) };
    let key = parts.uri.path().trim_start_matches('/');
    let account = matches!(operation, "ListBuckets" | "ListDirectoryBuckets" | "WriteGetObjectResponse");
    let mut recognised = Recognised::default();
    (recognised.bucket, recognised.key) =
        ((!account).then(|| "b".to_owned()), (!account && !key.is_empty()).then(|| key.to_owned()));
    let surroundings = Surroundings { account: "111122223333".to_owned(), ..Surroundings::default() };
    let parameters = parameters(operation, &recognised, &parts, &body);
    Read {
        nature: nature(operation, recognised.bucket.as_deref()),
        resources: resources(operation, &parameters, &surroundings, "eu-west-1").iter().map(told).collect(),
        parameters: parameters.render().get().to_owned(),
    }
}

fn told(resource: &Resource) -> String {
    let account = resource.account.map(|account| format!(" of {account}")).unwrap_or_default();
    let type_ = resource.type_.as_deref().unwrap_or_default();
    match &resource.arn {
        ResourceArn::Whole(arn) => format!("{type_} {arn}{account}"),
        ResourceArn::Prefix(arn) => format!("{type_} {arn}*{account}"),
        ResourceArn::Untold => format!("{type_}{account}"),
    }
}

/// `kind` is the name in records, R or W, M or D, and what the call is about. `extra` are the parameters beyond
/// bucketName, Host and key.
fn check(operation: &str, request: &str, headers: &[(&str, &str)], body: &str, kind: &str, extra: &str) {
    let Read { nature, parameters, resources } = read(operation, request, headers, body);
    let [name, nature_told, about] = kind.split(' ').collect::<Vec<_>>().try_into().unwrap();
    let (reads, manages) = (nature.read_only, nature.management);
    let found = format!("{}{}", if reads { "R" } else { "W" }, if manages { "M" } else { "D" });
    assert_eq!((nature.event_name.as_str(), found.as_str()), (name, nature_told), "{operation}");
    let bucket = "AWS::S3::Bucket arn:aws:s3:::b of 111122223333";
    let expected: Vec<&str> = match about {
        "object" => vec!["AWS::S3::Object arn:aws:s3:::b/k", bucket],
        "keys" => vec!["AWS::S3::Object arn:aws:s3:::b/*", bucket],
        "below" => vec!["AWS::S3::Object arn:aws:s3:::b/p/*", bucket],
        "bucket" => vec![bucket],
        _ => vec![],
    };
    assert_eq!(resources, expected, "{operation}");
    let mut known = format!(r#""Host":"{HOST}""#);
    if about != "account" {
        known = format!(r#""bucketName":"b",{known}"#);
    }
    if about == "object" {
        known += r#","key":"k""#;
    }
    let comma = if extra.is_empty() { "" } else { "," };
    assert_eq!(parameters, format!("{{{known}{comma}{extra}}}"), "{operation}");
}

/// Operations on a sub-resource of a bucket or an object, whose parameters are its name and its document.
fn check_named(operations: &[(&str, &str, &str)]) {
    for (operation, request, kind) in operations {
        let name = request.rsplit('?').next().unwrap();
        let (body, document) = match request.split(' ').next().unwrap() {
            "PUT" | "POST" => ("<Doc><A>1</A></Doc>", r#","Doc":{"A":1}"#),
            _ => ("", ""),
        };
        check(operation, request, &[], body, kind, &format!(r#""{name}":""{document}"#));
    }
}

#[test]
fn settings_of_buckets_are_management_events_with_their_name_and_their_document() {
    check_named(&[
        ("CreateBucketMetadataConfiguration", "POST /?metadataConfiguration", "CreateBucketMetadataConfiguration WM bucket"),
        ("CreateBucketMetadataTableConfiguration", "POST /?metadataTable", "CreateBucketMetadataTableConfiguration WM bucket"),
        ("DeleteBucketCors", "DELETE /?cors", "DeleteBucketCors WM bucket"),
        ("DeleteBucketEncryption", "DELETE /?encryption", "DeleteBucketEncryption WM bucket"),
        ("DeleteBucketLifecycle", "DELETE /?lifecycle", "DeleteBucketLifecycle WM bucket"),
        ("DeleteBucketMetadataConfiguration", "DELETE /?metadataConfiguration", "DeleteBucketMetadataConfiguration WM bucket"),
        ("DeleteBucketMetadataTableConfiguration", "DELETE /?metadataTable", "DeleteBucketMetadataTableConfiguration WM bucket"),
        ("DeleteBucketOwnershipControls", "DELETE /?ownershipControls", "DeleteBucketOwnershipControls WM bucket"),
        ("DeleteBucketPolicy", "DELETE /?policy", "DeleteBucketPolicy WM bucket"),
        ("DeleteBucketReplication", "DELETE /?replication", "DeleteBucketReplication WM bucket"),
        ("DeleteBucketTagging", "DELETE /?tagging", "DeleteBucketTagging WM bucket"),
        ("DeleteBucketWebsite", "DELETE /?website", "DeleteBucketWebsite WM bucket"),
        ("DeletePublicAccessBlock", "DELETE /?publicAccessBlock", "DeleteBucketPublicAccessBlock WM bucket"),
        ("GetBucketAbac", "GET /?abac", "GetBucketAbac RM bucket"),
        ("GetBucketAccelerateConfiguration", "GET /?accelerate", "GetAccelerateConfiguration RM bucket"),
        ("GetBucketAcl", "GET /?acl", "GetBucketAcl RM bucket"),
        ("GetBucketCors", "GET /?cors", "GetBucketCors RM bucket"),
        ("GetBucketEncryption", "GET /?encryption", "GetBucketEncryption RM bucket"),
        ("GetBucketLifecycle", "GET /?lifecycle", "GetBucketLifecycle RM bucket"),
        ("GetBucketLifecycleConfiguration", "GET /?lifecycle", "GetBucketLifecycle RM bucket"),
        ("GetBucketLocation", "GET /?location", "GetBucketLocation RM bucket"),
        ("GetBucketLogging", "GET /?logging", "GetBucketLogging RM bucket"),
        ("GetBucketMetadataConfiguration", "GET /?metadataConfiguration", "GetBucketMetadataConfiguration RM bucket"),
        ("GetBucketMetadataTableConfiguration", "GET /?metadataTable", "GetBucketMetadataTableConfiguration RM bucket"),
        ("GetBucketNotification", "GET /?notification", "GetBucketNotification RM bucket"),
        ("GetBucketNotificationConfiguration", "GET /?notification", "GetBucketNotification RM bucket"),
        ("GetBucketOwnershipControls", "GET /?ownershipControls", "GetBucketOwnershipControls RM bucket"),
        ("GetBucketPolicy", "GET /?policy", "GetBucketPolicy RM bucket"),
        ("GetBucketPolicyStatus", "GET /?policyStatus", "GetBucketPolicyStatus RM bucket"),
        ("GetBucketReplication", "GET /?replication", "GetBucketReplication RM bucket"),
        ("GetBucketRequestPayment", "GET /?requestPayment", "GetBucketRequestPayment RM bucket"),
        ("GetBucketTagging", "GET /?tagging", "GetBucketTagging RM bucket"),
        ("GetBucketVersioning", "GET /?versioning", "GetBucketVersioning RM bucket"),
        ("GetBucketWebsite", "GET /?website", "GetBucketWebsite RM bucket"),
        ("GetObjectLockConfiguration", "GET /?object-lock", "GetBucketObjectLockConfiguration RM bucket"),
        ("GetPublicAccessBlock", "GET /?publicAccessBlock", "GetBucketPublicAccessBlock RM bucket"),
        ("ListBucketAnalyticsConfigurations", "GET /?analytics", "ListBucketAnalyticsConfigurations RM bucket"),
        (
            "ListBucketIntelligentTieringConfigurations",
            "GET /?intelligent-tiering",
            "ListBucketIntelligentTieringConfigurations RM bucket",
        ),
        ("ListBucketInventoryConfigurations", "GET /?inventory", "ListBucketInventoryConfigurations RM bucket"),
        ("ListBucketMetricsConfigurations", "GET /?metrics", "ListBucketMetricsConfigurations RM bucket"),
        ("PutBucketAbac", "PUT /?abac", "PutBucketAbac WM bucket"),
        ("PutBucketAccelerateConfiguration", "PUT /?accelerate", "PutAccelerateConfiguration WM bucket"),
        ("PutBucketAcl", "PUT /?acl", "PutBucketAcl WM bucket"),
        ("PutBucketCors", "PUT /?cors", "PutBucketCors WM bucket"),
        ("PutBucketEncryption", "PUT /?encryption", "PutBucketEncryption WM bucket"),
        ("PutBucketLifecycle", "PUT /?lifecycle", "PutBucketLifecycle WM bucket"),
        ("PutBucketLifecycleConfiguration", "PUT /?lifecycle", "PutBucketLifecycle WM bucket"),
        ("PutBucketLogging", "PUT /?logging", "PutBucketLogging WM bucket"),
        ("PutBucketNotification", "PUT /?notification", "PutBucketNotification WM bucket"),
        ("PutBucketNotificationConfiguration", "PUT /?notification", "PutBucketNotification WM bucket"),
        ("PutBucketOwnershipControls", "PUT /?ownershipControls", "PutBucketOwnershipControls WM bucket"),
        ("PutBucketReplication", "PUT /?replication", "PutBucketReplication WM bucket"),
        ("PutBucketRequestPayment", "PUT /?requestPayment", "PutBucketRequestPayment WM bucket"),
        ("PutBucketTagging", "PUT /?tagging", "PutBucketTagging WM bucket"),
        ("PutBucketVersioning", "PUT /?versioning", "PutBucketVersioning WM bucket"),
        ("PutBucketWebsite", "PUT /?website", "PutBucketWebsite WM bucket"),
        ("PutObjectLockConfiguration", "PUT /?object-lock", "PutBucketObjectLockConfiguration WM bucket"),
        ("PutPublicAccessBlock", "PUT /?publicAccessBlock", "PutBucketPublicAccessBlock WM bucket"),
        (
            "UpdateBucketMetadataAnnotationTableConfiguration",
            "PUT /?metadataAnnotationTable",
            "UpdateBucketMetadataAnnotationTableConfiguration WM bucket",
        ),
        (
            "UpdateBucketMetadataInventoryTableConfiguration",
            "PUT /?metadataInventoryTable",
            "UpdateBucketMetadataInventoryTableConfiguration WM bucket",
        ),
        (
            "UpdateBucketMetadataJournalTableConfiguration",
            "PUT /?metadataJournalTable",
            "UpdateBucketMetadataJournalTableConfiguration WM bucket",
        ),
    ]);
    for setting in ["Analytics", "IntelligentTiering", "Inventory", "Metrics"] {
        let word = if setting == "IntelligentTiering" { "intelligent-tiering".to_owned() } else { setting.to_lowercase() };
        let extra = format!(r#""{word}":"","id":"i""#);
        for (verb, method, kind) in [("Get", "GET", "RM"), ("Put", "PUT", "WM"), ("Delete", "DELETE", "WM")] {
            let operation = format!("{verb}Bucket{setting}Configuration");
            let request = format!("{method} /?{word}&id=i");
            check(&operation, &request, &[], "", &format!("{operation} {kind} bucket"), &extra);
        }
    }
}

#[test]
fn calls_on_objects_are_data_events() {
    check_named(&[
        ("DeleteObjectTagging", "DELETE /k?tagging", "DeleteObjectTagging WD object"),
        ("GetObjectAcl", "GET /k?acl", "GetObjectAcl RD object"),
        ("GetObjectAttributes", "GET /k?attributes", "GetObjectAttributes RD object"),
        ("GetObjectLegalHold", "GET /k?legal-hold", "GetObjectLockLegalHold RD object"),
        ("GetObjectRetention", "GET /k?retention", "GetObjectLockRetention RD object"),
        ("GetObjectTagging", "GET /k?tagging", "GetObjectTagging RD object"),
        ("GetObjectTorrent", "GET /k?torrent", "GetObjectTorrent RD object"),
        ("ListObjectAnnotations", "GET /k?annotation", "ListObjectAnnotations RD object"),
        ("PutObjectAcl", "PUT /k?acl", "PutObjectAcl WD object"),
        ("PutObjectLegalHold", "PUT /k?legal-hold", "PutObjectLockLegalHold WD object"),
        ("PutObjectRetention", "PUT /k?retention", "PutObjectLockRetention WD object"),
        ("PutObjectTagging", "PUT /k?tagging", "PutObjectTagging WD object"),
        ("RestoreObject", "POST /k?restore", "RestoreObject WD object"),
        ("UpdateObjectEncryption", "PUT /k?encryption", "UpdateObjectEncryption WD object"),
    ]);
    let check = |operation: &str, request: &str, headers: &[(&str, &str)], body: &str, kind: &str, extra: &str| {
        check(operation, request, headers, body, &format!("{operation} {kind} object"), extra);
    };
    check("GetObject", "GET /k?versionId=v&x-id=GetObject", &[], "", "RD", r#""versionId":"v","x-id":"GetObject""#);
    check("HeadObject", "HEAD /k?partNumber=2", &[], "", "RD", r#""partNumber":"2""#);
    check("GetObjectAnnotation", "GET /k?annotation&id=i", &[], "", "RD", r#""annotation":"","id":"i""#);
    check("PutObjectAnnotation", "PUT /k?annotation&id=i", &[], "secret", "WD", r#""annotation":"","id":"i""#);
    check("DeleteObjectAnnotation", "DELETE /k?annotation&id=i", &[], "", "WD", r#""annotation":"","id":"i""#);
    check("PutObject", "PUT /k", &[("x-amz-acl", "private")], "<content/>", "WD", r#""x-amz-acl":"private""#);
    check("CopyObject", "PUT /k", &[("x-amz-copy-source", "/a/b%20c")], "", "WD", r#""x-amz-copy-source":"/a/b%20c""#);
    check("DeleteObject", "DELETE /k?versionId=v", &[], "", "WD", r#""versionId":"v""#);
    check("RenameObject", "PUT /k?renameObject", &[], "", "WD", r#""renameObject":"""#);
    let select = "<SelectObjectContentRequest><Expression>SELECT 1</Expression></SelectObjectContentRequest>";
    let selected = r#""select":"","select-type":"2","SelectObjectContentRequest":{"Expression":"SELECT 1"}"#;
    check("SelectObjectContent", "POST /k?select&select-type=2", &[], select, "RD", selected);
    let encrypted = ("x-amz-server-side-encryption", "AES256");
    let extra = r#""uploads":"","x-amz-server-side-encryption":"AES256""#;
    check("CreateMultipartUpload", "POST /k?uploads", &[encrypted], "", "WD", extra);
    let part = r#""partNumber":"1","uploadId":"u""#;
    check("UploadPart", "PUT /k?partNumber=1&uploadId=u", &[], "content", "WD", part);
    let copied = format!(r#"{part},"x-amz-copy-source":"/a/b""#);
    check("UploadPartCopy", "PUT /k?partNumber=1&uploadId=u", &[("x-amz-copy-source", "/a/b")], "", "WD", &copied);
    let parts = "<CompleteMultipartUpload><Part/></CompleteMultipartUpload>";
    check("CompleteMultipartUpload", "POST /k?uploadId=u", &[], parts, "WD", r#""uploadId":"u""#);
    check("AbortMultipartUpload", "DELETE /k?uploadId=u", &[], "", "WD", r#""uploadId":"u""#);
    check("ListParts", "GET /k?uploadId=u", &[], "", "RD", r#""uploadId":"u""#);
}

#[test]
fn calls_on_many_keys_name_what_they_begin_with() {
    check("ListObjects", "GET /", &[], "", "ListObjects RD keys", "");
    let extra = r#""list-type":"2","prefix":"p/","delimiter":"/""#;
    check("ListObjectsV2", "GET /?list-type=2&prefix=p%2F&delimiter=/", &[], "", "ListObjects RD below", extra);
    check("ListObjectVersions", "GET /?versions", &[], "", "ListObjectVersions RD keys", r#""versions":"""#);
    check("ListMultipartUploads", "GET /?uploads", &[], "", "ListMultipartUploads RD keys", r#""uploads":"""#);
    check("HeadBucket", "HEAD /", &[], "", "HeadBucket RD keys", "");
    check("CreateSession", "GET /?session", &[], "", "CreateSession RD keys", r#""session":"""#);
    let delete = "<Delete><Object><Key>a</Key></Object><Object><Key>b</Key></Object></Delete>";
    let extra = r#""delete":"","Delete":{"Object":[{"Key":"a"},{"Key":"b"}]}"#;
    check("DeleteObjects", "POST /?delete", &[], delete, "DeleteObjects WD keys", extra);
}

#[test]
fn buckets_are_made_listed_and_removed() {
    let document =
        r#"<CreateBucketConfiguration xmlns="x"><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>"#;
    let told = r#""CreateBucketConfiguration":{"xmlns":"x","LocationConstraint":"eu-west-1"}"#;
    check("CreateBucket", "PUT /", &[], document, "CreateBucket WM none", told);
    check("CreateBucket", "PUT /", &[], "", "CreateBucket WM none", "");
    check("DeleteBucket", "DELETE /", &[], "", "DeleteBucket WM bucket", "");
    check("ListBuckets", "GET /?x-id=ListBuckets", &[], "", "ListBuckets RM account", r#""x-id":"ListBuckets""#);
    check("ListDirectoryBuckets", "GET /", &[], "", "ListDirectoryBuckets RM account", "");
    check("WriteGetObjectResponse", "POST /WriteGetObjectResponse", &[], "x", "WriteGetObjectResponse WD account", "");
    let policy = "{ \"Version\": \"2012-10-17\",\n \"Statement\": [] }";
    let told = r#""policy":"","bucketPolicy":{"Version":"2012-10-17","Statement":[]}"#;
    check("PutBucketPolicy", "PUT /?policy", &[], policy, "PutBucketPolicy WM bucket", told);
    check("PutBucketPolicy", "PUT /?policy", &[], "{", "PutBucketPolicy WM bucket", r#""policy":"","bucketPolicy":"{""#);
}

#[test]
fn a_posted_form_names_its_object_and_not_its_content() {
    let field = |name: &str, value: &str| format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    let form = field("key", "k")
        + &field("acl", "private")
        + &field("policy", "eyJ")
        + &field("x-amz-credential", "AKID/20300101/eu-west-1/s3/aws4_request")
        + &field("x-amz-signature", "00")
        + "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\nsecret\r\n--x--\r\n";
    let headers = [("content-type", "multipart/form-data; boundary=x")];
    check("PostObject", "POST /", &headers, &form, "PostObject WD object", r#""acl":"private""#);
    check("PostObject", "POST /", &headers, "", "PostObject WD keys", "");
}

#[test]
fn every_operation_stands_in_the_table_once_and_is_named() {
    let names: BTreeSet<_> = operations::all().iter().map(|operation| operation.name).collect();
    assert_eq!(names.len(), operations::all().len());
    assert!(operations::all().is_sorted_by(|a, b| a.name < b.name));
    for operation in operations::all() {
        let listed = cloudtrail::record::s3::is_object_level(operation.event_name);
        assert!(!listed || !operation.management, "{}", operation.name);
        assert!(is_named(operation.name));
    }
}

#[test]
fn secrets_signatures_and_content_stay_out() {
    let key = "x-amz-server-side-encryption-customer-key";
    let headers = [
        ("authorization", "AWS4-HMAC-SHA256 Credential=A"),
        ("x-amz-content-sha256", "00"),
        ("x-amz-date", "20300101T000000Z"),
        ("x-amz-security-token", "token"),
        ("x-amz-meta-name", "Ann"),
        ("x-amz-checksum-crc32", "AAAA"),
        ("x-amz-checksum-algorithm", "CRC32"),
        (key, "c2VjcmV0"),
        ("x-amz-copy-source-server-side-encryption-customer-key", "c2VjcmV0"),
    ];
    let query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A&X-Amz-Date=20300101T000000Z&X-Amz-Expires=60\
                 &X-Amz-Security-Token=t&X-Amz-Signature=0&AWSAccessKeyId=A&Signature=s";
    let extra = r#""X-Amz-Algorithm":"AWS4-HMAC-SHA256","X-Amz-Date":"20300101T000000Z","X-Amz-Expires":"60","#.to_owned()
        + r#""x-amz-checksum-algorithm":"CRC32","x-amz-server-side-encryption-customer-key":"HIDDEN_DUE_TO_SECURITY_REASONS","#
        + r#""x-amz-copy-source-server-side-encryption-customer-key":"HIDDEN_DUE_TO_SECURITY_REASONS""#;
    check("PutObject", &format!("PUT /k?{query}"), &headers, "content", "PutObject WD object", &extra);
}

#[test]
fn what_is_too_much_is_bounded() {
    let query: Vec<_> = (0..500).map(|n| format!("q{n}=1")).collect();
    let parameters = read("GetObject", &format!("GET /k?{}", query.join("&")), &[], "").parameters;
    assert!(parameters.contains(r#""q90""#) && !parameters.contains(r#""q200""#));
    let keys = "<Object><Key>aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa</Key></Object>".repeat(2_000);
    let parameters = read("DeleteObjects", "POST /?delete", &[], &format!("<Delete>{keys}</Delete>")).parameters;
    assert!(
        parameters.ends_with(r#""Delete":{"omitted":true,"originalSize":126012,"reason":"Delete too large"}}"#),
        "{parameters}"
    );
    let twice = read("GetObject", "GET /k?key=x&bucketName=y&a=1&a=2", &[], "").parameters;
    assert_eq!(twice, format!(r#"{{"bucketName":"b","Host":"{HOST}","key":"k","a":["1","2"]}}"#));
}

#[test]
fn directory_buckets_are_a_service_of_their_own() {
    let parameters =
        Value::Object(vec![("bucketName".to_owned(), Value::text("b--use1-az1--x-s3")), ("key".to_owned(), Value::text("k"))]);
    let surroundings = Surroundings { account: "111122223333".to_owned(), ..Surroundings::default() };
    let resources: Vec<_> = resources("PutObject", &parameters, &surroundings, "us-east-1").iter().map(told).collect();
    let arn = "arn:aws:s3express:us-east-1:111122223333:bucket/b--use1-az1--x-s3";
    let expected = [format!("AWS::S3Express::Object {arn}/k"), format!("AWS::S3Express::DirectoryBucket {arn} of 111122223333")];
    assert_eq!(resources, expected);
    assert_eq!(nature("PutObject", Some("b--use1-az1--x-s3")).event_source, "s3express.amazonaws.com");
    assert!(is_source("s3express.amazonaws.com") && !is_source("ec2.amazonaws.com"));
}

#[test]
fn what_an_answer_says_of_a_write_stands_in_its_headers() {
    let headers: HeaderMap = [
        ("x-amz-request-id", "R"),
        ("x-amz-id-2", "I"),
        ("etag", "e"),
        ("x-amz-server-side-encryption", "AES256"),
        ("x-amz-version-id", "v"),
    ]
    .into_iter()
    .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
    .collect();
    let check = |operation: &str, expected: Option<&str>| {
        let elements = response_elements(operation, &headers).map(|value| value.render().get().to_owned());
        assert_eq!(elements.as_deref(), expected, "{operation}");
    };
    let told = r#"{"x-amz-server-side-encryption":"AES256","x-amz-version-id":"v"}"#;
    check("PutObject", Some(told));
    check("CreateMultipartUpload", Some(told));
    for operation in ["GetObject", "DeleteObjects", "CreateBucket", "PutBucketPolicy", "Nothing"] {
        check(operation, None);
    }
    assert_eq!(response_elements("PutObject", &HeaderMap::new()), None);
    assert_eq!(failure(StatusCode::NOT_FOUND, true).map(|(code, _)| code).as_deref(), Some("NoSuchKey"));
    assert_eq!(failure(StatusCode::NOT_FOUND, false).map(|(code, _)| code).as_deref(), Some("NoSuchBucket"));
    assert_eq!(failure(StatusCode::NOT_MODIFIED, true), None);
    assert!(fails_late("CopyObject") && !fails_late("PutObject"));
}

#[test]
fn additional_event_data_tells_how_a_call_was_signed_and_what_it_moved() {
    let moved =
        |signer| Moved { signer, cipher_suite: Some("TLS_AES_128_GCM_SHA256"), id_2: Some("I"), bytes_in: 1, bytes_out: 2 };
    let request = Request::builder().method(Method::GET).uri("/?AWSAccessKeyId=A&Signature=s&Expires=1").body(()).unwrap();
    let signer = Signer::of(&request.into_parts().0, &Body::default());
    assert_eq!(
        additional_event_data(&moved(signer.as_ref())).get(),
        r#"{"SignatureVersion":"SigV2","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":1,"AuthenticationMethod":"QueryString","x-amz-id-2":"I","bytesTransferredOut":2}"#
    );
    assert_eq!(
        additional_event_data(&moved(None)).get(),
        r#"{"CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":1,"x-amz-id-2":"I","bytesTransferredOut":2}"#
    );
    assert_eq!(user_agent("aws-cli"), "[aws-cli]");
}

#[test]
fn what_is_said_twice_is_told_twice_and_what_is_ours_is_not_taken() {
    let told = read(
        "PutObject",
        "PUT /k?versionId=1&versionId=2&bucketName=c&key=l&Host=h",
        &[("x-amz-acl", "private"), ("x-amz-acl", "public-read"), ("x-amz-storage-class", "A"), ("x-amz-storage-class", "A")],
        "",
    );
    let expected = r#"{"bucketName":"b","Host":"b.s3.eu-west-1.amazonaws.com","key":"k","versionId":["1","2"],"x-amz-acl":["private","public-read"],"x-amz-storage-class":"A"}"#;
    assert_eq!(told.parameters, expected);
    let posted = parameters(
        "PostObject",
        &Recognised { bucket: Some("b".to_owned()), ..Recognised::default() },
        &Request::builder().method("POST").uri("/?key=l").body(()).unwrap().into_parts().0,
        &Body::default(),
    );
    assert_eq!(posted.render().get(), r#"{"bucketName":"b"}"#);
}
