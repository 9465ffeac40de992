//! Bytes to the server and back.

use super::PROMPT;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The target, and valid credentials for it.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) address: SocketAddr,
    pub(super) admin: String,
    pub(super) basic: String,
    /// The same for the app with the long list.
    pub(super) big_admin: String,
    pub(super) big_basic: String,
}

/// The value of `Authorization` for client credentials.
pub(super) fn basic(id: &str, secret: &str) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::from("Basic ");
    for group in format!("{id}:{secret}").as_bytes().chunks(3) {
        let bits =
            group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place) & 63) as usize];
            encoded.push(if place <= group.len() { char::from(digit) } else { '=' });
        }
    }
    encoded
}

impl Target {
    pub(super) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends these bytes and reads until the server closes, which it must do in time.
    pub(super) async fn exchange(&self, what: &str, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.connect().await;
        let mut answer = Vec::new();
        let exchanged = timeout(PROMPT, async {
            let (mut from, mut to) = stream.split();
            // The server may answer and close before it has read all, and the last that is read then is an
            // error.
            let _ = tokio::join!(to.write_all(bytes), from.read_to_end(&mut answer));
        });
        assert!(exchanged.await.is_ok(), "{what}: no end: {}", String::from_utf8_lossy(&answer));
        answer
    }
}

/// The statuses of all answers in these bytes, none of which may be a fault of the server.
pub(super) fn statuses(what: &str, bytes: &[u8]) -> Vec<u16> {
    let text = String::from_utf8_lossy(bytes);
    let statuses: Vec<u16> = text
        .match_indices("HTTP/1.1 ")
        .filter_map(|(at, mark)| text.get(at + mark.len()..at + mark.len() + 3)?.parse().ok())
        .collect();
    assert!(statuses.iter().all(|status| *status < 500 || *status == 503), "{what}: {text}");
    statuses
}
