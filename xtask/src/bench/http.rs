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
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        let asked = self.stream.get_mut().write_all((head + body).as_bytes());
        asked.and_then(|()| read(&mut self.stream)).map_err(|source| failed(self.address, source))
    }
}

fn failed(address: SocketAddr, source: io::Error) -> Error {
    Error::Files { what: format!("http://{address}"), source }
}

/// Reads one answer that says its length, or has none.
fn read(stream: &mut impl BufRead) -> io::Result<(u16, String)> {
    let unclear = || io::Error::new(io::ErrorKind::InvalidData, "no answer of HTTP/1.1 that says its length");
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let status = line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    let status = status.ok_or_else(unclear)?;
    let mut length = 0;
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
                _ => {}
            }
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    String::from_utf8(body).map(|body| (status, body)).map_err(|_| unclear())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_follow_each_other() {
        let mut stream =
            &b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: y\r\n\r\nokHTTP/1.1 401 Unauthorized\r\n\r\n"[..];
        assert_eq!(read(&mut stream).unwrap(), (200, "ok".to_owned()));
        assert_eq!(read(&mut stream).unwrap(), (401, String::new()));
        assert!(read(&mut stream).is_err());
        assert!(read(&mut &b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"[..]).is_err());
    }
}
