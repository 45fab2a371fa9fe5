use clap::{Args as _, Command, FromArgMatches as _};

use super::*;

fn parse(line: &str) -> Result<Arguments, clap::Error> {
    let command = Arguments::augment_args(Command::new("import"));
    Arguments::from_arg_matches(&command.try_get_matches_from(line.split(' '))?)
}

#[test]
fn flags_fit_together() {
    Arguments::augment_args(Command::new("import")).debug_assert();
    assert!(parse("import").is_err());
    assert!(parse("import a b").is_err());
    assert!(parse("import a --output xml").is_err());
    let arguments = parse("import s3://b/p --into-trails --source-region eu-west-1 --region us-east-1").unwrap();
    assert!(arguments.into_trails && arguments.bucket.any() && arguments.output == Output::Text);
    assert_eq!(arguments.client.region(), Some("us-east-1"));
    assert!(parse("import a --event-data-store two%20words").is_err());
}

#[test]
fn events_go_to_history_and_the_default_store_unless_a_store_is_named() {
    let path = |line: &str| {
        let arguments = parse(line).unwrap();
        route::path(arguments.event_data_store.as_deref(), arguments.into_trails)
    };
    assert_eq!(path("import a"), "/v1/import");
    assert_eq!(path("import a --into-trails"), "/v1/import?route=history%2Cstores%2Ctrails");
    assert_eq!(path("import a --event-data-store old-trails"), "/v1/import?route=store%3Aold-trails");
    let arn = "arn:aws:cloudtrail:us-east-1:123456789012:eventdatastore/x";
    assert_eq!(
        path(&format!("import a --into-trails --event-data-store {arn}")),
        "/v1/import?route=trails%2Cstore%3Aarn%3Aaws%3Acloudtrail%3Aus-east-1%3A123456789012%3Aeventdatastore%2Fx"
    );
}
