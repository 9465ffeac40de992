//! One connection, from its first byte to its last.

use super::body::{AnswerBody, Arriving, Rest, request_body};
use super::fast_path::{self, FastPath};
use super::handover::Movable;
use super::head::HeadError;
use super::io::WatchedIo;
use super::limits::ServerLimits;
use super::load::{Claim, HeldPlace, Permit, go_on, wait_for_client};
use super::plain::Headers;
use super::served::{Served, Unserved};
use super::session;
use super::stage::{Connection, Overdue};
use super::tls::{Tls, is_http_2};
use axum::body::Body;
use axum::http::header::{CONNECTION, EXPECT};
use axum::http::{HeaderValue, Request, Response};
use futures_util::future::Either;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::Watcher;
use std::cell::RefCell;
use std::convert::Infallible;
use std::future::{Ready, poll_fn, ready};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower_service::Service;

/// How long an answer waits for the rest of a short body that it does not need.
const DRAIN_TIME: Duration = Duration::from_secs(1);

/// What all connections of a server share.
#[derive(Clone)]
pub(super) struct Serving<S> {
    pub(super) service: S,
    pub(super) tls: Option<Arc<Tls>>,
    pub(super) limits: ServerLimits,
    pub(super) http: http1::Builder,
}

/// The rest of a connection after the fast path, which may be polled on another runtime.
pub(super) type Remainder = Pin<Box<dyn Future<Output = Result<(), Ended>> + Send>>;

