//! Paths outside every surface.

use crate::endpoint::{Claims, Endpoint, Places, Routes};
use crate::state::AppState;
use crate::transport::fault::Fault;
use axum::Json;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use serde_json::json;

/// The endpoint of paths that no surface claims.
pub(crate) static ENDPOINT: Endpoint = Endpoint {
    claims: Claims::First(&[]),
    routes: Routes::Handler(handle),
    names: &["other"],
    name: |_| Some(0),
    places: Places::Common,
    refuse,
    at_once: None,
    document: None,
    #[cfg(any(test, feature = "fuzzing"))]
    parsers: &[],
};

fn handle(_: AppState, _: Request) -> BoxFuture<'static, Response> {
    Box::pin(async { nothing() })
}

/// The answer where nothing is served.
pub(crate) fn nothing() -> Response {
    let body = json!({"error": "not_found", "message": "nothing is served at this path"});
    (StatusCode::NOT_FOUND, Json(body)).into_response()
}

/// The answer to a request that is refused, also for surfaces without a shape of their own.
#[expect(
    clippy::needless_pass_by_value,
    reason = "surfaces with a shape of their own keep what they are given"
)]
pub(crate) fn refuse(fault: Fault) -> Response {
    let body = json!({"error": fault.code(), "message": fault.message()});
    let mut answer = (fault.status(), [(CACHE_CONTROL, "no-store")], Json(body)).into_response();
    answer.headers_mut().extend(fault.header());
    answer
}
