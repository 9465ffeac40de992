//! `POST /credentials/revoke`: whoever has found leaked secrets has them revoked, up to 1,000 at once.
//!
//! Callers prove nothing but that they have the secrets. The answer is 202 whatever those are, so that it tells nobody which of them
//! were any good. See `docs/leaks.md`.

#[cfg(test)]
mod describe;
mod error;
mod wire;

use crate::document::Document;
use crate::endpoint::{Claims, Endpoint, Places, Routes};
use crate::state::AppState;
use crate::transport::body::{BodyForm, body_form, read_body, without_bom};
use crate::transport::client_address;
use crate::transport::fault::Fault;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use error::ReportError;

const REVOKE: &str = "/credentials/revoke";

/// One handler for all paths below the prefix, so that every error has the same shape.
pub(crate) static ENDPOINT: Endpoint = Endpoint {
    claims: Claims::First(&["credentials"]),
    routes: Routes::Router(routes),
    names: &[REVOKE],
    name: |path| (path == REVOKE).then_some(0),
    places: Places::Common,
    refuse: |fault| ReportError::from(fault).into_response(),
    at_once: None,
    document: Some(&DOCUMENT),
    #[cfg(any(test, feature = "fuzzing"))]
    parsers: &[],
};

static DOCUMENT: Document = Document {
    name: "credentials",
    text: include_str!("../../../../docs/openapi/credentials.json"),
    #[cfg(test)]
    describe: describe::describe,
};

fn routes() -> Router<AppState> {
    let paths = ["/credentials", "/credentials/", "/credentials/{*rest}"];
    paths.into_iter().fold(Router::new(), |routes, path| routes.route(path, any(handle)))
}

async fn handle(State(state): State<AppState>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    match parts.uri.path() {
        REVOKE => revoke(&state, &parts, body).await.unwrap_or_else(IntoResponse::into_response),
        _ => ReportError::NoSuchPath.into_response(),
    }
}

async fn revoke(state: &AppState, parts: &Parts, body: Body) -> Result<Response, ReportError> {
    if parts.method != Method::POST {
        return Err(Fault::Method("POST").into());
    }
    let body = read_body(&parts.headers, body, state.setup.verify_body_limits).await?;
    match body_form(&parts.headers) {
        BodyForm::Json => {}
        BodyForm::Form | BodyForm::Other => {
            return Err(Fault::Unsupported("the body must be JSON".into()).into());
        }
    }
    let secrets = wire::secrets(without_bom(&body))?;
    let from = client_address::kept(&parts.extensions);
    match state.service.revoke_reported(&secrets, from).await? {
        Ok(()) => Ok((StatusCode::ACCEPTED, [(CACHE_CONTROL, "no-store")]).into_response()),
        Err(often) => Err(Fault::TooOften(often).into()),
    }
}
