//! The HTTP surface of Jeton.
//!
//! A dialect is an adapter: it reads requests of one published API, asks the [`Service`], and
//! writes answers in that API's own shape, errors included. No handler sees the store.

#![deny(missing_docs)]

mod appkey;
mod auth;
mod dotide;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod health;
mod log_throttle;
mod loopback;
mod metrics;
mod normalise;
mod observe;
mod overload;
mod route;
mod server;
mod site;
mod state;
mod transport;
mod verify;

pub use health::{Phase, Readiness};
pub use observe::{Observed, Observer, RequestLog, request_id};
pub use server::{HeadMeasures, Listener, ServerLimits, ServerMeasures, Tls, TlsError};
pub use site::{Site, serve};
pub use state::{PublicUrl, Setup};
pub use transport::body::BodyLimits;
pub use transport::instant::rfc3339;
pub use transport::members::{nearest, read_json, unknown as unknown_member};
pub use transport::object::Object;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use jeton_service::Service;

/// Everything that clients of the service see: the dialects, forward-auth, verification, health.
pub fn public(service: Service, setup: Setup) -> Site {
    let (observer, is_behind_proxy) = (setup.observer.clone(), setup.is_behind_proxy);
    let router = Router::new()
        .merge(appkey::routes())
        // Also where a gateway's recipe left the app out: forward-auth answers what a gateway understands, never 404.
        .route("/auth", any(auth::handle))
        .route("/auth/", any(auth::handle))
        .merge(dotide::routes())
        .route("/auth/{*rest}", any(auth::handle))
        .merge(verify::routes())
        .merge(health::routes())
        .fallback(other_paths)
        .with_state(state::AppState { service: service.clone(), setup });
    Site::new(service, router, observer, true, is_behind_proxy)
}

/// What operators and machines see on the admin address.
pub fn admin(service: Service, setup: Setup) -> Site {
    let (observer, is_behind_proxy) = (setup.observer.clone(), setup.is_behind_proxy);
    let router = health::routes()
        .route("/metrics", get(metrics::handle))
        .fallback(unknown_path)
        .with_state(state::AppState { service: service.clone(), setup });
    Site::new(service, router, observer, false, is_behind_proxy)
}

/// LoopBack's paths, which it matches in any case, and those that nothing is served at.
async fn other_paths(State(state): State<state::AppState>, request: Request) -> Response {
    if loopback::claims(request.uri().path()) {
        loopback::handle(state, request).await
    } else {
        unknown_path().await.into_response()
    }
}

/// The answer outside every dialect.
async fn unknown_path() -> impl IntoResponse {
    let body = serde_json::json!({"error": "not_found", "message": "nothing is served at this path"});
    (axum::http::StatusCode::NOT_FOUND, axum::Json(body))
}
