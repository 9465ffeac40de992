//! A server behind a gateway, which notes what it is sent.

use crate::support::PATIENCE;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// A request as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) method: String,
    pub(super) target: String,
    headers: Vec<(String, String)>,
    pub(super) body: String,
}

/// A server that answers each request alike, and a WebSocket by sending back what comes.
pub(super) struct Witness {
    pub(super) address: SocketAddr,
    answer: Arc<Mutex<String>>,
    seen: Receiver<Seen>,
}

impl Seen {
    /// The values of a header, of which one that is there and empty is none.
    pub(super) fn all(&self, name: &str) -> Vec<&str> {
        let values = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        values.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty()).collect()
    }

    /// The names of the headers that are there and not empty, in lower case.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        let there = self.headers.iter().filter(|(_, value)| !value.is_empty());
        there.map(|(name, _)| name.to_ascii_lowercase())
    }
}

impl Witness {
    /// One that answers 200.
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.2:0").unwrap();
        let address = listener.local_addr().unwrap();
        let answer = Arc::new(Mutex::new("200 OK\r\nContent-Length: 6\r\n\r\nserved".to_owned()));
        let (sender, seen) = mpsc::channel();
        let shared = Arc::clone(&answer);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (sender, answer) = (sender.clone(), Arc::clone(&shared));
                // A gateway that goes away ends it.
                thread::spawn(move || drop(serve(stream, &sender, &answer)));
            }
        });
        Witness { address, answer, seen }
    }

    /// From now on this is the answer: what follows the version in its first line, headers and body.
    pub(super) fn answer(&self, answer: &str) {
        answer.clone_into(&mut self.answer.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The one request since the last look; `None`: there was none. It is noted before it is answered.
    #[track_caller]
    pub(super) fn saw(&self) -> Option<Seen> {
        let seen = self.seen.try_recv().ok();
        assert_eq!(self.seen.try_recv().ok(), None, "only one request");
        seen
    }
}

fn serve(stream: TcpStream, seen: &Sender<Seen>, answer: &Mutex<String>) -> io::Result<()> {
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream)? {
        let is_upgrade = request.all("upgrade").iter().any(|value| value.eq_ignore_ascii_case("websocket"));
        let text = answer.lock().unwrap_or_else(PoisonError::into_inner).clone();
        drop(seen.send(request));
        if is_upgrade {
            // The answer to the key of RFC 6455 section 1.3.
            let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
            stream.get_mut().write_all(head.as_bytes())?;
            let mut back = stream.get_ref().try_clone()?;
            io::copy(&mut stream, &mut back)?;
            return Ok(());
        }
        stream.get_mut().write_all(format!("HTTP/1.1 {text}").as_bytes())?;
    }
    Ok(())
}

/// `None`: the connection has ended.
fn read(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Seen>> {
    let mut first = String::new();
    if stream.read_line(&mut first)? == 0 {
        return Ok(None);
    }
    let mut words = first.split_whitespace().map(str::to_owned);
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = Vec::new();
    loop {
        let line = line(stream)?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut seen = Seen { method, target, headers, body: String::new() };
    if seen.all("transfer-encoding").contains(&"chunked") {
        loop {
            let length = usize::from_str_radix(&line(stream)?, 16).map_err(io::Error::other)?;
            seen.body.push_str(&text(stream, length)?);
            line(stream)?;
            if length == 0 {
                break;
            }
        }
    } else if let Some(length) = seen.all("content-length").first() {
        seen.body = text(stream, length.parse().map_err(io::Error::other)?)?;
    }
    Ok(Some(seen))
}

fn line(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

fn text(stream: &mut BufReader<TcpStream>, length: usize) -> io::Result<String> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes)?;
    String::from_utf8(bytes).map_err(io::Error::other)
}
