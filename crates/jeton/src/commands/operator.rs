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
    let made = made.ok_or_else(|| {
        CommandError::refused(format!("there is an operator {} already: choose another name", name.as_str()))
    })?;
    Ok(json!({"id": made.id.get(), "name": name.as_str(), "operator_token": made.token.expose()}))
}

pub(super) async fn list(service: &Service) -> Result<Value, CommandError> {
    let row = |operator: &Operator| json!({"id": operator.id.get(), "name": operator.name, "created_at": rfc3339(operator.created_at)});
    Ok(service.operators().await?.iter().map(row).collect())
}

/// Revokes an operator by its number, or by its name.
pub(super) async fn revoke(service: &Service, operator: &str) -> Result<Value, CommandError> {
    let all = service.operators().await?;
    let number = operator.parse().ok().and_then(OperatorId::new);
    let numbered = number.filter(|number| all.iter().any(|known| known.id == *number));
    let named: Vec<OperatorId> =
        all.iter().filter(|known| known.name == operator).map(|known| known.id).collect();
    let id = match (numbered, &named[..]) {
        (Some(id), others) if others.iter().all(|other| *other == id) => id,
        (None, [id]) => *id,
        (None, []) => {
            return Err(CommandError::refused(format!(
                "there is no operator {operator}: jeton operator list shows their numbers and names"
            )));
        }
        (numbered, others) => {
            let ids = numbered.iter().chain(others).map(|id| id.get().to_string());
            let ids = ids.collect::<Vec<_>>().join(", ");
            return Err(CommandError::refused(format!(
                "{operator} may be several operators, with the numbers {ids}: revoke one by a number that is nobody's name"
            )));
        }
    };
    if service.revoke_operator(id, &BY).await? {
        Ok(json!({"id": id.get(), "revoked": true}))
    } else {
        Err(CommandError::refused(format!("there is no operator {operator}")))
    }
}
