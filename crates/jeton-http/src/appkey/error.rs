//! Errors of the user-token API: HTTP status and envelope agree.

use super::wire::envelope;
use crate::transport::fault::{Fault, json_error};
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use jeton_core::AuthorityRefusal;
use jeton_service::{Error, Refusal};
use std::borrow::Cow;

/// Why a request is refused.
#[derive(Debug)]
pub(super) enum AppKeyError {
    /// No live token was presented.
    Unproven,
    /// The token is live in another app, or the app does not exist.
    NoSuchApp,
    /// The token gives no authority over tokens.
    Powerless,
    /// The request exceeds the caller's authority.
    Forbidden(AuthorityRefusal),
    /// The token does not exist, as far as the caller may know.
    NoSuchToken,
    /// The request is not valid: what is wrong, and what it must be.
    Bad(Cow<'static, str>),
    /// Nothing is served at this path.
    NoSuchPath,
    /// A fault that does not depend on the API.
    Fault(Fault),
}

impl AppKeyError {
    pub(super) fn bad(text: impl Into<Cow<'static, str>>) -> Self {
        AppKeyError::Bad(text.into())
    }

    fn status(&self) -> StatusCode {
        match self {
            AppKeyError::Unproven => StatusCode::UNAUTHORIZED,
            AppKeyError::Powerless => StatusCode::FORBIDDEN,
            AppKeyError::Forbidden(AuthorityRefusal::Limit(_)) | AppKeyError::Bad(_) => {
                StatusCode::BAD_REQUEST
            }
            AppKeyError::Forbidden(
                AuthorityRefusal::NotHeld
                | AuthorityRefusal::Outlives
                | AuthorityRefusal::BeginsEarlier
                | AuthorityRefusal::Elsewhere
                | AuthorityRefusal::NeverBegins
                | AuthorityRefusal::MoreOften
                | AuthorityRefusal::NoLimits
                | AuthorityRefusal::BeyondCaller
                | AuthorityRefusal::NotYours
                | AuthorityRefusal::DisabledByAnother
                | AuthorityRefusal::Reserved
                | AuthorityRefusal::WouldWiden
                | AuthorityRefusal::IdentityToken
                | AuthorityRefusal::ServiceToken
                | AuthorityRefusal::UnknownPermission
                | AuthorityRefusal::Policy(_),
            ) => StatusCode::FORBIDDEN,
            AppKeyError::NoSuchApp | AppKeyError::NoSuchToken | AppKeyError::NoSuchPath => {
                StatusCode::NOT_FOUND
            }
            AppKeyError::Fault(fault) => fault.status(),
        }
    }

    /// The message to the caller.
    pub(super) fn message(&self) -> Cow<'static, str> {
        match self {
            AppKeyError::Unproven => "a live access token is required: Authorization: Bearer <token>".into(),
            AppKeyError::NoSuchApp => "there is no such app".into(),
            AppKeyError::Powerless => "this access token may not manage tokens".into(),
            AppKeyError::Forbidden(error) => error.to_string().into(),
            AppKeyError::NoSuchToken => "there is no such token".into(),
            AppKeyError::Bad(text) => text.clone(),
            AppKeyError::NoSuchPath => "nothing is served at this path".into(),
            AppKeyError::Fault(fault) => fault.message(),
        }
    }
}

impl From<Refusal> for AppKeyError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => AppKeyError::NoSuchToken,
            Refusal::Forbidden(error) => AppKeyError::Forbidden(error),
        }
    }
}

impl From<Fault> for AppKeyError {
    fn from(fault: Fault) -> Self {
        AppKeyError::Fault(fault)
    }
}

impl From<Error> for AppKeyError {
    fn from(error: Error) -> Self {
        AppKeyError::Fault(error.into())
    }
}

impl IntoResponse for AppKeyError {
    fn into_response(self) -> Response {
        let fault = if let AppKeyError::Fault(fault) = &self { Some(fault) } else { None };
        let status = self.status();
        let body = envelope(status.as_u16(), &serde_json::Value::Null, &self.message());
        let mut response = json_error("/AccessToken", status, body, fault);
        if let AppKeyError::Unproven = &self {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
