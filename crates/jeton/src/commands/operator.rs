//! The requests of `jeton operator`.

use super::BY;
use crate::error::CommandError;
use jeton_core::OperatorId;
use jeton_http::rfc3339;
use jeton_service::{Operator, Service, operator_name};
use serde_json::{Value, json};

pub(super) async fn create(service: &Service, name: &str) -> Result<Value, CommandError> {
    let name = operator_name(name.to_owned()).map_err(|error| CommandError::usage(error.to_string()))?;
    let made = service.create_operator(name.as_str(), &BY).await?;
    Ok(json!({"id": made.id.get(), "name": name.as_str(), "operator_token": made.token.expose()}))
}

pub(super) async fn list(service: &Service) -> Result<Value, CommandError> {
    let row = |operator: &Operator| json!({"id": operator.id.get(), "name": operator.name, "created_at": rfc3339(operator.created_at)});
    Ok(service.operators().await?.iter().map(row).collect())
}

pub(super) async fn revoke(service: &Service, id: i64) -> Result<Value, CommandError> {
    let known = match OperatorId::new(id) {
        Some(id) => service.revoke_operator(id, &BY).await?,
        None => false,
    };
    if known {
        Ok(json!({"id": id, "revoked": true}))
    } else {
        Err(CommandError::refused(format!("there is no operator {id}")))
    }
}
