//! Cross-origin requests, on every API that browsers call, for the origins that the app's settings name. Off
//! by default.

use axum::body::Body;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, CONTENT_LENGTH, ORIGIN, VARY,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use jeton_core::{AppKey, CorsOrigins, CorsSettings};
use jeton_service::{Error, Service, Surface};

/// How long a browser may keep the answer to a preflight, in seconds.
const MAX_AGE: &str = "86400";

/// Answers a request to the app with this key, at a path with these methods, by `operate`, unless it is a
/// preflight for an allowed origin; adds the headers that let the browser show the answer to the page.
///
/// The app is looked up only for requests with an origin, before authentication: cached apps, and cached keys
/// without an app, need no query.
pub(crate) async fn answer<E: From<Error> + IntoResponse>(
    (service, surface, key): (&Service, Surface, Option<&AppKey>),
    request: &Parts,
    methods: Option<&'static str>,
    operate: impl Future<Output = Result<Response, E>>,
) -> Response {
    let app = match key.filter(|_| request.headers.contains_key(ORIGIN)) {
        Some(key) => service.open_surface(surface, Some(key)).await,
        None => Ok(None),
    };
    let app = match app {
        Ok(app) => app,
        Err(error) => return E::from(error).into_response(),
    };
    let settings = app.as_ref().map(|app| &app.settings.common.cors);
    let preflight =
        settings.zip(methods).and_then(|(settings, methods)| preflight(settings, request, methods));
    let mut answer = match preflight {
        Some(answer) => answer,
        None => operate.await.unwrap_or_else(IntoResponse::into_response),
    };
    if let Some(settings) = settings {
        allow(settings, &request.headers, answer.headers_mut());
    }
    answer
}

/// The answer to a preflight of an allowed origin, at a path with these methods; `None`: it is not a
/// preflight, or the origin is not allowed.
pub(crate) fn preflight(settings: &CorsSettings, request: &Parts, methods: &'static str) -> Option<Response> {
    let headers = &request.headers;
    if request.method != Method::OPTIONS || !headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        return None;
    }
    allowed(settings, headers)?;
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    let fixed =
        [(ACCESS_CONTROL_ALLOW_METHODS, methods), (ACCESS_CONTROL_MAX_AGE, MAX_AGE), (CONTENT_LENGTH, "0")];
    answer.headers_mut().extend(fixed.map(|(name, value)| (name, HeaderValue::from_static(value))));
    if let Some(wanted) = headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        answer.headers_mut().insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    Some(answer)
}

/// Tells the browser whether the page may read the answer.
pub(crate) fn allow(settings: &CorsSettings, request: &HeaderMap, answer: &mut HeaderMap) {
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

/// The origin to allow to this one.
fn allowed(settings: &CorsSettings, request: &HeaderMap) -> Option<HeaderValue> {
    let origin = request.get(ORIGIN)?;
    match &settings.origins {
        CorsOrigins::Any => Some(HeaderValue::from_static("*")),
        CorsOrigins::These(origins) => {
            origins.iter().any(|named| named.as_bytes() == origin.as_bytes()).then(|| origin.clone())
        }
    }
}
