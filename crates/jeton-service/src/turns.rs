//! Turns, so that those who change one thing at the same time do not make each other start over.

use std::hash::{DefaultHasher, Hash, Hasher};
use tokio::sync::{Mutex, MutexGuard};

const STRIPES: usize = 64;

/// One queue for each of a number of stripes. Different things may share a stripe: that costs waiting, nothing else.
///
/// Turns hold within a process. Against others the store's revisions stand.
pub(crate) struct Turns([Mutex<()>; STRIPES]);

impl Turns {
    pub(crate) fn new() -> Self {
        Turns(std::array::from_fn(|_| Mutex::new(())))
    }

    /// Waits for the turn to change `thing`; it lasts until the guard is dropped.
    pub(crate) async fn take(&self, thing: impl Hash) -> MutexGuard<'_, ()> {
        let mut hasher = DefaultHasher::new();
        thing.hash(&mut hasher);
        let stripe = hasher.finish() % STRIPES as u64;
        self.0[stripe as usize].lock().await
    }
}

impl std::fmt::Debug for Turns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Turns")
    }
}
