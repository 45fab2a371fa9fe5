//! The rules of rewriting, one by one.

use super::fixture::refused_with;
use super::{check, check_strict, names, refused};
use crate::sql::Names;

#[test]
fn tables_go_by_many_names() {
    let count = "SELECT count(*) FROM ";
    for table in [
        "EVENTS",
        "\"EVENTS\"",
        "event_data_store",
        "event_data_store_ID",
        "$EDS_ID",
        "EDS",
        "my-events",
        "\"my-events\"",
        "My-Events",
        "audit",
        "cloudtrail_logs",
        "\"arn:aws:cloudtrail:us-east-1:123456789012:eventdatastore/EVENTS\"",
        "arn:aws:cloudtrail:us-east-1:123456789012:eventdatastore/EVENTS",
    ] {
        check(&[(&format!("{count}{table}"), &["7"])]);
        check(&[(&format!("{count}{table} AS t WHERE t.eventID = 'e-1'"), &["1"])]);
    }
    check(&[("SELECT EVENTS.eventID FROM EVENTS WHERE EVENTS.eventName = 'AssumeRole'", &["#eventID", "e-6"])]);
}

#[test]
fn struct_and_map_paths_are_read_whatever_their_case() {
    check(&[
        (
            "SELECT USERIDENTITY.SessionContext.sessionissuer.ARN FROM EVENTS WHERE eventid = 'e-3'",
            &["#ARN", "arn:aws:iam::123456789012:role/Snowy-Deploy"],
        ),
        (
            "SELECT userIdentity.sessionContext.attributes.creationDate FROM EVENTS WHERE eventid = 'e-3'",
            &["2025-09-24 01:00:00.000"],
        ),
        (
            "SELECT requestParameters.bucketname, requestparameters.BUCKETNAME FROM EVENTS WHERE eventid = 'e-3'",
            &["blizzard-exports|blizzard-exports"],
        ),
        // Of keys that differ by case the exact one counts; without it none does.
        (
            "SELECT requestParameters.Tagging, requestParameters.tagging, requestParameters.TAGGING FROM EVENTS WHERE eventid = 'e-6'",
            &["A|b|-"],
        ),
        (
            "SELECT requestParameters.instancesSet.items.0.imageId, requestParameters.instancesSet.items[1].imageId, requestParameters.instancesSet.items.7.imageId FROM EVENTS WHERE eventid = 'e-4'",
            &["ami-1|ami-2|-"],
        ),
        (
            "SELECT requestParameters.count, requestParameters.ebsOptimized, requestParameters.\"none\", requestParameters.nothing FROM EVENTS WHERE eventid = 'e-4'",
            &["12|false|-|-"],
        ),
        ("SELECT requestParameters.ListLike.a.1, requestParameters.note FROM EVENTS WHERE eventid = 'e-7'", &["20|café = ok"]),
        ("SELECT requestParameters.bucketPolicy.Statement.0.Effect FROM EVENTS WHERE eventid = 'e-5'", &["Allow"]),
        ("SELECT eventid FROM EVENTS WHERE requestParameters.note = 'café = ok'", &["e-7"]),
        ("SELECT eventid FROM EVENTS WHERE requestParameters.note LIKE '%= ok'", &["e-7"]),
        (
            "SELECT eventid FROM EVENTS WHERE requestParameters.instanceType = 't3.micro' OR requestParameters.tagging = 'b' ORDER BY 1",
            &["e-4", "e-6"],
        ),
        ("SELECT eventid FROM EVENTS WHERE requestParameters.instanceType <> 'x'", &["e-4"]),
        ("SELECT eventid FROM EVENTS WHERE NOT (requestParameters.instanceType = 'x')", &["e-4"]),
        ("SELECT count(*) FROM EVENTS WHERE (requestParameters.instanceType = 'x') IS NULL", &["6"]),
        (
            "SELECT requestParameters.policy FROM EVENTS WHERE eventid = 'e-5'",
            &[r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject"}]}"#],
        ),
        (
            "SELECT element_at(requestParameters, 'policy'), element_at(requestParameters, 'bucketname') FROM EVENTS WHERE eventid = 'e-5'",
            &["|-"],
        ),
        ("SELECT requestParameters['bucketName'] FROM EVENTS WHERE eventid = 'e-5'", &["#_col0", "open-bucket"]),
        ("SELECT errormssage, errorMessage FROM EVENTS WHERE eventid = 'e-1'", &["Failed authentication|Failed authentication"]),
        (
            "SELECT userIdentity.inScopeOf.credentiaisissuedto, userIdentity.inScopeOf.credentialsIssuedTo FROM EVENTS WHERE eventid = 'e-1'",
            &["-|-"],
        ),
    ]);
}

#[test]
fn members_of_lists_are_asked_for_one_that_fits() {
    check(&[
        ("SELECT eventid FROM EVENTS WHERE resources.arn LIKE '%:role/%'", &["e-6"]),
        ("SELECT eventid FROM EVENTS WHERE resources.ARN = 'arn:aws:s3:::blizzard-exports'", &["e-3"]),
        ("SELECT eventid FROM EVENTS WHERE resources.type IN ('AWS::S3::Bucket', 'x') ORDER BY 1", &["e-3", "e-5"]),
        ("SELECT eventid FROM EVENTS WHERE resources.arn NOT LIKE '%s3%' ORDER BY eventid", &["e-6", "e-7"]),
        ("SELECT eventid FROM EVENTS WHERE resources.type <> 'AWS::S3::Bucket' ORDER BY eventid", &["e-6", "e-7"]),
        ("SELECT eventid FROM EVENTS WHERE resources.accountid IS NULL ORDER BY 1", &["e-1", "e-2", "e-3", "e-4"]),
        ("SELECT eventid FROM EVENTS WHERE resources.arn IS NOT NULL ORDER BY 1", &["e-3", "e-5", "e-6", "e-7"]),
        ("SELECT eventid FROM EVENTS WHERE resources.arn LIKE concat('%', requestParameters.functionName)", &["e-7"]),
        ("SELECT resources.type FROM EVENTS WHERE eventid = 'e-3'", &["#type", r#"["AWS::S3::Object","AWS::S3::Bucket"]"#]),
        (
            "SELECT resources[2].arn, resources[1].type, element_at(resources, 9).arn FROM EVENTS WHERE eventid = 'e-3'",
            &["#arn|type|arn", "arn:aws:s3:::blizzard-exports|AWS::S3::Object|-"],
        ),
        (
            "SELECT resources FROM EVENTS WHERE eventid = 'e-5'",
            &[r#"[{"accountid":"123456789012","type":"AWS::S3::Bucket","arn":"arn:aws:s3:::open-bucket"}]"#],
        ),
        (
            "SELECT eventid FROM EVENTS WHERE any_match(resources, r -> r.type = 'AWS::S3::Object' AND r.arn LIKE '%.csv')",
            &["e-3"],
        ),
    ]);
}

#[test]
fn constants_take_the_type_of_what_they_are_compared_with() {
    check(&[
        ("SELECT eventid FROM EVENTS WHERE eventTime = '2023-07-01'", &["e-7"]),
        (
            "SELECT eventid FROM EVENTS WHERE eventTime IN ('2023-07-01 00:00', '2023-06-01T13:00:00+02:00') ORDER BY 1",
            &["e-2", "e-7"],
        ),
        ("SELECT eventid FROM EVENTS WHERE '2023-06-01 10:30:00.5' > eventTime", &["e-1"]),
        ("SELECT count(*) FROM EVENTS WHERE eventTime BETWEEN '2025-01-01' AND '2024-01-01'", &["0"]),
        (
            "SELECT count(*) FROM EVENTS WHERE eventTime >= TIMESTAMP '2025-09-24 03:00:00' AND eventTime < DATE '2025-09-25'",
            &["2"],
        ),
        ("SELECT count(*) FROM EVENTS WHERE readOnly = 'true'", &["2"]),
        ("SELECT count(*) FROM EVENTS WHERE readOnly = true AND NOT managementEvent", &["1"]),
        ("SELECT count(*) FROM EVENTS WHERE recipientAccountId = 123456789012", &["7"]),
        ("SELECT count(*) FROM EVENTS WHERE userIdentity.sessionContext.attributes.mfaAuthenticated = false", &["2"]),
        ("SELECT count(*) FROM EVENTS WHERE cardinality(requestParameters) > '3'", &["2"]),
    ]);
    refused(&[
        (
            "SELECT 1 FROM EVENTS WHERE eventTime > 'yesterday'",
            "line 1:70: 'yesterday' is not a time (write yyyy-MM-dd, optionally with HH:mm:ss)",
        ),
        ("SELECT 1 FROM EVENTS WHERE readOnly = 'maybe'", "line 1:69: cannot apply = to boolean and varchar"),
        ("SELECT 1 FROM EVENTS WHERE eventTime > 5", "line 1:70: cannot apply > to timestamp and bigint"),
    ]);
}

#[test]
fn the_view_of_log_files_has_times_as_text() {
    check(&[
        (
            "SELECT eventtime, readonly FROM cloudtrail_logs WHERE eventtime > '2025-09-24T01:30:00Z' AND eventtime <= '2025-09-24T03:00:00Z'",
            &["2025-09-24T03:00:00Z|false"],
        ),
        ("SELECT count(*) FROM cloudtrail_logs WHERE eventtime BETWEEN '2023-06-01' AND '2023-06-02'", &["2"]),
        ("SELECT count(*) FROM cloudtrail_logs WHERE eventtime LIKE '2025-09%' AND readonly = 'true'", &["2"]),
        ("SELECT count(*) FROM cloudtrail_logs WHERE eventtime < '2024'", &["3"]),
        (
            "SELECT count(*) FROM cloudtrail_logs WHERE json_extract_scalar(requestparameters, '$.bucketName') = 'open-bucket'",
            &["1"],
        ),
        ("SELECT count(*) FROM cloudtrail_logs WHERE requestparameters LIKE '%open-bucket%'", &["1"]),
    ]);
}

#[test]
fn grouping_and_ordering_find_aliases_and_paths() {
    check(&[
        (
            "SELECT userIdentity.userName AS who, count(*) AS N FROM EVENTS GROUP BY WHO ORDER BY n DESC, who",
            &["#who|N", "-|3", "ann|2", "bob|2"],
        ),
        (
            "SELECT userIdentity.userName, count(*) FROM EVENTS GROUP BY USERIDENTITY.USERNAME ORDER BY 2 DESC, useridentity.username NULLS FIRST LIMIT 1",
            &["-|3"],
        ),
        ("SELECT requestParameters.bucketName b FROM EVENTS GROUP BY 1 ORDER BY b", &["blizzard-exports", "open-bucket", "-"]),
        (
            "SELECT lower(eventName) AS eventName FROM EVENTS WHERE eventid IN ('e-3', 'e-4') ORDER BY eventName DESC",
            &["runinstances", "getobject"],
        ),
        ("SELECT eventid FROM EVENTS ORDER BY eventTime DESC OFFSET 1 FETCH FIRST 2 ROWS ONLY", &["e-4", "e-3"]),
        ("SELECT count(*) FROM EVENTS GROUP BY eventSource HAVING count(*) > 1 AND max(eventTime) > '2025-01-01'", &["2"]),
        ("SELECT DISTINCT awsRegion FROM EVENTS ORDER BY awsRegion", &["eu-west-1", "us-east-1"]),
        ("SELECT eventName, EVENTNAME FROM EVENTS WHERE eventid = 'e-6'", &["#eventName|EVENTNAME", "AssumeRole|AssumeRole"]),
    ]);
}

#[test]
fn strict_mode_takes_only_what_the_original_takes() {
    check_strict(&[
        ("SELECT userIdentity.arn FROM EVENTS WHERE eventTime < '2023-06-01 10:30:00'", &["arn:aws:iam::123456789012:user/ann"]),
        ("SELECT element_at(requestParameters, 'bucketName') FROM EVENTS WHERE eventid = 'e-3'", &["blizzard-exports"]),
    ]);
    let strict = Names { strict: true, ..names() };
    refused_with(
        &[
            (
                "SELECT 1 FROM event_data_store",
                "line 1:15: event data store event_data_store does not exist (name a store by its UUID)",
            ),
            (
                "SELECT requestParameters.bucketName FROM EVENTS",
                "line 1:26: a map has no member bucketName (use element_at(…, 'bucketName'))",
            ),
            (
                "SELECT resources.arn FROM EVENTS",
                "line 1:18: an array has no member arn (use any_match(array, x -> …) or UNNEST)",
            ),
            ("SELECT 1 FROM EVENTS WHERE recipientAccountId = 5", "line 1:79: cannot apply = to varchar and bigint"),
            ("SELECT 1 FROM EVENTS WHERE readOnly = 'true'", "line 1:69: cannot apply = to boolean and varchar"),
        ],
        &strict,
    );
}
