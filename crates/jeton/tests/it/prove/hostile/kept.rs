//! A connection of a client that keeps it, as gateways and backends do.

use super::PROMPT;
use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};

/// A connection over which request follows request.
pub(super) struct Kept {
    stream: BufReader<TcpStream>,
}

/// What a client looks at of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: u16,
    /// The seconds of `Retry-After`.
    pub(super) retry_after: Option<u64>,
    /// The server closes the connection.
    pub(super) is_last: bool,
}

impl Kept {
    /// One from an address of this machine.
    pub(super) fn from(own: Ipv4Addr, to: SocketAddr) -> Self {
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        bind(&socket, &SocketAddrV4::new(own, 0)).unwrap();
        connect(&socket, &to).unwrap();
        let stream = TcpStream::from(socket);
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PROMPT)).unwrap();
        Kept { stream: BufReader::new(stream) }
    }

    /// Sends a request, which is written out, and reads the answer.
    pub(super) fn ask(&mut self, request: &str) -> Reply {
        self.stream.get_mut().write_all(request.as_bytes()).unwrap();
        let (mut line, mut head) = (String::new(), String::new());
        while self.stream.read_line(&mut line).unwrap() > 2 {
            head.push_str(&std::mem::take(&mut line));
        }
        let value = |name: &str| {
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
        };
        let status = head.get(9..12).and_then(|status| status.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no HTTP: {head:?}"));
        let length = value("content-length").map_or(0, |length| length.parse().unwrap());
        self.stream.read_exact(&mut vec![0; length]).unwrap();
        let is_last = value("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        Reply { status, retry_after: value("retry-after").map(|seconds| seconds.parse().unwrap()), is_last }
    }
}
