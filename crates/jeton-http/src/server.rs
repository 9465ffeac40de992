//! Accepting connections and serving them until told to stop.

use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::time::Duration;
use tokio::net::TcpListener;
use tower_service::Service;

/// Times that bound what one connection can hold.
#[derive(Clone, Copy, Debug)]
pub struct ServerLimits {
    /// From the first byte of a request, or its predecessor's end, to the end of its head.
    pub header_timeout: Duration,
    /// From the wish to stop to the end of requests that are under way.
    pub shutdown_timeout: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        ServerLimits { header_timeout: Duration::from_secs(30), shutdown_timeout: Duration::from_secs(10) }
    }
}

/// Serves HTTP/1.1 on a listener until `stop` completes, then finishes the requests that are under way.
///
/// `Upgrade` is ignored: the request is answered over HTTP/1.1 (RFC 9110 section 7.8).
pub async fn serve<S>(listener: TcpListener, service: S, limits: ServerLimits, stop: impl Future<Output = ()>)
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let graceful = GracefulShutdown::new();
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(limits.header_timeout);
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                refused_accept(&error).await;
                continue;
            }
        };
        // Answers are written whole, so waiting to fill a packet only delays them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!("a connection was gone before it was served: {error}");
            continue;
        }
        let service = service.clone();
        let connection = builder.serve_connection(
            TokioIo::new(stream),
            hyper::service::service_fn(move |request: Request<Incoming>| {
                service.clone().call(request.map(Body::new))
            }),
        );
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // The client went away, was too slow or sent no HTTP: hyper has answered what can be answered.
            if let Err(error) = connection.await {
                tracing::debug!("a connection ended early: {error}");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(limits.shutdown_timeout, graceful.shutdown()).await.is_err() {
        tracing::warn!("some connections did not end in time and are cut");
    }
}

/// A connection that is gone again concerns nobody else. Anything else, such as too few file descriptors, is given
/// time to pass: trying again at once would spin.
async fn refused_accept(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted) {
        tracing::error!("connections cannot be accepted: {error}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
