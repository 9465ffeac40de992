//! Bodies within the limits, in both directions.

use super::limits::{FREE_BODY_BYTES, ServerLimits};
use super::load::{Claim, Permit, go_on, wait_for_client};
use super::stage::Connection;
use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use pin_project_lite::pin_project;
use std::pin::{Pin, pin};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::task::yield_now;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

/// How long a body may hold memory that others need.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often a body that holds memory checks whether others need it.
const LOOK: Duration = Duration::from_secs(1);

/// At most this many bytes of an unwanted body are read, so that its connection can continue.
const DRAINED_BYTES: usize = 64 * 1024;
/// How long, and how much, a client may go on sending after its answer over HTTP/2.
const LINGER_TIME: Duration = Duration::from_secs(2);
const LINGERING_BYTES: usize = 256 * 1024;
/// How often the system is asked for bytes that have arrived.
const DRAIN_TURNS: usize = 4;

/// Why a request body ends early although its client is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RequestBodyError {
    /// It did not arrive in time.
    #[error("the body did not arrive in time")]
    TooSlow,
    /// Bodies use all the memory that they may, or requests all places.
    #[error("there is no room for the body")]
    NoRoom,
}

/// A request body as its protocol delivers it.
pub(super) trait Arriving:
    HttpBody<Data = Bytes, Error: Into<BoxError>> + Unpin + Send + 'static
{
}

impl<B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Unpin + Send + 'static> Arriving for B {}

/// A request body with its time limits. Its bytes count towards those of all bodies until the request ends.
/// While it waits for its client, the request does not occupy a place.
struct RequestBody<B> {
    inner: Option<B>,
    sleep: Option<Pin<Box<Sleep>>>,
    begun: Instant,
    next_by: Instant,
    claim: Claim,
    connection: Arc<Connection>,
    limits: ServerLimits,
    is_waiting: bool,
    rest: Rest<B>,
}

/// The rest of a body that is no longer read.
#[derive(Debug)]
pub(super) struct Rest<B>(Arc<Mutex<Left<B>>>);

#[derive(Debug, Default)]
enum Left<B> {
    /// Nothing: it was read to its end, or there was none.
    #[default]
    Nothing,
    /// Something, which may still be read.
    Unread(B),
    /// Something that will not arrive.
    Lost,
}

/// The body of a request under these limits, and its rest; an empty one costs nothing.
pub(super) fn request_body<B: Arriving>(
    body: B,
    claim: Claim,
    connection: &Arc<Connection>,
    limits: &ServerLimits,
) -> (Body, Option<Rest<B>>) {
    if body.is_end_stream() {
        return (Body::empty(), None);
    }
    let (now, rest) = (Instant::now(), Rest(Arc::default()));
    let body = Body::new(RequestBody {
        inner: Some(body),
        sleep: None,
        begun: now,
        next_by: now + limits.body_stall_time,
        claim,
        connection: connection.clone(),
        limits: *limits,
        is_waiting: false,
        rest: Rest(rest.0.clone()),
    });
    (body, Some(rest))
}

impl<B> RequestBody<B> {
    /// Counts the bytes of a part, unless there is no room for them. The first few of each body are free.
    fn hold(&self, bytes: usize) -> bool {
        let before = self.connection.body_bytes.load(Ordering::Relaxed);
        let after = before.saturating_add(bytes);
        if !self.connection.load.hold_body(held_of(after) - held_of(before)) {
            return false;
        }
        self.connection.body_bytes.store(after, Ordering::Relaxed);
        true
    }

    /// The error by this time; `None`: it may continue.
    fn fault(&self, now: Instant) -> Option<RequestBodyError> {
        let holds = held_of(self.connection.body_bytes.load(Ordering::Relaxed)) > 0;
        if now >= self.next_by.min(self.begun + self.limits.body_time) {
            Some(RequestBodyError::TooSlow)
        } else if holds && now >= self.begun + PATIENCE && self.connection.load.is_short_of_memory() {
            Some(RequestBodyError::NoRoom)
        } else {
            None
        }
    }

