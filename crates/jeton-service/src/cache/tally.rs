//! Use of a cached token that is not written yet.

use super::CachedToken;
use jeton_core::Timestamp;
use jeton_store::TokenUse;
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, TryLockError};

/// Recorded use of one token that is not written yet.
#[derive(Debug)]
pub(crate) struct Tally {
    /// Uses since the last write. While it is above zero, the token is in the queue.
    count: AtomicU64,
    /// The last use, in milliseconds.
    at_millis: AtomicI64,
    address: Mutex<Option<IpAddr>>,
}

impl Default for Tally {
    /// No use.
    fn default() -> Self {
        let at_millis = AtomicI64::new(Timestamp::MIN.as_millis());
        Tally { count: AtomicU64::new(0), at_millis, address: Mutex::new(None) }
    }
}

impl Tally {
    /// Records one use and returns whether it is the first since the tally was taken.
    pub(crate) fn note(&self, at: Timestamp, address: Option<IpAddr>) -> bool {
        // Writing the same value again would take the cache line from other threads twice: the first use in a
        // millisecond sets time and address.
        let is_news = self.count.load(Ordering::Relaxed) == 0
            || self.at_millis.load(Ordering::Relaxed) < at.as_millis();
        if is_news {
            self.at_millis.fetch_max(at.as_millis(), Ordering::Relaxed);
        }
        if is_news && address.is_some() {
            // The holder of the lock records a use of this very moment, so nothing is lost by leaving it out.
            match self.address.try_lock() {
                Ok(mut last) => *last = address,
                Err(TryLockError::Poisoned(poisoned)) => *poisoned.into_inner() = address,
                Err(TryLockError::WouldBlock) => {}
            }
        }
        // The thread that takes this use also takes the time written before it.
        self.count.fetch_add(1, Ordering::AcqRel) == 0
    }
}

impl CachedToken {
    /// Takes the recorded use.
    pub(crate) fn take_use(&self) -> TokenUse {
        let tally = self.tally();
        // The count first: a use that comes after it queues the token again, and is then written with its own
        // time.
        let use_count = tally.count.swap(0, Ordering::AcqRel);
        TokenUse {
            app_id: self.app_id(),
            token_id: self.token_id(),
            last_used_at: Timestamp::from_millis(tally.at_millis.load(Ordering::Relaxed))
                .unwrap_or_else(|| unreachable!("it was made of one")),
            last_address: *tally.address.lock().unwrap_or_else(PoisonError::into_inner),
            use_count,
        }
    }
}
