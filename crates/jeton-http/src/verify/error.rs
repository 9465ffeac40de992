//! Errors of verification: `{"error", "message"}`, the first a stable code.

use super::input::CheckError;
use super::wire;
use crate::transport::fault::{Fault, json_error};
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use jeton_service::Error;
use std::borrow::Cow;

/// Why a request is refused.
#[derive(Debug)]
pub(super) enum VerifyError {
    /// Nothing is served at this path.
    NoSuchPath,
    /// The caller has not authenticated for the app, or the app does not exist.
    Unproven,
    /// The caller's token does not have the permission.
    Powerless,
    /// The body is not JSON.
    Json,
    /// The body is a check that is not valid, or nothing known.
    Check(CheckError),
    /// The body is a check and a batch at once.
    Both,
    /// The batch has too many checks.
    TooMany,
    /// A fault that does not depend on the API.
    Fault(Fault),
}

impl VerifyError {
    /// The status and the stable code.
    fn code(&self) -> (StatusCode, &'static str) {
        match self {
            VerifyError::NoSuchPath => (StatusCode::NOT_FOUND, "not_found"),
            VerifyError::Unproven => (StatusCode::UNAUTHORIZED, "unauthorized"),
            VerifyError::Powerless => (StatusCode::FORBIDDEN, "insufficient_scope"),
            VerifyError::Json => (StatusCode::BAD_REQUEST, "invalid_json"),
            VerifyError::Check(_) | VerifyError::Both => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_check"),
            VerifyError::TooMany => (StatusCode::UNPROCESSABLE_ENTITY, "too_many_checks"),
            VerifyError::Fault(fault) => (fault.status(), fault.code()),
        }
    }

    /// The message to the caller.
    fn message(&self) -> Cow<'static, str> {
        match self {
            VerifyError::NoSuchPath => "nothing is served at this path".into(),
            VerifyError::Unproven => {
                "the client credentials of the app, or a live token of it that holds jeton:verify, are required".into()
            }
            VerifyError::Powerless => "this token does not hold jeton:verify".into(),
            VerifyError::Json => "the body is no JSON".into(),
            VerifyError::Check(error) => error.message().into(),
            VerifyError::Both => "the body is either one check or {\"checks\": [...]}".into(),
            VerifyError::TooMany => "a batch has at most 1000 checks".into(),
            VerifyError::Fault(fault) => fault.message(),
        }
    }
}

impl From<Fault> for VerifyError {
    fn from(fault: Fault) -> Self {
        VerifyError::Fault(fault)
    }
}

impl From<Error> for VerifyError {
    fn from(error: Error) -> Self {
        VerifyError::Fault(error.into())
    }
}

impl IntoResponse for VerifyError {
    fn into_response(self) -> Response {
        let fault = if let VerifyError::Fault(fault) = &self { Some(fault) } else { None };
        let (status, code) = self.code();
        let mut response = json_error("/verify/{app}", status, wire::error(code, &self.message()), fault);
        let challenges: &[&str] = match &self {
            VerifyError::Unproven => &["Basic realm=\"jeton\", charset=\"UTF-8\"", "Bearer"],
            VerifyError::Powerless => &["Bearer error=\"insufficient_scope\""],
            _ => &[],
        };
        for challenge in challenges {
            response.headers_mut().append(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}
