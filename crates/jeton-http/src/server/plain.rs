//! Plain request heads, without anything that concerns the connection or a body.

use super::head::is_addressed;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use httparse::Status;
use std::mem::MaybeUninit;

/// At most this many headers in a plain head. A browser sends about twenty, and proxies add a few.
pub(super) const MAX_HEADERS: usize = 64;

/// Headers about the framing of the message or its connection. A head with one of them is not plain.
const FRAMING: [&str; 4] = ["content-length", "transfer-encoding", "expect", "upgrade"];

/// Storage for the headers of a head, which points into it.
pub(super) type HeaderRoom<'a> = [MaybeUninit<httparse::Header<'a>>; MAX_HEADERS];

/// A complete plain head: `GET` or `HEAD` over HTTP/1.1 without a body, on a connection that stays open, with
/// one host, and a path and a query whose characters are literal or percent-encoded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlainHead<'a> {
    method: &'static str,
    path: &'a str,
    query: &'a str,
    headers: &'a [httparse::Header<'a>],
}

/// What some bytes start with.
#[derive(Debug)]
pub(super) enum Reading<'a> {
    /// A plain head of this length.
    Plain(PlainHead<'a>, usize),
    /// An incomplete head.
    Partial,
    /// Anything else: another kind of head, one that is too long, or none.
    Other,
}

impl<'a> PlainHead<'a> {
    /// Parses the head at the start of the bytes, if it has at most `max_bytes`.
    pub(super) fn read(bytes: &'a [u8], max_bytes: usize, room: &'a mut HeaderRoom<'a>) -> Reading<'a> {
        let mut request = httparse::Request::new(&mut []);
        let length = match request.parse_with_uninit_headers(bytes, room) {
            Ok(Status::Complete(length)) if length <= max_bytes => length,
            Ok(Status::Partial) if bytes.len() < max_bytes => return Reading::Partial,
            Ok(Status::Complete(_) | Status::Partial) | Err(_) => return Reading::Other,
        };
        let (Some(target), Some(1)) = (request.path, request.version) else { return Reading::Other };
        let method = match request.method {
            Some("GET") => "GET",
            Some("HEAD") => "HEAD",
            Some(_) | None => return Reading::Other,
        };
        let headers: &'a [httparse::Header<'a>] = request.headers;
        let hosts = headers.iter().filter(|header| header.name.eq_ignore_ascii_case("host"));
        let is_addressed = is_addressed(hosts.map(|header| header.value), true);
        if !is_addressed || !is_plain_target(target) || !headers.iter().all(is_plain) {
            return Reading::Other;
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Reading::Plain(PlainHead { method, path, query, headers }, length)
    }

    /// `GET` or `HEAD`.
    pub(crate) fn method(&self) -> &'static str {
        self.method
    }

    /// The path, as it was sent.
    pub(crate) fn path(&self) -> &'a str {
        self.path
    }

    /// The query without its question mark, as it was sent; empty if there is none.
    pub(crate) fn query(&self) -> &'a str {
        self.query
    }

    /// An owned copy of its headers.
    pub(crate) fn to_headers(self) -> HeaderMap {
        let headers = self.headers.iter().filter_map(|header| {
            // What the parser accepts, these accept too.
            let name = HeaderName::from_bytes(header.name.as_bytes()).ok()?;
            Some((name, HeaderValue::from_bytes(header.value).ok()?))
        });
        headers.collect()
    }

    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) fn headers(&self) -> &'a [httparse::Header<'a>] {
        self.headers
    }
}

/// Headers, however they were parsed.
pub(crate) trait Headers {
    /// The values of the headers with this name, in order. Empty ones count as absent.
    fn named(&self, name: &HeaderName) -> impl Iterator<Item = &[u8]>;
}

impl Headers for HeaderMap {
    fn named(&self, name: &HeaderName) -> impl Iterator<Item = &[u8]> {
        self.get_all(name).iter().map(HeaderValue::as_bytes).filter(|value| !value.is_empty())
    }
}

