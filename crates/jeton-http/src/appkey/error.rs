//! Errors of the user-token API: HTTP status and envelope agree.

use super::wire::envelope;
use crate::overload::{self, RETRY_SOON};
use crate::server::{HeadFault, Unserved};
use crate::transport::body::BodyError;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use jeton_core::AuthorityError;
use jeton_service::{Refusal, TooOften, Unavailable};
use std::borrow::Cow;

/// Why a request is not served.
#[derive(Debug)]
pub(super) enum AppKeyError {
    /// No live token was presented.
    Unproven,
    /// From this address came too many tokens that are none.
    TooOften(TooOften),
    /// The token is live in another app, or there is no such app.
    NoSuchApp,
    /// The token lends no authority over tokens.
    Powerless,
    /// What is asked is beyond the caller's authority.
    Forbidden(AuthorityError),
    /// There is no such token, as far as the caller may know.
    NoSuchToken,
    /// Something about the request is wrong: what, and what it must be.
    Bad(Cow<'static, str>),
    /// Nothing is served at this path.
    NoSuchPath,
    /// The path does not know the method, but these.
    Method(&'static str),
    /// The body is too large.
    TooLarge(usize),
    /// The body is not of a type, or not written in a way, that is read here: what it must be.
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

impl AppKeyError {
    pub(super) fn bad(text: impl Into<Cow<'static, str>>) -> Self {
        AppKeyError::Bad(text.into())
    }

    fn status(&self) -> StatusCode {
        match self {
            AppKeyError::Unproven => StatusCode::UNAUTHORIZED,
            AppKeyError::TooOften(_) => StatusCode::TOO_MANY_REQUESTS,
            AppKeyError::Powerless => StatusCode::FORBIDDEN,
            AppKeyError::Forbidden(AuthorityError::Limit(_)) | AppKeyError::Bad(_) => StatusCode::BAD_REQUEST,
            AppKeyError::Forbidden(
                AuthorityError::NotHeld
                | AuthorityError::Outlives
                | AuthorityError::BeyondCaller
                | AuthorityError::NotYours
                | AuthorityError::DisabledByAnother
                | AuthorityError::Reserved
                | AuthorityError::WouldWiden
                | AuthorityError::IdentityToken
                | AuthorityError::ServiceToken
                | AuthorityError::UnknownPermission,
            ) => StatusCode::FORBIDDEN,
            AppKeyError::NoSuchApp | AppKeyError::NoSuchToken | AppKeyError::NoSuchPath => {
                StatusCode::NOT_FOUND
            }
            AppKeyError::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            AppKeyError::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            AppKeyError::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            AppKeyError::TooSlow => StatusCode::REQUEST_TIMEOUT,
            AppKeyError::Busy | AppKeyError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            AppKeyError::Head(fault) => fault.status(),
        }
    }

    /// What the caller is told. What the log is told of an outage is another matter.
    pub(super) fn message(&self) -> Cow<'static, str> {
        match self {
            AppKeyError::Unproven => "a live access token is required: Authorization: Bearer <token>".into(),
            AppKeyError::TooOften(_) => overload::TOO_MANY_FAILURES.into(),
            AppKeyError::NoSuchApp => "there is no such app".into(),
            AppKeyError::Powerless => "this access token may not manage tokens".into(),
            AppKeyError::Forbidden(error) => error.to_string().into(),
            AppKeyError::NoSuchToken => "there is no such token".into(),
            AppKeyError::Bad(text) => text.clone(),
            AppKeyError::NoSuchPath => "nothing is served at this path".into(),
            AppKeyError::Method(allow) => format!("this path knows {allow}").into(),
            AppKeyError::TooLarge(bytes) => format!("the body has more than {bytes} bytes").into(),
            AppKeyError::MediaType(wanted) => (*wanted).into(),
            AppKeyError::TooSlow => "the body did not come in time".into(),
            AppKeyError::Head(fault) => fault.to_string().into(),
            AppKeyError::Busy | AppKeyError::Unavailable(_) => "the service is unavailable: try again".into(),
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

impl From<Unavailable> for AppKeyError {
    fn from(error: Unavailable) -> Self {
        AppKeyError::Unavailable(error)
    }
}

impl From<Unserved> for AppKeyError {
    fn from(why: Unserved) -> Self {
        match why {
            Unserved::NoRoom => AppKeyError::Busy,
            Unserved::Head(fault) => AppKeyError::Head(fault),
        }
    }
}

impl From<BodyError> for AppKeyError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge(bytes) => AppKeyError::TooLarge(bytes),
            BodyError::Incomplete => AppKeyError::bad("the body is incomplete"),
            BodyError::TooSlow => AppKeyError::TooSlow,
            BodyError::NoRoom => AppKeyError::Busy,
            BodyError::Encoding(wanted) => AppKeyError::MediaType(wanted),
        }
    }
}

impl IntoResponse for AppKeyError {
    fn into_response(self) -> Response {
        if let AppKeyError::Unavailable(error) = &self {
            overload::log("/AccessToken", error);
        }
        let status = self.status();
        let body = envelope(status.as_u16(), &serde_json::Value::Null, &self.message());
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match self {
            AppKeyError::Unproven => headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
            AppKeyError::TooOften(often) => headers.insert(RETRY_AFTER, overload::retry_after(often)),
            AppKeyError::Busy => headers.insert(RETRY_AFTER, RETRY_SOON),
            AppKeyError::Method(allow) => headers.insert(ALLOW, HeaderValue::from_static(allow)),
            _ => None,
        };
        response
    }
}
