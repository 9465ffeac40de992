//! The admin API, `/admin/v1/...` on the admin address: apps, their settings and tokens, operators, and what happened.
//!
//! Who asks is an operator, by its token. It may do what commands may do on the machine that holds the data, by the same use
//! cases. See `docs/admin.md` for what goes over the wire.

mod apps;
mod audit;
mod call;
#[cfg(test)]
mod describe;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
mod fuzz;
mod input;
mod once;
mod operators;
mod search;
mod tokens;
mod wire;

use crate::document::Document;
use crate::endpoint::{Claims, Endpoint, Places, Routes};
use crate::state::AppState;
use axum::Router;
use axum::response::IntoResponse;
use axum::routing::any;
use call::handle;
use error::AdminError;

/// What logs call it where no other name fits.
const ROUTE: &str = "/admin/v1";

/// One handler takes whatever lies below the prefix, so that every error has the same shape.
pub(crate) static ENDPOINT: Endpoint = Endpoint {
    claims: Claims::First(&["admin"]),
    routes: Routes::Router(routes),
    names: &call::NAMES,
    name: call::name,
    places: Places::OfCredentials,
    refuse: |fault| AdminError::from(fault).into_response(),
    at_once: None,
    document: Some(&DOCUMENT),
    #[cfg(any(test, feature = "fuzzing"))]
    parsers: &[("admin", fuzz::admin)],
};

static DOCUMENT: Document = Document {
    name: "admin",
    text: include_str!("../../../../docs/openapi/admin.json"),
    #[cfg(test)]
    describe: describe::describe,
};

fn routes() -> Router<AppState> {
    let paths = ["/admin", "/admin/", "/admin/{*rest}"];
    paths.into_iter().fold(Router::new(), |routes, path| routes.route(path, any(handle)))
}
