//! What the APIs are, for programs and for people: `/openapi/{surface}.json` and `/docs` on the admin address.
//!
//! Both are the same documents, which the surfaces of all listeners contribute by their entries. They are public
//! knowledge and served to everyone who reaches the address. The pages are made here and need no script: nothing of
//! others runs beside what operators are signed in to.

mod curl;
mod html;
mod page;
mod schema;
#[cfg(test)]
mod tests;

use crate::document::Document;
use crate::elsewhere;
use crate::endpoint::{Claims, Endpoint, Places, Routes};
use crate::state::AppState;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// The names of paths in logs and metrics.
const NAMES: [&str; 3] = ["/openapi/{surface}.json", "/docs", "/docs/{surface}"];

pub(crate) static ENDPOINT: Endpoint = Endpoint {
    claims: Claims::First(&["openapi", "docs"]),
    routes: Routes::Router(routes),
    names: &NAMES,
    name,
    places: Places::Common,
    refuse: elsewhere::refuse,
    at_once: None,
    document: None,
    #[cfg(any(test, fuzzing))]
    parsers: &[],
};

const STYLE: &str = include_str!("style.css");
/// A page loads its style from here, and nothing else from anywhere.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

fn name(path: &str) -> Option<usize> {
    let segments: Vec<&str> = path.strip_suffix('/').unwrap_or(path).split('/').skip(1).collect();
    match segments.as_slice() {
        ["openapi", _] => Some(0),
        ["docs"] => Some(1),
        ["docs", _] => Some(2),
        _ => None,
    }
}

fn routes() -> Router<AppState> {
    Router::new()
        .route("/openapi/{file}", get(document))
        .route("/docs", get(index))
        .route("/docs/", get(index))
        .route("/docs/style.css", get(async || answer("text/css; charset=utf-8", STYLE.to_owned())))
        .route("/docs/{surface}", get(reference))
}

async fn document(State(state): State<AppState>, Path(file): Path<String>) -> Response {
    let found = state.documents.iter().find(|document| file.strip_suffix(".json") == Some(document.name));
    found.map_or_else(nothing, |document| answer("application/json", document.text.to_owned()))
}

async fn index(State(state): State<AppState>) -> Response {
    answer("text/html; charset=utf-8", page::index(&state.documents))
}

async fn reference(State(state): State<AppState>, Path(surface): Path<String>) -> Response {
    let found: Option<&&Document> = state.documents.iter().find(|document| document.name == surface);
    found.map_or_else(nothing, |document| {
        answer("text/html; charset=utf-8", page::reference(document, &state.documents))
    })
}

fn answer(media_type: &'static str, body: String) -> Response {
    let head = [
        (CONTENT_TYPE, media_type),
        // They change with the version of the server.
        (CACHE_CONTROL, "no-cache"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    (StatusCode::OK, head, body).into_response()
}

fn nothing() -> Response {
    elsewhere::nothing()
}
