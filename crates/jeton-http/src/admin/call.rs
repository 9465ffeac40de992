//! From a request to whoever answers it: who asks, and for what.

use super::error::AdminError;
use super::input::{Members, Query};
use super::{ROUTE, apps, audit, operators, search, tokens};
use crate::state::AppState;
use crate::transport::body::read_body;
use crate::transport::client_address;
use crate::transport::credentials::{Presented, bearer};
use crate::transport::fault::Fault;
use crate::transport::host;
use crate::transport::url::segments;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use jeton_core::{Actor, AppKey, Authority, Cause, OperatorId};
use jeton_service::{OpenApp, Service};
use std::net::IpAddr;
use std::sync::Arc;

/// The paths, each with its methods. What is not here is not served.
const PATHS: [(&str, &str); 14] = [
    ("/admin/v1/apps", "GET, HEAD, POST"),
    ("/admin/v1/apps/{app}", "GET, HEAD, DELETE"),
    ("/admin/v1/apps/{app}/settings", "GET, HEAD, PATCH"),
    ("/admin/v1/apps/{app}/rotate-secret", "POST"),
    ("/admin/v1/apps/{app}/suspend", "POST"),
    ("/admin/v1/apps/{app}/resume", "POST"),
    ("/admin/v1/apps/{app}/tokens", "GET, HEAD, POST"),
    ("/admin/v1/apps/{app}/tokens/revoke", "POST"),
    ("/admin/v1/apps/{app}/tokens/{id}", "GET, HEAD, PATCH, DELETE"),
    ("/admin/v1/apps/{app}/tokens/{id}/rotate", "POST"),
    ("/admin/v1/audit", "GET, HEAD"),
    ("/admin/v1/stats", "GET, HEAD"),
    ("/admin/v1/operators", "GET, HEAD, POST"),
    ("/admin/v1/operators/{id}", "DELETE"),
];

/// The names of paths in logs and metrics. The last is that of all others.
pub(super) const NAMES: [&str; PATHS.len() + 1] = {
    let mut names = [ROUTE; PATHS.len() + 1];
    let mut place = 0;
    while place < PATHS.len() {
        names[place] = PATHS[place].0;
        place += 1;
    }
    names
};

/// Which of them a path has.
pub(super) fn name(path: &str) -> Option<usize> {
    let below = path.strip_prefix(ROUTE)?.strip_prefix('/').unwrap_or_default();
    let segments: Vec<&str> = below.strip_suffix('/').unwrap_or(below).split('/').collect();
    Some(place(&segments).unwrap_or(PATHS.len()))
}

/// The first path that these segments fit.
fn place(segments: &[&str]) -> Option<usize> {
    PATHS.iter().position(|(path, _)| {
        let mut named = path.split('/').skip(3);
        let fits =
            |segment: &&str| named.next().is_some_and(|name| name.starts_with('{') || name == *segment);
        segments.iter().all(fits) && named.next().is_none()
    })
}

/// A request of an operator, which is there as a whole.
pub(super) struct Call<'a> {
    pub(super) service: &'a Service,
    pub(super) headers: &'a HeaderMap,
    pub(super) path: &'a str,
    query: &'a str,
    pub(super) body: Bytes,
    pub(super) operator: OperatorId,
    /// The operator's address, if it is known.
    from: Option<IpAddr>,
}

impl Call<'_> {
    /// Who does it, and from where, as the change log says.
    pub(super) fn cause(&self) -> Cause {
        Cause::new(Actor::Operator(self.operator), self.from)
    }

    /// What that is allowed to do.
    pub(super) fn authority(&self) -> Authority {
        Authority::Everything(self.cause())
    }

    /// The query, of which these parameters are known.
    pub(super) fn query(&self, known: &[&str]) -> Result<Query, AdminError> {
        Query::of(self.query, known)
    }

    /// The body, of which these members are known. There is no query.
    pub(super) fn members(&self, known: &[&str]) -> Result<Members, AdminError> {
        self.query(&[])?;
        Members::of_body(self.headers, &self.body, known)
    }

    /// The body, whatever JSON it is. There is no query.
    pub(super) fn json(&self) -> Result<serde_json::Value, AdminError> {
        self.query(&[])?;
        super::input::json(self.headers, &self.body)
    }

    /// The body, which may be missing, and of which these members are known. There is no query.
    pub(super) fn optional_members(&self, known: &[&str]) -> Result<Members, AdminError> {
        self.query(&[])?;
        Members::of_optional_body(self.headers, &self.body, known)
    }

    /// Makes sure that nothing is said beside the path.
    pub(super) fn nothing(&self) -> Result<(), AdminError> {
        self.optional_members(&[]).map(drop)
    }

    /// The app of this key.
    pub(super) async fn open_app(&self, key: &str) -> Result<Arc<OpenApp>, AdminError> {
        self.service.open_app(&app_key(key)?).await?.ok_or(AdminError::NoSuchApp)
    }
}

