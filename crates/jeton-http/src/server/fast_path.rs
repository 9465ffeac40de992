//! Requests that are answered before hyper sees them.
//!
//! Nearly all requests of a token service are one short question with one short head as the answer. What
//! hyper and a router do for any request costs more than the answer. So a connection begins here: as long as
//! its requests are plain heads that the service claims, each is parsed in place, answered into a buffer, and
//! written at once. The first other request is passed to hyper unchanged, and with it the rest of the
//! connection. Nothing is answered here differently from hyper; a test compares the two.

use super::io::WatchedIo;
use super::limits::ServerLimits;
use super::load::{Claim, Permit};
use super::plain::{MAX_HEADERS, PlainHead, Reading};
use super::stage::Connection;
use axum::http::header::CONNECTION;
use axum::http::{HeaderName, StatusCode};
use bytes::{Buf, BytesMut};
use std::io;
use std::mem::MaybeUninit;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Bytes that are read at a time: most heads have fewer.
const READ_BYTES: usize = 2 * 1024;
/// At most this many bytes of a head are read here.
const MAX_HEAD_BYTES: usize = 8 * 1024;

/// A service that answers some requests without the HTTP library.
///
/// It must answer them in the same way as with it.
pub(crate) trait FastPath {
    /// A request whose answer has to be looked up.
    type Question: Send;

    /// Answers a request if no waiting is needed.
    fn answer_at_once(&self, head: &PlainHead<'_>, reply: &mut Reply) -> AtOnce<Self::Question>;

    /// Answers a request that could not be answered at once.
    fn answer_later(
        &self,
        question: Self::Question,
        room: Room<'_>,
        reply: &mut Reply,
    ) -> impl Future<Output = ()> + Send;
}

/// The result of an attempt to answer at once.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AtOnce<Q> {
    /// It is answered.
    Answered,
    /// It is claimed, and its answer has to be looked up.
    Asked(Q),
    /// It is not claimed, and nothing was written.
    Unclaimed,
}

/// Room for a request that takes longer than its head.
#[derive(Debug)]
pub(crate) struct Room<'a>(&'a Arc<Connection>);

impl Room<'_> {
    /// A place for the request until it is dropped; `None`: there are too many.
    pub(crate) fn take(self) -> Option<impl Sized + Send> {
        let (permit, has_room) = Permit::take(self.0, Claim::Gateway);
        has_room.then_some(permit)
    }
}

/// An answer without a body, as bytes.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    status: StatusCode,
    bytes: Vec<u8>,
}

impl Reply {
    /// Begins an answer, discarding anything written before.
    pub(crate) fn begin(&mut self, status: StatusCode) {
        self.status = status;
        self.bytes.clear();
        self.bytes.extend_from_slice(b"HTTP/1.1 ");
        self.bytes.extend_from_slice(status.as_str().as_bytes());
        self.bytes.push(b' ');
        self.bytes.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
        self.bytes.extend_from_slice(b"\r\n");
    }

    /// Adds a header. The value must be valid in one (RFC 9110 section 5.5): the caller has encoded it.
    pub(crate) fn header(&mut self, name: &HeaderName, value: &[u8]) {
        debug_assert!(axum::http::HeaderValue::from_bytes(value).is_ok(), "{name}");
        self.bytes.extend_from_slice(name.as_str().as_bytes());
        self.bytes.extend_from_slice(b": ");
        self.bytes.extend_from_slice(value);
        self.bytes.extend_from_slice(b"\r\n");
    }

    /// The status.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    fn end(&mut self, is_last: bool) {
        if is_last {
            self.header(&CONNECTION, b"close");
        }
        self.bytes.extend_from_slice(b"\r\n");
    }
}

/// Answers the requests of a connection as long as they are claimed. Returns the bytes that were read and not
/// answered, for hyper; `None`: the connection has ended.
pub(super) async fn serve<S: FastPath>(
    service: &S,
    io: &mut WatchedIo<impl AsyncRead + AsyncWrite + Unpin>,
    connection: &Arc<Connection>,
    limits: &ServerLimits,
) -> io::Result<Option<BytesMut>> {
    let max_bytes = MAX_HEAD_BYTES.min(limits.head_bytes);
    let (mut input, mut reply) = (BytesMut::with_capacity(READ_BYTES), Reply::default());
    loop {
        match step(service, connection, &input, max_bytes, &mut reply) {
            Step::Read => {
                if connection.is_stopping() {
                    break;
                }
                input.reserve(READ_BYTES / 2);
                if io.read_buf(&mut input).await? > 0 {
                    continue;
                }
                if input.is_empty() {
                    break;
                }
                return Ok(Some(input));
            }
            Step::Leave => return Ok(Some(input)),
            Step::End => break,
            Step::Write { length } => input.advance(length),
            Step::Ask { question, length } => {
                input.advance(length);
                service.answer_later(question, Room(connection), &mut reply).await;
            }
        }
        let is_last = connection.is_stopping();
        reply.end(is_last);
        connection.end_request();
        io.write_all(&reply.bytes).await?;
        io.flush().await?;
        if is_last {
            break;
        }
    }
    io.shutdown().await?;
    Ok(None)
}

/// What to do next.
enum Step<Q> {
    /// More bytes are needed.
    Read,
    /// The next request is for hyper.
    Leave,
    /// The connection is being closed: no more requests are answered.
    End,
    /// A request of this length is answered.
    Write { length: usize },
    /// The answer to a request of this length has to be looked up.
    Ask { question: Q, length: usize },
}

/// Answers the request at the start of the input, if there is one. A separate function so that the headers,
/// of which there may be many, lie on the stack and not in every connection.
fn step<S: FastPath>(
    service: &S,
    connection: &Connection,
    input: &[u8],
    max_bytes: usize,
    reply: &mut Reply,
) -> Step<S::Question> {
    if input.is_empty() {
        return Step::Read;
    }
    let mut room = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let (head, length) = match PlainHead::read(input, max_bytes, &mut room) {
        Reading::Plain(head, length) => (head, length),
        Reading::Partial => return Step::Read,
        Reading::Other => return Step::Leave,
    };
    if !connection.begin_request() {
        return Step::End;
    }
    match service.answer_at_once(&head, reply) {
        AtOnce::Answered => Step::Write { length },
        AtOnce::Asked(question) => Step::Ask { question, length },
        AtOnce::Unclaimed => Step::Leave,
    }
}
