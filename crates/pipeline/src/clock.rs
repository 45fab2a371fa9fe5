//! The time, as it is given to everything in the data plane.

use std::sync::Arc;

/// Tells the time. The program uses [`SystemClock`]; tests and simulations bring their own.
pub trait Clock: Send + Sync + 'static {
    /// Microseconds since 1970-01-01T00:00:00Z.
    fn now_us(&self) -> i64;

    /// Whole seconds since 1970-01-01T00:00:00Z.
    fn now_s(&self) -> i64 {
        self.now_us().div_euclid(1_000_000)
    }
}

/// A clock shared by many.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now_us(&self) -> i64 {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        since_epoch.as_micros() as i64
    }
}
