//! OAuth's endpoints for resource servers: `POST /oauth2/introspect` (RFC 7662), `POST /oauth2/revoke` (RFC
//! 7009), and `GET /.well-known/oauth-authorization-server` (RFC 8414), their metadata.
//!
//! The paths name no app. The caller belongs to one: by the app's client credentials (Basic,
//! `client_secret_basic`), or by a service credential of it. See `docs/oauth.md` for the protocol.

#[cfg(test)]
mod describe;
mod error;
mod input;
mod wire;

use crate::document::Document;
use crate::endpoint::{Claims, Endpoint, Places, Routes};
use crate::state::AppState;
use crate::transport::client_address;
use crate::transport::credentials::{Presented, basic, bearer, proof};
use crate::transport::fault::Fault;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use error::OAuthError;
use jeton_service::{Introspected, OAuthRefusal};

const INTROSPECT: &str = "/oauth2/introspect";
const REVOKE: &str = "/oauth2/revoke";
const METADATA: &str = "/.well-known/oauth-authorization-server";

/// One handler for all its paths, so that every error has the same shape.
pub(crate) static ENDPOINT: Endpoint = Endpoint {
    claims: Claims::First(&["oauth2", ".well-known"]),
    routes: Routes::Router(routes),
    names: &[INTROSPECT, REVOKE, METADATA],
    name: |path| [INTROSPECT, REVOKE, METADATA].iter().position(|name| *name == path),
    places: Places::OfCredentials,
    refuse: |fault| OAuthError::from(fault).into_response(),
    at_once: None,
    document: Some(&DOCUMENT),
    #[cfg(any(test, feature = "fuzzing"))]
    parsers: &[],
};

static DOCUMENT: Document = Document {
    name: "oauth",
    text: include_str!("../../../../docs/openapi/oauth.json"),
    #[cfg(test)]
    describe: describe::describe,
};

fn routes() -> Router<AppState> {
    let paths =
        ["/oauth2", "/oauth2/", "/oauth2/{*rest}", "/.well-known", "/.well-known/", "/.well-known/{*rest}"];
    paths.into_iter().fold(Router::new(), |routes, path| routes.route(path, any(handle)))
}

async fn handle(State(state): State<AppState>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let answer = match parts.uri.path() {
        INTROSPECT => introspect(&state, &parts, body).await,
        REVOKE => revoke(&state, &parts, body).await,
        METADATA => metadata(&state, &parts),
        _ => Err(OAuthError::NoSuchPath),
    };
    answer.unwrap_or_else(IntoResponse::into_response)
}

async fn introspect(state: &AppState, parts: &Parts, body: Body) -> Result<Response, OAuthError> {
    if parts.method != Method::POST {
        return Err(Fault::Method("POST").into());
    }
    let proof = proof(&parts.headers).ok_or(OAuthError::Client)?;
    let token = input::token(&parts.headers, body, state.setup.body_limits).await;
    let from = client_address::kept(&parts.extensions);
    let app = state.service.admit_introspector(&proof, from).await?;
    let app = app.map_err(|refusal| OAuthError::refused(refusal, &proof))?;
    // Errors in the request are reported to admitted callers only.
    let introspected = match token? {
        Some(secret) => state.service.introspect(&app, &secret).await?,
        None => Introspected::Inactive,
    };
    match introspected {
        Introspected::Active(token) => Ok(json(wire::introspection(&app.key, Some(&token)))),
        Introspected::Inactive => Ok(json(wire::introspection(&app.key, None))),
        Introspected::TooOften(limits) => Err(OAuthError::OverLimit(limits)),
    }
}

async fn revoke(state: &AppState, parts: &Parts, body: Body) -> Result<Response, OAuthError> {
    if parts.method != Method::POST {
        return Err(Fault::Method("POST").into());
    }
    let service = &state.service;
    let from = client_address::kept(&parts.extensions);
    let token = input::token(&parts.headers, body, state.setup.body_limits).await;
    match bearer(&parts.headers) {
        Presented::Several => return Err(OAuthError::Client),
        Presented::Token(bearer) => match token {
            Ok(Some(token)) if token.expose() == bearer.expose() => {
                service.revoke_oneself(&bearer, from).await?.map_err(OAuthError::bearer)?;
            }
            token => {
                service.is_live_bearer(&bearer, from).await?.map_err(OAuthError::bearer)?;
                token?;
                // The answer is the same whether or not the token exists.
                return Err(OAuthError::bearer(OAuthRefusal::Powerless));
            }
        },
        Presented::Nothing => {
            let credentials = basic(&parts.headers).ok_or(OAuthError::Client)?;
            let app = service.admit_oauth_client(&credentials, from).await?;
            let app = app.map_err(OAuthError::client)?;
            if let Some(token) = token? {
                service.revoke_presented(&app, &token, from).await?;
            }
        }
    }
    Ok((StatusCode::OK, [(CACHE_CONTROL, "no-store")]).into_response())
}

fn metadata(state: &AppState, parts: &Parts) -> Result<Response, OAuthError> {
    let url = &state.setup.public_url;
    // RFC 8414 section 2: an issuer is an https URL. Without one there is no metadata.
    if !url.is_https() {
        return Err(OAuthError::NoSuchPath);
    }
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        return Err(Fault::Method("GET, HEAD").into());
    }
    Ok(json(wire::metadata(url.as_str(), INTROSPECT, REVOKE)))
}

fn json(body: String) -> Response {
    (StatusCode::OK, [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")], body).into_response()
}
