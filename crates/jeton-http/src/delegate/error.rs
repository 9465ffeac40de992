//! Errors of delegation: `{"error", "message"}`, the first a stable code.

use super::wire;
use crate::transport::fault::{Fault, json_error};
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use jeton_core::AuthorityRefusal;
use jeton_service::{DelegateRefusal, DraftError, Error};
use std::borrow::Cow;

/// Why a request is refused.
#[derive(Debug)]
pub(super) enum DelegateError {
    /// Nothing is served at this path.
    NoSuchPath,
    /// The caller presented no live token of the app, or the app does not exist.
    Unproven,
    /// The caller's token does not hold `delegate`.
    Powerless,
    /// The body is not JSON: where.
    Json(String),
    /// A member of the body: what is wrong with it.
    Member(String),
    /// The app allows no more tokens above one.
    TooDeep,
    /// The token would reach further than the caller's.
    Forbidden(AuthorityRefusal),
    /// A fault that does not depend on the API.
    Fault(Fault),
}

impl DelegateError {
    /// The status and the stable code.
    fn code(&self) -> (StatusCode, &'static str) {
        match self {
            DelegateError::NoSuchPath => (StatusCode::NOT_FOUND, "not_found"),
            DelegateError::Unproven => (StatusCode::UNAUTHORIZED, "unauthorized"),
            DelegateError::Powerless => (StatusCode::FORBIDDEN, "insufficient_scope"),
            DelegateError::Json(_) => (StatusCode::BAD_REQUEST, "invalid_json"),
            DelegateError::Member(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_member"),
            DelegateError::TooDeep => (StatusCode::FORBIDDEN, "too_deep"),
            DelegateError::Forbidden(AuthorityRefusal::Policy(_)) => {
                (StatusCode::FORBIDDEN, "against_policy")
            }
            DelegateError::Forbidden(_) => (StatusCode::FORBIDDEN, "beyond_parent"),
            DelegateError::Fault(fault) => (fault.status(), fault.code()),
        }
    }

    /// The message to the caller.
    fn message(&self) -> Cow<'static, str> {
        match self {
            DelegateError::NoSuchPath => "nothing is served at this path".into(),
            DelegateError::Unproven => "a live token of the app is required".into(),
            DelegateError::Powerless => "this token does not hold delegate on everything".into(),
            DelegateError::Json(text) | DelegateError::Member(text) => text.clone().into(),
            DelegateError::TooDeep => DelegateRefusal::TooDeep.to_string().into(),
            DelegateError::Forbidden(refusal) => refusal.to_string().into(),
            DelegateError::Fault(fault) => fault.message(),
        }
    }
}

impl From<Fault> for DelegateError {
    fn from(fault: Fault) -> Self {
        DelegateError::Fault(fault)
    }
}

impl From<Error> for DelegateError {
    fn from(error: Error) -> Self {
        DelegateError::Fault(error.into())
    }
}

impl From<DraftError> for DelegateError {
    fn from(error: DraftError) -> Self {
        DelegateError::Member(error.to_string())
    }
}

impl From<DelegateRefusal> for DelegateError {
    fn from(refusal: DelegateRefusal) -> Self {
        match refusal {
            DelegateRefusal::Draft(error) => error.into(),
            DelegateRefusal::TooDeep => DelegateError::TooDeep,
            DelegateRefusal::Forbidden(AuthorityRefusal::Limit(limit)) => {
                DelegateError::Member(limit.to_string())
            }
            DelegateRefusal::Forbidden(refusal) => DelegateError::Forbidden(refusal),
        }
    }
}

impl IntoResponse for DelegateError {
    fn into_response(self) -> Response {
        let fault = if let DelegateError::Fault(fault) = &self { Some(fault) } else { None };
        let (status, code) = self.code();
        let mut response = json_error("/delegate/{app}", status, wire::error(code, &self.message()), fault);
        let challenge = match &self {
            DelegateError::Unproven => Some("Bearer"),
            DelegateError::Powerless => Some("Bearer error=\"insufficient_scope\""),
            _ => None,
        };
        if let Some(challenge) = challenge {
            response.headers_mut().append(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}
