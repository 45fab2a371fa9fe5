//! A flat table: which services write resources, and which members of their inputs name them.
//!
//! Sources: the records of the corpus; for data events the page on CloudTrail in each service's own guide. A service that
//! is not here has no resources in its records. S3's stand in `s3`.

/// Where a resource's name stands, and what it names.
pub(super) struct Rule {
    /// The model's name.
    pub(super) service: &'static str,
    /// In which operations.
    pub(super) operations: Operations,
    /// The way to the name; `*` stands for every element, `%` for every key of a map.
    pub(super) way: &'static [&'static str],
    /// The type in the record; some services write none.
    pub(super) type_: &'static str,
    /// How the name becomes an ARN.
    pub(super) form: Form,
}

/// In which operations a rule holds.
pub(super) enum Operations {
    /// In all.
    All,
    /// In these.
    These(&'static [&'static str]),
    /// In those whose name begins so.
    Beginning(&'static str),
}

impl Operations {
    pub(super) fn covers(&self, operation: &str) -> bool {
        match self {
            Self::All => true,
            Self::These(names) => names.contains(&operation),
            Self::Beginning(start) => operation.starts_with(start),
        }
    }
}

/// How a name becomes an ARN.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// A name, for this template, or an ARN of the same service.
    Name(&'static str),
    /// An ARN, or nothing.
    Arn,
    /// A key's id, its ARN, or an alias.
    Key,
    /// A queue's URL.
    QueueUrl,
    /// A Lambda function.
    Function,
    /// A parameter of SSM, whose name may begin with a slash.
    Parameter,
    /// The ARN that stands before this character.
    Before(char),
    /// A mail address, with a name before it or without.
    Address,
}

const fn rule(
    service: &'static str,
    operations: Operations,
    way: &'static [&'static str],
    type_: &'static str,
    form: Form,
) -> Rule {
    Rule { service, operations, way, type_, form }
}

use Form::{Address, Arn, Before, Function, Key, Name, Parameter, QueueUrl};
use Operations::{All, Beginning, These};

const TABLE: Form = Name("arn:aws:dynamodb:{region}:{account}:table/{name}");
const STREAM: Form = Name("arn:aws:kinesis:{region}:{account}:stream/{name}");
const LOG_GROUP: Form = Name("arn:aws:logs:{region}:{account}:log-group:{name}");
const VIDEO: Form = Name("arn:aws:kinesisvideo:{region}:{account}:stream/{name}");
const KINESIS_DATA: &[&str] = &["GetRecords", "GetShardIterator", "PutRecord", "PutRecords", "SubscribeToShard"];
const SQS_DATA: &[&str] = &[
    "ChangeMessageVisibility",
    "ChangeMessageVisibilityBatch",
    "DeleteMessage",
    "DeleteMessageBatch",
    "GetQueueAttributes",
    "ListDeadLetterSourceQueues",
    "ListQueueTags",
    "ReceiveMessage",
    "SendMessage",
    "SendMessageBatch",
];
const LOGS_DATA: &[&str] = &["FilterLogEvents", "GetLogEvents", "PutLogEvents"];
const SSM_PARAMETERS: &[&str] = &["DeleteParameter", "GetParameter", "PutParameter"];

