//! Errors of Dotide: an object with a message, which its clients raise.

use super::wire::{error_body, validation_body};
use crate::overload::{self, RETRY_SOON};
use crate::server::{HeadFault, Unserved};
use crate::transport::body::BodyError;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use jeton_core::AuthorityError;
use jeton_service::{Refusal, Unavailable};
use std::borrow::Cow;

/// Why a request is not served.
#[derive(Debug)]
pub(super) enum DotideError {
    /// There is nothing, or nothing that the caller may know of. Always the same answer.
    NotFound,
    /// Something about the request is wrong: what, and what it must be.
    Bad(Cow<'static, str>),
    /// The scopes are no good: what is wrong with them.
    Scopes(Cow<'static, str>),
    /// The path does not know the method, but these.
    Method(&'static str),
    /// The body is too large.
    TooLarge(usize),
    /// The body is not written in a way that is read here: what it must be.
    MediaType(&'static str),
    /// The body did not come in time.
    TooSlow,
    /// There is no room for the request at this moment.
    Busy,
    /// Something is wrong with the head of the request.
    Head(HeadFault),
    /// It could not be found out, or not be done.
    Unavailable(Unavailable),
}

impl DotideError {
    fn status(&self) -> StatusCode {
        match self {
            DotideError::NotFound => StatusCode::NOT_FOUND,
            DotideError::Bad(_) => StatusCode::BAD_REQUEST,
            DotideError::Scopes(_) => StatusCode::UNPROCESSABLE_ENTITY,
            DotideError::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            DotideError::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            DotideError::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            DotideError::TooSlow => StatusCode::REQUEST_TIMEOUT,
            DotideError::Busy | DotideError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            DotideError::Head(fault) => fault.status(),
        }
    }

    pub(super) fn body(&self) -> String {
        match self {
            DotideError::NotFound => error_body("Not Found"),
            DotideError::Bad(text) => error_body(text),
            DotideError::Scopes(text) => validation_body(text),
            DotideError::Method(allow) => error_body(&format!("this path knows {allow}")),
            DotideError::TooLarge(bytes) => error_body(&format!("the body has more than {bytes} bytes")),
            DotideError::MediaType(wanted) => error_body(wanted),
            DotideError::TooSlow => error_body("the body did not come in time"),
            DotideError::Head(fault) => error_body(&fault.to_string()),
            DotideError::Busy | DotideError::Unavailable(_) => {
                error_body("the service is unavailable: try again")
            }
        }
    }
}

impl From<Refusal> for DotideError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => DotideError::NotFound,
            // Whoever holds the client credentials may do everything; what is refused is a value that is no good.
            Refusal::Forbidden(
                error @ (AuthorityError::NotHeld
                | AuthorityError::Outlives
                | AuthorityError::BeyondCaller
                | AuthorityError::NotYours
                | AuthorityError::DisabledByAnother
                | AuthorityError::Reserved
                | AuthorityError::WouldWiden
                | AuthorityError::IdentityToken
                | AuthorityError::ServiceToken
                | AuthorityError::UnknownPermission
                | AuthorityError::Limit(_)),
            ) => DotideError::Scopes(error.to_string().into()),
        }
    }
}

impl From<Unavailable> for DotideError {
    fn from(error: Unavailable) -> Self {
        DotideError::Unavailable(error)
    }
}

impl From<Unserved> for DotideError {
    fn from(why: Unserved) -> Self {
        match why {
            Unserved::NoRoom => DotideError::Busy,
            Unserved::Head(fault) => DotideError::Head(fault),
        }
    }
}

impl From<BodyError> for DotideError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge(bytes) => DotideError::TooLarge(bytes),
            BodyError::Incomplete => DotideError::Bad("the body is incomplete".into()),
            BodyError::TooSlow => DotideError::TooSlow,
            BodyError::NoRoom => DotideError::Busy,
            BodyError::Encoding(wanted) => DotideError::MediaType(wanted),
        }
    }
}

impl IntoResponse for DotideError {
    fn into_response(self) -> Response {
        if let DotideError::Unavailable(error) = &self {
            overload::log("/v1/{db}/access_tokens", error);
        }
        let mut response = (self.status(), self.body()).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match self {
            DotideError::Method(allow) => headers.insert(ALLOW, HeaderValue::from_static(allow)),
            DotideError::Busy => headers.insert(RETRY_AFTER, RETRY_SOON),
            _ => None,
        };
        response
    }
}
