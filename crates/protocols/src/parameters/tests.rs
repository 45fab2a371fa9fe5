use http::{HeaderMap, StatusCode};

use super::*;
use crate::table::file::Table;

/// A service of the table.
pub(crate) fn service(name: &str) -> Service {
    let bytes = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/model/services.table")).unwrap();
    let table = Table::open(bytes).unwrap();
    let at = table.headings().iter().position(|heading| heading.name == name).unwrap();
    table.read(at).unwrap()
}

fn operation<'a>(service: &'a Service, name: &str) -> &'a Operation {
    service.operations.iter().find(|operation| operation.name == name).unwrap()
}

/// The structure that goes into an operation.
pub(crate) fn input_of(service: &Service, name: &str) -> ShapeId {
    operation(service, name).input.unwrap()
}

struct Request<'a> {
    uri: &'a str,
    headers: &'a [(&'a str, &'a str)],
    labels: &'a [(&'a str, &'a str)],
    body: &'a [u8],
}

const POST: Request<'_> = Request { uri: "/", headers: &[], labels: &[], body: b"" };

fn told(name: &str, called: &str, protocol: Protocol, request: &Request<'_>) -> Option<String> {
    let service = service(name);
    let contract = Contract { service: &service, operation: operation(&service, called), protocol };
    let mut builder = http::Request::builder().uri(request.uri);
    for (name, value) in request.headers {
        builder = builder.header(*name, *value);
    }
    let (head, ()) = builder.body(()).unwrap().into_parts();
    let labels: Vec<_> = request.labels.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let named = input_as_named(&contract, &head, &labels, Some(request.body)).unwrap();
    spell(&contract, Side::Input, named).map(|value| value.render().get().to_owned())
}

fn check(name: &str, called: &str, protocol: Protocol, request: &Request<'_>, expected: &str) {
    assert_eq!(told(name, called, protocol, request).as_deref(), Some(expected), "{name} {called}");
}

fn check_body(name: &str, called: &str, protocol: Protocol, body: &str, expected: &str) {
    check(name, called, protocol, &Request { body: body.as_bytes(), ..POST }, expected);
}

fn check_answer(name: &str, called: &str, protocol: Protocol, body: &str, expected: &str) {
    let service = service(name);
    let contract = Contract { service: &service, operation: operation(&service, called), protocol };
    let named = output_as_named(&contract, StatusCode::OK, &HeaderMap::new(), Some(body.as_bytes())).unwrap();
    let spelled = spell(&contract, Side::Output, named).map(|value| value.render().get().to_owned());
    assert_eq!(spelled.as_deref(), Some(expected), "{name} {called}");
}

#[test]
fn aws_json_is_told_in_the_order_and_the_numbers_of_the_caller() {
    check_body(
        "kms",
        "GenerateDataKey",
        Protocol::Json11,
        r#"{"KeyId": "k", "NumberOfBytes": 32, "EncryptionContext": {"App:Name": "x", "b": "y"}, "Unheard": {"of": 1}}"#,
        r#"{"keyId":"k","numberOfBytes":32,"encryptionContext":{"App:Name":"x","b":"y"}}"#,
    );
}

