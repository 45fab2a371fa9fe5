use clap::{Args as _, Command, FromArgMatches as _};

use super::*;

fn parse(line: &[&str]) -> Result<Arguments, clap::Error> {
    let command = Arguments::augment_args(Command::new("query"));
    Arguments::from_arg_matches(&command.try_get_matches_from([&["query"], line].concat())?)
}

#[test]
fn flags_fit_together() {
    Arguments::augment_args(Command::new("query")).debug_assert();
    assert!(parse(&["SELECT 1", "SELECT 2"]).is_err());
    assert!(parse(&["--since", "soon", "SELECT 1"]).is_err());
    assert!(parse(&["--output", "xml", "SELECT 1"]).is_err());
    let given = parse(&["--files", "./AWSLogs", "--since", "7d", "--output", "csv", "SELECT 1"]).unwrap();
    assert_eq!((given.files.as_deref(), given.output), (Some("./AWSLogs"), Form::Csv));
    assert!(given.since.is_some() && !given.every_file);
}
