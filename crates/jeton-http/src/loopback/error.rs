//! Errors in the shape of strong-error-handler.

use super::negotiation::ErrorForm;
use super::{page, wire};
use crate::transport::fault::{Fault, RETRY_SOON, retry_after};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use jeton_loopback::FilterError;
use jeton_service::{BulkRefusal, Error, ReadRefusal, TooOften, WriteRefusal};
use std::borrow::Cow;

/// Express's name and message for a body that is too large.
const TOO_LARGE: &str = "PayloadTooLargeError";
const ENTITY_TOO_LARGE: &str = "request entity too large";

const JSON: &str = "application/json; charset=utf-8";

/// Why a request is refused.
#[derive(Debug)]
pub(super) enum LoopBackError {
    /// An expired token was presented.
    InvalidToken,
    /// The app's rules do not admit the caller.
    Denied,
    /// There is no such model, or no such app: the request line, relative to the mount.
    NoModel(String),
    /// The model has no such method: the message.
    NoMethod(String),
    /// There is no row with this id.
    NoRow(String),
    /// There is no row with this id to change.
    NoRowToChange(String),
    /// There is no row with this id to replace.
    NoRowToReplace(String),
    /// The id in the path cannot be decoded: the segment.
    Undecodable(String),
    /// The request is not valid: what is wrong. May quote what the client sent: for the client, not for a
    /// log.
    Bad(String),
    /// The body is not JSON.
    Syntax {
        /// The line of the error.
        line: usize,
        /// The column of the error.
        column: usize,
    },
    /// The row was not written.
    Write(WriteRefusal),
    /// Some of several rows were not written; `None` stands for one that was.
    Several(Vec<Option<WriteRefusal>>),
    /// The form has more than 1,000 parameters.
    TooManyParameters,
    /// A request may not create so many rows.
    TooManyRows,
    /// A fault that does not depend on the API.
    Fault(Fault),
}

impl LoopBackError {
    pub(super) fn bad(text: impl Into<String>) -> Self {
        LoopBackError::Bad(text.into())
    }

    /// Status, name, message and code.
    pub(super) fn parts(&self) -> (StatusCode, &'static str, String, Option<&'static str>) {
        use LoopBackError::*;
        const NOT_FOUND: Option<&str> = Some("MODEL_NOT_FOUND");
        let (bad, too_large) = (StatusCode::BAD_REQUEST, StatusCode::PAYLOAD_TOO_LARGE);
        match self {
            InvalidToken => {
                (StatusCode::UNAUTHORIZED, "Error", "Invalid Access Token".to_owned(), Some("INVALID_TOKEN"))
            }
            Denied => {
                let code = Some("AUTHORIZATION_REQUIRED");
                (StatusCode::UNAUTHORIZED, "Error", "Authorization Required".to_owned(), code)
            }
            NoModel(line) => {
                (StatusCode::NOT_FOUND, "Error", format!("There is no method to handle {line}"), None)
            }
            NoMethod(text) => (StatusCode::NOT_FOUND, "Error", text.clone(), None),
            NoRow(id) => {
                (StatusCode::NOT_FOUND, "Error", format!("Unknown \"AccessToken\" id \"{id}\"."), NOT_FOUND)
            }
            NoRowToChange(id) => {
                (StatusCode::NOT_FOUND, "Error", format!("could not find a model with id {id}"), NOT_FOUND)
            }
            NoRowToReplace(id) => {
                let text = format!("Could not replace. Object with id {id} does not exist!");
                (StatusCode::NOT_FOUND, "Error", text, None)
            }
            Undecodable(segment) => (bad, "URIError", format!("Failed to decode param '{segment}'"), None),
            Bad(text) => (bad, "Error", text.clone(), None),
            Syntax { line, column } => {
                (bad, "SyntaxError", format!("Unexpected token in JSON at line {line} column {column}"), None)
            }
            Write(fault) => {
                let status = write_status(*fault);
                (status, write_name(status), fault.to_string(), None)
            }
            Several(faults) => (several_status(faults), "Error", String::new(), None),
            TooManyParameters => (too_large, TOO_LARGE, "too many parameters".to_owned(), None),
            TooManyRows => (too_large, TOO_LARGE, ENTITY_TOO_LARGE.to_owned(), None),
            Fault(fault) => {
                let (status, name, message) = fault_parts(fault);
                (status, name, message.into_owned(), None)
            }
        }
    }
}

/// Status, name and message, in the words of LoopBack and of Express.
fn fault_parts(fault: &Fault) -> (StatusCode, &'static str, Cow<'static, str>) {
    let (status, message) = (fault.status(), fault.message());
    match fault {
        Fault::Unsupported(_) => (status, "UnsupportedMediaTypeError", message),
        Fault::TooLarge(_) => (status, TOO_LARGE, ENTITY_TOO_LARGE.into()),
        Fault::Incomplete => (status, "Error", "request aborted".into()),
        Fault::TooSlow => (status, "Error", "Request Timeout".into()),
        Fault::Unavailable(error @ Error::TooCostly { .. }) => {
            (StatusCode::BAD_REQUEST, "Error", error.to_string().into())
        }
        Fault::NoRoom | Fault::Unavailable(_) => (status, "Error", "Service Unavailable".into()),
        Fault::Head(_) | Fault::Method(_) | Fault::TooOften(_) => (status, "Error", message),
    }
}

