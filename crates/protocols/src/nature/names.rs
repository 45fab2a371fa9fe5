//! A flat table: what services call themselves and their operations in records, and what they call a read, where it
//! cannot be told from the model.
//!
//! Sources: the records of the corpus; else the page on CloudTrail in each service's own guide.

/// eventSource of services that sign under another name, by the model's name. Sources besides the corpus: Application Auto
/// Scaling user guide, "Log Application Auto Scaling API calls"; AWS Data Exchange user guide, "Upcoming changes in AWS Data
/// Exchange CloudTrail logging" (agreements and the catalog of Marketplace); IAM Identity Center user guide, "Logging IAM
/// Identity Center API calls". Of metering the table of services has it, from the Marketplace seller guide, "Logging AWS
/// Marketplace Metering API calls".
pub(super) const EVENT_SOURCES: &[(&str, &str)] = &[
    ("application-autoscaling", "autoscaling.amazonaws.com"),
    ("marketplace-agreement", "agreement-marketplace.amazonaws.com"),
    ("marketplace-catalog", "marketplacecatalog.amazonaws.com"),
    ("marketplace-discovery", "discovery-marketplace.amazonaws.com"),
    ("mq", "amazonmq.amazonaws.com"),
    ("servicecatalog-appregistry", "servicecatalog-appregistry.amazonaws.com"),
    ("sso", "sso.amazonaws.com"),
    ("sso-oidc", "sso.amazonaws.com"),
];

/// eventSource of single operations: service, name in the API, source (IAM Identity Center user guide, "IAM Identity Center
/// information in CloudTrail").
pub(super) const EVENT_SOURCES_OF_OPERATIONS: &[(&str, &str, &str)] =
    &[("sso-oidc", "CreateTokenWithIAM", "sso-oauth.amazonaws.com")];

/// Operations that records call otherwise: service, name in the API, name in records.
pub(super) const EVENT_NAMES: &[(&str, &str, &str)] = &[
    ("s3control", "DeletePublicAccessBlock", "DeleteAccountPublicAccessBlock"),
    ("s3control", "GetPublicAccessBlock", "GetAccountPublicAccessBlock"),
    ("s3control", "PutPublicAccessBlock", "PutAccountPublicAccessBlock"),
];

/// The last date that Lambda's names end with; what came later bears none.
pub(super) const LAMBDA_DATED_UNTIL: &str = "2018-10-31";

/// Lambda's operations whose name ends with `v2`.
pub(super) const LAMBDA_SECOND: &[&str] = &[
    "AddPermission",
    "GetFunction",
    "GetFunctionConfiguration",
    "GetPolicy",
    "RemovePermission",
    "TagResource",
    "UntagResource",
    "UpdateFunctionCode",
    "UpdateFunctionConfiguration",
];

/// Whether CloudFront's records end the name with the API's date, and leave apiVersion out: its functions.
pub(super) fn is_function_of_cloudfront(operation: &str) -> bool {
    const OPERATIONS: &[&str] = &[
        "CreateFunction",
        "DeleteFunction",
        "DescribeFunction",
        "GetFunction",
        "ListFunctions",
        "PublishFunction",
        "TestFunction",
        "UpdateFunction",
    ];
    OPERATIONS.contains(&operation)
}

/// Services whose records carry apiVersion as the model has it.
pub(super) const WITH_API_VERSION: &[&str] =
    &["appmesh", "dynamodb", "dynamodbstreams", "efs", "elb", "elbv2", "kinesis", "route53"];

/// Verbs that only look.
pub(super) const LOOKS: &[&str] = &[
    "AdminGet",
    "AdminList",
    "BatchDescribe",
    "BatchGet",
    "BatchIsAuthorized",
    "BatchList",
    "Calculate",
    "Check",
    "Compare",
    "Contains",
    "Count",
    "Describe",
    "Discover",
    "Estimate",
    "Export",
    "Filter",
    "Find",
    "Geocode",
    "Get",
    "Head",
    "Is",
    "List",
    "Lookup",
    "Poll",
    "Preview",
    "Query",
    "Read",
    "Resolve",
    "Retrieve",
    "Scan",
    "Search",
    "Select",
    "Simulate",
    "Suggest",
    "TransactGet",
    "Validate",
    "View",
];

/// Verbs that act, whatever a model says.
pub(super) const ACTS: &[&str] = &["BatchStart", "Delete", "Start", "Stop"];

/// Operations that are reads in records though they are not named so.
pub(super) const READS: &[(&str, &[&str])] = &[
    ("bedrock-runtime", &["Converse", "ConverseStream", "InvokeModel", "InvokeModelWithResponseStream"]),
    ("kinesis", &["SubscribeToShard"]),
    (
        "kms",
        &[
            "Decrypt",
            "DeriveSharedSecret",
            "Encrypt",
            "GenerateDataKey",
            "GenerateDataKeyPair",
            "GenerateDataKeyPairWithoutPlaintext",
            "GenerateDataKeyWithoutPlaintext",
            "GenerateMac",
            "GenerateRandom",
            "ReEncrypt",
            "Sign",
            "Verify",
            "VerifyMac",
        ],
    ),
    ("ses", &["SendEmail", "SendRawEmail", "SendTemplatedEmail", "SendBulkTemplatedEmail"]),
    ("sesv2", &["SendBulkEmail", "SendEmail"]),
    ("sqs", &["ReceiveMessage"]),
    ("sts", &["AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "DecodeAuthorizationMessage"]),
];

/// Operations that are writes in records, or may change something, though they are named like reads.
pub(super) const WRITES: &[(&str, &[&str])] = &[
    ("backup", &["ExportBackupPlanTemplate"]),
    ("dynamodb", &["ExportTableToPointInTime"]),
    ("swf", &["PollForActivityTask", "PollForDecisionTask"]),
    ("stepfunctions", &["GetActivityTask"]),
    ("codepipeline", &["PollForJobs", "PollForThirdPartyJobs"]),
    ("datapipeline", &["PollForTask"]),
    ("sts", &["GetFederationToken", "GetSessionToken"]),
];
