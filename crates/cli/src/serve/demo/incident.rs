//! What went wrong.
//!
//! Day 61: jonas makes an access key for deploy-bot and, unseen, leaks it. Day 73, at night: somebody uses it from an
//! address nobody knows, is refused a dozen times, then finds that deploy-bot may write IAM: makes the user support-audit,
//! an administrator with a key of its own. Two nights later support-audit stops the trail, opens the bucket of customer
//! exports to the world, and covers up by deleting deploy-bot's policy. In the morning mara finds the trail stopped.

use super::company::{self, INTRUDERS_KEY, LEAKED_KEY};
use super::draft::Draft;
use super::random::Random;

const DAY_S: i64 = 86_400;
const HOUR_S: i64 = 3_600;
const BUCKET: &str = "larkspur-customer-exports";

pub(super) fn drafts(random: &mut Random, account: &str, start_s: i64) -> Vec<Draft> {
    let mut drafts = key_is_made(account, start_s + 61 * DAY_S + 14 * HOUR_S);
    drafts.extend(first_night(random, account, start_s + 73 * DAY_S + 2 * HOUR_S));
    drafts.extend(second_night(account, start_s + 75 * DAY_S + 3 * HOUR_S));
    drafts.extend(morning(account, start_s + 75 * DAY_S + 8 * HOUR_S));
    drafts
}

