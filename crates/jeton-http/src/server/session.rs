//! A connection over HTTP/2, from its first frame to its last.
//!
//! One task serves a connection with all its streams: as many requests as a client may send at a time get no
//! more of a thread than one, and they end with their connection. What a stream passes on is kept until the
//! system accepts it, within the room that all streams of a connection share (`line.rs`).

use super::connection::{Ended, begin};
use super::exchange::{Held, Reply, as_sent, exchange};
use super::head::{self, MAX_HEADERS};
use super::limits::ServerLimits;
use super::line::{Line, LineIo};
use super::load::{FurtherStream, LongHead};
use super::served::Served;
use super::stage::{Connection, Overdue};
use super::streams::Stream;
use axum::body::{Body, Bytes};
use axum::http::{Request, Response};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use h2::server::{self, SendResponse};
use h2::{Reason, RecvStream};
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep, sleep_until};
use tower_service::Service;

/// Bytes of bodies that a client may send unread, of one request and of all: as many as HTTP/2 begins with.
const WINDOW_BYTES: u32 = 64 * 1024 - 1;
/// Bytes of a stream that the library keeps.
const SEND_BYTES: usize = 16 * 1024;
/// Streams that the server had to reset for the client's errors until the connection ends.
const MOST_ERRORS: usize = 100;
/// Streams that were reset, by either side, and of which the library knows to ignore what still comes.
const MOST_RESETS: usize = 50;
/// How long it ignores that, instead of counting an error.
const RESET_TIME: Duration = Duration::from_secs(10);
/// What HTTP/2 counts for each header beside its name and value (RFC 9113 section 6.5.2).
const HEADER_EXTRA_BYTES: usize = 32;
/// How long an idle client may take to acknowledge that the server stops.
const FAREWELL_TIME: Duration = Duration::from_secs(1);
/// How often streams and connection are advanced in turn before others have theirs.
const ROUNDS: usize = 8;

/// The limits that the library enforces.
fn http(limits: &ServerLimits) -> server::Builder {
    let mut builder = server::Builder::new();
    // Every head that is within the limits of HTTP/1.1, with all its headers; what is beyond is answered 431
    // here if it is known whole, or else by the library.
    let head_bytes = limits.most_head_bytes() + (MAX_HEADERS + 1) * HEADER_EXTRA_BYTES;
    builder
        .max_concurrent_streams(u32::try_from(limits.connection_requests).unwrap_or(u32::MAX))
        .max_header_list_size(u32::try_from(head_bytes).unwrap_or(u32::MAX))
        .initial_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .max_send_buffer_size(SEND_BYTES)
        .max_pending_accept_reset_streams(MOST_RESETS)
        .max_local_error_reset_streams(Some(MOST_ERRORS))
        .max_concurrent_reset_streams(MOST_RESETS)
        .reset_stream_duration(RESET_TIME);
    builder
}

