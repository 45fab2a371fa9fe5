use super::{Place, of_input, of_one_type, of_output, of_type_alone};
use crate::parameters::Value;

fn object(members: &[(&str, Value)]) -> Value {
    Value::Object(members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
}

/// Resources as `account type ARN`.
fn told(resources: &[cloudtrail::record::Resource]) -> Vec<String> {
    let one = |resource: &cloudtrail::record::Resource| {
        let arn = resource.arn.as_str().unwrap_or("-");
        let account = resource.account.map(|account| account.to_string()).unwrap_or_default();
        format!("{account} {} {arn}", resource.type_.as_deref().unwrap_or("-"))
    };
    resources.iter().map(one).collect()
}

fn check(service: &str, operation: &str, input: &[(&str, Value)], expected: &[&str]) {
    let place = Place { region: "eu-west-1", account: "111122223333" };
    assert_eq!(told(&of_input(service, operation, &object(input), place)), expected, "{service} {operation}");
}

#[test]
fn names_become_arns_and_arns_stay() {
    let text = |text: &str| Value::text(text);
    let table = "111122223333 AWS::DynamoDB::Table arn:aws:dynamodb:eu-west-1:111122223333:table/Music";
    check("dynamodb", "PutItem", &[("TableName", text("Music"))], &[table]);
    check("dynamodb", "PutItem", &[("tableName", text("Music"))], &[table]);
    check(
        "dynamodb",
        "GetItem",
        &[("TableName", text("arn:aws:dynamodb:us-east-1:444455556666:table/Other"))],
        &["444455556666 AWS::DynamoDB::Table arn:aws:dynamodb:us-east-1:444455556666:table/Other"],
    );
    check("dynamodb", "BatchGetItem", &[("RequestItems", object(&[("Music", Value::Null)]))], &[table]);
    let put = object(&[("Put", object(&[("TableName", text("Music"))]))]);
    check("dynamodb", "TransactWriteItems", &[("TransactItems", Value::List(vec![put.clone(), put]))], &[table]);
    check(
        "dynamodbstreams",
        "GetRecords",
        &[("ShardIterator", text("arn:aws:dynamodb:us-east-1:444455556666:table/T/stream/2030|1|AAA"))],
        &["444455556666 AWS::DynamoDB::Stream arn:aws:dynamodb:us-east-1:444455556666:table/T/stream/2030"],
    );
}

#[test]
fn every_service_names_things_its_own_way() {
    let text = |text: &str| Value::text(text);
    let function = "111122223333 AWS::Lambda::Function arn:aws:lambda:eu-west-1:111122223333:function:f:PROD";
    check("lambda", "Invoke", &[("FunctionName", text("f:PROD"))], &[function]);
    check("lambda", "Invoke", &[("FunctionName", text("111122223333:function:f:PROD"))], &[function]);
    check("lambda", "UpdateFunctionCode", &[("FunctionName", text("f"))], &[]);
    let queue = "444455556666 AWS::SQS::Queue arn:aws:sqs:eu-west-1:444455556666:q";
    check("sqs", "SendMessage", &[("QueueUrl", text("https://sqs.eu-west-1.amazonaws.com/444455556666/q"))], &[queue]);
    let local = "111122223333 AWS::SQS::Queue arn:aws:sqs:eu-west-1:111122223333:q";
    check("sqs", "SendMessage", &[("QueueUrl", text("http://localhost:9324/queue/q"))], &[local]);
    check("sqs", "SendMessage", &[("QueueUrl", text("https://sqs.eu-west-1.amazonaws.com"))], &[]);
    let topic = "444455556666 AWS::SNS::Topic arn:aws:sns:us-east-1:444455556666:t";
    check("sns", "Publish", &[("TopicArn", text("arn:aws:sns:us-east-1:444455556666:t"))], &[topic]);
    check("sns", "CreateTopic", &[("TopicArn", text("arn:aws:sns:us-east-1:444455556666:t"))], &[]);
    let key = "111122223333 AWS::KMS::Key arn:aws:kms:eu-west-1:111122223333:key/k";
    check("kms", "Encrypt", &[("KeyId", text("k"))], &[key]);
    check("kms", "Encrypt", &[("KeyId", text("arn:aws:kms:eu-west-1:111122223333:key/k"))], &[key]);
    let alias = "111122223333 AWS::KMS::Key arn:aws:kms:eu-west-1:111122223333:alias/a";
    check("kms", "Encrypt", &[("KeyId", text("alias/a"))], &[alias]);
    let role = "444455556666 AWS::IAM::Role arn:aws:iam::444455556666:role/r";
    check("sts", "AssumeRole", &[("RoleArn", text("arn:aws:iam::444455556666:role/r"))], &[role]);
    check("sts", "GetCallerIdentity", &[], &[]);
    let parameters = [
        "111122223333 - arn:aws:ssm:eu-west-1:111122223333:parameter/a",
        "111122223333 - arn:aws:ssm:eu-west-1:111122223333:parameter/b/c",
    ];
    check("ssm", "GetParameters", &[("Names", Value::List(vec![text("a"), text("/b/c")]))], &parameters);
    let identity = "111122223333 AWS::SES::EmailIdentity arn:aws:ses:eu-west-1:111122223333:identity/a@example.com";
    check("ses", "SendEmail", &[("Source", text("Ann <a@example.com>"))], &[identity]);
    check("iam", "CreateUser", &[("UserName", text("u"))], &[]);
    check("ec2", "RunInstances", &[("ImageId", text("ami-1"))], &[]);
    check("secretsmanager", "GetSecretValue", &[("SecretId", text("s"))], &[]);
}

#[test]
fn what_cannot_be_a_name_is_none() {
    for name in ["", "a\nb", &"x".repeat(2_049)] {
        check("dynamodb", "PutItem", &[("TableName", Value::text(name))], &[]);
    }
    check("dynamodb", "PutItem", &[("TableName", Value::Null)], &[]);
    check("dynamodb", "PutItem", &[("TableName", Value::text("arn:aws:s3:::b"))], &[]);
    let many = Value::List((0..200).map(|n| Value::text(n.to_string())).collect());
    let place = Place { region: "eu-west-1", account: "111122223333" };
    assert_eq!(of_input("ssm", "GetParameters", &object(&[("Names", many)]), place).len(), 100);
}

#[test]
fn a_key_that_was_made_is_named_by_the_answer() {
    let arn = Value::text("arn:aws:kms:eu-west-1:111122223333:key/k");
    let output = object(&[("KeyMetadata", object(&[("Arn", arn)]))]);
    let place = Place { region: "eu-west-1", account: "111122223333" };
    let expected = ["111122223333 AWS::KMS::Key arn:aws:kms:eu-west-1:111122223333:key/k"];
    assert_eq!(told(&of_output("kms", "CreateKey", &output, place)), expected);
}

#[test]
fn an_operation_has_a_type_where_it_can_be_about_one_alone() {
    for (service, _, type_) in of_one_type::OF_DATA {
        assert!(cloudtrail::selectors::is_known_resource_type(type_), "{service} {type_}");
    }
    let place = Place { region: "eu-west-1", account: "111122223333" };
    let alone = |service: &str, operation: &str| told(&Vec::from_iter(of_type_alone(service, operation, place)));
    assert_eq!(alone("cloudwatch", "PutMetricData"), ["111122223333 AWS::CloudWatch::Metric -"]);
    assert_eq!(alone("kinesis", "SubscribeToShard"), ["111122223333 AWS::Kinesis::StreamConsumer -"]);
    assert_eq!(alone("kinesis", "GetRecords"), ["111122223333 AWS::Kinesis::Stream -"]);
    assert!(alone("sns", "Publish").is_empty(), "it may be a topic, an endpoint or a telephone");
    assert!(alone("iam", "CreateUser").is_empty());
}
