//! Who may take which place, and what a request is told that is not served: there is no room for it, or something is wrong
//! with its head.

use crate::server::{Claim, Headers, Unserved};
use crate::transport::credentials::X_ACCESS_TOKEN;
use crate::transport::fault::Fault;
use crate::{appkey, auth, dotide, loopback, verify};
use axum::Json;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// What whoever answers at this path says to a request that is not served, in its own shape.
pub(crate) fn answer(path: &str, why: Unserved) -> Response {
    match first_segment(path) {
        "auth" => auth::refuse(why.into()),
        "AccessToken" => appkey::refuse(why.into()),
        "v1" | "v2" => dotide::refuse(why.into()),
        "verify" => verify::refuse(why.into()),
        _ if loopback::claims(path) => loopback::refuse(why.into()),
        _ => elsewhere(&why.into()),
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

fn elsewhere(fault: &Fault) -> Response {
    let body = json!({"error": fault.code(), "message": fault.message()});
    let mut answer = (fault.status(), [(CACHE_CONTROL, "no-store")], Json(body)).into_response();
    answer.headers_mut().extend(fault.header());
    answer
}
