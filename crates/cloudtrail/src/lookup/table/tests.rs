use std::cmp::Ordering;

use super::{Row, SERVICES, in_order, rows_of, type_of};

#[test]
fn services_and_members_stand_in_order() {
    assert!(SERVICES.is_sorted_by(|a, b| a.0 < b.0));
    for (service, rows) in SERVICES {
        for pair in rows.windows(2) {
            assert_ne!(in_order(pair[0].0, pair[1].0), Ordering::Greater, "{service}: {pair:?}");
        }
    }
}

#[test]
fn every_type_is_spelled_as_cloudformation_spells_them() {
    for (service, rows) in SERVICES {
        for &(member, under, _, type_) in *rows {
            let parts: Vec<_> = type_.split("::").collect();
            let named = parts.len() == 3 && parts[0] == "AWS" && parts.iter().all(|part| part.chars().all(char::is_alphanumeric));
            assert!(type_.is_empty() || named, "{service}: {type_}");
            assert!(
                !member.is_empty() && !member.contains(['/', '.']) && (under == "/" || !under.contains(['/', '.'])),
                "{service}: {member}"
            );
        }
    }
}

#[test]
fn every_row_can_be_reached() {
    // A row is dead when one before it fits wherever it fits.
    let covers = |a: &Row, b: &Row| a.0.eq_ignore_ascii_case(b.0) && (a.1.is_empty() || a.1 == b.1) && b.2.contains(a.2);
    for (service, rows) in SERVICES {
        for (n, row) in rows.iter().enumerate() {
            assert!(!rows[..n].iter().any(|before| covers(before, row)), "{service}: {row:?}");
        }
    }
}

#[test]
fn the_first_row_that_fits_decides() {
    let check = |service: &str, member: &str, parent: &str, top: bool, event: &str, expected: Option<&str>| {
        assert_eq!(rows_of(service).and_then(|rows| type_of(rows, member, parent, top, event)), expected, "{service} {member}");
    };
    check("ec2", "instanceId", "instancesSet", false, "RunInstances", Some("AWS::EC2::Instance"));
    check("ec2", "InstanceId", "", true, "RunInstances", Some("AWS::EC2::Instance"));
    check("ssm", "name", "", true, "GetParameter", Some("AWS::SSM::Parameter"));
    check("ssm", "name", "", true, "GetDocument", Some("AWS::SSM::Document"));
    check("ssm", "name", "tags", false, "PutParameter", None);
    check("sts", "accessKeyId", "credentials", false, "AssumeRole", Some("AWS::IAM::AccessKey"));
    check("sts", "zzz", "", true, "AssumeRole", None);
    check("ec2", "aaa", "", true, "RunInstances", None);
    check("nothing", "name", "", true, "GetParameter", None);
}
