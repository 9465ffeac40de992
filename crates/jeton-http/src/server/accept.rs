//! Accepting connections from the system, whatever errors it returns.

use crate::log_throttle::LogThrottle;
use std::io;
use std::net::IpAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// How long to wait if the system lacks a resource: trying again at once would spin.
const PAUSE: Duration = Duration::from_millis(100);

/// The next connection, and its peer; `None`: there is none this time. If the system lacks a resource, such
/// as file descriptors, `relieve` is called and this waits before it returns.
pub(super) async fn accept(
    listener: &TcpListener,
    troubles: &LogThrottle,
    relieve: impl FnOnce(),
) -> Option<(TcpStream, IpAddr)> {
    let error = match listener.accept().await {
        // Answers are written whole, so waiting to fill a packet only delays them. Fails if the client is
        // gone.
        Ok((stream, peer)) => return stream.set_nodelay(true).is_ok().then_some((stream, peer.ip())),
        Err(error) => error,
    };
    if is_gone(&error) {
        return None;
    }
    if let Some(kept_back) = troubles.pass() {
        tracing::error!(kept_back, "connections cannot be accepted: {error}");
    }
    relieve();
    tokio::time::sleep(PAUSE).await;
    None
}

/// A connection that is already gone again affects no other.
fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
