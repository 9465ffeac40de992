//! One request over HTTP/2: its head as HTTP/1.1 would have brought it, its body, and its answer.

use super::body::{AnswerBody, Arriving};
use super::connection::Begun;
use super::limits::SEND_BUFFER_BYTES;
use super::line::Line;
use super::load::{FurtherStream, LongHead};
use super::streams::Stream;
use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::{
    CONNECTION, CONTENT_LENGTH, COOKIE, DATE, EXPECT, HOST, HeaderName, TE, TRANSFER_ENCODING, UPGRADE,
};
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, request};
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http_body::{Frame, SizeHint};
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// An answer of at most this many bytes that is there as a whole ends its request, whether its client reads it
/// or not: only memory is needed for it, and there is some for each stream.
const AT_HAND_BYTES: usize = 16 * 1024;
/// Bytes that a stream passes on at a time: a frame of the size that every client takes (RFC 9113 section 4.2).
const PART_BYTES: usize = 16 * 1024;
/// A client that makes room for this much in time has made progress. The system reports room at a third of its
/// buffer, which is the same over HTTP/1.1.
const PROGRESS_BYTES: usize = SEND_BUFFER_BYTES / 3;
/// About as many bytes the head of an answer has.
const HEAD_BYTES: usize = 512;

/// Headers that concern a connection of HTTP/1.1 (RFC 9113 section 8.2.2).
const OF_CONNECTIONS: [HeaderName; 6] = [
    CONNECTION,
    TRANSFER_ENCODING,
    UPGRADE,
    TE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// What a request holds until it has been answered.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) stream: Stream,
    pub(super) _further: Option<FurtherStream>,
    pub(super) _long_head: Option<LongHead>,
}

/// The way back of an answer.
pub(super) struct Reply {
    pub(super) respond: SendResponse<Bytes>,
    /// Set when the body of the request is needed and its client waits to be told.
    pub(super) is_awaited: Option<Arc<AtomicBool>>,
    pub(super) method: Method,
    pub(super) line: Arc<Line>,
    pub(super) write_stall_time: Duration,
}

/// Why an answer ends early.
#[derive(Clone, Copy, Debug)]
enum Cut {
    /// The client has cancelled it, or is gone.
    Gone,
    /// The client does not read it.
    Unread,
    /// It could not be completed.
    Failed,
}

/// A request as HTTP/1.1 would have brought it: with `Host`, a path as its target, and one `Cookie`.
pub(super) fn as_sent(request: Request<RecvStream>) -> (Request<StreamBody>, Option<Arc<AtomicBool>>) {
    let (mut parts, body) = request.into_parts();
    name_host(&mut parts);
    join_cookies(&mut parts.headers);
    let waits = parts.headers.get(EXPECT).is_some_and(|value| value.as_bytes() == b"100-continue");
    let is_awaited = waits.then(Arc::default);
    let length = parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let body = StreamBody { inner: body, left: length, is_awaited: is_awaited.clone() };
    (Request::from_parts(parts, body), is_awaited)
}

/// `:authority` serves as `Host`. If there is another `Host`, there are two, and the request is refused (RFC
/// 9113 section 8.3.1).
fn name_host(parts: &mut request::Parts) {
    let Some(authority) = parts.uri.authority() else { return };
    let is_named = |host: &HeaderValue| host.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes());
    if !parts.headers.get(HOST).is_some_and(is_named)
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        parts.headers.append(HOST, host);
    }
    if let Some(target) = parts.uri.path_and_query().cloned() {
        parts.uri = Uri::from(target);
    }
}

/// Clients may send cookies one by one (RFC 9113 section 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    if headers.get_all(COOKIE).iter().nth(1).is_none() {
        return;
    }
    let parts: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    // What is valid in two headers is valid in one.
    if let Ok(joined) = HeaderValue::from_bytes(&parts.join(&b"; "[..])) {
        headers.insert(COOKIE, joined);
    }
}

/// The body of a request as it comes.
pub(super) struct StreamBody {
    inner: RecvStream,
    /// Bytes that are still to come; `None`: not known.
    left: Option<u64>,
    is_awaited: Option<Arc<AtomicBool>>,
}

