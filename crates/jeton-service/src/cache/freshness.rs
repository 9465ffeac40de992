//! How long ago the change log was read to its end, and whether what is cached may be used.

use super::{CacheLimits, millis_of};
use jeton_core::Clock;
use jeton_store::LogRead;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// The value of [`Freshness::confirmed`] while the log is not followed.
const NEVER: u64 = u64::MAX;

/// When the change log was last read to its end. Costs a load and a reading of the clock to ask.
#[derive(Debug)]
pub(super) struct Freshness {
    clock: Arc<dyn Clock>,
    /// In milliseconds.
    max_staleness: u64,
    /// In milliseconds; 0: not at all.
    serve_for: u64,
    /// The time up to which the whole change log has been read, in milliseconds of the monotonic clock.
    confirmed: AtomicU64,
    /// The greatest number of an entry that was read by then.
    read_to: AtomicI64,
    /// Whether the last attempt to read it failed because the store could not be reached.
    is_cut_off: AtomicBool,
}

impl Freshness {
    pub(super) fn new(limits: &CacheLimits, clock: Arc<dyn Clock>) -> Self {
        Freshness {
            clock,
            max_staleness: millis_of(limits.max_staleness),
            serve_for: limits.serve_for.map_or(0, millis_of),
            confirmed: AtomicU64::new(NEVER),
            read_to: AtomicI64::new(0),
            is_cut_off: AtomicBool::new(false),
        }
    }

    /// Records that the change log was read to its end as of this time, and what the number of its newest entry is, if that is new.
    pub(super) fn confirm(&self, at: Duration, newest: Option<i64>) {
        if let Some(newest) = newest {
            self.read_to.fetch_max(newest, Ordering::Relaxed);
        }
        self.confirmed.store(millis_of(at), Ordering::Release);
        self.is_cut_off.store(false, Ordering::Release);
    }

    /// Records that it could not be read, since the store could not be reached.
    pub(super) fn note_outage(&self) {
        self.is_cut_off.store(true, Ordering::Release);
    }

    /// Records that it is no longer followed.
    pub(super) fn end(&self) {
        self.confirmed.store(NEVER, Ordering::Release);
    }

    /// Whether it was read to its end recently enough.
    pub(super) fn is_fresh(&self) -> bool {
        self.staleness_millis().is_some_and(|millis| millis <= self.max_staleness)
    }

    /// The same, or whether it was recently enough for as long as the store cannot be reached.
    pub(super) fn is_usable(&self) -> bool {
        let Some(millis) = self.staleness_millis() else { return false };
        millis <= self.max_staleness || (millis <= self.serve_for && self.is_cut_off.load(Ordering::Acquire))
    }

    /// How long ago it was read, if that is too long ago but for an outage.
    pub(super) fn outdated(&self) -> Option<Duration> {
        if self.serve_for == 0 || !self.is_cut_off.load(Ordering::Relaxed) {
            return None;
        }
        let millis = self.staleness_millis().filter(|millis| *millis > self.max_staleness)?;
        Some(Duration::from_millis(millis))
    }

    /// How far the change log was read, and how long ago.
    pub(super) fn log_read(&self) -> Option<LogRead> {
        let unread_ms = i64::try_from(self.staleness_millis()?).unwrap_or(i64::MAX);
        Some(LogRead { to: self.read_to.load(Ordering::Relaxed), unread_ms })
    }

    pub(super) fn staleness_millis(&self) -> Option<u64> {
        let confirmed = self.confirmed.load(Ordering::Acquire);
        (confirmed != NEVER).then(|| millis_of(self.clock.monotonic()).saturating_sub(confirmed))
    }
}
