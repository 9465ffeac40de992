//! Errors of verification: `{"error", "message"}`, the first a stable code.

use super::input::Misfit;
use super::wire;
use crate::overload::{self, RETRY_SOON};
use crate::server::{HeadFault, Unserved};
use crate::transport::body::BodyError;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use jeton_service::{TooOften, Unavailable};
use std::borrow::Cow;

/// Why nothing is answered.
#[derive(Debug)]
pub(super) enum VerifyError {
    /// Nothing is served at this path.
    NoSuchPath,
    /// The path knows POST alone.
    Method,
    /// The caller has not proved to belong to the app, or there is no such app.
    Unproven,
    /// From this address came too much that proved nothing.
    TooOften(TooOften),
    /// The caller's token may not ask.
    Powerless,
    /// The body has more than so many bytes.
    TooLarge(usize),
    /// The body did not come as a whole.
    Incomplete,
    /// The body did not come in time.
    TooSlow,
    /// There is no room for the request at this moment.
    Busy,
    /// Something is wrong with the head of the request.
    Head(HeadFault),
    /// The body is said to be no JSON, or not written in a way that is read here: what it must be.
    MediaType(&'static str),
    /// The body is no JSON.
    Json,
    /// The body is one check that cannot be asked, or nothing known.
    Misfit(Misfit),
    /// The body is a check and a batch at once.
    Both,
    /// The batch has too many checks.
    TooMany,
    /// It could not be found out.
    Unavailable(Unavailable),
}

impl VerifyError {
    /// The status and the stable code.
    fn code(&self) -> (StatusCode, &'static str) {
        match self {
            VerifyError::NoSuchPath => (StatusCode::NOT_FOUND, "not_found"),
            VerifyError::Method => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            VerifyError::Unproven => (StatusCode::UNAUTHORIZED, "unauthorized"),
            VerifyError::TooOften(_) => (StatusCode::TOO_MANY_REQUESTS, "too_many_failures"),
            VerifyError::Powerless => (StatusCode::FORBIDDEN, "insufficient_scope"),
            VerifyError::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
            VerifyError::Incomplete => (StatusCode::BAD_REQUEST, "incomplete_body"),
            VerifyError::TooSlow => (StatusCode::REQUEST_TIMEOUT, "body_too_slow"),
            VerifyError::MediaType(_) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"),
            VerifyError::Json => (StatusCode::BAD_REQUEST, "invalid_json"),
            VerifyError::Misfit(_) | VerifyError::Both => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_check"),
            VerifyError::TooMany => (StatusCode::UNPROCESSABLE_ENTITY, "too_many_checks"),
            VerifyError::Head(fault) => (fault.status(), "invalid_head"),
            VerifyError::Busy | VerifyError::Unavailable(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
            }
        }
    }

    /// What the caller is told. What the log is told of an outage is another matter.
    fn message(&self) -> Cow<'static, str> {
        match self {
            VerifyError::NoSuchPath => "nothing is served at this path".into(),
            VerifyError::Method => "this path knows POST".into(),
            VerifyError::Unproven => {
                "the client credentials of the app, or a live token of it that holds jeton:verify, are required".into()
            }
            VerifyError::TooOften(_) => overload::TOO_MANY_FAILURES.into(),
            VerifyError::Powerless => "this token does not hold jeton:verify".into(),
            VerifyError::TooLarge(most) => format!("the body has more than {most} bytes").into(),
            VerifyError::Incomplete => "the body is incomplete".into(),
            VerifyError::TooSlow => "the body did not come in time".into(),
            VerifyError::MediaType(wanted) => (*wanted).into(),
            VerifyError::Json => "the body is no JSON".into(),
            VerifyError::Misfit(misfit) => misfit.message().into(),
            VerifyError::Both => "the body is either one check or {\"checks\": [...]}".into(),
            VerifyError::TooMany => "a batch has at most 1000 checks".into(),
            VerifyError::Head(fault) => fault.to_string().into(),
            VerifyError::Busy | VerifyError::Unavailable(_) => "the service is unavailable: try again".into(),
        }
    }
}

impl From<Unavailable> for VerifyError {
    fn from(error: Unavailable) -> Self {
        VerifyError::Unavailable(error)
    }
}

impl From<Unserved> for VerifyError {
    fn from(why: Unserved) -> Self {
        match why {
            Unserved::NoRoom => VerifyError::Busy,
            Unserved::Head(fault) => VerifyError::Head(fault),
        }
    }
}

impl From<BodyError> for VerifyError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge(most) => VerifyError::TooLarge(most),
            BodyError::Incomplete => VerifyError::Incomplete,
            BodyError::TooSlow => VerifyError::TooSlow,
            BodyError::NoRoom => VerifyError::Busy,
            BodyError::Encoding(wanted) => VerifyError::MediaType(wanted),
        }
    }
}

impl IntoResponse for VerifyError {
    fn into_response(self) -> Response {
        if let VerifyError::Unavailable(error) = &self {
            overload::log("/verify/{app}", error);
        }
        let (status, code) = self.code();
        let mut response = (status, wire::error(code, &self.message())).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match self {
            VerifyError::Unproven => {
                headers.append(
                    WWW_AUTHENTICATE,
                    HeaderValue::from_static("Basic realm=\"jeton\", charset=\"UTF-8\""),
                );
                headers.append(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            VerifyError::Powerless => {
                headers.insert(
                    WWW_AUTHENTICATE,
                    HeaderValue::from_static("Bearer error=\"insufficient_scope\""),
                );
            }
            VerifyError::TooOften(often) => {
                headers.insert(RETRY_AFTER, overload::retry_after(often));
            }
            VerifyError::Busy => {
                headers.insert(RETRY_AFTER, RETRY_SOON);
            }
            VerifyError::Method => {
                headers.insert(ALLOW, HeaderValue::from_static("POST"));
            }
            _ => {}
        }
        response
    }
}
