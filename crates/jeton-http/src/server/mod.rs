//! Accepting connections and serving them within limits until the server stops.
//!
//! A connection goes through stages (`stage.rs`), each with its own time limit. Everything that a client can
//! occupy is counted: connections (`connections.rs`), requests and the bytes of their bodies (`load.rs`).
//! What exceeds a limit is refused before anything is spent on it.

mod accept;
mod body;
mod connection;
mod connections;
mod exchange;
mod fast_path;
mod frames;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzz;
mod handover;
mod head;
mod io;
mod limits;
mod line;
mod load;
mod measures;
mod plain;
mod served;
mod session;
mod stage;
mod streams;
mod tls;

#[cfg(test)]
mod tests;

pub(crate) use body::RequestBodyError;
pub(crate) use fast_path::{AtOnce, FastPath, Reply, Room};
pub(crate) use head::HeadError;
pub use limits::ServerLimits;
pub(crate) use load::{Claim, HeldPlace};
pub use measures::{HeadMeasures, ServerMeasures};
pub(crate) use plain::{Headers, PlainHead};
pub(crate) use served::{Served, Unserved};
pub use tls::{Tls, TlsError};

use crate::log_throttle::LogThrottle;
use accept::accept;
use axum::body::Body;
use axum::http::{Request, Response};
use connection::Serving;
use connections::Connections;
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::task::yield_now;
use tower_service::Service;

/// The answer to a connection beyond all limits, unless it uses TLS: it is closed before a head is read.
const REFUSAL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\n\
                         content-length: 0\r\n\r\n";

/// A listening socket, and whether it uses TLS.
#[derive(Debug)]
pub struct Listener {
    /// The socket.
    pub tcp: TcpListener,
    /// None: HTTP in clear.
    pub tls: Option<Arc<Tls>>,
    /// The counters of its connections.
    pub measures: Arc<ServerMeasures>,
    /// The runtime for connections that leave the fast path, so that the fast path does not wait for them.
    /// `None`: the one that accepts connections.
    pub requests: Option<Handle>,
}

impl From<TcpListener> for Listener {
    fn from(tcp: TcpListener) -> Self {
        Listener { tcp, tls: None, measures: Arc::default(), requests: None }
    }
}

/// Serves HTTP/1.1, and HTTP/2 to clients that choose it by ALPN, on a listener until `stop` completes, then closes idle connections, finishes requests in
/// progress, and cuts those that take longer than [`ServerLimits::shutdown_time`].
///
/// `Upgrade` is ignored: the request is answered over HTTP/1.1 (RFC 9110 section 7.8).
pub(crate) async fn serve<S>(
    listener: impl Into<Listener>,
    service: S,
    limits: ServerLimits,
    stop: impl Future<Output = ()>,
) where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Served
        + FastPath
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
{
    let Listener { tcp: listener, tls, measures, requests } = listener.into();
    bound_send_buffers(&listener);
    let connections = Connections::new(&limits, measures.clone(), requests);
    let graceful = GracefulShutdown::new();
    let http = connection::http(&limits);
    let serving = Serving { service, tls, limits, http };
    let accepting = async {
        let (troubles, refusals) = (LogThrottle::new(1), LogThrottle::new(1));
        loop {
            let relieve = || {
                connections.evict_idlest();
            };
            let Some((stream, peer)) = accept(&listener, &troubles, relieve).await else { continue };
            // Many connections at once are accepted one after the other: requests on others are answered in
            // between.
            yield_now().await;
            let Some(place) = connections.place().await else {
                measures.refused.increment();
                if let Some(kept_back) = refusals.pass() {
                    tracing::warn!(
                        kept_back,
                        "a connection is refused: there are too many, and none is idle"
                    );
                }
                refuse(&stream, serving.tls.is_some());
                continue;
            };
            let (mut serving, watcher) = (serving.clone(), graceful.watcher());
            serving.service = serving.service.for_peer(peer);
            connections.spawn(place, |connection| serving.serve(stream, connection, watcher));
        }
    };
    tokio::select! {
        () = accepting => {}
        () = stop => {}
    }
    drop(listener);
    connections.stop_all();
    if tokio::time::timeout(limits.shutdown_time, graceful.shutdown()).await.is_err() {
        let count = connections.cut_all();
        tracing::warn!(count, "some connections did not end in time and are cut");
    }
}

/// Accepted sockets inherit the size from their listener. Otherwise the system would buffer megabytes for
/// each client that does not read, and would take as long to report that one reads slowly.
fn bound_send_buffers(listener: &TcpListener) {
    let bounded = rustix::net::sockopt::set_socket_send_buffer_size(listener, limits::SEND_BUFFER_BYTES / 2);
    if let Err(error) = bounded {
        tracing::debug!("the size of send buffers cannot be set: {error}");
    }
}

/// Refuses a connection, as far as that needs no waiting.
fn refuse(stream: &TcpStream, is_tls: bool) {
    if !is_tls {
        // Failure makes no difference: the connection is closed.
        drop(stream.try_write(REFUSAL));
    }
}
