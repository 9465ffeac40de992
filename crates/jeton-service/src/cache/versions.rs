//! Which cached answers are still true. The whole of the cache's coherence is here; nothing is ever removed
//! for the sake of coherence.
//!
//! Every change of stored data draws a number, its *stamp*, after it was committed and before it is answered,
//! and leaves it at the place of what it changed. Every cached answer bears the stamp of the newest change
//! *before* its query. It is current while its place has no later stamp. So
//!
//! - a query after a change was answered finds that stamp, and no answer from before the change;
//! - an answer that was queried before a change and cached after it (a fill that raced an invalidation) is
//!   void from the start, in whichever order they happen.
//!
//! While a change is in progress, it is unknown whether it is committed already: its place is *open*, and no
//! answer there is current. Reads take no lock; places are shared by hash, which costs needless queries,
//! never a wrong answer.

use super::sync::{AtomicU64, Ordering};
use crossbeam_utils::CachePadded;

/// The low bits of a place: the number of changes in progress there. Far more than a process can have open
/// connections.
const OPEN_BITS: u32 = 20;
const OPEN: u64 = (1 << OPEN_BITS) - 1;

/// A moment in the order of changes. 44 bits: at a million changes a second, enough for 200 days, and a
/// process is restarted long before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stamp(u64);

/// The changes of one kind of thing.
#[derive(Debug)]
pub(crate) struct Versions {
    /// The stamp of the newest change. It is written often, and the floor is read always: neither is on the other's cache line.
    newest: CachePadded<AtomicU64>,
    /// Nothing with an older stamp is current anywhere.
    floor: CachePadded<AtomicU64>,
    /// The newest stamp at each place, above the number of changes in progress there.
    places: Box<[AtomicU64]>,
}

impl Versions {
    /// With this many places, at least one.
    pub(crate) fn new(places: usize) -> Self {
        let lone = || CachePadded::new(AtomicU64::new(0));
        let places = (0..places.max(1)).map(|_| AtomicU64::new(0)).collect();
        Versions { newest: lone(), floor: lone(), places }
    }

    /// The stamp for an answer. Take it before the query.
    pub(crate) fn stamp(&self) -> Stamp {
        Stamp(self.newest.load(Ordering::Acquire))
    }

    /// Whether an answer about `thing` with this stamp is still true.
    pub(crate) fn is_current(&self, thing: u64, stamp: Stamp) -> bool {
        let place = self.place(thing).load(Ordering::Acquire);
        place & OPEN == 0 && place >> OPEN_BITS <= stamp.0 && self.floor.load(Ordering::Acquire) <= stamp.0
    }

    /// Begins a change of `thing`: until the guard is dropped, no answer about it is current, and none from
    /// before it ever again. Drop it when the change is committed, has failed, or is given up.
    pub(crate) fn open(&self, thing: u64) -> Open<'_> {
        self.place(thing).fetch_add(1, Ordering::AcqRel);
        Open { versions: self, thing }
    }

    /// Makes all answers about `thing` so far void, after a change by another process.
    pub(crate) fn invalidate(&self, thing: u64) {
        self.leave(thing, 0);
    }

    /// Makes all answers so far void.
    pub(crate) fn invalidate_all(&self) {
        let stamp = self.draw();
        self.floor.fetch_max(stamp, Ordering::AcqRel);
    }

    fn draw(&self) -> u64 {
        self.newest.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// Leaves a new stamp at the place of `thing` and subtracts `ended` changes in progress.
    fn leave(&self, thing: u64, ended: u64) {
        let stamp = self.draw();
        let place = self.place(thing);
        let mut before = place.load(Ordering::Acquire);
        loop {
            let newest = stamp.max(before >> OPEN_BITS);
            let after = (newest << OPEN_BITS) | ((before & OPEN) - ended);
            match place.compare_exchange_weak(before, after, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return,
                Err(now) => before = now,
            }
        }
    }

    fn place(&self, thing: u64) -> &AtomicU64 {
        &self.places[(thing % self.places.len() as u64) as usize]
    }
}

/// A change in progress.
#[derive(Debug)]
pub(crate) struct Open<'a> {
    versions: &'a Versions,
    thing: u64,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.versions.leave(self.thing, 1);
    }
}
