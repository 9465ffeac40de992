//! Requests that are no HTTP, or that two servers could read differently.

use super::wire::{Target, statuses};

const BODY: &str = r#"{"title":"shape","permissions":"read"}"#;

/// A request that two servers might take for one or for two. The second, where there is one, ends the
/// connection.
const TAIL: &str = "GET /smuggled HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";

/// Sends every shape and answers how many there are.
pub(super) async fn run(target: &Target) -> usize {
    let mut count = 0;
    for (name, framing, body, expected) in framings() {
        let request = format!(
            "POST /AccessToken/demo HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\n{framing}\r\n\r\n{body}{TAIL}",
            target.admin
        );
        let answer = target.exchange(name, request.as_bytes()).await;
        let text = String::from_utf8_lossy(&answer);
        assert_eq!(statuses(name, &answer), expected, "{name}: {text}");
        count += 1;
    }
    for (name, request, expected) in heads() {
        let answer = target.exchange(name, &request).await;
        let text = String::from_utf8_lossy(&answer);
        assert_eq!(statuses(name, &answer), expected, "{name}: {text}");
        count += 1;
    }
    count
}

/// Requests sent ahead are answered, each, in their order.
pub(super) async fn pipeline(target: &Target, count: usize) {
    let one = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n");
    let requests = format!("{}{}", (one("/healthz") + &one("/nowhere")).repeat(count / 2), TAIL);
    let answer = target.exchange("pipeline", requests.as_bytes()).await;
    let statuses = statuses("pipeline", &answer);
    let (last, others) = statuses.split_last().unwrap();
    assert_eq!((others.len(), *last), (count / 2 * 2, 404));
    assert!(others.chunks(2).all(|pair| pair == [200, 404]), "{others:?}");
}

/// How the body is framed, the body, and the answers that come: two only where the first request has a plain
/// end.
fn framings() -> Vec<(&'static str, String, String, Vec<u16>)> {
    let length = BODY.len();
    let chunked = format!("{length:x}\r\n{BODY}\r\n0\r\n\r\n");
    let with_length = |line: &str| line.replace("LENGTH", &length.to_string());
    let plain =
        |name, line: &str, expected: &[u16]| (name, with_length(line), BODY.to_owned(), expected.to_vec());
    let coded =
        |name, line: &str, expected: &[u16]| (name, with_length(line), chunked.clone(), expected.to_vec());
    let chunks = |name, body: String, expected: &[u16]| {
        (name, "Transfer-Encoding: chunked".to_owned(), body, expected.to_vec())
    };
    vec![
        plain("a length", "Content-Length: LENGTH", &[200, 404]),
        plain("the same length twice", "Content-Length: LENGTH\r\nContent-Length: LENGTH", &[200, 404]),
        plain("two lengths", "Content-Length: LENGTH\r\nContent-Length: 0", &[400]),
        plain("two lengths, none first", "Content-Length: 0\r\nContent-Length: LENGTH", &[400]),
        plain("lengths in a list", "Content-Length: LENGTH, LENGTH", &[400]),
        plain("a length with a sign", "Content-Length: +LENGTH", &[400]),
        plain("a length below nothing", "Content-Length: -1", &[400]),
        plain("a length in another base", "Content-Length: 0x26", &[400]),
        plain("a length beyond numbers", "Content-Length: 99999999999999999999999", &[400]),
        plain("no length at all", "Content-Length:", &[400]),
        plain("a blank before the colon", "Content-Length : LENGTH", &[400]),
        plain("a folded header", "X-Folded: a\r\n b\r\nContent-Length: LENGTH", &[400]),
        plain("a header without a name", ": a\r\nContent-Length: LENGTH", &[400]),
        plain("a header without a colon", "Nothing\r\nContent-Length: LENGTH", &[400]),
        plain("a NUL in a header", "X-Nul: a\0b\r\nContent-Length: LENGTH", &[400]),
        plain("a lone CR in a header", "X-Cr: a\rContent-Length: 0\r\nContent-Length: LENGTH", &[400]),
        coded("chunks", "Transfer-Encoding: chunked", &[200, 404]),
        coded("chunks by any case", "tRaNsFeR-eNcOdInG: CHUNKED", &[200, 404]),
        coded("a length before chunks", "Content-Length: LENGTH\r\nTransfer-Encoding: chunked", &[200]),
        coded("a length behind chunks", "Transfer-Encoding: chunked\r\nContent-Length: 4", &[200]),
        coded("something like chunks", "Transfer-Encoding: xchunked", &[400]),
        coded("chunks inside something", "Transfer-Encoding: chunked, identity", &[400]),
        coded("chunks and then something", "Transfer-Encoding: chunked\r\nTransfer-Encoding: x", &[400]),
        coded("a blank before the coding's colon", "Transfer-Encoding : chunked", &[400]),
        coded("a control character before the coding", "Transfer-Encoding: \u{b}chunked", &[400]),
        chunks("an extension", format!("{length:x};a=b\r\n{BODY}\r\n0\r\n\r\n"), &[200, 404]),
        chunks("a line end in an extension", format!("{length:x};a\n{BODY}\r\n0\r\n\r\n"), &[400]),
        chunks("endless extensions", format!("1;{}\r\nx\r\n0\r\n\r\n", "x".repeat(40_000)), &[400]),
        chunks("a size beyond numbers", "fffffffffffffffff\r\n".to_owned(), &[400]),
        chunks("a size that is none", "x\r\n".to_owned(), &[400]),
        chunks("a size with a sign", format!("+{length:x}\r\n{BODY}\r\n0\r\n\r\n"), &[400]),
        chunks("a size in another base", format!("0x{length:x}\r\n{BODY}\r\n0\r\n\r\n"), &[400]),
        chunks("a chunk longer than its size", format!("1\r\n{BODY}\r\n0\r\n\r\n"), &[400]),
        chunks("endless trailers", format!("0\r\n{}\r\n", "X: y\r\n".repeat(20_000)), &[400]),
    ]
}

