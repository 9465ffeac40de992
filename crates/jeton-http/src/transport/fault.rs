//! Faults that do not depend on the API: each surface answers them in its own shape.

use crate::log_throttle::LogThrottle;
use crate::server::{HeadError, Unserved};
use axum::body::Body;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use jeton_service::{Error, TooOften};
use std::borrow::Cow;
use std::sync::LazyLock;

/// In seconds: what there was no room for a moment ago may find some now.
pub(crate) const RETRY_SOON: HeaderValue = HeaderValue::from_static("1");

/// Why a request is refused, independent of its surface.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Its head is invalid.
    Head(HeadError),
    /// The path does not have the method, only these.
    Method(&'static str),
    /// Its body has more than this many bytes.
    TooLarge(usize),
    /// Its body is incomplete.
    Incomplete,
    /// Its body did not arrive in time.
    TooSlow,
    /// The type or the coding of its body is not supported: what it must be.
    Unsupported(Cow<'static, str>),
    /// Too many invalid credentials came from its client's address.
    TooOften(TooOften),
    /// There is no room for it now.
    NoRoom,
    /// The service could not answer.
    Unavailable(Error),
}

impl Fault {
    /// The status of the answer.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Fault::Head(fault) => fault.status(),
            Fault::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Fault::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Fault::Incomplete => StatusCode::BAD_REQUEST,
            Fault::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Fault::Unsupported(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Fault::TooOften(_) => StatusCode::TOO_MANY_REQUESTS,
            Fault::NoRoom | Fault::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The stable code, for APIs with codes.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Fault::Head(_) => "invalid_head",
            Fault::Method(_) => "method_not_allowed",
            Fault::TooLarge(_) => "body_too_large",
            Fault::Incomplete => "incomplete_body",
            Fault::TooSlow => "body_too_slow",
            Fault::Unsupported(_) => "unsupported_media_type",
            Fault::TooOften(_) => "too_many_failures",
            Fault::NoRoom | Fault::Unavailable(_) => "unavailable",
        }
    }

    /// The message to the client, for APIs without one of their own. The log gets other details of an outage.
    pub(crate) fn message(&self) -> Cow<'static, str> {
        match self {
            Fault::Head(fault) => fault.to_string().into(),
            Fault::Method(allow) => format!("this path knows {allow}").into(),
            Fault::TooLarge(most) => format!("the body has more than {most} bytes").into(),
            Fault::Incomplete => "the body is incomplete".into(),
            Fault::TooSlow => "the body did not come in time".into(),
            Fault::Unsupported(wanted) => wanted.clone(),
            Fault::TooOften(_) => "too many failed attempts from this address: try again later".into(),
            Fault::NoRoom | Fault::Unavailable(_) => "the service is unavailable: try again".into(),
        }
    }

    /// A header that tells the client how to do better, if there is one.
    pub(crate) fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        match self {
            Fault::Method(allow) => Some((ALLOW, HeaderValue::from_static(allow))),
            Fault::TooOften(often) => Some((RETRY_AFTER, retry_after(*often))),
            Fault::NoRoom => Some((RETRY_AFTER, RETRY_SOON)),
            Fault::Head(_)
            | Fault::TooLarge(_)
            | Fault::Incomplete
            | Fault::TooSlow
            | Fault::Unsupported(_)
            | Fault::Unavailable(_) => None,
        }
    }

    /// Logs why a request of a route could not be answered. Messages about overload are rate-limited: clients
    /// that send too much must not fill the log.
    pub(crate) fn log(&self, route: &'static str) {
        static CROWDING: LazyLock<LogThrottle> = LazyLock::new(|| LogThrottle::new(1));
        let Fault::Unavailable(error) = self else { return };
        if !error.is_crowding() {
            tracing::error!(route, "{error}");
        } else if let Some(kept_back) = CROWDING.pass() {
            tracing::warn!(route, kept_back, "{error}");
        }
    }
}

/// An error of a route as JSON, with the log message and the headers of its fault, if it is one.
pub(crate) fn json_error(
    route: &'static str,
    status: StatusCode,
    body: impl Into<Body>,
    fault: Option<&Fault>,
) -> Response {
    let head = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
    let mut response = (status, head, body.into()).into_response();
    if let Some(fault) = fault {
        fault.log(route);
        response.headers_mut().extend(fault.header());
    }
    response
}

/// When a rate-limited request may be repeated.
pub(crate) fn retry_after(often: TooOften) -> HeaderValue {
    HeaderValue::from(often.retry_seconds)
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Fault::Unavailable(error)
    }
}

impl From<Unserved> for Fault {
    fn from(why: Unserved) -> Self {
        match why {
            Unserved::NoRoom => Fault::NoRoom,
            Unserved::Head(fault) => Fault::Head(fault),
        }
    }
}
