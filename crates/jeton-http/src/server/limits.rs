//! Limits on what one server spends on its clients.

use std::time::Duration;

/// Limits on what clients can occupy. Every stage of a connection has its own time limit, so that no client
/// keeps a connection, a request or memory by being slow.
///
/// Times are accurate to a few milliseconds. The time of a stage begins with the stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerLimits {
    /// For the TLS handshake. Default 10 s.
    pub handshake_time: Duration,
    /// From the first byte of a request head to its last, and from the start of a connection to its first
    /// byte. Default 10 s.
    pub head_time: Duration,
    /// From the end of a request head to the end of its body. Default 30 s. Slower requests are answered 408.
    pub body_time: Duration,
    /// Between two parts of a body. Default 10 s. Slower requests are answered 408.
    pub body_stall_time: Duration,
    /// Between the end of an answer and the next request. Default 75 s: longer than the 60 s after which
    /// nginx and load balancers close idle connections, so that they close first, and no request meets a
    /// connection that is closing.
    pub idle_time: Duration,
    /// For a client to make room for more of an answer. Default 30 s. A client that reads very slowly is
    /// dropped as well: the system reports room when about a third of its send buffer (256 KiB) is free, so a
    /// client must read about 3 KB/s.
    pub write_stall_time: Duration,
    /// From the request to stop until requests in progress must end. Default 10 s. The rest is cut.
    pub shutdown_time: Duration,
    /// Connections at a time. Default 8,192. Beyond it the connection that was idle longest is closed in
    /// favour of the new one, and the new one is refused if none is idle. A connection whose request is still
    /// being read counts as idle here.
    pub connections: usize,
    /// Requests at a time, from the end of the request to the last byte of the answer; requests that are
    /// still being read do not count. Default 1,024. Beyond it the answer is 503, except for what takes no
    /// time: health, and forward-auth that memory answers. Another quarter of it is reserved for forward-auth
    /// that has to be looked up, and another for requests with credentials.
    pub requests: usize,
    /// Requests at a time on one connection, over HTTP/2. Default 100. Beyond it a request is refused unread, and
    /// the client may send it again. All connections together may have half as many beyond their first ones as
    /// there are connections, and each half as many as are free then.
    pub connection_requests: usize,
    /// Bytes in a request head. Default 16 KiB, like Node.js. Longer heads are answered 431; so are more than
    /// 100 headers.
    pub head_bytes: usize,
    /// Bytes in the head of a request to forward-auth, if that is more. Default 64 KiB: a gateway passes on
    /// whatever a visitor sends, cookies above all, and a refusal here is an error for the visitor. One
    /// connection in eight may have a head beyond `head_bytes` at a time; further ones are closed.
    pub auth_head_bytes: usize,
    /// Bytes of request bodies in memory at a time, in all, beyond the first 4 KiB of each, of which there
    /// are no more than connections and streams. Default 64 MiB. Beyond it the answer is 503; beyond half of it, bodies
    /// that have been arriving for more than 2 s are dropped.
    pub bodies_bytes: usize,
}

/// Bytes of an answer that the system buffers for a client that does not read.
pub(super) const SEND_BUFFER_BYTES: usize = 256 * 1024;

/// Bytes of each body that need no room, so that clients with small bodies are served when others use all of
/// it.
pub(super) const FREE_BODY_BYTES: usize = 4 * 1024;

/// File descriptors for the database, the log, the control socket, and everything else that is not a client.
const OTHER_DESCRIPTORS: usize = 128;

/// The limit on connections of operators.
const ADMIN_CONNECTIONS: usize = 64;

/// A server with so few files is of little use, but of some.
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
            connection_requests: 100,
            head_bytes: 16 * 1024,
            auth_head_bytes: 64 * 1024,
            bodies_bytes: 64 * 1024 * 1024,
        }
    }
}

impl ServerLimits {
    /// The same limits for a process with this many file descriptors: connections leave enough for the
    /// database, so that accepting one never fails for lack of a descriptor.
    #[must_use]
    pub fn within_descriptors(self, descriptors: usize) -> Self {
        let left = descriptors.saturating_sub(OTHER_DESCRIPTORS + ADMIN_CONNECTIONS).max(FEWEST_CONNECTIONS);
        ServerLimits { connections: self.connections.min(left), ..self }
    }

    /// The longest head of any request, in bytes.
    pub(super) fn most_head_bytes(&self) -> usize {
        self.head_bytes.max(self.auth_head_bytes)
    }

    /// Requests beyond the first of each connection, in all: half as many as connections, but enough for a few
    /// that have as many as they may.
    pub(super) fn further_streams(&self) -> usize {
        (self.connections / 2).max(self.connection_requests.saturating_mul(4))
    }

    /// The same for the admin address: few connections, separate from those of clients, so that operators are
    /// served when clients use all of theirs.
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
