//! The language around expressions: WITH, set operations, joins, UNNEST, windows; and what is refused.

use super::{check, fails, refused};

#[test]
fn queries_are_put_together() {
    check(&[
        (
            "WITH a AS (SELECT eventName n, count(*) c FROM EVENTS GROUP BY 1), b(x) AS (SELECT max(C) FROM a) SELECT N FROM A JOIN B ON c = x",
            &["#N", "ConsoleLogin"],
        ),
        (
            "SELECT x.n FROM (SELECT eventName AS n, eventTime AS t FROM EVENTS) AS x WHERE x.t > '2025-09-24 03:30:00'",
            &["#n", "PutBucketPolicy"],
        ),
        (
            "SELECT p.bucketName FROM (SELECT requestParameters AS p FROM EVENTS) WHERE p.bucketName LIKE 'open%'",
            &["open-bucket"],
        ),
        ("SELECT eventid FROM EVENTS WHERE eventName IN (SELECT insightEventName FROM INSIGHTS)", &["e-3"]),
        ("SELECT eventid FROM EVENTS WHERE eventName = ANY (SELECT insightEventName FROM INSIGHTS)", &["e-3"]),
        ("SELECT count(*) FROM EVENTS WHERE eventid <> ALL (SELECT eventid FROM EVENTS WHERE eventid < 'e-3')", &["5"]),
        ("SELECT eventid FROM EVENTS e WHERE EXISTS (SELECT 1 FROM INSIGHTS i WHERE i.insightEventName = e.eventName)", &["e-3"]),
        ("SELECT eventid FROM EVENTS WHERE eventTime = (SELECT max(eventTime) FROM EVENTS)", &["e-5"]),
        ("SELECT eventid FROM EVENTS EXCEPT SELECT eventid FROM EVENTS WHERE awsRegion = 'us-east-1'", &["e-2"]),
        ("SELECT awsRegion FROM EVENTS INTERSECT SELECT awsRegion FROM INSIGHTS", &["us-east-1"]),
        (
            "SELECT count(*) FROM (SELECT requestParameters, userIdentity, resources FROM EVENTS UNION SELECT requestParameters, userIdentity, resources FROM EVENTS)",
            &["7"],
        ),
        ("(SELECT 1 AS a UNION ALL SELECT 2) ORDER BY A DESC", &["#a", "2", "1"]),
        (
            "SELECT a.eventid, b.eventid FROM EVENTS a, INSIGHTS b WHERE a.eventName = b.insightEventName",
            &["#eventid|eventid", "e-3|i-1"],
        ),
        ("SELECT count(*) FROM EVENTS a JOIN EVENTS b USING (eventid)", &["7"]),
        (
            "SELECT eventid, b.eventName FROM EVENTS a FULL JOIN (SELECT eventid, eventName FROM EVENTS WHERE eventid = 'e-1') b USING (eventid) WHERE eventid < 'e-3' ORDER BY 1",
            &["e-1|ConsoleLogin", "e-2|-"],
        ),
        ("SELECT * FROM (VALUES (1, 'a'), (2, NULL)) AS t(n, s) ORDER BY n DESC", &["#n|s", "2|-", "1|a"]),
        ("SELECT 1 + 1, 'x' -- a comment\n/* another\none */", &["#_col0|_col1", "2|x"]),
        (
            "SELECT t.* FROM (SELECT eventid, eventName FROM EVENTS WHERE eventid = 'e-1') AS t",
            &["#eventid|eventName", "e-1|ConsoleLogin"],
        ),
    ]);
}

