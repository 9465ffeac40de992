//! Which answers kept in memory are still true. The whole of the cache's coherence is here; nothing is ever removed to
//! make it coherent.
//!
//! Every change of what is stored draws a number, its *stamp*, after it was committed and before it is answered, and
//! leaves it at the place of what it changed. Every answer that is kept bears the stamp of the newest change *before* it
//! was asked for. It is current while no later stamp stands at its place. So
//!
//! - who asks after a change was answered finds that stamp, and no answer from before it;
//! - an answer that was asked for before a change and kept after it (a fill that raced a removal) is void from the
//!   start, whoever comes first.
//!
//! While a change is under way nobody knows whether it is committed already: its place is *open*, and no answer there is
//! current. Reading takes no lock; places are shared by hash, which costs needless questions, never a wrong answer.

use super::sync::{AtomicU64, Ordering};

/// The low bits of a place: how many changes are under way there. Far more than a process can have open connections.
const OPEN_BITS: u32 = 20;
const OPEN: u64 = (1 << OPEN_BITS) - 1;

/// A moment in the order of changes. 44 bits: at a million changes a second, enough for 200 days of nothing else, and the
/// process has started anew long before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stamp(u64);

/// The changes of one sort of thing.
#[derive(Debug)]
pub(crate) struct Versions {
    /// The stamp of the newest change.
    newest: Lone,
    /// Nothing older is current anywhere.
    floor: Lone,
    /// The newest stamp at each place, above the number of changes under way there.
    places: Box<[AtomicU64]>,
}

/// A number on a cache line of its own: the newest stamp is written often, the floor is read always.
#[derive(Debug)]
#[repr(align(64))]
struct Lone(AtomicU64);

impl Versions {
    /// With so many places, at least one.
    pub(crate) fn new(places: usize) -> Self {
        let lone = || Lone(AtomicU64::new(0));
        let places = (0..places.max(1)).map(|_| AtomicU64::new(0)).collect();
        Versions { newest: lone(), floor: lone(), places }
    }

    /// The stamp for an answer that is about to be asked for. To be taken before the question.
    pub(crate) fn stamp(&self) -> Stamp {
        Stamp(self.newest.0.load(Ordering::Acquire))
    }

    /// Whether an answer about `thing` with this stamp is still true.
    pub(crate) fn is_current(&self, thing: u64, stamp: Stamp) -> bool {
        let place = self.place(thing).load(Ordering::Acquire);
        place & OPEN == 0 && place >> OPEN_BITS <= stamp.0 && self.floor.0.load(Ordering::Acquire) <= stamp.0
    }

    /// Begins a change of `thing`: until the guard is dropped, no answer about it is current, and none from before that
    /// ever again. To be dropped when the change is committed, has failed, or will not be waited for.
    pub(crate) fn open(&self, thing: u64) -> Open<'_> {
        self.place(thing).fetch_add(1, Ordering::AcqRel);
        Open { versions: self, thing }
    }

    /// Makes all answers about `thing` so far void, after a change that was committed elsewhere.
    pub(crate) fn invalidate(&self, thing: u64) {
        self.leave(thing, 0);
    }

    /// Makes all answers so far void.
    pub(crate) fn invalidate_all(&self) {
        let stamp = self.draw();
        self.floor.0.fetch_max(stamp, Ordering::AcqRel);
    }

    fn draw(&self) -> u64 {
        self.newest.0.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// Leaves a new stamp at the place of `thing` and takes away so many changes under way.
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

/// A change under way.
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
