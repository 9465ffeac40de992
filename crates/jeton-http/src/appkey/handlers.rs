//! The operations.

use super::error::AppKeyError;
use super::input::Members;
use super::wire;
use crate::state::AppState;
use crate::transport::body::{body_form, read_body};
use crate::transport::credentials::{Presented, bearer};
use crate::transport::fault::Fault;
use crate::transport::list::{ListFrame, list_body};
use crate::transport::url::segments;
use crate::transport::{client_address, cors};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use jeton_core::{
    AppKey, Authority, Bounds, Int64Form, Lineage, Scopes, TokenId, TokenKind, TokenSpec, UseLimits,
};
use jeton_service::{Admission, Issue, ListRequest, OpenApp, Order, RequestedLifetime, Service, Surface};
use std::sync::Arc;

/// Answers all requests below `/AccessToken`.
pub(super) async fn handle(State(state): State<AppState>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let segments = segments(parts.uri.path(), "/AccessToken").unwrap_or_default();
    let key: Option<AppKey> = segments.first().and_then(|key| key.parse().ok());
    let place = (&state.service, Surface::AppKey, key.as_ref());
    cors::answer(place, &parts, methods(&segments), operate(&state, &parts, &segments, body)).await
}

/// The methods of the path with these segments.
fn methods(segments: &[String]) -> Option<&'static str> {
    match segments {
        [_] => Some("GET, HEAD, POST"),
        [_, _] => Some("PUT, DELETE"),
        [_, _, rotate] if rotate == "rotate" => Some("POST"),
        _ => None,
    }
}

async fn operate(
    state: &AppState,
    parts: &Parts,
    segments: &[String],
    body: Body,
) -> Result<Response, AppKeyError> {
    let service = &state.service;
    let query = parts.uri.query().unwrap_or_default();
    match (segments, &parts.method) {
        ([app], &Method::GET | &Method::HEAD) => {
            let caller = admit(service, app, parts).await?;
            list(service, &caller, &Members::of_query(query)?).await
        }
        ([app], &Method::POST) => {
            let body = read_body(&parts.headers, body, state.setup.body_limits).await;
            let caller = admit(service, app, parts).await?;
            create(service, &caller, &Members::of_write(query)?, &members(parts, &body?, false)?).await
        }
        ([app, id], &Method::PUT) => {
            let body = read_body(&parts.headers, body, state.setup.body_limits).await;
            let caller = admit(service, app, parts).await?;
            update(service, &caller, id, &Members::of_write(query)?, &members(parts, &body?, true)?).await
        }
        ([app, id, rotate], &Method::POST) if rotate == "rotate" => {
            let body = read_body(&parts.headers, body, state.setup.body_limits).await;
            let caller = admit(service, app, parts).await?;
            let query = Members::of_write(query)?;
            let body = body?;
            // Nothing need be said.
            let members = if body.is_empty() { Members::of_query("") } else { members(parts, &body, true) };
            self::rotate(service, &caller, id, &query, &members?).await
        }
        ([app, id], &Method::DELETE) => {
            let caller = admit(service, app, parts).await?;
            delete(service, &caller, id, &Members::of_write(query)?).await
        }
        _ => Err(methods(segments).map_or(AppKeyError::NoSuchPath, |methods| Fault::Method(methods).into())),
    }
}

/// The caller, and its app.
struct Caller {
    app: Arc<OpenApp>,
    authority: Authority,
}

impl Caller {
    fn int64(&self) -> Int64Form {
        self.app.settings.common.appkey.int64
    }
}

async fn admit(service: &Service, app: &str, parts: &Parts) -> Result<Caller, AppKeyError> {
    let key: Option<AppKey> = app.parse().ok();
    let presented = match bearer(&parts.headers) {
        Presented::Token(secret) => Some(secret),
        Presented::Nothing | Presented::Several => None,
    };
    let from = client_address::kept(&parts.extensions);
    match service.admit(Surface::AppKey, key.as_ref(), presented.as_ref(), from).await? {
        Admission::Unproven => Err(AppKeyError::Unproven),
        Admission::Throttled(often) => Err(Fault::TooOften(often).into()),
        Admission::Elsewhere => Err(AppKeyError::NoSuchApp),
        Admission::Powerless => Err(AppKeyError::Powerless),
        Admission::Admitted { app, authority } => Ok(Caller { app, authority }),
    }
}