#[test]
fn secrets_are_hidden_or_left_out_as_the_service_does() {
    check_body(
        "secretsmanager",
        "CreateSecret",
        Protocol::Json11,
        r#"{"Name":"n","ClientRequestToken":"t","SecretString":"hunter2","SecretBinary":"aHVudGVy"}"#,
        r#"{"name":"n","clientRequestToken":"t"}"#,
    );
    check_body(
        "ssm",
        "PutParameter",
        Protocol::Json11,
        r#"{"Name":"n","Value":"hunter2","Type":"SecureString"}"#,
        r#"{"name":"n","value":"HIDDEN_DUE_TO_SECURITY_REASONS","type":"SecureString"}"#,
    );
    check_body("kms", "Encrypt", Protocol::Json11, r#"{"KeyId":"k","Plaintext":"aHVudGVy"}"#, r#"{"keyId":"k"}"#);
    check_body(
        "rds",
        "ModifyDBInstance",
        Protocol::Query,
        "Action=ModifyDBInstance&DBInstanceIdentifier=d&MasterUserPassword=hunter2&ApplyImmediately=true",
        r#"{"dBInstanceIdentifier":"d","applyImmediately":true,"masterUserPassword":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#,
    );
    check_body(
        "sns",
        "Publish",
        Protocol::Query,
        "TopicArn=t&Message=hunter2&Subject=s",
        r#"{"topicArn":"t","message":"HIDDEN_DUE_TO_SECURITY_REASONS","subject":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#,
    );
}

#[test]
fn items_of_dynamodb_are_told_by_their_keys() {
    check_body(
        "dynamodb",
        "PutItem",
        Protocol::Json10,
        r#"{"TableName":"Music","Item":{"Artist":{"S":"secret"},"Song":{"S":"x"}}}"#,
        r#"{"tableName":"Music","item":["Artist","Song"]}"#,
    );
    check_body(
        "dynamodb",
        "UpdateItem",
        Protocol::Json10,
        r#"{"TableName":"Music","Key":{"Artist":{"S":"A"},"Year":{"N":"7"}},"ExpressionAttributeValues":{":v":{"S":"secret"}}}"#,
        r#"{"tableName":"Music","key":{"Artist":"A","Year":"7"}}"#,
    );
    check_body(
        "dynamodb",
        "ExecuteStatement",
        Protocol::Json10,
        r#"{"Statement":"UPDATE \"M1\" SET a='it''s', b2 = 12.5 WHERE c=?","Parameters":[{"S":"secret"}]}"#,
        r#"{"statement":"UPDATE \"M1\" SET a=***(Redacted)***(Redacted), b2 = ***(Redacted) WHERE c=?"}"#,
    );
}

#[test]
fn forms_are_told_with_lists_and_maps() {
    check_body(
        "iam",
        "CreateRole",
        Protocol::Query,
        "Action=CreateRole&Version=2010-05-08&RoleName=r&AssumeRolePolicyDocument=%7B%7D&MaxSessionDuration=3600\
         &Tags.member.10.Key=b&Tags.member.10.Value=&Tags.member.2.Key=a+b&Tags.member.2.Value=c",
        r#"{"roleName":"r","assumeRolePolicyDocument":"{}","maxSessionDuration":3600,"tags":[{"key":"a b","value":"c"},{"key":"b","value":""}]}"#,
    );
    check_body(
        "sns",
        "CreateTopic",
        Protocol::Query,
        "Name=n&Attributes.entry.1.key=Policy&Attributes.entry.1.value=p",
        r#"{"name":"n","attributes":{"Policy":"p"}}"#,
    );
    let at_the_uri = Request { uri: "/?Action=GetUser&UserName=u", ..POST };
    check("iam", "GetUser", Protocol::Query, &at_the_uri, r#"{"userName":"u"}"#);
}

#[test]
fn rest_is_told_from_path_query_headers_and_body() {
    let request = Request {
        uri: "/2015-03-31/functions/f/invocations?Qualifier=v1",
        headers: &[("x-amz-invocation-type", "Event"), ("X-Amz-Log-Type", "Tail")],
        labels: &[("FunctionName", "f")],
        body: b"{\"secret\":1}",
    };
    check(
        "lambda",
        "Invoke",
        Protocol::RestJson,
        &request,
        r#"{"functionName":"f","invocationType":"Event","logType":"Tail","qualifier":"v1"}"#,
    );
    let request = Request {
        labels: &[("FunctionName", "f")],
        body: br#"{"Timeout":10,"Environment":{"Variables":{"PASSWORD":"hunter2"}},"FunctionName":"other"}"#,
        ..POST
    };
    check(
        "lambda",
        "UpdateFunctionConfiguration",
        Protocol::RestJson,
        &request,
        r#"{"functionName":"f","timeout":10,"environment":{}}"#,
    );
    let request = Request {
        labels: &[("Id", "/hostedzone/Z1")],
        body: b"<ChangeResourceRecordSetsRequest xmlns='https://route53.amazonaws.com/doc/2013-04-01/'><ChangeBatch><Changes>\
            <Change><Action>UPSERT</Action><ResourceRecordSet><Name>a&amp;b.</Name><TTL>60</TTL><ResourceRecords>\
            <ResourceRecord><Value>1.2.3.4</Value></ResourceRecord></ResourceRecords></ResourceRecordSet></Change>\
            </Changes></ChangeBatch></ChangeResourceRecordSetsRequest>",
        ..POST
    };
    check(
        "route53",
        "ChangeResourceRecordSets",
        Protocol::RestXml,
        &request,
        r#"{"hostedZoneId":"/hostedzone/Z1","changeBatch":{"changes":[{"action":"UPSERT","resourceRecordSet":{"name":"a&b.","tTL":60,"resourceRecords":[{"value":"1.2.3.4"}]}}]}}"#,
    );
}

#[test]
fn old_calls_to_ec2_are_told_as_sets() {
    check_body(
        "ec2",
        "DescribeInstances",
        Protocol::Ec2,
        "InstanceId.1=i-1&Filter.1.Name=tag%3Aa&Filter.1.Value.1=x&Filter.1.Value.2=y&MaxResults=5",
        r#"{"instancesSet":{"items":[{"instanceId":"i-1"}]},"filterSet":{"items":[{"name":"tag:a","valueSet":{"items":[{"value":"x"},{"value":"y"}]}}]},"maxResults":5}"#,
    );
    check_body("ec2", "DescribeVolumes", Protocol::Ec2, "Action=DescribeVolumes", r#"{"volumeSet":{},"filterSet":{}}"#);
    check_body(
        "ec2",
        "RunInstances",
        Protocol::Ec2,
        "ImageId=ami-1&MinCount=1&MaxCount=2&UserData=aHVudGVy&Placement.AvailabilityZone=z&TagSpecification.1.ResourceType=instance\
         &TagSpecification.1.Tag.1.Key=k&TagSpecification.1.Tag.1.Value=true&SecurityGroupId.1=sg-1&SecurityGroup.1=g",
        r#"{"instancesSet":{"items":[{"imageId":"ami-1","maxCount":2,"minCount":1}]},"availabilityZone":"z","groupSet":{"items":[{"groupId":"sg-1"},{"groupName":"g"}]},"userData":"<sensitiveDataRemoved>","tagSpecificationSet":{"items":[{"resourceType":"instance","tags":[{"key":"k","value":"true"}]}]},"blockDeviceMapping":{}}"#,
    );
}

#[test]
fn other_calls_to_ec2_are_told_under_their_names() {
    check_body(
        "ec2",
        "CreateNatGateway",
        Protocol::Ec2,
        "SubnetId=subnet-1&ClientToken=t&TagSpecification.1.ResourceType=natgateway&TagSpecification.1.Tag.1.Key=a\
         &TagSpecification.1.Tag.1.Value=b",
        r#"{"CreateNatGatewayRequest":{"ClientToken":"t","SubnetId":"subnet-1","TagSpecification":{"ResourceType":"natgateway","Tag":{"Key":"a","Value":"b","tag":1},"tag":1}}}"#,
    );
    check_body(
        "ec2",
        "DescribeVpcClassicLinkDnsSupport",
        Protocol::Ec2,
        "VpcIds.1=vpc-1",
        r#"{"DescribeVpcClassicLinkDnsSupportRequest":{"VpcIds":{"content":"vpc-1","tag":1}}}"#,
    );
    check_body("ec2", "EnableSerialConsoleAccess", Protocol::Ec2, "Version=1", r#"{"EnableSerialConsoleAccessRequest":""}"#);
}

#[test]
fn answers_are_told_without_secrets_and_wrappers() {
    check_answer(
        "iam",
        "CreateAccessKey",
        Protocol::Query,
        "<CreateAccessKeyResponse><CreateAccessKeyResult><AccessKey><UserName>u</UserName><AccessKeyId>AKIA</AccessKeyId>\
         <Status>Active</Status><SecretAccessKey>hunter2</SecretAccessKey><CreateDate>2026-01-31T09:30:00Z</CreateDate>\
         </AccessKey></CreateAccessKeyResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></CreateAccessKeyResponse>",
        r#"{"accessKey":{"userName":"u","accessKeyId":"AKIA","status":"Active","createDate":"Jan 31, 2026, 9:30:00 AM"}}"#,
    );
    check_answer(
        "sts",
        "AssumeRole",
        Protocol::Query,
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
         <SessionToken>t</SessionToken></Credentials></AssumeRoleResult></AssumeRoleResponse>",
        r#"{"credentials":{"accessKeyId":"ASIA","sessionToken":"HIDDEN_DUE_TO_SECURITY_REASONS"}}"#,
    );
    check_answer(
        "rds",
        "DeleteDBInstance",
        Protocol::Query,
        "<R><DeleteDBInstanceResult><DBInstance><DBInstanceIdentifier>d</DBInstanceIdentifier><MultiAZ>false</MultiAZ>\
         <VpcSecurityGroups><VpcSecurityGroupMembership><Status>active</Status></VpcSecurityGroupMembership></VpcSecurityGroups>\
         </DBInstance></DeleteDBInstanceResult></R>",
        r#"{"dBInstanceIdentifier":"d","multiAZ":false,"vpcSecurityGroups":[{"status":"active"}]}"#,
    );
    check_answer(
        "secretsmanager",
        "DeleteSecret",
        Protocol::Json11,
        r#"{"ARN":"arn","Name":"n","DeletionDate":1.7698518E9}"#,
        r#"{"aRN":"arn","name":"n","deletionDate":"Jan 31, 2026, 9:30:00 AM"}"#,
    );
}

#[test]
fn answers_of_ec2_have_their_id_and_what_they_return() {
    check_answer(
        "ec2",
        "DeleteVpc",
        Protocol::Ec2,
        "<DeleteVpcResponse><requestId>r</requestId><return>true</return></DeleteVpcResponse>",
        r#"{"requestId":"r","_return":true}"#,
    );
    check_answer(
        "ec2",
        "CreateVpc",
        Protocol::Ec2,
        "<CreateVpcResponse xmlns='x'><requestId>r</requestId><vpc><vpcId>v</vpcId><ipv6CidrBlockAssociationSet/>\
         <tagSet><item><key>k</key><value>1</value></item></tagSet></vpc></CreateVpcResponse>",
        r#"{"requestId":"r","vpc":{"vpcId":"v","ipv6CidrBlockAssociationSet":{},"tagSet":{"items":[{"key":"k","value":"1"}]}}}"#,
    );
    check_answer(
        "ec2",
        "DeleteFlowLogs",
        Protocol::Ec2,
        "<DeleteFlowLogsResponse><requestId>r</requestId><unsuccessful/></DeleteFlowLogsResponse>",
        r#"{"DeleteFlowLogsResponse":{"xmlns":"http://ec2.amazonaws.com/doc/2016-11-15/","requestId":"r","unsuccessful":""}}"#,
    );
}

#[test]
fn a_body_that_is_none_of_its_protocol_is_malformed_and_never_a_panic() {
    let service = service("kms");
    let contract = Contract { service: &service, operation: operation(&service, "Encrypt"), protocol: Protocol::Json11 };
    let (head, ()) = http::Request::new(()).into_parts();
    for body in [&b"{"[..], b"[]", b"\"x\"", b"\xff", b"{}{}", b"{\"KeyId\":}"] {
        assert_eq!(input_as_named(&contract, &head, &[], Some(body)), Err(Unread::Malformed), "{body:?}");
    }
    for body in [None, Some(&b""[..]), Some(b" \n"), Some(b"{}")] {
        assert_eq!(input_as_named(&contract, &head, &[], body), Ok(Value::Object(Vec::new())));
    }
}

#[test]
fn unions_of_kinds_that_a_model_does_not_expect_are_left_out() {
    check_body(
        "kms",
        "Encrypt",
        Protocol::Json11,
        r#"{"KeyId":["x"],"EncryptionContext":7,"GrantTokens":{"a":1},"DryRun":true}"#,
        r#"{"dryRun":true}"#,
    );
}

#[test]
fn whatever_a_stranger_sends_is_read_or_refused() {
    use proptest::prelude::*;
    use proptest::test_runner::TestRunner;

    let services: Vec<Service> = ["kms", "iam", "ec2", "lambda", "route53", "cloudwatch"].map(service).into();
    let texts = [
        r#"{"KeyId":"k","EncryptionContext":{"a":"b"},"Tags":[{"TagKey":"a"}]}"#,
        "Action=X&Tags.member.1.Key=a&Filter.1.Value.2=b&UserName=u",
        "<R><CreateUserResult><User><Tags><member><Key>k</Key></member></Tags></User></CreateUserResult></R>",
        "\u{a1}aMetricName\u{9f}\u{ff}",
    ];
    let mangled =
        (0..texts.len(), prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6)).prop_map(|(at, changes)| {
            let mut bytes = texts[at].as_bytes().to_vec();
            for (place, byte) in changes {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            bytes
        });
    let bodies = prop_oneof![mangled, prop::collection::vec(any::<u8>(), 0..200)];
    let protocols =
        [Protocol::Json11, Protocol::Query, Protocol::Ec2, Protocol::RestJson, Protocol::RestXml, Protocol::RpcV2Cbor];
    let at = (0..services.len(), any::<prop::sample::Index>(), prop::sample::select(protocols.to_vec()));
    let mut runner = TestRunner::default();
    let judged = runner.run(&(at, bodies), |((at, operation, protocol), body)| {
        let service = &services[at];
        let operation = &service.operations[operation.index(service.operations.len())];
        let contract = Contract { service, operation, protocol };
        let (head, ()) = http::Request::new(()).into_parts();
        for side in [Side::Input, Side::Output] {
            let named = match side {
                Side::Input => input_as_named(&contract, &head, &[], Some(&body)),
                Side::Output => output_as_named(&contract, StatusCode::OK, &HeaderMap::new(), Some(&body)),
            };
            if let Some(told) = named.ok().and_then(|named| spell(&contract, side, named)) {
                prop_assert!(serde_json::from_str::<serde_json::Value>(told.render().get()).is_ok());
            }
        }
        crate::answers::failure(Some(protocol), StatusCode::BAD_REQUEST, &HeaderMap::new(), Some(&body));
        crate::answers::request_id(Some(protocol), &HeaderMap::new(), Some(&body));
        Ok(())
    });
    judged.unwrap();
}

#[test]
fn what_only_looks_like_a_number_is_told_as_text() {
    for text in ["1.e5", "1.", "01", "1_0", "1e", "+1", "-", "1.0", "-0.5e-3"] {
        let number = text == "1.0" || text == "-0.5e-3";
        let expected = format!("{{\"maxItems\":{}}}", if number { text.to_owned() } else { format!("\"{text}\"") });
        let body = format!("Action=ListUsers&Version=2010-05-08&MaxItems={}", text.replace('+', "%2B"));
        check_body("iam", "ListUsers", Protocol::Query, &body, &expected);
    }
}

#[test]
fn what_is_said_twice_is_told_twice() {
    check_body(
        "kms",
        "GenerateDataKey",
        Protocol::Json11,
        r#"{"KeyId":"a","KeyId":"b","KeyId":"b","EncryptionContext":{"k":"1","k":"2"},"EncryptionContext":{"l":"3"}}"#,
        r#"{"keyId":["a","b","b"],"encryptionContext":[{"k":["1","2"]},{"l":"3"}]}"#,
    );
    let twice = r#"{"SecretId":"s","SecretId":"s","SecretString":"hunter2","SecretString":"hunter3"}"#;
    check_body("secretsmanager", "PutSecretValue", Protocol::Json11, twice, r#"{"secretId":"s"}"#);
    let items = r#"{"TableName":"t","Item":{"a":{"S":"hidden"}},"Item":{"b":{"S":"hidden"}}}"#;
    check_body("dynamodb", "PutItem", Protocol::Json10, items, r#"{"tableName":"t","item":[["a"],["b"]]}"#);
    let form = "Action=CreateUser&Version=2010-05-08&UserName=a&UserName=b&Path=%2F&Path=%2F";
    check_body("iam", "CreateUser", Protocol::Query, form, r#"{"path":"/","userName":["a","b"]}"#);
}
