//! Instants and the clock.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// An instant: whole milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
///
/// Always within [`Timestamp::MIN`] and [`Timestamp::MAX`], so it prints as a four-digit year in every time
/// zone and is exact as a JavaScript number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 0000-01-02T00:00:00Z.
    pub const MIN: Timestamp = Timestamp(-62_167_132_800_000);
    /// 9999-12-30T00:00:00Z.
    pub const MAX: Timestamp = Timestamp(253_402_128_000_000);

    /// The instant `millis` milliseconds after the Unix epoch; `None` outside
    /// [`MIN`](Self::MIN)..=[`MAX`](Self::MAX).
    pub const fn from_millis(millis: i64) -> Option<Self> {
        if millis < Self::MIN.0 || millis > Self::MAX.0 { None } else { Some(Timestamp(millis)) }
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This instant moved by `millis` milliseconds (negative: earlier), saturating at the ends of the range.
    pub fn saturating_add_millis(self, millis: i64) -> Self {
        Timestamp(self.0.saturating_add(millis).clamp(Self::MIN.0, Self::MAX.0))
    }

    /// Milliseconds from `earlier` to this instant; negative if `earlier` is the later one.
    pub const fn millis_since(self, earlier: Timestamp) -> i64 {
        // Both are within 2^48 of zero, so the difference cannot overflow.
        self.0 - earlier.0
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timestamp({} ms)", self.0)
    }
}

/// The source of time: the only "now" in the workspace.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The present instant. May go backwards, as wall clocks do.
    fn now(&self) -> Timestamp;

    /// Time since a fixed moment in the past. Never goes backwards, whatever happens to the date.
    fn monotonic(&self) -> Duration;
}

/// A clock that moves only when a test moves it. Clones share the time.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Hands>);

#[derive(Debug)]
struct Hands {
    now: AtomicI64,
    /// The sum of all forward moves, in milliseconds.
    passed: AtomicU64,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn at(now: Timestamp) -> Self {
        let now = AtomicI64::new(now.as_millis());
        ManualClock(Arc::new(Hands { now, passed: AtomicU64::new(0) }))
    }

    /// Moves the clock by `millis` milliseconds; negative moves it back, without any time passing.
    pub fn advance_millis(&self, millis: i64) {
        self.set(self.now().saturating_add_millis(millis));
    }

    /// Sets the clock to `now`.
    pub fn set(&self, now: Timestamp) {
        let before = self.0.now.swap(now.as_millis(), Ordering::SeqCst);
        let passed = u64::try_from(now.as_millis() - before).unwrap_or(0);
        self.0.passed.fetch_add(passed, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.now.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.passed.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_ends_where_it_says() {
        assert_eq!(Timestamp::from_millis(Timestamp::MAX.as_millis()), Some(Timestamp::MAX));
        assert_eq!(Timestamp::from_millis(Timestamp::MAX.as_millis() + 1), None);
        assert_eq!(Timestamp::from_millis(Timestamp::MIN.as_millis() - 1), None);
        assert_eq!(Timestamp::MAX.saturating_add_millis(i64::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::MIN.saturating_add_millis(i64::MIN), Timestamp::MIN);
    }

    #[test]
    fn clones_of_a_manual_clock_move_together() {
        let clock = ManualClock::at(Timestamp::from_millis(5).unwrap());
        let other = clock.clone();
        clock.advance_millis(7);
        assert_eq!(other.now().as_millis(), 12);
        assert_eq!(other.monotonic(), Duration::from_millis(7));
        clock.advance_millis(-9);
        assert_eq!(other.now().as_millis(), 3);
        assert_eq!(other.monotonic(), Duration::from_millis(7), "going back takes no time");
    }
}