/// Why a connection ended early: the client's doing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    #[error(transparent)]
    Overdue(#[from] Overdue),
    #[error("the TLS handshake was not completed in time")]
    Handshake,
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Http(#[from] hyper::Error),
    #[error(transparent)]
    Http2(#[from] h2::Error),
}

/// The connection was closed in favour of others before this request could begin.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed")]
struct Evicted;

/// The limits that hyper enforces. [`within_limits`] enforces the times.
pub(super) fn http(limits: &ServerLimits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.header_read_timeout(None);
    let head_bytes = limits.most_head_bytes();
    // The first bounds the buffer for a head and the bytes after it; hyper needs 8 KiB at least.
    builder.max_buf_size(head_bytes.max(8 * 1024)).max_header_size(head_bytes);
    builder
}

impl<S> Serving<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Served
        + FastPath
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
{
    /// Serves a connection as long as its requests are plain, and returns the rest of it: all of it, if it
    /// speaks HTTP/2. A silent client costs little more than a socket.
    pub(super) async fn serve(
        self,
        stream: TcpStream,
        connection: Arc<Connection>,
        watcher: Watcher,
    ) -> Result<Option<Remainder>, Ended> {
        timeout(self.limits.head_time, stream.readable()).await.map_err(|_| Overdue::New)??;
        match self.tls.clone() {
            None => self.serve_plain(stream, connection, watcher).await,
            Some(tls) => {
                let handshake = timeout(self.limits.handshake_time, tls.accept(stream));
                let stream = Box::pin(handshake).await.map_err(|_| Ended::Handshake)??;
                connection.opened();
                if is_http_2(&stream) {
                    return Ok(Some(Box::pin(self.serve_streams(stream, connection, watcher))));
                }
                self.serve_plain(stream, connection, watcher).await
            }
        }
    }

    /// Serves a connection over HTTP/2, to its end.
    pub(super) async fn serve_streams(
        self,
        mut io: impl AsyncRead + AsyncWrite + Movable + Unpin + Send + 'static,
        connection: Arc<Connection>,
        watcher: Watcher,
    ) -> Result<(), Ended> {
        io.move_here()?;
        let Serving { service, limits, .. } = self;
        let ended = within_limits(&limits, &connection, session::serve(service, io, &connection, &limits));
        let ended = ended.await;
        // Shutting down waits for it.
        drop(watcher);
        ended
    }

    /// The same over any transport.
    pub(super) async fn serve_plain<T>(
        self,
        io: T,
        connection: Arc<Connection>,
        watcher: Watcher,
    ) -> Result<Option<Remainder>, Ended>
    where
        T: AsyncRead + AsyncWrite + Movable + Unpin + Send + 'static,
    {
        let mut io = WatchedIo::new(io, connection.clone(), &self.limits);
        let plain = async { Ok(fast_path::serve(&self.service, &mut io, &connection, &self.limits).await?) };
        let Some(unread) = Box::pin(within_limits(&self.limits, &connection, plain)).await? else {
            return Ok(None);
        };
        io.give_back(unread);
        Ok(Some(Box::pin(self.serve_rest(io, connection, watcher))))
    }

    /// Serves the rest of a connection after the fast path, to its end.
    async fn serve_rest(
        self,
        mut io: WatchedIo<impl AsyncRead + AsyncWrite + Movable + Unpin + Send + 'static>,
        connection: Arc<Connection>,
        watcher: Watcher,
    ) -> Result<(), Ended> {
        io.move_here()?;
        let Serving { service, limits, http, .. } = self;
        let (serving, load) = (connection.clone(), connection.load.clone());
        let site = RefCell::new(service);
        let service = hyper::service::service_fn(move |request| {
            answer(&mut *site.borrow_mut(), &serving, &limits, request)
        });
        let served = watcher.watch(http.serve_connection(TokioIo::new(io), service));
        let served = async {
            let ended = served.await;
            if let Some(fault) = ended.as_ref().err().and_then(HeadError::of_error) {
                load.note_head(fault);
            }
            Ok(ended?)
        };
        within_limits(&limits, &connection, served).await
    }
}

/// A request that was passed to the service, or refused.
pub(super) struct Begun<F, B> {
    pub(super) permit: Permit,
    pub(super) answering: Either<Ready<Result<Response<Body>, Infallible>>, F>,
    /// The rest of its body, if there is one.
    pub(super) rest: Option<Rest<B>>,
    /// How long the answer waits for the rest of a short body; `None`: it does not come unasked.
    patience: Option<Duration>,
}

/// Passes a request whose head is complete to the service, or refuses it.
pub(super) fn begin<S, B>(
    service: &mut S,
    connection: &Arc<Connection>,
    limits: &ServerLimits,
    request: Request<B>,
) -> Begun<S::Future, B>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Served,
    B: Arriving,
{
    let claim = service.claim(request.uri(), request.headers());
    let head_bytes = if claim == Claim::Gateway { limits.most_head_bytes() } else { limits.head_bytes };
    let fault = HeadError::of(&request, head_bytes);
    if let Some(fault) = fault {
        connection.load.note_head(fault);
    }
    let claim = if fault.is_some() { Claim::Free } else { claim };
    // A client that waits for `100 Continue` has not sent the body.
    let sends_unasked = request.headers().named(&EXPECT).next().is_none();
    let (permit, has_room) = Permit::take(connection, claim);
    let unserved = fault.map(Unserved::Head).or((!has_room).then_some(Unserved::NoRoom));
    let (answering, rest) = match unserved {
        None => {
            let (request, rest) = admitted(request, claim, connection, limits);
            (Either::Right(service.call(request)), rest)
        }
        Some(why) => {
            let (parts, body) = request.into_parts();
            let mut refused = service.refusal(parts.uri.path(), why);
            if let Unserved::Head(_) = why {
                refused.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            (Either::Left(ready(Ok(refused))), (!body.is_end_stream()).then(|| Rest::of(body)))
        }
    };
    let waits = unserved.is_none() && claim != Claim::Gateway;
    let patience = if waits { DRAIN_TIME } else { Duration::ZERO };
    Begun { permit, answering, rest, patience: sends_unasked.then_some(patience) }
}

/// Answers a request of HTTP/1.1.
fn answer<S>(
    service: &mut S,
    connection: &Arc<Connection>,
    limits: &ServerLimits,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response<AnswerBody>, Evicted>> + use<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Served,
{
    let begun =
        connection.begin_request().then(|| (begin(service, connection, limits, request), connection.clone()));
    async move {
        let Some((begun, connection)) = begun else { return Err(Evicted) };
        let Begun { permit, answering, rest, patience } = begun;
        let mut response = answering.await.unwrap_or_else(|never| match never {});
        if connection.has_long_head() && connection.load.are_long_heads_many() {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let rest = rest.filter(|rest| !rest.is_nothing());
        if let Some(rest) = rest
            && !is_over(rest, patience, &connection).await?
        {
            connection.leave_body();
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response.map(|body| AnswerBody::new(body, permit)))
    }
}

/// A request for the service, and the rest of its body.
fn admitted<B: Arriving>(
    request: Request<B>,
    claim: Claim,
    connection: &Arc<Connection>,
    limits: &ServerLimits,
) -> (Request<Body>, Option<Rest<B>>) {
    let (mut parts, body) = request.into_parts();
    if claim == Claim::PerhapsNamed {
        parts.extensions.insert(HeldPlace(connection.clone()));
    }
    let (body, rest) = request_body(body, claim, connection, limits);
    (Request::from_parts(parts, body), rest)
}

/// Whether a body that was not read completely ends soon, so that the connection can continue after it. If a
/// client announces a body and does not send it, like a gateway that passes `Content-Length` on without the
/// body, its next request would be taken for that.
async fn is_over(
    rest: Rest<Incoming>,
    patience: Option<Duration>,
    connection: &Connection,
) -> Result<bool, Evicted> {
    let Some(patience) = patience.filter(|_| !connection.is_stopping()) else { return Ok(false) };
    if patience.is_zero() {
        return Ok(rest.drain(patience).await);
    }
    wait_for_client(connection);
    let is_drained = rest.drain(patience).await;
    if go_on(connection, None) { Ok(is_drained) } else { Err(Evicted) }
}

/// Serves a connection until it ends or exceeds the time of a stage.
///
/// One timer serves all stages. It is reset only if the deadline moves closer or the timer has fired, so a
/// request on a kept-alive connection touches no timer.
async fn within_limits<T>(
    limits: &ServerLimits,
    connection: &Connection,
    served: impl Future<Output = Result<T, Ended>>,
) -> Result<T, Ended> {
    let mut served = pin!(served);
    let mut sleep = pin!(tokio::time::sleep(limits.head_time));
    poll_fn(|context| {
        if let Poll::Ready(ended) = served.as_mut().poll(context) {
            return Poll::Ready(ended);
        }
        loop {
            let Some((deadline, overdue)) = connection.deadline(limits) else { return Poll::Pending };
            if deadline < sleep.deadline() || sleep.is_elapsed() {
                sleep.as_mut().reset(deadline);
            }
            ready!(sleep.as_mut().poll(context));
            if deadline <= sleep.deadline() {
                return Poll::Ready(Err(overdue.into()));
            }
        }
    })
    .await
}