impl Headers for PlainHead<'_> {
    fn named(&self, name: &HeaderName) -> impl Iterator<Item = &[u8]> {
        let says = |header: &&httparse::Header<'_>| {
            header.name.eq_ignore_ascii_case(name.as_str()) && !header.value.is_empty()
        };
        self.headers.iter().filter(says).map(|header| header.value)
    }
}

/// Whether a request target is a path and optionally a query (RFC 9112 section 3.2.1) of the characters that
/// RFC 3986 allows in them.
fn is_plain_target(target: &str) -> bool {
    let is_plain = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*')
            || matches!(byte, b'+' | b',' | b';' | b'=' | b':' | b'@' | b'/' | b'?' | b'%')
    };
    target.starts_with('/') && target.bytes().all(is_plain)
}

fn is_plain(header: &httparse::Header<'_>) -> bool {
    if header.name.eq_ignore_ascii_case("connection") {
        return header.value.eq_ignore_ascii_case(b"keep-alive");
    }
    !FRAMING.iter().any(|name| header.name.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A summary of the result: the head's parts and length, `partial` or `other`.
    fn show(bytes: &[u8]) -> String {
        match PlainHead::read(bytes, 200, &mut [const { MaybeUninit::uninit() }; MAX_HEADERS]) {
            Reading::Plain(head, length) => {
                let name = crate::transport::credentials::X_ACCESS_TOKEN;
                let values: Vec<_> = head.named(&name).map(|value| str::from_utf8(value).unwrap()).collect();
                format!("{} {} {} {values:?} {length}", head.method(), head.path(), head.query())
            }
            Reading::Partial => "partial".to_owned(),
            Reading::Other => "other".to_owned(),
        }
    }

    #[test]
    fn heads_that_are_plain() {
        for (head, shown) in [
            ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET /  [] 27"),
            ("HEAD /a/b%20c?d=e&f=g?h HTTP/1.1\r\nHost: x\r\n\r\nGET", "HEAD /a/b%20c d=e&f=g?h [] 45"),
            (
                "GET /? HTTP/1.1\r\nHost: x\r\nX-ACCESS-token: a\r\nx-access-token:b \r\n\r\n",
                "GET /  [\"a\", \"b\"] 66",
            ),
            ("GET / HTTP/1.1\r\nHost: x\r\nX-Access-Token:\r\nX-Access-Token:  \r\n\r\n", "GET /  [] 63"),
            ("GET / HTTP/1.1\r\nHost: x\r\nConnection: Keep-Alive\r\n\r\n", "GET /  [] 51"),
        ] {
            assert_eq!(show(head.as_bytes()), shown, "{head:?}");
        }
    }

    #[test]
    fn a_part_of_a_head_may_become_plain() {
        let head = "GET /auth/demo HTTP/1.1\r\nHost: x\r\n\r\n";
        for length in 0..head.len() {
            assert_eq!(show(&head.as_bytes()[..length]), "partial", "{length}");
        }
        assert_eq!(show(head.as_bytes()), "GET /auth/demo  [] 36");
    }

    #[test]
    fn all_else_is_for_others() {
        let crowd = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "a:b\r\n".repeat(MAX_HEADERS + 1));
        let long = format!("GET / HTTP/1.1\r\nHost: x\r\na: {}\r\n\r\n", "b".repeat(180));
        for head in [
            "POST / HTTP/1.1\r\nHost: x\r\n\r\n",
            "get / HTTP/1.1\r\nHost: x\r\n\r\n",
            "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET / HTTP/1.0\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\nhost: x\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\nHost:\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x/y\r\n\r\n",
            "GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET /a\"b HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET /#a HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET /\u{e9} HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\ncontent-length: 0\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, upgrade\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\na: b\r\n c\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "\u{16}\u{3}\u{1}",
            &crowd,
            &long,
            &long[..200],
        ] {
            assert_eq!(show(head.as_bytes()), "other", "{head:?}");
        }
    }
}
