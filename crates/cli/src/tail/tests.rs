use super::*;
use cloudtrail::lookup::Resource;

fn row() -> Row {
    Row {
        time: "2026-03-02 09:14:09".to_owned(),
        region: "us-east-1".to_owned(),
        user: "dana".to_owned(),
        event_source: "iam.amazonaws.com".to_owned(),
        event_name: "DeleteRole".to_owned(),
        resources: vec![Resource { type_: None, name: "deployer".to_owned() }],
        error: "AccessDenied".to_owned(),
        ..Row::default()
    }
}

#[test]
fn a_record_is_a_line() {
    let expected = "2026-03-02 09:14:09  us-east-1  dana  iam:DeleteRole  deployer  AccessDenied\n";
    assert_eq!(line(&row(), Terminal::default()), expected);
    let bare = Row { user: String::new(), resources: Vec::new(), error: String::new(), ..row() };
    assert_eq!(line(&bare, Terminal::default()), "2026-03-02 09:14:09  us-east-1  iam:DeleteRole\n");
}

#[test]
fn errors_are_red_and_strangers_cannot_colour() {
    let row = Row { user: "\x1b[32mroot".to_owned(), ..row() };
    let line = line(&row, Terminal { width: None, colour: true });
    assert!(line.ends_with("\x1b[31mAccessDenied\x1b[0m\n"), "{line:?}");
    assert!(line.contains("\u{fffd}[32mroot"), "{line:?}");
}

#[test]
fn lines_are_put_together_from_pieces() {
    let text = b"{\"a\":1}\n\n{\"b\":2}\n{\"c\"";
    for size in 1..=text.len() {
        let (mut lines, mut found) = (Lines::default(), Vec::new());
        for piece in text.chunks(size) {
            lines
                .feed(piece, |line| {
                    found.push(String::from_utf8(line.to_vec()).unwrap());
                    Ok(())
                })
                .unwrap();
        }
        assert_eq!(found, ["{\"a\":1}", "", "{\"b\":2}"], "pieces of {size}");
    }
}

#[test]
fn a_line_without_end_is_an_error() {
    let mut lines = Lines::default();
    let fed = (0..1_000).try_for_each(|_| lines.feed(&[b'x'; 4_096], |_| Ok(())));
    assert!(fed.is_err());
}

#[test]
fn flags_fit_together() {
    use clap::Args as _;
    Arguments::augment_args(clap::Command::new("tail")).debug_assert();
}
