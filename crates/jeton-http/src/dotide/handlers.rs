//! The five operations, and the version.

use super::error::DotideError;
use super::input::{Input, PERMISSIONS, Query};
use super::wire;
use super::zone::requested_zone;
use crate::state::{AppState, PublicUrl};
use crate::transport::body::read_body;
use crate::transport::client_address;
use crate::transport::credentials::basic;
use crate::transport::fault::Fault;
use crate::transport::list::{ListFrame, list_body};
use crate::transport::url::segments;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use jeton_core::{
    AppKey, Authority, AuthorityRefusal, Lifetime, Owner, Permission, Scopes, Secret, TokenKind, TokenSpec,
};
use jeton_service::{
    Edit, Issue, ListRequest, Listed, OpenApp, Order, Refusal, RequestedLifetime, Service, ShownSecret,
    Surface,
};
use std::sync::Arc;

/// Answers all requests below `/v1`.
pub(super) async fn v1(State(state): State<AppState>, request: Request) -> Response {
    answer(state, request, "1").await
}

/// Answers all requests below `/v2`.
pub(super) async fn v2(State(state): State<AppState>, request: Request) -> Response {
    answer(state, request, "2").await
}

async fn answer(state: AppState, request: Request, version: &'static str) -> Response {
    let (parts, body) = request.into_parts();
    operate(&state, &parts, body, version).await.unwrap_or_else(IntoResponse::into_response)
}

/// The caller, and its database.
struct Caller<'a> {
    service: &'a Service,
    parts: &'a Parts,
    app: Arc<OpenApp>,
    authority: Authority,
}

async fn operate(
    state: &AppState,
    parts: &Parts,
    body: Body,
    version: &'static str,
) -> Result<Response, DotideError> {
    let segments = segments(parts.uri.path(), &format!("/v{version}")).ok_or(DotideError::NotFound)?;
    let Some((db, rest)) = segments.split_first() else {
        return match parts.method {
            Method::GET | Method::HEAD => Ok(json(StatusCode::OK, Body::from(wire::version(version)))),
            _ => Err(Fault::Method("GET, HEAD").into()),
        };
    };
    let body = match parts.method {
        Method::POST | Method::PUT => read_body(&parts.headers, body, state.setup.body_limits).await,
        _ => Ok(Bytes::new()),
    };
    let key: Option<AppKey> = db.parse().ok();
    let credentials = basic(&parts.headers);
    let from = client_address::kept(&parts.extensions);
    let admitted =
        state.service.admit_client(Surface::Dotide, key.as_ref(), credentials.as_ref(), from).await?;
    let (app, authority) = admitted.ok_or(DotideError::NotFound)?;
    let caller = Caller { service: &state.service, parts, app, authority };
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    match (rest.as_slice(), &parts.method) {
        (["access_tokens"], &Method::GET | &Method::HEAD) => caller.list().await,
        (["access_tokens"], &Method::POST) => caller.create(&body?, &state.setup.public_url, version).await,
        (["access_tokens", token], &Method::GET | &Method::HEAD) => caller.read(token).await,
        (["access_tokens", token], &Method::PUT) => caller.update(token, &body?).await,
        (["access_tokens", token], &Method::DELETE) => caller.delete(token).await,
        (["access_tokens"], _) => Err(Fault::Method("GET, HEAD, POST").into()),
        (["access_tokens", _], _) => Err(Fault::Method("GET, HEAD, PUT, DELETE").into()),
        _ => Err(DotideError::NotFound),
    }
}

