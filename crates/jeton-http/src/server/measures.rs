//! The counters of a listener.

use jeton_core::Counter;

/// Counts since the process started.
#[derive(Debug, Default)]
pub struct ServerMeasures {
    /// Connections that were accepted.
    pub opened: Counter,
    /// Those that have ended.
    pub closed: Counter,
    /// Those that spoke HTTP/2.
    pub http2: Counter,
    /// Those that were closed because their clients flooded them with frames of HTTP/2.
    pub flooded: Counter,
    /// Connections that were closed because they had been idle longest and others needed the room.
    pub evicted: Counter,
    /// Connections that were refused because there were too many and none was idle.
    pub refused: Counter,
    /// Requests that were answered 503, or refused over HTTP/2, because there was no room for them or for their
    /// bodies.
    pub shed: Counter,
    /// Requests that were refused for their heads.
    pub heads: HeadMeasures,
}

/// Requests that were refused before their contents were considered, by the error in their heads.
#[derive(Debug, Default)]
pub struct HeadMeasures {
    /// 400: not exactly one valid `Host`.
    pub host: Counter,
    /// 431: too large.
    pub too_large: Counter,
    /// Closed without an answer: too many other heads were long.
    pub no_room: Counter,
    /// 400: not a request.
    pub malformed: Counter,
}

impl ServerMeasures {
    /// Connections that are open.
    pub fn open(&self) -> u64 {
        // A connection that opens and closes between the two reads must not make this negative.
        let closed = self.closed.get();
        self.opened.get().saturating_sub(closed)
    }
}
