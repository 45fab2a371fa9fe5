use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use base64::Engine as _;
use cloudtrail::event_data_store::Family;

use super::lab::*;
use crate::engine::{Engine, EngineOptions};
use crate::sql::{Compiled, Named, Names, Shape, compile};
use crate::tables::{Config, ScanStats};

/// Files of several days, some overlapping, and a tail.
async fn lab() -> Lab {
    let mut lab = Lab::new(Config { row_group_rows_max: 32, ..Config::default() }).await;
    for number in 0..4_usize {
        lab.write(events(number * 100, 100, number as i64 * 50 - 86_400 * (number as i64 % 2))).await;
        lab.sink.flush().await.unwrap();
    }
    lab.write(events(400, 20, 1_000)).await;
    lab
}

#[tokio::test]
async fn the_newest_rows_come_without_sorting() {
    let lab = lab().await;
    let sql = "SELECT eventid, eventjson FROM t ORDER BY eventtime DESC NULLS LAST LIMIT 30";
    let rows = lab.query(sql).await.unwrap();
    let newest: Vec<String> = rows.iter().map(|row| row[0].clone()).collect();
    let expected: Vec<String> = (0..420).rev().map(|number| format!("e-{number:05}")).collect();
    assert_eq!(newest[..20], expected[..20]);
    assert_eq!(newest[20], "e-00299");
    let plan = plan(&lab.snapshot(), sql).await;
    assert!(!plan.contains("SortExec") && plan.contains("SortPreservingMergeExec"), "{plan}");
    let oldest = lab.query("SELECT eventid FROM t ORDER BY eventtime LIMIT 1").await.unwrap();
    assert_eq!(oldest, [["e-00100"]]);
}

#[tokio::test]
async fn rows_are_counted_without_being_read() {
    let lab = lab().await;
    let sql = "SELECT count(*) FROM t";
    assert_eq!(lab.query(sql).await.unwrap(), [["420"]]);
    let plan = plan(&lab.snapshot(), sql).await;
    assert!(!plan.contains("DataSourceExec"), "{plan}");
}

#[tokio::test]
async fn files_of_other_times_are_not_read() {
    let lab = lab().await;
    let stats = Arc::<ScanStats>::default();
    let sql = "SELECT count(*) FROM t WHERE eventtime < TIMESTAMP '2026-11-19T12:00:00' AND eventname = 'RunInstances'";
    let rows = query(&lab.snapshot(), sql, &stats).await.unwrap();
    assert_eq!(rows, [["200"]]);
    let read = stats.rows_scanned.load(Ordering::Relaxed);
    assert_eq!(read, 220, "two files and the tail");
    assert!(stats.bytes_scanned.load(Ordering::Relaxed) > 0);
}

#[tokio::test]
async fn files_that_cannot_have_a_needle_are_not_read() {
    let lab = lab().await;
    for (filter, expected, files) in [
        ("eventid = 'e-00111'", 1, 1),
        ("'e-00111' = eventid AND readonly = false", 1, 1),
        ("eventid IN ('e-00007', 'e-00111')", 2, 2),
        ("eventid = 'e-00007' AND \"_useridentity.username\" = 'user-e-00111'", 0, 0),
        ("eventid = 'e-00407'", 1, 0),
        ("eventid = 'e-00111' OR \"_useridentity.username\" = 'user-e-00007'", 2, 4),
        // What is not one of some values may be anywhere.
        ("eventid = 'e-00111' OR readonly = true", 1, 4),
        ("eventid NOT IN ('e-00111')", 419, 4),
        ("NOT (eventid = 'e-00111')", 419, 4),
        ("upper(eventid) = 'E-00111'", 1, 4),
    ] {
        let stats = Arc::<ScanStats>::default();
        let rows = query(&lab.snapshot(), &format!("SELECT eventid, eventjson FROM t WHERE {filter}"), &stats).await.unwrap();
        assert_eq!(rows.len(), expected, "{filter}");
        // A Bloom filter may say yes to what is not there, but then so rarely that it does not here.
        assert_eq!(stats.rows_scanned.load(Ordering::Relaxed), files * 100 + 20, "{filter}");
    }
}

