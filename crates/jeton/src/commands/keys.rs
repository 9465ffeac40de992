//! The requests of `jeton keys`.

use super::BY;
use crate::error::CommandError;
use jeton_http::rfc3339;
use jeton_service::{KeyReport, KeyState, KeyUse, KeysError, KeysStatus, Service};
use serde_json::{Map, Value, json};
use std::time::Duration;

pub(super) async fn status(service: &Service) -> Result<Value, CommandError> {
    Ok(shown(&service.keys_status().await?))
}

pub(super) async fn add(service: &Service, pause: Option<Duration>) -> Result<Value, CommandError> {
    let added = service.add_key(&BY).await?;
    if let Some(pause) = pause {
        // Meanwhile the other servers read the ring: none writes with a key that another one lacks.
        tokio::time::sleep(pause).await;
        service.activate_key(added.key_id, &BY).await?;
    }
    let current = service.keys_in_use().0;
    Ok(json!({"id": added.key_id, "current": current, "was_waiting": added.was_waiting}))
}

pub(super) async fn activate(service: &Service, id: u32) -> Result<Value, CommandError> {
    service.activate_key(id, &BY).await?;
    Ok(json!({"id": id, "current": id}))
}

pub(super) async fn rekey(service: &Service) -> Result<Value, CommandError> {
    let rekeyed = service.rekey().await?;
    Ok(json!({"rekeyed": rekeyed, "left": service.keys_status().await?.left}))
}

pub(super) async fn retire(service: &Service, id: u32) -> Result<Value, CommandError> {
    let keeps = service.retire_key(id, &BY).await?;
    Ok(json!({"id": id, "retired": true, "keeps_digest_keys": keeps}))
}

fn shown(status: &KeysStatus) -> Value {
    let KeysStatus { keys, current, missing, left, total, is_rekeying } = status;
    let done = total.saturating_sub(*left);
    let percent = if *total == 0 { 100 } else { done * 100 / total };
    json!({
        "current": current,
        "keys": keys.iter().map(key).collect::<Vec<_>>(),
        "missing": missing,
        "rekeying": {"running": is_rekeying, "total": total, "done": done, "left": left, "percent": percent},
    })
}

fn key(key: &KeyReport) -> Value {
    let state = match key.state {
        KeyState::Current => "current",
        KeyState::Old => "old",
        KeyState::Waiting => "waiting",
        KeyState::Retired => "retired",
    };
    let mut needed_by = Map::new();
    let mut begun = 0;
    for uses in &key.uses {
        let name = match uses.what {
            KeyUse::Tokens => "tokens",
            KeyUse::FurtherSecrets => "further_secrets",
            KeyUse::ClientSecrets => "client_secrets",
            KeyUse::Operators => "operators",
            KeyUse::DataKeys => "data_keys",
            KeyUse::Begun => {
                begun = uses.rows;
                continue;
            }
        };
        needed_by.insert(name.to_owned(), json!(uses.rows));
    }
    json!({
        "id": key.id,
        "state": state,
        "rows": key.rows(),
        "needed_by": needed_by,
        "begun": begun,
        "retired_at": key.retired_at.map(rfc3339),
    })
}

impl From<KeysError> for CommandError {
    fn from(error: KeysError) -> Self {
        match error {
            KeysError::Unavailable(error) => error.into(),
            KeysError::File(error) => error.into(),
            KeysError::Ring(_) => CommandError::missing(error.to_string()),
            KeysError::Busy(_) => CommandError::unavailable(error.to_string()),
            KeysError::NoFile
            | KeysError::Unknown(_)
            | KeysError::Current(_)
            | KeysError::Older(_)
            | KeysError::Needed { .. }
            | KeysError::Begun { .. }
            | KeysError::TooMany => CommandError::refused(error.to_string()),
        }
    }
}
