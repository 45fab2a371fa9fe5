use bytes::Bytes;
use http::Request;
use proptest::prelude::*;

use super::*;
use crate::Protocols;

/// A request signed for a service in a Region, as its client sends it.
struct Sent<'a> {
    service: &'a str,
    request: &'a str,
    headers: &'a [(&'a str, &'a str)],
    body: &'a str,
}

impl Sent<'_> {
    fn read(&self, protocols: &Protocols) -> Described {
        let (method, path) = self.request.split_once(' ').unwrap();
        let signature = format!(
            "AWS4-HMAC-SHA256 Credential=AKID/20300101/eu-west-1/{}/aws4_request, SignedHeaders=host, Signature=00",
            self.service
        );
        let mut request = Request::builder().method(method).uri(path).header("authorization", signature);
        request = request.header("host", "localhost:4566");
        for (name, value) in self.headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let surroundings =
            Surroundings { region: "us-east-1".to_owned(), account: "111122223333".to_owned(), ..Surroundings::default() };
        let recognised = protocols.recognise(&surroundings, &parts);
        let whole = Some(Bytes::copy_from_slice(self.body.as_bytes())).filter(|_| recognised.wanted() != Wanted::Nothing);
        recognised.read(&surroundings, &parts, &Body { whole })
    }
}

fn json<'a>(target: &'a str, body: &'a str) -> (&'a str, [(&'a str, &'a str); 2], &'a str) {
    ("POST /", [("x-amz-target", target), ("content-type", "application/x-amz-json-1.0")], body)
}

fn form(body: &str) -> (&str, [(&str, &str); 1], &str) {
    ("POST /", [("content-type", "application/x-www-form-urlencoded")], body)
}

fn told(request: &super::Request) -> String {
    let resource = |resource: &Resource| match resource.arn.as_str() {
        Some(arn) => arn.to_owned(),
        None => resource.type_.clone().unwrap_or_default(),
    };
    let resources: Vec<_> = request.resources.iter().map(resource).collect();
    let kind = format!("{}{}", if request.read_only { "R" } else { "W" }, if request.management { "M" } else { "D" });
    format!(
        "{} {} {} {kind} {} [{}]",
        request.event_source,
        request.event_name,
        request.region,
        request.parameters.as_ref().map_or("null", |parameters| parameters.get()),
        resources.join(" ")
    )
}

fn check<const N: usize>(service: &str, (request, headers, body): (&str, [(&str, &str); N], &str), expected: &str) -> Described {
    let described = Sent { service, request, headers: &headers, body }.read(&Protocols::new().unwrap());
    assert_eq!(told(&described.request), expected);
    described
}

/// What the answer with this status and body tells: an error, or what stands in responseElements.
fn check_answer(described: &Described, status: u16, body: &str, expected: &str) -> Answer {
    let (status, headers) = (StatusCode::from_u16(status).unwrap(), HeaderMap::new());
    let wanted = described.answer_wanted(status, &headers) != Wanted::Nothing;
    let whole = Some(Bytes::copy_from_slice(body.as_bytes())).filter(|_| wanted);
    let answer = described.answered(status, &headers, &Body { whole });
    let elements = answer.response_elements.as_ref().map_or("null", |elements| elements.get());
    let text = match &answer.error {
        Some((code, message)) => format!("{code}: {}", message.as_deref().unwrap_or_default()),
        None => elements.to_owned(),
    };
    assert_eq!(text, expected);
    answer
}

