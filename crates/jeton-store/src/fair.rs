//! A few slots that many parties share fairly.

use crate::lines::{Lines, Ticket};
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// How slots are shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The number of slots. At least 1.
    pub places: usize,
    /// At most this many for one party at a time. At least 1. If it is less than the number of slots, one
    /// party's long turns leave some to the others.
    pub each: usize,
    /// At most this many waiting requests of one party.
    pub waiting: usize,
}

/// A few slots for parties, which are usually apps. A request that finds none free waits in the queue of its
/// party, and the queues are served round-robin: between two turns of its own, a party waits for at most one
/// turn of each other party, however many of theirs wait. Clones share one state.
///
/// The length of a turn is not bounded here but by its holder.
pub struct Fair<P: Copy + Eq + Hash>(Arc<Mutex<State<P>>>);

/// A slot, until this is dropped.
pub struct Turn<P: Copy + Eq + Hash> {
    fair: Fair<P>,
    party: P,
    /// Its place in the queue, if it had to wait. It may still be waiting.
    ticket: Option<Ticket>,
}

/// Too many requests of the party are waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests of this app are waiting")]
pub struct Crowded;

struct State<P> {
    free: usize,
    each: usize,
    held: HashMap<P, usize>,
    /// The waiting requests. While a slot is free, each of them belongs to a party that has as many as it
    /// may.
    lines: Lines<P, oneshot::Sender<()>>,
}

impl<P: Copy + Eq + Hash> Fair<P> {
    /// Slots to share.
    pub fn new(share: Share) -> Self {
        let Share { places, each, waiting } = share;
        let lines = Lines::new(waiting);
        Fair(Arc::new(Mutex::new(State {
            free: places.max(1),
            each: each.max(1),
            held: HashMap::new(),
            lines,
        })))
    }

    /// Waits for the party's turn, without a time limit. Dropping the future leaves the queue.
    ///
    /// # Errors
    ///
    /// At once, if too many of the party's requests are waiting already.
    pub async fn turn(&self, party: P) -> Result<Turn<P>, Crowded> {
        let (granted, is_granted) = oneshot::channel();
        let turn = {
            let mut state = self.lock();
            if state.may_take(party) {
                state.take(party);
                return Ok(Turn { fair: self.clone(), party, ticket: None });
            }
            let ticket = Some(state.lines.push(party, granted).ok_or(Crowded)?);
            Turn { fair: self.clone(), party, ticket }
        };
        // Its other end is dropped only after it was used, or when the turn is given up.
        is_granted.await.map_err(|_| Crowded)?;
        Ok(turn)
    }

    /// The number of waiting requests, of all parties.
    pub fn waiting(&self) -> usize {
        self.lock().lines.len()
    }

    fn lock(&self) -> MutexGuard<'_, State<P>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P: Copy + Eq + Hash> State<P> {
    fn may_take(&self, party: P) -> bool {
        self.free > 0 && self.held.get(&party).is_none_or(|held| *held < self.each)
    }

    fn take(&mut self, party: P) {
        self.free -= 1;
        *self.held.entry(party).or_default() += 1;
    }

    fn give_back(&mut self, party: P) {
        self.free += 1;
        if let Some(held) = self.held.get_mut(&party) {
            *held -= 1;
            if *held == 0 {
                self.held.remove(&party);
            }
        }
        while self.free > 0 {
            let (held, each) = (&self.held, self.each);
            let next = self.lines.next(|party, _| held.get(&party).is_none_or(|held| *held < each));
            let Some((party, granted)) = next else { break };
            self.take(party);
            // A request that was dropped just now gives it back: it drops its turn, which is no longer in the
            // queue.
            let _is_still_there = granted.send(());
        }
    }
}

impl<P: Copy + Eq + Hash> Drop for Turn<P> {
    fn drop(&mut self) {
        let mut state = self.fair.lock();
        let is_waiting = self.ticket.is_some_and(|ticket| state.lines.remove(self.party, ticket).is_some());
        if !is_waiting {
            state.give_back(self.party);
        }
    }
}

impl<P: Copy + Eq + Hash> Clone for Fair<P> {
    fn clone(&self) -> Self {
        Fair(Arc::clone(&self.0))
    }
}

