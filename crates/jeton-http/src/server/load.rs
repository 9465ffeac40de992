//! How much is under way in a server, and whether there is room for more.

use super::limits::ServerLimits;
use super::measures::ServerMeasures;
use super::stage::Connection;
use crate::seldom::Seldom;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Requests and bodies at this moment. Every request passes here, so it is counters and nothing else.
#[derive(Debug)]
pub(super) struct Load {
    requests: AtomicUsize,
    requests_at_most: usize,
    body_bytes: AtomicUsize,
    body_bytes_at_most: usize,
    refusals: Seldom,
    measures: Arc<ServerMeasures>,
}

impl Load {
    pub(super) fn new(limits: &ServerLimits, measures: Arc<ServerMeasures>) -> Self {
        Load {
            requests: AtomicUsize::new(0),
            requests_at_most: limits.requests,
            body_bytes: AtomicUsize::new(0),
            body_bytes_at_most: limits.bodies_bytes,
            refusals: Seldom::new(1),
            measures,
        }
    }

    /// Counts bytes of a body, unless there are too many. They are given back when their request ends.
    pub(super) fn hold_body(&self, bytes: usize) -> bool {
        let before = self.body_bytes.fetch_add(bytes, Ordering::Relaxed);
        let fits = before.saturating_add(bytes) <= self.body_bytes_at_most;
        if !fits {
            self.body_bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.note_refusal("bodies take up all the memory that they may");
        }
        fits
    }

    fn note_refusal(&self, reason: &str) {
        self.measures.shed.increment();
        if let Some(kept_back) = self.refusals.pass() {
            tracing::warn!(kept_back, "a request is answered 503: {reason}");
        }
    }

    #[cfg(test)]
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.requests.load(Ordering::Relaxed), self.body_bytes.load(Ordering::Relaxed))
    }
}

/// A request under way. Dropping it is its end.
#[derive(Debug)]
pub(super) struct Permit(Arc<Connection>);

impl Permit {
    /// Counts a request of a connection until the permit is dropped. False: there are too many, and this one is to be
    /// refused; it counts all the same, since its answer has to be written.
    pub(super) fn take(connection: &Arc<Connection>) -> (Self, bool) {
        let load = &connection.load;
        let has_room = load.requests.fetch_add(1, Ordering::Relaxed) < load.requests_at_most;
        if !has_room {
            load.note_refusal("there are too many requests");
        }
        (Permit(Arc::clone(connection)), has_room)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let Permit(connection) = self;
        connection.load.requests.fetch_sub(1, Ordering::Relaxed);
        let held = connection.body_bytes.swap(0, Ordering::Relaxed);
        if held != 0 {
            connection.load.body_bytes.fetch_sub(held, Ordering::Relaxed);
        }
        connection.end_request();
    }
}
