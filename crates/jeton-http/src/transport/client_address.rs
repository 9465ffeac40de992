//! The address of a client.

use crate::server::Headers;
use axum::http::{Extensions, HeaderName};
use std::net::IpAddr;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The client's address, in the extensions of a request.
#[derive(Clone, Copy, Debug)]
struct ClientAddress(IpAddr);

/// What a connection tells about its client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client {
    /// The peer of the connection; `None`: not known.
    pub(crate) peer: Option<IpAddr>,
    /// Whether that is a proxy, which acts for clients.
    pub(crate) is_behind_proxy: bool,
}

impl Client {
    /// The address of the client of a request with these headers.
    pub(crate) fn address(self, headers: &impl Headers) -> Option<IpAddr> {
        client_address(self.peer, headers, self.is_behind_proxy)
    }
}

/// The address of the client that sent a request with these headers, IPv4-mapped ones as IPv4; `None`: not
/// known.
///
/// It is the connection's. Behind a proxy it is the last one in `X-Forwarded-For`, which the proxy has added;
/// all before that comes from the client, and may be invented. A proxy's own address is never a client's.
fn client_address(peer: Option<IpAddr>, headers: &impl Headers, is_behind_proxy: bool) -> Option<IpAddr> {
    let address = if is_behind_proxy { forwarded_for(headers) } else { peer };
    address.map(|address| address.to_canonical())
}

fn forwarded_for(headers: &impl Headers) -> Option<IpAddr> {
    let last = str::from_utf8(headers.named(&X_FORWARDED_FOR).last()?).ok()?;
    of_node(last.rsplit(',').next()?.trim())
}

/// The address in a proxy's notation: plain (nginx, Envoy, HAProxy), with a port (Azure's gateway, and
/// Amazon's load balancer if configured so), or as in RFC 7239 section 6, which puts IPv6 addresses in
/// brackets, all of it in quotes, and possibly an obfuscated identifier in place of the port.
fn of_node(node: &str) -> Option<IpAddr> {
    let node = node.strip_prefix('"').and_then(|node| node.strip_suffix('"')).unwrap_or(node);
    if let Some(node) = node.strip_prefix('[') {
        let (address, port) = node.split_once(']')?;
        return ipv6(address).filter(|_| port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    }
    match node.split_once(':') {
        None => node.parse().ok(),
        // An IPv6 address without brackets has no port.
        Some((_, rest)) if rest.contains(':') => ipv6(node),
        Some((address, port)) => address.parse().ok().filter(|_| is_port(port)).map(IpAddr::V4),
    }
}

/// The zone, an interface of the proxy, is ignored.
fn ipv6(text: &str) -> Option<IpAddr> {
    let address = text.split_once('%').map_or(text, |(address, _zone)| address);
    address.parse().ok().map(IpAddr::V6)
}

fn is_port(text: &str) -> bool {
    let is_made_up = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    match text.strip_prefix('_') {
        Some(name) => !name.is_empty() && name.bytes().all(is_made_up),
        None => text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok(),
    }
}

/// Stores the address for a handler.
pub(crate) fn keep(extensions: &mut Extensions, address: Option<IpAddr>) {
    if let Some(address) = address {
        extensions.insert(ClientAddress(address));
    }
}

/// The address stored for a handler.
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
    fn whatever_form_proxies_write_it_in() {
        for (node, known) in [
            ("203.0.113.9", "203.0.113.9"),
            ("203.0.113.9:4711", "203.0.113.9"),
            ("203.0.113.9:_hidden", "203.0.113.9"),
            ("\"203.0.113.9:47011\"", "203.0.113.9"),
            ("2001:db8::1", "2001:db8::1"),
            ("2001:DB8::21f:5bff:febf:ce22:8a2e", "2001:db8:0:21f:5bff:febf:ce22:8a2e"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:DB8::1]:8080", "2001:db8::1"),
            ("\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
            ("\"[2001:db8::1]\"", "2001:db8::1"),
            ("[2001:db8::1]:_f.o-o", "2001:db8::1"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            ("::ffff:cb00:7109", "203.0.113.9"),
            ("[::ffff:203.0.113.9]", "203.0.113.9"),
            ("[::ffff:203.0.113.9]:4711", "203.0.113.9"),
            ("fe80::1%eth0", "fe80::1"),
            ("[fe80::1%25eth0]:80", "fe80::1"),
            (" \t203.0.113.9 ", "203.0.113.9"),
        ] {
            let lines =
                [node.to_owned(), format!("198.51.100.7,{node}"), format!("[2001:db8::7]:1 , {node}\t")];
            for line in lines {
                let line: &'static str = line.leak();
                for forwarded in [&[line][..], &["\"[2001:db8::8]:2\", unknown", line], &[line, ""]] {
                    assert_eq!(
                        address("192.0.2.1", forwarded, true).as_deref(),
                        Some(known),
                        "{forwarded:?}"
                    );
                }
            }
        }
        for node in [
            "unknown",
            "_hidden",
            "\"_gazonk\"",
            "unix:",
            "localhost",
            "203.0.113",
            "203.0.113.9:",
            "203.0.113.9:x",
            "203.0.113.9:65536",
            "203.0.113.9:+80",
            "203.0.113.9:80:80",
            "203.0.113.009",
            "[203.0.113.9]:80",
            "[2001:db8::1",
            "2001:db8::1]",
            "[2001:db8::1]80",
            "[2001:db8::1]:",
            "[2001:db8::1]:_",
            "[]",
            "[]:80",
            "\"203.0.113.9",
            "for=203.0.113.9",
            "203.0.113.9 198.51.100.7",
            "\"\"",
            "%eth0",
        ] {
            assert_eq!(of_node(node), None, "{node}");
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