    fn poll_fault(&mut self, context: &mut Context<'_>) -> Poll<RequestBodyError> {
        let deadline = self.next_by.min(self.begun + self.limits.body_time);
        loop {
            let now = Instant::now();
            if let Some(fault) = self.fault(now) {
                return Poll::Ready(fault);
            }
            let look = deadline.min(now + LOOK);
            let sleep = match &mut self.sleep {
                Some(sleep) => {
                    sleep.as_mut().reset(look);
                    sleep
                }
                none => none.insert(Box::pin(sleep_until(look))),
            };
            if sleep.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// The whole body has arrived. False: there is no place for its request.
    fn end(&mut self) -> bool {
        self.inner = None;
        !std::mem::take(&mut self.is_waiting) || go_on(&self.connection, Some(self.claim))
    }

    fn lose(&mut self) {
        self.inner = None;
        self.rest.leave(Left::Lost);
    }
}

/// How many bytes of a body count towards those of all.
pub(super) fn held_of(bytes: usize) -> usize {
    bytes.saturating_sub(FREE_BODY_BYTES)
}

impl<B> Drop for RequestBody<B> {
    fn drop(&mut self) {
        if let Some(unread) = self.inner.take() {
            self.rest.leave(Left::Unread(unread));
        }
        if self.is_waiting {
            // The answer is ready, whatever it is.
            go_on(&self.connection, None);
        }
    }
}

impl<B: Arriving> HttpBody for RequestBody<B> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        let Some(inner) = &mut this.inner else { return Poll::Ready(None) };
        let fault = match Pin::new(inner).poll_frame(context) {
            Poll::Ready(None) if this.end() => return Poll::Ready(None),
            Poll::Ready(None) => RequestBodyError::NoRoom,
            Poll::Ready(Some(Err(error))) => {
                this.lose();
                return Poll::Ready(Some(Err(error.into())));
            }
            Poll::Ready(Some(Ok(frame))) if this.hold(frame.data_ref().map_or(0, Bytes::len)) => {
                this.next_by = Instant::now() + this.limits.body_stall_time;
                return Poll::Ready(Some(Ok(frame)));
            }
            Poll::Ready(Some(Ok(_))) => {
                this.lose();
                RequestBodyError::NoRoom
            }
            Poll::Pending => {
                if !std::mem::replace(&mut this.is_waiting, true) {
                    wait_for_client(&this.connection);
                }
                let Poll::Ready(fault) = this.poll_fault(context) else { return Poll::Pending };
                this.lose();
                fault
            }
        };
        Poll::Ready(Some(Err(fault.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(B::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), B::size_hint)
    }
}

impl<B> Rest<B> {
    /// The rest of a body that was not read at all.
    pub(super) fn of(body: B) -> Self {
        Rest(Arc::new(Mutex::new(Left::Unread(body))))
    }

    fn leave(&self, left: Left<B>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = left;
    }

    /// Whether nothing is left.
    pub(super) fn is_nothing(&self) -> bool {
        matches!(*self.0.lock().unwrap_or_else(PoisonError::into_inner), Left::Nothing)
    }
}

impl<B: Arriving> Rest<B> {
    /// Reads and drops what still comes for a while: some clients lose an answer if their request is reset while
    /// they are sending it.
    pub(super) async fn linger(self) {
        let left = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if let Left::Unread(body) = left {
            // Whatever came of it, the request is over.
            drop(timeout(LINGER_TIME, is_within(LINGERING_BYTES, body)).await);
        }
    }

    /// Reads and drops the rest, as far as it arrives within this time; if that is zero, as far as it has
    /// arrived. False: there is too much, or it did not arrive, so it is unknown where the next request
    /// begins.
    pub(super) async fn drain(self, patience: Duration) -> bool {
        let left = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let body = match left {
            Left::Nothing => return true,
            Left::Lost => return false,
            Left::Unread(body) => body,
        };
        if body.size_hint().lower() > DRAINED_BYTES as u64 {
            return false;
        }
        let mut draining = pin!(is_within(DRAINED_BYTES, body));
        if !patience.is_zero() {
            return timeout(patience, draining).await.unwrap_or(false);
        }
        for _ in 0..DRAIN_TURNS {
            tokio::select! {
                biased;
                is_short = draining.as_mut() => return is_short,
                () = yield_now() => {}
            }
        }
        false
    }
}

/// Reads and drops a body. False: it has more bytes, or fails.
async fn is_within(mut left: usize, mut body: impl Arriving) -> bool {
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return false };
        let Some(less) = left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) else { return false };
        left = less;
    }
    true
}

pin_project! {
    /// The body of an answer. Its end is the end of the request.
    pub(super) struct AnswerBody {
        #[pin]
        inner: Body,
        permit: Option<Permit>,
    }
}

impl AnswerBody {
    pub(super) fn new(inner: Body, permit: Permit) -> Self {
        AnswerBody { inner, permit: Some(permit) }
    }

    /// Ends the request: nothing more has to be done for it but to send what it has.
    pub(super) fn release(self: Pin<&mut Self>) {
        *self.project().permit = None;
    }
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.project().inner.poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
