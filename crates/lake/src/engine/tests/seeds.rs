//! The statements that people paste, as they are written where people find them.

use super::check;

#[test]
fn seed_statements_run_verbatim() {
    check(&[
        (
            "SELECT eventtime, useridentity.username, sourceipaddress\nFROM cloudtrail_logs\nWHERE eventsource='signin.amazonaws.com' AND eventname='ConsoleLogin' AND responseelements.ConsoleLogin='Failure'\nORDER BY eventtime DESC\nLIMIT 10;",
            &["#eventtime|username|sourceipaddress", "2023-06-01T10:00:00Z|ann|192.0.2.1"],
        ),
        (
            "SELECT eventtime, useridentity.username, eventname, requestparameters FROM cloudtrail_logs WHERE eventsource='lambda.amazonaws.com' AND resources.arn LIKE '%function:my-critical-function%' AND eventtime > '2023-06-01' ORDER BY eventtime DESC;",
            &[
                "#eventtime|username|eventname|requestparameters",
                r#"2023-07-01T00:00:00Z|-|UpdateFunctionCode20150331v2|{"functionName":"my-critical-function","note":"caf\u00e9 \u003d ok","ListLike":{"a":[10,20,30]}}"#,
            ],
        ),
        (
            "SELECT eventTime, eventName, awsRegion, sourceIPAddress, userAgent, requestParameters, errorCode FROM event_data_store WHERE userIdentity.sessionContext.sessionIssuer.arn = 'arn:aws:iam::123456789012:role/Snowy-Deploy' AND eventTime BETWEEN '2025-09-24T01:30:00Z' AND '2025-09-24T03:00:00Z' ORDER BY eventTime;",
            &[
                "#eventTime|eventName|awsRegion|sourceIPAddress|userAgent|requestParameters|errorCode",
                r#"2025-09-24 01:30:00.000|GetObject|us-east-1|198.51.100.7|cli|{"bucketName":"blizzard-exports","key":"reports/a b.csv"}|-"#,
                r#"2025-09-24 03:00:00.000|RunInstances|us-east-1|198.51.100.7|cli|{"instancesSet":{"items":[{"imageId":"ami-1","minCount":1},{"imageId":"ami-2"}]},"instanceType":"t3.micro","ebsOptimized":false,"count":12,"none":null}|Client.UnauthorizedOperation"#,
            ],
        ),
        (
            "SELECT eventTime, eventName, userIdentity.arn, requestParameters.bucketName FROM event_data_store WHERE eventSource='s3.amazonaws.com' AND eventName IN ('PutBucketPolicy','PutBucketAcl') AND requestParameters.policy LIKE '%\"Principal\":\"*\"%' ;",
            &[
                "#eventTime|eventName|arn|bucketName",
                "2025-09-24 04:00:00.000|PutBucketPolicy|arn:aws:iam::123456789012:user/ann|open-bucket",
            ],
        ),
        (
            "SELECT eventTime, userIdentity.arn, sourceIPAddress, requestParameters.roleArn, requestParameters.roleSessionName FROM event_data_store WHERE eventName='AssumeRole' AND requestParameters.roleArn='arn:aws:iam::123456789012:role/Blizzard-Prod-Admin';",
            &[
                "#eventTime|arn|sourceIPAddress|roleArn|roleSessionName",
                "2025-09-24 01:10:00.000|arn:aws:iam::123456789012:user/bob|192.0.2.2|arn:aws:iam::123456789012:role/Blizzard-Prod-Admin|bob-1",
            ],
        ),
    ]);
}

#[test]
fn seed_questions_can_be_asked() {
    check(&[
        (
            "SELECT b.eventID FROM EVENTS a JOIN EVENTS AS b ON b.userIdentity.sessionContext.sessionIssuer.userName = 'Snowy-Deploy' AND b.eventTime BETWEEN a.eventTime - INTERVAL '30' MINUTE AND a.eventTime + INTERVAL '30' MINUTE WHERE a.eventID = 'e-6'",
            &["e-3"],
        ),
        (
            "SELECT eventID FROM $EDS_ID WHERE eventName = 'GetObject' AND requestParameters.bucketName = 'blizzard-exports' AND requestParameters.key LIKE 'reports/%'",
            &["e-3"],
        ),
        (
            "SELECT eventID FROM eds WHERE eventName = 'AssumeRole' AND (requestParameters.tags IS NULL OR requestParameters.tags NOT LIKE '%approvedChangeId%')",
            &["e-6"],
        ),
        (
            "SELECT json_extract_scalar(t, '$.key') FROM event_data_store CROSS JOIN UNNEST(CAST(json_parse(requestParameters.tags) AS array(json))) AS x(t) WHERE eventName = 'AssumeRole'",
            &["team"],
        ),
    ]);
}