impl<P: Copy + Eq + Hash> fmt::Debug for Fair<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fair")
    }
}

impl<P: Copy + Eq + Hash> fmt::Debug for Turn<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Turn")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use std::future::Future;
    use std::pin::Pin;

    type Pending = Pin<Box<dyn Future<Output = Result<Turn<char>, Crowded>> + Send>>;

    fn fair(places: usize, each: usize, waiting: usize) -> Fair<char> {
        Fair::new(Share { places, each, waiting })
    }

    fn now(fair: &Fair<char>, party: char) -> Turn<char> {
        fair.turn(party).now_or_never().unwrap().unwrap()
    }

    /// A request that is waiting already.
    fn waits(fair: &Fair<char>, party: char) -> Pending {
        let fair = fair.clone();
        let mut turn: Pending = Box::pin(async move { fair.turn(party).await });
        assert!((&mut turn).now_or_never().is_none());
        turn
    }

    fn granted(pending: &mut Pending) -> Option<Turn<char>> {
        pending.now_or_never().map(Result::unwrap)
    }

    #[tokio::test]
    async fn one_of_another_party_comes_after_one_of_a_crowd() {
        let fair = fair(1, 1, 1_000);
        let held = now(&fair, 'a');
        let mut crowd: Vec<Pending> = (0..1_000).map(|_| waits(&fair, 'a')).collect();
        let mut other = waits(&fair, 'b');
        drop(held);
        let first = granted(&mut crowd[0]).unwrap();
        assert!(granted(&mut other).is_none());
        drop(first);
        assert!(granted(&mut crowd[1]).is_none());
        drop(granted(&mut other).unwrap());
        assert!(granted(&mut crowd[1]).is_some());
    }

    #[tokio::test]
    async fn a_party_leaves_a_place_to_others_but_uses_all_that_it_may() {
        let fair = fair(3, 2, 10);
        let (one, _two) = (now(&fair, 'a'), now(&fair, 'a'));
        let mut third = waits(&fair, 'a');
        let other = now(&fair, 'b');
        drop(other);
        assert!(granted(&mut third).is_none(), "a free slot is not for a party that has two");
        drop(now(&fair, 'b'));
        drop(one);
        assert!(granted(&mut third).is_some());
    }

    #[tokio::test]
    async fn who_goes_away_is_passed_over_and_leaves_nothing() {
        let fair = fair(1, 1, 2);
        let held = now(&fair, 'a');
        let (first, mut second) = (waits(&fair, 'a'), waits(&fair, 'a'));
        assert!(matches!(fair.turn('a').now_or_never(), Some(Err(Crowded))));
        drop(first);
        assert_eq!(fair.waiting(), 1);
        let third = waits(&fair, 'a');
        drop(held);
        let turn = granted(&mut second).unwrap();
        drop(turn);
        // The third was granted its turn but dropped before it was polled.
        drop(third);
        assert_eq!(fair.waiting(), 0);
        drop(now(&fair, 'b'));
        assert!(fair.lock().held.is_empty());
        assert_eq!(fair.lock().free, 1);
    }

    #[tokio::test]
    async fn a_full_line_refuses_its_own_party_alone() {
        let fair = fair(1, 1, 1);
        let held = now(&fair, 'a');
        let _waiting = waits(&fair, 'a');
        assert!(matches!(fair.turn('a').now_or_never(), Some(Err(Crowded))));
        let mut other = waits(&fair, 'b');
        drop(held);
        assert!(granted(&mut other).is_none(), "the waiting ones were there first");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn no_place_is_lost_among_many_that_come_and_go() {
        let fair = fair(2, 1, 4);
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..64_u32 {
            let fair = fair.clone();
            tasks.spawn(async move {
                for round in 0..200_u32 {
                    let party = char::from_u32(97 + (number + round) % 5).unwrap();
                    let turn = fair.turn(party);
                    if (number + round).is_multiple_of(3) {
                        // Polled once and dropped.
                        drop(turn.now_or_never());
                    } else if let Ok(turn) = turn.await {
                        tokio::task::yield_now().await;
                        drop(turn);
                    }
                }
            });
        }
        tasks.join_all().await;
        let state = fair.lock();
        assert_eq!((state.free, state.held.len(), state.lines.len()), (2, 0, 0));
    }
}
