//! Requests over a connection that stays open.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

pub(super) fn connect(address: SocketAddr) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(crate::support::PATIENCE)).unwrap();
    BufReader::new(stream)
}

/// Sends a request, and answers the status and the body.
pub(super) fn ask_over(
    stream: &mut BufReader<TcpStream>,
    what: &str,
    secret: &str,
    body: &str,
) -> (u16, Vec<u8>) {
    try_ask_over(stream, what, secret, body).unwrap()
}

/// The same, of a server that may end meanwhile.
pub(super) fn try_ask_over(
    stream: &mut BufReader<TcpStream>,
    what: &str,
    secret: &str,
    body: &str,
) -> io::Result<(u16, Vec<u8>)> {
    let head = format!(
        "{what} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {secret}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.get_mut().write_all(head.as_bytes())?;
    let (mut status, mut line, mut length) = (0, String::new(), 0);
    loop {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Err(io::Error::new(ErrorKind::UnexpectedEof, "the server closed the connection"));
        }
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(rest) = line.strip_prefix("http/1.1 ") {
            status = rest.get(..3).and_then(|status| status.parse().ok()).ok_or(ErrorKind::InvalidData)?;
        } else if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(|_| ErrorKind::InvalidData)?;
        } else if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok((status, body))
}
