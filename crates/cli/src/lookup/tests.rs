use clap::{Args as _, Command, FromArgMatches as _};

use super::*;

fn parse(line: &str) -> Result<Arguments, clap::Error> {
    let command = Arguments::augment_args(Command::new("lookup"));
    Arguments::from_arg_matches(&command.try_get_matches_from(line.split(' '))?)
}

#[test]
fn flags_fit_together() {
    Arguments::augment_args(Command::new("lookup")).debug_assert();
    assert!(parse("lookup --region eu-west-1 --all-regions").is_err());
    assert!(parse("lookup --since soon").is_err());
    assert!(parse("lookup --read-only perhaps").is_err());
    assert!(parse("lookup DeleteTrail").is_err());
}

#[test]
fn filters_are_attributes_that_must_all_hold() {
    let line =
        "lookup --username dana --event-source iam --read-only false --resource-name a --resource-name b --region eu-west-1";
    let asked = question(&parse(line).unwrap()).unwrap();
    let expected = [
        ("EventSource", "iam.amazonaws.com"),
        ("Username", "dana"),
        ("ReadOnly", "false"),
        ("ResourceName", "a"),
        ("ResourceName", "b"),
    ];
    assert_eq!(asked.filters, expected.map(|(key, value)| (key, value.to_owned())));
    assert_eq!(asked.region.as_deref(), Some("eu-west-1"));
    assert_eq!(question(&parse("lookup --all-regions").unwrap()).unwrap().region, None);
}

#[test]
fn a_time_range_has_an_order() {
    let refused = question(&parse("lookup --since 1h --until 2h").unwrap()).unwrap_err();
    assert!(matches!(refused, Failure::Usage(_)));
    let asked = question(&parse("lookup --since 2026-01-01 --until 2026-01-01").unwrap()).unwrap();
    assert_eq!((asked.start, asked.end), (Some(1_767_225_600), Some(1_767_225_600)));
}