impl HttpBody for StreamBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        match this.inner.poll_data(context) {
            Poll::Pending => {
                if let Some(is_awaited) = this.is_awaited.take() {
                    is_awaited.store(true, Ordering::Relaxed);
                }
                Poll::Pending
            }
            Poll::Ready(Some(Ok(data))) => {
                // Whoever reads counts what it keeps, so the client may send as much again.
                drop(this.inner.flow_control().release_capacity(data.len()));
                this.left = this.left.map(|left| left.saturating_sub(data.len() as u64));
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            // Trailers mean nothing here.
            Poll::Ready(None) => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.is_end_stream() {
            return SizeHint::with_exact(0);
        }
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// Answers a request, unless its client cancels it first.
pub(super) async fn exchange<F, B>(held: Held, begun: Begun<F, B>, mut reply: Reply)
where
    F: Future<Output = Result<Response<Body>, Infallible>>,
    B: Arriving,
{
    let Begun { permit, answering, rest, .. } = begun;
    let Some(answer) = answered(answering, &mut reply).await else { return };
    let answer = answer.map(|body| AnswerBody::new(body, permit));
    if reply.send(answer).await.is_err() {
        return;
    }
    held.stream.answered();
    reply.line.note_request();
    if let Some(rest) = rest
        && !reply.line.connection.is_stopping()
    {
        held.stream.await_end();
        rest.linger().await;
    }
}

/// The answer; `None`: its client has cancelled the request.
async fn answered<F>(answering: F, reply: &mut Reply) -> Option<Response<Body>>
where
    F: Future<Output = Result<Response<Body>, Infallible>>,
{
    let mut answering = pin!(answering);
    poll_fn(|context| {
        if let Poll::Ready(Ok(answer)) = answering.as_mut().poll(context) {
            return Poll::Ready(Some(answer));
        }
        reply.tell_to_continue();
        reply.respond.poll_reset(context).map(|_| None)
    })
    .await
}

impl Reply {
    /// Has the client send the body of its request, if it waits for that.
    fn tell_to_continue(&mut self) {
        let is_awaited = self.is_awaited.as_ref().is_some_and(|it| it.swap(false, Ordering::Relaxed));
        if is_awaited {
            let mut underway = Response::new(());
            *underway.status_mut() = StatusCode::CONTINUE;
            // Fails if the stream has ended, which is noticed elsewhere.
            drop(self.respond.send_informational(underway));
            self.line.pass_on(HEAD_BYTES);
        }
    }

    /// Sends an answer to its end.
    async fn send(&mut self, mut answer: Response<AnswerBody>) -> Result<(), Cut> {
        let (status, length) = (answer.status(), answer.body().size_hint().exact());
        let is_empty = answer.body().is_end_stream()
            || self.method == Method::HEAD
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        complete(status, answer.headers_mut(), length, &self.method);
        answer.headers_mut().entry(DATE).or_insert_with(|| (self.line.date)());
        let (parts, body) = answer.into_parts();
        self.line.room().await;
        self.line.pass_on(HEAD_BYTES);
        let head = Response::from_parts(parts, ());
        let out = self.respond.send_response(head, is_empty).map_err(|_| Cut::Gone)?;
        if is_empty {
            return Ok(());
        }
        let mut out = Out { stream: out, line: &self.line, pace: Pace::new(self.write_stall_time) };
        let sent = out.send(body).await;
        match sent {
            Ok(()) | Err(Cut::Gone) => {}
            Err(Cut::Unread) => out.stream.send_reset(Reason::CANCEL),
            Err(Cut::Failed) => out.stream.send_reset(Reason::INTERNAL_ERROR),
        }
        sent
    }
}

/// Gives the head of an answer the headers that the library for HTTP/1.1 would, and takes those away that
/// HTTP/2 does not have.
fn complete(status: StatusCode, headers: &mut HeaderMap, length: Option<u64>, method: &Method) {
    for name in &OF_CONNECTIONS {
        headers.remove(name);
    }
    let has_no_length = status.is_informational()
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
        || method == Method::CONNECT && status.is_success();
    if has_no_length {
        headers.remove(CONTENT_LENGTH);
        return;
    }
    if length == Some(0) && method == Method::HEAD {
        return;
    }
    if let Some(length) = length {
        headers.entry(CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(length));
    }
}

/// The body of an answer on its way.
struct Out<'a> {
    stream: SendStream<Bytes>,
    line: &'a Line,
    pace: Pace,
}

/// How a client makes room for an answer.
struct Pace {
    time: Duration,
    /// Since when it has had to be waited for.
    since: Option<Instant>,
    /// Bytes that it has made room for since.
    bytes: usize,
}

impl Pace {
    fn new(time: Duration) -> Self {
        Pace { time, since: None, bytes: 0 }
    }