/// An app's key in a path: what cannot be one is none of an app that there is.
pub(super) fn app_key(text: &str) -> Result<AppKey, AdminError> {
    text.parse().map_err(|_| AdminError::NoSuchApp)
}

/// Answers whatever is asked below `/admin`.
pub(super) async fn handle(State(state): State<AppState>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    answer(&state, &parts, body).await.unwrap_or_else(IntoResponse::into_response)
}

async fn answer(state: &AppState, parts: &Parts, body: Body) -> Result<Response, AdminError> {
    let (service, headers) = (&state.service, &parts.headers);
    if !state.setup.is_admin_named && !host::is_local_name(headers, &parts.uri) {
        return Err(AdminError::Misdirected);
    }
    let Presented::Token(token) = bearer(headers) else { return Err(AdminError::Unproven) };
    let body = read_body(headers, body, state.setup.body_limits).await;
    let from = client_address::kept(&parts.extensions);
    let operator = AdminError::of_admission(service.admit_operator(Some(&token), from).await?)?.id;
    let (query, body) = (parts.uri.query().unwrap_or_default(), body?);
    let segments = segments(parts.uri.path(), ROUTE).unwrap_or_default();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let call = Call { service, headers, path: parts.uri.path(), query, body, operator, from };
    route(&call, &segments, parts.method.as_str()).await
}

async fn route(call: &Call<'_>, segments: &[&str], method: &str) -> Result<Response, AdminError> {
    let place = place(segments).ok_or(AdminError::NoSuchPath)?;
    let methods = PATHS[place].1;
    if !methods.split(", ").any(|known| known == method) {
        return Err(Fault::Method(methods).into());
    }
    match (segments, method) {
        (["apps"], "GET" | "HEAD") => apps::list(call).await,
        (["apps"], "POST") => apps::create(call).await,
        (["apps", app], "GET" | "HEAD") => apps::show(call, app).await,
        (["apps", app], "DELETE") => apps::delete(call, app).await,
        (["apps", app, "settings"], "GET" | "HEAD") => apps::settings(call, app).await,
        (["apps", app, "settings"], "PATCH") => apps::change_settings(call, app).await,
        (["apps", app, "rotate-secret"], "POST") => apps::rotate_secret(call, app).await,
        (["apps", app, "suspend"], "POST") => apps::suspend(call, app, true).await,
        (["apps", app, "resume"], "POST") => apps::suspend(call, app, false).await,
        (["apps", app, "tokens"], "GET" | "HEAD") => search::list(call, app).await,
        (["apps", app, "tokens", "revoke"], "POST") => search::revoke(call, app).await,
        (["audit"], "GET" | "HEAD") => audit::list(call).await,
        (["stats"], "GET" | "HEAD") => audit::stats(call).await,
        (["apps", app, "tokens"], "POST") => tokens::create(call, app).await,
        (["apps", app, "tokens", id], "GET" | "HEAD") => tokens::show(call, app, id).await,
        (["apps", app, "tokens", id], "PATCH") => tokens::change(call, app, id).await,
        (["apps", app, "tokens", id], "DELETE") => tokens::revoke(call, app, id).await,
        (["apps", app, "tokens", id, "rotate"], "POST") => tokens::rotate(call, app, id).await,
        (["operators"], "GET" | "HEAD") => operators::list(call).await,
        (["operators"], "POST") => operators::create(call).await,
        (["operators", id], "DELETE") => operators::revoke(call, id).await,
        _ => Err(AdminError::NoSuchPath),
    }
}

/// An answer in JSON.
pub(super) fn json(status: StatusCode, body: String) -> Response {
    (status, [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")], body).into_response()
}

/// An answer that says nothing but that it is done.
pub(super) fn done() -> Response {
    (StatusCode::NO_CONTENT, [(CACHE_CONTROL, "no-store")]).into_response()
}
