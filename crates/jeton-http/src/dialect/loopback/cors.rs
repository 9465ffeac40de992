//! Cross-origin requests, for the origins that the app's settings name. Off by default.

use axum::body::Body;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, CONTENT_LENGTH, ORIGIN, VARY,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use jeton_core::{CorsOrigins, CorsSettings};

/// What LoopBack's own middleware answers.
const METHODS: &str = "GET,HEAD,PUT,PATCH,POST,DELETE";
/// How long a browser may keep the answer to a preflight, in seconds.
const MAX_AGE: &str = "86400";

/// The answer to a preflight of an origin that is let in; `None`: it is none, or none of these.
pub(super) fn preflight(settings: &CorsSettings, request: &Parts) -> Option<Response<Body>> {
    let headers = &request.headers;
    if request.method != Method::OPTIONS || !headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        return None;
    }
    allowed(settings, headers)?;
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    let fixed =
        [(ACCESS_CONTROL_ALLOW_METHODS, METHODS), (ACCESS_CONTROL_MAX_AGE, MAX_AGE), (CONTENT_LENGTH, "0")];
    answer.headers_mut().extend(fixed.map(|(name, value)| (name, HeaderValue::from_static(value))));
    if let Some(wanted) = headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        answer.headers_mut().insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    Some(answer)
}

/// Says to the browser whether the page that asked may read the answer.
pub(super) fn allow(settings: &CorsSettings, request: &HeaderMap, answer: &mut HeaderMap) {
    let names_origin = matches!(&settings.origins, CorsOrigins::These(origins) if !origins.is_empty());
    let varies_by = match (names_origin, answer.contains_key(ACCESS_CONTROL_ALLOW_HEADERS)) {
        (true, true) => Some("Origin, Access-Control-Request-Headers"),
        (true, false) => Some("Origin"),
        (false, true) => Some("Access-Control-Request-Headers"),
        (false, false) => None,
    };
    answer.extend(varies_by.map(|names| (VARY, HeaderValue::from_static(names))));
    let Some(origin) = allowed(settings, request) else { return };
    answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    if settings.credentials {
        answer.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
}

/// Which origin to name to the one that asks.
fn allowed(settings: &CorsSettings, request: &HeaderMap) -> Option<HeaderValue> {
    let origin = request.get(ORIGIN)?;
    match &settings.origins {
        CorsOrigins::Any => Some(HeaderValue::from_static("*")),
        CorsOrigins::These(origins) => {
            origins.iter().any(|named| named.as_bytes() == origin.as_bytes()).then(|| origin.clone())
        }
    }
}
