//! The user-token API: `/AccessToken/{appKey}`, `/AccessToken/{appKey}/{id}`, and `/AccessToken/{appKey}/{id}/rotate`, which is ours.
//!
//! Every answer is the envelope `{"code","data","error"}`, and its code is the HTTP status.

#[cfg(test)]
mod describe;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
mod fuzz;
mod handlers;
mod input;
mod wire;

use crate::document::Document;
use crate::endpoint::{Claims, Endpoint, Places, Routes};
use crate::state::AppState;
use axum::Router;
use axum::response::IntoResponse;
use axum::routing::any;

/// One handler for all paths below the prefix, so that every error has this API's shape.
pub(crate) static ENDPOINT: Endpoint = Endpoint {
    claims: Claims::First(&["AccessToken"]),
    routes: Routes::Router(routes),
    names: &["/AccessToken/{appKey}", "/AccessToken/{appKey}/{id}", "/AccessToken/{appKey}/{id}/rotate"],
    name: |path| {
        let below = path.split('/').skip(3).filter(|segment| !segment.is_empty());
        Some(below.count().min(2))
    },
    places: Places::OfCredentials,
    refuse: |fault| error::AppKeyError::from(fault).into_response(),
    at_once: None,
    document: Some(&DOCUMENT),
    #[cfg(any(test, feature = "fuzzing"))]
    parsers: &[("appkey", fuzz::appkey)],
};

static DOCUMENT: Document = Document {
    name: "appkey",
    text: include_str!("../../../../docs/openapi/appkey.json"),
    #[cfg(test)]
    describe: describe::describe,
};

fn routes() -> Router<AppState> {
    let paths = ["/AccessToken", "/AccessToken/", "/AccessToken/{*rest}"];
    paths.into_iter().fold(Router::new(), |routes, path| routes.route(path, any(handlers::handle)))
}
