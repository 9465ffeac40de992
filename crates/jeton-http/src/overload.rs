//! Who may take which place, and what a request is told that there is no room for.

use crate::auth;
use crate::dialect::{appkey, dotide, loopback};
use crate::request::{Headers, X_ACCESS_TOKEN};
use crate::seldom::Seldom;
use crate::server::Claim;
use axum::Json;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, RETRY_AFTER};
use axum::http::{HeaderValue, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use jeton_service::{TooOften, Unavailable};
use serde_json::json;
use std::sync::LazyLock;

/// In seconds: what there was no room for a moment ago may find some now.
pub(crate) const RETRY_SOON: HeaderValue = HeaderValue::from_static("1");

/// What somebody is told from whose address too much came that proved nothing.
pub(crate) const TOO_MANY_FAILURES: &str = "too many failed attempts from this address: try again later";

/// When something that came too often may be tried again.
pub(crate) fn retry_after(often: TooOften) -> HeaderValue {
    HeaderValue::from(often.retry_seconds)
}

/// The 503 of whoever answers at this path, in its own shape.
pub(crate) fn answer(path: &str) -> Response {
    match first_segment(path) {
        "auth" => auth::busy(),
        "AccessToken" => appkey::busy(),
        "v1" | "v2" => dotide::busy(),
        _ if loopback::claims(path) => loopback::busy(),
        _ => elsewhere(),
    }
}

/// Says in the log why a request of a route is answered 503. What a crowd makes of itself is said now and then only: whoever
/// asks for too much does not decide how long the log is.
pub(crate) fn log(route: &'static str, error: &Unavailable) {
    static CROWDING: LazyLock<Seldom> = LazyLock::new(|| Seldom::new(1));
    if !error.is_crowding() {
        tracing::error!(route, "{error}");
    } else if let Some(kept_back) = CROWDING.pass() {
        tracing::warn!(route, kept_back, "{error}");
    }
}

/// Which places a request may take. Health is told whatever is under way: who asks for it would end the process, or send
/// requests elsewhere, for what others do.
///
/// That somebody presents credentials says little, but where nothing is done without them, who presents others than those
/// that let in is gone after one look-up.
pub(crate) fn claim<B>(request: &Request<B>) -> Claim {
    let path = request.uri().path();
    match first_segment(path) {
        "healthz" | "readyz" => Claim::Free,
        "auth" => Claim::Gateway,
        "AccessToken" | "v1" | "v2" | "verify" if presents_credentials(request) => Claim::Credentials,
        "AccessToken" | "v1" | "v2" | "verify" => Claim::Common,
        _ if presents_credentials(request) && loopback::claims(path) => Claim::PerhapsNamed,
        _ => Claim::Common,
    }
}

fn first_segment(path: &str) -> &str {
    path.split('/').nth(1).unwrap_or_default()
}

fn presents_credentials<B>(request: &Request<B>) -> bool {
    let in_headers = [AUTHORIZATION, X_ACCESS_TOKEN];
    let in_headers = in_headers.iter().any(|name| request.headers().named(name).next().is_some());
    in_headers || request.uri().query().is_some_and(|query| query.contains("access_token="))
}

fn elsewhere() -> Response {
    let body = json!({"error": "unavailable", "message": "the service is unavailable: try again"});
    let headers = [(CACHE_CONTROL, HeaderValue::from_static("no-store")), (RETRY_AFTER, RETRY_SOON)];
    (StatusCode::SERVICE_UNAVAILABLE, headers, Json(body)).into_response()
}
