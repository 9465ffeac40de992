//! Errors of the admin API: problem details (RFC 9457) with a stable `code`.

use super::ROUTE;
use super::wire;
use crate::transport::fault::{Fault, json_error};
use axum::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use jeton_core::AuthorityRefusal;
use jeton_service::{DraftError, Error, OperatorAdmission, Refusal, SettingsDocumentError};
use std::borrow::Cow;

/// Why something is not done.
#[derive(Debug)]
pub(super) enum AdminError {
    /// The name that the request calls this server by may lead elsewhere.
    Misdirected,
    /// Whoever asks has not proved to be an operator.
    Unproven,
    /// Nothing is served at this path.
    NoSuchPath,
    /// There is no such app.
    NoSuchApp,
    /// There is no such token, or it was revoked.
    NoSuchToken,
    /// There is no such operator, or it was revoked.
    NoSuchOperator,
    /// An app has that key already.
    AppExists,
    /// An operator has this name.
    OperatorExists,
    /// The settings are not what they were expected to be.
    Stale,
    /// What was made under this key is gone.
    Gone,
    /// It is no idempotency key.
    IdempotencyKey,
    /// Something else was asked under this key.
    IdempotencyReused,
    /// What is asked is under way, or nobody knows whether it was done.
    IdempotencyUnknown,
    /// The operator has used too many keys.
    IdempotencyNoRoom,
    /// The body is no JSON object: what is wrong.
    Json(String),
    /// A member of the body is unknown, or has a value that makes no sense: which, and what there is.
    Member(String),
    /// A parameter of the query is unknown, or has a value that makes no sense: which, and what there is.
    Parameter(String),
    /// It would make no settings.
    Settings(SettingsDocumentError),
    /// No token can be like that.
    Refused(AuthorityRefusal),
    /// It goes wrong whatever is asked.
    Fault(Fault),
}

impl AdminError {
    /// The status and the stable code.
    pub(super) fn code(&self) -> (StatusCode, &'static str) {
        match self {
            AdminError::Misdirected => (StatusCode::MISDIRECTED_REQUEST, "misdirected_request"),
            AdminError::Unproven => (StatusCode::UNAUTHORIZED, "unauthorized"),
            AdminError::NoSuchPath => (StatusCode::NOT_FOUND, "not_found"),
            AdminError::NoSuchApp => (StatusCode::NOT_FOUND, "no_such_app"),
            AdminError::NoSuchToken => (StatusCode::NOT_FOUND, "no_such_token"),
            AdminError::NoSuchOperator => (StatusCode::NOT_FOUND, "no_such_operator"),
            AdminError::AppExists => (StatusCode::CONFLICT, "app_exists"),
            AdminError::OperatorExists => (StatusCode::CONFLICT, "operator_exists"),
            AdminError::Stale => (StatusCode::PRECONDITION_FAILED, "stale"),
            AdminError::Gone => (StatusCode::CONFLICT, "idempotency_gone"),
            AdminError::IdempotencyKey => (StatusCode::BAD_REQUEST, "invalid_idempotency_key"),
            AdminError::IdempotencyReused => (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused"),
            AdminError::IdempotencyUnknown => (StatusCode::CONFLICT, "idempotency_unknown"),
            AdminError::IdempotencyNoRoom => (StatusCode::CONFLICT, "idempotency_no_room"),
            AdminError::Json(_) => (StatusCode::BAD_REQUEST, "invalid_json"),
            AdminError::Member(_) => (StatusCode::BAD_REQUEST, "invalid_member"),
            AdminError::Parameter(_) => (StatusCode::BAD_REQUEST, "invalid_parameter"),
            AdminError::Settings(_) => (StatusCode::BAD_REQUEST, "invalid_settings"),
            AdminError::Refused(AuthorityRefusal::Policy(_)) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "against_policy")
            }
            AdminError::Refused(_) => (StatusCode::UNPROCESSABLE_ENTITY, "refused"),
            AdminError::Fault(fault) => (fault.status(), fault.code()),
        }
    }

    /// What the caller is told.
    pub(super) fn detail(&self) -> Cow<'static, str> {
        match self {
            AdminError::Misdirected => {
                "this address is called by an IP address or localhost: a name needs TLS, or a proxy in front"
                    .into()
            }
            AdminError::Unproven => {
                "the token of an operator is required: Authorization: Bearer TOKEN".into()
            }
            AdminError::NoSuchPath => "nothing is served at this path".into(),
            AdminError::NoSuchApp => "there is no such app".into(),
            AdminError::NoSuchToken => "there is no such token, or it was revoked".into(),
            AdminError::NoSuchOperator => "there is no such operator, or it was revoked".into(),
            AdminError::AppExists => "there is an app of this key already".into(),
            AdminError::OperatorExists => "there is an operator of this name already".into(),
            AdminError::Stale => "the settings were changed since: read them again".into(),
            AdminError::Gone => "what was made under this Idempotency-Key is gone".into(),
            AdminError::IdempotencyKey => {
                "Idempotency-Key is one text of 1 to 255 visible ASCII characters".into()
            }
            AdminError::IdempotencyReused => "something else was asked under this Idempotency-Key".into(),
            AdminError::IdempotencyUnknown => {
                "what was asked under this Idempotency-Key is under way, or was cut short: look whether it was done".into()
            }
            AdminError::IdempotencyNoRoom => "this operator has used 10000 keys within a day".into(),
            AdminError::Json(text) | AdminError::Member(text) | AdminError::Parameter(text) => {
                text.clone().into()
            }
            AdminError::Settings(error) => error.to_string().into(),
            AdminError::Refused(refusal) => refusal.to_string().into(),
            AdminError::Fault(fault) => fault.message(),
        }
    }
}

impl From<Fault> for AdminError {
    fn from(fault: Fault) -> Self {
        AdminError::Fault(fault)
    }
}

impl From<Error> for AdminError {
    fn from(error: Error) -> Self {
        AdminError::Fault(error.into())
    }
}

impl From<DraftError> for AdminError {
    fn from(error: DraftError) -> Self {
        AdminError::Member(error.to_string())
    }
}

impl From<Refusal> for AdminError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => AdminError::NoSuchToken,
            Refusal::Forbidden(AuthorityRefusal::Limit(limit)) => AdminError::Member(limit.to_string()),
            Refusal::Forbidden(misfit @ (AuthorityRefusal::NeverBegins | AuthorityRefusal::NoLimits)) => {
                AdminError::Member(misfit.to_string())
            }
            Refusal::Forbidden(refusal) => AdminError::Refused(refusal),
        }
    }
}

impl AdminError {
    /// The same about what was made under an idempotency key.
    pub(super) fn or_gone(self) -> Self {
        if matches!(self, AdminError::NoSuchToken) { AdminError::Gone } else { self }
    }

    /// Who it is, or that it is no operator.
    pub(super) fn of_admission(admission: OperatorAdmission) -> Result<jeton_service::Operator, Self> {
        match admission {
            OperatorAdmission::Admitted(operator) => Ok(operator),
            OperatorAdmission::Unproven => Err(AdminError::Unproven),
            OperatorAdmission::Throttled(often) => Err(Fault::TooOften(often).into()),
        }
    }
}

impl IntoResponse for AdminError {
    fn into_response(self) -> Response {
        let fault = if let AdminError::Fault(fault) = &self { Some(fault) } else { None };
        let (status, code) = self.code();
        let mut response = json_error(ROUTE, status, wire::problem(status, code, &self.detail()), fault);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if matches!(self, AdminError::Unproven) {
            response
                .headers_mut()
                .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"jeton\""));
        }
        response
    }
}
