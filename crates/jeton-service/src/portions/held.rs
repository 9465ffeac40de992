//! The portion of one token's limits that this process holds.

use super::{LimitsLeft, lock};
use jeton_core::{AppId, Held, MAX_RATE_LIMIT, Portion, RateLeft, TokenId, UseLimits, UseRate, Withheld};
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The portion that this process holds of a token's limits.
#[derive(Debug)]
pub(crate) struct HeldPortion {
    pub(crate) app_id: AppId,
    pub(crate) token_id: TokenId,
    pub(crate) limits: UseLimits,
    pub(super) state: Mutex<State>,
    /// How many uses wait for the next portion.
    pub(super) waiting: AtomicU64,
    /// Held while it is asked for.
    pub(crate) asking: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug)]
pub(super) struct State {
    /// So many uses may be allowed.
    pub(super) uses: u64,
    /// Until this moment of the monotonic clock.
    pub(super) until: Duration,
    /// When it was asked for.
    taken_at: Duration,
    /// So many of the portion were allowed.
    allowed: u64,
    /// How many to ask for.
    wanted: u64,
    /// So many are to be given back, of which the oldest were asked for at this moment.
    unused: u64,
    unused_since: Duration,
    /// The last answer of the store.
    told: Option<Told>,
    /// Whether it is on the list of those that are due.
    is_due: bool,
}

/// What the store said beside how many uses there are.
#[derive(Debug)]
struct Told {
    /// When it answered.
    at: Duration,
    /// Why there are none beyond those, and for how long after that it need not be asked.
    withheld: Option<(Withheld, Duration)>,
    /// What it had left.
    uses_left: Option<u64>,
    rates: Vec<RateLeft>,
}

/// The answer to one more use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Allowed,
    Withheld(Withheld),
    /// The store must be asked.
    Unknown,
}

impl HeldPortion {
    /// Its memory in bytes, with what the allocator and the list of all add.
    pub(crate) const BYTES: usize = size_of::<HeldPortion>() + 128;

    pub(super) fn new(app_id: AppId, token_id: TokenId, limits: UseLimits) -> Self {
        let state = State {
            uses: 0,
            until: Duration::ZERO,
            taken_at: Duration::ZERO,
            allowed: 0,
            wanted: 1,
            unused: 0,
            unused_since: Duration::ZERO,
            told: None,
            is_due: false,
        };
        let (state, waiting) = (Mutex::new(state), AtomicU64::new(0));
        HeldPortion { app_id, token_id, limits, state, waiting, asking: Arc::default() }
    }

    pub(super) fn spend(&self, now: Duration) -> Use {
        if self.is_for_nothing() {
            return Use::Withheld(Withheld::Uses);
        }
        let mut state = lock(&self.state);
        if now >= state.until {
            state.lapse();
        }
        if state.uses > 0 {
            state.uses -= 1;
            state.allowed += 1;
            return Use::Allowed;
        }
        state.withheld(now).map_or(Use::Unknown, Use::Withheld)
    }

    /// Whether it was given no uses at all, which nobody need be asked about.
    fn is_for_nothing(&self) -> bool {
        self.limits.allowance.is_some_and(|allowance| allowance.uses == 0)
    }

    /// Whether there is an answer to one more use.
    pub(crate) fn knows(&self, now: Duration) -> bool {
        let state = lock(&self.state);
        self.is_for_nothing() || (state.uses > 0 && now < state.until) || state.withheld(now).is_some()
    }

    /// Takes back a use that was not made after all. It may have been of a portion before: then it is given back.
    ///
    /// Whether it is to be put on the list of those that are due.
    pub(super) fn take_back(&self) -> bool {
        let mut state = lock(&self.state);
        if state.allowed > 0 {
            state.allowed -= 1;
            state.uses += 1;
        } else {
            let since = state.taken_at;
            state.set_aside(1, since);
        }
        !mem::replace(&mut state.is_due, true)
    }

    /// How many uses to ask for: twice as many as the last time if all of those were used, so that the store is asked a few times a
    /// second about a token in constant use.
    pub(crate) fn wanted(&self) -> u64 {
        let mut state = lock(&self.state);
        if state.allowed >= state.wanted {
            state.wanted = state.wanted.saturating_mul(2).min(u64::from(MAX_RATE_LIMIT));
        }
        state.wanted.max(self.waiting.load(Ordering::Relaxed))
    }

