//! Errors of Dotide: an object with a message, which its clients raise.

use super::wire::{error_body, validation_body};
use crate::transport::fault::{Fault, json_error};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jeton_core::AuthorityRefusal;
use jeton_service::{Error, Refusal};
use std::borrow::Cow;

/// Why a request is refused.
#[derive(Debug)]
pub(super) enum DotideError {
    /// Nothing is there, or nothing that the caller may know of. Always the same answer.
    NotFound,
    /// The request is not valid: what is wrong, and what it must be.
    Bad(Cow<'static, str>),
    /// The scopes are not valid: what is wrong with them.
    Scopes(Cow<'static, str>),
    /// A fault that does not depend on the API.
    Fault(Fault),
}

impl DotideError {
    fn status(&self) -> StatusCode {
        match self {
            DotideError::NotFound => StatusCode::NOT_FOUND,
            DotideError::Bad(_) => StatusCode::BAD_REQUEST,
            DotideError::Scopes(_) => StatusCode::UNPROCESSABLE_ENTITY,
            DotideError::Fault(fault) => fault.status(),
        }
    }

    pub(super) fn body(&self) -> String {
        match self {
            DotideError::NotFound => error_body("Not Found"),
            DotideError::Bad(text) => error_body(text),
            DotideError::Scopes(text) => validation_body(text),
            DotideError::Fault(fault) => error_body(&fault.message()),
        }
    }
}

impl From<Refusal> for DotideError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => DotideError::NotFound,
            // The holder of the client credentials may do everything; only a value that is not valid is
            // refused.
            Refusal::Forbidden(
                error @ (AuthorityRefusal::NotHeld
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
                | AuthorityRefusal::Policy(_)
                | AuthorityRefusal::Limit(_)),
            ) => DotideError::Scopes(error.to_string().into()),
        }
    }
}

impl From<Fault> for DotideError {
    fn from(fault: Fault) -> Self {
        DotideError::Fault(fault)
    }
}

impl From<Error> for DotideError {
    fn from(error: Error) -> Self {
        DotideError::Fault(error.into())
    }
}

impl IntoResponse for DotideError {
    fn into_response(self) -> Response {
        let fault = if let DotideError::Fault(fault) = &self { Some(fault) } else { None };
        json_error("/v1/{db}/access_tokens", self.status(), self.body(), fault)
    }
}
