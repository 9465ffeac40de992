//! Errors in the head of a request.

use axum::http::header::HOST;
use axum::http::{HeaderValue, Request, StatusCode, Version};

/// Why a request is refused before its contents are considered. The connection is closed: what follows cannot
/// be trusted to be a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HeadError {
    /// It has no `Host`, several, or an invalid one.
    #[error("a request needs exactly one Host header, with a host and optionally a port")]
    Host,
    /// It is too large, or has too many headers.
    #[error("the head of the request is too large")]
    TooLarge,
    /// It is not a request. The HTTP library answers by itself.
    #[error("this is not an HTTP request")]
    Malformed,
}

/// At most this many headers in a head. The HTTP library has the same limit for HTTP/1.1, and none for HTTP/2.
pub(super) const MAX_HEADERS: usize = 100;

impl HeadError {
    /// The status of the answer.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            HeadError::Host | HeadError::Malformed => StatusCode::BAD_REQUEST,
            HeadError::TooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        }
    }

    /// The error in the head of this request, which may have `max_bytes`; `None`: there is none.
    pub(super) fn of<B>(request: &Request<B>, max_bytes: usize) -> Option<Self> {
        let hosts = request.headers().get_all(HOST).iter().map(HeaderValue::as_bytes);
        if !is_addressed(hosts, request.version() >= Version::HTTP_11) {
            return Some(HeadError::Host);
        }
        let is_large = request.headers().len() > MAX_HEADERS || length(request) > max_bytes;
        is_large.then_some(HeadError::TooLarge)
    }

    /// The error in the head for which hyper ended a connection; `None`: it ended otherwise.
    pub(super) fn of_error(error: &hyper::Error) -> Option<Self> {
        if error.is_parse_too_large() {
            Some(HeadError::TooLarge)
        } else {
            error.is_parse().then_some(HeadError::Malformed)
        }
    }
}

/// The approximate length of a head, as it is sent over HTTP/1.1: unusual extra white space is not counted.
pub(super) fn length<B>(request: &Request<B>) -> usize {
    let uri = request.uri();
    let authority = uri.authority().map_or(0, |authority| authority.as_str().len());
    let target = authority + uri.path_and_query().map_or(0, |target| target.as_str().len());
    let line = request.method().as_str().len() + target + "  HTTP/1.1\r\n".len();
    let headers =
        request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len());
    line + headers.sum::<usize>() + "\r\n".len()
}

/// Whether a request with these `Host` headers names its host (RFC 9112 section 3.2): exactly one, which may
/// be empty, or in HTTP/1.0 none.
pub(super) fn is_addressed<'a>(mut hosts: impl Iterator<Item = &'a [u8]>, needs_host: bool) -> bool {
    match (hosts.next(), hosts.next()) {
        (None, _) => !needs_host,
        (Some(host), None) => is_host(host),
        (Some(_), Some(_)) => false,
    }
}

/// Whether this is `uri-host [ ":" port ]` (RFC 9110 section 7.2, RFC 3986 section 3.2.2).
fn is_host(value: &[u8]) -> bool {
    let is_end_of = |bytes: &[u8]| match bytes.split_first() {
        None => true,
        Some((colon, port)) => *colon == b':' && port.iter().all(u8::is_ascii_digit),
    };
    if let Some(literal) = value.strip_prefix(b"[") {
        let end = literal.iter().position(|byte| *byte == b']');
        return end.is_some_and(|end| {
            let (address, rest) = literal.split_at(end);
            !address.is_empty()
                && address.iter().all(|byte| is_of_names(*byte) || *byte == b':')
                && is_end_of(&rest[1..])
        });
    }
    let end = value.iter().position(|byte| *byte == b':').unwrap_or(value.len());
    let (name, rest) = value.split_at(end);
    name.iter().all(|byte| is_of_names(*byte)) && is_end_of(rest)
}

/// Whether a registered name may contain this byte: unreserved, percent-encoded, or a sub-delimiter.
fn is_of_names(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'%' | b'!' | b'$' | b'&'..=b',' | b';' | b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_measured_as_they_were_sent() {
        let sent = "POST /auth/demo?permission=read HTTP/1.1\r\nhost: test\r\ncookie: a\r\ncookie: bc\r\nx-empty: \r\n\r\n";
        let request =
            Request::post("/auth/demo?permission=read").header("host", "test").header("cookie", "a");
        let request = request.header("cookie", "bc").header("x-empty", "").body(()).unwrap();
        assert_eq!(length(&request), sent.len());
        assert_eq!(HeadError::of(&request, sent.len()), None);
        assert_eq!(HeadError::of(&request, sent.len() - 1), Some(HeadError::TooLarge));
    }

    #[test]
    fn one_host_and_in_http_1_0_perhaps_none() {
        for (hosts, of_1_1, of_1_0) in [
            (&[][..], false, true),
            (&["jeton.example"], true, true),
            (&[""], true, true),
            (&["a", "a"], false, false),
            (&["a", ""], false, false),
            (&["a b"], false, false),
        ] {
            let is = |needs_host| is_addressed(hosts.iter().map(|host| host.as_bytes()), needs_host);
            assert_eq!((is(true), is(false)), (of_1_1, of_1_0), "{hosts:?}");
        }
    }

    #[test]
    fn hosts() {
        for good in [
            "localhost",
            "a.example:8080",
            "a:",
            ":80",
            "127.0.0.1",
            "192.0.2.1:443",
            "[::1]",
            "[2001:db8::1]:8443",
            "[fe80::1%25eth0]",
            "[v1.a:b]",
            "my_service",
            "xn--bcher-kva.example",
            "a%20b",
            "a!$&'()*+,;=b",
        ] {
            assert!(is_host(good.as_bytes()), "{good}");
        }
        for bad in [
            "a b", "a/b", "a@b", "http://a", "a:b", "a:80:80", "a:-1", "a?b", "a#b", "a\"b", "a\\b", "[::1",
            "::1", "[]", "[::1]x", "[::1]:x", "[a/b]", "a]", "\u{e9}", "a\tb", "<a>",
        ] {
            assert!(!is_host(bad.as_bytes()), "{bad}");
        }
    }
}
