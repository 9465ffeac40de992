//! Change streams: whoever may, is told what happens to an app's rows, as it happens.
//!
//! One feed reads the change log for all streams, in its order, and keeps what it read lately in a ring ([`ring`]); streams
//! take it from there, so that a change costs the store the same for one stream as for hundreds. What is not in the ring
//! (a stream that goes on where an earlier one was lost, or that begins before the feed has got there) is read from the
//! log, page by page. A stream holds nothing but its place: one whose client does not keep up ends, and the client may
//! come back and go on from its place, of which every event tells.

mod event;
mod feed;
mod judge;
mod page;
mod position;
mod reader;
mod rights;
mod ring;
#[cfg(test)]
mod tests;

pub use event::{RowChange, RowEvent};
pub use judge::MAX_STREAM_PATTERN_BYTES;
pub use position::StreamPosition;
pub use reader::{RowStream, StreamEnd, Told};

use crate::apps::OpenApp;
use jeton_core::{AppId, AppKey, Counter};
use jeton_store::{Fair, Share};
use ring::Ring;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Streams that read pages of the log at once: what each page holds bounds the memory of all.
const PAGES: Share = Share { places: 4, each: 2, waiting: usize::MAX };
/// Streams that judge events by their conditions at once.
const JUDGING: Share = Share { places: 64, each: 8, waiting: usize::MAX };

/// What streams have done since the service was opened.
#[derive(Debug, Default)]
pub struct StreamMeasures {
    /// Streams that were opened.
    pub opened: Counter,
    /// Of those, the ones that have ended.
    pub closed: Counter,
    /// Of those, the ones whose clients did not keep up.
    pub slow: Counter,
    /// Of those, the ones whose callers lost their rights.
    pub denied: Counter,
    /// Streams that were not opened because there were too many.
    pub refused: Counter,
    /// Changes that were told, once for each stream.
    pub events: Counter,
}

impl StreamMeasures {
    /// Streams that are open.
    pub fn open(&self) -> u64 {
        // One that is opened and closed between the two readings must not make this less than nothing.
        let closed = self.closed.get();
        self.opened.get().saturating_sub(closed)
    }
}

/// What all streams of a service share.
#[derive(Debug)]
pub(crate) struct Streams {
    ring: Mutex<Ring>,
    /// Changes whenever the ring does, and when somebody begins to read an app.
    news: watch::Sender<u64>,
    /// The apps that streams are about.
    apps: Mutex<HashMap<AppId, Watched>>,
    open: AtomicUsize,
    pages: Fair<AppId>,
    judging: Fair<AppId>,
    pub(super) measures: StreamMeasures,
}

#[derive(Debug)]
struct Watched {
    key: AppKey,
    streams: usize,
}

impl Default for Streams {
    fn default() -> Self {
        Streams {
            ring: Mutex::default(),
            news: watch::Sender::new(0),
            apps: Mutex::default(),
            open: AtomicUsize::new(0),
            pages: Fair::new(PAGES),
            judging: Fair::new(JUDGING),
            measures: StreamMeasures::default(),
        }
    }
}

impl Streams {
    pub(crate) fn measures(&self) -> &StreamMeasures {
        &self.measures
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn apps(&self) -> MutexGuard<'_, HashMap<AppId, Watched>> {
        self.apps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self) {
        self.news.send_modify(|number| *number = number.wrapping_add(1));
    }

    /// A place for one more stream; `None`: there are as many as there may be.
    fn place(self: &Arc<Self>, app: &OpenApp, at_most: usize) -> Option<Slot> {
        let before = self.open.fetch_add(1, Ordering::AcqRel);
        if before >= at_most {
            self.open.fetch_sub(1, Ordering::AcqRel);
            self.measures.refused.increment();
            return None;
        }
        let key = app.key.clone();
        self.apps().entry(app.id).or_insert(Watched { key, streams: 0 }).streams += 1;
        self.measures.opened.increment();
        self.tell();
        Some(Slot { streams: Arc::clone(self), app_id: app.id })
    }
}

/// The place of a stream. Dropping it is the stream's end.
#[derive(Debug)]
struct Slot {
    streams: Arc<Streams>,
    app_id: AppId,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut apps = self.streams.apps();
        if let Some(watched) = apps.get_mut(&self.app_id) {
            watched.streams -= 1;
            if watched.streams == 0 {
                apps.remove(&self.app_id);
            }
        }
        drop(apps);
        self.streams.open.fetch_sub(1, Ordering::AcqRel);
        self.streams.measures.closed.increment();
        // The feed lets go of what nobody reads any more.
        self.streams.tell();
    }
}
