//! An ordinary day: programs around the clock, people on working days, deployments, and the services of AWS among
//! themselves.

use super::company::{self, BUCKETS, FUNCTIONS, INSTANCES, KEY, TABLES, Who};
use super::draft::Draft;
use super::random::Random;

const HOUR_S: i64 = 3_600;
const DAY_S: u64 = 86_400;

pub(super) fn day(random: &mut Random, account: &str, midnight_s: i64) -> Vec<Draft> {
    let mut drafts = Vec::new();
    // 1970-01-01 was a Thursday.
    let weekday = midnight_s.div_euclid(DAY_S as i64).rem_euclid(7);
    let works = !matches!(weekday, 2 | 3);
    for _ in 0..random.below(40) + if works { 330 } else { 310 } {
        let time_s = midnight_s + random.below(DAY_S) as i64;
        drafts.push(program(random, account, time_s));
    }
    for _ in 0..random.below(20) + 60 {
        let time_s = midnight_s + random.below(DAY_S) as i64;
        drafts.push(service(random, account, time_s));
    }
    if works {
        for who in company::people() {
            drafts.extend(person(random, account, midnight_s, &who));
        }
        for _ in 0..2 + random.below(4) {
            let time_s = midnight_s + 9 * HOUR_S + random.below(8 * 3_600) as i64;
            drafts.extend(deployment(random, account, time_s));
        }
    }
    drafts
}

