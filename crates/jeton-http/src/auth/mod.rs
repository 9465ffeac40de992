//! Forward-auth: a gateway asks whether the request it holds may pass.
//!
//! `/auth/{app}?permission=&id=&tag=` with any method. The answer is 200, 401, 403, or 503 when it could not be found
//! out: nginx passes 401 and 403 on and makes 500 of everything else.

use crate::server::Headers;
use crate::transport::client_address;
use crate::transport::credentials::{Presented, bearer_or_header};
mod at_once;

use crate::endpoint::{Claims, Endpoint, Places, Routes};
use crate::state::AppState;
use crate::transport::fault::Fault;
use crate::transport::url::pairs;
use at_once::answer_at_once;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use jeton_core::{AppKey, Demand, Permission, Resource, Secret, Verdict};
use jeton_service::{CachedToken, Error, Missed, Service, Verified};
use percent_encoding::percent_decode_str;
use std::net::IpAddr;
use std::sync::Arc;

const X_AUTH_APP: HeaderName = HeaderName::from_static("x-auth-app");
const X_AUTH_TOKEN_ID: HeaderName = HeaderName::from_static("x-auth-token-id");
const X_AUTH_USER: HeaderName = HeaderName::from_static("x-auth-user");
const X_AUTH_SCOPES: HeaderName = HeaderName::from_static("x-auth-scopes");

pub(crate) static ENDPOINT: Endpoint = Endpoint {
    claims: Claims::First(&["auth"]),
    routes: Routes::Router(routes),
    names: &["/auth/{app}"],
    name: |_| Some(0),
    places: Places::OfGateways,
    refuse: |fault| Answer::Fault(fault).into_response(),
    at_once: Some(answer_at_once),
    #[cfg(any(test, fuzzing))]
    parsers: &[],
};

/// Also where a gateway's recipe left the app out: a gateway understands what forward-auth answers, and never 404.
fn routes() -> Router<AppState> {
    let paths = ["/auth", "/auth/", "/auth/{*rest}"];
    paths.into_iter().fold(Router::new(), |routes, path| routes.route(path, any(handle)))
}

/// What forward-auth answers.
#[derive(Debug)]
enum Answer {
    /// 200, and who it is.
    Allowed { app: AppKey, cached: Arc<CachedToken> },
    /// 401: no token that is good here.
    Unproven,
    /// 403: a good token that does not cover the demand, or a demand that makes no sense.
    Refused,
    /// It goes wrong whatever is asked: 503 above all, where it could not be found out.
    Fault(Fault),
}

/// What a request asks.
#[derive(Debug)]
struct Question {
    app: AppKey,
    secret: Secret,
    /// `None`: it makes no sense.
    demand: Option<Demand>,
}

async fn handle(State(service): State<Service>, request: Request<Body>) -> Response {
    let (uri, from) = (request.uri(), client_address::kept(request.extensions()));
    match Question::read(uri.path(), uri.query().unwrap_or_default(), request.headers()) {
        None => Answer::Unproven,
        Some(question) => question.answer(&service, from).await,
    }
    .into_response()
}

impl Question {
    /// `None`: whatever the demand is, nothing that could be good was presented, or for no app.
    fn read(path: &str, query: &str, headers: &impl Headers) -> Option<Self> {
        let app = app_key(path)?;
        let Presented::Token(secret) = bearer_or_header(headers) else { return None };
        Some(Question { app, secret, demand: demand(query) })
    }

    /// The answer.
    async fn answer(self, service: &Service, from: Option<IpAddr>) -> Answer {
        let verified = service.verify(&self.app, &self.secret, self.asked(), from).await;
        self.answered(verified)
    }

    /// What memory says.
    fn recall(&self, service: &Service, from: Option<IpAddr>) -> Result<Verified, Missed> {
        service.verify_from_memory(&self.app, &self.secret, self.asked(), from)
    }

    /// The answer where memory said nothing.
    async fn answer_missed(self, service: &Service, missed: Missed, from: Option<IpAddr>) -> Answer {
        let verified = service.verify_missed(&self.app, &self.secret, missed, self.asked(), from).await;
        self.answered(verified)
    }

    /// A demand that makes no sense is refused only to a token that is good: without one the answer is 401 in any case.
    fn asked(&self) -> &Demand {
        self.demand.as_ref().unwrap_or(&Demand::Active)
    }

