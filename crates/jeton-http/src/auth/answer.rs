//! The answers of forward-auth.

use super::question::BadDemand;
use super::{ROUTE, credential, original_request};
use crate::transport::fault::Fault;
use crate::transport::limits::each_limit_header;
use crate::transport::outdated::{JETON_STALE, stale_seconds};
use axum::http::header::{CACHE_CONTROL, VARY, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use jeton_core::{AppKey, CredentialPlace, ForwardAuthSettings, OverLimit, Realm, Timestamp};
use jeton_service::{CachedToken, Error, ForwardAuthApp, LimitsLeft};
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

const X_AUTH_APP: HeaderName = HeaderName::from_static("x-auth-app");
const X_AUTH_TOKEN_ID: HeaderName = HeaderName::from_static("x-auth-token-id");
const X_AUTH_USER: HeaderName = HeaderName::from_static("x-auth-user");
const X_AUTH_SCOPES: HeaderName = HeaderName::from_static("x-auth-scopes");

/// An answer, which has no body.
#[derive(Debug)]
pub(super) enum Answer {
    /// 200, with the identity.
    Allowed {
        key: AppKey,
        subject: Arc<CachedToken>,
        /// `None`: no caching.
        caching: Option<Caching>,
        /// How its limits stand; `None`: it has none.
        limits: Option<Box<LimitsLeft>>,
    },
    /// 200 without an identity: the service behind the gateway answers the browser.
    Preflight { key: AppKey },
    /// 401: no token that is valid here.
    Unproven(ForwardAuthApp),
    /// 403: a valid token that does not cover the demand, or an invalid demand.
    Refused(ForwardAuthApp, Option<BadDemand>),
    /// 429, or what the app's gateway can pass: a valid token that was used as often as it may be.
    OverLimit(ForwardAuthApp, Option<Box<LimitsLeft>>),
    /// A fault, above all 503: the service could not answer.
    Fault(Fault),
    /// Another answer, by what was known so long ago.
    Outdated(Box<Answer>, Duration),
}

/// For how long a gateway may reuse the answer, and for which requests.
#[derive(Debug)]
pub(super) struct Caching {
    seconds: u64,
    vary: String,
}

impl Answer {
    /// The answer if the path names no app.
    pub(super) fn nobody() -> Self {
        Answer::Unproven(ForwardAuthApp::NONE)
    }

    /// The answer if the service could not decide.
    pub(super) fn unavailable(error: Error) -> Self {
        let fault = Fault::from(error);
        fault.log(ROUTE);
        Answer::Fault(fault)
    }

    pub(super) fn allowed(
        key: AppKey,
        subject: Arc<CachedToken>,
        app: &ForwardAuthApp,
        limits: Option<Box<LimitsLeft>>,
        now: Timestamp,
    ) -> Self {
        let settings = app.settings();
        // A cache would let other clients in: it does not know from where they come. Nor does it count.
        let is_for_all = || app.allowed_addresses().is_none() && !subject.is_bound_to_addresses();
        let is_cached = settings.cache_seconds > 0 && is_for_all() && !subject.is_limited();
        let caching = is_cached.then(|| Caching::of(settings, &subject, now));
        Answer::Allowed { key, subject, caching, limits }
    }

    pub(super) fn status(&self) -> StatusCode {
        match self {
            Answer::Allowed { .. } | Answer::Preflight { .. } => StatusCode::OK,
            Answer::Unproven(_) => StatusCode::UNAUTHORIZED,
            Answer::Refused(..) => StatusCode::FORBIDDEN,
            Answer::OverLimit(app, _) => match app.settings().over_limit {
                OverLimit::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
                OverLimit::Forbidden => StatusCode::FORBIDDEN,
            },
            Answer::Fault(fault) => fault.status(),
            Answer::Outdated(answer, _) => answer.status(),
        }
    }

    /// The same, by what was known so long ago: nobody reuses it.
    pub(super) fn outdated(mut self, outdated: Duration) -> Self {
        if let Answer::Allowed { caching, .. } = &mut self {
            *caching = None;
        }
        Answer::Outdated(Box::new(self), outdated)
    }

    /// Passes each header to `say`. For allowed requests these include the four that a gateway passes on:
    /// always all of them, empty if there is no value, percent-encoded.
    pub(super) fn each_header(&self, mut say: impl FnMut(HeaderName, &[u8])) {
        match self {
            Answer::Outdated(answer, outdated) => {
                say(JETON_STALE, stale_seconds(*outdated).to_string().as_bytes());
                answer.each_own_header(say);
            }
            answer => answer.each_own_header(say),
        }
    }

    fn each_own_header(&self, mut say: impl FnMut(HeaderName, &[u8])) {
        match self {
            Answer::Allowed { caching: Some(caching), .. } => {
                say(CACHE_CONTROL, format!("public, max-age={}", caching.seconds).as_bytes());
                say(VARY, caching.vary.as_bytes());
            }
            _ => say(CACHE_CONTROL, b"no-store"),
        }
        match self {
            Answer::Allowed { key, subject, limits, .. } => {
                if let Some(limits) = limits {
                    each_limit_header(limits, &mut say);
                }
                say(X_AUTH_APP, key.as_str().as_bytes());
                say(X_AUTH_TOKEN_ID, &subject.token_id_text());
                say(X_AUTH_USER, &subject.user_text());
                say(X_AUTH_SCOPES, subject.scopes_text());
            }
            Answer::Preflight { key } => {
                say(X_AUTH_APP, key.as_str().as_bytes());
                [X_AUTH_TOKEN_ID, X_AUTH_USER, X_AUTH_SCOPES].into_iter().for_each(|name| say(name, b""));
            }
            Answer::Unproven(app) => challenge(app.settings(), None, None, say),
            Answer::Refused(app, bad) => {
                let description = bad.as_ref().and_then(BadDemand::description);
                challenge(app.settings(), Some("insufficient_scope"), description.as_deref(), say);
            }
            Answer::OverLimit(_, limits) => {
                if let Some(limits) = limits {
                    each_limit_header(limits, say);
                }
            }
            Answer::Fault(fault) => {
                if let Some((name, value)) = fault.header() {
                    say(name, value.as_bytes());
                }
            }
            // It encloses no other of its kind.
            Answer::Outdated(..) => {}
        }
    }
}

impl Caching {
    /// No longer than the token lives. A cache that respects `Vary` (RFC 9110 section 12.5.5) asks again for
    /// every other credential and request; for gateways that do not, their recipes set the cache key.
    fn of(settings: &ForwardAuthSettings, subject: &CachedToken, now: Timestamp) -> Self {
        let most = u64::from(settings.cache_seconds);
        let left = subject.expires_at().map(|end| end.as_millis().saturating_sub(now.as_millis()) / 1_000);
        let seconds = left.map_or(most, |left| most.min(u64::try_from(left).unwrap_or(0)));
        let request = original_request::headers_of(settings.source).into_iter().flatten();
        let vary: Vec<HeaderName> = credential::headers_of(settings).into_iter().chain(request).collect();
        Caching { seconds, vary: vary.iter().map(HeaderName::as_str).collect::<Vec<_>>().join(", ") }
    }
}

/// The challenge (RFC 9110 section 11.6.1, RFC 6750 section 3, RFC 9728 section 5.1). A client that only
/// supports user names and passwords is asked for them if a user name may be a token.
fn challenge(
    settings: &ForwardAuthSettings,
    error: Option<&str>,
    description: Option<&str>,
    mut say: impl FnMut(HeaderName, &[u8]),
) {
    let (realm, metadata) =
        (settings.realm.as_ref().map(Realm::as_str), settings.resource_metadata.as_deref());
    let mut bearer = "Bearer".to_owned();
    let parameters = [
        ("realm", realm),
        ("error", error),
        ("error_description", description),
        ("resource_metadata", metadata),
    ];
    let given = parameters.into_iter().filter_map(|(name, value)| Some((name, value?)));
    for (place, (name, value)) in given.enumerate() {
        let separator = if place == 0 { " " } else { ", " };
        write!(bearer, "{separator}{name}=\"{value}\"")
            .unwrap_or_else(|_| unreachable!("texts can be written to"));
    }
    say(WWW_AUTHENTICATE, bearer.as_bytes());
    if error.is_none() && settings.credentials.contains(&CredentialPlace::BasicUsername) {
        let realm = realm.unwrap_or("token");
        say(WWW_AUTHENTICATE, format!("Basic realm=\"{realm}\", charset=\"UTF-8\"").as_bytes());
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        self.each_header(|name, value| {
            let value = HeaderValue::from_bytes(value)
                .unwrap_or_else(|_| unreachable!("what is not plain is percent-encoded"));
            response.headers_mut().append(name, value);
        });
        response
    }
}
