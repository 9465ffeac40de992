//! A client that sends exactly the given bytes.

use super::PATIENCE;
use serde_json::Value;
use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let pairs = self.head.lines().filter_map(|line| line.split_once(':'));
        pairs.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }
}

/// Sends one request with these header lines, and reads the answer. A body is JSON unless a header says
/// otherwise.
#[track_caller]
pub(crate) fn request(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &[String],
    body: Option<&str>,
) -> Answer {
    let text = send(address, &message(address, method, target, headers, body));
    parse(&text).unwrap_or_else(|| panic!("no HTTP: {text:?}"))
}

/// The same to a server that may go away: `None` if no whole answer came.
pub(crate) fn request_if_served(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &[String],
    body: Option<&str>,
) -> Option<Answer> {
    let answer = exchange(address, &message(address, method, target, headers, body)).ok()?;
    let answer = parse(&answer)?;
    let length = answer.header("content-length").and_then(|length| length.parse().ok());
    length.is_none_or(|length: usize| length == answer.body.len()).then_some(answer)
}

/// Sends these bytes, whatever they are, and reads all that comes back.
#[track_caller]
pub(crate) fn send(address: SocketAddr, bytes: &[u8]) -> String {
    exchange(address, bytes).unwrap_or_else(|e| panic!("{address}: {e}"))
}

fn message(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &[String],
    body: Option<&str>,
) -> Vec<u8> {
    let mut message = format!("{method} {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for header in headers {
        message.push_str(header);
        message.push_str("\r\n");
    }
    if let Some(body) = body {
        if !headers.iter().any(|header| header.to_ascii_lowercase().starts_with("content-type:")) {
            message.push_str("Content-Type: application/json\r\n");
        }
        write!(message, "Content-Length: {}\r\n", body.len()).expect("a string takes all");
    }
    message.push_str("\r\n");
    message.push_str(body.unwrap_or_default());
    message.into_bytes()
}

fn exchange(address: SocketAddr, bytes: &[u8]) -> io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    // The server may answer and close before it has read all.
    drop(stream.write_all(bytes));
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(error) if error.kind() != io::ErrorKind::ConnectionReset => return Err(error),
        Ok(_) | Err(_) => {}
    }
    String::from_utf8(answer).map_err(io::Error::other)
}

fn parse(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    let answer = Answer { status, head: head.to_owned(), body: String::new() };
    let is_chunked = answer.header("transfer-encoding").is_some_and(|value| value == "chunked");
    let body = if is_chunked { join_chunks(body)? } else { body.to_owned() };
    Some(Answer { body, ..answer })
}

/// `None`: the last chunk is missing, so the answer was cut.
fn join_chunks(mut text: &str) -> Option<String> {
    let mut whole = String::new();
    loop {
        let (length, rest) = text.split_once("\r\n")?;
        let length = usize::from_str_radix(length, 16).ok()?;
        if length == 0 {
            return Some(whole);
        }
        whole.push_str(rest.get(..length)?);
        text = rest.get(length..)?.strip_prefix("\r\n")?;
    }
}
