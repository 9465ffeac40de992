//! Locks on single things, so that concurrent changes of one thing do not make each other start over.

use crate::Error;
use jeton_store::{Fair, Share, StoreError, Turn};
use std::hash::{DefaultHasher, Hash, Hasher};

/// At most this many changes of one thing wait.
const MAX_WAITING: usize = 128;

/// A lock for each thing, by its hash, granted in the order of requests. Changes of other things do not wait
/// for it.
///
/// They hold within a process. The store's revisions protect against other processes.
#[derive(Debug)]
pub(crate) struct StripedLocks(Fair<u64>);

impl StripedLocks {
    pub(crate) fn new() -> Self {
        StripedLocks(Fair::new(Share { places: usize::MAX, each: 1, waiting: MAX_WAITING }))
    }

    /// Waits for the lock on `thing`, which is held until the answer is dropped.
    pub(crate) async fn lock(&self, thing: impl Hash) -> Result<Turn<u64>, Error> {
        let mut hasher = DefaultHasher::new();
        thing.hash(&mut hasher);
        Ok(self.0.turn(hasher.finish()).await.map_err(StoreError::from)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn who_changes_one_thing_waits_for_nobody_who_changes_another() {
        let locks = StripedLocks::new();
        let one = locks.lock(("token", 1)).await.unwrap();
        let mut crowd: Vec<_> = (0..MAX_WAITING).map(|_| Box::pin(locks.lock(("token", 1)))).collect();
        assert!(crowd.iter_mut().all(|waiting| waiting.now_or_never().is_none()));
        assert!(locks.lock(("token", 1)).await.is_err_and(|error| error.is_crowding()));
        for other in 2..1_000 {
            assert!(locks.lock(("token", other)).now_or_never().is_some());
        }
        drop(one);
        assert!((&mut crowd[0]).now_or_never().is_some());
    }
}

#[cfg(test)]
#[path = "locks_tests.rs"]
mod rights_tests;
