//! Ids of requests, for finding an answer in the log.

use super::Hold;
use crate::server::Headers;
use axum::http::{HeaderName, HeaderValue};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// The header with the id, in requests and answers.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// At most this many characters of an id that a client or a proxy chose. Minted secrets are longer.
const MAX_CHARS: usize = 48;

tokio::task_local! {
    /// The request that this task answers.
    pub(super) static REQUEST: RequestId;
}

/// The id of the request that is being answered here; `None` outside of requests. It is created for the first
/// line about the request, so requests that are not logged cost nothing.
pub fn request_id() -> Option<HeaderValue> {
    REQUEST.try_with(|request| request.get().clone()).ok()
}

/// The same, if the client gets it in the answer.
pub(crate) fn told_request_id() -> Option<HeaderValue> {
    REQUEST.try_with(|request| request.if_known().cloned()).ok().flatten()
}

/// The id of one request: received, or created on first use.
#[derive(Debug)]
pub(super) struct RequestId {
    id: OnceLock<HeaderValue>,
    pub(super) hold: Arc<Hold>,
}

impl RequestId {
    pub(super) fn new(headers: &impl Headers, hold: Arc<Hold>) -> Self {
        let brought = headers.named(&X_REQUEST_ID).next().filter(|value| is_plain(value));
        let brought = brought.and_then(|value| HeaderValue::from_bytes(value).ok());
        RequestId { id: brought.map_or_else(OnceLock::new, OnceLock::from), hold }
    }

    pub(super) fn get(&self) -> &HeaderValue {
        self.id.get_or_init(|| self.hold.observer.ids.next())
    }

    /// The id, if it was received or has been used.
    pub(super) fn if_known(&self) -> Option<&HeaderValue> {
        self.id.get()
    }
}

/// Whether a text is a valid id: 1 to [`MAX_CHARS`] letters, digits, dots, hyphens and underscores, which are
/// safe in any log.
fn is_plain(text: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    (1..=MAX_CHARS).contains(&text.len()) && text.iter().all(plain)
}

/// The source of ids: a prefix unique to this process, and a number. They are not secret.
#[derive(Debug, Default)]
pub(super) struct RequestIds {
    prefix: u32,
    last: AtomicU64,
}

impl RequestIds {
    pub(super) fn new(prefix: u32) -> Self {
        RequestIds { prefix, last: AtomicU64::default() }
    }

    fn next(&self) -> HeaderValue {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let id = HeaderValue::try_from(format!("{:08x}-{number:x}", self.prefix));
        id.unwrap_or_else(|_| unreachable!("hexadecimal digits are a header value"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_are_plain_and_short() {
        for good in ["7", "0190c1b2-7a3e-7c4d-8e5f-001122334455", "a.b_c-D", &"x".repeat(48)] {
            assert!(is_plain(good.as_bytes()), "{good}");
        }
        for bad in ["", "a b", "a\"b", "a=b", "é", &"x".repeat(49), &"0".repeat(64)] {
            assert!(!is_plain(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn ids_of_a_process_do_not_repeat() {
        let ids = RequestIds::new(0xab);
        assert_eq!((ids.next(), ids.next()), ("000000ab-1".parse().unwrap(), "000000ab-2".parse().unwrap()));
        assert!(is_plain(ids.next().as_bytes()), "another process takes it as it is");
    }
}
