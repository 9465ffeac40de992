//! Turns, so that those who change one thing at the same time do not make each other start over.

use crate::Error;
use jeton_store::{Fair, Share, StoreError, Turn};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Most changes of one thing that wait.
const MAX_WAITING: usize = 128;

/// One queue for each thing, by its hash. Whoever changes others waits for none of them.
///
/// Turns hold within a process. Against others the store's revisions stand.
#[derive(Debug)]
pub(crate) struct Turns(Fair<u64>);

impl Turns {
    pub(crate) fn new() -> Self {
        Turns(Fair::new(Share { places: usize::MAX, each: 1, waiting: MAX_WAITING }))
    }

    /// Waits for the turn to change `thing`; it lasts until it is dropped.
    pub(crate) async fn take(&self, thing: impl Hash) -> Result<Turn<u64>, Error> {
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
        let turns = Turns::new();
        let one = turns.take(("token", 1)).await.unwrap();
        let mut crowd: Vec<_> = (0..MAX_WAITING).map(|_| Box::pin(turns.take(("token", 1)))).collect();
        assert!(crowd.iter_mut().all(|waiting| waiting.now_or_never().is_none()));
        assert!(turns.take(("token", 1)).await.is_err_and(|error| error.is_crowding()));
        for other in 2..1_000 {
            assert!(turns.take(("token", other)).now_or_never().is_some());
        }
        drop(one);
        assert!((&mut crowd[0]).now_or_never().is_some());
    }
}

#[cfg(test)]
#[path = "turns_tests.rs"]
mod rights_tests;
