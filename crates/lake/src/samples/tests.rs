use std::collections::HashSet;

use super::*;
use crate::sql::{self, Named, Names, Shape};

/// 2025-11-20T12:00:00Z, a Thursday.
const NOW_S: i64 = 1_763_640_000;

fn drafted(prompt: &str) -> Option<Draft> {
    Library::default().draft(prompt, Family::Events, NOW_S).into_iter().next()
}

#[track_caller]
fn check(prompt: &str, sample: &str, has: &[&str]) {
    let draft = drafted(prompt).unwrap_or_else(|| panic!("nothing is near to {prompt:?}"));
    assert_eq!(draft.sample, sample, "{prompt:?}: {}", draft.sql);
    for text in has {
        assert!(draft.sql.contains(text), "{prompt:?} has no {text:?}:\n{}", draft.sql);
    }
    assert!(!draft.sql.contains("[["), "{}", draft.sql);
}

#[test]
fn the_library_is_large_and_every_sample_has_a_name_of_its_own() {
    let library = Library::default();
    assert!(library.samples().len() >= 100, "{}", library.samples().len());
    let names: HashSet<&str> = library.samples().iter().map(|sample| sample.name.as_str()).collect();
    let aliases: HashSet<String> = library.samples().iter().map(Sample::alias).collect();
    assert_eq!((names.len(), aliases.len()), (library.samples().len(), library.samples().len()));
    for sample in library.samples() {
        assert!(!sample.description.is_empty() && !sample.words.is_empty(), "{}", sample.name);
        assert!(sample.sql().contains(&format!("FROM {TABLE}")) && !sample.sql().contains("[["), "{}", sample.sql());
        assert!(sample.sql().len() <= 10_000 && sample.sql().is_ascii(), "{}", sample.name);
        assert!(
            sample.alias().bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-')),
            "{}",
            sample.alias()
        );
        assert_eq!(library.by_alias(&sample.alias()).map(|found| &found.name), Some(&sample.name));
        let places = sample.template.required().count();
        assert_eq!(sample.parameterised().matches('?').count(), places, "{}", sample.parameterised());
    }
}

#[test]
fn every_sample_is_found_by_its_name() {
    let library = Library::default();
    for sample in library.samples() {
        let found = library.search(&sample.name);
        let first = found.first().unwrap_or_else(|| panic!("{} is not found", sample.name));
        let at = found.iter().position(|found| found.sample.name == sample.name);
        assert!(at.is_some_and(|at| at < 3) && first.relevance > 0.6, "{}: {at:?}, first {}", sample.name, first.sample.name);
        assert!(found.iter().all(|found| (0.0..=1.0).contains(&found.relevance)));
        assert!(found.is_sorted_by(|a, b| a.relevance >= b.relevance));
    }
}

#[test]
fn phrases_find_what_they_ask_for() {
    for (phrase, name) in [
        ("who logged in without MFA", "Sign-ins without MFA"),
        ("failed logins", "Failed console sign-ins"),
        ("S3 buckets made public", "Public bucket policies"),
        ("who deleted a trail", "Deleted and stopped trails"),
        ("access denied burst", "AccessDenied bursts"),
        ("role chaining", "Role chains"),
        ("security groups open to the internet", "Security groups opened to the world"),
        ("key usage by region", "Key use by Region"),
        ("new principals", "New principals"),
        ("root account activity", "Root user activity"),
        ("terminated EC2 instances", "Instances stopped and terminated"),
        ("who created access keys", "New users and access keys"),
    ] {
        let library = Library::default();
        let found = library.search(phrase);
        let names: Vec<&str> = found.iter().take(2).map(|found| found.sample.name.as_str()).collect();
        assert!(names.contains(&name), "{phrase:?} finds {names:?}, not {name:?}");
    }
    assert!(Library::default().search("recipe for apple pie").is_empty());
}

