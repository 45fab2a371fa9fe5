//! Every function, with NULL and at its edges.

use super::{check, fails, refused};

/// Tries expressions that need no table.
fn values(cases: &[(&str, &str)]) {
    let statements: Vec<(String, [&str; 1])> =
        cases.iter().map(|(expression, expected)| (format!("SELECT {expression}"), [*expected])).collect();
    let cases: Vec<(&str, &[&str])> =
        statements.iter().map(|(statement, expected)| (statement.as_str(), &expected[..])).collect();
    check(&cases);
}

#[test]
fn text() {
    values(&[
        ("lower('AbC'), upper('aé')", "abc|AÉ"),
        ("length('aé'), length(NULL)", "2|-"),
        (
            "substr('hello', 2), substr('hello', 2, 3), substr('hello', -3, 2), substr('hello', 9), substr('hello', 0)",
            "ello|ell|ll||",
        ),
        ("substring('hello' FROM 2 FOR 2), position('l' IN 'hello')", "el|3"),
        ("strpos('hello', 'l'), strpos('hello', 'x'), strpos('hello', 'l', 2), strpos('hello', 'l', -1)", "3|0|4|4"),
        ("split('a.b.c', '.'), split('a.b.c', '.', 2)", r#"["a","b","c"]|["a","b.c"]"#),
        ("split_part('a/b', '/', 2), split_part('a/b', '/', 3)", "b|-"),
        ("concat('a', 'b', 'c'), concat('a', NULL), 'a' || 'b' || 'c', 'a' || NULL", "abc|-|abc|-"),
        ("concat(ARRAY[1], ARRAY[2, 3]), ARRAY[1] || ARRAY[2]", "[1,2,3]|[1,2]"),
        ("replace('aXbX', 'X'), replace('aXbX', 'X', '-')", "ab|a-b-"),
        ("trim('  a '), ltrim(' a'), rtrim('a '), trim(BOTH 'x' FROM 'xax'), trim(LEADING 'x' FROM 'xax')", "a|a|a|a|ax"),
        ("starts_with('abc', 'ab'), ends_with('abc', 'bc'), starts_with(NULL, 'a')", "true|true|-"),
        ("lpad('a', 3, 'xy'), rpad('abc', 2, 'x'), reverse('abc'), translate('abc', 'ab', 'x')", "xya|ab|cba|xc"),
        ("chr(65), codepoint('A'), levenshtein_distance('ab', 'ac')", "A|65|1"),
        ("url_extract_host('https://u@h.example:8/p?q'), url_extract_path('https://h/p/q?x')", "h.example|/p/q"),
        (
            "'a%b' LIKE 'a\\%b', 'a%b' LIKE 'a!%b' ESCAPE '!', 'axb' LIKE 'a_b', 'a\nb' LIKE 'a%b', 'A' LIKE 'a'",
            "false|true|true|true|false",
        ),
        ("'a\\b' LIKE 'a\\b', s LIKE p FROM (VALUES ('abc', 'a%'), ('abc', '_')) AS t(s, p) WHERE s LIKE p", "true|true"),
    ]);
}

#[test]
fn regular_expressions() {
    values(&[
        (
            r"regexp_like('abc', 'b'), regexp_like('abc', '^b'), regexp_like(NULL, 'b'), regexp_like('A', '(?i)a')",
            "true|false|-|true",
        ),
        (r"regexp_extract('a12b3', '\d+'), regexp_extract('k=v', '(\w)=(\w)', 2), regexp_extract('a', 'b')", "12|v|-"),
        (r"regexp_extract_all('a1b22', '\d+')", r#"["1","22"]"#),
        (
            r"regexp_replace('a1b2', '\d'), regexp_replace('ab', '(a)(b)', '$2$1'), regexp_replace('ab', '(?<x>a)', '${x}${x}'), regexp_replace('a', 'a', '\$')",
            "ab|ba|aab|$",
        ),
        (r"regexp_split('a, b,c', ',\s*'), regexp_count('abab', 'a')", r#"["a","b","c"]|2"#),
        (r"regexp_like('xéy', '\p{Alpha}'), regexp_like('1', '[\d]')", "true|true"),
    ]);
    fails(&[(
        "SELECT regexp_like(eventName, concat('(', eventName)) FROM EVENTS WHERE eventid = 'e-3'",
        "invalid regular expression '(GetObject': unclosed group",
    )]);
}

#[test]
fn conditions() {
    values(&[
        ("IF(true, 'a', 'b'), IF(NULL, 'a', 'b'), IF(false, 'a')", "a|b|-"),
        ("CASE 2 WHEN 1 THEN 'x' WHEN 2 THEN 'y' END, CASE WHEN NULL THEN 1 ELSE 2 END", "y|2"),
        ("COALESCE(NULL, 'a'), NULLIF('a', 'a'), NULLIF('a', 'b')", "a|-|a"),
        ("GREATEST(1, 3, 2), LEAST('b', 'a'), GREATEST(1, NULL)", "3|a|-"),
        ("NULL = NULL, NULL IS NOT DISTINCT FROM NULL, 1 IS DISTINCT FROM 2", "-|true|true"),
        ("1 IN (1, NULL), 2 IN (1, NULL), 1 NOT IN (2, 3), 2 BETWEEN 1 AND 2, NOT false", "true|-|true|true|true"),
        ("TRY(1 / 0), TRY(CAST('x' AS bigint)), TRY_CAST('x' AS bigint), TRY_CAST('7' AS bigint), TRY('a')", "-|-|-|7|a"),
        ("true AND NULL, false AND NULL, true OR NULL", "-|false|true"),
    ]);
    check(&[(
        "SELECT eventid, TRY(requestParameters['bucketName']) b FROM EVENTS WHERE eventSource LIKE 's%' ORDER BY 1",
        &["e-1|-", "e-2|-", "e-3|blizzard-exports", "e-5|open-bucket", "e-6|-"],
    )]);
    check(&[("SELECT TRY(sum(1) / (count(*) - 7)) FROM EVENTS", &["-"])]);
}

#[test]
fn what_can_fail_is_computed_where_the_other_conditions_leave_it_in_doubt() {
    // Of e-1 it is a division by zero.
    let inverse = "1 / (CAST(substr(eventID, 3) AS bigint) - 1)";
    check(&[
        (&format!("SELECT count(*) FROM EVENTS WHERE eventID <> 'e-1' AND {inverse} >= 0"), &["6"]),
        (&format!("SELECT count(*) FROM EVENTS WHERE {inverse} >= 0 AND eventID <> 'e-1'"), &["6"]),
        (&format!("SELECT count(*) FROM EVENTS WHERE eventID = 'e-1' OR {inverse} > 0"), &["2"]),
        (&format!("SELECT count(*) FROM EVENTS WHERE NOT (eventID = 'e-1' OR {inverse} > 0)"), &["5"]),
        (&format!("SELECT count(*) FROM EVENTS WHERE eventID <> 'e-1' AND ({inverse} > 0 OR eventID = 'e-7')"), &["2"]),
        (&format!("SELECT count_if(eventID <> 'e-1' AND {inverse} >= 0) FROM EVENTS"), &["6"]),
        (
            &format!(
                "SELECT count(*) FROM EVENTS a JOIN EVENTS b ON a.eventID = b.eventID AND a.eventID <> 'e-1' AND {} >= 0",
                inverse.replace("eventID", "a.eventID")
            ),
            &["6"],
        ),
        ("SELECT count(*) > 0 FROM EVENTS HAVING count(*) <> 7 AND 1 / (count(*) - 7) > 0", &[]),
        ("SELECT any_match(sequence(-1, 1), x -> x <> 0 AND 1 / x > 0)", &["true"]),
        // What is unknown stays so.
        ("SELECT (CAST(NULL AS boolean) AND 1 / length(eventID) > 5) IS NULL FROM EVENTS WHERE eventID = 'e-1'", &["false"]),
        ("SELECT (errorCode = 'x' AND 1 / length(eventID) = 0) IS NULL FROM EVENTS WHERE eventID = 'e-1'", &["true"]),
    ]);
    fails(&[(&format!("SELECT count(*) FROM EVENTS WHERE eventID <> 'e-2' AND {inverse} >= 0"), "division by zero")]);
}

#[test]
fn casts_and_numbers() {
    values(&[
        (
            "CAST(1 AS varchar), CAST(1.5 AS varchar), CAST(true AS varchar), CAST(1e7 AS varchar), CAST(NULL AS varchar)",
            "1|1.5|true|1.0E7|-",
        ),
        ("CAST('12' AS bigint), CAST(2.5 AS bigint), CAST(-2.5 AS integer), CAST(true AS integer)", "12|3|-2|1"),
        ("CAST('1.5' AS double), CAST(1 AS double), CAST('t' AS boolean), CAST(0 AS boolean)", "1.5|1.0|true|false"),
        (
            "CAST('2023-01-02 03:04:05' AS timestamp), CAST('2023-01-02' AS date), CAST(TIMESTAMP '2023-01-02 03:04:05' AS date)",
            "2023-01-02 03:04:05.000|2023-01-02|2023-01-02",
        ),
        (
            "CAST(TIMESTAMP '2023-01-02 03:04:05.678' AS varchar), DATE '2023-01-02', CAST(ARRAY[1, 2] AS array(varchar))",
            r#"2023-01-02 03:04:05.678|2023-01-02|["1","2"]"#,
        ),
        ("7 / 2, -7 / 2, 7 % 4, 7.0 / 2, 1 / 2.0", "3|-3|3|3.5|0.5"),
        (
            "abs(-3), abs(-1.5), ceil(1.2), floor(-1.2), round(2.5), round(1.234, 2), mod(7, 4), power(2, 3), sqrt(9), sign(-2)",
            "3|1.5|2.0|-2.0|3.0|1.23|3|8.0|3.0|-1.0",
        ),
        ("1 < 2.5, '10' < '9', -(-1), +1", "true|true|1|1"),
    ]);
    fails(&[("SELECT 1 / (cardinality(requestParameters) - 2) FROM EVENTS WHERE eventid = 'e-3'", "division by zero")]);
}

#[test]
fn json() {
    values(&[
        (
            r#"json_extract('{"a":{"b":[1,{"c":"x"}]}}', '$.a.b[1]'), json_extract('{"a.b":1}', '$["a.b"]'), json_extract('{"a":1}', '$.x')"#,
            r#"{"c":"x"}|1|-"#,
        ),
        (
            r#"json_extract_scalar('{"a":"x y"}', '$.a'), json_extract_scalar('{"a":{}}', '$.a'), json_extract_scalar('{"a":null}', '$.a'), json_extract_scalar('no', '$.a'), json_extract_scalar('[1,true]', '$[1]')"#,
            "x y|-|-|-|true",
        ),
        (
            r#"json_extract_scalar('{"a":[{"b":"z"}]}', '$.a[0].b'), json_extract('{"a":[{"b":1},{"b":2}]}', '$.a[*].b')"#,
            "z|[1,2]",
        ),
        (
            r#"json_format(json_parse(' {"a": 1} ')), is_json_scalar('1'), is_json_scalar('[]'), json_array_length('[1,2]'), json_array_length('{}')"#,
            r#"{"a": 1}|true|false|2|-"#,
        ),
        (
            r#"json_array_contains('[1,"a",true]', 1), json_array_contains('[1,"a"]', 'a'), json_array_contains('[true]', true), json_array_contains('["1"]', 1)"#,
            "true|true|true|false",
        ),
        (
            r#"json_array_get('["a","b"]', 0), json_array_get('["a","b"]', -1), json_array_get('[]', 0), json_size('{"a":[1,2,3]}', '$.a')"#,
            r#""a"|"b"|-|3"#,
        ),
        (
            r#"CAST(json_parse('"x"') AS varchar), CAST(json_parse('12') AS bigint), CAST(json_parse('["a","b"]') AS array(varchar)), CAST(json_parse('{"a":1}') AS map(varchar, varchar))"#,
            r#"x|12|["a","b"]|{"a":1}"#,
        ),
        (r"CAST('x' AS json), CAST(1 AS json), CAST(ARRAY['a'] AS json)", r#""x"|1|["a"]"#),
    ]);
    check(&[
        (
            "SELECT json_extract_scalar(eventjson, '$.userIdentity.userName') FROM EVENTS WHERE json_extract_scalar(eventjson, '$.requestParameters.roleSessionName') = 'bob-1'",
            &["bob"],
        ),
        ("SELECT json_extract(eventJson, '$.resources[0].type') FROM EVENTS WHERE eventid = 'e-6'", &["\"AWS::IAM::Role\""]),
    ]);
    fails(&[("SELECT json_parse(eventName) FROM EVENTS WHERE eventid = 'e-3'", "cannot convert 'GetObject' to JSON")]);
}

#[test]
fn maps_and_arrays() {
    values(&[
        ("cardinality(ARRAY[1, 2]), cardinality(map(ARRAY['a'], ARRAY['b'])), cardinality(NULL)", "2|1|-"),
        (
            "element_at(ARRAY['a', 'b'], 1), element_at(ARRAY['a', 'b'], -1), element_at(ARRAY['a'], 5), ARRAY['a', 'b'][2]",
            "a|b|-|b",
        ),
        ("contains(ARRAY[1, 2], 2), contains(ARRAY[1, NULL], 2), contains(ARRAY['a'], 'b')", "true|-|false"),
        ("array_distinct(ARRAY[1, 1, 2]), array_max(ARRAY[1, 3, 2]), array_min(ARRAY['b', 'a'])", "[1,2]|3|a"),
        (
            "array_join(ARRAY['a', NULL, 'b'], '-'), array_join(ARRAY['a', NULL], '-', '?'), array_join(ARRAY[1, 2], ',')",
            "a-b|a-?|1,2",
        ),
        ("slice(ARRAY[1, 2, 3, 4], 2, 2), slice(ARRAY[1, 2, 3], -2, 5), slice(ARRAY[1], 3, 1)", "[2,3]|[2,3]|[]"),
        (
            "array_sort(ARRAY[3, NULL, 1]), array_position(ARRAY['a', 'b'], 'b'), sequence(1, 3), flatten(ARRAY[ARRAY[1], ARRAY[2]])",
            "[1,3,null]|2|[1,2,3]|[1,2]",
        ),
        (
            "array_union(ARRAY[1], ARRAY[2]), array_intersect(ARRAY[1, 2], ARRAY[2]), array_except(ARRAY[1, 2], ARRAY[2]), arrays_overlap(ARRAY[1], ARRAY[1, 2])",
            "[1,2]|[2]|[1]|true",
        ),
        (
            "any_match(ARRAY[1, 2], x -> x > 1), all_match(ARRAY[1, 2], x -> x > 1), none_match(ARRAY[1, 2], x -> x > 5), any_match(ARRAY[1, NULL], x -> x > 1)",
            "true|false|true|-",
        ),
        (
            "filter(ARRAY[1, 2, 3], x -> x % 2 = 1), transform(ARRAY[1, 2], x -> x * 10), transform(ARRAY['a'], (x) -> x || 'b')",
            r#"[1,3]|[10,20]|["ab"]"#,
        ),
        (
            "reduce(ARRAY[1, 2, 3], 0, (s, x) -> s + x, s -> s * 2), reduce(ARRAY['a', 'b'], '', (s, x) -> s || x, s -> s)",
            "12|ab",
        ),
        (
            "transform(ARRAY[ARRAY[1, 2], ARRAY[3]], a -> reduce(a, 0, (s, x) -> s + x, s -> s)), filter(ARRAY[1, 2, 3], x -> any_match(ARRAY[2, 3], y -> y = x))",
            "[3,3]|[2,3]",
        ),
    ]);
    check(&[
        (
            "SELECT map_keys(requestParameters), map_values(requestParameters) FROM EVENTS WHERE eventid = 'e-3'",
            &[r#"["bucketName","key"]|["blizzard-exports","reports/a b.csv"]"#],
        ),
        (
            "SELECT cardinality(requestParameters), cardinality(map_keys(requestParameters)) FROM EVENTS WHERE eventid IN ('e-1', 'e-4') ORDER BY eventid",
            &["-|-", "5|5"],
        ),
        (
            "SELECT filter(map_keys(requestParameters), k -> k LIKE '%Name') FROM EVENTS WHERE eventid = 'e-3'",
            &[r#"["bucketName"]"#],
        ),
        (
            "SELECT transform(filter(resources, r -> r.type = eventSource OR r.type LIKE '%Object'), r -> r.arn) FROM EVENTS WHERE eventid = 'e-3'",
            &[r#"["arn:aws:s3:::blizzard-exports/reports/a b.csv"]"#],
        ),
        ("SELECT reduce(resources, 0, (n, r) -> n + length(r.type), n -> n) FROM EVENTS WHERE eventid = 'e-3'", &["30"]),
        ("SELECT eventid FROM EVENTS WHERE contains(map_keys(requestParameters), 'roleArn')", &["e-6"]),
        (
            "SELECT map(ARRAY['a', 'b'], ARRAY['1', NULL]) AS m, map_concat(map(ARRAY['a'], ARRAY['x']), map(ARRAY['a'], ARRAY['y']))",
            &["#m|_col1", r#"{"a":"1","b":null}|{"a":"y"}"#],
        ),
    ]);
    refused(&[("SELECT transform(ARRAY[1], 5)", "line 1:28: a lambda expression is expected (write x -> …)")]);
}

#[test]
fn times() {
    values(&[
        ("now(), current_date", "2026-11-21 00:00:00.000|2026-11-21"),
        (
            "date_add('day', -1, TIMESTAMP '2023-03-01 10:00:00'), date_add('month', 1, TIMESTAMP '2023-01-31'), date_add('hour', 2, DATE '2023-01-01')",
            "2023-02-28 10:00:00.000|2023-02-28 00:00:00.000|2023-01-01 02:00:00.000",
        ),
        (
            "date_diff('day', TIMESTAMP '2023-01-01', TIMESTAMP '2023-01-03 23:00'), date_diff('month', TIMESTAMP '2023-01-31', TIMESTAMP '2023-02-28'), date_diff('second', TIMESTAMP '2023-01-01 00:00:10', TIMESTAMP '2023-01-01')",
            "2|1|-10",
        ),
        (
            "date_trunc('hour', TIMESTAMP '2023-05-17 10:11:12'), date_trunc('week', TIMESTAMP '2023-05-17 10:11:12'), date_trunc('quarter', TIMESTAMP '2023-05-17'), date_trunc('YEAR', TIMESTAMP '2023-05-17')",
            "2023-05-17 10:00:00.000|2023-05-15 00:00:00.000|2023-04-01 00:00:00.000|2023-01-01 00:00:00.000",
        ),
        (
            "date_format(TIMESTAMP '2023-05-07 15:04:05.123', '%Y-%m-%d %H:%i:%s.%f %a %W %b %M %c %e %j %y %k %l %h %p %r %T %v %x %%')",
            "2023-05-07 15:04:05.123000 Sun Sunday May May 5 7 127 23 15 3 03 PM 03:04:05 PM 15:04:05 18 2023 %",
        ),
        (
            "date_parse('2023/05/17 3:04 PM', '%Y/%m/%d %h:%i %p'), date_parse('17-May-23', '%d-%b-%y')",
            "2023-05-17 15:04:00.000|2023-05-17 00:00:00.000",
        ),
        (
            "from_iso8601_timestamp('2023-05-17T10:00:00+02:00'), from_iso8601_date('2023-05-17'), date('2023-05-17'), date(TIMESTAMP '2023-05-17 10:00:00')",
            "2023-05-17 08:00:00.000|2023-05-17|2023-05-17|2023-05-17",
        ),
        (
            "to_unixtime(TIMESTAMP '1970-01-01 00:00:01.5'), from_unixtime(1.5), to_iso8601(TIMESTAMP '2023-05-17 10:00:00')",
            "1.5|1970-01-01 00:00:01.500|2023-05-17T10:00:00.000",
        ),
        (
            "year(t), quarter(t), month(t), week(t), week_of_year(t), day(t), day_of_month(t), day_of_week(t), dow(t), day_of_year(t), doy(t), year_of_week(t), yow(t), hour(t), minute(t), second(t), millisecond(t) FROM (SELECT TIMESTAMP '2023-01-01 10:11:12.345' AS t)",
            "2023|1|1|52|52|1|1|7|7|1|1|2022|2022|10|11|12|345",
        ),
        (
            "extract(hour FROM TIMESTAMP '2023-01-01 10:11:12'), extract(DOW FROM DATE '2023-01-02'), last_day_of_month(DATE '2024-02-05')",
            "10|1|2024-02-29",
        ),
        (
            "TIMESTAMP '2023-01-31 00:00:00' + INTERVAL '1' DAY, TIMESTAMP '2023-01-31' - INTERVAL '90' MINUTE, TIMESTAMP '2023-01-31' + INTERVAL '1' MONTH",
            "2023-02-01 00:00:00.000|2023-01-30 22:30:00.000|2023-02-28 00:00:00.000",
        ),
        (
            "TIMESTAMP '2023-01-02' - TIMESTAMP '2023-01-01 12:00:00', INTERVAL '26' HOUR, INTERVAL '14' MONTH",
            "0 12:00:00.000|1 02:00:00.000|1-2",
        ),
        (
            "TIMESTAMP '2023-07-01 10:00:00' AT TIME ZONE 'Europe/Berlin', hour(TIMESTAMP '2023-07-01 10:00:00' AT TIME ZONE 'America/New_York')",
            "2023-07-01 12:00:00.000 Europe/Berlin|6",
        ),
        (
            "TIMESTAMP '2023-07-01 10:00:00' AT TIME ZONE 'Asia/Tokyo' = TIMESTAMP '2023-07-01 10:00:00', date_trunc('day', TIMESTAMP '2023-07-01 20:00:00' AT TIME ZONE 'Asia/Tokyo')",
            "true|2023-07-02 00:00:00.000 Asia/Tokyo",
        ),
        ("date_add('day', 1, NULL), date_format(NULL, '%Y'), year(NULL)", "-|-|-"),
    ]);
    check(&[
        ("SELECT count(*) FROM EVENTS WHERE eventTime > now() - INTERVAL '500' DAY", &["4"]),
        (
            "SELECT a.eventid FROM EVENTS a JOIN EVENTS b ON a.eventTime - b.eventTime BETWEEN INTERVAL '1' MINUTE AND INTERVAL '30' MINUTE",
            &["e-3"],
        ),
        (
            "SELECT date_format(eventTime, '%Y-%m') m, count(*) FROM EVENTS GROUP BY 1 ORDER BY m",
            &["2023-06|2", "2023-07|1", "2025-09|4"],
        ),
    ]);
    refused(&[(
        "SELECT date_trunc('fortnight', eventTime) FROM EVENTS",
        "line 1:8: 'fortnight' is not a unit of time: use second, minute, hour, day, week, month or year",
    )]);
}

#[test]
fn aggregates() {
    check(&[
        ("SELECT count(*), count(errorCode), count(DISTINCT awsRegion), approx_distinct(eventSource) FROM EVENTS", &["7|1|2|5"]),
        (
            "SELECT min(eventTime), max(eventName), sum(cardinality(requestParameters)), avg(cardinality(requestParameters)) FROM EVENTS",
            &["2023-06-01 10:00:00.000|UpdateFunctionCode20150331v2|18|3.6"],
        ),
        (
            "SELECT max_by(eventid, eventTime), min_by(eventid, eventTime), max_by(eventid, eventTime, 2), max_by(eventid, errorCode) FROM EVENTS",
            &[r#"e-5|e-1|["e-5","e-4"]|e-4"#],
        ),
        ("SELECT arbitrary(errorCode), any_value(sharedEventID) FROM EVENTS", &["Client.UnauthorizedOperation|-"]),
        (
            "SELECT array_agg(eventid ORDER BY eventTime DESC), array_agg(DISTINCT awsRegion ORDER BY awsRegion) FROM EVENTS WHERE eventTime < '2023-06-02'",
            &[r#"["e-2","e-1"]|["eu-west-1","us-east-1"]"#],
        ),
        (
            "SELECT map_agg(eventid, awsRegion), histogram(eventName) FROM EVENTS WHERE eventTime < '2023-06-02'",
            &[r#"{"e-1":"us-east-1","e-2":"eu-west-1"}|{"ConsoleLogin":2}"#],
        ),
        (
            "SELECT map_agg(eventid, awsRegion)['e-2'], element_at(histogram(eventName), 'x') FROM EVENTS WHERE eventTime < '2023-06-02'",
            &["eu-west-1|-"],
        ),
        (
            "SELECT count(*) FILTER (WHERE readOnly), count_if(NOT readOnly), bool_and(managementEvent), bool_or(readOnly) FROM EVENTS",
            &["2|5|false|true"],
        ),
        (
            "SELECT approx_percentile(cardinality(requestParameters), 0.5), approx_percentile(cardinality(requestParameters), ARRAY[0.0, 1.0]) FROM EVENTS",
            &["3|[2,5]"],
        ),
        (
            "SELECT listagg(eventid, ',') WITHIN GROUP (ORDER BY eventid DESC) FROM EVENTS WHERE eventSource LIKE 's3%'",
            &["e-5,e-3"],
        ),
        ("SELECT sum(n), max(n) FROM (VALUES (1), (NULL)) AS t(n)", &["1|1"]),
        ("SELECT sum(n), avg(n), count(*) FROM (VALUES (1)) AS t(n) WHERE n > 1", &["-|-|0"]),
        (
            "SELECT awsRegion, readOnly, count(*) FROM EVENTS GROUP BY ROLLUP (awsRegion, readOnly) ORDER BY 3 DESC, 1, 2 LIMIT 2",
            &["-|-|7", "us-east-1|-|6"],
        ),
    ]);
    refused(&[
        ("SELECT sum(eventName) FROM EVENTS", "line 1:8: sum() does not take arguments of these types"),
        ("SELECT length(DISTINCT eventName) FROM EVENTS", "line 1:8: length is not an aggregate function"),
        ("SELECT row_number() FROM EVENTS", "line 1:8: row_number needs an OVER clause"),
    ]);
}