fn key_is_made(account: &str, at: i64) -> Vec<Draft> {
    let jonas = company::jonas(false);
    let response = format!(
        r#"{{"accessKey":{{"userName":"deploy-bot","accessKeyId":"{LEAKED_KEY}","status":"Active","createDate":"{}"}}}}"#,
        cloudtrail::event::time_text(at)
    );
    vec![
        Draft::read(at - 40, &jonas, "iam", "ListAccessKeys", r#"{"userName":"deploy-bot"}"#),
        Draft::write(at, &jonas, "iam", "CreateAccessKey", r#"{"userName":"deploy-bot"}"#).answered(response),
        Draft::write(
            at + 95,
            &jonas,
            "iam",
            "PutUserPolicy",
            format!(
                r#"{{"userName":"deploy-bot","policyName":"deploy","policyDocument":"{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Action\":[\"iam:*\",\"lambda:*\",\"s3:*\"],\"Resource\":\"arn:aws:*:*:{account}:*\"}}]}}"}}"#
            ),
        ),
    ]
}

fn first_night(random: &mut Random, account: &str, at: i64) -> Vec<Draft> {
    let thief = company::deploy_bot_stolen();
    let mut drafts = vec![Draft::read(at, &thief, "sts", "GetCallerIdentity", "null")];
    let tries: [(&str, &str); 12] = [
        ("ec2", "DescribeInstances"),
        ("ec2", "DescribeSecurityGroups"),
        ("rds", "DescribeDBInstances"),
        ("secretsmanager", "ListSecrets"),
        ("ssm", "DescribeParameters"),
        ("kms", "ListKeys"),
        ("organizations", "DescribeOrganization"),
        ("ec2", "GetConsoleOutput"),
        ("dynamodb", "ListTables"),
        ("sns", "ListTopics"),
        ("guardduty", "ListDetectors"),
        ("ses", "GetSendQuota"),
    ];
    let mut time = at + 20;
    for (service, name) in tries {
        drafts.push(Draft::read(time, &thief, service, name, "null").denied(account));
        time += 3 + random.below(9) as i64;
    }
    let created = format!(
        r#"{{"user":{{"path":"/","userName":"support-audit","userId":"AIDALARKSPURSUPPORT99","arn":"arn:aws:iam::{account}:user/support-audit"}}}}"#
    );
    let key = format!(r#"{{"accessKey":{{"userName":"support-audit","accessKeyId":"{INTRUDERS_KEY}","status":"Active"}}}}"#);
    drafts.extend([
        Draft::read(time + 30, &thief, "s3", "ListBuckets", r#"{"Host":"s3.eu-central-1.amazonaws.com"}"#),
        Draft::read(time + 44, &thief, "iam", "ListUsers", "null"),
        Draft::read(time + 60, &thief, "iam", "ListAttachedUserPolicies", r#"{"userName":"deploy-bot"}"#),
        Draft::write(time + 150, &thief, "iam", "CreateUser", r#"{"userName":"support-audit"}"#).answered(created),
        Draft::write(
            time + 171,
            &thief,
            "iam",
            "AttachUserPolicy",
            r#"{"userName":"support-audit","policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}"#,
        ),
        Draft::write(time + 190, &thief, "iam", "CreateAccessKey", r#"{"userName":"support-audit"}"#).answered(key),
    ]);
    drafts
}

fn second_night(account: &str, at: i64) -> Vec<Draft> {
    let intruder = company::support_audit();
    let policy = format!(
        r#"{{"bucketPolicy":{{"Version":"2012-10-17","Statement":[{{"Sid":"PublicRead","Effect":"Allow","Principal":"*","Action":["s3:GetObject","s3:ListBucket"],"Resource":["arn:aws:s3:::{BUCKET}","arn:aws:s3:::{BUCKET}/*"]}}]}},"bucketName":"{BUCKET}","Host":"{BUCKET}.s3.eu-central-1.amazonaws.com","policy":""}}"#
    );
    let bucket =
        |name: &str| format!(r#"{{"bucketName":"{BUCKET}","Host":"{BUCKET}.s3.eu-central-1.amazonaws.com","{name}":""}}"#);
    vec![
        Draft::read(at, &intruder, "sts", "GetCallerIdentity", "null"),
        Draft::read(at + 11, &intruder, "cloudtrail", "DescribeTrails", r#"{"includeShadowTrails":true}"#),
        Draft::write(
            at + 38,
            &intruder,
            "cloudtrail",
            "StopLogging",
            format!(r#"{{"name":"arn:aws:cloudtrail:eu-central-1:{account}:trail/larkspur"}}"#),
        ),
        Draft::read(at + 70, &intruder, "s3", "GetBucketPublicAccessBlock", bucket("publicAccessBlock"))
            .on_bucket(account, BUCKET),
        Draft::write(at + 95, &intruder, "s3", "DeleteBucketPublicAccessBlock", bucket("publicAccessBlock"))
            .on_bucket(account, BUCKET),
        Draft::write(at + 118, &intruder, "s3", "PutBucketPolicy", policy).on_bucket(account, BUCKET),
        Draft::write(at + 300, &intruder, "iam", "DeleteUserPolicy", r#"{"userName":"deploy-bot","policyName":"deploy"}"#),
    ]
}

fn morning(account: &str, at: i64) -> Vec<Draft> {
    let mara = company::mara(true);
    let trail = format!(r#"{{"name":"arn:aws:cloudtrail:eu-central-1:{account}:trail/larkspur"}}"#);
    let bucket =
        |name: &str| format!(r#"{{"bucketName":"{BUCKET}","Host":"{BUCKET}.s3.eu-central-1.amazonaws.com","{name}":""}}"#);
    vec![
        Draft::read(at, &mara, "cloudtrail", "GetTrailStatus", trail.clone()),
        Draft::write(at + 55, &mara, "cloudtrail", "StartLogging", trail),
        Draft::read(at + 400, &mara, "s3", "GetBucketPolicy", bucket("policy")).on_bucket(account, BUCKET),
        Draft::write(at + 460, &mara, "s3", "DeleteBucketPolicy", bucket("policy")).on_bucket(account, BUCKET),
        Draft::write(
            at + 700,
            &mara,
            "iam",
            "UpdateAccessKey",
            format!(r#"{{"userName":"support-audit","accessKeyId":"{INTRUDERS_KEY}","status":"Inactive"}}"#),
        ),
        Draft::write(
            at + 730,
            &mara,
            "iam",
            "UpdateAccessKey",
            format!(r#"{{"userName":"deploy-bot","accessKeyId":"{LEAKED_KEY}","status":"Inactive"}}"#),
        ),
    ]
}
