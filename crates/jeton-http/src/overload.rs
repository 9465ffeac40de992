//! Who may take which place, and what a request is told that is not served: there is no room for it, or something is wrong
//! with its head.

use crate::log_throttle::LogThrottle;
use crate::server::{Claim, Headers, Unserved};
use crate::transport::credentials::X_ACCESS_TOKEN;
use crate::{appkey, auth, dotide, loopback, verify};
use axum::Json;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
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

/// What whoever answers at this path says to a request that is not served, in its own shape.
pub(crate) fn answer(path: &str, why: Unserved) -> Response {
    match first_segment(path) {
        "auth" => auth::unserved(why),
        "AccessToken" => appkey::unserved(why),
        "v1" | "v2" => dotide::unserved(why),
        "verify" => verify::unserved(why),
        _ if loopback::claims(path) => loopback::unserved(why),
        _ => elsewhere(why),
    }
}

/// Says in the log why a request of a route is answered 503. What a crowd makes of itself is said now and then only: whoever
/// asks for too much does not decide how long the log is.
pub(crate) fn log(route: &'static str, error: &Unavailable) {
    static CROWDING: LazyLock<LogThrottle> = LazyLock::new(|| LogThrottle::new(1));
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
pub(crate) fn claim(uri: &Uri, headers: &HeaderMap) -> Claim {
    let path = uri.path();
    match first_segment(path) {
        "healthz" | "readyz" => Claim::Free,
        "auth" => Claim::Gateway,
        "AccessToken" | "v1" | "v2" | "verify" if presents_credentials(uri, headers) => Claim::Credentials,
        "AccessToken" | "v1" | "v2" | "verify" => Claim::Common,
        _ if presents_credentials(uri, headers) && loopback::claims(path) => Claim::PerhapsNamed,
        _ => Claim::Common,
    }
}

fn first_segment(path: &str) -> &str {
    path.split('/').nth(1).unwrap_or_default()
}

fn presents_credentials(uri: &Uri, headers: &HeaderMap) -> bool {
    let in_headers = [AUTHORIZATION, X_ACCESS_TOKEN];
    let in_headers = in_headers.iter().any(|name| headers.named(name).next().is_some());
    in_headers || uri.query().is_some_and(|query| query.contains("access_token="))
}

fn elsewhere(why: Unserved) -> Response {
    let no_store = (CACHE_CONTROL, HeaderValue::from_static("no-store"));
    match why {
        Unserved::NoRoom => {
            let body = json!({"error": "unavailable", "message": "the service is unavailable: try again"});
            (StatusCode::SERVICE_UNAVAILABLE, [no_store, (RETRY_AFTER, RETRY_SOON)], Json(body))
                .into_response()
        }
        Unserved::Head(fault) => {
            let body = json!({"error": "invalid_head", "message": fault.to_string()});
            (fault.status(), [no_store], Json(body)).into_response()
        }
    }
}
