//! Whether a form comes from a page of this server.
//!
//! A browser says of every request, in a header that no page can set, whether it comes from a page of the same origin (Fetch
//! Metadata: `Sec-Fetch-Site`). One that does not yet know that header says the origin itself (RFC 6454 section 7), which is compared
//! with what the request calls this server. Whoever says neither is no browser, and has an API.

use crate::server::Headers;
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, Uri};

static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether the request comes from one of our pages. `scheme`: by which they are reached.
pub(crate) fn is_ours(headers: &HeaderMap, uri: &Uri, scheme: &str) -> bool {
    let mut sites = headers.named(&SEC_FETCH_SITE);
    if let Some(site) = sites.next() {
        return site == b"same-origin" && sites.next().is_none();
    }
    let mut origins = headers.named(&ORIGIN);
    let (Some(origin), None) = (origins.next(), origins.next()) else { return false };
    let in_header = headers.named(&HOST).next();
    let host = uri.authority().map(|authority| authority.as_str().as_bytes()).or(in_header);
    let called = host.map(|host| [scheme.as_bytes(), b"://", host].concat());
    called.is_some_and(|called| called.eq_ignore_ascii_case(origin))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn pages_of_others_are_found_out() {
        let is_ours = |pairs: &[(HeaderName, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(name.clone(), HeaderValue::from_static(value));
            }
            is_ours(&headers, &Uri::from_static("/console/sign-in"), "http")
        };
        let host = (HOST, "127.0.0.1:8081");
        assert!(is_ours(&[host.clone(), (SEC_FETCH_SITE.clone(), "same-origin")]));
        assert!(is_ours(&[host.clone(), (SEC_FETCH_SITE.clone(), "same-origin"), (ORIGIN, "null")]));
        assert!(is_ours(&[host.clone(), (ORIGIN, "http://127.0.0.1:8081")]));
        for other in [
            vec![],
            vec![(SEC_FETCH_SITE.clone(), "same-site")],
            vec![(SEC_FETCH_SITE.clone(), "cross-site"), (ORIGIN, "http://127.0.0.1:8081")],
            vec![(SEC_FETCH_SITE.clone(), "none")],
            vec![(SEC_FETCH_SITE.clone(), "same-origin"), (SEC_FETCH_SITE.clone(), "same-origin")],
            vec![(ORIGIN, "null")],
            vec![(ORIGIN, "https://127.0.0.1:8081")],
            vec![(ORIGIN, "http://127.0.0.1:8080")],
            vec![(ORIGIN, "http://127.0.0.1:8081"), (ORIGIN, "http://127.0.0.1:8081")],
            vec![(ORIGIN, "http://evil.test")],
        ] {
            assert!(!is_ours(&[vec![host.clone()], other.clone()].concat()), "{other:?}");
        }
    }
}
