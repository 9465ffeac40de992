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

use crate::server::Unserved;
use axum::response::Response;

/// The answer to a request that is not served.
pub(crate) fn unserved(why: Unserved) -> Response {
    error::LoopBackError::from(why).respond(negotiation::ErrorForm::Json)
}
