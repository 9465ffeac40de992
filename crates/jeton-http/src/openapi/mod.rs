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
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::sync::{Arc, OnceLock};

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
    #[cfg(any(test, feature = "fuzzing"))]
    parsers: &[],
};

const STYLE: &[u8] = include_bytes!("style.css");
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
    let pages: Arc<OnceLock<Pages>> = Arc::default();
    let (of_index, of_references) = (Arc::clone(&pages), pages);
    let index = get(async move |State(state): State<AppState>| html(&Pages::once(&of_index, &state).index));
    let reference = get(async move |State(state): State<AppState>, Path(surface): Path<String>| {
        let at = state.documents.iter().position(|document| document.name == surface);
        let page = at.and_then(|at| Pages::once(&of_references, &state).references.get(at));
        page.map_or_else(elsewhere::nothing, html)
    });
    Router::new()
        .route("/openapi/{file}", get(document))
        .route("/docs", index.clone())
        .route("/docs/", index)
        .route("/docs/style.css", get(async || answer("text/css; charset=utf-8", Bytes::from_static(STYLE))))
        .route("/docs/{surface}", reference)
}

/// The pages. They never change, and to make them takes reading all documents, so they are made once, when one of them is first asked
/// for.
struct Pages {
    index: Bytes,
    /// In the order of the documents.
    references: Vec<Bytes>,
}

impl Pages {
    fn once<'p>(pages: &'p OnceLock<Pages>, state: &AppState) -> &'p Pages {
        let documents = &state.documents;
        pages.get_or_init(|| Pages {
            index: page::index(documents).into(),
            references: documents
                .iter()
                .map(|document| page::reference(document, documents).into())
                .collect(),
        })
    }
}

async fn document(State(state): State<AppState>, Path(file): Path<String>) -> Response {
    let found = state.documents.iter().find(|document| file.strip_suffix(".json") == Some(document.name));
    let json =
        |document: &&Document| answer("application/json", Bytes::from_static(document.text.as_bytes()));
    found.map_or_else(elsewhere::nothing, json)
}

fn html(page: &Bytes) -> Response {
    answer("text/html; charset=utf-8", page.clone())
}

fn answer(media_type: &'static str, body: Bytes) -> Response {
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
