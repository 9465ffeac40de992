//! Signing in: by a token, or by a link that works once.

use super::visit::{Arrival, begin};
use crate::browser::entrance::form;
use crate::browser::error::PageError;
use crate::transport::client_address;
use axum::http::StatusCode;
use axum::response::Response;
use jeton_console::Page;
use jeton_console::pages::{Enter, SignInNote};
use jeton_core::Secret;
use jeton_service::OperatorAdmission;

/// Where a link leads that signs somebody in: its query is a secret.
pub(super) const ENTER: &str = "/console/enter";

/// Signs an operator in by its token.
pub(super) async fn sign_in(arrival: &Arrival) -> Result<Response, PageError> {
    let to = arrival.form.text("back");
    let Some(token) = arrival.form.given("token") else {
        return Ok(form(arrival, StatusCode::UNPROCESSABLE_ENTITY, to, Some(SignInNote::Missing)));
    };
    let token = Secret::parse(token).ok();
    let from = client_address::kept(&arrival.parts.extensions);
    match arrival.service().admit_operator(token.as_ref(), from).await? {
        OperatorAdmission::Admitted(operator) => begin(arrival, &operator, to),
        OperatorAdmission::Unproven => {
            Ok(form(arrival, StatusCode::UNAUTHORIZED, to, Some(SignInNote::Refused)))
        }
        OperatorAdmission::Throttled(often) => Err(often.into()),
    }
}

/// What a link shows that signs somebody in.
pub(super) async fn ask_to_enter(arrival: &Arrival) -> Result<Response, PageError> {
    Ok(arrival.page(None, (StatusCode::OK, None), |frame| Enter { frame }.html()))
}

/// Signs in whoever has a link, which is used up by that, if it is at this machine.
pub(super) async fn enter(arrival: &Arrival) -> Result<Response, PageError> {
    let from = client_address::kept(&arrival.parts.extensions);
    let is_here = !arrival.state.setup.is_behind_proxy && from.is_some_and(|from| from.is_loopback());
    let query = arrival.query()?;
    let link = query.given("link").filter(|_| is_here).and_then(|link| Secret::parse(link).ok());
    match arrival.service().take_sign_in(link.as_ref(), from).await? {
        OperatorAdmission::Admitted(operator) => begin(arrival, &operator, ""),
        OperatorAdmission::Unproven => {
            Ok(form(arrival, StatusCode::UNAUTHORIZED, "", Some(SignInNote::LinkOver)))
        }
        OperatorAdmission::Throttled(often) => Err(often.into()),
    }
}
