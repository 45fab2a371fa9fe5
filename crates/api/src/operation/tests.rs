use crate::{Operation, Service};

#[test]
fn a_target_has_a_long_and_a_short_form() {
    for (target, operation) in [
        ("com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.ListTrails", Some(Operation::ListTrails)),
        ("CloudTrail_20131101.LookupEvents", Some(Operation::LookupEvents)),
        ("CloudTrail_20131101.lookupEvents", None),
        ("CloudTrail_20131101.Nothing", None),
        ("com.amazonaws.other.CloudTrail_20131101.ListTrails", None),
        ("20131101.ListTrails", None),
        ("ListTrails", None),
        (".ListTrails", None),
        ("CloudTrail_20131101.PutAuditEvents", None),
        ("", None),
    ] {
        assert_eq!(Operation::from_target(target), operation, "{target}");
    }
}

#[test]
fn there_are_61_operations_with_names_of_their_own() {
    assert_eq!(Operation::ALL.len(), 61);
    for operation in Operation::ALL {
        assert_eq!(Operation::from_name(operation.name()), Some(operation));
        assert!(!operation.errors().is_empty());
        let target = operation.target();
        assert_eq!(target.as_deref().and_then(Operation::from_target), target.is_some().then_some(operation));
    }
    assert_eq!(Operation::ALL.iter().filter(|operation| operation.is_idempotent()).count(), 47);
    assert_eq!(Operation::PutAuditEvents.service(), Service::CloudTrailData);
    assert_eq!(Service::CloudTrail.signing_name(), "cloudtrail");
    assert_eq!(Service::CloudTrailData.signing_name(), "cloudtrail-data");
}

#[test]
fn what_only_reads_is_known() {
    for operation in [Operation::LookupEvents, Operation::GetTrail, Operation::ListTags, Operation::DescribeTrails] {
        assert!(operation.is_read_only(), "{operation:?}");
    }
    for operation in [Operation::CreateTrail, Operation::StartLogging, Operation::AddTags, Operation::PutAuditEvents] {
        assert!(!operation.is_read_only(), "{operation:?}");
    }
}
