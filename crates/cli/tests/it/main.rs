//! The program as a shell sees it: what it says, where, and with which exit code.

use std::process::{Command, Output};

fn trailkeep(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trailkeep"));
    command.env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE").env("AWS_SECRET_ACCESS_KEY", "secret").env("AWS_REGION", "us-east-1");
    command.args(arguments).env_remove("AWS_ENDPOINT_URL").output().expect("the program was just built")
}

#[test]
fn help_goes_to_stdout_and_names_every_verb() {
    let output = trailkeep(&["--help"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0));
    for verb in ["serve", "import", "lookup", "query", "export", "tail", "token"] {
        assert!(said.lines().any(|line| line.trim_start().starts_with(verb)), "{verb} is missing in\n{said}");
    }
}

#[test]
fn a_mistake_in_the_call_is_exit_3_and_says_nothing_on_stdout() {
    for mistake in [&["no-such-verb"][..], &["serve", "--no-such-flag"], &["lookup", "--since", "yesteryear"]] {
        let output = trailkeep(mistake);
        assert_eq!(output.status.code(), Some(3), "{mistake:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{mistake:?}");
    }
}

#[test]
fn an_unreachable_server_is_exit_2() {
    // Port 9 (discard) of this machine: nobody listens there.
    let output = trailkeep(&["lookup", "--endpoint-url", "http://127.0.0.1:9"]);
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout.is_empty());
}
