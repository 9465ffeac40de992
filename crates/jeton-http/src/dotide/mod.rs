//! Dotide's access tokens: `/v1/{db}/access_tokens` and `/v1/{db}/access_tokens/{access_token}`, and the same
//! under `/v2`.
//!
//! Callers that do not authenticate with the client credentials of the database get 404, with one and the
//! same answer, whatever they request.

#[cfg(test)]
mod describe;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
mod fuzz;
mod handlers;
mod input;
mod wire;
mod zone;

use crate::document::Document;
use crate::endpoint::{Claims, Endpoint, Places, Routes};
use crate::state::AppState;
use axum::Router;
use axum::response::IntoResponse;
use axum::routing::any;

/// One handler for all paths below the prefix, so that every error has this API's shape.
pub(crate) static ENDPOINT: Endpoint = Endpoint {
    claims: Claims::First(&["v1", "v2"]),
    routes: Routes::Router(routes),
    names: &["/v1/{db}/access_tokens", "/v1/{db}/access_tokens/{access_token}"],
    name: |path| {
        let mut below = path.split('/').skip(3);
        let is_there = |segment: Option<&str>| segment.is_some_and(|segment| !segment.is_empty());
        Some(usize::from(is_there(below.next()) && is_there(below.next())))
    },
    places: Places::OfCredentials,
    refuse: |fault| error::DotideError::from(fault).into_response(),
    at_once: None,
    document: Some(&DOCUMENT),
    #[cfg(any(test, feature = "fuzzing"))]
    parsers: &[("dotide", fuzz::dotide)],
};

static DOCUMENT: Document = Document {
    name: "dotide",
    text: include_str!("../../../../docs/openapi/dotide.json"),
    #[cfg(test)]
    describe: describe::describe,
};

fn routes() -> Router<AppState> {
    let mut routes = Router::new();
    for path in ["/v1", "/v1/", "/v1/{*rest}"] {
        routes = routes.route(path, any(handlers::v1));
    }
    for path in ["/v2", "/v2/", "/v2/{*rest}"] {
        routes = routes.route(path, any(handlers::v2));
    }
    routes
}