    /// Lets the portion be used that the store was asked for at one moment, and gave at another.
    ///
    /// Whether it is to be put on the list of those that are due.
    pub(super) fn put(&self, portion: Portion, asked_at: Duration, given_at: Duration) -> bool {
        let Portion { uses, withheld, uses_left, rates } = portion;
        let mut state = lock(&self.state);
        state.lapse();
        state.uses = uses;
        state.allowed = 0;
        state.taken_at = asked_at;
        state.until = given_at.saturating_add(self.limits.lease());
        state.told = Some(Told { at: given_at, withheld, uses_left, rates });
        !mem::replace(&mut state.is_due, true)
    }

    /// Whether its time is over; then it leaves the list of those that are due.
    pub(super) fn ends(&self, now: Duration, all: bool) -> bool {
        let mut state = lock(&self.state);
        if all || now >= state.until {
            state.lapse();
            state.is_due = false;
        }
        !state.is_due
    }

    /// What is to be given back of it.
    pub(crate) fn take_unused(&self, now: Duration) -> Held {
        let mut state = lock(&self.state);
        let held_for = now.saturating_sub(state.unused_since);
        Held { uses: mem::take(&mut state.unused), held_for }
    }

    /// Keeps what could not be given back.
    ///
    /// Whether it is to be put on the list of those that are due.
    pub(super) fn keep_unused(&self, unused: Held, now: Duration) -> bool {
        let mut state = lock(&self.state);
        state.set_aside(unused.uses, now.saturating_sub(unused.held_for));
        unused.uses > 0 && !mem::replace(&mut state.is_due, true)
    }

    /// Asks for as little as possible the next time: what is asked for may be lost.
    pub(crate) fn be_modest(&self) {
        lock(&self.state).wanted = 1;
    }

    /// Why it has no use for anybody now, if that is known.
    pub(super) fn withholds(&self, now: Duration) -> Option<Withheld> {
        match self.is_for_nothing() {
            true => Some(Withheld::Uses),
            false => {
                let state = lock(&self.state);
                let is_spent = state.uses == 0 || now >= state.until;
                state.withheld(now).filter(|_| is_spent)
            }
        }
    }

    pub(super) fn left(&self, now: Duration) -> LimitsLeft {
        let state = lock(&self.state);
        let mut left = LimitsLeft { limits: self.limits.clone(), ..LimitsLeft::default() };
        if let Some(Told { at, uses_left, rates, .. }) = &state.told {
            let since = now.saturating_sub(*at);
            left.uses_left = uses_left.map(|left| left + state.uses);
            let known = |(told, rate): (&RateLeft, &UseRate)| {
                let gained = since.as_millis() * u128::from(rate.limit()) / u128::from(rate.per_millis());
                let uses = u128::from(told.uses + state.uses) + gained;
                let uses = u64::try_from(uses).unwrap_or(u64::MAX).min(u64::from(rate.limit()));
                RateLeft { uses, full_after: told.full_after.saturating_sub(since) }
            };
            left.rates = rates.iter().zip(self.limits.rates.as_slice()).map(known).collect();
        }
        if self.is_for_nothing() {
            left.uses_left = Some(0);
        }
        left
    }
}

impl State {
    /// Ends the portion: what it has left is to be given back, and the next one is smaller.
    fn lapse(&mut self) {
        let uses = mem::take(&mut self.uses);
        if uses > 0 {
            self.set_aside(uses, self.taken_at);
            self.wanted = self.allowed.max(1);
        }
    }

    /// Uses that were asked for at this moment are to be given back.
    fn set_aside(&mut self, uses: u64, since: Duration) {
        self.unused_since = if self.unused > 0 { self.unused_since.min(since) } else { since };
        self.unused += uses;
    }

    /// Why there are no uses beyond those that it has, if the store need not be asked yet.
    fn withheld(&self, now: Duration) -> Option<Withheld> {
        let told = self.told.as_ref()?;
        let (withheld, pause) = told.withheld?;
        let since = now.saturating_sub(told.at);
        (since < pause).then(|| match withheld {
            Withheld::Rate { place, retry_after } => {
                Withheld::Rate { place, retry_after: retry_after.saturating_sub(since) }
            }
            Withheld::Uses => Withheld::Uses,
        })
    }
}

/// Counts one that waits for a portion, until it is dropped.
pub(crate) struct Waiting<'a>(&'a AtomicU64);

impl<'a> Waiting<'a> {
    pub(crate) fn on(held: &'a HeldPortion) -> Self {
        held.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(&held.waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
