//! Normalises requests before anything else reads them: a layer inside the router would come too late.
//!
//! HTTP method names are case-sensitive (RFC 9110 section 9.1), but three of the published sample clients
//! send `get`, `post`, `put` and `delete`: methods are accepted in any case. Gateways send an empty header if
//! a variable of theirs is empty: such a header counts as absent, on every path.
//! variable of theirs is empty: such a header is as if it were not there, on every path.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request};

/// Changes the method to upper case, if it is a known one, and removes empty headers.
///
/// Requests on the fast path do not need this: their method is in upper case, and their empty headers are
/// ignored.
pub(crate) fn normalise<B>(request: &mut Request<B>) {
    if let Some(method) = normalised(request.method()) {
        *request.method_mut() = method;
    }
    remove_empty(request.headers_mut());
}

/// The known method with this name in another case; `None` if it needs no change.
fn normalised(method: &Method) -> Option<Method> {
    const KNOWN: [Method; 7] = [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::HEAD,
        Method::PATCH,
        Method::OPTIONS,
    ];
    if !method.as_str().bytes().any(|byte| byte.is_ascii_lowercase()) {
        return None;
    }
    let differs = |known: &Method| known != method && known.as_str().eq_ignore_ascii_case(method.as_str());
    KNOWN.into_iter().find(differs)
}

/// Removes empty headers. Others with the same name stay.
fn remove_empty(headers: &mut HeaderMap) {
    if !headers.values().any(HeaderValue::is_empty) {
        return;
    }
    let mut named: Option<HeaderName> = None;
    // Of several with the same name only the first comes with it.
    for (name, value) in std::mem::take(headers) {
        named = name.or(named);
        if let Some(name) = named.as_ref().filter(|_| !value.is_empty()) {
            headers.append(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_in_any_case_and_no_others() {
        let method = |name: &str| Method::from_bytes(name.as_bytes()).unwrap();
        assert_eq!(normalised(&method("get")), Some(Method::GET));
        assert_eq!(normalised(&method("dElEtE")), Some(Method::DELETE));
        assert_eq!(normalised(&Method::PUT), None);
        assert_eq!(normalised(&method("propfind")), None);
    }

    #[test]
    fn headers_with_nothing_in_them_are_gone() {
        let headers = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(*name, HeaderValue::from_static(value));
            }
            headers
        };
        let all =
            [("accept", ""), ("x-a", "1"), ("x-a", ""), ("x-a", "2"), ("x-b", ""), ("x-b", ""), ("x-c", "3")];
        let mut some = headers(&all);
        remove_empty(&mut some);
        assert_eq!(some, headers(&[("x-a", "1"), ("x-a", "2"), ("x-c", "3")]));
        remove_empty(&mut some);
        assert_eq!(some.len(), 3);
    }
}
