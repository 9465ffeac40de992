//! Errors of reports: `{"error", "message"}`, the first a stable code.

use super::{REVOKE, wire};
use crate::transport::fault::{Fault, json_error};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jeton_service::{Error, MAX_REPORTED};
use std::borrow::Cow;

/// Why a report is not taken.
#[derive(Debug)]
pub(super) enum ReportError {
    /// Nothing is served at this path.
    NoSuchPath,
    /// The body is not JSON, or not a report.
    Body,
    /// It has no secret, or more than a report may have.
    Count,
    /// A fault that does not depend on the API.
    Fault(Fault),
}

impl ReportError {
    fn code(&self) -> (StatusCode, &'static str) {
        match self {
            ReportError::NoSuchPath => (StatusCode::NOT_FOUND, "not_found"),
            ReportError::Body => (StatusCode::BAD_REQUEST, "invalid_report"),
            ReportError::Count => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_count"),
            ReportError::Fault(fault) => (fault.status(), fault.code()),
        }
    }

    fn message(&self) -> Cow<'static, str> {
        match self {
            ReportError::NoSuchPath => "nothing is served at this path".into(),
            ReportError::Body => "the body is {\"credentials\": [\"...\"]}, a list of texts".into(),
            ReportError::Count => format!("a report has 1 to {MAX_REPORTED} credentials").into(),
            ReportError::Fault(fault) => fault.message(),
        }
    }
}

impl From<Fault> for ReportError {
    fn from(fault: Fault) -> Self {
        ReportError::Fault(fault)
    }
}

impl From<Error> for ReportError {
    fn from(error: Error) -> Self {
        ReportError::Fault(error.into())
    }
}

impl IntoResponse for ReportError {
    fn into_response(self) -> Response {
        let fault = if let ReportError::Fault(fault) = &self { Some(fault) } else { None };
        let (status, code) = self.code();
        json_error(REVOKE, status, wire::error(code, &self.message()), fault)
    }
}