fn write_name(status: StatusCode) -> &'static str {
    if status == StatusCode::UNPROCESSABLE_ENTITY { "ValidationError" } else { "Error" }
}

/// The common status of all that failed, if there is one.
fn several_status(faults: &[Option<WriteRefusal>]) -> StatusCode {
    let mut statuses = faults.iter().flatten().map(|fault| write_status(*fault));
    let first = statuses.next().unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
    if statuses.all(|status| status == first) { first } else { StatusCode::UNPROCESSABLE_ENTITY }
}

fn write_status(fault: WriteRefusal) -> StatusCode {
    match fault {
        WriteRefusal::NotFound => StatusCode::NOT_FOUND,
        WriteRefusal::Duplicate => StatusCode::CONFLICT,
        WriteRefusal::IdChanged => StatusCode::BAD_REQUEST,
        WriteRefusal::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        WriteRefusal::TooManySelfMade | WriteRefusal::TooOften(_) => StatusCode::TOO_MANY_REQUESTS,
        WriteRefusal::Policy(_) => StatusCode::FORBIDDEN,
        WriteRefusal::IdNotYours | WriteRefusal::Id | WriteRefusal::Created | WriteRefusal::User => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
    }
}

impl From<Fault> for LoopBackError {
    fn from(fault: Fault) -> Self {
        LoopBackError::Fault(fault)
    }
}

impl From<Error> for LoopBackError {
    fn from(error: Error) -> Self {
        LoopBackError::Fault(error.into())
    }
}

impl From<FilterError> for LoopBackError {
    fn from(error: FilterError) -> Self {
        LoopBackError::Bad(error.to_string())
    }
}

impl From<ReadRefusal> for LoopBackError {
    fn from(fault: ReadRefusal) -> Self {
        match fault {
            ReadRefusal::TooManyToOpen | ReadRefusal::TooManyToSort => LoopBackError::Bad(fault.to_string()),
        }
    }
}

impl From<WriteRefusal> for LoopBackError {
    fn from(fault: WriteRefusal) -> Self {
        LoopBackError::Write(fault)
    }
}

impl From<BulkRefusal> for LoopBackError {
    fn from(fault: BulkRefusal) -> Self {
        match fault {
            BulkRefusal::Read(fault) => fault.into(),
            BulkRefusal::Write(fault) => fault.into(),
            BulkRefusal::Several => LoopBackError::Bad(fault.to_string()),
        }
    }
}

impl LoopBackError {
    /// The answer, in the form that the client prefers.
    pub(super) fn respond(self, form: ErrorForm) -> Response {
        if let LoopBackError::Fault(fault) = &self
            && !matches!(fault, Fault::Unavailable(Error::TooCostly { .. }))
        {
            fault.log("/api/accessTokens");
        }
        let (status, name, message, code) = self.parts();
        let number = status.as_u16();
        let (kind, body) = match (&self, form) {
            (LoopBackError::Several(faults), _) => (JSON, wire::errors(number, &details(faults))),
            (_, ErrorForm::Json) => (JSON, wire::error(number, name, &message, code)),
            (_, ErrorForm::Html) => ("text/html; charset=utf-8", page::html(number, name, &message, code)),
            (_, ErrorForm::Xml) => ("text/xml; charset=utf-8", page::xml(number, name, &message, code)),
        };
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if form == ErrorForm::Html {
            headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'"));
        }
        // That nothing was found reveals no secret, and LoopBack sends no more either.
        if status != StatusCode::NOT_FOUND {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        match &self {
            LoopBackError::Fault(Fault::Unavailable(error)) if error.is_crowding() => {
                headers.insert(RETRY_AFTER, RETRY_SOON);
            }
            LoopBackError::Fault(fault) => headers.extend(fault.header()),
            _ => {}
        }
        if let Some(often) = self.written_too_often() {
            headers.insert(RETRY_AFTER, retry_after(often));
        }
        response
    }
}

impl LoopBackError {
    /// The rate limit that was exceeded, if that is the error.
    fn written_too_often(&self) -> Option<TooOften> {
        let of_write = |fault: &WriteRefusal| match fault {
            WriteRefusal::TooOften(often) => Some(*often),
            _ => None,
        };
        match self {
            LoopBackError::Write(fault) => of_write(fault),
            LoopBackError::Several(faults) => faults.iter().flatten().find_map(of_write),
            _ => None,
        }
    }
}

fn details(faults: &[Option<WriteRefusal>]) -> Vec<Option<(u16, &'static str, String)>> {
    let detail = |fault: &WriteRefusal| {
        let status = write_status(*fault);
        (status.as_u16(), write_name(status), fault.to_string())
    };
    faults.iter().map(|fault| fault.as_ref().map(detail)).collect()
}
