//! Forward-auth: a gateway asks whether the request it holds may pass.
//!
//! `/auth/{app}?permission=&id=&tag=` with any method. The answer is 200, 401, 403, or 503 when it could not be found
//! out: nginx passes 401 and 403 on and makes 500 of everything else.

use crate::overload::RETRY_SOON;
use crate::request::{Presented, bearer_or_header, pairs, segments};
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use jeton_core::{AppKey, Demand, Permission, Resource, Secret, Verdict};
use jeton_service::{Service, Subject, Unavailable};
use std::sync::Arc;

const X_AUTH_APP: HeaderName = HeaderName::from_static("x-auth-app");
const X_AUTH_TOKEN_ID: HeaderName = HeaderName::from_static("x-auth-token-id");
const X_AUTH_USER: HeaderName = HeaderName::from_static("x-auth-user");
const X_AUTH_SCOPES: HeaderName = HeaderName::from_static("x-auth-scopes");

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

pub(crate) async fn handle(State(service): State<Service>, request: Request) -> Response {
    let answer = match (app_key(request.uri().path()), bearer_or_header(request.headers())) {
        (Some(app), Presented::Token(secret)) => {
            decide(&service, app, &secret, demand(request.uri().query().unwrap_or_default())).await
        }
        (Some(_), Presented::Nothing | Presented::Several) | (None, _) => Answer::Unproven,
    };
    answer.into_response()
}

/// A demand that makes no sense is refused only to a token that is good: without one the answer is 401 in any case.
async fn decide(service: &Service, app: AppKey, secret: &Secret, demand: Option<Demand>) -> Answer {
    let asked = demand.as_ref().unwrap_or(&Demand::Active);
    match service.verify(&app, secret, asked).await {
        Err(error) => Answer::Unavailable(error),
        Ok(verified) => match (verified.verdict, verified.subject, demand) {
            (Verdict::Allowed, Some(subject), Some(_)) => Answer::Allowed { app, subject },
            (Verdict::Allowed, Some(_), None) | (Verdict::Refused, ..) => Answer::Refused,
            (Verdict::Inactive(_), ..) | (Verdict::Allowed, None, _) => Answer::Unproven,
        },
    }
}

/// The answer where there is no room for a request.
pub(crate) fn busy() -> Response {
    let headers = [(CACHE_CONTROL, HeaderValue::from_static("no-store")), (RETRY_AFTER, RETRY_SOON)];
    (StatusCode::SERVICE_UNAVAILABLE, headers).into_response()
}

fn app_key(path: &str) -> Option<AppKey> {
    match segments(path, "/auth")?.as_slice() {
        [app] => app.parse().ok(),
        _ => None,
    }
}

/// The demand of a query; `None` if it makes no sense: an unknown or empty name or value, `permission` or `id` twice, a
/// resource without a permission.
fn demand(query: &str) -> Option<Demand> {
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
        let no_store = [(CACHE_CONTROL, "no-store")];
        match self {
            Answer::Allowed { app, subject } => {
                (StatusCode::OK, no_store, identity(&app, &subject)).into_response()
            }
            Answer::Unproven => {
                (StatusCode::UNAUTHORIZED, no_store, [(WWW_AUTHENTICATE, "Bearer")]).into_response()
            }
            Answer::Refused => {
                let challenge = [(WWW_AUTHENTICATE, "Bearer error=\"insufficient_scope\"")];
                (StatusCode::FORBIDDEN, no_store, challenge).into_response()
            }
            Answer::Unavailable(error) => {
                tracing::error!(route = "/auth/{app}", "{error}");
                (StatusCode::SERVICE_UNAVAILABLE, no_store).into_response()
            }
        }
    }
}

/// The four headers that a gateway hands on: always all of them, empty when there is nothing to say. An app's key is
/// written with unreserved characters alone.
fn identity(app: &AppKey, subject: &Subject) -> [(HeaderName, HeaderValue); 4] {
    let value = |text: Bytes| {
        HeaderValue::from_maybe_shared(text)
            .unwrap_or_else(|_| unreachable!("percent-encoded text is a header value"))
    };
    [
        (X_AUTH_APP, value(Bytes::copy_from_slice(app.as_str().as_bytes()))),
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
