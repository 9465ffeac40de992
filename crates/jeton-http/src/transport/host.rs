//! By which name a browser may have been led here.
//!
//! A page of any origin can have its name lead to this address (DNS rebinding), and would then be of the same origin. Nothing here
//! is done without an operator's token, which such a page does not have; this keeps it from guessing, too. A name can be made to
//! lead here, an address cannot; over TLS the certificate says who this is, and behind a proxy the proxy knows.

use crate::server::Headers;
use axum::http::header::HOST;
use axum::http::{HeaderMap, Uri};
use std::net::IpAddr;

/// Whether a request calls this server by an address, or by a name that no one else can give.
pub(crate) fn is_local_name(headers: &HeaderMap, uri: &Uri) -> bool {
    let in_header = headers.named(&HOST).next().map(String::from_utf8_lossy);
    let authority = uri.authority().map(|authority| authority.as_str().into()).or(in_header);
    // Browsers always say where they mean to be.
    authority.is_none_or(|authority| is_address(host_of(&authority)))
}

fn is_address(host: &str) -> bool {
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost") || host.parse::<IpAddr>().is_ok()
}

/// What stands before the port.
fn host_of(authority: &str) -> &str {
    if let Some(rest) = authority.strip_prefix('[') {
        return rest.split_once(']').map_or(rest, |(host, _)| host);
    }
    authority.rsplit_once(':').map_or(authority, |(host, _)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_names() {
        let is_local = |host: &str| {
            let headers = HeaderMap::from_iter([(HOST, host.parse().unwrap())]);
            is_local_name(&headers, &Uri::from_static("/admin/v1/apps"))
        };
        for local in
            ["127.0.0.1:8081", "127.0.0.1", "[::1]:8081", "localhost:8081", "LOCALHOST", "jeton.localhost."]
        {
            assert!(is_local(local), "{local}");
        }
        for other in ["evil.test:8081", "evil.test", "127.0.0.1.evil.test", "localhost.evil.test:1"] {
            assert!(!is_local(other), "{other}");
        }
        // Nor is an empty name one that a browser sends.
        assert!(is_local("") && is_local_name(&HeaderMap::new(), &Uri::from_static("/admin")));
        let uri = Uri::from_static("http://evil.test/admin");
        let headers = HeaderMap::from_iter([(HOST, "127.0.0.1".parse().unwrap())]);
        assert!(!is_local_name(&headers, &uri), "the target goes before the header");
    }
}