#[tokio::test]
async fn rows_are_left_out_as_they_are_read_where_that_pays() {
    let mut lab = Lab::new(Config::default()).await;
    lab.write(events(0, 100, 0)).await;
    lab.sink.flush().await.unwrap();
    let of = async |sql: &str| plan(&lab.snapshot(), sql).await.contains("FilterExec");
    // Few rows have the value, or the rest of a row is much.
    assert!(!of("SELECT awsregion FROM t WHERE eventname = 'RunInstances'").await);
    assert!(!of("SELECT eventjson FROM t WHERE awsregion LIKE '%east%'").await);
    assert!(!of("SELECT requestparameters FROM t WHERE errorcode IS NOT NULL").await);
    assert!(of("SELECT awsregion FROM t WHERE errorcode LIKE '%Denied%'").await);
    assert!(of("SELECT count(*) FROM t WHERE errorcode IS NOT NULL").await);
}

#[tokio::test]
async fn filters_give_the_same_rows_from_files_and_from_the_tail() {
    let lab = lab().await;
    for (filter, expected) in [
        ("eventid = 'e-00007'", 1),
        ("eventid = 'e-00407'", 1),
        ("eventid = 'none'", 0),
        ("useridentity['username'] = 'user-e-00007'", 1),
        ("\"_useridentity.username\" = 'user-e-00407'", 1),
        ("\"_useridentity.arn\" LIKE '%e-0040%'", 10),
        ("readonly = true", 0),
        ("readonly = false AND eventname = 'RunInstances'", 420),
        ("eventjson LIKE '%user-e-0000_%'", 10),
        ("eventjsonchecksum = ''", 0),
        ("errorcode IS NULL", 420),
    ] {
        let rows = lab.query(&format!("SELECT count(*) FROM t WHERE {filter}")).await.unwrap();
        assert_eq!(rows, [[expected.to_string()]], "{filter}");
    }
}

#[tokio::test]
async fn the_checksum_is_computed_from_the_record() {
    let lab = lab().await;
    let rows = lab.query("SELECT eventjsonchecksum, eventjson, eventid FROM t WHERE eventid IN ('e-00001', 'e-00401')").await;
    let rows = rows.unwrap();
    assert_eq!(rows.len(), 2);
    for row in rows {
        let sum = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, row[1].as_bytes());
        assert_eq!(row[0], base64::prelude::BASE64_STANDARD.encode(sum));
    }
    let alone = lab.query("SELECT eventjsonchecksum FROM t WHERE eventid = 'e-00001'").await.unwrap();
    assert_eq!((alone.len(), alone[0][0].len()), (1, 44));
}

#[tokio::test]
async fn a_snapshot_does_not_change_while_the_store_does() {
    let mut lab = lab().await;
    let snapshot = lab.snapshot();
    lab.write(events(420, 30, 2_000)).await;
    lab.sink.flush().await.unwrap();
    let count = query(&snapshot, "SELECT count(eventid) FROM t", &Arc::default()).await.unwrap();
    assert_eq!(count, [["420"]]);
    assert_eq!(snapshot.rows(), 420);
    assert_eq!(lab.query("SELECT count(eventid) FROM t").await.unwrap(), [["450"]]);
}

#[tokio::test]
async fn an_empty_store_is_an_empty_table() {
    let lab = Lab::new(Config::default()).await;
    assert_eq!(lab.query("SELECT count(*) FROM t").await.unwrap(), [["0"]]);
    assert!(lab.query("SELECT * FROM t").await.unwrap().is_empty());
    assert!(lab.query("SELECT eventjsonchecksum, eventid FROM t").await.unwrap().is_empty());
}

#[tokio::test]
async fn expressions_over_any_column_are_planned() {
    let lab = lab().await;
    for (sql, expected) in [
        (
            "SELECT readonly, count(*) FILTER (WHERE NOT readonly), sum(CASE WHEN NOT readonly THEN 1 ELSE 0 END) FROM t GROUP BY 1",
            1,
        ),
        ("SELECT useridentity['type'], max(upper(useridentity['username'])), sum(length(eventjson)) FROM t GROUP BY 1", 1),
        ("SELECT count(*) FROM (SELECT unnest(resources) AS r FROM t) WHERE r['arn'] IS NOT NULL", 1),
        ("SELECT count(*) FROM (SELECT DISTINCT eventname, useridentity FROM t)", 1),
    ] {
        assert_eq!(lab.query(sql).await.unwrap().len(), expected, "{sql}");
    }
}