/// What the shop's programs do to AWS: mostly reads, now and then throttled.
fn program(random: &mut Random, account: &str, time_s: i64) -> Draft {
    let on_instance = random.chance(55);
    let who = if on_instance {
        company::web_app(random.pick::<&str>(&INSTANCES))
    } else {
        company::function(random.pick::<&str>(&FUNCTIONS))
    };
    let table = *random.pick::<&str>(&TABLES);
    let key =
        format!(r#"[{{"accountId":"{account}","type":"AWS::KMS::Key","ARN":"arn:aws:kms:eu-central-1:{account}:key/{KEY}"}}]"#);
    let draft = match random.below(10) {
        0..=2 => Draft {
            resources: Some(key),
            ..Draft::read(
                time_s,
                &who,
                "kms",
                "Decrypt",
                format!(r#"{{"encryptionContext":{{"table":"{table}"}},"encryptionAlgorithm":"SYMMETRIC_DEFAULT"}}"#),
            )
        },
        3 => Draft {
            resources: Some(key),
            ..Draft::read(
                time_s,
                &who,
                "kms",
                "GenerateDataKey",
                format!(r#"{{"keyId":"alias/shop","keySpec":"AES_256","encryptionContext":{{"table":"{table}"}}}}"#),
            )
        },
        4 => Draft::read(
            time_s,
            &who,
            "ssm",
            "GetParameters",
            format!(r#"{{"names":["/shop/{table}/url"],"withDecryption":true}}"#),
        ),
        5 => Draft::write(
            time_s,
            &who,
            "ssm",
            "UpdateInstanceInformation",
            format!(
                r#"{{"instanceId":"{}","agentVersion":"3.3.2746.0","agentStatus":"Active","platformType":"Linux"}}"#,
                random.pick::<&str>(&INSTANCES)
            ),
        ),
        6 => Draft::read(time_s, &who, "dynamodb", "DescribeTable", format!(r#"{{"tableName":"{table}"}}"#)),
        7 => Draft::read(time_s, &who, "secretsmanager", "GetSecretValue", format!(r#"{{"secretId":"shop/{table}"}}"#)),
        8 => Draft::write(
            time_s,
            &who,
            "logs",
            "CreateLogStream",
            format!(r#"{{"logGroupName":"/shop/{table}","logStreamName":"{}"}}"#, random.hex(32)),
        ),
        _ => {
            let bucket = *random.pick::<&str>(&BUCKETS);
            Draft::read(
                time_s,
                &who,
                "s3",
                "GetBucketLocation",
                format!(r#"{{"bucketName":"{bucket}","location":"","Host":"{bucket}.s3.eu-central-1.amazonaws.com"}}"#),
            )
            .on_bucket(account, bucket)
        }
    };
    if draft.service == "ssm" && random.chance(12) {
        return draft.failed("ThrottlingException", "Rate exceeded");
    }
    if draft.service == "secretsmanager" && random.chance(10) { draft.denied(account) } else { draft }
}

/// What services do on behalf of the account.
fn service(random: &mut Random, account: &str, time_s: i64) -> Draft {
    let ec2 = Who::Service("ec2.amazonaws.com");
    let lambda = Who::Service("lambda.amazonaws.com");
    match random.below(8) {
        0..=2 => {
            let instance = *random.pick::<&str>(&INSTANCES);
            assumed(random, time_s, &ec2, account, "web-app", instance)
        }
        3 | 4 => {
            let function = *random.pick::<&str>(&FUNCTIONS);
            assumed(random, time_s, &lambda, account, "shop-functions", function)
        }
        5 => {
            let cloudtrail = Who::Service("cloudtrail.amazonaws.com");
            Draft::read(
                time_s,
                &cloudtrail,
                "s3",
                "GetBucketAcl",
                r#"{"bucketName":"larkspur-audit-logs","acl":"","Host":"larkspur-audit-logs.s3.eu-central-1.amazonaws.com"}"#,
            )
            .on_bucket(account, "larkspur-audit-logs")
        }
        6 => {
            let autoscaling = Who::Service("autoscaling.amazonaws.com");
            Draft::read(
                time_s,
                &autoscaling,
                "ec2",
                "DescribeInstanceStatus",
                format!(
                    r#"{{"instancesSet":{{"items":[{{"instanceId":"{}"}}]}},"includeAllInstances":true}}"#,
                    random.pick::<&str>(&INSTANCES)
                ),
            )
        }
        _ => {
            let kms = Who::Service("kms.amazonaws.com");
            Draft { kind: "AwsServiceEvent", ..Draft::write(time_s, &kms, "kms", "RotateKey", "null") }
        }
    }
}

fn assumed(random: &mut Random, time_s: i64, who: &Who, account: &str, role: &str, session: &str) -> Draft {
    let arn = format!("arn:aws:iam::{account}:role/{role}");
    let response = format!(
        r#"{{"credentials":{{"accessKeyId":"ASIA{}","sessionToken":"{}","expiration":"{}"}},"assumedRoleUser":{{"assumedRoleId":"AROALARKSPUR:{session}","arn":"arn:aws:sts::{account}:assumed-role/{role}/{session}"}}}}"#,
        random.letters(16),
        random.hex(64),
        cloudtrail::event::time_text(time_s + 21_600),
    );
    let resources = format!(r#"[{{"accountId":"{account}","type":"AWS::IAM::Role","ARN":"{arn}"}}]"#);
    Draft {
        resources: Some(resources),
        ..Draft::read(time_s, who, "sts", "AssumeRole", format!(r#"{{"roleArn":"{arn}","roleSessionName":"{session}"}}"#))
            .answered(response)
    }
}

/// A working day of one person.
fn person(random: &mut Random, account: &str, midnight_s: i64, who: &Who) -> Vec<Draft> {
    let begins_s = midnight_s + 7 * HOUR_S + random.below(2 * 3_600) as i64;
    let mut drafts = Vec::new();
    if who.in_console() {
        drafts.push(sign_in(random, begins_s, who));
    }
    for _ in 0..20 + random.below(50) {
        let time_s = begins_s + random.below(8 * 3_600) as i64;
        let draft = if random.chance(88) { look(random, account, time_s, who) } else { work(random, account, time_s, who) };
        drafts.push(if random.chance(6) { draft.denied(account) } else { draft });
    }
    drafts
}

fn sign_in(random: &mut Random, time_s: i64, who: &Who) -> Draft {
    let failed = random.chance(7);
    Draft {
        kind: "AwsConsoleSignIn",
        additional: Some(
            r#"{"LoginTo":"https://console.aws.amazon.com/console/home","MobileVersion":"No","MFAUsed":"Yes"}"#.to_owned(),
        ),
        response: format!(r#"{{"ConsoleLogin":"{}"}}"#, if failed { "Failure" } else { "Success" }),
        ..Draft::write(time_s, who, "signin", "ConsoleLogin", "null")
    }
}

fn look(random: &mut Random, account: &str, time_s: i64, who: &Who) -> Draft {
    let bucket = *random.pick::<&str>(&BUCKETS);
    let on_bucket =
        |member: &str| format!(r#"{{"bucketName":"{bucket}","{member}":"","Host":"{bucket}.s3.eu-central-1.amazonaws.com"}}"#);
    let function = *random.pick::<&str>(&FUNCTIONS);
    match random.below(16) {
        0 => Draft::read(time_s, who, "s3", "ListBuckets", r#"{"Host":"s3.eu-central-1.amazonaws.com"}"#),
        1 => Draft::read(time_s, who, "s3", "GetBucketVersioning", on_bucket("versioning")).on_bucket(account, bucket),
        2 => Draft::read(time_s, who, "s3", "GetBucketPolicy", on_bucket("policy"))
            .on_bucket(account, bucket)
            .failed_sometimes(random),
        3 | 4 => Draft::read(time_s, who, "ec2", "DescribeInstances", r#"{"maxResults":100,"instancesSet":{},"filterSet":{}}"#),
        5 => Draft::read(
            time_s,
            who,
            "ec2",
            "DescribeSecurityGroups",
            r#"{"maxResults":100,"securityGroupSet":{},"securityGroupIdSet":{},"filterSet":{}}"#,
        ),
        6 | 7 => Draft::read(time_s, who, "lambda", "GetFunction20150331v2", format!(r#"{{"functionName":"{function}"}}"#)),
        8 => Draft::read(time_s, who, "lambda", "ListFunctions20150331", r#"{"maxItems":50}"#),
        9 => Draft::read(time_s, who, "monitoring", "DescribeAlarms", r#"{"maxRecords":100,"stateValue":"ALARM"}"#),
        10 | 11 => Draft::read(time_s, who, "logs", "DescribeLogGroups", r#"{"limit":50}"#),
        12 => Draft::read(time_s, who, "iam", "ListUsers", r#"{"maxItems":1000}"#),
        13 => Draft::read(time_s, who, "rds", "DescribeDBInstances", r#"{"dBInstanceIdentifier":"shop"}"#),
        14 => Draft::read(time_s, who, "cloudtrail", "LookupEvents", r#"{"maxResults":50}"#),
        _ => Draft::read(time_s, who, "ecs", "DescribeServices", r#"{"cluster":"shop","services":["web"]}"#),
    }
}

fn work(random: &mut Random, account: &str, time_s: i64, who: &Who) -> Draft {
    let function = *random.pick::<&str>(&FUNCTIONS);
    let instance = *random.pick::<&str>(&INSTANCES);
    match random.below(7) {
        0 => Draft::write(time_s, who, "lambda", "UpdateFunctionConfiguration20150331v2", format!(r#"{{"functionName":"{function}","memorySize":{}}}"#, 256 * (1 + random.below(6)))),
        1 => Draft::write(time_s, who, "ec2", "RebootInstances", format!(r#"{{"instancesSet":{{"items":[{{"instanceId":"{instance}"}}]}}}}"#)).answered(r#"{"_return":true}"#),
        2 => Draft::write(time_s, who, "ec2", "CreateTags", format!(r#"{{"resourcesSet":{{"items":[{{"resourceId":"{instance}"}}]}},"tagSet":{{"items":[{{"key":"owner","value":"shop"}}]}}}}"#)).answered(r#"{"_return":true}"#),
        3 => Draft::write(time_s, who, "ssm", "PutParameter", format!(r#"{{"name":"/shop/{}/url","type":"SecureString","value":"HIDDEN_DUE_TO_SECURITY_REASONS","overwrite":true}}"#, random.pick::<&str>(&TABLES))),
        4 => Draft::write(time_s, who, "monitoring", "PutMetricAlarm", format!(r#"{{"alarmName":"{function}-errors","metricName":"Errors","threshold":1.0}}"#)),
        5 => Draft::write(time_s, who, "ec2", "AuthorizeSecurityGroupIngress", r#"{"groupId":"sg-05d1f8a27c3be9640","ipPermissions":{"items":[{"ipProtocol":"tcp","fromPort":443,"toPort":443,"ipRanges":{"items":[{"cidrIp":"198.51.100.0/24"}]}}]}}"#).answered(r#"{"_return":true}"#),
        _ => {
            let bucket = *random.pick::<&str>(&BUCKETS);
            Draft::write(time_s, who, "s3", "PutBucketTagging", format!(r#"{{"bucketName":"{bucket}","tagging":"","Tagging":{{"TagSet":{{"Tag":{{"Key":"team","Value":"shop"}}}}}},"Host":"{bucket}.s3.eu-central-1.amazonaws.com"}}"#)).on_bucket(account, bucket)
        }
    }
}

/// A deployment by the pipeline.
fn deployment(random: &mut Random, account: &str, time_s: i64) -> Vec<Draft> {
    let bot = company::deploy_bot();
    let function = *random.pick::<&str>(&FUNCTIONS);
    let artifacts = "larkspur-build-artifacts";
    let parameters = format!(r#"{{"functionName":"{function}"}}"#);
    vec![
        Draft::read(time_s, &bot, "sts", "GetCallerIdentity", "null"),
        Draft::read(time_s + 2, &bot, "s3", "GetBucketLocation", format!(r#"{{"bucketName":"{artifacts}","location":"","Host":"{artifacts}.s3.eu-central-1.amazonaws.com"}}"#)).on_bucket(account, artifacts),
        Draft::read(time_s + 6, &bot, "lambda", "GetFunction20150331v2", parameters.clone()),
        Draft::write(time_s + 9, &bot, "lambda", "UpdateFunctionCode20150331v2", format!(r#"{{"functionName":"{function}","s3Bucket":"{artifacts}","s3Key":"{function}/{}.zip","publish":true,"dryRun":false}}"#, random.hex(12))).answered(format!(r#"{{"functionName":"{function}","runtime":"python3.13","version":"{}","state":"Active"}}"#, 100 + random.below(400))),
        Draft::read(time_s + 14, &bot, "lambda", "GetFunctionConfiguration20150331v2", parameters),
    ]
}

impl Draft {
    /// Buckets without a policy answer with an error.
    fn failed_sometimes(self, random: &mut Random) -> Self {
        if random.chance(50) { self.failed("NoSuchBucketPolicy", "The bucket policy does not exist") } else { self }
    }
}
