//! The socket of a connection over HTTP/2, and what it shares with the streams.

use super::frames::Frames;
use super::io::Closing;
use super::stage::Connection;
use axum::http::HeaderValue;
use pin_project_lite::pin_project;
use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::Instant;

/// Bytes that are read before what they ask for is done. A read may bring more.
const READ_BYTES: usize = 16 * 1024;
/// Bytes of answers that may be passed on before the system has accepted what was passed on earlier.
const ROOM_BYTES: usize = 64 * 1024;

/// What the socket, the session and the streams of one connection share. One task uses all of them.
pub(super) struct Line {
    pub(super) connection: Arc<Connection>,
    traffic: Mutex<Traffic>,
    has_room: Notify,
    /// The `Date` of an answer that is given now.
    pub(super) date: Box<dyn Fn() -> HeaderValue + Send + Sync>,
}

#[derive(Debug)]
struct Traffic {
    frames: Frames,
    /// Bytes that may be read in this turn.
    readable: usize,
    /// Whether the client asked for too much.
    is_flooded: bool,
    room: usize,
    /// Whether something was passed on that has not been offered to the system.
    has_news: bool,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("traffic", &self.traffic).finish_non_exhaustive()
    }
}

impl Line {
    pub(super) fn new(
        connection: &Arc<Connection>,
        date: impl Fn() -> HeaderValue + Send + Sync + 'static,
    ) -> Self {
        let traffic = Traffic {
            frames: Frames::new(Instant::now()),
            readable: READ_BYTES,
            is_flooded: false,
            room: ROOM_BYTES,
            has_news: false,
        };
        Line {
            connection: connection.clone(),
            traffic: Mutex::new(traffic),
            has_room: Notify::new(),
            date: Box::new(date),
        }
    }

    /// Some bytes may be read again.
    pub(super) fn begin_turn(&self) {
        self.traffic().readable = READ_BYTES;
    }

    /// Whether the client asked for more than any does that means well.
    pub(super) fn is_flooded(&self) -> bool {
        self.traffic().is_flooded
    }

    /// Since when the head of a request has been incomplete.
    pub(super) fn open_since(&self) -> Option<Instant> {
        self.traffic().frames.open_since()
    }

    /// A request has been accepted, or answered.
    pub(super) fn note_request(&self) {
        self.traffic().frames.earn_request();
    }

    /// Waits until so little of the answers waits for the system that more may be passed on.
    pub(super) async fn room(&self) {
        loop {
            let has_room = self.has_room.notified();
            if self.traffic().room > 0 {
                return;
            }
            has_room.await;
        }
    }

    /// So many bytes of an answer are passed on.
    pub(super) fn pass_on(&self, bytes: usize) {
        let mut traffic = self.traffic();
        traffic.room = traffic.room.saturating_sub(bytes);
        traffic.has_news = true;
        traffic.frames.earn_part(bytes);
    }

    /// Everything that was passed on has been offered to the system: unless it is waited for, it has accepted
    /// that.
    pub(super) fn offered(&self) {
        let mut traffic = self.traffic();
        traffic.has_news = false;
        if traffic.room == ROOM_BYTES || self.connection.is_stalled() {
            return;
        }
        traffic.room = ROOM_BYTES;
        drop(traffic);
        self.has_room.notify_waiters();
    }

    /// Whether something was passed on since.
    pub(super) fn has_news(&self) -> bool {
        self.traffic().has_news
    }

    fn traffic(&self) -> MutexGuard<'_, Traffic> {
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pin_project! {
    /// A socket that reports its traffic.
    pub(super) struct LineIo<T> {
        #[pin]
        inner: T,
        line: Arc<Line>,
        closing: Closing,
    }
}

impl<T> LineIo<T> {
    pub(super) fn new(inner: T, line: Arc<Line>) -> Self {
        LineIo { inner, line, closing: Closing::NotYet }
    }
}

/// Whether a write was accepted.
fn note<V>(line: &Line, written: &Poll<V>) {
    match written {
        Poll::Pending => line.connection.stalled(),
        Poll::Ready(_) => line.connection.wrote(),
    }
}

impl<T: AsyncRead> AsyncRead for LineIo<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.project();
        let traffic = this.line.traffic();
        if traffic.is_flooded || traffic.readable == 0 {
            // The reader would go on as long as bytes come. First it is looked at what came of them.
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        drop(traffic);
        let before = buffer.filled().len();
        ready!(this.inner.poll_read(context, buffer))?;
        let came = &buffer.filled()[before..];
        let mut traffic = this.line.traffic();
        traffic.readable = traffic.readable.saturating_sub(came.len());
        traffic.is_flooded = !traffic.frames.pass(came, Instant::now());
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncRead + AsyncWrite> AsyncWrite for LineIo<T> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.project();
        let written = this.inner.poll_write(context, bytes);
        note(this.line, &written);
        written
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.project();
        let written = this.inner.poll_write_vectored(context, parts);
        note(this.line, &written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        let flushed = this.inner.poll_flush(context);
        note(this.line, &flushed);
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut this = self.project();
        if this.closing.is_before() {
            let shut = this.inner.as_mut().poll_shutdown(context);
            note(this.line, &shut);
            ready!(shut)?;
            if !this.line.connection.begin_farewell() {
                return Poll::Ready(Ok(()));
            }
            *this.closing = Closing::announced();
        }
        this.closing.poll_drained(this.inner, context).map(Ok)
    }
}