/// Heads that stand alone, and the answers that come; none where what came cannot have been HTTP/1.
fn heads() -> Vec<(&'static str, Vec<u8>, Vec<u16>)> {
    let close = "Host: test\r\nConnection: close\r\n";
    let line = |name, line: &str, expected: &[u16]| {
        (name, format!("{line}\r\n{close}\r\n").into_bytes(), expected.to_vec())
    };
    let bytes = |name, bytes: &[u8], expected: &[u16]| (name, bytes.to_vec(), expected.to_vec());
    let get = |name, more: String, expected: &[u16]| {
        (name, format!("GET /healthz HTTP/1.1\r\n{close}{more}\r\n").into_bytes(), expected.to_vec())
    };
    vec![
        line("the whole URL", "GET http://elsewhere/healthz HTTP/1.1", &[200]),
        line("an asterisk", "OPTIONS * HTTP/1.1", &[404]),
        line("a tunnel", "CONNECT elsewhere:443 HTTP/1.1", &[404]),
        line("a version to come", "GET /healthz HTTP/1.2", &[400]),
        line("no version", "GET /healthz", &[400]),
        line("HTTP/2 by prior knowledge", "PRI * HTTP/2.0", &[400]),
        line("blanks in the target", "GET /a b HTTP/1.1", &[400]),
        line("a control character in the target", "GET /a\u{1} HTTP/1.1", &[400]),
        line("a slash too few", "GET healthz HTTP/1.1", &[404]),
        line("two slashes", "GET //healthz HTTP/1.1", &[404]),
        line("dots", "GET /../../etc/passwd HTTP/1.1", &[404]),
        line("a long method", &format!("{} / HTTP/1.1", "M".repeat(10_000)), &[404]),
        line("a target beyond the head", &format!("GET /{} HTTP/1.1", "x".repeat(100_000)), &[431]),
        get("a header beyond the head", format!("X: {}\r\n", "x".repeat(1_000_000)), &[431]),
        get("10,000 headers", "X: y\r\n".repeat(10_000), &[431]),
        get("101 headers", "X: y\r\n".repeat(101), &[431]),
        get("two hosts", "Host: other\r\n".to_owned(), &[400]),
        bytes("no host", b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n", &[400]),
        bytes(
            "a host that is none",
            b"GET /healthz HTTP/1.1\r\nHost: a/b\r\nConnection: close\r\n\r\n",
            &[400],
        ),
        bytes("bytes that are no text", &[0xff; 1_000], &[400]),
        bytes("a TLS client", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", &[400]),
        bytes(
            "chunks in HTTP/1.0",
            b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            &[400],
        ),
    ]
}
