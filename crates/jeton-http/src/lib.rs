//! The HTTP surface of Jeton.
//!
//! A dialect is an adapter: it reads requests of one published API, asks the [`Service`], and
//! writes answers in that API's own shape, errors included. No handler sees the store.

#![deny(missing_docs)]

mod auth;
mod auth_first;
mod dialect;
mod health;
mod instant;
mod normalise;
mod overload;
mod request;
mod server;
mod state;
mod stream;

pub use auth_first::AuthFirst;
pub use instant::rfc3339;
pub use normalise::NormaliseMethod;
pub use server::{Listener, ServerLimits, Tls, TlsError, serve};
pub use state::PublicUrl;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use jeton_service::Service;

/// Everything that clients of the service see: the dialects, forward-auth, health. `public_url` is where they find it.
pub fn public(service: Service, public_url: PublicUrl) -> NormaliseMethod<AuthFirst> {
    let router = Router::new()
        .merge(dialect::appkey::routes())
        // Also where a gateway's recipe left the app out: forward-auth answers what a gateway understands, never 404.
        .route("/auth", any(auth::handle))
        .route("/auth/", any(auth::handle))
        .merge(dialect::dotide::routes())
        .route("/auth/{*rest}", any(auth::handle))
        .merge(health::routes())
        .fallback(other_paths)
        .with_state(state::AppState { service: service.clone(), public_url });
    NormaliseMethod::new(AuthFirst::new(service, router))
}

/// What operators and machines see on the admin address.
pub fn admin(service: Service) -> NormaliseMethod<Router> {
    let router = health::routes::<Service>().fallback(unknown_path).with_state(service);
    NormaliseMethod::new(router)
}

/// LoopBack's paths, which it matches in any case, and those that nothing is served at.
async fn other_paths(State(service): State<Service>, request: Request) -> Response {
    if dialect::loopback::claims(request.uri().path()) {
        dialect::loopback::handle(service, request).await
    } else {
        unknown_path().await.into_response()
    }
}

/// The answer outside every dialect.
async fn unknown_path() -> impl IntoResponse {
    let body = serde_json::json!({"error": "not_found", "message": "nothing is served at this path"});
    (axum::http::StatusCode::NOT_FOUND, axum::Json(body))
}
