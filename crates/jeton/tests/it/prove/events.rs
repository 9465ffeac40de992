//! Change streams as clients read them: server-sent events.

use crate::support::PATIENCE;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// An event.
pub(super) struct Event {
    /// The position behind it; `None`: it has none.
    pub(super) id: Option<String>,
    pub(super) data: String,
}

impl Event {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_else(|error| panic!("{error}: {}", self.data))
    }
}

/// A stream of them.
pub(super) struct Events {
    stream: BufReader<TcpStream>,
    /// What was read and is not a whole line yet.
    line: String,
    /// The last position, of an event or in between.
    pub(super) id: Option<String>,
}

impl Events {
    /// Asks for the changes of rows, as a client does that goes on behind `since`.
    pub(super) fn ask(address: SocketAddr, token: &str, since: Option<&str>) -> TcpStream {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let since = since.map(|since| format!("Last-Event-ID: {since}\r\n")).unwrap_or_default();
        let head = format!(
            "GET /api/accessTokens/change-stream HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\
             X-Access-Token: {token}\r\n{since}\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream
    }

    /// The stream; or the status, if it is not to be had.
    pub(super) fn open(address: SocketAddr, token: &str, since: Option<&str>) -> Result<Self, u16> {
        let mut stream = BufReader::new(Events::ask(address, token, since));
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(stream.read_line(&mut head).unwrap(), 0, "{head}");
        }
        let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
        match status {
            Some(200) => Ok(Events { stream, line: String::new(), id: since.map(str::to_owned) }),
            Some(status) => Err(status),
            None => panic!("{head}"),
        }
    }

    /// The next event; `None`: the stream has ended.
    pub(super) fn next(&mut self) -> Option<Event> {
        let mut id = None;
        loop {
            while let Some(at) = self.line.find('\n') {
                let rest = self.line.split_off(at + 1);
                let line = std::mem::replace(&mut self.line, rest);
                if let Some(position) = line.strip_prefix("id: ") {
                    id = Some(position.trim_end().to_owned());
                    self.id.clone_from(&id);
                } else if let Some(data) = line.strip_prefix("data: ") {
                    return Some(Event { id, data: data.trim_end().to_owned() });
                }
            }
            self.read_chunk()?;
        }
    }

    fn read_chunk(&mut self) -> Option<()> {
        let mut size = String::new();
        self.stream.read_line(&mut size).unwrap();
        let bytes = usize::from_str_radix(size.trim(), 16).unwrap_or_else(|_| panic!("no chunk: {size:?}"));
        let mut chunk = vec![0; bytes + 2];
        self.stream.read_exact(&mut chunk).unwrap();
        chunk.truncate(bytes);
        self.line.push_str(std::str::from_utf8(&chunk).unwrap());
        (bytes > 0).then_some(())
    }
}
