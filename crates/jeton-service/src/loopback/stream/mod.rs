//! Change streams: changes of an app's rows, delivered as they happen to callers with the right to see them.
//!
//! A stream is a reader of a [`Feed`] whose events are changes of rows ([`Rows`]); it adds the caller's
//! rights and condition, and a heartbeat. A stream whose client does not keep up ends, and the client may
//! resume from its position, which every event carries.

mod event;
mod judge;
mod projection;
mod reader;
mod rights;
#[cfg(test)]
mod tests;

pub use event::{RowChange, RowEvent};
pub use judge::MAX_STREAM_PATTERN_BYTES;
pub use reader::{RowStream, StreamEnd, StreamItem};

use crate::Service;
use crate::feed::Feed;
use jeton_core::{AppId, Counter};
use jeton_store::{Fair, Share};
use projection::Rows;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Streams that filter events by their conditions at once.
const JUDGING: Share = Share { places: 64, each: 8, waiting: usize::MAX };

/// Counts of change streams since the service was opened.
#[derive(Debug, Default)]
pub struct StreamMeasures {
    /// Streams that were opened.
    pub opened: Counter,
    /// Those that have ended.
    pub closed: Counter,
    /// Those that ended because their clients did not keep up.
    pub slow: Counter,
    /// Those that ended because their callers lost their rights.
    pub denied: Counter,
    /// Streams that were not opened because there were too many.
    pub refused: Counter,
    /// Changes that were delivered, once for each stream.
    pub events: Counter,
}

impl StreamMeasures {
    /// Streams that are open.
    pub fn open(&self) -> u64 {
        // A stream that opens and closes between the two reads must not make this negative.
        let closed = self.closed.get();
        self.opened.get().saturating_sub(closed)
    }
}

/// What all streams of a service share.
#[derive(Debug)]
pub(crate) struct Streams {
    feed: Arc<Feed<Rows>>,
    open: AtomicUsize,
    judging: Fair<AppId>,
    pub(super) measures: StreamMeasures,
}

impl Default for Streams {
    fn default() -> Self {
        Streams {
            feed: Arc::default(),
            open: AtomicUsize::new(0),
            judging: Fair::new(JUDGING),
            measures: StreamMeasures::default(),
        }
    }
}

impl Streams {
    pub(crate) fn measures(&self) -> &StreamMeasures {
        &self.measures
    }

    /// A slot for one more stream; `None`: all are taken.
    fn place(self: &Arc<Self>, at_most: usize) -> Option<Slot> {
        let before = self.open.fetch_add(1, Ordering::AcqRel);
        if before >= at_most {
            self.open.fetch_sub(1, Ordering::AcqRel);
            self.measures.refused.increment();
            return None;
        }
        self.measures.opened.increment();
        Some(Slot(Arc::clone(self)))
    }
}

/// The slot of a stream. Dropping it frees it.
#[derive(Debug)]
struct Slot(Arc<Streams>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::AcqRel);
        self.0.measures.closed.increment();
    }
}

impl Service {
    /// Feeds the change streams until `stop` completes; then they end. Streams cannot be opened before or
    /// afterwards. Run it once for each service, alongside [`follow_changes`](Self::follow_changes), which
    /// notifies it of new entries.
    pub async fn feed_streams(&self, stop: impl Future<Output = ()>) {
        self.feed(&self.streams.feed, stop).await;
    }
}
