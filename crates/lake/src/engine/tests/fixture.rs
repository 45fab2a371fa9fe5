//! A store of a dozen events, one of Insights events, and how statements are tried on them.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::array::{RecordBatch, StringViewArray};
use cloudtrail::event::{Admission, Event};
use cloudtrail::event_data_store::Family;
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;

use crate::engine::{Engine, EngineOptions, Failure, Page};
use crate::rows::Rows;
use crate::schema;
use crate::sql::{self, Compiled, Named, Names, Shape, compile};

/// The store that the statements of the tests call `EVENTS`.
pub(in crate::engine) const EVENTS: &str = "1234e567-e89b-12d3-a456-426614174000";
const INSIGHTS: &str = "00000000-e89b-12d3-a456-426614174001";
const ACTIVITY: &str = "00000000-e89b-12d3-a456-426614174002";
/// 2026-11-21T00:00:00Z
pub(in crate::engine) const NOW_US: i64 = 1_795_219_200_000_000;

const RECORDS: &[&str] = &[
    r#"{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","principalId":"AIDA1","arn":"arn:aws:iam::123456789012:user/ann","accountId":"123456789012","userName":"ann"},"eventTime":"2023-06-01T10:00:00Z","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.1","userAgent":"browser","errorMessage":"Failed authentication","requestParameters":null,"responseElements":{"ConsoleLogin":"Failure"},"additionalEventData":{"MFAUsed":"No","MobileVersion":"No"},"eventID":"e-1","readOnly":false,"eventType":"AwsConsoleSignIn","managementEvent":true,"recipientAccountId":"123456789012","eventCategory":"Management"}"#,
    r#"{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","principalId":"AIDA2","arn":"arn:aws:iam::123456789012:user/bob","accountId":"123456789012","userName":"bob"},"eventTime":"2023-06-01T11:00:00Z","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","awsRegion":"eu-west-1","sourceIPAddress":"192.0.2.2","userAgent":"browser","requestParameters":null,"responseElements":{"ConsoleLogin":"Success"},"additionalEventData":{"MFAUsed":"Yes"},"eventID":"e-2","readOnly":false,"eventType":"AwsConsoleSignIn","managementEvent":true,"recipientAccountId":"123456789012","eventCategory":"Management"}"#,
    r#"{"eventVersion":"1.08","userIdentity":{"type":"AssumedRole","principalId":"AROA1:s","arn":"arn:aws:sts::123456789012:assumed-role/Snowy-Deploy/s","accountId":"123456789012","accessKeyId":"ASIA1","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROA1","arn":"arn:aws:iam::123456789012:role/Snowy-Deploy","accountId":"123456789012","userName":"Snowy-Deploy"},"attributes":{"creationDate":"2025-09-24T01:00:00Z","mfaAuthenticated":"false"}}},"eventTime":"2025-09-24T01:30:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"us-east-1","sourceIPAddress":"198.51.100.7","userAgent":"cli","requestParameters":{"bucketName":"blizzard-exports","key":"reports/a b.csv"},"responseElements":null,"eventID":"e-3","readOnly":true,"resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::blizzard-exports/reports/a b.csv"},{"accountId":"123456789012","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::blizzard-exports"}],"eventType":"AwsApiCall","managementEvent":false,"recipientAccountId":"123456789012","eventCategory":"Data"}"#,
    r#"{"eventVersion":"1.08","userIdentity":{"type":"AssumedRole","principalId":"AROA1:s","arn":"arn:aws:sts::123456789012:assumed-role/Snowy-Deploy/s","accountId":"123456789012","accessKeyId":"ASIA1","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROA1","arn":"arn:aws:iam::123456789012:role/Snowy-Deploy","accountId":"123456789012","userName":"Snowy-Deploy"},"attributes":{"creationDate":"2025-09-24T01:00:00Z","mfaAuthenticated":"false"}}},"eventTime":"2025-09-24T03:00:00Z","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","awsRegion":"us-east-1","sourceIPAddress":"198.51.100.7","userAgent":"cli","errorCode":"Client.UnauthorizedOperation","errorMessage":"You are not authorized","requestParameters":{"instancesSet":{"items":[{"imageId":"ami-1","minCount":1},{"imageId":"ami-2"}]},"instanceType":"t3.micro","ebsOptimized":false,"count":12,"none":null},"responseElements":null,"eventID":"e-4","readOnly":false,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"123456789012","eventCategory":"Management"}"#,
    r#"{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","principalId":"AIDA1","arn":"arn:aws:iam::123456789012:user/ann","accountId":"123456789012","userName":"ann"},"eventTime":"2025-09-24T04:00:00Z","eventSource":"s3.amazonaws.com","eventName":"PutBucketPolicy","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.1","userAgent":"cli","requestParameters":{"policy":"","bucketName":"open-bucket","bucketPolicy":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject"}]}},"responseElements":null,"eventID":"e-5","readOnly":false,"resources":[{"accountId":"123456789012","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::open-bucket"}],"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"123456789012","eventCategory":"Management"}"#,
    r#"{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","principalId":"AIDA2","arn":"arn:aws:iam::123456789012:user/bob","accountId":"123456789012","userName":"bob"},"eventTime":"2025-09-24T01:10:00Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.2","userAgent":"cli","requestParameters":{"roleArn":"arn:aws:iam::123456789012:role/Blizzard-Prod-Admin","roleSessionName":"bob-1","tags":[{"key":"team","value":"x"}],"Tagging":"A","tagging":"b"},"responseElements":{"credentials":{"accessKeyId":"ASIA9"}},"eventID":"e-6","readOnly":true,"resources":[{"accountId":"123456789012","type":"AWS::IAM::Role","ARN":"arn:aws:iam::123456789012:role/Blizzard-Prod-Admin"}],"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"123456789012","eventCategory":"Management"}"#,
    r#"{"eventVersion":"1.09","userIdentity":{"type":"AWSService","invokedBy":"lambda.amazonaws.com"},"eventTime":"2023-07-01T00:00:00Z","eventSource":"lambda.amazonaws.com","eventName":"UpdateFunctionCode20150331v2","awsRegion":"us-east-1","sourceIPAddress":"lambda.amazonaws.com","userAgent":"lambda.amazonaws.com","requestParameters":{"functionName":"my-critical-function","note":"caf\u00e9 \u003d ok","ListLike":{"a":[10,20,30]}},"responseElements":null,"eventID":"e-7","readOnly":false,"resources":[{"accountId":"123456789012","type":"AWS::Lambda::Function","ARN":"arn:aws:lambda:us-east-1:123456789012:function:my-critical-function"}],"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"123456789012","eventCategory":"Management"}"#,
];

