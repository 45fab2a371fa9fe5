use std::collections::BTreeSet;

use super::super::unsupported::UNSUPPORTED;
use super::*;

/// The operations of the S3 trait of s3s 0.14.
const OF_S3S: usize = 99;

#[test]
fn every_operation_is_either_implemented_or_listed_as_unsupported() {
    let implemented: BTreeSet<_> = OPERATIONS.iter().map(|operation| operation.name).collect();
    let unsupported: BTreeSet<_> = UNSUPPORTED.iter().map(|(name, _)| *name).collect();
    assert_eq!(implemented.len(), OPERATIONS.len(), "no operation stands twice");
    assert_eq!(unsupported.len(), UNSUPPORTED.len(), "no operation stands twice");
    assert_eq!(implemented.intersection(&unsupported).count(), 0);
    assert_eq!(implemented.len() + unsupported.len(), OF_S3S);
}
