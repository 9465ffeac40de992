//! What a server asks of the service that it serves connections with.

use std::net::IpAddr;

/// A service that is told whom a connection is with, before that one's first request.
pub trait ForPeer {
    /// The same for a connection that comes from this address.
    #[must_use]
    fn for_peer(self, peer: IpAddr) -> Self;
}

/// The operators' side: it notes nobody's address.
impl ForPeer for axum::Router {
    fn for_peer(self, _: IpAddr) -> Self {
        self
    }
}