/// Serves a connection to its end.
pub(super) async fn serve<S>(
    mut service: S,
    io: impl AsyncRead + AsyncWrite + Unpin,
    connection: &Arc<Connection>,
    limits: &ServerLimits,
) -> Result<(), Ended>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Served
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
{
    let dates = service.clone();
    let line = Arc::new(Line::new(connection, move || dates.date()));
    let opening = http(limits).handshake(LineIo::new(io, line.clone()));
    let mut opening = std::pin::pin!(opening);
    let mut http = poll_fn(|context| {
        line.begin_turn();
        opening.as_mut().poll(context)
    })
    .await?;
    if !connection.open_for_streams() {
        return Ok(());
    }
    connection.load.note_session();
    let mut streams = FuturesUnordered::new();
    let mut ending = Ending::new();
    poll_fn(|context| {
        line.begin_turn();
        for _ in 0..ROUNDS {
            while let Poll::Ready(next) = http.poll_accept(context) {
                let Some(next) = next else { return Poll::Ready(Ok(())) };
                let (request, respond) = next?;
                line.note_request();
                streams.extend(accept(&mut service, &line, limits, request, respond));
            }
            line.offered();
            // After reading, since what came may be a reason; a goodbye is sent at once.
            if ending.check(context, &mut http, &line, limits)? {
                continue;
            }
            let mut has_ended = false;
            while let Poll::Ready(Some(())) = streams.poll_next_unpin(context) {
                has_ended = true;
            }
            if !has_ended && !line.has_news() {
                return Poll::Pending;
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

/// Begins with a request, or refuses it unread if there is no room for another stream: its client may send it
/// again (RFC 9113 section 8.7).
fn accept<S>(
    service: &mut S,
    line: &Arc<Line>,
    limits: &ServerLimits,
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
) -> Option<impl Future<Output = ()> + use<S>>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Served,
{
    let (request, is_awaited) = as_sent(request);
    let Some(held) = hold(line, limits, head::length(&request)) else {
        respond.send_reset(Reason::REFUSED_STREAM);
        return None;
    };
    let method = request.method().clone();
    let begun = begin(service, held.stream.connection(), limits, request);
    let line = line.clone();
    let reply = Reply { respond, is_awaited, method, line, write_stall_time: limits.write_stall_time };
    Some(exchange(held, begun, reply))
}

/// What a request needs before it is looked at. `None`: there is no room.
fn hold(line: &Line, limits: &ServerLimits, head_bytes: usize) -> Option<Held> {
    let (connection, load) = (&line.connection, &line.connection.load);
    let further = match connection.open_streams() {
        0 => None,
        open => Some(FurtherStream::take(load, open)?),
    };
    let long_head = if head_bytes > limits.head_bytes { Some(LongHead::take(load)?) } else { None };
    Some(Held { stream: Stream::begin(connection)?, _further: further, _long_head: long_head })
}

/// The reasons for which a connection ends, other than that its client closes it.
struct Ending {
    /// Whether it has been told that the server stops.
    is_stopping: bool,
    is_closing: bool,
    sleep: Option<Pin<Box<Sleep>>>,
    /// By when an idle client must have acknowledged that the server stops.
    leave_by: Option<Instant>,
}

impl Ending {
    fn new() -> Self {
        Ending { is_stopping: false, is_closing: false, sleep: None, leave_by: None }
    }

    /// Says goodbye if there is a reason to, and whether it has just done so.
    fn check<T: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        context: &mut Context<'_>,
        http: &mut server::Connection<T, Bytes>,
        line: &Line,
        limits: &ServerLimits,
    ) -> Result<bool, Overdue> {
        if self.is_closing {
            return Ok(false);
        }
        if line.connection.poll_stopping(context) && !self.is_stopping {
            self.is_stopping = true;
            http.graceful_shutdown();
            self.leave_by = Some(Instant::now() + FAREWELL_TIME);
            return Ok(true);
        }
        let is_idle = !http.has_streams() && line.connection.open_streams() == 0;
        let idle_by = line.connection.deadline(limits).and_then(|(deadline, overdue)| {
            // The other stages are looked at elsewhere, and allow no goodbye.
            (overdue == Overdue::Idle).then_some(deadline)
        });
        let reason = if line.is_flooded() {
            Some(Reason::ENHANCE_YOUR_CALM)
        } else {
            let mut by = [self.leave_by, idle_by].into_iter().flatten().filter(|_| is_idle);
            by.any(|by| Instant::now() >= by).then_some(Reason::NO_ERROR)
        };
        if let Some(reason) = reason {
            self.is_closing = true;
            if reason == Reason::ENHANCE_YOUR_CALM {
                line.connection.load.note_flood();
            }
            http.abrupt_shutdown(reason);
            return Ok(true);
        }
        let head_by = line.open_since().map(|since| since + limits.head_time);
        match self.poll_until(context, head_by, self.leave_by.filter(|_| is_idle)) {
            Poll::Ready(()) if head_by.is_some_and(|by| Instant::now() >= by) => Err(Overdue::Head),
            Poll::Ready(()) | Poll::Pending => Ok(false),
        }
    }

    /// Waits for the first of these.
    fn poll_until(
        &mut self,
        context: &mut Context<'_>,
        one: Option<Instant>,
        other: Option<Instant>,
    ) -> Poll<()> {
        let Some(by) = [one, other].into_iter().flatten().min() else { return Poll::Pending };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(by)));
        if sleep.deadline() != by {
            sleep.as_mut().reset(by);
        }
        ready!(sleep.as_mut().poll(context));
        Poll::Ready(())
    }
}
