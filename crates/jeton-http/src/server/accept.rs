//! Taking connections from the system, whatever it answers.

use crate::log_throttle::LogThrottle;
use std::io;
use std::net::IpAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// How long to wait for whatever the system lacks: trying again at once would spin.
const PAUSE: Duration = Duration::from_millis(100);

/// The next connection, and whom it is with; `None`: there is none this time. If the system lacks something, such as file
/// descriptors, `relieve` is called and time passes before this answers.
pub(super) async fn accept(
    listener: &TcpListener,
    troubles: &LogThrottle,
    relieve: impl FnOnce(),
) -> Option<(TcpStream, IpAddr)> {
    let error = match listener.accept().await {
        // Answers are written whole, so waiting to fill a packet only delays them. It fails if the client is gone.
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

/// A connection that is gone again concerns nobody else.
fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
