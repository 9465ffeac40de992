//! Why there is no page, or something is not done.

use crate::transport::fault::Fault;
use axum::http::StatusCode;
use axum::response::Response;
use jeton_console::pages::FailureKind;
use jeton_service::{Error, Refusal, TooOften};

/// Why there is no page, or something is not done.
#[derive(Debug)]
pub(crate) enum PageError {
    /// There is no such page, or nothing that it would show.
    NotFound,
    /// A form was sent by something else than a page of the session.
    Forged,
    /// The name that the request calls this server by may lead elsewhere.
    Misdirected,
    /// What was sent makes no sense, and comes from none of our forms.
    Request,
    /// It goes wrong whatever is asked.
    Fault(Fault),
}

impl From<Fault> for PageError {
    fn from(fault: Fault) -> Self {
        PageError::Fault(fault)
    }
}

impl From<Error> for PageError {
    fn from(error: Error) -> Self {
        PageError::Fault(error.into())
    }
}

impl From<Refusal> for PageError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => PageError::NotFound,
            // What cannot be is said where it was entered.
            Refusal::Forbidden(_) => PageError::Request,
        }
    }
}

impl From<TooOften> for PageError {
    fn from(often: TooOften) -> Self {
        PageError::Fault(Fault::TooOften(often))
    }
}

impl PageError {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            PageError::NotFound => StatusCode::NOT_FOUND,
            PageError::Forged => StatusCode::FORBIDDEN,
            PageError::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            PageError::Request => StatusCode::BAD_REQUEST,
            PageError::Fault(fault) => fault.status(),
        }
    }

    pub(crate) fn kind(&self) -> FailureKind {
        match self {
            PageError::NotFound => FailureKind::NotFound,
            PageError::Forged => FailureKind::Forged,
            PageError::Misdirected => FailureKind::Misdirected,
            PageError::Request => FailureKind::Request,
            PageError::Fault(fault) => match fault {
                Fault::Head(_) | Fault::Incomplete | Fault::TooSlow | Fault::Unsupported(_) => {
                    FailureKind::Request
                }
                Fault::Method(_) => FailureKind::Method,
                Fault::TooLarge(_) => FailureKind::TooLarge,
                Fault::TooOften(often) => FailureKind::TooOften(often.retry_seconds),
                Fault::NoRoom | Fault::Unavailable(_) => FailureKind::Unavailable,
            },
        }
    }

    /// The page that says so, with the headers of its fault, which is logged. `route`: what logs call it.
    pub(crate) fn told(&self, mut page: Response, route: &'static str) -> Response {
        if let PageError::Fault(fault) = self {
            fault.log(route);
            page.headers_mut().extend(fault.header());
        }
        page
    }
}
