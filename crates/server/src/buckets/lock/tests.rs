use super::*;

fn lock(prefixes: &[&str], lock_us: i64) -> Lock {
    Lock { prefixes: prefixes.iter().map(|&prefix| prefix.to_owned()).collect(), lock_us }
}

#[test]
fn only_the_tree_of_a_trail_is_covered() {
    let check = |prefixes: &[&str], key: &str, expected: bool| {
        assert_eq!(covers(&lock(prefixes, 1).prefixes, key), expected, "{prefixes:?} {key}");
    };
    check(&[""], "AWSLogs/1/CloudTrail/x", true);
    check(&[""], "pre/AWSLogs/1/CloudTrail/x", false);
    check(&["pre/"], "pre/AWSLogs/1/CloudTrail/x", true);
    check(&["pre/"], "AWSLogs/1/x", true);
    check(&["pre/"], "preAWSLogs/1/x", false);
    check(&["pre/"], "pre/AWSLogs", false);
    check(&["pre/"], "x/../AWSLogs/evil", false);
    check(&[], "AWSLogs/1/CloudTrail/x", false);
}

#[test]
fn callers_do_not_write_and_nobody_deletes_what_is_young() {
    let lock = lock(&[""], 100);
    assert!(lock.check_write("AWSLogs/k", Writer::Caller).is_err());
    assert!(lock.check_write("AWSLogs/k", Writer::Service).is_ok());
    assert!(lock.check_write("other", Writer::Caller).is_ok());
    assert!(lock.check_delete("AWSLogs/k", 50, 149).is_err());
    assert!(lock.check_delete("AWSLogs/k", 50, 150).is_ok());
    assert!(lock.check_delete("other", 50, 51).is_ok());
    assert!(Lock { prefixes: vec![String::new()], lock_us: i64::MAX }.check_delete("AWSLogs/k", 50, i64::MAX - 1).is_err());
}

#[test]
fn a_lock_of_zero_is_off() {
    let off = lock(&[""], 0);
    assert!(off.check_write("AWSLogs/k", Writer::Caller).is_ok());
    assert!(off.check_delete("AWSLogs/k", 50, 50).is_ok());
}
