//! Several requests on one connection at a time: the streams of HTTP/2.
//!
//! A stream has a [`Connection`] of its own, with the stage and the place of its request, as if there were no
//! other. Here is what joins them to the connection that the server knows: it is busy while one of them is,
//! and what they occupy together decides what it may take further.

use super::stage::{Connection, Stage};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The streams of a connection, or the connection of a stream.
#[derive(Debug, Default)]
pub(super) struct Streams {
    /// The connection of which this is a stream; `None`: it is a connection itself.
    whole: Option<Arc<Connection>>,
    counts: Mutex<Counts>,
    /// Places that requests of its streams occupy.
    places: AtomicUsize,
}

/// Streams at this moment.
#[derive(Debug, Default)]
struct Counts {
    open: usize,
    /// Those whose requests have arrived completely.
    busy: usize,
}

impl Streams {
    /// Those of a stream, which has none.
    fn within(whole: Arc<Connection>) -> Self {
        Streams { whole: Some(whole), ..Streams::default() }
    }

    /// The connection of which this is a stream.
    pub(super) fn whole(&self) -> Option<&Connection> {
        self.whole.as_deref()
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream from the head of its request to the end of its answer. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Stream(Arc<Connection>);

impl Stream {
    /// A request of a connection has begun. `None`: the connection is being closed.
    pub(super) fn begin(whole: &Arc<Connection>) -> Option<Self> {
        let mut counts = whole.streams.counts();
        if !whole.resume(&mut counts) {
            return None;
        }
        counts.open += 1;
        drop(counts);
        let stream = Connection::with(whole.load.clone(), Streams::within(whole.clone()));
        // Nobody else knows it, so nothing is in the way.
        stream.begin_request();
        Some(Stream(Arc::new(stream)))
    }

    /// The same as the connection of a single request.
    pub(super) fn connection(&self) -> &Arc<Connection> {
        &self.0
    }

    /// Its request was answered, and only its client has not ended it.
    pub(super) fn await_end(&self) {
        if self.0.advance(Stage::Sending, Stage::Reading) {
            self.0.pause_whole();
        }
    }

    /// Its request was answered.
    pub(super) fn answered(&self) {
        if let Some(whole) = self.0.streams.whole() {
            whole.answered();
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let Some(whole) = self.0.streams.whole() else { return };
        let mut counts = whole.streams.counts();
        counts.open -= 1;
        let stage = self.0.stage();
        // If something of its request is still there, that continues nothing.
        self.0.advance(stage, Stage::Closing);
        if stage != Stage::Reading {
            whole.pause(&mut counts);
        } else if counts.open == 0 {
            whole.advance(Stage::Reading, Stage::Idle);
        }
    }
}

impl Connection {
    /// How many streams are open.
    pub(super) fn open_streams(&self) -> usize {
        self.streams.counts().open
    }

    /// How many places the requests beside this one occupy on its connection.
    pub(super) fn places_beside(&self) -> usize {
        self.streams.whole().map_or(0, |whole| whole.streams.places.load(Ordering::Relaxed))
    }

    /// A request of a stream occupies a place from now on.
    pub(super) fn add_place(&self) {
        if let Some(whole) = self.streams.whole() {
            whole.streams.places.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// It does not occupy that any more.
    pub(super) fn remove_place(&self) {
        if let Some(whole) = self.streams.whole() {
            whole.streams.places.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// The request of this stream waits for its client.
    pub(super) fn pause_whole(&self) {
        if let Some(whole) = self.streams.whole() {
            whole.pause(&mut whole.streams.counts());
        }
    }

    /// It continues. False: its connection is being closed.
    pub(super) fn resume_whole(&self) -> bool {
        self.streams.whole().is_none_or(|whole| whole.resume(&mut whole.streams.counts()))
    }

    /// One of its streams is busy no more.
    fn pause(&self, counts: &mut Counts) {
        counts.busy -= 1;
        if counts.busy == 0 {
            self.advance(Stage::Busy, if counts.open == 0 { Stage::Idle } else { Stage::Reading });
        }
    }

    /// One of its streams is busy from now on. False: it is being closed.
    fn resume(&self, counts: &mut Counts) -> bool {
        let goes_on = counts.busy > 0 || self.begin_request();
        counts.busy += usize::from(goes_on);
        goes_on
    }
}
