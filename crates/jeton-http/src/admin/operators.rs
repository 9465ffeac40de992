//! Operators.

use super::apps::locate;
use super::call::{Call, done, json};
use super::error::AdminError;
use super::input::{misfit, number_of};
use super::once::once;
use super::wire;
use axum::http::StatusCode;
use axum::response::Response;
use jeton_core::OperatorId;
use jeton_service::operator_name;

pub(super) async fn list(call: &Call<'_>) -> Result<Response, AdminError> {
    call.query(&[])?;
    Ok(json(StatusCode::OK, wire::operators(&call.service.operators().await?)))
}

pub(super) async fn create(call: &Call<'_>) -> Result<Response, AdminError> {
    let members = call.members(&["name"])?;
    let name = members.text("name")?.ok_or_else(|| misfit("name", "is missing"))?;
    let name = operator_name(name).map_err(|error| AdminError::Member(error.to_string()))?;
    let (service, by, of_operator) = (call.service.clone(), call.cause(), name.clone());
    let make = async move {
        let made = service.create_operator(of_operator.as_str(), &by).await?;
        let made = made.ok_or(AdminError::OperatorExists)?;
        let shown = wire::operator_credentials(made.id, of_operator.as_str(), Some(&made.token));
        Ok((made.id.get(), created(made.id, shown)))
    };
    once(call, make, async |id| {
        let id = OperatorId::new(id).ok_or(AdminError::Gone)?;
        let operator = call.service.operator(id).await?.ok_or(AdminError::Gone)?;
        Ok(created(operator.id, wire::operator_credentials(operator.id, &operator.name, None)))
    })
    .await
}

fn created(id: OperatorId, shown: String) -> Response {
    let mut response = json(StatusCode::CREATED, shown);
    locate(&mut response, &format!("/admin/v1/operators/{id}"));
    response
}

/// Also oneself: from the answer on, the token that asked for it is refused.
pub(super) async fn revoke(call: &Call<'_>, id: &str) -> Result<Response, AdminError> {
    call.nothing()?;
    let id = number_of(id).and_then(OperatorId::new).ok_or(AdminError::NoSuchOperator)?;
    if call.service.revoke_operator(id, &call.cause()).await? {
        Ok(done())
    } else {
        Err(AdminError::NoSuchOperator)
    }
}
