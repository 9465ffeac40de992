//! Portions of the limits of tokens that this process holds, so that a use of a limited token is no write.
//!
//! A token whose uses are limited has a [portion](HeldPortion) here. A use takes one from it, in memory. Once it is spent, the next use has
//! another portion taken from the store; what is not used in time is given back. The store decides how large portions are (see
//! [`Budget`](jeton_core::Budget)), and is asked for one at a time.
//!
//! What was taken is given back at most once. If it is not known whether a write was made, the uses in it are lost: none is ever
//! allowed twice.

mod held;

pub(crate) use held::{HeldPortion, Waiting};

use held::Use;
use jeton_core::{AppId, Clock, Counter, Held, Portion, RateLeft, Token, TokenId, UseLimits, Withheld};
use jeton_store::StoreError;
use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// The portions of this process.
#[derive(Debug)]
pub(crate) struct Portions {
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
    /// Those of which something may have to be given back: as many as were taken in the last seconds.
    due: Mutex<Vec<Arc<HeldPortion>>>,
    /// Held for reading by whoever asks for a portion.
    pub(crate) asks: Arc<tokio::sync::RwLock<()>>,
    pub(crate) counts: PortionCounts,
}

/// What a portion has left over that is not held any more.
pub(crate) type Lapsed = (Held, Arc<HeldPortion>);

/// Those of tokens that are cached, or were a moment ago.
#[derive(Debug, Default)]
struct Known {
    by_token: HashMap<TokenId, Weak<HeldPortion>>,
    /// The number of entries at which those are removed that nobody holds.
    sweep_at: usize,
}

/// Fewer than this are not worth a sweep.
const MIN_SWEEP: usize = 1_024;

/// Counts since the process started.
#[derive(Debug, Default)]
pub struct PortionCounts {
    /// Portions that were taken.
    pub taken: Counter,
    /// Uses that were given back.
    pub given_back: Counter,
    /// Uses that were lost, because the store failed when they were to be given back.
    pub lost: Counter,
}

/// The answer to one more use of all limits that a token has, with those above it.
#[derive(Debug)]
pub(crate) enum Spent {
    /// It has none, or they allow it.
    Allowed,
    /// They do not.
    Withheld(Withheld),
    /// The store must be asked first.
    Unknown,
}

/// How the limits of a token stand, as far as this process knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitsLeft {
    /// The limits.
    pub limits: UseLimits,
    /// How many uses are left; `None`: any number.
    pub uses_left: Option<u64>,
    /// How many uses each rate has available, and when it is whole again.
    pub rates: Vec<RateLeft>,
    /// After so long one is available, if none is and time helps.
    pub retry_after: Option<Duration>,
}