#[test]
fn shapes_of_the_user_guide_run() {
    check(&[
        (
            "SELECT eventID, userIdentity.principalid FROM EVENTS WHERE userIdentity.principalid IS NOT NULL AND eventTime > '2023-06-01 10:00:00' AND eventTime < '2023-07-01 00:00:00'",
            &["#eventID|principalid", "e-2|AIDA2"],
        ),
        (
            "SELECT eventSource, eventName, COUNT(*) AS apiCount FROM EVENTS WHERE eventTime > '2023-05-30 00:00:00' GROUP BY eventSource, eventName ORDER BY apiCount DESC, eventname LIMIT 2",
            &["#eventSource|eventName|apiCount", "signin.amazonaws.com|ConsoleLogin|2", "sts.amazonaws.com|AssumeRole|1"],
        ),
        (
            "select eventtime, useridentity.arn, awsRegion from EVENTS where awsRegion in ('us-east-1', 'us-west-2') and eventName = 'ConsoleLogin' order by eventTime",
            &["#eventtime|arn|awsRegion", "2023-06-01 10:00:00.000|arn:aws:iam::123456789012:user/ann|us-east-1"],
        ),
        (
            "SELECT element_at(requestParameters,'roleArn'), element_at(responseElements,'credentials') FROM EVENTS WHERE eventName = 'AssumeRole'",
            &["#_col0|_col1", r#"arn:aws:iam::123456789012:role/Blizzard-Prod-Admin|{"accessKeyId":"ASIA9"}"#],
        ),
        (
            "Select eventId, eventName from EVENTS where eventName = 'AssumeRole' UNION Select eventId, eventName from EVENTS where eventName = 'AssumeRole' UNION ALL Select eventId, eventType from INSIGHTS ORDER BY eventId LIMIT 10;",
            &["#eventId|eventName", "e-6|AssumeRole", "i-1|AwsCloudTrailInsight"],
        ),
        (
            "SELECT a.eventId, b.eventid AS other FROM EVENTS as a LEFT JOIN INSIGHTS as b ON a.eventName = b.insightEventName WHERE a.eventtime <= '2025-09-24' ORDER BY a.eventtime",
            &["#eventId|other", "e-1|-", "e-2|-", "e-7|-"],
        ),
        (
            "SELECT element_at(requestParameters,'bucketName') AS bucket, max_by(element_at(requestParameters,'key'), eventTime) FROM EVENTS WHERE eventSource = 's3.amazonaws.com' AND eventTime < DATE_ADD('week', -1, CURRENT_TIMESTAMP) GROUP BY element_at(requestParameters,'bucketName') ORDER BY 1",
            &["#bucket|_col1", "blizzard-exports|reports/a b.csv", "open-bucket|-"],
        ),
        (
            "SELECT eventSource, arbitrary(eventType), count(*) FROM EVENTS WHERE eventSource LIKE 's3%' GROUP BY eventSource",
            &["#eventSource|_col1|_col2", "s3.amazonaws.com|AwsApiCall|2"],
        ),
        (
            "SELECT eventdata.useridentity, eventdata.additionaleventdata, eventTime FROM ACTIVITY WHERE eventtime > '2023-01-01' AND eventdata.eventtime > '2023'",
            &["#useridentity|additionaleventdata|eventTime"],
        ),
        (
            "SELECT DATE_TRUNC('day', eventTime) AS eventTime, IF(readOnly, 'read', 'write') AS readOnly, COUNT(*) AS c FROM EVENTS WHERE eventTime > '2025-09-01' AND eventTime < '2025-10-01' GROUP BY DATE_TRUNC('day', eventTime), readOnly ORDER BY DATE_TRUNC('day', eventTime), readOnly",
            &["#eventTime|readOnly|c", "2025-09-24 00:00:00.000|read|2", "2025-09-24 00:00:00.000|write|2"],
        ),
        (
            "SELECT REPLACE(eventSource, '.amazonaws.com') AS service, count(*) n FROM EVENTS GROUP BY eventSource ORDER BY COUNT(*) DESC, eventSource LIMIT 1",
            &["#service|n", "s3|2"],
        ),
    ]);
}

#[test]
fn all_columns_are_the_documented_ones_in_lower_case() {
    let (columns, rows) = super::run("SELECT * FROM EVENTS ORDER BY eventTime LIMIT 100;", &super::names()).expect("it compiles");
    let expected: Vec<&str> = crate::schema::columns(cloudtrail::event_data_store::Family::Events)
        .iter()
        .filter(|column| column.shown)
        .map(|column| column.name)
        .collect();
    assert_eq!(columns, expected);
    assert_eq!(rows.expect("rows").len(), 7);
}
