//! From which address a client speaks.

use crate::request::Headers;
use axum::http::{Extensions, HeaderName};
use std::net::{IpAddr, SocketAddr};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

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

/// The client's address, as handlers find it among the extensions of a request.
#[derive(Clone, Copy, Debug)]
struct ClientAddress(IpAddr);

/// The address of the client that sent a request with these headers, IPv4 addresses always as such; `None`: not known.
///
/// It is the connection's. Behind a proxy it is what the proxy says: the last of `X-Forwarded-For`, which it has added; all
/// before that comes from the client, and may be invented. A proxy's own address is never a client's.
pub(crate) fn client_address(
    peer: Option<IpAddr>,
    headers: &impl Headers,
    is_behind_proxy: bool,
) -> Option<IpAddr> {
    let address = if is_behind_proxy { forwarded_for(headers) } else { peer };
    address.map(|address| address.to_canonical())
}

/// Some proxies add the port too.
fn forwarded_for(headers: &impl Headers) -> Option<IpAddr> {
    let last = str::from_utf8(headers.named(&X_FORWARDED_FOR).last()?).ok()?;
    let last = last.rsplit(',').next()?.trim();
    last.parse().ok().or_else(|| last.parse().ok().map(|socket: SocketAddr| socket.ip()))
}

/// Leaves the address for a handler.
pub(crate) fn keep(extensions: &mut Extensions, address: Option<IpAddr>) {
    if let Some(address) = address {
        extensions.insert(ClientAddress(address));
    }
}

/// The address that was left for a handler.
pub(crate) fn kept(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get().map(|ClientAddress(address)| *address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderMap, HeaderValue};

    fn address(peer: &str, forwarded: &[&'static str], is_behind_proxy: bool) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(X_FORWARDED_FOR, HeaderValue::from_static(value));
        }
        let peer = Some(peer.parse().unwrap());
        client_address(peer, &headers, is_behind_proxy).map(|address| address.to_string())
    }

    #[test]
    fn without_a_proxy_it_is_the_connections() {
        for (peer, shown) in
            [("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"), ("2001:db8::1", "2001:db8::1")]
        {
            assert_eq!(address(peer, &["203.0.113.9"], false).as_deref(), Some(shown), "{peer}");
        }
        assert_eq!(client_address(None, &HeaderMap::new(), false), None);
    }

    #[test]
    fn behind_a_proxy_it_is_what_the_proxy_added() {
        for (forwarded, known) in [
            (&["203.0.113.9"][..], Some("203.0.113.9")),
            (&["198.51.100.7, 203.0.113.9"], Some("203.0.113.9")),
            (&["203.0.113.9, 198.51.100.7", "2001:db8::1"], Some("2001:db8::1")),
            (&["::ffff:203.0.113.9"], Some("203.0.113.9")),
            (&["198.51.100.7,203.0.113.9:4711 "], Some("203.0.113.9")),
            (&["[2001:db8::1]:4711"], Some("2001:db8::1")),
            (&["203.0.113.9, unknown"], None),
            (&["203.0.113.9,"], None),
            (&["203.0.113.9", ""], Some("203.0.113.9")),
            (&[""], None),
            (&[], None),
        ] {
            assert_eq!(address("192.0.2.1", forwarded, true).as_deref(), known, "{forwarded:?}");
        }
    }

    #[test]
    fn handlers_find_what_was_left_for_them() {
        let mut extensions = Extensions::new();
        keep(&mut extensions, None);
        assert_eq!(kept(&extensions), None);
        let address = IpAddr::from([192, 0, 2, 1]);
        keep(&mut extensions, Some(address));
        assert_eq!(kept(&extensions), Some(address));
    }
}
