//! The ring of recent entries of the change log, for all readers.

use super::position::FeedPosition;
use jeton_core::AppId;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// At most this many entries.
const MAX_ENTRIES: usize = 4_096;
/// At most this many bytes of memory, approximately.
const MAX_BYTES: usize = 16 * 1024 * 1024;
/// At most this many events for a reader at once.
const MAX_TAKEN: usize = 64;
/// At most this many bytes for a reader at once, approximately, unless a single event has more: what a reader
/// holds.
const MAX_TAKEN_BYTES: usize = 64 * 1024;
/// How long an entry is held; a reader that is further behind does not keep up. Events may contain secrets in
/// clear.
const MAX_AGE: Duration = Duration::from_secs(30);

/// One entry of the change log, as readers see it.
#[derive(Debug)]
pub(super) struct Entry<E> {
    /// Its number.
    pub(super) sequence: i64,
    pub(super) what: What<E>,
}

#[derive(Debug)]
pub(super) enum What<E> {
    /// No event for any reader.
    Nothing,
    /// It belongs to an app that had no reader when it was read.
    Unread(AppId),
    /// It belongs to this app.
    Event {
        app_id: AppId,
        event: Arc<E>,
        /// Its approximate size in bytes of memory.
        weight: usize,
    },
}

impl<E> Entry<E> {
    fn weight(&self) -> usize {
        match &self.what {
            What::Nothing | What::Unread(_) => size_of::<Held<E>>(),
            What::Event { weight, .. } => size_of::<Held<E>>() + weight,
        }
    }
}

#[derive(Debug)]
struct Held<E> {
    entry: Entry<E>,
    since: Instant,
}

/// A position in the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RingPlace {
    /// The run of the feed: within one no entry is missing.
    run: u64,
    /// The number of entries of the run before it.
    index: u64,
}

/// What follows a position.
#[derive(Debug)]
pub(super) enum Ahead<E> {
    /// The feed has stopped, because the service stops.
    Over,
    /// The feed was restarted: the log has to be read.
    Elsewhere,
    /// The entry was there and is gone.
    Gone,
    /// These, and then perhaps more.
    Entries(Batch<E>),
}

/// Some events of an app.
#[derive(Debug)]
pub(crate) struct Batch<E> {
    /// The events in the order of the log.
    pub(crate) events: Vec<Arc<E>>,
    bytes: usize,
    /// The last entry that was passed, delivered or not; `None`: there was none.
    pub(crate) last: Option<i64>,
    /// Where to continue; `None`: in the log, since the feed has not read the app's next entry.
    pub(super) next: Option<RingPlace>,
}

impl<E> Default for Batch<E> {
    fn default() -> Self {
        Batch { events: Vec::new(), bytes: 0, last: None, next: None }
    }
}

impl<E> Batch<E> {
    /// Passes one more entry; false if the batch is full.
    pub(super) fn take(&mut self, entry: &Entry<E>, for_app: AppId) -> bool {
        if let What::Event { app_id, event, weight } = &entry.what
            && *app_id == for_app
        {
            let is_full = self.events.len() == MAX_TAKEN || self.bytes + weight > MAX_TAKEN_BYTES;
            if is_full && !self.events.is_empty() {
                return false;
            }
            self.bytes += weight;
            self.events.push(Arc::clone(event));
        }
        self.last = Some(entry.sequence);
        true
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Ring<E> {
    is_fed: bool,
    run: u64,
    /// Whether this run has begun.
    has_begun: bool,
    held: VecDeque<Held<E>>,
    /// The number of dropped entries of the run.
    dropped: u64,
    /// The number of the entry before the first one held.
    before: i64,
    epoch: i64,
    bytes: usize,
}

impl<E> Default for Ring<E> {
    fn default() -> Self {
        Ring {
            is_fed: false,
            run: 0,
            has_begun: false,
            held: VecDeque::new(),
            dropped: 0,
            before: 0,
            epoch: 0,
            bytes: 0,
        }
    }
}

impl<E> Ring<E> {
    /// Marks the feed as running or stopped.
    pub(super) fn set_fed(&mut self, is_fed: bool) {
        self.is_fed = is_fed;
        self.end_run();
    }

    pub(super) fn is_fed(&self) -> bool {
        self.is_fed
    }

    /// Begins a run with the entries after this position.
    pub(super) fn begin_run(&mut self, position: FeedPosition) {
        self.end_run();
        self.has_begun = true;
        self.before = position.sequence;
        self.epoch = position.epoch;
    }

    /// Drops everything.
    pub(super) fn end_run(&mut self) {
        *self = Ring { is_fed: self.is_fed, run: self.run + 1, ..Ring::default() };
    }

    /// Adds the next entries of the log, and drops what is too old or too much.
    pub(super) fn push(&mut self, entries: Vec<Entry<E>>) {
        let since = Instant::now();
        for entry in entries {
            self.bytes += entry.weight();
            self.held.push_back(Held { entry, since });
        }
        self.drop_old();
    }

    /// Drops what is too old or too much.
    pub(super) fn drop_old(&mut self) {
        while let Some(first) = self.held.front() {
            let is_kept =
                self.held.len() <= MAX_ENTRIES && self.bytes <= MAX_BYTES && first.since.elapsed() < MAX_AGE;
            if is_kept {
                break;
            }
            if let Some(held) = self.held.pop_front() {
                self.bytes -= held.entry.weight();
                self.before = held.entry.sequence;
                self.dropped += 1;
            }
        }
    }

    /// The position of an entry of the log; `None`: it is not here.
    pub(super) fn locate(&self, position: FeedPosition) -> Option<RingPlace> {
        if !self.has_begun || position.epoch != self.epoch {
            return None;
        }
        let place = |index| Some(RingPlace { run: self.run, index });
        if position.sequence == self.before {
            return place(self.dropped);
        }
        // Numbers are not in the order of the log. Most positions are near its end.
        let at = self.held.iter().rposition(|held| held.entry.sequence == position.sequence)?;
        place(self.dropped + at as u64 + 1)
    }

    /// The events of an app after a position, as many as fit a batch.
    pub(super) fn ahead(&self, place: RingPlace, app_id: AppId) -> Ahead<E> {
        if !self.is_fed {
            return Ahead::Over;
        }
        if place.run != self.run {
            return Ahead::Elsewhere;
        }
        let Some(skip) = place.index.checked_sub(self.dropped) else { return Ahead::Gone };
        let mut entries = Batch::default();
        let mut index = place.index;
        for held in self.held.iter().skip(usize::try_from(skip).unwrap_or(usize::MAX)) {
            match &held.entry.what {
                What::Unread(of) if *of == app_id => return Ahead::Entries(entries),
                _ if !entries.take(&held.entry, app_id) => break,
                _ => index += 1,
            }
        }
        entries.next = Some(RingPlace { index, ..place });
        Ahead::Entries(entries)
    }
}
