//! The user-token API: `/AccessToken/{appKey}` and `/AccessToken/{appKey}/{id}`.
//!
//! Every answer is the envelope `{"code","data","error"}`, and its code is the HTTP status.

mod error;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod handlers;
mod input;
mod wire;

use crate::state::AppState;
use crate::transport::fault::Fault;
use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::any;

/// The routes. One handler takes whatever lies below the prefix, so that every error has this API's shape.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/AccessToken", any(handlers::handle))
        .route("/AccessToken/", any(handlers::handle))
        .route("/AccessToken/{*rest}", any(handlers::handle))
}

/// The answer to a request that is not served.
pub(crate) fn refuse(fault: Fault) -> Response {
    error::AppKeyError::from(fault).into_response()
}
