//! The original request, as a gateway describes it in headers.

use crate::server::Headers;
use axum::http::HeaderName;
use jeton_core::RequestSource;

const X_ORIGINAL_METHOD: HeaderName = HeaderName::from_static("x-original-method");
const X_ORIGINAL_URI: HeaderName = HeaderName::from_static("x-original-uri");
const X_ORIGINAL_URL: HeaderName = HeaderName::from_static("x-original-url");
const X_FORWARDED_METHOD: HeaderName = HeaderName::from_static("x-forwarded-method");
const X_FORWARDED_URI: HeaderName = HeaderName::from_static("x-forwarded-uri");

/// A question as it arrived.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'a, H> {
    pub(super) method: &'a str,
    pub(super) headers: &'a H,
    /// What follows the name of the demand in the path, and the query.
    pub(super) rest: (&'a str, &'a str),
}

/// What is known of the original request.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OriginalRequest<'a> {
    pub(super) method: Option<&'a str>,
    /// Its path and its query, as they were sent.
    pub(super) target: Option<(&'a str, &'a str)>,
}

/// The headers in which a source puts the method and the target; `None`: it uses none.
pub(super) fn headers_of(source: RequestSource) -> Option<[HeaderName; 2]> {
    match source {
        RequestSource::XOriginal => Some([X_ORIGINAL_METHOD, X_ORIGINAL_URI]),
        RequestSource::XOriginalUrl => Some([X_ORIGINAL_METHOD, X_ORIGINAL_URL]),
        RequestSource::XForwarded => Some([X_FORWARDED_METHOD, X_FORWARDED_URI]),
        RequestSource::Request => None,
    }
}

impl<'a> OriginalRequest<'a> {
    /// Reads it from where the settings say, and from nowhere else. A header that occurs twice is ignored:
    /// one of the two is the client's.
    pub(super) fn read<H: Headers>(source: RequestSource, question: &Question<'a, H>) -> Self {
        let Some(names) = headers_of(source) else {
            return OriginalRequest { method: Some(question.method), target: Some(question.rest) };
        };
        let [method, target] = names.map(|name| only(question.headers, &name));
        let target = match source {
            RequestSource::XOriginalUrl => target.and_then(without_origin),
            RequestSource::XOriginal | RequestSource::XForwarded | RequestSource::Request => target,
        };
        OriginalRequest {
            method,
            target: target.map(|target| target.split_once('?').unwrap_or((target, ""))),
        }
    }
}

/// The value of the header with this name, if there is exactly one.
fn only<'a>(headers: &'a impl Headers, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.named(name);
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    str::from_utf8(value).ok()
}

/// A URL without scheme and authority.
fn without_origin(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    let is_http = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let path = rest.find(['/', '?', '#']).filter(|_| is_http)?;
    rest.get(path..).filter(|target| target.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderMap;

    type Known<'a> = (Option<&'a str>, Option<(&'a str, &'a str)>);

    fn read<'a>(source: RequestSource, headers: &'a HeaderMap) -> Known<'a> {
        let question = Question { method: "GET", headers, rest: ("/behind", "x=y") };
        let OriginalRequest { method, target } = OriginalRequest::read(source, &question);
        (method, target)
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        pairs.collect()
    }

    #[test]
    fn each_source_is_read_and_no_other() {
        let all = headers(&[
            ("x-original-method", "PUT"),
            ("x-original-uri", "/a?b=c?d"),
            ("x-original-url", "https://api.example:8443/e?f=g"),
            ("x-forwarded-method", "POST"),
            ("x-forwarded-uri", "/h"),
        ]);
        for (source, known) in [
            (RequestSource::XOriginal, (Some("PUT"), Some(("/a", "b=c?d")))),
            (RequestSource::XOriginalUrl, (Some("PUT"), Some(("/e", "f=g")))),
            (RequestSource::XForwarded, (Some("POST"), Some(("/h", "")))),
            (RequestSource::Request, (Some("GET"), Some(("/behind", "x=y")))),
        ] {
            assert_eq!(read(source, &all), known, "{source:?}");
        }
        let others =
            headers(&[("x-forwarded-method", "POST"), ("x-original-url", "/a"), ("x-original-uri", "")]);
        assert_eq!(read(RequestSource::XOriginal, &others), (None, None));
    }

    #[test]
    fn what_comes_twice_says_nothing() {
        let twice =
            headers(&[("x-original-method", "GET"), ("x-original-uri", "/a"), ("x-original-uri", "/b")]);
        assert_eq!(read(RequestSource::XOriginal, &twice), (Some("GET"), None));
    }

    #[test]
    fn urls_lose_their_origin() {
        for (url, target) in [
            ("http://a/b?c", Some("/b?c")),
            ("HTTPS://a//b", Some("//b")),
            ("http://a", None),
            ("http://a?b/c", None),
            ("http://a#/b", None),
            ("ftp://a/b", None),
            ("/b", None),
            ("//a/b", None),
        ] {
            assert_eq!(without_origin(url), target, "{url}");
        }
    }
}