    /// There is no room. When it must have made progress.
    fn deadline(&mut self) -> Instant {
        *self.since.get_or_insert_with(Instant::now) + self.time
    }

    /// Bytes were passed on.
    fn passed(&mut self, bytes: usize) {
        self.bytes += bytes;
        if self.bytes >= PROGRESS_BYTES {
            self.caught_up();
        }
    }

    /// It has been sent everything that there was.
    fn caught_up(&mut self) {
        self.since = None;
        self.bytes = 0;
    }
}

impl Out<'_> {
    async fn send(&mut self, body: AnswerBody) -> Result<(), Cut> {
        let mut body = pin!(body);
        while let Some(data) = self.next(body.as_mut()).await? {
            let is_last = body.is_end_stream();
            if is_last && data.len() <= AT_HAND_BYTES {
                body.as_mut().release();
            }
            self.pass_on(data, is_last).await?;
            if is_last {
                return Ok(());
            }
        }
        body.release();
        self.pass_on_part(Bytes::new(), true)
    }

    /// The next part of the body; `None`: there is none.
    async fn next(&mut self, mut body: Pin<&mut AnswerBody>) -> Result<Option<Bytes>, Cut> {
        poll_fn(|context| {
            loop {
                match body.as_mut().poll_frame(context) {
                    Poll::Ready(None) => return Poll::Ready(Ok(None)),
                    Poll::Ready(Some(Err(_))) => return Poll::Ready(Err(Cut::Failed)),
                    Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                        Ok(data) => return Poll::Ready(Ok(Some(data))),
                        Err(_trailers) => {}
                    },
                    Poll::Pending => {
                        self.pace.caught_up();
                        return self.stream.poll_reset(context).map(|_| Err(Cut::Gone));
                    }
                }
            }
        })
        .await
    }

    /// Passes all of this on, as the client and the system make room for it.
    async fn pass_on(&mut self, mut data: Bytes, is_last: bool) -> Result<(), Cut> {
        if data.is_empty() {
            return if is_last { self.pass_on_part(data, true) } else { Ok(()) };
        }
        while !data.is_empty() {
            let room = self.room(data.len().min(PART_BYTES)).await?;
            self.line.room().await;
            let part = data.split_to(room.min(data.len()));
            self.pace.passed(part.len());
            self.pass_on_part(part, is_last && data.is_empty())?;
        }
        Ok(())
    }

    fn pass_on_part(&mut self, part: Bytes, is_last: bool) -> Result<(), Cut> {
        self.line.pass_on(part.len());
        self.stream.send_data(part, is_last).map_err(|_| Cut::Gone)
    }

    /// Waits until the client has room, but not for more than `bytes`.
    async fn room(&mut self, bytes: usize) -> Result<usize, Cut> {
        self.stream.reserve_capacity(bytes);
        let stream = &mut self.stream;
        let has_room = stream.capacity();
        if has_room > 0 {
            return Ok(has_room.min(bytes));
        }
        let waiting = poll_fn(|context| {
            if stream.poll_reset(context).is_ready() {
                return Poll::Ready(Err(Cut::Gone));
            }
            loop {
                let room = stream.capacity();
                if room > 0 {
                    return Poll::Ready(Ok(room.min(bytes)));
                }
                let Some(Ok(_)) = ready!(stream.poll_capacity(context)) else {
                    return Poll::Ready(Err(Cut::Gone));
                };
            }
        });
        timeout_at(self.pace.deadline(), waiting).await.unwrap_or(Err(Cut::Unread))
    }
}
