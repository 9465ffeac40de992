//! Dotide's access tokens: `/v1/{db}/access_tokens` and `/v1/{db}/access_tokens/{access_token}`, and the same under `/v2`.
//!
//! Whoever does not prove itself by the client credentials of the database is told 404, with one and the same answer,
//! whatever it asked for.

mod error;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod handlers;
mod input;
mod wire;
mod zone;

use crate::state::AppState;
use crate::transport::fault::Fault;
use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::any;

/// The routes. One handler takes whatever lies below the prefix, so that every error has this API's shape.
pub(crate) fn routes() -> Router<AppState> {
    let mut routes = Router::new();
    for path in ["/v1", "/v1/", "/v1/{*rest}"] {
        routes = routes.route(path, any(handlers::v1));
    }
    for path in ["/v2", "/v2/", "/v2/{*rest}"] {
        routes = routes.route(path, any(handlers::v2));
    }
    routes
}

/// The answer to a request that is not served.
pub(crate) fn refuse(fault: Fault) -> Response {
    error::DotideError::from(fault).into_response()
}
