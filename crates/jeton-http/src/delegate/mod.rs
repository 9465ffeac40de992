//! `POST /delegate/{app}`: the bearer of a token makes another that depends on it.
//!
//! See `docs/delegation.md` for the protocol.

#[cfg(test)]
mod describe;
mod error;
mod input;
mod wire;

use crate::document::Document;
use crate::endpoint::{Claims, Endpoint, Places, Routes};
use crate::state::AppState;
use crate::transport::body::read_body;
use crate::transport::credentials::{Presented, bearer};
use crate::transport::fault::Fault;
use crate::transport::url::segments;
use crate::transport::{client_address, cors};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use error::DelegateError;
use jeton_core::AppKey;
use jeton_service::{DelegatorAdmission, Surface};

/// One handler for all paths below the prefix, so that every error has the same shape.
pub(crate) static ENDPOINT: Endpoint = Endpoint {
    claims: Claims::First(&["delegate"]),
    routes: Routes::Router(routes),
    names: &["/delegate/{app}"],
    name: |_| Some(0),
    places: Places::OfCredentials,
    refuse: |fault| DelegateError::from(fault).into_response(),
    at_once: None,
    document: Some(&DOCUMENT),
    #[cfg(any(test, feature = "fuzzing"))]
    parsers: &[],
};

static DOCUMENT: Document = Document {
    name: "delegate",
    text: include_str!("../../../../docs/openapi/delegate.json"),
    #[cfg(test)]
    describe: describe::describe,
};

fn routes() -> Router<AppState> {
    let paths = ["/delegate", "/delegate/", "/delegate/{*rest}"];
    paths.into_iter().fold(Router::new(), |routes, path| routes.route(path, any(handle)))
}

async fn handle(State(state): State<AppState>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let segments = segments(parts.uri.path(), "/delegate").unwrap_or_default();
    let [app] = segments.as_slice() else { return DelegateError::NoSuchPath.into_response() };
    let key: Option<AppKey> = app.parse().ok();
    let place = (&state.service, Surface::Delegate, key.as_ref());
    cors::answer(place, &parts, Some("POST"), answer(&state, key.as_ref(), &parts, body)).await
}

async fn answer(
    state: &AppState,
    key: Option<&AppKey>,
    parts: &Parts,
    body: Body,
) -> Result<Response, DelegateError> {
    let (service, setup) = (&state.service, &state.setup);
    if parts.method != Method::POST {
        return Err(Fault::Method("POST").into());
    }
    let presented = match bearer(&parts.headers) {
        Presented::Token(secret) => Some(secret),
        Presented::Nothing | Presented::Several => None,
    };
    let body = read_body(&parts.headers, body, setup.body_limits).await;
    let from = client_address::kept(&parts.extensions);
    let delegator = match service.admit_delegator(key, presented.as_ref(), from).await? {
        DelegatorAdmission::Admitted(delegator) => delegator,
        DelegatorAdmission::Throttled(often) => return Err(Fault::TooOften(often).into()),
        DelegatorAdmission::Powerless => return Err(DelegateError::Powerless),
        DelegatorAdmission::Unproven => return Err(DelegateError::Unproven),
    };
    // Errors in the request are reported to admitted callers only.
    let draft = input::draft(&body?)?;
    let issued = service.delegate(&delegator, draft).await??;
    let head = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, head, wire::made(&issued)).into_response())
}