impl Portions {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let (known, due) = (Mutex::default(), Mutex::default());
        Portions { clock, known, due, asks: Arc::default(), counts: PortionCounts::default() }
    }

    pub(crate) fn counts(&self) -> &PortionCounts {
        &self.counts
    }

    /// The portions of a token and of those above it, its own first; empty if none of them has limits.
    pub(crate) fn of(&self, token: &Token) -> Box<[Arc<HeldPortion>]> {
        let own = (token.id, &token.spec.limits);
        let above = token.ancestors.iter().map(|above| (above.id, &above.limits));
        let limited = std::iter::once(own).chain(above).filter(|(_, limits)| !limits.is_none());
        limited.map(|(id, limits)| self.of_limits(token.app_id, id, limits)).collect()
    }

    fn of_limits(&self, app_id: AppId, token_id: TokenId, limits: &UseLimits) -> Arc<HeldPortion> {
        let mut known = lock(&self.known);
        let held = known.by_token.get(&token_id).and_then(Weak::upgrade);
        if let Some(held) = held.as_ref().filter(|held| held.limits == *limits) {
            return Arc::clone(held);
        }
        // What it held of other limits is good for nothing.
        held.iter().for_each(|former| lock(&former.state).until = Duration::ZERO);
        let new = Arc::new(HeldPortion::new(app_id, token_id, limits.clone()));
        known.by_token.insert(token_id, Arc::downgrade(&new));
        if known.by_token.len() >= known.sweep_at {
            known.by_token.retain(|_, held| held.strong_count() > 0);
            known.sweep_at = MIN_SWEEP.max(2 * known.by_token.len());
        }
        new
    }

    /// Lets a portion be used that the store was asked for at this moment.
    pub(crate) fn put(&self, held: &Arc<HeldPortion>, portion: Portion, asked_at: Duration) {
        self.counts.taken.increment();
        if held.put(portion, asked_at, self.clock.monotonic()) {
            lock(&self.due).push(Arc::clone(held));
        }
    }

    /// Keeps what could not be given back, for the next time.
    pub(crate) fn keep_unused(&self, held: &Arc<HeldPortion>, unused: Held) {
        if held.keep_unused(unused, self.clock.monotonic()) {
            lock(&self.due).push(Arc::clone(held));
        }
    }

    /// Keeps what a write was to give back that was surely not made. Otherwise it may have been made nevertheless: a second time is
    /// not tried, and what it was to take besides (`wanted` uses) may be lost, too.
    pub(crate) fn settle_failure(
        &self,
        held: &Arc<HeldPortion>,
        unused: Held,
        error: &StoreError,
        wanted: u64,
    ) {
        if matches!(error, StoreError::Crowded(_)) {
            self.keep_unused(held, unused);
            return;
        }
        self.counts.lost.add(unused.uses);
        let (token, unused) = (held.token_id.get(), unused.uses);
        tracing::warn!(token, unused, wanted, "uses of a limited token may be lost: {error}");
    }

    /// Forgets all portions. What they held is lost: it was taken from what is not there any more.
    pub(crate) fn forget_all(&self) {
        lock(&self.known).by_token.clear();
        lock(&self.due).clear();
    }

    /// Takes one use from each of a token's portions, or from none.
    pub(crate) fn spend(&self, held: &[Arc<HeldPortion>]) -> Spent {
        if held.is_empty() {
            return Spent::Allowed;
        }
        let now = self.clock.monotonic();
        for (place, one) in held.iter().enumerate() {
            let refused = match one.spend(now) {
                Use::Allowed => continue,
                Use::Withheld(withheld) => Spent::Withheld(withheld),
                // Nobody is asked about it where another one has none.
                Use::Unknown => held[place + 1..]
                    .iter()
                    .find_map(|other| other.withholds(now))
                    .map_or(Spent::Unknown, Spent::Withheld),
            };
            self.take_back(&held[..place]);
            return refused;
        }
        Spent::Allowed
    }

    /// Takes back a use of each that was not made after all.
    pub(crate) fn take_back(&self, held: &[Arc<HeldPortion>]) {
        for late in held.iter().filter(|held| held.take_back()) {
            lock(&self.due).push(Arc::clone(late));
        }
    }

    /// How the limits of a token stand: its own or, if it has none, those of the nearest above it that has some. Where a use was
    /// withheld, those that withhold uses for longest. `None`: it has none.
    pub(crate) fn left(
        &self,
        held: &[Arc<HeldPortion>],
        withheld: Option<Withheld>,
    ) -> Option<Box<LimitsLeft>> {
        let now = self.clock.monotonic();
        let Some(withheld) = withheld else { return held.first().map(|held| Box::new(held.left(now))) };
        let for_how_long = |withheld: Option<Withheld>| match withheld {
            None => Duration::ZERO,
            Some(Withheld::Rate { retry_after, .. }) => retry_after,
            Some(Withheld::Uses) => Duration::MAX,
        };
        // Of several that do so equally long, the first one counts: the last one is taken.
        let longest = held.iter().rev().max_by_key(|held| for_how_long(held.withholds(now)))?;
        let mut left = longest.left(now);
        // By now there may be some again. The answer is that of a moment ago.
        if let Withheld::Rate { place, retry_after } = longest.withholds(now).unwrap_or(withheld) {
            left.retry_after = Some(retry_after);
            left.rates.get_mut(place).into_iter().for_each(|rate| rate.uses = 0);
        }
        Some(Box::new(left))
    }

    /// How many uses of a token's present portion are left.
    pub(crate) fn uses_of(&self, id: TokenId) -> u64 {
        let held = lock(&self.known).by_token.get(&id).and_then(Weak::upgrade);
        held.map_or(0, |held| lock(&held.state).uses)
    }

    /// What is to be given back: of portions whose time is over or, if all are meant, of all.
    pub(crate) fn unused(&self, all: bool) -> Vec<Lapsed> {
        let now = self.clock.monotonic();
        let due = mem::take(&mut *lock(&self.due));
        let (lapsed, later): (Vec<_>, Vec<_>) = due.into_iter().partition(|held| held.ends(now, all));
        lock(&self.due).extend(later);
        let unused = lapsed.into_iter().map(|held| (held.take_unused(now), held));
        unused.filter(|(unused, _)| unused.uses > 0).collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
