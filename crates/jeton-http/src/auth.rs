//! Forward-auth: a gateway asks whether the request it holds may pass.
//!
//! `/auth/{app}?permission=&id=&tag=` with any method. The answer is 200, 401, 403, or 503 when it could not be found
//! out: nginx passes 401 and 403 on and makes 500 of everything else.

use crate::client_address;
use crate::overload::RETRY_SOON;
use crate::request::{Presented, bearer_or_header, pairs};
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use jeton_core::{AppKey, Demand, Permission, Resource, Secret, Verdict};
use jeton_service::{Service, Subject, Unavailable, Verified};
use percent_encoding::percent_decode_str;
use std::net::IpAddr;
use std::sync::Arc;

const X_AUTH_APP: HeaderName = HeaderName::from_static("x-auth-app");
const X_AUTH_TOKEN_ID: HeaderName = HeaderName::from_static("x-auth-token-id");
const X_AUTH_USER: HeaderName = HeaderName::from_static("x-auth-user");
const X_AUTH_SCOPES: HeaderName = HeaderName::from_static("x-auth-scopes");

/// Most headers of an answer, and the date, which the server adds.
const HEADERS: usize = 7;

/// What forward-auth answers.
enum Answer {
    /// 200, and who it is.
    Allowed { app: AppKey, subject: Arc<Subject> },
    /// 401: no token that is good here.
    Unproven,
    /// 403: a good token that does not cover the demand, or a demand that makes no sense.
    Refused,
    /// 503.
    Unavailable(Unavailable),
}

/// What a request asks.
struct Question {
    app: AppKey,
    secret: Secret,
    /// `None`: it makes no sense.
    demand: Option<Demand>,
}

/// Whether this path is forward-auth's.
pub(crate) fn claims(path: &str) -> bool {
    path.strip_prefix("/auth").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The answer, if nobody has to be asked for it. Routing, extraction and assembly cost as much as all the rest, so that
/// these answers are made before them: see [`AuthFirst`](crate::auth_first::AuthFirst).
pub(crate) fn answer_at_once<B>(
    service: &Service,
    request: &Request<B>,
    from: Option<IpAddr>,
) -> Option<Response> {
    let answer = match Question::read(request) {
        None => Answer::Unproven,
        Some(question) => {
            let verified =
                service.verify_from_memory(&question.app, &question.secret, question.asked(), from)?;
            question.answer(Ok(verified))
        }
    };
    Some(answer.into_response())
}

pub(crate) async fn handle(State(service): State<Service>, request: Request<Body>) -> Response {
    let answer = match Question::read(&request) {
        None => Answer::Unproven,
        Some(question) => {
            let from = client_address::kept(request.extensions());
            let verified = service.verify(&question.app, &question.secret, question.asked(), from).await;
            question.answer(verified)
        }
    };
    answer.into_response()
}

impl Question {
    /// `None`: whatever the demand is, nothing that could be good was presented, or for no app.
    fn read<B>(request: &Request<B>) -> Option<Self> {
        let app = app_key(request.uri().path())?;
        let Presented::Token(secret) = bearer_or_header(request.headers()) else { return None };
        Some(Question { app, secret, demand: demand(request.uri().query().unwrap_or_default()) })
    }

    /// A demand that makes no sense is refused only to a token that is good: without one the answer is 401 in any case.
    fn asked(&self) -> &Demand {
        self.demand.as_ref().unwrap_or(&Demand::Active)
    }

    fn answer(self, verified: Result<Verified, Unavailable>) -> Answer {
        match verified {
            Err(error) => Answer::Unavailable(error),
            Ok(verified) => match (verified.verdict, verified.subject, self.demand) {
                (Verdict::Allowed, Some(subject), Some(_)) => Answer::Allowed { app: self.app, subject },
                (Verdict::Allowed, Some(_), None) | (Verdict::Refused, ..) => Answer::Refused,
                (Verdict::Inactive(_), ..) | (Verdict::Allowed, None, _) => Answer::Unproven,
            },
        }
    }
}

/// The answer where there is no room for a request.
pub(crate) fn busy() -> Response {
    let headers = [(CACHE_CONTROL, HeaderValue::from_static("no-store")), (RETRY_AFTER, RETRY_SOON)];
    (StatusCode::SERVICE_UNAVAILABLE, headers).into_response()
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
            "permission" if permission.is_none() => permission = Some(value.parse::<Permission>().ok()?),
            "id" if id.is_none() => id = Some(value),
            "tag" => tags.push(value),
            _ => return None,
        }
    }
    let resource = (id.is_some() || !tags.is_empty()).then_some(Resource { id, tags });
    match (permission, resource) {
        (Some(permission), resource) => Some(Demand::Permission { permission, resource }),
        (None, None) => Some(Demand::Active),
        (None, Some(_)) => None,
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        let headers = response.headers_mut();
        headers.reserve(HEADERS);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        *response.status_mut() = match self {
            Answer::Allowed { app, subject } => {
                for (name, value) in identity(app, &subject) {
                    headers.insert(name, value);
                }
                StatusCode::OK
            }
            Answer::Unproven => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
                StatusCode::UNAUTHORIZED
            }
            Answer::Refused => {
                let challenge = HeaderValue::from_static("Bearer error=\"insufficient_scope\"");
                headers.insert(WWW_AUTHENTICATE, challenge);
                StatusCode::FORBIDDEN
            }
            Answer::Unavailable(error) => {
                tracing::error!(route = "/auth/{app}", "{error}");
                StatusCode::SERVICE_UNAVAILABLE
            }
        };
        response
    }
}

/// The four headers that a gateway hands on: always all of them, empty when there is nothing to say. An app's key is
/// written with unreserved characters alone.
fn identity(app: AppKey, subject: &Subject) -> [(HeaderName, HeaderValue); 4] {
    let value = |text: Bytes| {
        HeaderValue::from_maybe_shared(text)
            .unwrap_or_else(|_| unreachable!("percent-encoded text is a header value"))
    };
    [
        (X_AUTH_APP, value(String::from(app).into())),
        (X_AUTH_TOKEN_ID, value(subject.token_id_text())),
        (X_AUTH_USER, value(subject.user_text())),
        (X_AUTH_SCOPES, value(subject.scopes_text())),
    ]
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
