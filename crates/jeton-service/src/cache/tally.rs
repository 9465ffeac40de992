//! What was seen of the use of a token that is remembered.

use super::CachedToken;
use jeton_core::Timestamp;
use jeton_store::TokenUse;
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, TryLockError};

/// What was seen of the use of one token and is not written yet.
#[derive(Debug)]
pub(crate) struct Tally {
    /// Uses since it was last written. While it is above zero, the token is in the queue.
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
    /// Notes one use and says whether it is the first since the tally was taken.
    pub(crate) fn note(&self, at: Timestamp, address: Option<IpAddr>) -> bool {
        // Writing what is there already would take the cache line from the others twice: of the uses in one millisecond the
        // first says when and from where.
        let is_news = self.count.load(Ordering::Relaxed) == 0
            || self.at_millis.load(Ordering::Relaxed) < at.as_millis();
        if is_news {
            self.at_millis.fetch_max(at.as_millis(), Ordering::Relaxed);
        }
        if is_news && address.is_some() {
            // Whoever holds the lock notes a use of this very moment: nothing is lost by leaving it to that one.
            match self.address.try_lock() {
                Ok(mut last) => *last = address,
                Err(TryLockError::Poisoned(poisoned)) => *poisoned.into_inner() = address,
                Err(TryLockError::WouldBlock) => {}
            }
        }
        // Who takes this use takes the time before it too.
        self.count.fetch_add(1, Ordering::AcqRel) == 0
    }
}

impl CachedToken {
    /// Takes out what was noted of its use.
    pub(crate) fn take_use(&self) -> TokenUse {
        let tally = self.tally();
        // The count first: a use that comes after it queues the token again, and is then written with its own time.
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
