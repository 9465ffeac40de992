//! The protocol of the control socket: a byte that says its version, with which a file may be handed over, and then messages, each a
//! length in four bytes, most significant first, and JSON of that length. One request and one answer per connection.
//!
//! Both ends are one binary, or an older and a newer one: an older server refuses what it does not know.

use crate::error::{CommandError, CommandErrorKind};
use crate::request::Request;
use futures_util::{SinkExt, StreamExt};
use jeton_service::ProgressSeen;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, Interest};
use tokio::net::UnixStream;
use tokio_util::bytes::Bytes;
use tokio_util::codec::{Framed, LengthDelimitedCodec};

/// The version of the protocol.
const VERSION: u8 = 1;

/// Bytes in one message. An import of 500 lines of 16 KiB fits.
const MAX_MESSAGE_BYTES: usize = 16 * 1024 * 1024;

/// How often a server reports that it works on a request.
pub(super) const BEAT: Duration = Duration::from_millis(250);

/// A request and the database that it is about. Contains secrets: it has no `Debug`.
#[derive(Serialize, Deserialize)]
pub(super) struct Envelope {
    /// See `Installation::fingerprint`.
    pub(super) database: String,
    pub(super) request: Request,
}

/// The answer.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    Done(Value),
    Failed {
        kind: CommandErrorKind,
        message: String,
    },
    /// This server works on another database.
    Elsewhere,
    /// No answer yet: the server works on it. Sent repeatedly, at least every [`BEAT`].
    Working(Option<Working>),
}

/// How far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Working {
    pub(crate) what: String,
    pub(crate) done: u64,
    pub(crate) total: u64,
}

impl From<ProgressSeen> for Working {
    fn from(seen: ProgressSeen) -> Self {
        Working { what: seen.what.to_owned(), done: seen.done, total: seen.total }
    }
}

impl From<Result<Value, CommandError>> for Answer {
    fn from(result: Result<Value, CommandError>) -> Self {
        match result {
            Ok(value) => Answer::Done(value),
            Err(CommandError { kind, message }) => Answer::Failed { kind, message },
        }
    }
}

/// Begins a connection, and hands a file over.
pub(super) async fn begin(stream: &UnixStream, file: Option<&File>) -> io::Result<()> {
    let files: Vec<_> = file.iter().map(AsFd::as_fd).collect();
    stream
        .async_io(Interest::WRITABLE, || {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut with = SendAncillaryBuffer::new(&mut space);
            if !files.is_empty() {
                with.push(SendAncillaryMessage::ScmRights(&files));
            }
            sendmsg(stream, &[IoSlice::new(&[VERSION])], &mut with, SendFlags::NOSIGNAL)
                .map_err(io::Error::from)
        })
        .await
        .map(drop)
}

/// The file that was handed over at the beginning of a connection.
pub(super) async fn beginning(stream: &UnixStream) -> io::Result<Option<File>> {
    let mut byte = [0];
    let mut file = None;
    let read = stream
        .async_io(Interest::READABLE, || {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut with = RecvAncillaryBuffer::new(&mut space);
            let flags = RecvFlags::CMSG_CLOEXEC;
            let received = recvmsg(stream, &mut [IoSliceMut::new(&mut byte)], &mut with, flags)?;
            for message in with.drain() {
                if let RecvAncillaryMessage::ScmRights(files) = message {
                    file = files.map(File::from).next();
                }
            }
            Ok(received.bytes)
        })
        .await?;
    match (read, byte) {
        (0, _) => Err(io::ErrorKind::UnexpectedEof.into()),
        (_, [VERSION]) => Ok(file),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "this version does not know the protocol")),
    }
}

/// A connection for messages, once it has begun.
pub(super) struct Messages<S>(Framed<S, LengthDelimitedCodec>);

impl<S: AsyncRead + AsyncWrite + Unpin> Messages<S> {
    pub(super) fn over(stream: S) -> Self {
        let codec = LengthDelimitedCodec::builder().max_frame_length(MAX_MESSAGE_BYTES).new_codec();
        Messages(Framed::new(stream, codec))
    }

    /// Sends one message. One that is too long is `InvalidInput`.
    pub(super) async fn send<T: Serialize>(&mut self, message: &T) -> io::Result<()> {
        let bytes = serde_json::to_vec(message).map_err(io::Error::other)?;
        self.0.send(Bytes::from(bytes)).await
    }

    /// Receives one message. An invalid message is `InvalidData`, and its text is not quoted.
    pub(super) async fn receive<T: for<'a> Deserialize<'a>>(&mut self) -> io::Result<T> {
        let frame = self.0.next().await.ok_or(io::ErrorKind::UnexpectedEof)?;
        let bytes = frame?;
        serde_json::from_slice(&bytes)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "this version does not know the message"))
    }

    pub(super) fn stream(&self) -> &S {
        self.0.get_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Seek, Write};
    use tokio::io::AsyncWriteExt;

    #[tokio::test]
    async fn messages_are_bounded_and_not_quoted() {
        let (one, other) = tokio::io::duplex(1 << 10);
        let (mut one, mut other) = (Messages::over(one), Messages::over(other));
        one.send(&Answer::Done(serde_json::json!({"a": 1}))).await.unwrap();
        let answer: Answer = other.receive().await.unwrap();
        assert!(matches!(answer, Answer::Done(value) if value["a"] == 1));
        one.send(&serde_json::json!({"token": "canary"})).await.unwrap();
        let error = other.receive::<Envelope>().await.err().unwrap();
        assert!(error.kind() == io::ErrorKind::InvalidData && !error.to_string().contains("canary"));
        let error = one.send(&"x".repeat(MAX_MESSAGE_BYTES)).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);

        let (mut raw, other) = tokio::io::duplex(1 << 10);
        raw.write_all(&[&u32::MAX.to_be_bytes()[..], b"x"].concat()).await.unwrap();
        let error = Messages::over(other).receive::<Answer>().await.err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[tokio::test]
    async fn a_file_is_handed_over_with_the_beginning() {
        let (one, other) = UnixStream::pair().unwrap();
        let mut file = tempfile::tempfile().unwrap();
        begin(&one, Some(&file)).await.unwrap();
        let mut handed = beginning(&other).await.unwrap().unwrap();
        handed.write_all(b"here").unwrap();
        let mut text = String::new();
        file.rewind().unwrap();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "here");
        // Messages follow it.
        let (mut one, mut other) = (Messages::over(one), Messages::over(other));
        one.send(&Answer::Elsewhere).await.unwrap();
        assert!(matches!(other.receive().await.unwrap(), Answer::Elsewhere));

        let (one, other) = UnixStream::pair().unwrap();
        begin(&one, None).await.unwrap();
        assert!(beginning(&other).await.unwrap().is_none());
        let (mut one, other) = UnixStream::pair().unwrap();
        one.write_all(&[0]).await.unwrap();
        assert_eq!(beginning(&other).await.unwrap_err().kind(), io::ErrorKind::InvalidData);
        let (one, other) = UnixStream::pair().unwrap();
        drop(one);
        assert_eq!(beginning(&other).await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
