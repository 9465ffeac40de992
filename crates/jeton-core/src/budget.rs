//! What is left of a token's limits, from which servers take portions.
//!
//! A server that verifies takes a portion of what is left and lets it be used from memory, so that a use is no write. What it has not
//! used it gives back. So no more is ever used than was taken, and what is taken is never more than there was: over any number of
//! servers no use too many is allowed. Only what a server held that was killed is lost.

use crate::time::Timestamp;
use crate::use_limits::{UseLimits, UseRate};
use std::time::Duration;

/// A portion of uses is at most this part of those that are left.
const PART_OF_USES: u64 = 8;
/// And at most this many.
pub const MOST_USES: u64 = 1_024;
/// A portion of a rate is at most this part of what is available, so that other servers find something.
const PART_OF_RATE: u64 = 4;
/// Who has taken all that a rate had asks again when so much more has become available as it gives in this time: at a rate of
/// thousands a second, each use would be a write otherwise.
const LEAST_BETWEEN: Duration = Duration::from_millis(50);

/// How long a server that finds no uses left asks for none: others may give some back meanwhile.
const NONE_LEFT: Duration = Duration::from_secs(1);

/// What is left of the limits of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// How many uses are left; `None`: there is no such limit.
    pub uses_left: Option<u64>,
    /// How full the bucket of each rate is, in its order. A use takes as many as the period has milliseconds, and each millisecond
    /// gives as many as the rate's limit.
    pub levels: Vec<u64>,
    /// At which instant they were so full.
    pub filled_at: Timestamp,
}

/// The answer to a server that wants a portion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portion {
    /// So many uses it may allow.
    pub uses: u64,
    /// Why there are none beyond them, and for how long it need not ask for more. Always if there are none at all.
    pub withheld: Option<(Withheld, Duration)>,
    /// How many uses are left to other servers, and to this one later; `None`: any number.
    pub uses_left: Option<u64>,
    /// How many uses each rate has available beyond that, in its order, and when its bucket is full again.
    pub rates: Vec<RateLeft>,
}

/// What a server took and did not allow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// So many uses.
    pub uses: u64,
    /// For how long it had the oldest of them.
    pub held_for: Duration,
}

/// What a rate has available.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLeft {
    /// So many uses.
    pub uses: u64,
    /// After so long it has as many as its limit.
    pub full_after: Duration,
}

/// Why a token may not be used for now, or any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withheld {
    /// No uses are left, unless another server gives some back.
    Uses,
    /// A rate has none available.
    Rate {
        /// Its place among the rates.
        place: usize,
        /// After so long it has one.
        retry_after: Duration,
    },
}

impl Budget {
    /// Nothing is used yet.
    pub fn full(limits: &UseLimits, now: Timestamp) -> Self {
        Budget {
            uses_left: limits.allowance.map(|allowance| allowance.uses),
            levels: limits.rates.as_slice().iter().map(|rate| capacity(*rate)).collect(),
            filled_at: now,
        }
    }

    /// Takes a portion for a server that wants so many uses: as many as there are, or fewer the less there is.
    pub fn take(&mut self, limits: &UseLimits, wanted: u64, now: Timestamp) -> Portion {
        self.fill(limits, now);
        let rates = limits.rates.as_slice();
        let mut uses = wanted.max(1);
        if let Some(left) = self.uses_left {
            uses = uses.min((left / PART_OF_USES).clamp(1, MOST_USES)).min(left);
        }
        for (rate, level) in rates.iter().zip(&self.levels) {
            let available = level / rate.per_millis();
            uses = uses.min((available / PART_OF_RATE).max(at_a_time(*rate))).min(available);
        }
        if let Some(left) = &mut self.uses_left {
            *left -= uses;
        }
        for (rate, level) in rates.iter().zip(&mut self.levels) {
            *level -= uses * rate.per_millis();
        }
        let withheld = self.withheld(rates);
        let left = |(rate, level): (&UseRate, &u64)| RateLeft {
            uses: level / rate.per_millis(),
            full_after: after(*rate, *level, capacity(*rate)),
        };
        let rates = rates.iter().zip(&self.levels).map(left).collect();
        Portion { uses, withheld, uses_left: self.uses_left, rates }
    }

    /// What there is nothing of: the allowance or, of the rates, the one that lasts longest.
    fn withheld(&self, rates: &[UseRate]) -> Option<(Withheld, Duration)> {
        if self.uses_left == Some(0) {
            return Some((Withheld::Uses, NONE_LEFT));
        }
        let empty = rates.iter().zip(&self.levels).enumerate();
        let empty =
            empty.filter(|(_, (rate, level))| **level < rate.per_millis()).map(|(place, (rate, level))| {
                let retry_after = after(*rate, *level, rate.per_millis());
                let pause =
                    after(*rate, *level, at_a_time(*rate).min(u64::from(rate.limit())) * rate.per_millis());
                (Withheld::Rate { place, retry_after }, pause)
            });
        empty.max_by_key(|(_, pause)| *pause)
    }

    /// Gives back uses that a server took of those limits that are still the same, has held for so long, and did not allow. What time
    /// has made available in their place is not given a second time.
    pub fn give_back(&mut self, limits: &UseLimits, taken: &UseLimits, unused: Held, now: Timestamp) {
        let Held { uses, held_for } = unused;
        self.fill(limits, now);
        if let (Some(left), Some(allowance)) = (&mut self.uses_left, taken.allowance) {
            *left = left.saturating_add(uses).min(allowance.uses);
        }
        if taken.rates != limits.rates {
            return;
        }
        for (rate, level) in limits.rates.as_slice().iter().zip(&mut self.levels) {
            let millis = u64::try_from(held_for.as_millis()).unwrap_or(u64::MAX);
            let replaced = millis.saturating_mul(u64::from(rate.limit()));
            let missing = uses.saturating_mul(rate.per_millis()).saturating_sub(replaced);
            *level = level.saturating_add(missing).min(capacity(*rate));
        }
    }

    /// What the time since has made available. A clock that goes back, or is behind another server's, makes nothing available.
    fn fill(&mut self, limits: &UseLimits, now: Timestamp) {
        let millis = now.as_millis().saturating_sub(self.filled_at.as_millis());
        let Ok(millis @ 1..) = u64::try_from(millis) else { return };
        for (rate, level) in limits.rates.as_slice().iter().zip(&mut self.levels) {
            let gained = millis.saturating_mul(u64::from(rate.limit()));
            *level = level.saturating_add(gained).min(capacity(*rate));
        }
        self.filled_at = now;
    }
}

/// The level of a full bucket: below 2^52.
fn capacity(rate: UseRate) -> u64 {
    u64::from(rate.limit()) * rate.per_millis()
}

/// What a rate gives in [`LEAST_BETWEEN`], and one at least.
fn at_a_time(rate: UseRate) -> u64 {
    (u64::from(rate.limit()) * LEAST_BETWEEN.as_millis() as u64 / rate.per_millis()).max(1)
}

/// How long it takes until a bucket is so full.
fn after(rate: UseRate, level: u64, wanted: u64) -> Duration {
    Duration::from_millis(wanted.saturating_sub(level).div_ceil(u64::from(rate.limit())))
}

#[cfg(test)]
#[path = "budget_tests.rs"]
mod tests;
