//! Saying the same thing to the log now and then only.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// How often at most.
const INTERVAL: Duration = Duration::from_secs(10);

/// Lets one of many equal messages through in each interval, and counts the others.
#[derive(Debug)]
pub(super) struct Seldom {
    begun: Instant,
    /// Milliseconds from `begun` to when the next one may pass.
    next: AtomicU64,
    kept_back: AtomicU64,
}

impl Seldom {
    pub(super) fn new() -> Self {
        Seldom { begun: Instant::now(), next: AtomicU64::new(0), kept_back: AtomicU64::new(0) }
    }

    /// How many were kept back since the last that passed; `None`: this one is kept back too.
    pub(super) fn pass(&self) -> Option<u64> {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let (now, next) = (millis(self.begun.elapsed()), self.next.load(Ordering::Relaxed));
        let passes = now >= next
            && self
                .next
                .compare_exchange(next, now + millis(INTERVAL), Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if passes {
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
    async fn one_passes_in_each_interval_and_knows_of_the_others() {
        let seldom = Seldom::new();
        assert_eq!(seldom.pass(), Some(0));
        tokio::time::advance(INTERVAL - Duration::from_millis(1)).await;
        assert_eq!((seldom.pass(), seldom.pass()), (None, None));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!((seldom.pass(), seldom.pass()), (Some(2), None));
    }
}
