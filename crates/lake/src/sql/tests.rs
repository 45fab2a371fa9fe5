use proptest::prelude::*;

use super::*;
use cloudtrail::event_data_store::Family;

const ID: &str = "1234e567-e89b-12d3-a456-426614174000";

fn names() -> Names {
    let named = |id: &str, name: &str, default: bool, active: bool| Named {
        id: id.to_owned(),
        arn: String::new(),
        name: name.to_owned(),
        shape: Shape::Store(Family::Events),
        default,
        active,
    };
    Names { tables: vec![named(ID, "one", false, true), named("x", "two", false, false)], ..Names::default() }
}

fn check(text: &str, names: &Names) -> Result<Vec<String>, String> {
    compile(text, names, 0).map(|compiled| compiled.tables).map_err(|error| error.to_string())
}

#[test]
fn a_placeholder_means_the_only_active_store_or_the_flagged_one() {
    let mut names = names();
    assert_eq!(check("SELECT 1 FROM event_data_store", &names), Ok(vec![ID.to_owned()]));
    names.tables[1].active = true;
    let several = check("SELECT 1 FROM eds", &names).expect_err("which one?");
    assert_eq!(several, format!("line 1:15: eds could be any of several event data stores (name one of {ID} (one), x (two))"));
    names.tables[1].default = true;
    assert_eq!(check("SELECT 1 FROM eds", &names), Ok(vec!["x".to_owned()]));
}

#[test]
fn tables_are_told_once_and_sorted() {
    let text = format!("SELECT 1 FROM {ID} a, two b, {ID} c");
    assert_eq!(check(&text, &names()), Ok(vec![ID.to_owned(), "x".to_owned()]));
}

#[test]
fn an_unknown_table_is_a_kind_of_error_of_its_own() {
    let error = compile("SELECT 1 FROM three", &names(), 0).expect_err("there is none");
    assert_eq!(error.kind, ErrorKind::UnknownTable("three".to_owned()));
    let error = compile("SELECT x FROM one", &names(), 0).expect_err("there is none");
    assert_eq!(error.kind, ErrorKind::Invalid);
}

#[test]
fn parameters_are_put_in_from_left_to_right() {
    let values = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
    let text = "SELECT DATE_TRUNC('?', eventTime) FROM ? WHERE eventTime > '?'";
    let filled = with_parameters(text, &values(&["hour", ID, "2024-01-01 00:00:00"])).expect("as many as are asked for");
    assert_eq!(filled, format!("SELECT DATE_TRUNC('hour', eventTime) FROM {ID} WHERE eventTime > '2024-01-01 00:00:00'"));
    assert_eq!(with_parameters("'?'", &values(&["a'b"])).expect("one"), "'a''b'");
    let error = with_parameters("?", &[]).expect_err("one is missing");
    assert_eq!(error.message, "the statement has 1 placeholders, but there are 0 parameters");
}

#[test]
fn times_are_read_in_all_their_forms() {
    for (text, expected) in [
        ("1970-01-01", Some(0)),
        ("1970-01-01 00:00", Some(0)),
        ("1970-01-01 00:00:01", Some(1_000_000)),
        ("1970-01-01T00:00:01.5Z", Some(1_500_000)),
        ("1970-01-01T02:00:00+02:00", Some(0)),
        ("1970-01-01T02:00:00+0200", Some(0)),
        ("1969-12-31 23:59:59.999999999 UTC", Some(-1)),
        ("2024-02-29", Some(1_709_164_800_000_000)),
        ("2023-02-29", None),
        ("2023-1-1", None),
        ("2023-01-01 25:00:00", None),
        ("2023-01-01T", None),
        ("now", None),
        ("", None),
    ] {
        assert_eq!(parse_timestamp(text), expected, "{text}");
    }
}

#[test]
fn statements_have_a_length_and_a_depth() {
    let long = format!("SELECT '{}'", "x".repeat(STATEMENT_CHARS_MAX));
    assert!(check(&long, &names()).is_err_and(|error| error.contains("over 10000")));
    for deep in ["(", "length(", "-", "NOT ", "CASE WHEN ", "(SELECT ", "[", "x -> "] {
        let text = format!("SELECT {}1", deep.repeat(9_900 / deep.len()));
        assert!(check(&text, &names()).is_err(), "{deep}");
    }
    let nested = format!("SELECT {}1{}", "(".repeat(100), ")".repeat(100));
    assert_eq!(check(&nested, &names()), Ok(vec![]));
    let chain = format!("SELECT 1 FROM one WHERE {}eventName = 'z'", "eventName='a' OR ".repeat(550));
    assert_eq!(check(&chain, &names()), Ok(vec![ID.to_owned()]));
    let unions = vec!["SELECT 1"; 100].join(" UNION ALL ");
    assert_eq!(check(&unions, &names()), Ok(vec![]));
}

/// Pieces of which statements are made, right and wrong ones.
const PIECES: &[&str] = &[
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP BY",
    "ORDER BY",
    "LIMIT",
    "1",
    "'x'",
    "'2023-01-01'",
    "eventName",
    "eventTime",
    "resources",
    "resources.arn",
    "requestParameters.a.0.b",
    "userIdentity.arn",
    "one",
    ID,
    "(",
    ")",
    ",",
    "=",
    "<",
    "LIKE",
    "IN",
    "AND",
    "OR",
    "NOT",
    "*",
    ".",
    "->",
    "x",
    "x ->",
    "any_match(",
    "count(*)",
    "CASE",
    "WHEN",
    "THEN",
    "END",
    "UNNEST(",
    "CROSS JOIN",
    "AS",
    "t",
    "UNION",
    "WITH",
    "INTERVAL '1' DAY",
    "CAST(",
    "AS varchar)",
    "[",
    "]",
    "BETWEEN",
    "NULL",
    "IS",
    "''",
    "\"",
    "--",
    "/*",
    "$EDS_ID",
    ";",
    "OVER (",
    "PARTITION BY",
    "EXISTS",
    "VALUES",
    "try(",
    "é",
    "\u{1}",
    "0.",
    "1e",
    "||",
    "?",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn no_text_makes_the_compiler_panic(text in any::<String>()) {
        let _ = check(&text, &names());
    }

    #[test]
    fn no_sequence_of_pieces_makes_the_compiler_panic(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..40)) {
        let _ = check(&pieces.join(" "), &names());
        let _ = check(&format!("SELECT {}", pieces.join(" ")), &names());
        let _ = check(&format!("SELECT 1 FROM one WHERE {}", pieces.join(" ")), &names());
    }

    #[test]
    fn what_is_quoted_stays_quoted(text in "[^\u{0}]{0,40}") {
        let statement = format!("SELECT '{}'", text.replace('\'', "''"));
        let compiled = compile(&statement, &names(), 0).expect("a constant");
        let quoted = format!("'{}'", text.replace('\'', "''"));
        prop_assert!(compiled.sql.contains(&quoted));
    }
}
