//! The set of digests of foreign secrets, which were not minted here. A secret that is neither minted nor in
//! this set is garbage and need not be looked up.
//!
//! The first 64 bits of each digest are kept, for all apps together, also of tokens that are gone: one too
//! many costs a query, one too few would refuse a good token. A digest that is not in a set of a million
//! collides with one of them with a probability of 2^-44. A million take 19 MB at most: [`HashSet`] has 9
//! bytes a slot, and up to twice as many slots.

use super::table::{AsItIs, Key};
use jeton_core::Digest;
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};

/// Parts of the set, each with its own lock, so that growing one blocks few callers.
const PARTS: usize = 64;
/// At most this many digests are kept: 76 MB. With more, every foreign secret is looked up.
const MAX_DIGESTS: usize = 4_000_000;

/// The set.
#[derive(Debug)]
pub(super) struct ForeignDigests {
    parts: Box<[RwLock<HashSet<u64, AsItIs>>]>,
    count: AtomicUsize,
    max: usize,
    is_complete: AtomicBool,
    /// How often everything was forgotten.
    round: AtomicUsize,
}

impl ForeignDigests {
    pub(super) fn new() -> Self {
        Self::of_at_most(MAX_DIGESTS)
    }

    fn of_at_most(max: usize) -> Self {
        let parts = (0..PARTS).map(|_| RwLock::default()).collect();
        ForeignDigests {
            parts,
            count: AtomicUsize::new(0),
            max,
            is_complete: AtomicBool::new(false),
            round: AtomicUsize::new(0),
        }
    }

    /// Adds one.
    pub(super) fn add(&self, digest: &Digest) {
        if self.len() >= self.max {
            self.overflow();
            return;
        }
        let prefix = Key::prefix(digest);
        if self.part(prefix).write().unwrap_or_else(PoisonError::into_inner).insert(prefix) {
            self.count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether a token may have this digest. Always `true` while the set is incomplete.
    pub(super) fn may_hold(&self, digest: &Digest) -> bool {
        if !self.is_complete.load(Ordering::Acquire) {
            return true;
        }
        let prefix = Key::prefix(digest);
        self.part(prefix).read().unwrap_or_else(PoisonError::into_inner).contains(&prefix)
    }

    /// The current round of reading the stored digests. Take it before reading begins.
    pub(super) fn round(&self) -> usize {
        self.round.load(Ordering::SeqCst)
    }

    /// Marks the set as complete: all stored digests were added in this round. Has no effect if another round
    /// has begun meanwhile, or if there were too many digests.
    pub(super) fn complete(&self, round: usize) {
        if self.len() < self.max {
            self.is_complete.store(true, Ordering::SeqCst);
            // A round that begins after this check clears the mark itself.
            if self.round() != round {
                self.is_complete.store(false, Ordering::SeqCst);
            }
        }
    }

    /// Marks the set as incomplete and begins another round.
    pub(super) fn forget(&self) {
        self.round.fetch_add(1, Ordering::SeqCst);
        self.is_complete.store(false, Ordering::SeqCst);
    }

    /// The number of digests.
    pub(super) fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    fn overflow(&self) {
        if self.is_complete.swap(false, Ordering::AcqRel) {
            tracing::warn!(
                max = self.max,
                "too many foreign secrets: from now on each is looked up, garbage too"
            );
        }
    }

    fn part(&self, prefix: u64) -> &RwLock<HashSet<u64, AsItIs>> {
        // The hash set itself uses the bits at both ends.
        &self.parts[(prefix >> 32) as usize % PARTS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(number: u64) -> Digest {
        let mut bytes = [7; 32];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        Digest::from_bytes(&bytes).unwrap()
    }

    #[test]
    fn while_it_is_not_complete_it_may_hold_everything() {
        let set = ForeignDigests::new();
        set.add(&digest(1));
        assert!(set.may_hold(&digest(1)) && set.may_hold(&digest(2)));
        set.complete(set.round());
        assert!(set.may_hold(&digest(1)) && !set.may_hold(&digest(2)));
        set.add(&digest(2));
        set.add(&digest(2));
        assert!(set.may_hold(&digest(2)));
        assert_eq!(set.len(), 2);
        let round = set.round();
        set.forget();
        assert!(set.may_hold(&digest(3)));
        set.complete(round);
        assert!(set.may_hold(&digest(3)), "what was read before it was forgotten completes nothing");
    }

    #[test]
    fn with_too_many_it_holds_back_none() {
        let set = ForeignDigests::of_at_most(3);
        (0..3).for_each(|number| set.add(&digest(number)));
        set.complete(set.round());
        assert!(set.may_hold(&digest(9)), "it is full, and the next would be left out");
        let set = ForeignDigests::of_at_most(3);
        set.complete(set.round());
        (0..4).for_each(|number| set.add(&digest(number)));
        assert!(set.may_hold(&digest(9)));
        set.complete(set.round());
        assert!(set.may_hold(&digest(9)), "and stays so");
    }
}
