//! A socket that reports its traffic to its connection.

use super::handover::Movable;
use super::limits::ServerLimits;
use super::load::LongHead;
use super::stage::{Connection, Stage};
use bytes::BytesMut;
use pin_project_lite::pin_project;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf, Take};

pin_project! {
    pub(super) struct WatchedIo<T> {
        #[pin]
        inner: Take<T>,
        connection: Arc<Connection>,
        // Bytes of a head that need no extra room, and at most this many bytes are read at a time: readers
        // enlarge their buffer for more.
        head_bytes: usize,
        // Bytes received of the current head.
        head_length: usize,
        long_head: Option<LongHead>,
        // Bytes that were given back: they are read again first.
        unread: BytesMut,
        closing: Closing,
    }
}

/// The progress of closing a connection.
#[derive(Clone, Copy, Debug)]
pub(super) enum Closing {
    /// Not requested, or not yet announced to the client.
    NotYet,
    /// Announced to the client. This many of the bytes that it still sends are read and dropped.
    Draining(usize),
}

/// How much is read from a client that keeps sending after its answer.
const DRAINED_BYTES: usize = 256 * 1024;

impl Closing {
    /// Just announced to the client.
    pub(super) fn announced() -> Self {
        Closing::Draining(DRAINED_BYTES)
    }

    /// Whether it is not announced yet.
    pub(super) fn is_before(self) -> bool {
        matches!(self, Closing::NotYet)
    }

    /// Reads and drops what the client still sends, to its end or as much as is read: closing a socket with
    /// unread bytes resets the connection, and the client may never see its answer.
    pub(super) fn poll_drained(
        &mut self,
        mut io: Pin<&mut impl AsyncRead>,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        let mut scratch = [0; 4096];
        while let Closing::Draining(left) = self {
            let mut buffer = ReadBuf::new(&mut scratch);
            let read = ready!(io.as_mut().poll_read(context, &mut buffer));
            *left = left.saturating_sub(buffer.filled().len());
            if read.is_err() || buffer.filled().is_empty() || *left == 0 {
                break;
            }
        }
        Poll::Ready(())
    }
}

/// There is no room for a head of this length.
#[derive(Debug, thiserror::Error)]
#[error("too many others have long heads")]
struct NoRoom;

impl<T: AsyncRead> WatchedIo<T> {
    pub(super) fn new(inner: T, connection: Arc<Connection>, limits: &ServerLimits) -> Self {
        WatchedIo {
            inner: inner.take(0),
            connection,
            head_bytes: limits.head_bytes,
            head_length: 0,
            long_head: None,
            unread: BytesMut::new(),
            closing: Closing::NotYet,
        }
    }

    /// Gives back bytes, for the next reader.
    pub(super) fn give_back(&mut self, unread: BytesMut) {
        self.unread = unread;
    }
}

impl<T: AsyncRead + Movable> WatchedIo<T> {
    /// Registers the socket with the current runtime.
    pub(super) fn move_here(&mut self) -> io::Result<()> {
        self.inner.get_mut().move_here()
    }
}

fn note(connection: &Connection, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
    match written {
        Poll::Pending => connection.stalled(),
        Poll::Ready(_) => connection.wrote(),
    }
    written
}

impl<T: AsyncRead + Unpin> AsyncRead for WatchedIo<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut this = self.project();
        if !this.unread.is_empty() {
            let next = this.unread.split_to(this.unread.len().min(buffer.remaining()));
            buffer.put_slice(&next);
            if this.unread.is_empty() {
                *this.unread = BytesMut::new();
            }
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        // One less, since a buffer grows with the read that fills it.
        let at_most = this.head_bytes.saturating_sub(1).max(1);
        this.inner.as_mut().get_mut().set_limit(u64::try_from(at_most).unwrap_or(u64::MAX));
        ready!(this.inner.poll_read(context, buffer))?;
        let came = buffer.filled().len() - before;
        if came == 0 {
            return Poll::Ready(Ok(()));
        }
        *this.head_length = match this.connection.received() {
            Stage::New | Stage::Idle => came,
            Stage::Head => *this.head_length + came,
            _ => 0,
        };
        if this.head_length > this.head_bytes && this.long_head.is_none() {
            let Some(room) = LongHead::take(&this.connection.load) else {
                return Poll::Ready(Err(io::Error::other(NoRoom)));
            };
            *this.long_head = Some(room);
            this.connection.take_long_head();
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncRead + AsyncWrite> AsyncWrite for WatchedIo<T> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.project();
        note(this.connection, this.inner.get_pin_mut().poll_write(context, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.project();
        note(this.connection, this.inner.get_pin_mut().poll_write_vectored(context, parts))
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.get_ref().is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        let flushed = this.inner.get_pin_mut().poll_flush(context);
        match flushed {
            Poll::Pending => this.connection.stalled(),
            Poll::Ready(_) => this.connection.flushed(),
        }
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut this = self.project();
        if this.closing.is_before() {
            let shut = this.inner.as_mut().get_pin_mut().poll_shutdown(context);
            if shut.is_pending() {
                this.connection.stalled();
            }
            ready!(shut)?;
            if !this.connection.begin_closing() {
                return Poll::Ready(Ok(()));
            }
            *this.closing = Closing::announced();
        }
        this.closing.poll_drained(this.inner.as_mut().get_pin_mut(), context).map(Ok)
    }
}
