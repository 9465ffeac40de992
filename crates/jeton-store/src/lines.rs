//! Queues, one for each party, that are served round-robin.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::Hash;

/// Waiting items, each in the queue of its party: first come, first served within a queue, and round-robin
/// among the queues. However long a queue is, it delays another by one item in each round.
#[derive(Debug)]
pub(crate) struct Lines<P, T> {
    /// None of them is empty.
    lines: HashMap<P, BTreeMap<Ticket, T>>,
    /// The parties with a queue, in the order in which they are served.
    round: VecDeque<P>,
    next_ticket: u64,
    /// At most this many items in one queue.
    most: usize,
    len: usize,
}

/// The place of an item in the queue of its party.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(u64);

impl<P: Copy + Eq + Hash, T> Lines<P, T> {
    /// Queues of at most `most` items each.
    pub(crate) fn new(most: usize) -> Self {
        Lines { lines: HashMap::new(), round: VecDeque::new(), next_ticket: 0, most, len: 0 }
    }

    /// Adds an item to the end of its party's queue; `None` if that is full.
    pub(crate) fn push(&mut self, party: P, thing: T) -> Option<Ticket> {
        let line = self.lines.entry(party).or_default();
        if line.len() >= self.most {
            // A new queue is not full, unless none may wait.
            self.drop_if_empty(party);
            return None;
        }
        if line.is_empty() {
            self.round.push_back(party);
        }
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        line.insert(ticket, thing);
        self.len += 1;
        Some(ticket)
    }

    /// The first item of the next queue for which `lets_through` holds. A queue that is skipped keeps its
    /// turn; the one that is served comes last in the next round.
    pub(crate) fn next(&mut self, lets_through: impl Fn(P, &T) -> bool) -> Option<(P, T)> {
        let is_next = |party: &P| {
            let first = self.lines.get(party).and_then(|line| line.first_key_value());
            first.is_some_and(|(_, thing)| lets_through(*party, thing))
        };
        let place = self.round.iter().position(is_next)?;
        let party = self.round.remove(place)?;
        let line = self.lines.get_mut(&party)?;
        let (_, thing) = line.pop_first()?;
        self.len -= 1;
        if line.is_empty() {
            self.lines.remove(&party);
        } else {
            self.round.push_back(party);
        }
        Some((party, thing))
    }

    /// Removes an item from its queue; `None`: it is gone already.
    pub(crate) fn remove(&mut self, party: P, ticket: Ticket) -> Option<T> {
        let thing = self.lines.get_mut(&party)?.remove(&ticket)?;
        self.len -= 1;
        self.drop_if_empty(party);
        Some(thing)
    }

    /// The number of items in all queues.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    fn drop_if_empty(&mut self, party: P) {
        if self.lines.get(&party).is_some_and(BTreeMap::is_empty) {
            self.lines.remove(&party);
            self.round.retain(|other| *other != party);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(lines: &mut Lines<char, u32>) -> Vec<(char, u32)> {
        std::iter::from_fn(|| lines.next(|_, _| true)).collect()
    }

    #[test]
    fn lines_are_served_in_turn() {
        let mut lines = Lines::new(10);
        for (party, thing) in [('a', 1), ('a', 2), ('a', 3), ('b', 4), ('c', 5), ('b', 6)] {
            assert!(lines.push(party, thing).is_some());
        }
        assert_eq!(lines.len(), 6);
        assert_eq!(drain(&mut lines), [('a', 1), ('b', 4), ('c', 5), ('a', 2), ('b', 6), ('a', 3)]);
        assert_eq!(lines.len(), 0);
        assert!(lines.lines.is_empty() && lines.round.is_empty(), "nothing is left of parties that are done");
    }

    #[test]
    fn who_comes_later_waits_for_one_thing_of_each_line() {
        let mut lines = Lines::new(1_000);
        for thing in 0..1_000 {
            lines.push('a', thing);
        }
        lines.next(|_, _| true);
        lines.push('b', 1);
        assert_eq!(lines.next(|_, _| true), Some(('a', 1)));
        assert_eq!(lines.next(|_, _| true), Some(('b', 1)));
    }

    #[test]
    fn a_line_that_is_passed_over_keeps_its_turn() {
        let mut lines = Lines::new(10);
        for (party, thing) in [('a', 9), ('a', 1), ('b', 2), ('c', 3)] {
            lines.push(party, thing);
        }
        assert_eq!(lines.next(|_, thing| *thing < 9), Some(('b', 2)));
        assert_eq!(lines.next(|party, _| party == 'z'), None);
        assert_eq!(drain(&mut lines), [('a', 9), ('c', 3), ('a', 1)]);
    }

    #[test]
    fn a_line_is_bounded_and_no_other_suffers_for_it() {
        let mut lines = Lines::new(2);
        assert!(lines.push('a', 1).is_some());
        assert!(lines.push('a', 2).is_some());
        assert!(lines.push('a', 3).is_none());
        assert!(lines.push('b', 4).is_some());
        assert_eq!(drain(&mut lines), [('a', 1), ('b', 4), ('a', 2)]);
        let mut none = Lines::new(0);
        assert!(none.push('a', 1).is_none());
        assert!(none.lines.is_empty() && none.round.is_empty());
    }

    #[test]
    fn who_leaves_the_line_leaves_nothing() {
        let mut lines = Lines::new(2);
        let (first, second) = (lines.push('a', 1).unwrap(), lines.push('a', 2).unwrap());
        lines.push('b', 3);
        assert_eq!(lines.remove('a', first), Some(1));
        assert_eq!(lines.remove('a', first), None);
        assert_eq!(lines.remove('b', second), None);
        assert!(lines.push('a', 4).is_some(), "its place is free");
        assert_eq!(lines.remove('a', second), Some(2));
        assert_eq!(drain(&mut lines), [('a', 4), ('b', 3)]);
        let last = lines.push('a', 5).unwrap();
        lines.remove('a', last);
        assert!(lines.lines.is_empty() && lines.round.is_empty());
    }
}
