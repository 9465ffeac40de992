//! How often something may begin.

use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Lets something begin so often in any while of some length, and later what comes too soon. What comes after a rest begins at once,
/// even if some of it comes together.
#[derive(Debug)]
pub struct Cadence {
    most: usize,
    within: Duration,
    /// When the last ones began, as many as count.
    begun: VecDeque<Instant>,
}

impl Cadence {
    /// `most`, at least one, in each while.
    pub fn new(most: usize, within: Duration) -> Self {
        Cadence { most: most.max(1), within, begun: VecDeque::with_capacity(most.max(1)) }
    }

    /// Waits until another one may begin, and counts it. If this is dropped before, nothing is counted.
    pub async fn wait(&mut self) {
        if let Some(first) = self.begun.front().filter(|_| self.begun.len() == self.most) {
            sleep_until(*first + self.within).await;
            self.begun.pop_front();
        }
        self.begun.push_back(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn some_begin_at_once_and_none_too_often() {
        let mut cadence = Cadence::new(3, Duration::from_millis(12));
        let begun = Instant::now();
        let mut at = Vec::new();
        for _ in 0..7 {
            cadence.wait().await;
            at.push(begun.elapsed().as_millis());
        }
        assert_eq!(at, [0, 0, 0, 12, 12, 12, 24]);
        tokio::time::advance(Duration::from_millis(5)).await;
        cadence.wait().await;
        assert_eq!(begun.elapsed().as_millis(), 29, "there is room for it");
        let waited = tokio::time::timeout(Duration::from_millis(1), async {
            cadence.wait().await;
            cadence.wait().await;
        });
        assert!(waited.await.is_err(), "three within 12 ms are enough");
        cadence.wait().await;
        assert_eq!(begun.elapsed().as_millis(), 36, "what was given up does not count");
    }
}