#[test]
fn lists_and_maps_become_rows() {
    check(&[
        (
            "SELECT eventid, r.type FROM EVENTS CROSS JOIN UNNEST(resources) AS t(r) WHERE r.arn LIKE 'arn:aws:s3%' ORDER BY eventid, r.type",
            &["#eventid|type", "e-3|AWS::S3::Bucket", "e-3|AWS::S3::Object", "e-5|AWS::S3::Bucket"],
        ),
        (
            "SELECT r.arn FROM EVENTS CROSS JOIN UNNEST(resources) AS r WHERE r.type = 'AWS::IAM::Role'",
            &["arn:aws:iam::123456789012:role/Blizzard-Prod-Admin"],
        ),
        (
            "SELECT e.eventid, b FROM EVENTS e CROSS JOIN UNNEST(e.resources) AS t(a, b, c, d) WHERE a IS NULL",
            &["e-3|AWS::S3::Object"],
        ),
        (
            "SELECT k, v FROM EVENTS, UNNEST(requestParameters) AS t(k, v) WHERE eventid = 'e-3' ORDER BY k",
            &["bucketName|blizzard-exports", "key|reports/a b.csv"],
        ),
        (
            "SELECT eventid, n FROM EVENTS CROSS JOIN UNNEST(resources) WITH ORDINALITY AS t(r, n) WHERE eventid = 'e-3' ORDER BY n",
            &["e-3|1", "e-3|2"],
        ),
        ("SELECT count(*) FROM EVENTS LEFT JOIN UNNEST(resources) AS t(r) ON true", &["8"]),
        ("SELECT x, y FROM UNNEST(ARRAY[1, 2, 3], ARRAY['a', 'b']) AS t(x, y)", &["1|a", "2|b", "3|-"]),
        (
            "SELECT r.type, count(*) FROM EVENTS CROSS JOIN UNNEST(resources) AS t(r) GROUP BY r.type ORDER BY 2 DESC, 1 LIMIT 1",
            &["AWS::S3::Bucket|2"],
        ),
        (
            "SELECT count(*) FROM EVENTS CROSS JOIN UNNEST(resources) AS t(r) WHERE eventTime > '2025-09-24 03:30:00' AND userIdentity.userName = 'ann'",
            &["1"],
        ),
    ]);
}

#[test]
fn windows_look_at_other_rows() {
    check(&[
        (
            "SELECT eventid, row_number() OVER (PARTITION BY eventSource ORDER BY eventTime DESC) AS n FROM EVENTS WHERE eventSource LIKE 's3%' ORDER BY n",
            &["e-5|1", "e-3|2"],
        ),
        (
            "SELECT eventid, lag(eventid) OVER (ORDER BY eventTime) FROM EVENTS WHERE eventTime < '2023-06-02' ORDER BY 1",
            &["e-1|-", "e-2|e-1"],
        ),
        (
            "SELECT eventid, count(*) OVER w, rank() OVER (w ORDER BY eventTime) FROM EVENTS WHERE userIdentity.userName = 'bob' WINDOW w AS (PARTITION BY userIdentity.arn) ORDER BY eventid",
            &["e-2|2|1", "e-6|2|2"],
        ),
        (
            "SELECT sum(1) OVER (ORDER BY eventTime ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM EVENTS ORDER BY 1 DESC LIMIT 1",
            &["7"],
        ),
    ]);
}

#[test]
fn what_is_not_a_select_is_refused() {
    refused(&[
        ("", "the statement is empty"),
        ("DELETE FROM EVENTS", "line 1:1: only SELECT statements are allowed, but this one begins with DELETE"),
        (
            "CREATE EXTERNAL TABLE cloudtrail_logs (a STRING)",
            "line 1:1: only SELECT statements are allowed, but this one begins with CREATE (a store needs no table: query it by its UUID, or as cloudtrail_logs)",
        ),
        (
            "EXPLAIN SELECT 1",
            "line 1:1: only SELECT statements are allowed, but this one begins with EXPLAIN (the columns of every kind of store are documented in the SQL reference)",
        ),
        ("SELECT 1; DROP TABLE x", "line 1:11: only one statement can be run at a time"),
        (
            "WITH a AS (SELECT 1) INSERT INTO x SELECT 1",
            "line 1:1: only SELECT statements are allowed, but this one begins with INSERT",
        ),
        ("SELECT * FROM read_parquet('/etc/passwd')", "line 1:15: a table function is not supported"),
        ("SELECT * FROM '/etc/passwd'", "event data store /etc/passwd does not exist"),
        ("SELECT * INTO x FROM EVENTS", "line 1:1: SELECT INTO is not supported"),
        ("WITH RECURSIVE a AS (SELECT 1) SELECT * FROM a", "line 1:16: WITH RECURSIVE is not supported"),
    ]);
}

