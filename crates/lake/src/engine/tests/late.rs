//! Statements in two steps: they yield what they would in one.

use super::fixture::{compiled, rows};
use super::names;

const IN_TWO: &[&str] = &[
    "SELECT * FROM EVENTS ORDER BY eventTime DESC LIMIT 3",
    "SELECT * FROM EVENTS WHERE userIdentity.userName = 'ann' ORDER BY eventTime DESC LIMIT 50",
    "SELECT eventid, requestParameters FROM EVENTS e WHERE e.awsRegion = 'us-east-1' ORDER BY e.eventName, 1 LIMIT 4",
    "SELECT eventid AS id, eventJson FROM EVENTS ORDER BY id DESC LIMIT 2",
    "SELECT eventid, upper(element_at(requestParameters, 'nameless')) AS b FROM EVENTS ORDER BY b NULLS FIRST, eventid LIMIT 5",
    "SELECT eventid, resources FROM EVENTS WHERE eventName IN (SELECT insightEventName FROM INSIGHTS) ORDER BY lower(eventName) LIMIT 9",
    "SELECT * FROM EVENTS WHERE eventName = 'Nothing' ORDER BY eventTime LIMIT 1",
    "SELECT * FROM EVENTS ORDER BY eventTime LIMIT 0",
    "SELECT * FROM EVENTS ORDER BY eventTime FETCH FIRST 2 ROWS ONLY",
    "SELECT 1 AS rank, eventJson FROM EVENTS ORDER BY rank, eventTime DESC LIMIT 2",
    "SELECT 3 AS x, eventJson FROM EVENTS ORDER BY x, eventid DESC LIMIT 2",
    "SELECT eventJson, 1.5 AS n FROM EVENTS ORDER BY 2, eventTime DESC LIMIT 2",
    "SELECT eventJson FROM EVENTS ORDER BY (1), +2, eventTime DESC LIMIT 2",
    "SELECT eventid, useridentity FROM EVENTS ORDER BY eventTime DESC LIMIT 1000",
];

const IN_ONE: &[&str] = &[
    "SELECT eventid, eventName FROM EVENTS ORDER BY eventTime DESC LIMIT 3",
    "SELECT * FROM EVENTS ORDER BY eventTime DESC",
    "SELECT * FROM EVENTS LIMIT 3",
    "SELECT * FROM EVENTS ORDER BY eventTime LIMIT 1001",
    "SELECT * FROM EVENTS ORDER BY eventTime LIMIT 3 OFFSET 2",
    "SELECT DISTINCT eventJson FROM EVENTS ORDER BY 1 LIMIT 3",
    "SELECT eventJson, count(*) FROM EVENTS GROUP BY eventJson ORDER BY 1 LIMIT 3",
    "SELECT max(eventJson) FROM EVENTS ORDER BY 1 LIMIT 3",
    "SELECT eventJson, row_number() OVER (ORDER BY eventid) FROM EVENTS ORDER BY 2 LIMIT 3",
    "SELECT eventJson, (SELECT count(*) FROM INSIGHTS) FROM EVENTS ORDER BY eventid LIMIT 3",
    "SELECT eventJson FROM EVENTS ORDER BY (SELECT count(*) FROM INSIGHTS), eventid LIMIT 3",
    "SELECT eventJson, r.type FROM EVENTS CROSS JOIN UNNEST(resources) AS t(r) ORDER BY eventid LIMIT 3",
    "SELECT a.eventJson FROM EVENTS a JOIN INSIGHTS b ON a.eventName = b.insightEventName ORDER BY 1 LIMIT 3",
    "SELECT * FROM (SELECT * FROM EVENTS ORDER BY eventTime LIMIT 2) ORDER BY eventTime LIMIT 1",
    "SELECT * FROM EVENTS UNION ALL SELECT * FROM EVENTS ORDER BY eventTime LIMIT 3",
    "WITH e AS (SELECT * FROM EVENTS) SELECT * FROM e ORDER BY eventTime LIMIT 3",
    "SELECT eventid FROM EVENTS WHERE eventTime = (SELECT eventTime FROM EVENTS ORDER BY eventTime LIMIT 1)",
];

#[test]
fn the_first_rows_are_the_same_in_two_steps() {
    for statement in IN_TWO {
        let two = compiled(statement, &names()).unwrap();
        assert!(two.late.is_some(), "{statement}");
        let mut one = two.clone();
        one.late = None;
        assert_eq!(rows(two).unwrap(), rows(one).unwrap(), "{statement}");
    }
}

#[test]
fn what_is_not_worth_it_or_not_of_single_rows_takes_one_step() {
    for statement in IN_ONE {
        assert!(compiled(statement, &names()).unwrap().late.is_none(), "{statement}");
    }
}
