//! OAuth's errors: `{"error", "error_description"}` (RFC 6749 section 5.2).

use super::wire;
use crate::transport::fault::{Fault, json_error};
use crate::transport::limits::add_limit_headers;
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use jeton_service::{Error, LimitsLeft, OAuthRefusal, VerifierProof};
use std::borrow::Cow;

/// Why a request is refused.
#[derive(Debug)]
pub(super) enum OAuthError {
    /// Nothing is served at this path.
    NoSuchPath,
    /// The caller has not authenticated as the client of an app.
    Client,
    /// The bearer's token is not live in any app.
    Bearer,
    /// The bearer's token does not have the permission.
    Powerless,
    /// The request is not valid: why.
    Request(&'static str),
    /// The token that is asked about was used too often: so its limits stand.
    OverLimit(Box<LimitsLeft>),
    /// A fault that does not depend on the API.
    Fault(Fault),
}

impl OAuthError {
    /// The refusal for a caller that authenticated in this way.
    pub(super) fn refused(refusal: OAuthRefusal, proof: &VerifierProof) -> Self {
        match proof {
            VerifierProof::Client(_) => OAuthError::client(refusal),
            VerifierProof::Bearer(_) => OAuthError::bearer(refusal),
        }
    }

    /// The refusal for a client.
    pub(super) fn client(refusal: OAuthRefusal) -> Self {
        match refusal {
            OAuthRefusal::Unproven => OAuthError::Client,
            refusal => OAuthError::bearer(refusal),
        }
    }

    /// The refusal for a bearer.
    pub(super) fn bearer(refusal: OAuthRefusal) -> Self {
        match refusal {
            OAuthRefusal::Unproven => OAuthError::Bearer,
            OAuthRefusal::Powerless => OAuthError::Powerless,
            OAuthRefusal::Throttled(often) => Fault::TooOften(often).into(),
        }
    }

    /// The status and the code, from RFC 6749 section 5.2 or RFC 6750 section 3.1 where they define one.
    fn code(&self) -> (StatusCode, &'static str) {
        match self {
            OAuthError::NoSuchPath => (StatusCode::NOT_FOUND, "not_found"),
            OAuthError::Client => (StatusCode::UNAUTHORIZED, "invalid_client"),
            OAuthError::Bearer => (StatusCode::UNAUTHORIZED, "invalid_token"),
            OAuthError::Powerless => (StatusCode::FORBIDDEN, "insufficient_scope"),
            OAuthError::Request(_) => (StatusCode::BAD_REQUEST, "invalid_request"),
            OAuthError::OverLimit(_) => (StatusCode::TOO_MANY_REQUESTS, "rate_limited"),
            OAuthError::Fault(fault) => (fault.status(), fault.code()),
        }
    }

    fn message(&self) -> Cow<'static, str> {
        match self {
            OAuthError::NoSuchPath => "nothing is served at this path".into(),
            OAuthError::Client => {
                "the client credentials of an app are required, or a live token of it that may ask this"
                    .into()
            }
            OAuthError::Bearer => "this token is not live in any app".into(),
            OAuthError::Powerless => "this token may not ask this".into(),
            OAuthError::Request(message) => (*message).into(),
            OAuthError::OverLimit(_) => "this token was used as often as it may be for now".into(),
            OAuthError::Fault(fault) => fault.message(),
        }
    }

    fn challenge(&self) -> Option<&'static str> {
        match self {
            OAuthError::Client => Some("Basic realm=\"jeton\", charset=\"UTF-8\""),
            OAuthError::Bearer => Some("Bearer error=\"invalid_token\""),
            OAuthError::Powerless => Some("Bearer error=\"insufficient_scope\""),
            OAuthError::NoSuchPath
            | OAuthError::Request(_)
            | OAuthError::OverLimit(_)
            | OAuthError::Fault(_) => None,
        }
    }
}

impl From<Fault> for OAuthError {
    fn from(fault: Fault) -> Self {
        OAuthError::Fault(fault)
    }
}

impl From<Error> for OAuthError {
    fn from(error: Error) -> Self {
        OAuthError::Fault(error.into())
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let fault = if let OAuthError::Fault(fault) = &self { Some(fault) } else { None };
        let (status, code) = self.code();
        let mut response = json_error("/oauth2", status, wire::error(code, &self.message()), fault);
        if let OAuthError::OverLimit(limits) = &self {
            add_limit_headers(response.headers_mut(), limits);
        }
        if let Some(challenge) = self.challenge() {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}
