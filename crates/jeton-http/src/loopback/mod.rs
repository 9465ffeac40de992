//! LoopBack's AccessToken REST API: `/api/accessTokens` and `/accessTokens` for the default app,
//! `/apps/{app}/api/accessTokens` for any.
//!
//! LoopBack matches the names in a path case-insensitively and ids exactly, so paths are parsed here and not
//! by the router.

mod answer;
mod argument;
mod body;
mod credential;
#[cfg(test)]
mod describe;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
mod fuzz;
mod handlers;
mod negotiation;
mod page;
mod qs;
mod route;
mod stream;
mod wire;
mod writes;

use crate::document::Document;
use crate::endpoint::{Claims, Endpoint, Places, Routes};

pub(crate) static ENDPOINT: Endpoint = Endpoint {
    claims: Claims::Read(route::claims),
    routes: Routes::Handler(|state, request| Box::pin(handlers::handle(state, request))),
    names: &["/api/accessTokens", "/api/accessTokens/{id}"],
    name: |path| route::names_token(path).map(usize::from),
    places: Places::OfWhoIsNamed,
    refuse: |fault| error::LoopBackError::from(fault).respond(negotiation::ErrorForm::Json),
    at_once: None,
    document: Some(&DOCUMENT),
    #[cfg(any(test, feature = "fuzzing"))]
    parsers: &[("loopback", fuzz::loopback), ("qs", fuzz::qs)],
};

static DOCUMENT: Document = Document {
    name: "loopback",
    text: include_str!("../../../../docs/openapi/loopback.json"),
    #[cfg(test)]
    describe: describe::describe,
};
