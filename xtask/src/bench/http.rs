//! One connection over which request follows request.

use crate::error::Error;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A connection that is kept.
pub(super) struct Client {
    address: SocketAddr,
    stream: BufReader<TcpStream>,
}

impl Client {
    pub(super) fn connect(address: SocketAddr) -> Result<Self, Error> {
        let connected = || {
            let stream = TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(Duration::from_secs(30)))?;
            Ok(BufReader::new(stream))
        };
        let stream = connected().map_err(|source| failed(address, source))?;
        Ok(Client { address, stream })
    }

    /// Asks as the bearer of a token and answers the status and the body.
    pub(super) fn ask(
        &mut self,
        method: &str,
        path: &str,
        token: &str,
        body: &str,
    ) -> Result<(u16, String), Error> {
        let headers = format!("Authorization: Bearer {token}\r\nContent-Type: application/json\r\n");
        let answer = self.send(method, path, &headers, body)?;
        Ok((answer.status, answer.body))
    }

    /// Sends a form as a page of the same server does, and answers the cookie that comes back, as a browser sends it from then on.
    pub(super) fn send_form(&mut self, path: &str, form: &str) -> Result<Option<String>, Error> {
        let headers = "Sec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\n";
        Ok(self.send("POST", path, headers, form)?.cookie)
    }

    /// Opens a page with a cookie and answers its status.
    pub(super) fn open(&mut self, path: &str, cookie: &str) -> Result<u16, Error> {
        Ok(self.send("GET", path, &format!("Cookie: {cookie}\r\n"), "")?.status)
    }

    fn send(&mut self, method: &str, path: &str, headers: &str, body: &str) -> Result<Answer, Error> {
        let (address, length) = (self.address, body.len());
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\n{headers}Content-Length: {length}\r\n\r\n"
        );
        let asked = self.stream.get_mut().write_all((head + body).as_bytes());
        asked.and_then(|()| read(&mut self.stream)).map_err(|source| failed(address, source))
    }
}

/// What came back.
#[derive(Debug, PartialEq)]
struct Answer {
    status: u16,
    /// The first cookie that it sets.
    cookie: Option<String>,
    body: String,
}

fn failed(address: SocketAddr, source: io::Error) -> Error {
    Error::Files { what: format!("http://{address}"), source }
}

/// Reads one answer that says its length, or has none.
fn read(stream: &mut impl BufRead) -> io::Result<Answer> {
    let unclear = || io::Error::new(io::ErrorKind::InvalidData, "no answer of HTTP/1.1 that says its length");
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let status = line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    let status = status.ok_or_else(unclear)?;
    let (mut length, mut cookie) = (0, None);
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        if line.trim_end().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().map_err(|_| unclear())?,
                "transfer-encoding" => return Err(unclear()),
                "set-cookie" if cookie.is_none() => {
                    cookie = value.split(';').next().map(|cookie| cookie.trim().to_owned());
                }
                _ => {}
            }
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    String::from_utf8(body).map(|body| Answer { status, cookie, body }).map_err(|_| unclear())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_follow_each_other() {
        let mut stream =
            &b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: y\r\n\r\nokHTTP/1.1 303 See Other\r\nSet-Cookie: a=b; Secure\r\n\r\n"[..];
        let answer = |status, cookie: Option<&str>, body: &str| Answer {
            status,
            cookie: cookie.map(str::to_owned),
            body: body.to_owned(),
        };
        assert_eq!(read(&mut stream).unwrap(), answer(200, None, "ok"));
        assert_eq!(read(&mut stream).unwrap(), answer(303, Some("a=b"), ""));
        assert!(read(&mut stream).is_err());
        assert!(read(&mut &b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"[..]).is_err());
    }
}
