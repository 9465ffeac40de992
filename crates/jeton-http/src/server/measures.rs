//! What a listener counts.

use jeton_core::Counter;

/// Counts since the process began.
#[derive(Debug, Default)]
pub struct ServerMeasures {
    /// Connections that were taken in.
    pub opened: Counter,
    /// Of those, the ones that have ended.
    pub closed: Counter,
    /// Connections that were closed because they were idle longest and others needed the room.
    pub evicted: Counter,
    /// Connections that were refused because there were too many and none was idle.
    pub refused: Counter,
    /// Requests that were answered 503 because there was no room for them or for their bodies.
    pub shed: Counter,
}

impl ServerMeasures {
    /// Connections that are open.
    pub fn open(&self) -> u64 {
        // One that is opened and closed between the two readings must not make this less than nothing.
        let closed = self.closed.get();
        self.opened.get().saturating_sub(closed)
    }
}
