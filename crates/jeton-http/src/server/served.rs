//! What a server asks of the service that it serves connections with.

use super::head::HeadError;
use super::load::Claim;
use axum::body::Body;
use axum::http::{HeaderMap, Response, Uri};
use std::net::IpAddr;

/// A service that says of requests what its server cannot know: a server knows no surface, and no shape of an answer.
pub(crate) trait Served {
    /// The same for a connection that comes from this address, before its first request.
    #[must_use]
    fn for_peer(self, peer: IpAddr) -> Self;

    /// Which places a request may take.
    fn claim(&self, uri: &Uri, headers: &HeaderMap) -> Claim;

    /// What a request of this path is told that is not served.
    fn refusal(&self, path: &str, why: Unserved) -> Response<Body>;
}

/// Why a request is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unserved {
    /// There is no room for it.
    NoRoom,
    /// Something is wrong with its head.
    Head(HeadError),
}
