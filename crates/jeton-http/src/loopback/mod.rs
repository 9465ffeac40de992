//! LoopBack's AccessToken REST API: `/api/accessTokens` and `/accessTokens` for the default app,
//! `/apps/{app}/api/accessTokens` for any.
//!
//! LoopBack matches the names in a path in any case and ids to the letter, so paths are read here and not by the router.

mod answer;
mod argument;
mod body;
mod credential;
mod error;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod handlers;
mod negotiation;
mod page;
mod qs;
mod route;
mod stream;
mod wire;
mod writes;

pub(crate) use handlers::handle;
pub(crate) use route::{claims, names_token};

use crate::transport::fault::Fault;
use axum::response::Response;

/// The answer to a request that is not served.
pub(crate) fn refuse(fault: Fault) -> Response {
    error::LoopBackError::from(fault).respond(negotiation::ErrorForm::Json)
}