#[test]
fn items_of_tables_are_data_and_tables_are_not() {
    let put =
        json("DynamoDB_20120810.PutItem", r#"{"TableName":"Music","Item":{"Artist":{"S":"Anna"}},"ReturnValues":"ALL_OLD"}"#);
    let put = check(
        "dynamodb",
        put,
        r#"dynamodb.amazonaws.com PutItem eu-west-1 WD {"tableName":"Music","item":["Artist"],"returnValues":"ALL_OLD"} [arn:aws:dynamodb:eu-west-1:111122223333:table/Music]"#,
    );
    check_answer(&put, 200, "{}", "null");
    let get = json("DynamoDB_20120810.GetItem", r#"{"TableName":"Music","Key":{"Artist":{"S":"Anna"}}}"#);
    let get = check(
        "dynamodb",
        get,
        r#"dynamodb.amazonaws.com GetItem eu-west-1 RD {"tableName":"Music","key":{"Artist":"Anna"}} [arn:aws:dynamodb:eu-west-1:111122223333:table/Music]"#,
    );
    assert_eq!(get.answer_wanted(StatusCode::OK, &HeaderMap::new()), Wanted::Nothing);
    let create = json("DynamoDB_20120810.CreateTable", r#"{"TableName":"Music","BillingMode":"PAY_PER_REQUEST"}"#);
    let create = check(
        "dynamodb",
        create,
        r#"dynamodb.amazonaws.com CreateTable eu-west-1 WM {"tableName":"Music","billingMode":"PAY_PER_REQUEST"} [arn:aws:dynamodb:eu-west-1:111122223333:table/Music]"#,
    );
    check_answer(
        &create,
        200,
        r#"{"TableDescription":{"TableName":"Music","TableStatus":"CREATING"}}"#,
        r#"{"tableDescription":{"tableName":"Music","tableStatus":"CREATING"}}"#,
    );
    let error = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ResourceInUseException","message":"Table already exists"}"#;
    check_answer(&create, 400, error, "ResourceInUseException: Table already exists");
}

#[test]
fn services_call_themselves_what_they_do_not_sign_as() {
    let source = |service: &str, request: &str, headers: &[(&str, &str)]| {
        let request = Sent { service, request, headers, body: "{}" }.read(&Protocols::new().unwrap()).request;
        format!("{} {}", request.event_source, request.event_name)
    };
    let target = |service: &str, target: &str| source(service, "POST /", &[("x-amz-target", target)]);
    assert_eq!(
        target("application-autoscaling", "AnyScaleFrontendService.RegisterScalableTarget"),
        "autoscaling.amazonaws.com RegisterScalableTarget"
    );
    assert_eq!(
        target("aws-marketplace", "AWSMPMeteringService.BatchMeterUsage"),
        "metering-marketplace.amazonaws.com BatchMeterUsage"
    );
    let catalog = source("aws-marketplace", "POST /StartChangeSet", &[("content-type", "application/json")]);
    assert_eq!(catalog, "marketplacecatalog.amazonaws.com StartChangeSet");
    assert_eq!(source("sso-oauth", "POST /token", &[]), "sso.amazonaws.com CreateToken");
    assert_eq!(source("sso-oauth", "POST /token?aws_iam=t", &[]), "sso-oauth.amazonaws.com CreateTokenWithIAM");
    let credentials = source("awsssoportal", "GET /federation/credentials?role_name=r&account_id=1", &[]);
    assert_eq!(credentials, "sso.amazonaws.com GetRoleCredentials");
}

#[test]
fn a_data_event_whose_resource_is_not_told_has_its_type() {
    let statement = json("DynamoDB_20120810.ExecuteStatement", r#"{"Statement":"SELECT * FROM Music"}"#);
    check(
        "dynamodb",
        statement,
        r#"dynamodb.amazonaws.com ExecuteStatement eu-west-1 WD {"statement":"SELECT * FROM Music"} [AWS::DynamoDB::Table]"#,
    );
    let nonsense = json("Kinesis_20131202.PutRecord", "not JSON");
    check("kinesis", nonsense, "kinesis.amazonaws.com PutRecord eu-west-1 WD null [AWS::Kinesis::Stream]");
    let list = json("AmazonSQS.ListQueues", "{}");
    check("sqs", list, "sqs.amazonaws.com ListQueues eu-west-1 RD null [AWS::SQS::Queue]");
    let metrics = form("Action=ListMetrics&Version=2010-08-01");
    check("monitoring", metrics, "monitoring.amazonaws.com ListMetrics eu-west-1 RD null [AWS::CloudWatch::Metric]");
    let text = form("Action=Publish&Version=2010-03-31&PhoneNumber=1&Message=secret");
    let publish =
        told(&Sent { service: "sns", request: text.0, headers: &text.1, body: text.2 }.read(&Protocols::new().unwrap()).request);
    assert!(publish.ends_with(" []"), "nobody can tell what it is about: {publish}");
    let write = ("POST /WriteGetObjectResponse", [("x-amz-request-route", "r"), ("x-amz-request-token", "t")], "");
    let write = Sent { service: "s3-object-lambda", request: write.0, headers: &write.1, body: write.2 };
    let write = told(&write.read(&Protocols::new().unwrap()).request);
    assert!(write.ends_with(" [AWS::S3ObjectLambda::AccessPoint]"), "{write}");
    let users = form("Action=ListUsers&Version=2010-05-08");
    check("iam", users, "iam.amazonaws.com ListUsers us-east-1 RM null []");
}

#[test]
fn functions_messages_and_keys_are_called_by_their_names() {
    let invoke = ("POST /2015-03-31/functions/f/invocations", [("x-amz-invocation-type", "Event")], r#"{"secret":1}"#);
    let invoke = check(
        "lambda",
        invoke,
        r#"lambda.amazonaws.com Invoke eu-west-1 WD {"functionName":"f","invocationType":"Event"} [arn:aws:lambda:eu-west-1:111122223333:function:f]"#,
    );
    assert_eq!(invoke.answer_wanted(StatusCode::OK, &HeaderMap::new()), Wanted::Nothing);
    let url = r#"{"QueueUrl":"http://localhost:4566/444455556666/q","MessageBody":"secret"}"#;
    let send = check(
        "sqs",
        json("AmazonSQS.SendMessage", url),
        r#"sqs.amazonaws.com SendMessage eu-west-1 WD {"queueUrl":"http://localhost:4566/444455556666/q","messageBody":"HIDDEN_DUE_TO_SECURITY_REASONS"} [arn:aws:sqs:eu-west-1:444455556666:q]"#,
    );
    check_answer(&send, 200, r#"{"MessageId":"m","MD5OfMessageBody":"d"}"#, r#"{"messageId":"m","mD5OfMessageBody":"d"}"#);
    let url =
        "Action=SendMessage&Version=2012-11-05&QueueUrl=http%3A%2F%2Flocalhost%3A4566%2F444455556666%2Fq&MessageBody=secret";
    check(
        "sqs",
        form(url),
        r#"sqs.amazonaws.com SendMessage eu-west-1 WD {"queueUrl":"http://localhost:4566/444455556666/q","messageBody":"HIDDEN_DUE_TO_SECURITY_REASONS"} [arn:aws:sqs:eu-west-1:444455556666:q]"#,
    );
    let publish = "Action=Publish&Version=2010-03-31&TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A444455556666%3At&Message=secret";
    check(
        "sns",
        form(publish),
        r#"sns.amazonaws.com Publish eu-west-1 WD {"topicArn":"arn:aws:sns:eu-west-1:444455556666:t","message":"HIDDEN_DUE_TO_SECURITY_REASONS"} [arn:aws:sns:eu-west-1:444455556666:t]"#,
    );
    let encrypt = r#"{"KeyId":"alias/a","Plaintext":"c2VjcmV0","EncryptionContext":{"a":"b"}}"#;
    let encrypt = check(
        "kms",
        json("TrentService.Encrypt", encrypt),
        r#"kms.amazonaws.com Encrypt eu-west-1 RM {"keyId":"alias/a","encryptionContext":{"a":"b"}} [arn:aws:kms:eu-west-1:111122223333:alias/a]"#,
    );
    assert_eq!(encrypt.answer_wanted(StatusCode::OK, &HeaderMap::new()), Wanted::Nothing);
    let key = check("kms", json("TrentService.CreateKey", "{}"), "kms.amazonaws.com CreateKey eu-west-1 WM null []");
    let answer = check_answer(
        &key,
        200,
        r#"{"KeyMetadata":{"KeyId":"k","Arn":"arn:aws:kms:eu-west-1:111122223333:key/k"}}"#,
        r#"{"keyMetadata":{"keyId":"k","arn":"arn:aws:kms:eu-west-1:111122223333:key/k"}}"#,
    );
    assert_eq!(answer.resources.len(), 1);
}

#[test]
fn users_and_instances_are_told_with_what_was_made() {
    let user = check(
        "iam",
        form("Action=CreateUser&Version=2010-05-08&UserName=dana&Path=%2Fa%2F"),
        r#"iam.amazonaws.com CreateUser us-east-1 WM {"path":"/a/","userName":"dana"} []"#,
    );
    let answer = "<CreateUserResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><CreateUserResult><User>\
                  <UserName>dana</UserName><UserId>AIDA1</UserId></User></CreateUserResult>\
                  <ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></CreateUserResponse>";
    let answer = check_answer(&user, 200, answer, r#"{"user":{"userName":"dana","userId":"AIDA1"}}"#);
    assert_eq!(answer.request_id.as_deref(), Some("r-1"));
    let key = check(
        "iam",
        form("Action=CreateAccessKey&Version=2010-05-08&UserName=dana"),
        r#"iam.amazonaws.com CreateAccessKey us-east-1 WM {"userName":"dana"} []"#,
    );
    let answer = "<CreateAccessKeyResponse><CreateAccessKeyResult><AccessKey><UserName>dana</UserName>\
                  <AccessKeyId>AKIA1</AccessKeyId><SecretAccessKey>secret</SecretAccessKey></AccessKey>\
                  </CreateAccessKeyResult></CreateAccessKeyResponse>";
    check_answer(&key, 200, answer, r#"{"accessKey":{"userName":"dana","accessKeyId":"AKIA1"}}"#);
    let run = "Action=RunInstances&Version=2016-11-15&ImageId=ami-1&MinCount=1&MaxCount=1&UserData=c2VjcmV0";
    let run = check(
        "ec2",
        form(run),
        r#"ec2.amazonaws.com RunInstances eu-west-1 WM {"instancesSet":{"items":[{"imageId":"ami-1","maxCount":1,"minCount":1}]},"userData":"<sensitiveDataRemoved>","blockDeviceMapping":{}} []"#,
    );
    let error = "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>No.</Message></Error></Errors>\
                 <RequestID>r-2</RequestID></Response>";
    let answer = check_answer(&run, 403, error, "Client.UnauthorizedOperation: No.");
    assert_eq!(answer.request_id.as_deref(), Some("r-2"));
    let describe = "Action=DescribeInstances&Version=2016-11-15&InstanceId.1=i-1&Filter.1.Name=a&Filter.1.Value.1=b";
    check(
        "ec2",
        form(describe),
        r#"ec2.amazonaws.com DescribeInstances eu-west-1 RM {"instancesSet":{"items":[{"instanceId":"i-1"}]},"filterSet":{"items":[{"name":"a","valueSet":{"items":[{"value":"b"}]}}]}} []"#,
    );
}

#[test]
fn an_assumed_role_is_a_read_that_gives_a_session() {
    let assume = "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A444455556666%3Arole%2Fr\
                  &RoleSessionName=s&SourceIdentity=dana&Tags.member.1.Key=team&Tags.member.1.Value=red\
                  &SerialNumber=arn%3Aaws%3Aiam%3A%3A111122223333%3Amfa%2Fdana&TokenCode=123456";
    let assume = check(
        "sts",
        form(assume),
        r#"sts.amazonaws.com AssumeRole eu-west-1 RM {"roleArn":"arn:aws:iam::444455556666:role/r","roleSessionName":"s","tags":[{"key":"team","value":"red"}],"serialNumber":"arn:aws:iam::111122223333:mfa/dana","sourceIdentity":"dana"} [arn:aws:iam::444455556666:role/r]"#,
    );
    let answer = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials>\
                  <AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>\
                  <Expiration>2030-01-01T00:00:00Z</Expiration></Credentials><AssumedRoleUser>\
                  <Arn>arn:aws:sts::444455556666:assumed-role/r/s</Arn><AssumedRoleId>AROA1:s</AssumedRoleId>\
                  </AssumedRoleUser></AssumeRoleResult></AssumeRoleResponse>";
    let answer = check_answer(
        &assume,
        200,
        answer,
        r#"{"credentials":{"accessKeyId":"ASIA1","sessionToken":"HIDDEN_DUE_TO_SECURITY_REASONS","expiration":"Jan 1, 2030, 12:00:00 AM"},"assumedRoleUser":{"arn":"arn:aws:sts::444455556666:assumed-role/r/s","assumedRoleId":"AROA1:s"}}"#,
    );
    let session = answer.session.unwrap();
    assert_eq!((session.access_key_id.as_str(), session.expires_s, session.mfa), ("ASIA1", Some(1_893_456_000), true));
    assert_eq!(session.arn.as_deref(), Some("arn:aws:sts::444455556666:assumed-role/r/s"));
    assert_eq!((session.source_identity.as_deref(), session.tags.len()), (Some("dana"), 1));
    let refused = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>No.</Message></Error></ErrorResponse>";
    assert_eq!(check_answer(&assume, 403, refused, "AccessDenied: No.").session, None);
}

#[test]
fn objects_and_buckets_are_told_as_s3_tells_them() {
    let put = ("PUT /b/a%20b?x-id=PutObject", [("x-amz-acl", "private")], "secret");
    let put = check(
        "s3",
        put,
        r#"s3.amazonaws.com PutObject eu-west-1 WD {"bucketName":"b","Host":"localhost:4566","key":"a b","x-id":"PutObject","x-amz-acl":"private"} [arn:aws:s3:::b/a b arn:aws:s3:::b]"#,
    );
    assert_eq!(put.answer_wanted(StatusCode::OK, &HeaderMap::new()), Wanted::Nothing);
    let error = "<Error><Code>NoSuchBucket</Code><Message>None.</Message></Error>";
    check_answer(&put, 404, error, "NoSuchBucket: None.");
    let head = check(
        "s3",
        ("HEAD /b/k", [], ""),
        r#"s3.amazonaws.com HeadObject eu-west-1 RD {"bucketName":"b","Host":"localhost:4566","key":"k"} [arn:aws:s3:::b/k arn:aws:s3:::b]"#,
    );
    check_answer(&head, 404, "", "NoSuchKey: The specified key does not exist.");
    check_answer(&head, 304, "", "null");
    let versioning = "<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Status>Enabled</Status>\
                      </VersioningConfiguration>";
    check(
        "s3",
        ("PUT /b?versioning", [], versioning),
        r#"s3.amazonaws.com PutBucketVersioning eu-west-1 WM {"bucketName":"b","Host":"localhost:4566","versioning":"","VersioningConfiguration":{"xmlns":"http://s3.amazonaws.com/doc/2006-03-01/","Status":"Enabled"}} [arn:aws:s3:::b]"#,
    );
    let copy = check(
        "s3",
        ("PUT /b/k", [("x-amz-copy-source", "/a/k")], ""),
        r#"s3.amazonaws.com CopyObject eu-west-1 WD {"bucketName":"b","Host":"localhost:4566","key":"k","x-amz-copy-source":"/a/k"} [arn:aws:s3:::b/k arn:aws:s3:::b]"#,
    );
    check_answer(&copy, 200, "<Error><Code>InternalError</Code><Message>Late.</Message></Error>", "InternalError: Late.");
    check_answer(&copy, 200, "<CopyObjectResult><ETag>e</ETag></CopyObjectResult>", "null");
}

#[test]
fn what_is_not_known_is_told_as_far_as_it_goes() {
    let thing = check("thing", ("POST /some/path", [], "body"), "thing.amazonaws.com POST /some/path eu-west-1 WM null []");
    assert!(!thing.request.recognised);
    assert_eq!(thing.answer_wanted(StatusCode::OK, &HeaderMap::new()), Wanted::Nothing);
    check_answer(&thing, 500, "oops", "InternalError: ");
    check_answer(&thing, 200, "", "null");
    for body in ["{", "[]", "\u{0}", r#"{"TableName":{"a":[]}}"#, &"[".repeat(10_000)] {
        check("dynamodb", json("DynamoDB_20120810.CreateTable", body), "dynamodb.amazonaws.com CreateTable eu-west-1 WM null []");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn whatever_is_sent_and_answered_is_told(
        service in "(s3|sts|ec2|lambda|dynamodb|sqs|[a-z]{1,9})",
        (method, path) in ("GET|PUT|POST|DELETE|HEAD|PATCH", "/[a-zA-Z0-9?&=%/+-]{0,40}"),
        target in "(DynamoDB_20120810\\.|AmazonSQS\\.|TrentService\\.|[A-Za-z.]{0,9})(PutItem|SendMessage|Encrypt|[A-Za-z.]{0,9})",
        body in prop_oneof![
            ".{0,200}",
            "(Action=(AssumeRole|RunInstances|[A-Za-z]{0,9})|[A-Za-z.0-9]{0,9}=.{0,9})(&[A-Za-z.0-9]{0,9}=[^&]{0,9}){0,9}",
            "(<[A-Za-z]{1,9}( a=\"b\")?>|</[A-Za-z]{1,9}>|&[a-z#0-9]{0,4};|[a-z]{0,4}){0,20}",
            "[\\[\\]{}\":, a-z0-9]{0,100}",
        ],
        status in 100_u16..600,
    ) {
        let protocols = Protocols::new().unwrap();
        let request = format!("{method} {path}");
        let headers = [("x-amz-target", target.as_str()), ("content-type", "application/x-www-form-urlencoded")];
        prop_assume!(path.parse::<http::Uri>().is_ok());
        let described = Sent { service: &service, request: &request, headers: &headers, body: &body }.read(&protocols);
        prop_assert!(!described.request.event_source.is_empty());
        let body = Body { whole: Some(Bytes::from(body)) };
        let answer = described.answered(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), &body);
        prop_assert!(answer.error.is_none() || answer.response_elements.is_none());
    }
}

#[test]
fn a_region_is_one_of_those_there_are() {
    let region = |name: &str, own: &str| {
        let signature =
            format!("AWS4-HMAC-SHA256 Credential=AKID/20300101/{name}/kms/aws4_request, SignedHeaders=host, Signature=00");
        let request = Request::builder().method("POST").uri("/").header("authorization", signature);
        let (parts, ()) = request.header("x-amz-target", "TrentService.ListKeys").body(()).unwrap().into_parts();
        let surroundings = Surroundings { region: own.to_owned(), ..Surroundings::default() };
        let recognised = Protocols::new().unwrap().recognise(&surroundings, &parts);
        recognised.read(&surroundings, &parts, &Body::default()).request.region
    };
    assert_eq!(region("ap-south-2", "us-east-1"), "ap-south-2");
    assert_eq!(region("cn-north-1", "us-east-1"), "cn-north-1");
    assert_eq!(region("home", "home"), "home");
    assert_eq!(region("made-up-1", "us-east-1"), "us-east-1");
}
