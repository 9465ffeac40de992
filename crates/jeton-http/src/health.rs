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
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// Whether requests should be sent here, as far as the process itself knows. Clones are one and the same.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<AtomicU8>);

/// Where a server is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// It answers, and something that it needs is still to come.
    Starting = 0,
    /// It serves.
    Serving = 1,
    /// It is about to stop: whoever spreads requests should spread them elsewhere.
    Draining = 2,
}

impl Readiness {
    /// That of a server in this phase.
    pub fn new(phase: Phase) -> Self {
        Readiness(Arc::new(AtomicU8::new(phase as u8)))
    }

    /// Enters a phase.
    pub fn enter(&self, phase: Phase) {
        self.0.store(phase as u8, Ordering::Relaxed);
    }

    /// The phase that the server is in.
    pub fn phase(&self) -> Phase {
        match self.0.load(Ordering::Relaxed) {
            0 => Phase::Starting,
            1 => Phase::Serving,
            _ => Phase::Draining,
        }
    }
}

/// `/healthz`: the process answers. `/readyz`: it serves and its store answers too, else 503.
pub(crate) fn routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Service: FromRef<S>,
    Readiness: FromRef<S>,
{
    Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz))
}

async fn healthz() -> impl IntoResponse {
    ([(CACHE_CONTROL, "no-store")], Json(json!({"status": "ok"})))
}

async fn readyz(State(service): State<Service>, State(readiness): State<Readiness>) -> impl IntoResponse {
    let text = match readiness.phase() {
        Phase::Starting => "starting",
        Phase::Draining => "draining",
        Phase::Serving => match service.ready().await {
            Ok(()) => "ok",
            Err(error) => {
                tracing::error!(route = "/readyz", "{error}");
                "unavailable"
            }
        },
    };
    let status = if text == "ok" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(CACHE_CONTROL, "no-store")], Json(json!({"status": text})))
}

/// `/readyz` where there is no room for a request.
pub(crate) fn busy() -> Response {
    let headers = [(CACHE_CONTROL, HeaderValue::from_static("no-store")), (RETRY_AFTER, RETRY_SOON)];
    (StatusCode::SERVICE_UNAVAILABLE, headers, Json(json!({"status": "unavailable"}))).into_response()
}
