//! The protocol of the control socket: a length in four bytes, most significant first, and JSON of that
//! length. One request and one answer per connection.
//!
//! Both ends are one binary, or an older and a newer one: an older server refuses what it does not know.

use crate::error::{CommandError, CommandErrorKind};
use crate::request::Request;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Bytes in one message. An import of 500 lines of 16 KiB fits.
const MAX_MESSAGE_BYTES: u32 = 16 * 1024 * 1024;

/// How often a server reports that it works on a request.
pub(super) const BEAT: Duration = Duration::from_secs(1);

/// A request and the database that it is about. Contains secrets: it has no `Debug`.
#[derive(Serialize, Deserialize)]
pub(super) struct Envelope {
    /// See `Installation::fingerprint`.
    pub(super) database: String,
    pub(super) request: Request,
    /// Whether the client understands [`Answer::Working`], which older commands do not.
    #[serde(default)]
    pub(super) hears_beats: bool,
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
    Working,
}

impl From<Result<Value, CommandError>> for Answer {
    fn from(result: Result<Value, CommandError>) -> Self {
        match result {
            Ok(value) => Answer::Done(value),
            Err(CommandError { kind, message }) => Answer::Failed { kind, message },
        }
    }
}

/// Sends one message.
pub(super) async fn send<T: Serialize>(
    stream: &mut (impl AsyncWrite + Unpin),
    message: &T,
) -> io::Result<()> {
    let bytes = serde_json::to_vec(message).map_err(io::Error::other)?;
    let length = u32::try_from(bytes.len()).ok().filter(|length| *length <= MAX_MESSAGE_BYTES);
    let length =
        length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the message is too long"))?;
    stream.write_all(&length.to_be_bytes()).await?;
    stream.write_all(&bytes).await?;
    stream.flush().await
}

/// Receives one message. An invalid message is `InvalidData`, and its text is not quoted.
pub(super) async fn receive<T: for<'a> Deserialize<'a>>(
    stream: &mut (impl AsyncRead + Unpin),
) -> io::Result<T> {
    let length = stream.read_u32().await?;
    if length > MAX_MESSAGE_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the message is too long"));
    }
    let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    stream.read_exact(&mut bytes).await?;
    serde_json::from_slice(&bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "this version does not know the message"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn messages_are_bounded_and_not_quoted() {
        let mut bytes = Vec::new();
        send(&mut bytes, &Answer::Done(serde_json::json!({"a": 1}))).await.unwrap();
        let answer: Answer = receive(&mut bytes.as_slice()).await.unwrap();
        assert!(matches!(answer, Answer::Done(value) if value["a"] == 1));

        let too_long = [&u32::MAX.to_be_bytes()[..], b"x"].concat();
        let error = receive::<Answer>(&mut too_long.as_slice()).await.err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);

        let mut bytes = Vec::new();
        send(&mut bytes, &serde_json::json!({"token": "canary"})).await.unwrap();
        let error = receive::<Envelope>(&mut bytes.as_slice()).await.err().unwrap();
        assert!(!error.to_string().contains("canary"));
    }
}
