//! Health, for machines.

use crate::overload::RETRY_SOON;
use axum::extract::{FromRef, State};
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use jeton_service::Service;
use serde_json::json;

/// `/healthz`: the process answers. `/readyz`: the store answers too, else 503.
pub(crate) fn routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Service: FromRef<S>,
{
    Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz))
}

async fn healthz() -> impl IntoResponse {
    ([(CACHE_CONTROL, "no-store")], Json(json!({"status": "ok"})))
}

async fn readyz(State(service): State<Service>) -> impl IntoResponse {
    let (status, text) = match service.ready().await {
        Ok(()) => (StatusCode::OK, "ok"),
        Err(error) => {
            tracing::error!(route = "/readyz", "{error}");
            (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
        }
    };
    (status, [(CACHE_CONTROL, "no-store")], Json(json!({"status": text})))
}

/// `/readyz` where there is no room for a request.
pub(crate) fn busy() -> Response {
    let headers = [(CACHE_CONTROL, HeaderValue::from_static("no-store")), (RETRY_AFTER, RETRY_SOON)];
    (StatusCode::SERVICE_UNAVAILABLE, headers, Json(json!({"status": "unavailable"}))).into_response()
}