fn members(parts: &Parts, body: &[u8], null_is_empty: bool) -> Result<Members, AppKeyError> {
    Members::of_body(body, body_form(&parts.headers), null_is_empty)
}

async fn list(service: &Service, caller: &Caller, query: &Members) -> Result<Response, AppKeyError> {
    let paging = query.paging()?;
    let request = ListRequest {
        user_id: query.user_id()?,
        unused_since: None,
        order: Order::NewestFirst,
        after: None,
        skip: paging.skip,
        take: Some(paging.take),
        is_counted: true,
    };
    let listing = service.list(&caller.app, &caller.authority, request).await??;
    let form = caller.int64();
    let frame = ListFrame {
        head: wire::list_head(listing.total.unwrap_or_default(), form),
        tail: wire::LIST_TAIL,
        route: "/AccessToken/{appKey}",
    };
    let body = list_body(listing.pages, frame, move |listed| wire::list_row(&listed, form)).await?;
    Ok(answer(body))
}

async fn create(
    service: &Service,
    caller: &Caller,
    query: &Members,
    body: &Members,
) -> Result<Response, AppKeyError> {
    let create = body.create(query)?;
    let owner = caller.authority.owner(create.user_id).map_err(AppKeyError::Forbidden)?;
    let (sent, names) = create.permissions.map_or((None, Vec::new()), |(sent, names)| (Some(sent), names));
    let issue = Issue {
        lifetime: create
            .lifetime
            .unwrap_or(RequestedLifetime::Default(caller.app.settings.common.appkey.default_lifetime())),
        spec: TokenSpec {
            kind: TokenKind::Grant,
            owner,
            title: Some(create.title),
            tags: create.tags,
            description: create.description,
            permissions_as_sent: sent,
            scopes: Scopes::from_global(names).map_err(|limit| AppKeyError::Forbidden(limit.into()))?,
            // Those of the caller's own token.
            bounds: Bounds::NONE,
            limits: UseLimits::NONE,
            lineage: Lineage::NONE,
            document: None,
        },
    };
    let issued = service.issue(&caller.app, &caller.authority, issue).await??;
    Ok(answer(Body::from(wire::created(&issued, caller.int64()))))
}

async fn update(
    service: &Service,
    caller: &Caller,
    id: &str,
    query: &Members,
    body: &Members,
) -> Result<Response, AppKeyError> {
    let (id, of_user, edit) = (token_id(id)?, query.user_id()?, body.edit()?);
    service.update(&caller.app, &caller.authority, id, of_user.as_ref(), &edit).await??;
    Ok(answer(Body::from(wire::envelope(200, &true, ""))))
}

async fn rotate(
    service: &Service,
    caller: &Caller,
    id: &str,
    query: &Members,
    body: &Members,
) -> Result<Response, AppKeyError> {
    let (id, of_user, grace) = (token_id(id)?, query.user_id()?, body.grace()?);
    let rotated = service.rotate(&caller.app, &caller.authority, id, of_user.as_ref(), grace).await??;
    Ok(answer(Body::from(wire::created(&rotated, caller.int64()))))
}

async fn delete(
    service: &Service,
    caller: &Caller,
    id: &str,
    query: &Members,
) -> Result<Response, AppKeyError> {
    let (id, of_user) = (token_id(id)?, query.user_id()?);
    service.revoke(&caller.app, &caller.authority, id, of_user.as_ref()).await??;
    Ok(answer(Body::from(wire::envelope(200, &true, ""))))
}

/// A token's number in a path: a text that is not an integer is an error, an integer that is no token's
/// number is unknown.
fn token_id(text: &str) -> Result<TokenId, AppKeyError> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(AppKeyError::bad("the id in the path must be an integer"));
    }
    text.parse().ok().and_then(TokenId::new).ok_or(AppKeyError::NoSuchToken)
}

fn answer(body: Body) -> Response {
    (StatusCode::OK, [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")], body).into_response()
}