const INSIGHT: &[&str] = &[
    r#"{"eventVersion":"1.08","eventTime":"2025-09-24T01:00:00Z","awsRegion":"us-east-1","eventID":"i-1","eventType":"AwsCloudTrailInsight","recipientAccountId":"123456789012","sharedEventID":"s-1","insightDetails":{"state":"Start","eventSource":"s3.amazonaws.com","eventName":"GetObject","insightType":"ApiCallRateInsight","insightContext":{"statistics":{"baseline":{"average":0.5},"insight":{"average":12.0},"insightDuration":3,"baselineDuration":10},"attributions":[]}},"eventCategory":"Insight"}"#,
];

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let options = EngineOptions {
        memory_bytes: 256 << 20,
        spill_dir: std::env::temp_dir().join("trailkeep-engine-tests"),
        spill_bytes: 1 << 30,
        threads: 2,
        result_bytes: 1 << 20,
    };
    Engine::new(&options).expect("an engine")
});

pub(super) fn engine() -> &'static Engine {
    &ENGINE
}

pub(super) fn event(record: &str) -> Event {
    let region = "us-east-1".parse().expect("a Region");
    let account = "123456789012".parse().expect("an account");
    let admission = Admission { account, region: &region, ordinal: 0, size_max: 1 << 20 };
    Event::admit(record.as_bytes(), &admission).unwrap_or_else(|rejection| panic!("{rejection:?}: {record}"))
}

/// A table as a store would provide it: with the columns that no file holds.
pub(super) fn table(family: Family, records: &[&str]) -> Arc<dyn TableProvider> {
    let mut rows = Rows::new(family);
    for (position, record) in records.iter().enumerate() {
        rows.push(&event(record), position as u64, 7);
    }
    let (batch, schema) = (rows.finish(), schema::arrow_schema(family));
    let column = |name: &str| batch.column_by_name(name).cloned();
    let columns = schema.fields().iter().map(|field| {
        // What no file holds is computed by the store's provider; any text does here.
        column(field.name()).unwrap_or_else(|| Arc::new(StringViewArray::from(vec!["computed"; batch.num_rows()])))
    });
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns.collect()).expect("columns of the schema");
    Arc::new(MemTable::try_new(schema, vec![vec![batch]]).expect("a table"))
}

