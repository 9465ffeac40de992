//! The requests of `jeton app`.

use super::{BY, app_key, no_app};
use crate::error::CommandError;
use jeton_core::UserId;
use jeton_http::rfc3339;
use jeton_service::{AppSummary, Merged, Service, print_settings};
use serde_json::{Value, json};
use std::time::Duration;

pub(super) async fn create(service: &Service, key: &str, admin_user: &str) -> Result<Value, CommandError> {
    let user_id: UserId = admin_user
        .parse()
        .map_err(|error: jeton_core::UserIdError| CommandError::usage(format!("--admin-user: {error}")))?;
    let made = service.create_app(&app_key(key)?, user_id, &BY).await?;
    let (_, credentials) =
        made.ok_or_else(|| CommandError::refused(format!("there is an app {key} already")))?;
    Ok(json!({
        "app_key": credentials.app_key.as_str(),
        "client_id": credentials.client_id,
        "client_secret": credentials.client_secret.expose(),
        "admin_token": credentials.admin_token.expose(),
    }))
}

pub(super) async fn list(service: &Service) -> Result<Value, CommandError> {
    Ok(service.apps().await?.iter().map(summary).collect())
}

pub(super) async fn show(service: &Service, key: &str) -> Result<Value, CommandError> {
    let app = service.app(&app_key(key)?).await?.ok_or_else(|| no_app(key))?;
    let mut shown = summary(&app);
    shown["settings"] = print_settings(&app.settings);
    Ok(shown)
}

pub(super) async fn settings(
    service: &Service,
    key: &str,
    patch: Option<&Value>,
) -> Result<Value, CommandError> {
    let key_text = key;
    let key = app_key(key)?;
    let Some(patch) = patch else {
        let app = service.app(&key).await?.ok_or_else(|| no_app(key_text))?;
        return Ok(print_settings(&app.settings));
    };
    match service.merge_settings(&key, patch, &BY).await? {
        Merged::Done(app) => Ok(print_settings(&app.settings)),
        // Nothing particular was expected.
        Merged::Stale => Err(CommandError::unavailable("the app was changed in between")),
        Merged::NoApp => Err(no_app(key_text)),
        Merged::Refused(problem) => Err(CommandError::usage(problem.to_string())),
    }
}

pub(super) async fn rotate_secret(
    service: &Service,
    key: &str,
    grace: Option<Duration>,
) -> Result<Value, CommandError> {
    let rotated = service.rotate_client_secret(&app_key(key)?, grace, &BY).await?;
    let (client_id, client_secret) = rotated.ok_or_else(|| no_app(key))?;
    Ok(json!({"app_key": key, "client_id": client_id, "client_secret": client_secret.expose()}))
}

pub(super) async fn suspend(service: &Service, key: &str, is_suspended: bool) -> Result<Value, CommandError> {
    let app = service.suspend_app(&app_key(key)?, is_suspended, &BY).await?.ok_or_else(|| no_app(key))?;
    Ok(summary(&app))
}

pub(super) async fn delete(service: &Service, key: &str) -> Result<Value, CommandError> {
    if service.delete_app(&app_key(key)?, &BY).await? {
        Ok(json!({"app_key": key, "deleted": true}))
    } else {
        Err(no_app(key))
    }
}

fn summary(app: &AppSummary) -> Value {
    json!({
        "app_key": app.key.as_str(),
        "client_id": app.client_id,
        "default": app.is_default,
        "suspended": app.settings.common.suspended,
        "created_at": rfc3339(app.created_at),
        "updated_at": rfc3339(app.updated_at),
    })
}