    fn answered(self, verified: Result<Verified, Error>) -> Answer {
        match verified {
            Err(error) => {
                tracing::error!(route = "/auth/{app}", "{error}");
                Answer::Fault(error.into())
            }
            Ok(verified) => match (verified.verdict, verified.cached, self.demand) {
                (Verdict::Allowed, Some(cached), Some(_)) => Answer::Allowed { app: self.app, cached },
                (Verdict::Allowed, Some(_), None) | (Verdict::Refused, ..) => Answer::Refused,
                (Verdict::Inactive(_), ..) | (Verdict::Allowed, None, _) => Answer::Unproven,
            },
        }
    }
}

fn app_key(path: &str) -> Option<AppKey> {
    let rest = path.strip_prefix("/auth/")?;
    let segment = rest.strip_suffix('/').unwrap_or(rest);
    if segment.contains('%') {
        return percent_decode_str(segment).decode_utf8().ok()?.parse().ok();
    }
    // No key has a slash in it.
    segment.parse().ok()
}

/// The demand of a query; `None` if it makes no sense: an unknown or empty name or value, `permission` or `id` twice, a
/// resource without a permission.
fn demand(query: &str) -> Option<Demand> {
    if query.is_empty() {
        return Some(Demand::Active);
    }
    let (mut permission, mut id, mut tags) = (None, None, Vec::new());
    for (name, value) in pairs(query.as_bytes())? {
        if value.is_empty() {
            return None;
        }
        match name.as_str() {
            "permission" if permission.is_none() => permission = Some(Permission::held(&value).ok()?),
            "id" if id.is_none() => id = Some(value),
            "tag" => tags.push(value),
            _ => return None,
        }
    }
    Demand::new(permission, Resource::named(id, tags)).ok()
}

impl Answer {
    fn status(&self) -> StatusCode {
        match self {
            Answer::Allowed { .. } => StatusCode::OK,
            Answer::Unproven => StatusCode::UNAUTHORIZED,
            Answer::Refused => StatusCode::FORBIDDEN,
            Answer::Fault(fault) => fault.status(),
        }
    }

    /// Says each header with its value. When it is allowed, those four that a gateway hands on: always all of them, empty
    /// when there is nothing to say, and what is not plain percent-encoded.
    fn each_header(&self, mut say: impl FnMut(HeaderName, &[u8])) {
        say(CACHE_CONTROL, b"no-store");
        match self {
            Answer::Allowed { app, cached } => {
                say(X_AUTH_APP, app.as_str().as_bytes());
                say(X_AUTH_TOKEN_ID, &cached.token_id_text());
                say(X_AUTH_USER, &cached.user_text());
                say(X_AUTH_SCOPES, cached.scopes_text());
            }
            Answer::Unproven => say(WWW_AUTHENTICATE, b"Bearer"),
            Answer::Refused => say(WWW_AUTHENTICATE, b"Bearer error=\"insufficient_scope\""),
            Answer::Fault(fault) => {
                if let Some((name, value)) = fault.header() {
                    say(name, value.as_bytes());
                }
            }
        }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        self.each_header(|name, value| {
            let value = HeaderValue::from_bytes(value)
                .unwrap_or_else(|_| unreachable!("what is not plain is percent-encoded"));
            response.headers_mut().insert(name, value);
        });
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn demands_by_query() {
        let permission = |id: Option<&str>, tags: &[&str]| Demand::Permission {
            permission: "read".parse().unwrap(),
            resource: (id.is_some() || !tags.is_empty()).then(|| Resource {
                id: id.map(str::to_owned),
                tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            }),
        };
        assert_eq!(demand(""), Some(Demand::Active));
        assert_eq!(demand("permission=read"), Some(permission(None, &[])));
        assert_eq!(
            demand("tag=a&permission=read&tag=b%20c&id=s/1"),
            Some(permission(Some("s/1"), &["a", "b c"]))
        );
        for nonsense in [
            "permission=",
            "permission",
            "permission=read&permission=read",
            "permission=a,b",
            "id=1&id=2&permission=read",
            "tag=&permission=read",
            "id=1",
            "tag=a",
            "permission=read&other=1",
            "Permission=read",
            "permission=%ff",
            "=read",
        ] {
            assert_eq!(demand(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn one_segment_names_the_app() {
        assert_eq!(app_key("/auth/demo").unwrap().as_str(), "demo");
        assert_eq!(app_key("/auth/demo/"), "demo".parse().ok());
        for bad in ["/auth/", "/auth/demo/x", "/auth/de%20mo", "/auth/%ff"] {
            assert_eq!(app_key(bad), None, "{bad}");
        }
    }
}
