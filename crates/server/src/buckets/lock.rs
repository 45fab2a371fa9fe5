//! The lock on delivered log files: below `AWSLogs/` of a trail's bucket only the service writes, nothing is
//! overwritten, and nothing is deleted before it is old enough.

use super::error::Error;

/// Who writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writer {
    /// Someone who called.
    Caller,
    /// Trailkeep itself.
    Service,
}

/// Whether a key lies below `AWSLogs/` of a trail that delivers, or ever delivered, under one of these prefixes.
pub(super) fn covers(prefixes: &[String], key: &str) -> bool {
    const TREE: &str = "AWSLogs/";
    let below = |prefix: &str| key.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(TREE));
    !prefixes.is_empty() && (below("") || prefixes.iter().any(|prefix| below(prefix)))
}

/// What the lock says, for one bucket.
#[derive(Debug)]
pub(super) struct Lock {
    /// The prefixes trails deliver under.
    pub(super) prefixes: Vec<String>,
    /// How long an object is kept from deletion; 0 switches the lock off.
    pub(super) lock_us: i64,
}

impl Lock {
    fn holds(&self, key: &str) -> bool {
        self.lock_us > 0 && covers(&self.prefixes, key)
    }

    /// Whether a caller may write this key.
    pub(super) fn check_write(&self, key: &str, writer: Writer) -> Result<(), Error> {
        if writer == Writer::Caller && self.holds(key) {
            let message = "Access Denied: a trail delivers here, and only Trailkeep writes below AWSLogs/";
            return Err(Error::refused("AccessDenied", message));
        }
        Ok(())
    }

    /// Whether an object put at `modified_at_us` may be deleted.
    pub(super) fn check_delete(&self, key: &str, modified_at_us: i64, now_us: i64) -> Result<(), Error> {
        if self.holds(key) && now_us < modified_at_us.saturating_add(self.lock_us) {
            let message = "Access Denied: the object is a trail's and is locked until it is as old as buckets.lock says";
            return Err(Error::refused("AccessDenied", message));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
