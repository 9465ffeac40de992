//! Headers as the HTTP library has them, or as they lie in a buffer.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// Headers, whoever read them.
pub(crate) trait Headers {
    /// The values of the headers of this name, in their order. One with nothing in it is as if it were not there.
    fn named(&self, name: &HeaderName) -> impl Iterator<Item = &[u8]>;
}

impl Headers for HeaderMap {
    fn named(&self, name: &HeaderName) -> impl Iterator<Item = &[u8]> {
        self.get_all(name).iter().map(HeaderValue::as_bytes).filter(|value| !value.is_empty())
    }
}
