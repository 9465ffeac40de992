//! Detects that the system clock was set.
//!
//! Expiry uses the wall clock, which can be set; time limits use the monotonic one, which cannot. When the
//! two diverge, tokens expire earlier or later than expected, so a warning is logged.

use jeton_core::{Clock, Timestamp};
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior};

/// How often the clocks are compared.
const PERIOD: Duration = Duration::from_secs(1);
/// By how much they may diverge in one period. Time servers slew a clock by less than a thousandth.
const TOLERANCE_MILLIS: i64 = 1_000;

/// Compares the clocks forever, and warns when they diverge.
pub(super) async fn watch(clock: &dyn Clock) {
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let began = Instant::now();
    let mut last = Reading { wall: clock.now(), monotonic: began.elapsed() };
    loop {
        ticks.tick().await;
        let now = Reading { wall: clock.now(), monotonic: began.elapsed() };
        match now.jump_millis(last) {
            Some(jump) if jump > 0 => tracing::warn!(
                "the clock was set forward by {jump} ms, or this machine slept: tokens may have expired because of that"
            ),
            Some(jump) => tracing::warn!(
                "the clock was set back by {} ms: expired tokens may be valid again until it has caught up",
                -jump
            ),
            None => {}
        }
        last = now;
    }
}

/// Both clocks at one instant.
#[derive(Clone, Copy, Debug)]
struct Reading {
    wall: Timestamp,
    monotonic: Duration,
}

impl Reading {
    /// By how much the wall clock advanced further than the monotonic one since `earlier`, if above the
    /// tolerance.
    fn jump_millis(self, earlier: Reading) -> Option<i64> {
        let by_wall = self.wall.as_millis() - earlier.wall.as_millis();
        let by_monotonic = self.monotonic.saturating_sub(earlier.monotonic).as_millis();
        let jump = by_wall - i64::try_from(by_monotonic).unwrap_or(i64::MAX);
        (jump.abs() > TOLERANCE_MILLIS).then_some(jump)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_is_told_from_one_that_ticks_late() {
        let reading = |wall: i64, monotonic| Reading {
            wall: Timestamp::from_millis(1_700_000_000_000 + wall).unwrap(),
            monotonic: Duration::from_millis(monotonic),
        };
        let start = reading(0, 0);
        for (wall, monotonic, expected) in [
            (1_000, 1_000, None),
            (61_003, 61_000, None),
            (1_900, 1_000, None),
            (3_600_000, 1_000, Some(3_599_000)),
            (-3_600_000, 1_000, Some(-3_601_000)),
            (0, 5_000, Some(-5_000)),
        ] {
            assert_eq!(reading(wall, monotonic).jump_millis(start), expected, "{wall} {monotonic}");
        }
    }
}
