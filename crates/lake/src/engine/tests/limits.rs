//! Bounds: of time, of memory, of results; and that conditions get to where rows are read.

use std::time::Duration;

use super::fixture::{NOW_US, engine, tables};
use super::{EVENTS, names, run};
use crate::engine::session;
use crate::engine::{Failure, Running};
use crate::sql::compile;

/// Joins a store with itself so often that it would take days.
fn endless() -> Running {
    let sides: Vec<String> = (0..12).map(|n| format!("{EVENTS} t{n}")).collect();
    let compiled = compile(&format!("SELECT count(*) FROM {}", sides.join(", ")), &names(), NOW_US).expect("it compiles");
    engine().start(compiled, tables().into_iter().filter(|(id, _)| id == EVENTS).collect(), None)
}

#[tokio::test]
async fn a_cancelled_query_says_so_at_once() {
    let mut running = endless();
    let canceller = running.canceller();
    let waiting = tokio::spawn(async move { running.next().await });
    canceller.cancel();
    assert_eq!(waiting.await.expect("no panic"), Some(Err(Failure::Cancelled)));
}

#[tokio::test]
async fn a_query_ends_at_its_deadline() {
    let mut running = endless();
    running.deadline = Some(tokio::time::Instant::now() + Duration::from_millis(50));
    assert_eq!(running.next().await, Some(Err(Failure::TimedOut)));
    assert_eq!(running.next().await, None);
}

#[test]
fn a_result_that_is_too_large_is_refused() {
    let many = (0..4).map(|n| format!("EVENTS t{n}")).collect::<Vec<_>>().join(", ");
    let (_, rows) = run(&format!("SELECT t0.eventjson, t1.eventjson FROM {many}"), &names()).expect("it compiles");
    assert_eq!(rows, Err(Failure::TooLarge));
    assert_eq!(Failure::TooLarge.to_string(), "Query response is too large");
}

#[test]
fn text_does_not_grow_without_bound() {
    for statement in [
        // Of a column, so that the planner does not try it again and again.
        "SELECT length(reduce(sequence(1, 64), eventid, (s, x) -> s || s, s -> s)) FROM EVENTS WHERE eventid = 'e-1'",
        "SELECT length(replace(lpad(eventid, 1000000, 'a'), 'a', lpad('', 1000, 'b'))) FROM EVENTS WHERE eventid = 'e-1'",
        "SELECT length(regexp_replace(lpad(eventid, 1000000, 'a'), 'a', lpad('', 1000, 'b'))) FROM EVENTS WHERE eventid = 'e-1'",
        "SELECT length(array_join(sequence(1, 10000), lpad(eventid, 100000, ','))) FROM EVENTS WHERE eventid = 'e-1'",
    ] {
        let found = match run(statement, &names()) {
            Ok((_, rows)) => rows.map_err(|failure| failure.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let message = found.expect_err(statement);
        assert!(message.contains("exhausted") || message.contains("too much text"), "{statement}: {message}");
    }
}

#[tokio::test]
async fn matched_rows_are_those_that_fit_the_conditions() {
    let compiled =
        compile(&format!("SELECT eventName, count(*) FROM {EVENTS} WHERE awsRegion = 'us-east-1' GROUP BY 1"), &names(), NOW_US);
    let given = tables().into_iter().filter(|(id, _)| id == EVENTS).collect();
    let mut running = engine().start(compiled.expect("it compiles"), given, None);
    while let Some(page) = running.next().await {
        page.expect("rows");
    }
    assert_eq!(running.matched(), 6);
}

/// The optimised plan of a statement over empty tables.
fn plan(statement: &str) -> String {
    let compiled = compile(&statement.replace("EVENTS", EVENTS), &names(), NOW_US).expect("it compiles");
    let engine = engine();
    let state = session::open(&engine.base, &compiled, tables()).expect("a session");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let plan = runtime.block_on(state.create_logical_plan(&compiled.sql)).expect("a plan");
    state.optimize(&plan).expect("a better plan").display_indent().to_string()
}

#[test]
fn conditions_reach_the_plain_columns() {
    let found = plan(
        "SELECT eventid FROM EVENTS WHERE eventTime <= '2027-01-01' AND userIdentity.arn = 'x' AND requestParameters.bucketName = 'y' AND eventTime > date_add('day', -1, now())",
    );
    assert!(found.contains("eventtime <= TimestampMicrosecond(1798761600000000, None)"), "{found}");
    assert!(found.contains("eventtime > TimestampMicrosecond(1795132800000000, None)"), "{found}");
    assert!(found.contains("useridentity.arn = Utf8View(\"x\")"), "{found}");
    assert!(found.contains("requestparameters.bucketName = Utf8View(\"y\")"), "{found}");
    let found =
        plan("SELECT r.arn FROM EVENTS CROSS JOIN UNNEST(resources) AS t(r) WHERE eventName = 'x' AND eventTime > '2025-01-01'");
    let below = found.split("Unnest").nth(1).unwrap_or_default();
    assert!(below.contains("eventname = Utf8View(\"x\")") && below.contains("eventtime > TimestampMicrosecond"), "{found}");
    assert!(!below.contains("useragent"), "what is not used is not read: {found}");
    let found = plan("SELECT eventname FROM cloudtrail_logs WHERE eventtime > '2025-01-01'");
    assert!(found.contains("eventtime >= TimestampMicrosecond(1735689600000000, None)"), "{found}");
    let found = plan("SELECT eventid FROM EVENTS WHERE requestParameters.instanceType = 't3.micro'");
    assert!(found.contains("Utf8(\"t3.micro\"), Utf8(\"instanceType\")"), "the needle is looked for first: {found}");
}
