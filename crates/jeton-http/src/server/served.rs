//! What a server asks of the service that it serves connections with.

use std::net::IpAddr;

/// A service that is told whom a connection is with, before that one's first request.
pub(crate) trait ForPeer {
    /// The same for a connection that comes from this address.
    #[must_use]
    fn for_peer(self, peer: IpAddr) -> Self;
}
