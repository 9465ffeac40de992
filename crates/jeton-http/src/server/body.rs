//! Bodies that keep to the limits, whoever reads or writes them.

use super::limits::ServerLimits;
use super::load::Permit;
use super::stage::Connection;
use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use tokio::time::{Instant, Sleep};

/// Why a request body ends early although its client is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyFault {
    /// It did not come in time.
    #[error("the body did not come in time")]
    TooSlow,
    /// Bodies take up all the memory that they may.
    #[error("there is no room for the body")]
    NoRoom,
}

pin_project! {
    /// A request body within its times. What came of it counts among the bytes of all bodies until the request ends.
    pub(super) struct RequestBody<B> {
        #[pin]
        inner: B,
        #[pin]
        sleep: Option<Sleep>,
        end_by: Instant,
        next_by: Instant,
        connection: Arc<Connection>,
        limits: ServerLimits,
        has_ended: bool,
    }

    impl<B> PinnedDrop for RequestBody<B> {
        fn drop(this: Pin<&mut Self>) {
            if !this.has_ended {
                this.connection.leave_body();
            }
        }
    }
}

/// The body of a request under these limits; nothing is spent on one that is empty.
pub(super) fn request_body(body: Incoming, connection: &Arc<Connection>, limits: &ServerLimits) -> Body {
    if body.is_end_stream() {
        return Body::empty();
    }
    let now = Instant::now();
    Body::new(RequestBody {
        inner: body,
        sleep: None,
        end_by: now + limits.body_time,
        next_by: now + limits.body_stall_time,
        connection: connection.clone(),
        limits: *limits,
        has_ended: false,
    })
}

impl<B> HttpBody for RequestBody<B>
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut this = self.project();
        if let Poll::Ready(frame) = this.inner.poll_frame(context) {
            let Some(frame) = frame.transpose().map_err(Into::into)? else {
                *this.has_ended = true;
                return Poll::Ready(None);
            };
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            if !this.connection.load.hold_body(bytes) {
                return Poll::Ready(Some(Err(BodyFault::NoRoom.into())));
            }
            this.connection.body_bytes.fetch_add(bytes, Ordering::Relaxed);
            *this.next_by = Instant::now() + this.limits.body_stall_time;
            return Poll::Ready(Some(Ok(frame)));
        }
        let deadline = (*this.end_by).min(*this.next_by);
        match this.sleep.as_mut().as_pin_mut() {
            Some(sleep) if sleep.deadline() == deadline => {}
            Some(sleep) => sleep.reset(deadline),
            None => this.sleep.set(Some(tokio::time::sleep_until(deadline))),
        }
        if let Some(sleep) = this.sleep.as_pin_mut() {
            ready!(sleep.poll(context));
        }
        Poll::Ready(Some(Err(BodyFault::TooSlow.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

pin_project! {
    /// An answer's body. Its end is the end of the request.
    pub(super) struct AnswerBody {
        #[pin]
        inner: Body,
        _permit: Permit,
    }
}

impl AnswerBody {
    pub(super) fn new(inner: Body, permit: Permit) -> Self {
        AnswerBody { inner, _permit: permit }
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