#[test]
fn a_prompt_gets_the_nearest_sample_with_its_names_and_times() {
    check(
        "What did alice do yesterday in eu-west-1?",
        "Everything one IAM user did",
        &[
            "userName = 'alice'",
            "eventTime >= '2025-11-19 00:00:00' AND eventTime < '2025-11-20 00:00:00'",
            "AND awsRegion = 'eu-west-1'",
        ],
    );
    check(
        "Who assumed arn:aws:iam::111122223333:role/Blizzard-Prod-Admin in the last 24 hours?",
        "Who assumed a role",
        &["'roleArn') = 'arn:aws:iam::111122223333:role/Blizzard-Prod-Admin'", "date_add('hour', -24, current_timestamp)"],
    );
    check(
        "show all calls from 203.0.113.9 between 2025-09-24T01:30:00Z and 2025-09-24T03:00:00Z",
        "Everything from one IP address",
        &["sourceIPAddress = '203.0.113.9'", "eventTime >= '2025-09-24 01:30:00' AND eventTime < '2025-09-24 03:00:01'"],
    );
    check(
        "console logins without MFA in September 2025",
        "Sign-ins without MFA",
        &["eventTime >= '2025-09-01 00:00:00' AND eventTime < '2025-10-01 00:00:00'"],
    );
    check("top 5 users by number of calls today", "Most active principals", &["LIMIT 5", "eventTime >= '2025-11-20 00:00:00'"]);
    check("who deleted trails this month", "Deleted and stopped trails", &["eventTime >= '2025-11-01 00:00:00'"]);
    check(
        "who read objects under reports/ in bucket blizzard-exports on 2025-09-24 between 14:00 and 15:00",
        "Who read objects of a bucket",
        &[
            "'bucketName') = 'blizzard-exports'",
            "LIKE 'reports/' || '%'",
            "eventTime >= '2025-09-24 14:00:00' AND eventTime < '2025-09-24 15:00:01'",
        ],
    );
    check(
        "access denied by principal in us-east-1 and eu-west-1",
        "Access denied by principal",
        &["AND awsRegion IN ('us-east-1', 'eu-west-1')"],
    );
    check(
        "who called PutBucketPolicy last week",
        "Every call of one action",
        &["eventName = 'PutBucketPolicy'", "date_add('week', -1"],
    );
    check("AKIAIOSFODNN7EXAMPLE", "Everything one access key did", &["accessKeyId = 'AKIAIOSFODNN7EXAMPLE'"]);
    check("public bucket policies", "Public bucket policies", &["bucketPolicy"]);
    assert!(
        !drafted("public bucket policies").unwrap().sql.contains("example-bucket"),
        "an optional line without a value is left out"
    );
}

#[test]
fn names_cannot_leave_their_quotes() {
    let draft = drafted("what did user o'brien--x do").unwrap();
    assert!(draft.sql.contains("'o''brien--x'"), "{}", draft.sql);
}

#[test]
fn nothing_near_is_said_to_be_nothing() {
    for prompt in ["what is the weather in Paris", "write me a poem", "how do I cook rice", "hello there"] {
        assert_eq!(drafted(prompt), None, "{prompt:?}");
    }
    // A fixed list of operations has no place for another one.
    assert!(drafted("deleted trails with RunInstances").is_none_or(|draft| draft.sql.contains("RunInstances")));
}

#[test]
fn families_have_their_own_samples() {
    let library = Library::default();
    for (family, prompt) in [
        (Family::Insight, "recent insights"),
        (Family::Activity, "integration events by action"),
        (Family::ConfigurationItem, "changes of AWS::EC2::SecurityGroup resources"),
        (Family::Evidence, "evidence by control"),
    ] {
        assert!(!library.draft(prompt, family, NOW_S).is_empty(), "{prompt:?}");
    }
    assert!(library.draft("recent insights", Family::Evidence, NOW_S).is_empty());
}

#[test]
fn every_sample_compiles_over_a_store_of_its_family() {
    const ID: &str = "01234567-89ab-cdef-0123-456789abcdef";
    let mut refused = Vec::new();
    for sample in Library::default().samples() {
        for (strict, table) in [(true, ID), (false, TABLE)] {
            let named = Named {
                id: ID.to_owned(),
                arn: format!("arn:aws:cloudtrail:us-east-1:111122223333:eventdatastore/{ID}"),
                name: "store".to_owned(),
                shape: Shape::Store(sample.family),
                default: true,
                active: true,
            };
            let names = Names { tables: vec![named], strict, ..Names::default() };
            if let Err(error) = sql::compile(&sample.sql().replace(TABLE, table), &names, NOW_S * 1_000_000) {
                refused.push(format!("{} (strict: {strict}): {error}", sample.name));
            }
        }
    }
    // A placeholder stands for a store of CloudTrail events alone.
    refused.retain(|reason| {
        !reason.contains("strict: false")
            || !["Integration", "insights", "Insights", "Evidence", "one kind"].iter().any(|name| reason.contains(name))
    });
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}
