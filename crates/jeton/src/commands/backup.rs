//! The requests of `jeton backup`, `jeton restore` and `jeton check`.

use super::{BY, Means};
use crate::error::CommandError;
use crate::installation::entropy;
use jeton_service::{CheckReport, Progress, Restored, Service};
use serde_json::{Value, json};

pub(super) async fn back_up(service: &Service, means: Means) -> Result<Value, CommandError> {
    let Means { file, scratch, progress } = means;
    let done = service.back_up(&scratch, file.ok_or_else(no_file)?, &progress).await?;
    Ok(json!({
        "apps": done.apps,
        "tokens": done.tokens,
        "changes": done.changes,
    }))
}

pub(super) async fn restore(
    service: &Service,
    means: Means,
    as_of_backup: bool,
) -> Result<Value, CommandError> {
    let Means { file, scratch, progress } = means;
    let taken = Service::take_backup(&scratch, file.ok_or_else(no_file)?, entropy(), &progress).await?;
    let done = service.restore(taken.path(), !as_of_backup, &BY, &progress).await?;
    Ok(restored(&done, !as_of_backup))
}

fn no_file() -> CommandError {
    CommandError::usage("no file was handed over")
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

pub(super) async fn check(service: &Service, progress: &Progress) -> Result<Value, CommandError> {
    let report = service.check(progress).await?;
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
