//! Errors of the console: pages like all others.

use super::visit::{Arrival, OpenSession};
use super::{ROUTE, answer};
use crate::transport::fault::Fault;
use axum::http::StatusCode;
use axum::response::Response;
use jeton_console::pages::{Failure, FailureKind};
use jeton_console::{Frame, Language, Page, Section};
use jeton_core::Timestamp;
use jeton_service::{Error, TooOften};

/// Why there is no page, or something is not done.
#[derive(Debug)]
pub(super) enum ConsoleError {
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

impl From<Fault> for ConsoleError {
    fn from(fault: Fault) -> Self {
        ConsoleError::Fault(fault)
    }
}

impl From<Error> for ConsoleError {
    fn from(error: Error) -> Self {
        ConsoleError::Fault(error.into())
    }
}

impl From<TooOften> for ConsoleError {
    fn from(often: TooOften) -> Self {
        ConsoleError::Fault(Fault::TooOften(often))
    }
}

impl ConsoleError {
    fn status(&self) -> StatusCode {
        match self {
            ConsoleError::NotFound => StatusCode::NOT_FOUND,
            ConsoleError::Forged => StatusCode::FORBIDDEN,
            ConsoleError::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            ConsoleError::Request => StatusCode::BAD_REQUEST,
            ConsoleError::Fault(fault) => fault.status(),
        }
    }

    fn kind(&self) -> FailureKind {
        match self {
            ConsoleError::NotFound => FailureKind::NotFound,
            ConsoleError::Forged => FailureKind::Forged,
            ConsoleError::Misdirected => FailureKind::Misdirected,
            ConsoleError::Request => FailureKind::Request,
            ConsoleError::Fault(fault) => match fault {
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

    /// The page that says so to whoever asked.
    pub(super) fn page(self, arrival: &Arrival, session: Option<&OpenSession>) -> Response {
        let kind = self.kind();
        let write = |frame: &Frame<'_>| Failure { frame, kind }.html();
        self.tell(arrival.page(session, (self.status(), Section::Elsewhere), write))
    }

    /// The same where nothing is known of whoever asked.
    pub(super) fn page_in(self, language: Language) -> Response {
        let frame = Frame {
            language,
            now: Timestamp::MIN,
            operator: None,
            form_key: "",
            here: "/console/",
            section: Section::Elsewhere,
            notice: None,
            credentials: &[],
        };
        let page = Failure { frame: &frame, kind: self.kind() }.html();
        self.tell(answer::html(self.status(), page))
    }

    /// The answer with the headers of its fault, which is logged.
    fn tell(&self, mut response: Response) -> Response {
        if let ConsoleError::Fault(fault) = self {
            fault.log(ROUTE);
            response.headers_mut().extend(fault.header());
        }
        response
    }
}

/// The answer to a request that is not read.
pub(super) fn refuse(fault: Fault) -> Response {
    answer::guarded(ConsoleError::from(fault).page_in(Language::default()))
}
