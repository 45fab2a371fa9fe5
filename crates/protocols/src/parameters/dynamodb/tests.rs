use super::*;

fn check(statement_in: &str, expected: &str) {
    assert_eq!(statement(Value::text(statement_in)), Value::text(expected));
}

#[test]
fn statements_lose_their_literals_and_keep_their_names() {
    check(
        "SELECT * FROM \"t1\".\"i-2\" WHERE a2 = 'x' AND b = -7",
        "SELECT * FROM \"t1\".\"i-2\" WHERE a2 = ***(Redacted) AND b = -***(Redacted)",
    );
    check("INSERT INTO T VALUE {'a':1e5}", "INSERT INTO T VALUE {***(Redacted):***(Redacted)}");
    check("SELECT 'open", "SELECT ***(Redacted)");
    check("SELECT \"open", "SELECT \"open");
}
