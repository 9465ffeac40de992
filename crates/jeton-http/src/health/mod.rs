//! Health checks.

use crate::elsewhere;
use crate::endpoint::{Claims, Endpoint, Places, Routes};
use crate::readiness::Phase;
use crate::state::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

/// `/healthz`: the process answers. `/readyz`: it serves and its store answers too, else 503.
///
/// Health is answered under any load: otherwise the process would be restarted, or traffic sent elsewhere,
/// because of others' requests.
pub(crate) static ENDPOINT: Endpoint = Endpoint {
    claims: Claims::First(&["healthz", "readyz"]),
    routes: Routes::Router(|| Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz))),
    names: &["/healthz", "/readyz"],
    name: |path| ["/healthz", "/readyz"].iter().position(|name| *name == path),
    places: Places::NoneNeeded,
    refuse: elsewhere::refuse,
    at_once: None,
    document: None,
    #[cfg(any(test, feature = "fuzzing"))]
    parsers: &[],
};

async fn healthz() -> impl IntoResponse {
    ([(CACHE_CONTROL, "no-store")], Json(json!({"status": "ok"})))
}

async fn readyz(State(state): State<AppState>) -> impl IntoResponse {
    let readiness = &state.setup.readiness;
    let text = match readiness.phase() {
        Phase::Starting => "starting",
        Phase::Draining => "draining",
        Phase::Serving if readiness.store_answers(&state.service).await => "ok",
        Phase::Serving => "unavailable",
    };
    let status = if text == "ok" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(CACHE_CONTROL, "no-store")], Json(json!({"status": text})))
}
