//! What a request is told that there is no room for.

use crate::dialect::{appkey, dotide, loopback};
use crate::seldom::Seldom;
use crate::{auth, health};
use axum::Json;
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
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

/// The 503 of whoever answers at this path, in its own shape. `None`: the path is served however much is under way.
///
/// That is `/healthz` alone: it says that the process answers, and whoever asks would end it if it did not. `/readyz` is
/// refused like anything else, and that is its answer: there is no room for more.
pub(crate) fn answer(path: &str) -> Option<Response> {
    let first = path.split('/').nth(1).unwrap_or_default();
    match first {
        "healthz" => None,
        "readyz" => Some(health::busy()),
        "auth" => Some(auth::busy()),
        "AccessToken" => Some(appkey::busy()),
        "v1" | "v2" => Some(dotide::busy()),
        _ if loopback::claims(path) => Some(loopback::busy()),
        _ => Some(elsewhere()),
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

fn elsewhere() -> Response {
    let body = json!({"error": "unavailable", "message": "the service is unavailable: try again"});
    let headers = [(CACHE_CONTROL, HeaderValue::from_static("no-store")), (RETRY_AFTER, RETRY_SOON)];
    (StatusCode::SERVICE_UNAVAILABLE, headers, Json(body)).into_response()
}
