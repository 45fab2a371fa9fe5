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
}
