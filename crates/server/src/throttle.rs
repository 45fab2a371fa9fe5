//! AWS's request rates, for `strict_aws`: a token bucket per account, Region and operation.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use api::Operation;
use cloudtrail::account::AccountId;
use cloudtrail::region::Region;

/// Requests a second (CloudTrail quotas): LookupEvents and ListInsightsData 2, PutAuditEvents 100.
const fn per_second(operation: Operation) -> i64 {
    match operation {
        Operation::PutAuditEvents => 100,
        _ => 2,
    }
}

const SECOND_US: i64 = 1_000_000;
/// Buckets kept; the oldest ones are full again long before so many are in use.
const BUCKETS_MAX: usize = 10_000;

/// Counts requests.
#[derive(Debug, Default)]
pub struct Throttle {
    /// When each bucket's next token is due, had it been used without pause.
    due: Mutex<HashMap<(AccountId, Region, Operation), i64>>,
}

impl Throttle {
    /// Whether one more request may be answered now.
    pub fn admit(&self, account: AccountId, region: &Region, operation: Operation, now_us: i64) -> bool {
        let interval = SECOND_US / per_second(operation);
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        if due.len() >= BUCKETS_MAX {
            due.retain(|_, due_us| *due_us > now_us);
        }
        let due_us = due.entry((account, region.clone(), operation)).or_insert(now_us);
        let begin = (*due_us).max(now_us - SECOND_US + interval);
        let admitted = begin <= now_us;
        if admitted {
            *due_us = begin + interval;
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_a_second_are_admitted_and_others_do_not_count() {
        let throttle = Throttle::default();
        let (account, region) = ("123456789012".parse().unwrap(), "us-east-1".parse().unwrap());
        let admit = |now_us| throttle.admit(account, &region, Operation::LookupEvents, now_us);
        let admitted = (0..100).filter(|step| admit(10_000_000 + step * 10_000)).count();
        assert!((2..=3).contains(&admitted), "{admitted} in the first second");
        let admitted = (0..1_000).filter(|step| admit(20_000_000 + step * 10_000)).count();
        assert!((20..=21).contains(&admitted), "{admitted} in ten seconds");
        let put = |now_us| throttle.admit(account, &region, Operation::PutAuditEvents, now_us);
        let admitted = (0..10_000).filter(|step| put(20_000_000 + step * 1_000)).count();
        assert!((1_000..=1_100).contains(&admitted), "{admitted} of PutAuditEvents in ten seconds");
        assert!(throttle.admit(account, &"eu-west-1".parse().unwrap(), Operation::LookupEvents, 10_000_000));
    }
}