pub(super) fn tables() -> HashMap<String, Arc<dyn TableProvider>> {
    HashMap::from([
        (EVENTS.to_owned(), table(Family::Events, RECORDS)),
        (INSIGHTS.to_owned(), table(Family::Insight, INSIGHT)),
        (ACTIVITY.to_owned(), table(Family::Activity, &[])),
    ])
}

pub(in crate::engine) fn names() -> Names {
    let named = |id: &str, name: &str, family| Named {
        id: id.to_owned(),
        arn: format!("arn:aws:cloudtrail:us-east-1:123456789012:eventdatastore/{id}"),
        name: name.to_owned(),
        shape: Shape::Store(family),
        default: false,
        active: true,
    };
    let tables = vec![
        named(EVENTS, "my-events", Family::Events),
        named(INSIGHTS, "my-insights", Family::Insight),
        named(ACTIVITY, "activity", Family::Activity),
    ];
    Names { tables, aliases: vec![("audit".to_owned(), "my-events".to_owned())], ..Names::default() }
}

/// What statements are written with stands for these stores.
fn filled(statement: &str) -> String {
    statement.replace("EVENTS", EVENTS).replace("INSIGHTS", INSIGHTS).replace("ACTIVITY", ACTIVITY)
}

/// Runs a statement: its columns, and its rows or why it failed.
pub(in crate::engine) fn run(statement: &str, names: &Names) -> Result<(Vec<String>, Result<Page, Failure>), sql::Error> {
    let compiled = compiled(statement, names)?;
    engine().check(&compiled)?;
    Ok((compiled.columns.clone(), rows(compiled)))
}

pub(super) fn compiled(statement: &str, names: &Names) -> Result<Compiled, sql::Error> {
    compile(&filled(statement), names, NOW_US)
}

/// The rows of a statement.
pub(super) fn rows(compiled: Compiled) -> Result<Page, Failure> {
    let wanted = compiled.tables.clone();
    let given = tables().into_iter().filter(|(id, _)| wanted.contains(id)).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut running = engine().start(compiled, given, None);
        let mut rows = Vec::new();
        while let Some(page) = running.next().await {
            rows.extend(page?);
        }
        Ok(rows)
    })
}

/// A row as the tests write it: values between bars, NULL as a dash.
fn written(row: &[Option<String>]) -> String {
    row.iter().map(|value| value.as_deref().unwrap_or("-")).collect::<Vec<_>>().join("|")
}

/// Tries statements: the first expected line names the columns, if it begins with a hash.
pub(in crate::engine) fn check(cases: &[(&str, &[&str])]) {
    check_with(cases, &names());
}

pub(in crate::engine) fn check_strict(cases: &[(&str, &[&str])]) {
    check_with(cases, &Names { strict: true, ..names() });
}

fn check_with(cases: &[(&str, &[&str])], names: &Names) {
    let mut wrong = Vec::new();
    for (statement, expected) in cases {
        let found = match run(statement, names) {
            Err(error) => vec![format!("refused: {error}")],
            Ok((_, Err(failure))) => vec![format!("failed: {failure}")],
            Ok((columns, Ok(rows))) => {
                let named = expected.first().is_some_and(|first| first.starts_with('#'));
                let heading = named.then(|| format!("#{}", columns.join("|")));
                heading.into_iter().chain(rows.iter().map(|row| written(row))).collect()
            }
        };
        if found != *expected {
            wrong.push(format!("{statement}\n  expected {expected:?}\n  found    {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// Tries statements that must be refused before they run: with these words, at this place.
pub(in crate::engine) fn refused(cases: &[(&str, &str)]) {
    refused_with(cases, &names());
}

pub(super) fn refused_with(cases: &[(&str, &str)], names: &Names) {
    let mut wrong = Vec::new();
    for (statement, expected) in cases {
        let found = match run(statement, names) {
            Err(error) => error.to_string(),
            Ok((_, result)) => format!("{result:?}"),
        };
        if found != *expected {
            wrong.push(format!("{statement}\n  expected {expected}\n  found    {found}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// Tries statements that must fail while they run.
pub(in crate::engine) fn fails(cases: &[(&str, &str)]) {
    for (statement, expected) in cases {
        let found = match run(statement, &names()) {
            Err(error) => format!("refused: {error}"),
            Ok((_, Ok(rows))) => format!("{rows:?}"),
            Ok((_, Err(failure))) => failure.to_string(),
        };
        assert_eq!(&found, expected, "{statement}");
    }
}