#[tokio::test]
async fn groups_aggregate_over_everything() {
    let lab = lab().await;
    let sql = "SELECT date_trunc('day', eventtime) AS day, count(*), min(eventid), max(eventid) FROM t GROUP BY 1 ORDER BY 1";
    let rows = lab.query(sql).await.unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0][1..], ["200", "e-00100", "e-00399"]);
    assert_eq!(rows[1][1..], ["220", "e-00000", "e-00419"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_rows_are_made_of_their_records() {
    let lab = lab().await;
    let (engine, names) = (engine(&lab), names());
    for (sql, count) in [
        ("SELECT * FROM eds WHERE userIdentity.userName LIKE 'user-e-0%' ORDER BY eventTime DESC LIMIT 25", 25),
        ("SELECT * FROM eds WHERE eventid >= 'e-00390' ORDER BY eventid LIMIT 1000", 30),
        ("SELECT * FROM eds WHERE eventid = 'e-00007' ORDER BY eventid LIMIT 5", 1),
        ("SELECT * FROM eds WHERE eventid = 'e-00407' ORDER BY eventid LIMIT 5", 1),
    ] {
        let two = compile(sql, &names, 0).unwrap();
        assert!(two.late.as_ref().is_some_and(|late| late.of_records), "{sql}");
        let one = Compiled { late: None, ..two.clone() };
        let mut found = Vec::new();
        for compiled in [two, one] {
            let stats = Arc::<ScanStats>::default();
            let tables = HashMap::from([(STORE.to_owned(), lab.snapshot().provider(Arc::clone(&stats)))]);
            let mut running = engine.start(compiled, tables, None);
            let mut rows = Vec::new();
            while let Some(page) = running.next().await {
                rows.extend(page.unwrap());
            }
            assert_eq!(rows.len(), count, "{sql}");
            assert!(rows.iter().all(|row| row.iter().flatten().count() > 10), "{sql}: {rows:?}");
            found.push((rows, stats.rows_scanned.load(Ordering::Relaxed), stats.bytes_scanned.load(Ordering::Relaxed)));
        }
        let [(two, rows_two, bytes_two), (one, rows_one, bytes_one)] = &found[..] else { unreachable!() };
        assert_eq!((two, rows_two), (one, rows_one), "{sql}");
        assert!(*bytes_two > 0 && bytes_two <= bytes_one, "{sql}: {bytes_two} of {bytes_one}");
    }
}

#[tokio::test]
async fn rows_that_fit_are_counted_though_they_are_not_among_the_first() {
    let lab = lab().await;
    let (engine, names) = (engine(&lab), names());
    for sql in [
        "SELECT eventid FROM eds WHERE eventid >= 'e-00010' ORDER BY eventid LIMIT 1",
        "SELECT eventid FROM eds WHERE eventid >= 'e-00010' ORDER BY eventid DESC LIMIT 1",
        "SELECT eventid FROM eds WHERE eventid >= 'e-00010' ORDER BY eventTime LIMIT 1",
        "SELECT * FROM eds WHERE eventid >= 'e-00010' ORDER BY eventid DESC LIMIT 2",
        "SELECT * FROM eds WHERE eventid >= 'e-00010' ORDER BY eventTime, eventid LIMIT 2",
        "SELECT max(eventid) FROM eds WHERE eventid >= 'e-00010'",
        "SELECT min(eventTime) FROM eds WHERE eventid >= 'e-00010'",
        "SELECT eventName, count(*) FROM eds WHERE eventid >= 'e-00010' GROUP BY 1 ORDER BY 2 DESC LIMIT 1",
    ] {
        let tables = HashMap::from([(STORE.to_owned(), lab.snapshot().provider(Arc::default()))]);
        let mut running = engine.start(compile(sql, &names, 0).unwrap(), tables, None);
        while let Some(page) = running.next().await {
            page.unwrap();
        }
        assert_eq!(running.matched(), 410, "{sql}");
    }
}

fn engine(lab: &Lab) -> Engine {
    Engine::new(&EngineOptions {
        memory_bytes: 64 << 20,
        spill_dir: lab.dir.path().join("spill"),
        spill_bytes: 1 << 20,
        threads: 2,
        result_bytes: 1 << 20,
    })
    .unwrap()
}

fn names() -> Names {
    let named = Named {
        id: STORE.to_owned(),
        arn: String::new(),
        name: "eds".to_owned(),
        shape: Shape::Store(Family::Events),
        default: true,
        active: true,
    };
    Names { tables: vec![named], ..Names::default() }
}
