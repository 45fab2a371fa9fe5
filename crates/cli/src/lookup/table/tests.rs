use super::*;

fn rows(rows: &[[&str; 7]]) -> Vec<Vec<String>> {
    rows.iter().map(|row| row.iter().map(ToString::to_string).collect()).collect()
}

fn shown(rows: &[Vec<String>], terminal: Terminal) -> Vec<String> {
    let table = Table::fitting(&heads(false), rows, terminal);
    std::iter::once(table.header())
        .chain(rows.iter().map(|row| table.line(row)))
        .map(|line| line.trim_end_matches('\n').to_owned())
        .collect()
}

const TIME: &str = "2026-03-02 09:14:09";

#[test]
fn columns_are_as_wide_as_what_is_in_them() {
    let rows = rows(&[
        [TIME, "AttachRolePolicy", "dana", "203.0.113.7", "us-east-1", "deployer, ReadOnlyAccess", ""],
        [TIME, "GetObject", "root", "AWS Internal", "eu-west-1", "", "AccessDenied"],
    ]);
    let expected = [
        "TIME (UTC)           EVENT             USER  SOURCE IP     REGION     RESOURCES                 ERROR",
        "2026-03-02 09:14:09  AttachRolePolicy  dana  203.0.113.7   us-east-1  deployer, ReadOnlyAccess",
        "2026-03-02 09:14:09  GetObject         root  AWS Internal  eu-west-1                            AccessDenied",
    ];
    assert_eq!(shown(&rows, Terminal::default()), expected);
}

#[test]
fn a_narrow_terminal_takes_from_the_widest() {
    let long = "arn:aws:iam::123456789012:role/aws-service-role/".repeat(3);
    let rows = rows(&[[TIME, "CreateServiceLinkedRole", "dana", "203.0.113.7", "us-east-1", &long, "AccessDenied"]]);
    for columns in [100, 120, 200] {
        let terminal = Terminal { width: Some(columns), colour: false };
        let lines = shown(&rows, terminal);
        assert!(lines.iter().all(|line| cell::width(line) <= columns), "{lines:#?}");
        assert!(lines[1].starts_with(TIME) && lines[1].contains('…') && lines[1].ends_with("AccessDenied"), "{lines:#?}");
    }
}

#[test]
fn a_tiny_terminal_keeps_columns_legible() {
    let rows = rows(&[[TIME, "CreateServiceLinkedRole", "dana", "203.0.113.7", "us-east-1", "deployer", "AccessDenied"]]);
    let lines = shown(&rows, Terminal { width: Some(10), colour: false });
    assert_eq!(lines[1], "2026-03-02 09:14:09  CreateS…  dana  203.0.1…  us-east…  deployer  AccessD…");
}

#[test]
fn without_a_terminal_nothing_is_cut() {
    let long = "x".repeat(500);
    let rows = rows(&[[TIME, "GetObject", "dana", "203.0.113.7", "us-east-1", &long, "AccessDenied"]]);
    assert!(shown(&rows, Terminal::default())[1].ends_with(&format!("{long}  AccessDenied")));
}

#[test]
fn errors_are_red_where_colours_are_wanted() {
    let rows = rows(&[[TIME, "GetObject", "dana", "203.0.113.7", "us-east-1", "b", "AccessDenied"]]);
    let lines = shown(&rows, Terminal { width: Some(200), colour: true });
    assert!(lines[1].ends_with("\x1b[31mAccessDenied\x1b[0m"), "{:?}", lines[1]);
}
