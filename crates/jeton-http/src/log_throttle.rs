//! Rate-limits repeated log messages.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// The interval in which messages are counted.
const INTERVAL: Duration = Duration::from_secs(10);

/// Passes the first few of many equal messages in each interval, and counts the others.
#[derive(Debug)]
pub(crate) struct LogThrottle {
    begun: Instant,
    at_most: u64,
    /// Milliseconds from `begun` to the next interval.
    next: AtomicU64,
    passed: AtomicU64,
    kept_back: AtomicU64,
}

impl LogThrottle {
    /// `at_most` pass in each interval.
    pub(crate) fn new(at_most: u64) -> Self {
        LogThrottle {
            begun: Instant::now(),
            at_most,
            next: AtomicU64::new(0),
            passed: AtomicU64::new(0),
            kept_back: AtomicU64::new(0),
        }
    }

    /// How many messages were suppressed since the last that passed; `None`: suppress this one too.
    pub(crate) fn pass(&self) -> Option<u64> {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let (now, next) = (millis(self.begun.elapsed()), self.next.load(Ordering::Relaxed));
        let begins = now >= next
            && self
                .next
                .compare_exchange(next, now + millis(INTERVAL), Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if begins {
            self.passed.store(0, Ordering::Relaxed);
        }
        if self.passed.fetch_add(1, Ordering::Relaxed) < self.at_most {
            return Some(self.kept_back.swap(0, Ordering::Relaxed));
        }
        self.kept_back.fetch_add(1, Ordering::Relaxed);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_first_pass_in_each_interval_and_know_of_the_others() {
        let throttle = LogThrottle::new(2);
        assert_eq!((throttle.pass(), throttle.pass()), (Some(0), Some(0)));
        tokio::time::advance(INTERVAL - Duration::from_millis(1)).await;
        assert_eq!((throttle.pass(), throttle.pass()), (None, None));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!((throttle.pass(), throttle.pass(), throttle.pass()), (Some(2), Some(0), None));
    }
}
