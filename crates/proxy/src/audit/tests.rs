mod place;

use cloudtrail::event::Event;
use serde_json::{Value, json};

use super::*;
use crate::ledger::tests::site::NOW_S;
use place::{Place, answered, client, head, signed, signed_for};

/// What a record says at a path such as `/userIdentity/type`.
fn at(event: &Event, path: &str) -> Value {
    let record: Value = serde_json::from_str(event.as_str()).unwrap();
    record.pointer(path).cloned().unwrap_or_default()
}

async fn only(place: &Place) -> Event {
    place.audit.finish().await;
    let mut events = place.opened.events();
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

#[tokio::test]
async fn a_write_waits_for_its_record_and_is_put_down_before_it_is_made() {
    let place = Place::new(|_| {}).await;
    let begun = place.audit.begin(&client(), &signed("PUT", "/bucket", "AKIAMARY"));
    let admitted = begun.admit(Body::default()).await.unwrap();
    assert!(admitted.answer_waits());
    assert_eq!((place.opened.frames().len(), place.opened.events().len()), (1, 0), "the intent is on disk");
    let outcome = answered(200, &[("x-amz-request-id", "R1"), ("x-amz-id-2", "I2")], "");
    admitted.end(Outcome { bytes_in: 7, bytes_out: 9, ..outcome }).await.unwrap();
    let events = place.opened.events();
    assert_eq!(events.len(), 1);
    let check = |path: &str, expected: Value| assert_eq!(at(&events[0], path), expected, "{path}");
    check("/eventName", json!("CreateBucket"));
    check("/eventSource", json!("s3.amazonaws.com"));
    check("/eventTime", json!(cloudtrail::event::time_text(NOW_S)));
    check("/userIdentity/type", json!("IAMUser"));
    check("/userIdentity/userName", json!("mary"));
    check("/userIdentity/accessKeyId", json!("AKIAMARY"));
    check("/sourceIPAddress", json!("192.0.2.7"));
    check("/userAgent", json!("[tester/1]"));
    check("/requestParameters/bucketName", json!("bucket"));
    check("/requestID", json!("R1"));
    check("/readOnly", json!(false));
    check("/errorCode", Value::Null);
    check("/recipientAccountId", json!("123456789012"));
    check("/additionalEventData/x-amz-id-2", json!("I2"));
    check("/additionalEventData/SignatureVersion", json!("SigV4"));
    check("/additionalEventData/bytesTransferredIn", json!(7));
    check("/additionalEventData/bytesTransferredOut", json!(9));
    assert_eq!(place.restart().await, 1, "the intent has its record");
}

#[tokio::test]
async fn a_read_is_answered_before_it_is_recorded_unless_it_is_strict() {
    let place = Place::new(|_| {}).await;
    let admitted = place.admit(&signed("GET", "/", "AKIAMARY")).await.unwrap();
    assert!(!admitted.answer_waits());
    assert!(place.opened.frames().is_empty(), "reads have no intents");
    admitted.end(answered(200, &[], "")).await.unwrap();
    let event = only(&place).await;
    assert_eq!(at(&event, "/eventName"), json!("ListBuckets"));
    assert_eq!(at(&event, "/responseElements"), Value::Null);

    let place = Place::new(|settings| settings.on_failure = OnFailure::Strict).await;
    let admitted = place.admit(&signed("GET", "/", "AKIAMARY")).await.unwrap();
    assert!(admitted.answer_waits());
    admitted.end(answered(200, &[], "")).await.unwrap();
    assert_eq!(place.opened.events().len(), 1);
}

#[tokio::test]
async fn without_room_a_call_is_refused() {
    let place = Place::new(|_| {}).await;
    let whole = journal::Options::default().queue_bytes_max;
    let room = place.opened.ledger.reserve(whole).await.unwrap();
    for method in ["GET", "PUT"] {
        let refusal = place.admit(&signed(method, "/bucket?versioning", "AKIAMARY")).await.err().unwrap();
        assert_eq!((refusal.retry_after_s, refusal.event_source.as_str()), (1, "s3.amazonaws.com"));
        assert_eq!(refusal.protocol, Some(Protocol::RestXml));
    }
    drop(room);
    let admitted = place.admit(&signed("PUT", "/bucket", "AKIAMARY")).await.unwrap();
    // As a journal that was poisoned does, a closed one takes nothing.
    place.opened.journal.close();
    assert!(place.admit(&signed("GET", "/", "AKIAMARY")).await.is_err());
    let refusal = admitted.end(answered(200, &[], "")).await.unwrap_err();
    assert!(refusal.reason.contains("cannot be kept"), "{refusal:?}");
    place.audit.finish().await;
    assert!(place.opened.events().is_empty());
    let place = place.reopened(|_| {}).await;
    let events = place.opened.events();
    assert_eq!(events.len(), 1, "what was refused in the end was made all the same");
    assert_eq!(at(&events[0], "/errorCode"), json!("TrailkeepOutcomeUnknown"));
    assert_eq!(at(&events[0], "/userIdentity/userName"), json!("mary"));
    assert_eq!(at(&events[0], "/requestParameters/bucketName"), json!("bucket"));
}

#[tokio::test]
async fn a_call_that_is_dropped_has_an_unknown_outcome() {
    let place = Place::new(|_| {}).await;
    drop(place.admit(&signed("DELETE", "/bucket", "AKIAMARY")).await.unwrap());
    let event = only(&place).await;
    assert_eq!(at(&event, "/errorCode"), json!("TrailkeepOutcomeUnknown"));
    assert_eq!(place.restart().await, 1);
}

#[tokio::test]
async fn an_end_that_aws_does_not_know_has_a_name_of_ours() {
    let failed = |status: Option<u16>| {
        let status = status.map(|status| StatusCode::from_u16(status).unwrap());
        Ending::Failed { status, reason: "why".to_owned() }
    };
    let endings = [
        (failed(Some(502)), "TrailkeepUpstreamUnavailable"),
        (failed(Some(504)), "TrailkeepUpstreamTimeout"),
        (failed(None), "TrailkeepUpstreamDisconnected"),
        (Ending::ClientGone, "TrailkeepClientDisconnected"),
    ];
    for (ending, code) in endings {
        let place = Place::new(|_| {}).await;
        let admitted = place.admit(&signed("PUT", "/bucket", "AKIAMARY")).await.unwrap();
        admitted.end(Outcome { ending, bytes_in: 0, bytes_out: 0 }).await.unwrap();
        assert_eq!(at(&only(&place).await, "/errorCode"), json!(code));
    }
    let place = Place::new(|_| {}).await;
    let admitted = place.admit(&signed("PUT", "/bucket", "AKIAMARY")).await.unwrap();
    let body = "<Error><Code>BucketAlreadyExists</Code><Message>taken</Message><RequestId>R9</RequestId></Error>";
    admitted.end(answered(409, &[], body)).await.unwrap();
    let event = only(&place).await;
    assert_eq!((at(&event, "/errorCode"), at(&event, "/errorMessage")), (json!("BucketAlreadyExists"), json!("taken")));
}

#[tokio::test]
async fn who_calls_is_told_as_far_as_it_is_known() {
    let identity = async |head: request::Parts| {
        let place = Place::new(|_| {}).await;
        place.admit(&head).await.unwrap().end(answered(200, &[], "")).await.unwrap();
        at(&only(&place).await, "/userIdentity")
    };
    assert_eq!(identity(signed("GET", "/", "AKIAOTHER")).await, json!({"type":"Unknown","accessKeyId":"AKIAOTHER"}));
    let anonymous = json!({"type":"AWSAccount","principalId":"","accountId":"ANONYMOUS_PRINCIPAL"});
    assert_eq!(identity(head("GET", "/", &[])).await, anonymous);
    assert_eq!(identity(head("GET", "/", &[("authorization", "Bearer x")])).await, json!({"type":"Unknown"}));
    assert_eq!(identity(signed("GET", "/", "AKIAROOT")).await["type"], json!("Root"));
    let presigned = "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAMARY%2F20261120%2Feu-west-1%2Fs3%2Faws4_request\
                     &X-Amz-Date=20261120T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=ab";
    assert_eq!(identity(head("GET", presigned, &[])).await["userName"], json!("mary"));
}

#[tokio::test]
async fn who_posts_a_form_is_told_by_its_fields_as_far_as_they_can_be_read() {
    let field = |name: &str, value: &str| format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    let file = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n";
    let signed = field("key", "k") + &field("x-amz-credential", "AKIAMARY/20261120/eu-west-1/s3/aws4_request");
    let posted = async |body: String| {
        let place = Place::new(|_| {}).await;
        let head = head("POST", "/bucket", &[("content-type", "multipart/form-data; boundary=x")]);
        let begun = place.audit.begin(&client(), &head);
        assert!(matches!(begun.wanted(), Wanted::Fields { .. }));
        let admitted = begun.admit(Body { whole: Some(body.into()) }).await.unwrap();
        admitted.end(answered(204, &[], "")).await.unwrap();
        let event = only(&place).await;
        assert_eq!(at(&event, "/eventName"), json!("PostObject"));
        (at(&event, "/userIdentity"), at(&event, "/requestParameters/key"), at(&event, "/resources/0"))
    };
    let (identity, key, resource) = posted(signed + file).await;
    assert_eq!((identity["userName"].clone(), key), (json!("mary"), json!("k")));
    assert_eq!(resource, json!({"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::bucket/k"}));
    let (identity, ..) = posted(field("key", "k") + file).await;
    assert_eq!(identity["accountId"], json!("ANONYMOUS_PRINCIPAL"));
    let (identity, key, resource) = posted(field("junk", &"x".repeat(100_000)) + file).await;
    assert_eq!((identity, key), (json!({"type": "Unknown"}), Value::Null), "a signature may stand in what was not read");
    assert_eq!(resource, json!({"type": "AWS::S3::Object", "ARNPrefix": "arn:aws:s3:::bucket/"}));
}

#[tokio::test]
async fn a_selector_takes_a_data_event_that_names_no_resource() {
    let place = Place::new(|settings| settings.service = None).await;
    let head = signed_for("GET", "/?Action=ListMetrics&Version=2010-08-01", "AKIAMARY", "monitoring");
    place.admit(&head).await.unwrap().end(answered(200, &[], "")).await.unwrap();
    let event = only(&place).await;
    assert_eq!(at(&event, "/resources"), json!([{"accountId": "123456789012", "type": "AWS::CloudWatch::Metric"}]));
    let takes = |type_: &str| {
        let fields = json!([{"Field": "eventCategory", "Equals": ["Data"]}, {"Field": "resources.type", "Equals": [type_]}]);
        let selector = serde_json::from_value(json!({"FieldSelectors": fields})).unwrap();
        cloudtrail::selectors::Selectors::Advanced(vec![selector]).matches(&event)
    };
    assert!(takes("AWS::CloudWatch::Metric"));
    assert!(!takes("AWS::S3::Object"));
    let place = Place::new(|settings| {
        settings.service = None;
        settings.record_data_events = DataEvents::Prefixes(vec!["arn:aws:".to_owned()]);
    })
    .await;
    place.admit(&head).await.unwrap().end(answered(200, &[], "")).await.unwrap();
    place.audit.finish().await;
    assert!(place.opened.events().is_empty(), "what has no ARN begins with none");
}

#[tokio::test]
async fn data_events_are_recorded_where_that_is_asked_for() {
    let get = signed("GET", "/bucket/logs/key", "AKIAMARY");
    let put = signed("PUT", "/bucket/logs/key", "AKIAMARY");
    let recorded = async |data_events: DataEvents, keeps: bool| {
        let place = Place::keeping(keeps, |settings| settings.record_data_events = data_events).await;
        for head in [&get, &put] {
            let admitted = place.admit(head).await.unwrap();
            admitted.end(answered(200, &[], "")).await.unwrap();
        }
        place.audit.finish().await;
        (place.opened.frames().len(), place.opened.events().len())
    };
    let prefixes = |prefix: &str| DataEvents::Prefixes(vec![prefix.to_owned()]);
    assert_eq!(recorded(DataEvents::All, true).await, (3, 2));
    assert_eq!(recorded(prefixes("arn:aws:s3:::bucket/logs/"), true).await, (3, 2));
    assert_eq!(recorded(prefixes("arn:aws:s3:::bucket/other/"), true).await, (0, 0));
    assert_eq!(recorded(DataEvents::None, true).await, (0, 0));
    assert_eq!(recorded(DataEvents::All, false).await, (0, 0));

    let place = Place::new(|settings| settings.record_data_events = DataEvents::None).await;
    place.opened.journal.close();
    let admitted = place.admit(&put).await.unwrap();
    assert!(!admitted.answer_waits(), "what would not be recorded anyway goes on");
}

#[tokio::test]
async fn calls_that_pass_unrecorded_are_told_in_a_record_of_the_gap() {
    let place = Place::new(|settings| settings.on_failure = OnFailure::Pass).await;
    let whole = journal::Options::default().queue_bytes_max;
    let room = place.opened.ledger.reserve(whole).await.unwrap();
    for method in ["GET", "PUT", "PUT"] {
        let admitted = place.admit(&signed(method, "/bucket?versioning", "AKIAMARY")).await.unwrap();
        assert!(!admitted.answer_waits());
        admitted.end(answered(200, &[], "")).await.unwrap();
    }
    place.settled().await;
    place.watch.look().await;
    assert!(place.opened.events().is_empty());
    drop(room);
    for _ in 0..2 {
        place.watch.look().await;
    }
    let event = only(&place).await;
    assert_eq!(at(&event, "/eventName"), json!("RecordingGap"));
    assert_eq!(at(&event, "/eventType"), json!("AwsServiceEvent"));
    let details = at(&event, "/serviceEventDetails");
    assert_eq!((&details["calls"], &details["reads"], &details["writes"]), (&json!(3), &json!(1), &json!(2)));
    assert_eq!(details["upstream"], json!("http://127.0.0.1:9000/"));
    assert!(details["reason"].as_str().unwrap().contains("no room"), "{details}");
}

const ASSUMED: &str = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
    <SourceIdentity>mary</SourceIdentity><AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/Deploy/ci</Arn>\
    <AssumedRoleId>AROADEPLOY:ci</AssumedRoleId></AssumedRoleUser><Credentials><AccessKeyId>ASIANEW</AccessKeyId>\
    <SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2026-11-20T01:00:00Z</Expiration>\
    </Credentials></AssumeRoleResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></AssumeRoleResponse>";

#[tokio::test]
async fn a_session_is_known_from_its_first_call_on_after_a_restart_too() {
    let any_service = |settings: &mut Settings| settings.service = None;
    let place = Place::new(any_service).await;
    let ask = "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2FDeploy&RoleSessionName=ci";
    let mut head = signed_for("POST", "/", "AKIAMARY", "sts");
    head.headers.insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
    let begun = place.audit.begin(&client(), &head);
    assert!(matches!(begun.wanted(), Wanted::Whole { .. }));
    let admitted = begun.admit(Body { whole: Some(ask.into()) }).await.unwrap();
    assert!(admitted.answer_waits(), "its credentials may be used at once");
    assert!(matches!(admitted.wanted(StatusCode::OK, &HeaderMap::new()), Wanted::Whole { .. }));
    admitted.end(answered(200, &[], ASSUMED)).await.unwrap();
    let event = only(&place).await;
    assert_eq!((at(&event, "/eventName"), at(&event, "/readOnly")), (json!("AssumeRole"), json!(true)));
    assert_eq!(at(&event, "/requestParameters/roleSessionName"), json!("ci"));
    assert!(!event.as_str().contains('<'), "{event:?}");

    let place = place.reopened(any_service).await;
    place.admit(&signed("PUT", "/bucket", "ASIANEW")).await.unwrap().end(answered(200, &[], "")).await.unwrap();
    let event = place.opened.events().pop().unwrap();
    let identity = at(&event, "/userIdentity");
    assert_eq!(identity["type"], json!("AssumedRole"));
    assert_eq!(identity["arn"], json!("arn:aws:sts::123456789012:assumed-role/Deploy/ci"));
    assert_eq!(identity["sessionContext"]["sourceIdentity"], json!("mary"));
    assert_eq!(identity["sessionContext"]["sessionIssuer"]["arn"], json!("arn:aws:iam::123456789012:role/Deploy"));
}

#[tokio::test]
async fn an_account_that_only_sts_names_gets_no_log_of_its_own() {
    let place = Place::new(|settings| settings.service = None).await;
    let ask = "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A999988887777%3Arole%2FDeploy&RoleSessionName=ci";
    let mut head = signed_for("POST", "/", "AKIAMARY", "sts");
    head.headers.insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
    let admitted = place.audit.begin(&client(), &head).admit(Body { whole: Some(ask.into()) }).await.unwrap();
    let elsewhere = ASSUMED.replace("123456789012", "999988887777");
    admitted.end(answered(200, &[], &elsewhere)).await.unwrap();
    place.admit(&signed("PUT", "/bucket", "ASIANEW")).await.unwrap().end(answered(200, &[], "")).await.unwrap();
    let event = place.opened.events().pop().unwrap();
    assert_eq!(at(&event, "/userIdentity/accountId"), json!("999988887777"));
    assert_eq!(at(&event, "/recipientAccountId"), json!("123456789012"));
}

#[tokio::test]
async fn whatever_a_call_is_made_of_it_is_recorded() {
    let deep = format!("{}{}", "[".repeat(120), "]".repeat(120));
    let target = |target: &str| head("POST", "/bucket?policy", &[("x-amz-target", target)]);
    let mut form = head("POST", "/", &[("content-type", "application/x-www-form-urlencoded")]);
    form.headers.insert("x-amz-date", "20261120T000000Z".parse().unwrap());
    let calls = [
        (signed("PUT", "/bucket?policy", "AKIAMARY"), format!("{{\"Statement\":{deep}}}")),
        (target("Unheard."), "{}".to_owned()),
        (target("."), "{}".to_owned()),
        (form, "Action=%C3%A9&Version=2010-05-08".to_owned()),
    ];
    for (head, body) in calls {
        let place = Place::new(|settings| settings.service = None).await;
        let begun = place.audit.begin(&client(), &head);
        let admitted = begun.admit(Body { whole: Some(body.into()) }).await.unwrap();
        admitted.end(answered(200, &[], "")).await.unwrap();
        let event = only(&place).await;
        assert_eq!(at(&event, "/readOnly"), json!(false), "{event:?}");
        assert_ne!(at(&event, "/eventName"), json!(""), "{event:?}");
        assert_eq!(place.restart().await, 1, "the intent has its record");
    }
}

#[tokio::test]
async fn a_bucket_in_the_host_counts_where_the_service_looks_at_it() {
    let recorded = async |change: fn(&mut Settings)| {
        let place = Place::new(change).await;
        let mut head = signed("PUT", "/bucket?policy", "AKIAMARY");
        head.headers.insert("host", "other.localhost:8000".parse().unwrap());
        place.admit(&head).await.unwrap().end(answered(200, &[], "")).await.unwrap();
        let event = only(&place).await;
        (at(&event, "/eventName"), at(&event, "/requestParameters/bucketName"))
    };
    assert_eq!(recorded(|_| {}).await, (json!("PutBucketPolicy"), json!("bucket")));
    let virtual_hosts = |settings: &mut Settings| settings.bucket_domains = vec!["localhost".to_owned()];
    assert_eq!(recorded(virtual_hosts).await, (json!("PutObject"), json!("other")));
}