/// In inputs.
#[rustfmt::skip]
pub(super) const INPUT: &[Rule] = &[
    rule("cloudtrail-data", All, &["channelArn"], "AWS::CloudTrail::Channel", Arn),
    rule("cognito-identity", These(&["GetId"]), &["IdentityPoolId"], "AWS::Cognito::IdentityPool", Name("arn:aws:cognito-identity:{region}:{account}:identitypool/{name}")),

    rule("dynamodb", All, &["TableName"], "AWS::DynamoDB::Table", TABLE),
    rule("dynamodb", These(&["BatchGetItem", "BatchWriteItem"]), &["RequestItems", "%"], "AWS::DynamoDB::Table", TABLE),
    rule("dynamodb", Beginning("Transact"), &["TransactItems", "*", "*", "TableName"], "AWS::DynamoDB::Table", TABLE),
    rule("dynamodbstreams", All, &["StreamArn"], "AWS::DynamoDB::Stream", Arn),
    rule("dynamodbstreams", All, &["ShardIterator"], "AWS::DynamoDB::Stream", Before('|')),

    rule("ebs", These(&["GetSnapshotBlock", "ListSnapshotBlocks", "PutSnapshotBlock"]), &["SnapshotId"], "AWS::EC2::Snapshot", Name("arn:aws:ec2:{region}::snapshot/{name}")),
    rule("ebs", These(&["ListChangedBlocks"]), &["FirstSnapshotId"], "AWS::EC2::Snapshot", Name("arn:aws:ec2:{region}::snapshot/{name}")),
    rule("ebs", These(&["ListChangedBlocks"]), &["SecondSnapshotId"], "AWS::EC2::Snapshot", Name("arn:aws:ec2:{region}::snapshot/{name}")),
    rule("ecr", All, &["repositoryName"], "", Name("arn:aws:ecr:{region}:{account}:repository/{name}")),
    rule("events", These(&["PutEvents"]), &["Entries", "*", "EventBusName"], "AWS::Events::EventBus", Name("arn:aws:events:{region}:{account}:event-bus/{name}")),
    rule("firehose", Beginning("PutRecord"), &["DeliveryStreamName"], "AWS::KinesisFirehose::DeliveryStream", Name("arn:aws:firehose:{region}:{account}:deliverystream/{name}")),
    rule("iot-data", All, &["thingName"], "AWS::IoT::Thing", Name("arn:aws:iot:{region}:{account}:thing/{name}")),

    rule("kinesis", These(KINESIS_DATA), &["StreamName"], "AWS::Kinesis::Stream", STREAM),
    rule("kinesis", These(KINESIS_DATA), &["StreamARN"], "AWS::Kinesis::Stream", Arn),
    rule("kinesis", These(KINESIS_DATA), &["ConsumerARN"], "AWS::Kinesis::StreamConsumer", Arn),
    rule("kinesis-video-archived-media", All, &["StreamName"], "AWS::KinesisVideo::Stream", VIDEO),
    rule("kinesis-video-archived-media", All, &["StreamARN"], "AWS::KinesisVideo::Stream", Arn),
    rule("kinesis-video-media", All, &["StreamName"], "AWS::KinesisVideo::Stream", VIDEO),
    rule("kinesis-video-media", All, &["StreamARN"], "AWS::KinesisVideo::Stream", Arn),

    rule("kms", All, &["KeyId"], "AWS::KMS::Key", Key),
    rule("kms", All, &["SourceKeyId"], "AWS::KMS::Key", Key),
    rule("kms", All, &["DestinationKeyId"], "AWS::KMS::Key", Key),
    rule("kms", All, &["TargetKeyId"], "AWS::KMS::Key", Key),
    rule("kms", All, &["AliasName"], "AWS::KMS::Alias", Key),

    rule("lambda", Beginning("Invoke"), &["FunctionName"], "AWS::Lambda::Function", Function),

    rule("logs", These(LOGS_DATA), &["logGroupName"], "AWS::Logs::LogGroup", LOG_GROUP),
    rule("logs", These(LOGS_DATA), &["logGroupIdentifier"], "AWS::Logs::LogGroup", LOG_GROUP),
    rule("logs", These(&["StartLiveTail"]), &["logGroupIdentifiers"], "AWS::Logs::LogGroup", LOG_GROUP),

    rule("rds-data", All, &["resourceArn"], "AWS::RDS::DBCluster", Arn),
    rule("s3vectors", All, &["indexArn"], "AWS::S3Vectors::Index", Arn),
    rule("sagemaker-runtime", All, &["EndpointName"], "AWS::SageMaker::Endpoint", Name("arn:aws:sagemaker:{region}:{account}:endpoint/{name}")),
    rule("sagemaker-featurestore-runtime", All, &["FeatureGroupName"], "AWS::SageMaker::FeatureGroup", Name("arn:aws:sagemaker:{region}:{account}:feature-group/{name}")),
    rule("sdb", All, &["DomainName"], "AWS::SDB::Domain", Name("arn:aws:sdb:{region}:{account}:domain/{name}")),
    rule("ses", Beginning("Send"), &["Source"], "AWS::SES::EmailIdentity", Address),
    rule("sesv2", Beginning("Send"), &["FromEmailAddress"], "AWS::SES::EmailIdentity", Address),

    rule("sns", Beginning("Publish"), &["TopicArn"], "AWS::SNS::Topic", Arn),
    rule("sns", Beginning("Publish"), &["TargetArn"], "AWS::SNS::PlatformEndpoint", Arn),

    rule("sqs", These(SQS_DATA), &["QueueUrl"], "AWS::SQS::Queue", QueueUrl),
    rule("sqs", These(&["GetQueueUrl"]), &["QueueName"], "AWS::SQS::Queue", Name("arn:aws:sqs:{region}:{account}:{name}")),

    rule("ssm", These(SSM_PARAMETERS), &["Name"], "", Parameter),
    rule("ssm", These(&["DeleteParameters", "GetParameters"]), &["Names"], "", Parameter),

    rule("stepfunctions", These(&["GetActivityTask"]), &["activityArn"], "AWS::StepFunctions::Activity", Arn),

    rule("sts", Beginning("AssumeRole"), &["RoleArn"], "AWS::IAM::Role", Arn),
    rule("sts", These(&["AssumeRoleWithSAML"]), &["PrincipalArn"], "AWS::IAM::SAMLProvider", Arn),

    rule("swf", All, &["domain"], "AWS::SWF::Domain", Name("arn:aws:swf:{region}:{account}:/domain/{name}")),
    rule("timestream-write", These(&["WriteRecords"]), &["DatabaseName"], "AWS::Timestream::Database", Name("arn:aws:timestream:{region}:{account}:database/{name}")),
    rule("verifiedpermissions", These(&["BatchIsAuthorized", "BatchIsAuthorizedWithToken", "IsAuthorized", "IsAuthorizedWithToken"]), &["policyStoreId"], "AWS::VerifiedPermissions::PolicyStore", Name("arn:aws:verifiedpermissions::{account}:policy-store/{name}")),
];

/// In outputs.
pub(super) const OUTPUT: &[Rule] = &[rule("kms", These(&["CreateKey"]), &["KeyMetadata", "Arn"], "AWS::KMS::Key", Arn)];
