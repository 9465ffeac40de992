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
    /// Requests that were refused for their heads.
    pub heads: HeadMeasures,
}

/// Requests that were refused before anybody looked at what they ask, by what was wrong with their heads.
#[derive(Debug, Default)]
pub struct HeadMeasures {
    /// 400: not one `Host`.
    pub host: Counter,
    /// 431: too large.
    pub too_large: Counter,
    /// Not answered but closed: too many others were longer than most.
    pub no_room: Counter,
    /// 400: no request at all.
    pub malformed: Counter,
}

impl ServerMeasures {
    /// Connections that are open.
    pub fn open(&self) -> u64 {
        // One that is opened and closed between the two readings must not make this less than nothing.
        let closed = self.closed.get();
        self.opened.get().saturating_sub(closed)
    }
}