#[test]
fn errors_say_where_and_what_may_be_meant() {
    refused(&[
        ("SELECT eventNam FROM EVENTS", "line 1:8: column eventNam does not exist (did you mean eventname?)"),
        ("SELECT a.evenTime2\nFROM EVENTS a", "line 1:10: column evenTime2 does not exist in a (did you mean eventtime?)"),
        ("SELECT userIdentity.usrname FROM EVENTS", "line 1:21: member usrname does not exist (did you mean username?)"),
        ("SELECT eventName.x FROM EVENTS", "line 1:18: varchar has no member x"),
        ("SELECT 1,\n  lenght(eventName) FROM EVENTS", "line 2:3: function lenght does not exist (did you mean length?)"),
        ("SELECT length(eventName, 1) FROM EVENTS", "line 1:8: length expects 1 argument, not 2"),
        ("SELECT length(eventTime) FROM EVENTS", "line 1:8: length() expects varchar as argument 1, not timestamp"),
        (
            "SELECT eventName, count(*) FROM EVENTS",
            "line 1:8: column eventname must be in GROUP BY or within an aggregate function",
        ),
        ("SELECT 1 FROM my-evnts", "line 1:15: event data store my-evnts does not exist (did you mean my-events?)"),
        (
            "SELECT 1 FROM 99999999-e89b-12d3-a456-426614174000",
            "line 1:15: event data store 99999999-e89b-12d3-a456-426614174000 does not exist",
        ),
        ("SELECT eventid FROM EVENTS a, EVENTS b", "line 1:8: column eventid is ambiguous (put the table's name before it)"),
        ("SELECT 1 FROM EVENTS WHERE eventName LIKE 'a' ESCAPE 'xy'", "line 1:58: ESCAPE takes one character"),
        ("SELECT 'abc", "line 1:8: the quote ' is not closed"),
        ("SELECT 1 FROM EVENTS WHERE eventTime LIKE '2023%'", "line 1:58: LIKE compares varchar, not timestamp"),
        (
            "SELECT eventTime FROM EVENTS UNION SELECT eventName FROM EVENTS",
            "line 1:1: column 1 of UNION has incompatible types: timestamp and varchar",
        ),
        ("SELECT 1 FROM EVENTS UNION SELECT 1, 2", "line 1:1: UNION has different numbers of columns: 1 and 2"),
        ("SELECT eventTime > '?' FROM EVENTS WHERE eventTime > ?", "line 1:84: the placeholder ? has no value"),
        ("SELECT FROM EVENTS", "line 1:13: expected an expression, found FROM"),
        ("SELECT 1 FROM EVENTS LIMIT eventName", "line 1:58: LIMIT takes a number of rows, written as digits"),
        ("SELECT 1 FROM EVENTS WHERE eventName", "line 1:58: a condition is expected, not varchar"),
    ]);
}

#[test]
fn what_goes_wrong_with_rows_fails_the_query() {
    fails(&[
        ("SELECT requestParameters['nothing'] FROM EVENTS WHERE eventid = 'e-3'", "key not present in map: nothing"),
        (
            "SELECT resources[9] FROM EVENTS WHERE eventid = 'e-3'",
            "array subscript must be less than or equal to array length: 9 > 2",
        ),
        ("SELECT CAST(eventName AS bigint) FROM EVENTS WHERE eventid = 'e-3'", "cannot cast 'GetObject' to bigint"),
    ]);
}
