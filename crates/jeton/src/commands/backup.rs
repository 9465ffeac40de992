//! The requests of `jeton backup`, `jeton restore` and `jeton check`.

use super::BY;
use crate::error::CommandError;
use jeton_service::{CheckReport, Restored, Service};
use serde_json::{Value, json};
use std::path::Path;

pub(super) async fn back_up(service: &Service, path: &Path, force: bool) -> Result<Value, CommandError> {
    let done = service.back_up(path, force).await?;
    Ok(json!({
        "file": path.display().to_string(),
        "apps": done.apps,
        "tokens": done.tokens,
        "changes": done.changes,
    }))
}

pub(super) async fn restore(
    service: &Service,
    path: &Path,
    as_of_backup: bool,
) -> Result<Value, CommandError> {
    Ok(restored(&service.restore(path, !as_of_backup, &BY).await?, !as_of_backup))
}

/// The report of a restore, as it is printed. `compared`: it was compared with what was there before.
pub(crate) fn restored(done: &Restored, compared: bool) -> Value {
    json!({
        "compared": compared,
        "apps": done.apps,
        "tokens": done.tokens,
        "changes": done.changes,
        "left_out": done.left_out,
        "kept_revoked": done.kept_revoked,
        "kept_disabled": done.kept_disabled,
        "kept_ended": done.kept_ended,
        "kept_beginnings": done.kept_beginnings,
        "kept_addresses": done.kept_addresses,
        "kept_limits": done.kept_limits,
        "kept_narrowed": done.kept_narrowed,
        "kept_kinds": done.kept_kinds,
        "kept_users": done.kept_users,
        "kept_off_loopback": done.kept_off_loopback,
        "kept_deleted_apps": done.kept_deleted_apps,
        "kept_client_secrets": done.kept_client_secrets,
        "kept_settings": done.kept_settings,
        "kept_revoked_operators": done.kept_revoked_operators,
        "unknown_tokens": done.unknown_tokens,
        "unknown_apps": done.unknown_apps,
    })
}

pub(super) async fn check(service: &Service) -> Result<Value, CommandError> {
    let report = service.check().await?;
    if report.faults.is_empty() {
        Ok(sound(&report))
    } else {
        Err(CommandError::refused(report.faults.join("\n")))
    }
}

/// The report of a check without faults, as it is printed.
pub(crate) fn sound(report: &CheckReport) -> Value {
    json!({"sound": true, "tokens": report.tokens, "changes": report.changes})
}
