use proptest::prelude::*;
use serde_json::Value;
use serde_json::value::RawValue;

use super::s3::{Target, Transfer, is_object_level};
use super::{
    ADDITIONAL_BYTES_MAX, ApiCall, CallerIdentity, Issuer, PARAMETERS_BYTES_MAX, Principal, PrincipalType, Resource, ResourceArn,
    ServiceEvent, SessionContext, TEXT_BYTES_MAX, TlsDetails, lower_first_members,
};
use crate::account::AccountId;
use crate::event::{Admission, Category, Event, SIZE_MAX};
use crate::json::tests::any_value;

fn account() -> AccountId {
    "123456789012".parse().unwrap()
}

fn raw(json: impl Into<String>) -> Box<RawValue> {
    RawValue::from_string(json.into()).unwrap()
}

fn call() -> ApiCall {
    ApiCall {
        event_id: "6b1f0c3a-7d55-4e0e-9a57-2f5a0b9c1d11".to_owned(),
        event_time_s: 1_769_851_800,
        identity: CallerIdentity::Root { account: account(), access_key_id: "AKIAEXAMPLE".to_owned() },
        event_source: "cloudtrail.amazonaws.com".to_owned(),
        event_name: "CreateTrail".to_owned(),
        region: "eu-west-1".parse().unwrap(),
        source_ip: "127.0.0.1".to_owned(),
        user_agent: Some("aws-cli/2.0 \"x\"".to_owned()),
        error: None,
        request_parameters: lower_first_members(r#"{"Name":"t","S3BucketName":"b"}"#, |_| false),
        response_elements: None,
        additional_event_data: None,
        request_id: Some("r-1".to_owned()),
        read_only: false,
        resources: Vec::new(),
        management: true,
        api_version: Some("2013-11-01".to_owned()),
        recipient: account(),
        shared_event_id: None,
        tls: None,
    }
}

/// The record, which must be one that the door leaves as it is.
fn event(call: &ApiCall) -> Event {
    let bytes = call.render();
    let admission = Admission { account: account(), region: &call.region, ordinal: 0, size_max: SIZE_MAX };
    let event = Event::admit(&bytes, &admission).unwrap();
    assert_eq!(event.bytes(), &bytes);
    event
}

fn check(call: &ApiCall, expected: &str) {
    assert_eq!(event(call).as_str(), expected);
}

const MADE: &str = concat!(
    r#"{"eventVersion":"1.11","userIdentity":{"type":"Root","principalId":"123456789012","arn":"arn:aws:iam::123456789012:root","#,
    r#""accountId":"123456789012","accessKeyId":"AKIAEXAMPLE"},"eventTime":"2026-01-31T09:30:00Z","#,
    r#""eventSource":"cloudtrail.amazonaws.com","eventName":"CreateTrail","awsRegion":"eu-west-1","sourceIPAddress":"127.0.0.1","#,
    r#""userAgent":"aws-cli/2.0 \"x\"","requestParameters":{"name":"t","s3BucketName":"b"},"responseElements":null,"#,
    r#""requestID":"r-1","eventID":"6b1f0c3a-7d55-4e0e-9a57-2f5a0b9c1d11","readOnly":false,"eventType":"AwsApiCall","#,
    r#""apiVersion":"2013-11-01","managementEvent":true,"recipientAccountId":"123456789012","eventCategory":"Management"}"#,
);

#[test]
fn a_record_has_cloudtrail_s_fields_in_its_order() {
    check(&call(), MADE);
}

#[test]
fn a_refused_call_says_why_and_an_empty_object_is_null() {
    let error = Some(("TrailNotFoundException".to_owned(), "Unknown trail: t".to_owned()));
    let refused = ApiCall { error, request_parameters: Some(raw("{}")), user_agent: None, ..call() };
    let expected = MADE
        .replace(
            r#""userAgent":"aws-cli/2.0 \"x\"","#,
            r#""errorCode":"TrailNotFoundException","errorMessage":"Unknown trail: t","#,
        )
        .replace(r#"{"name":"t","s3BucketName":"b"}"#, "null");
    check(&refused, &expected);
}

#[test]
fn every_kind_of_caller_has_its_identity() {
    let identity = |identity| event(&ApiCall { identity, ..call() }).raw("userIdentity").unwrap().to_owned();
    let token = CallerIdentity::Token { account: account(), token_id: "tk-7".to_owned() };
    assert_eq!(identity(token), r#"{"type":"Unknown","principalId":"tk-7","accountId":"123456789012","credentialId":"tk-7"}"#);
    assert_eq!(
        identity(CallerIdentity::Anonymous),
        r#"{"type":"AWSAccount","principalId":"","accountId":"ANONYMOUS_PRINCIPAL"}"#
    );
    let other = CallerIdentity::Account { account: account() };
    assert_eq!(identity(other), r#"{"type":"AWSAccount","principalId":"123456789012","accountId":"123456789012"}"#);
    let service = CallerIdentity::Service { invoked_by: "cloudtrail.amazonaws.com".to_owned() };
    assert_eq!(identity(service), r#"{"type":"AWSService","invokedBy":"cloudtrail.amazonaws.com"}"#);
}

#[test]
fn principals_and_sessions_are_written_as_cloudtrail_writes_them() {
    let check = |principal: Principal, expected: &str| {
        let made = event(&ApiCall { identity: CallerIdentity::Principal(principal.into()), ..call() });
        assert_eq!(made.raw("userIdentity").unwrap(), expected);
    };
    let named = |type_, id: &str, arn: &str, name: Option<&str>| Principal {
        principal_id: Some(id.to_owned()),
        arn: Some(arn.to_owned()),
        account: Some(account()),
        access_key_id: Some("AKIAEXAMPLE".to_owned()),
        user_name: name.map(str::to_owned),
        ..Principal::new(type_)
    };
    check(
        named(PrincipalType::IamUser, "AIDA1", "arn:aws:iam::123456789012:user/Mary", Some("Mary")),
        r#"{"type":"IAMUser","principalId":"AIDA1","arn":"arn:aws:iam::123456789012:user/Mary","accountId":"123456789012","accessKeyId":"AKIAEXAMPLE","userName":"Mary"}"#,
    );
    let issuer = Issuer {
        type_: PrincipalType::Role,
        principal_id: Some("AROA1".to_owned()),
        arn: Some("arn:aws:iam::123456789012:role/R".to_owned()),
        account: Some(account()),
        user_name: Some("R".to_owned()),
    };
    let session = SessionContext {
        issuer: Some(issuer),
        federated_provider: Some("idp".to_owned()),
        created_s: Some(0),
        mfa: Some(true),
        source_identity: Some("mary".to_owned()),
    };
    check(
        Principal {
            session: Some(session),
            ..named(PrincipalType::AssumedRole, "AROA1:S", "arn:aws:sts::123456789012:assumed-role/R/S", None)
        },
        concat!(
            r#"{"type":"AssumedRole","principalId":"AROA1:S","arn":"arn:aws:sts::123456789012:assumed-role/R/S","#,
            r#""accountId":"123456789012","accessKeyId":"AKIAEXAMPLE","sessionContext":{"sessionIssuer":{"type":"Role","#,
            r#""principalId":"AROA1","arn":"arn:aws:iam::123456789012:role/R","accountId":"123456789012","userName":"R"},"#,
            r#""webIdFederationData":{"federatedProvider":"idp","attributes":{}},"#,
            r#""attributes":{"creationDate":"1970-01-01T00:00:00Z","mfaAuthenticated":"true"},"sourceIdentity":"mary"}}"#,
        ),
    );
    let provider = Some("idp".to_owned());
    check(
        Principal { identity_provider: provider, ..Principal::new(PrincipalType::WebIdentityUser) },
        r#"{"type":"WebIdentityUser","identityProvider":"idp"}"#,
    );
    let unknown = CallerIdentity::Unknown { access_key_id: Some("AKIAOTHER".to_owned()) };
    let made = event(&ApiCall { identity: unknown, ..call() });
    assert_eq!(made.raw("userIdentity").unwrap(), r#"{"type":"Unknown","accessKeyId":"AKIAOTHER"}"#);
}

#[test]
fn what_happens_without_a_call_is_a_service_event() {
    let made = ServiceEvent {
        event_id: "e".to_owned(),
        event_time_s: 0,
        event_source: "cloudtrail.amazonaws.com".to_owned(),
        event_name: "RecordingGap".to_owned(),
        region: "eu-west-1".parse().unwrap(),
        recipient: account(),
        details: raw(r#"{"calls":3}"#),
    };
    let bytes = made.render();
    let admission = Admission { account: account(), region: &made.region, ordinal: 0, size_max: SIZE_MAX };
    let event = Event::admit(&bytes, &admission).unwrap();
    assert_eq!(event.bytes(), &bytes);
    assert_eq!(event.category(), Category::Management);
    assert_eq!(event.text("eventType").as_deref(), Some("AwsServiceEvent"));
    assert_eq!(event.raw("serviceEventDetails"), Some(r#"{"calls":3}"#));
    assert_eq!(event.raw("userIdentity"), Some(r#"{"accountId":"123456789012","invokedBy":"cloudtrail.amazonaws.com"}"#));
}

#[test]
fn an_s3_record_names_object_and_bucket() {
    let target = Target {
        bucket: "b",
        key: Some("k/ä=1"),
        host: Some("localhost:4750"),
        parameters: &[("versionId", "v\"1"), ("key", "again"), ("x-amz-acl", ""), ("x-amz-acl", "twice"), ("we\"ird", "1")],
        owner: Some(account()),
        ..Target::default()
    };
    let transfer = Transfer {
        signature_version: Some("SigV4"),
        authentication_method: Some("AuthHeader"),
        bytes_out: 7,
        ..Transfer::default()
    };
    let made = event(&ApiCall {
        event_source: super::s3::EVENT_SOURCE.to_owned(),
        event_name: "GetObject".to_owned(),
        request_parameters: Some(target.request_parameters()),
        additional_event_data: Some(transfer.additional_event_data()),
        resources: target.resources(),
        read_only: true,
        management: false,
        tls: Some(TlsDetails {
            version: "TLSv1.3".to_owned(),
            cipher_suite: "TLS_AES_128_GCM_SHA256".to_owned(),
            client_provided_host_header: Some("h".to_owned()),
        }),
        ..call()
    });
    assert_eq!(made.category(), Category::Data);
    let check = |field, expected| assert_eq!(made.raw(field), Some(expected));
    check(
        "requestParameters",
        r#"{"bucketName":"b","Host":"localhost:4750","key":"k/ä=1","versionId":"v\"1","x-amz-acl":"","we\"ird":"1"}"#,
    );
    check(
        "resources",
        r#"[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::b/k/ä=1"},{"accountId":"123456789012","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::b"}]"#,
    );
    check(
        "additionalEventData",
        r#"{"SignatureVersion":"SigV4","bytesTransferredIn":0,"AuthenticationMethod":"AuthHeader","bytesTransferredOut":7}"#,
    );
    check("tlsDetails", r#"{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"h"}"#);

    let listing = Target { bucket: "b", key: Some("logs/"), key_is_prefix: true, ..Target::default() };
    assert_eq!(listing.request_parameters().get(), r#"{"bucketName":"b"}"#);
    let alone = Resource { account: None, type_: Some("AWS::XRay::Trace".to_owned()), arn: ResourceArn::Untold };
    let alone = event(&ApiCall { resources: vec![alone], ..call() });
    assert_eq!(alone.raw("resources"), Some(r#"[{"type":"AWS::XRay::Trace"}]"#));
    let listed = event(&ApiCall { resources: listing.resources(), ..call() });
    assert_eq!(
        listed.raw("resources"),
        Some(
            r#"[{"type":"AWS::S3::Object","ARNPrefix":"arn:aws:s3:::b/logs/"},{"type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::b"}]"#
        )
    );
    assert!(is_object_level("GetObject") && is_object_level("UploadPartCopy") && !is_object_level("CreateBucket"));
}

#[test]
fn over_long_texts_are_cut_and_over_large_objects_omitted() {
    let long = "é".repeat(TEXT_BYTES_MAX);
    let object = |bytes: usize| Some(raw(format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8))));
    let made = event(&ApiCall {
        user_agent: Some(long.clone()),
        error: Some(("C".repeat(TEXT_BYTES_MAX), long.clone())),
        request_id: Some(long),
        request_parameters: object(PARAMETERS_BYTES_MAX),
        response_elements: object(PARAMETERS_BYTES_MAX + 1),
        additional_event_data: object(ADDITIONAL_BYTES_MAX + 1),
        ..call()
    });
    for field in ["userAgent", "errorMessage", "requestID"] {
        let text = made.text(field).unwrap();
        assert!(text.len() <= TEXT_BYTES_MAX && text.len() > TEXT_BYTES_MAX - 2 && text.ends_with("é..."), "{field}");
    }
    assert_eq!(made.text("errorCode").unwrap().len(), TEXT_BYTES_MAX);
    assert_eq!(made.raw("requestParameters").unwrap().len(), PARAMETERS_BYTES_MAX);
    assert_eq!(
        made.raw("responseElements"),
        Some(r#"{"omitted":true,"originalSize":102401,"reason":"responseElements too large"}"#)
    );
    assert_eq!(
        made.raw("additionalEventData"),
        Some(r#"{"omitted":true,"originalSize":28673,"reason":"additionalEventData too large"}"#)
    );
}

#[test]
fn a_record_never_exceeds_the_size_of_an_event() {
    let escaped = "\u{1}".repeat(TEXT_BYTES_MAX);
    let object = |bytes: usize| Some(raw(format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8))));
    let target = Target { bucket: "b", key: Some(&"k".repeat(1_024)), ..Target::default() };
    let made = event(&ApiCall {
        user_agent: Some(escaped.clone()),
        error: Some((escaped.clone(), escaped.clone())),
        request_id: Some(escaped.clone()),
        request_parameters: object(PARAMETERS_BYTES_MAX),
        response_elements: object(PARAMETERS_BYTES_MAX),
        additional_event_data: object(ADDITIONAL_BYTES_MAX),
        resources: target.resources().into_iter().cycle().take(1_000).collect(),
        ..call()
    });
    assert!(made.bytes().len() <= SIZE_MAX);
    assert_eq!(made.text("requestID").as_deref(), Some("..."));
    assert_eq!(made.raw("requestParameters").unwrap().len(), PARAMETERS_BYTES_MAX);

    let target = Target { bucket: "b", key: Some(&escaped), ..Target::default() };
    let resources = target.resources().into_iter().cycle().take(1_000).collect();
    let made = event(&ApiCall { event_name: "N".repeat(10_000), source_ip: escaped.repeat(9), resources, ..call() });
    assert!(made.bytes().len() <= SIZE_MAX);
    assert_eq!(made.raw("resources"), None);
}

#[test]
fn members_begin_with_a_small_letter_and_map_keys_stay() {
    let check = |input: &str, expected: &str| {
        let lowered = lower_first_members(input, |name| name == "QueryParameterValues");
        assert_eq!(lowered.as_deref().map(RawValue::get), Some(expected), "{input}");
    };
    check("{}", "{}");
    check(r#"{"TrailARN":"A","S3BucketName":"B"}"#, r#"{"trailARN":"A","s3BucketName":"B"}"#);
    check(
        r#"{ "TagsList": [ {"Key": "Owner", "Value": "Dana"} ], "Xs": [["A", 1.50]] }"#,
        r#"{"tagsList":[{"key":"Owner","value":"Dana"}],"xs":[["A",1.50]]}"#,
    );
    check(
        r#"{"QueryParameterValues":{"$StartTime$":"x","B":{"C":1}}}"#,
        r#"{"queryParameterValues":{"$StartTime$":"x","B":{"c":1}}}"#,
    );
    check(r#"{"Äb":1,"":2,"A\u0042":"\u0043"}"#, r#"{"Äb":1,"":2,"aB":"\u0043"}"#);
    for refused in ["", "[]", "null", "{", "{\"A\":}", &format!("{{\"A\":{}", "[".repeat(1_000))] {
        assert!(lower_first_members(refused, |_| false).is_none(), "{refused}");
    }
}

proptest! {
    #[test]
    fn any_call_makes_an_event(value in any_value(), text in ".*", time in any::<i64>(), resources in 0..120_usize) {
        let json = serde_json::json!({ "A": value });
        let parameters = lower_first_members(&serde_json::to_string_pretty(&json).unwrap(), |_| false);
        prop_assert!(parameters.is_some());
        let target = Target { bucket: "b", key: Some(&text), parameters: &[(&text, &text)], ..Target::default() };
        let made = event(&ApiCall {
            event_time_s: time,
            user_agent: Some(text.clone()),
            error: Some((text.clone(), text.clone())),
            request_parameters: parameters,
            response_elements: Some(target.request_parameters()),
            resources: target.resources().into_iter().cycle().take(resources).collect(),
            ..call()
        });
        let parsed: Value = serde_json::from_str(made.as_str()).unwrap();
        prop_assert_eq!(parsed["errorMessage"].as_str().unwrap_or_default(), text);
    }
}