impl Caller<'_> {
    fn query(&self) -> Result<Query, DotideError> {
        Query::parse(self.parts.uri.query().unwrap_or_default())
    }

    fn query_of_write(&self) -> Result<Query, DotideError> {
        Query::of_write(self.parts.uri.query().unwrap_or_default())
    }

    fn zone(&self, parameter: Option<&str>) -> Result<jiff::tz::TimeZone, DotideError> {
        requested_zone(parameter, &self.parts.headers, &self.app.settings.common.dotide.timezone)
    }

    async fn find(&self, token: &str) -> Result<Listed, DotideError> {
        let presented = Secret::parse(token).map_err(|_| DotideError::NotFound)?;
        let found = self.service.find(&self.app, &self.authority, &presented).await?;
        found.ok_or(DotideError::NotFound)
    }

    async fn list(&self) -> Result<Response, DotideError> {
        let query = self.query()?;
        let zone = self.zone(query.tz.as_deref())?;
        let request = ListRequest {
            user_id: None,
            unused_since: None,
            order: Order::OldestFirst,
            after: None,
            skip: query.offset,
            take: query.limit,
            is_counted: false,
        };
        let listing = self.service.list(&self.app, &self.authority, request).await??;
        let frame = ListFrame { head: "[".to_owned(), tail: "]", route: "/v1/{db}/access_tokens" };
        let body = list_body(listing.pages, frame, move |listed| wire::token(&listed, &zone)).await?;
        Ok(json(StatusCode::OK, body))
    }

    async fn create(
        &self,
        body: &[u8],
        public_url: &PublicUrl,
        version: &str,
    ) -> Result<Response, DotideError> {
        let (query, input) = (self.query_of_write()?, Input::parse(body)?);
        let zone = self.zone(query.tz.or(input.tz).as_deref())?;
        let scopes = input.scopes.unwrap_or_else(Scopes::none);
        let known = |name: &Permission| PERMISSIONS.contains(&name.as_str());
        if !scopes.as_slice().iter().flat_map(|scope| &scope.permissions).all(known) {
            return Err(Refusal::Forbidden(AuthorityRefusal::UnknownPermission).into());
        }
        let issue = Issue {
            lifetime: RequestedLifetime::Asked(Lifetime::Unlimited),
            spec: TokenSpec::new(TokenKind::Grant, Owner::Nobody, scopes),
        };
        let issued = self.service.issue(&self.app, &self.authority, issue).await??;
        let location = format!(
            "{}/v{version}/{}/access_tokens/{}",
            public_url.as_str(),
            self.app.key,
            issued.secret.expose()
        );
        let listed = Listed { token: issued.token, secret: ShownSecret::Clear(issued.secret) };
        let mut response = json(StatusCode::CREATED, Body::from(wire::token(&listed, &zone)));
        let location =
            HeaderValue::try_from(location).unwrap_or_else(|_| unreachable!("a URL of plain characters"));
        response.headers_mut().insert(LOCATION, location);
        Ok(response)
    }

    async fn read(&self, token: &str) -> Result<Response, DotideError> {
        let zone = self.zone(self.query()?.tz.as_deref())?;
        Ok(json(StatusCode::OK, Body::from(wire::token(&self.find(token).await?, &zone))))
    }

    async fn update(&self, token: &str, body: &[u8]) -> Result<Response, DotideError> {
        let (query, input) = (self.query_of_write()?, Input::parse(body)?);
        let zone = self.zone(query.tz.or(input.tz).as_deref())?;
        let mut listed = self.find(token).await?;
        let edit = Edit { scopes: input.scopes, known_permissions: Some(PERMISSIONS), ..Edit::default() };
        listed.token =
            self.service.update(&self.app, &self.authority, listed.token.id, None, &edit).await??;
        Ok(json(StatusCode::OK, Body::from(wire::token(&listed, &zone))))
    }

    async fn delete(&self, token: &str) -> Result<Response, DotideError> {
        let listed = self.find(token).await?;
        self.service.revoke(&self.app, &self.authority, listed.token.id, None).await??;
        Ok((StatusCode::NO_CONTENT, [(CACHE_CONTROL, "no-store")]).into_response())
    }
}

fn json(status: StatusCode, body: Body) -> Response {
    (status, [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")], body).into_response()
}
