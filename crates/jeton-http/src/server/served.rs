//! What a server needs from the service that it serves.

use super::head::HeadError;
use super::load::Claim;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, Uri};
use std::net::IpAddr;

/// A service that tells its server what that cannot know: a server knows no surface, and no shape of an
/// answer.
pub(crate) trait Served {
    /// The same service for a connection from this address, before its first request.
    #[must_use]
    fn for_peer(self, peer: IpAddr) -> Self;

    /// The places that a request may take.
    fn claim(&self, uri: &Uri, headers: &HeaderMap) -> Claim;

    /// The `Date` of an answer that is given now.
    fn date(&self) -> HeaderValue;

    /// The answer to a request for this path that is refused.
    fn refusal(&self, path: &str, why: Unserved) -> Response<Body>;
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unserved {
    /// There is no room for it.
    NoRoom,
    /// Its head is invalid.
    Head(HeadError),
}
