//! What one server spends on its clients at most.

use std::time::Duration;

/// Bounds on what clients can hold. Every stage of a connection has a time of its own, so that no client keeps a
/// connection, a request or memory by being slow.
///
/// Times are kept to a few milliseconds. A time of a stage begins when the stage does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerLimits {
    /// For the TLS handshake. Default 10 s.
    pub handshake_time: Duration,
    /// From the first byte of a request head to its last, and from the start of a connection to its first byte.
    /// Default 10 s.
    pub head_time: Duration,
    /// From the end of a request head to the end of its body. Default 30 s. What takes longer is answered 408.
    pub body_time: Duration,
    /// Between two parts of a body. Default 10 s. What takes longer is answered 408.
    pub body_stall_time: Duration,
    /// Between the end of an answer and the next request. Default 75 s: longer than the 60 s after which nginx and load
    /// balancers close what they keep, so that it is they who close, and no request meets a connection that is closing.
    pub idle_time: Duration,
    /// For a client to make room for more of an answer. Default 30 s. One that reads, but very little, is dropped as
    /// well: the system says that there is room when about a third of its send buffer (256 KiB) is free,
    /// so a client must read some 3 KB/s.
    pub write_stall_time: Duration,
    /// From the wish to stop to the end of requests that are under way. Default 10 s. What is left is cut.
    pub shutdown_time: Duration,
    /// Connections at a time. Default 8,192. Beyond it the connection that was idle longest is closed in favour of the
    /// new one, and the new one is refused if none is idle. One whose request is still being read is idle here.
    pub connections: usize,
    /// Requests at a time, from the end of the request to the last byte of the answer; those that are still being read do
    /// not count. Default 1,024. Beyond it the answer is 503, but for what takes no time: health, and forward-auth that
    /// memory answers. Another quarter of it is kept for forward-auth that has to be looked up, and another for requests
    /// with credentials.
    pub requests: usize,
    /// Bytes in a request head. Default 16 KiB, which is what Node.js takes. What is longer is answered 431; so are more
    /// than 100 headers.
    pub head_bytes: usize,
    /// Bytes in the head of a request to forward-auth, if that is more. Default 64 KiB: a gateway hands on whatever a visitor
    /// sends, cookies above all, and what is refused here is an error for the visitor. One connection in eight may have a head
    /// beyond `head_bytes` at a time; what is beyond is closed.
    pub auth_head_bytes: usize,
    /// Bytes of request bodies that are held in memory at a time, in all, beyond the first 4 KiB of each, of which there
    /// are no more than connections. Default 64 MiB. Beyond it the answer is 503; beyond half of it, what has been coming
    /// for more than 2 s makes room.
    pub bodies_bytes: usize,
}

/// Bytes of an answer that the system holds for a client that does not read.
pub(super) const SEND_BUFFER_BYTES: usize = 256 * 1024;

/// Bytes of each body that need no room: so that those who send little are served when others take all of it.
pub(super) const FREE_BODY_BYTES: usize = 4 * 1024;

/// File descriptors that are for the database, the log, the control socket, and whatever else is open beside clients.
const OTHER_DESCRIPTORS: usize = 128;

/// Connections that operators may have.
const ADMIN_CONNECTIONS: usize = 64;

/// A server that may open so few files is of little use, but it is of some.
const FEWEST_CONNECTIONS: usize = 16;

impl Default for ServerLimits {
    fn default() -> Self {
        ServerLimits {
            handshake_time: Duration::from_secs(10),
            head_time: Duration::from_secs(10),
            body_time: Duration::from_secs(30),
            body_stall_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(75),
            write_stall_time: Duration::from_secs(30),
            shutdown_time: Duration::from_secs(10),
            connections: 8_192,
            requests: 1_024,
            head_bytes: 16 * 1024,
            auth_head_bytes: 64 * 1024,
            bodies_bytes: 64 * 1024 * 1024,
        }
    }
}

impl ServerLimits {
    /// The same for a process that may have so many files open: what clients and operators may take leaves enough for
    /// the database, so that accepting a connection never fails for want of a descriptor.
    #[must_use]
    pub fn within_descriptors(self, descriptors: usize) -> Self {
        let left = descriptors.saturating_sub(OTHER_DESCRIPTORS + ADMIN_CONNECTIONS).max(FEWEST_CONNECTIONS);
        ServerLimits { connections: self.connections.min(left), ..self }
    }

    /// Most bytes in the head of any request.
    pub(super) fn most_head_bytes(&self) -> usize {
        self.head_bytes.max(self.auth_head_bytes)
    }

    /// The same for the admin address: few connections, kept apart from those of clients, so that operators are served
    /// when clients take all of theirs.
    #[must_use]
    pub fn for_operators(self) -> Self {
        ServerLimits {
            connections: self.connections.min(ADMIN_CONNECTIONS),
            requests: self.requests.min(ADMIN_CONNECTIONS),
            auth_head_bytes: self.head_bytes,
            bodies_bytes: self.bodies_bytes / 8,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_everything_else() {
        let connections = |descriptors| ServerLimits::default().within_descriptors(descriptors).connections;
        assert_eq!(connections(1_024), 832);
        assert_eq!(connections(1_000_000), 8_192);
        assert_eq!(connections(64), 16);
        assert_eq!(ServerLimits::default().for_operators().connections, 64);
    }
}
