use super::*;

fn check(path: &str, expected: Option<Skip>) {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    assert_eq!(of_file(of_folder(folder), name), expected, "{path}");
}

#[test]
fn log_files_are_told_by_their_names() {
    let log = "123456789012_CloudTrail_us-east-1_20260302T0915Z_A6kvhMoVeCsc7v8U.json.gz";
    check(log, None);
    check(&format!("AWSLogs/123456789012/CloudTrail/us-east-1/2026/03/02/{log}"), None);
    check("some/records.json", None);
    check("some/records.ndjson.gz", None);
    check("some/RECORDS.JSONL", None);
    check("some/records.gz", Some(Skip::OtherName));
    check("some/records.json.gz.tmp", Some(Skip::OtherName));
    check("some/.gz", Some(Skip::OtherName));
    check("é.gz", Some(Skip::OtherName));
    check("README", Some(Skip::OtherName));
}

#[test]
fn digests_are_told_by_folder_or_name() {
    let digest = "123456789012_CloudTrail-Digest_us-east-1_main_us-east-1_20260302T091409Z.json.gz";
    check(digest, Some(Skip::Digest));
    check("p/AWSLogs/123456789012/CloudTrail-Digest/us-east-1/x.json.gz", Some(Skip::Digest));
}

#[test]
fn insights_and_network_files_are_log_files() {
    check("AWSLogs/123456789012/CloudTrail-Insight/us-east-1/2026/03/02/x.json.gz", None);
    check("AWSLogs/o-abc123/123456789012/CloudTrail-NetworkActivity/x.json.gz", None);
}

#[test]
fn logs_of_other_services_are_passed_over() {
    check("AWSLogs/123456789012/Config/us-east-1/x.json.gz", Some(Skip::OtherService));
    check("p/AWSLogs/o-abc123/123456789012/GuardDuty/x.jsonl.gz", Some(Skip::OtherService));
    check("AWSLogs/mine/x.json", None);
    check("AWSLogs/x.json", None);
}

#[test]
fn what_stands_for_a_folder_is_a_marker() {
    check("AWSLogs/123456789012/CloudTrail/", Some(Skip::Marker));
}
