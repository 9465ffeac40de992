//! Executes commands, in the running server or in the command's own process. Answers are the JSON that
//! `--json` prints.

mod app;
mod backup;
mod keys;
mod operator;
mod token;
mod token_input;
mod token_json;
mod token_list;
mod token_transfer;

pub(crate) use backup::{restored, sound};

use crate::error::CommandError;
use crate::request::Request;
use jeton_core::{AppKey, Cause};
use jeton_service::{OpenApp, Progress, Service};
use serde_json::{Value, json};
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The actor in the change log.
const BY: Cause = Cause::CLI;

/// What a request is executed with.
#[derive(Default)]
pub(crate) struct Means {
    /// The file that it is about, which its command has opened.
    pub(crate) file: Option<File>,
    /// Where files may be put that are needed meanwhile.
    pub(crate) scratch: PathBuf,
    /// Told how far it is.
    pub(crate) progress: Progress,
}

/// Executes a command.
pub(crate) async fn execute(
    service: &Service,
    request: Request,
    means: Means,
) -> Result<Value, CommandError> {
    match request {
        Request::AppCreate { key, admin_user } => app::create(service, &key, &admin_user).await,
        Request::AppList => app::list(service).await,
        Request::AppShow { key } => app::show(service, &key).await,
        Request::AppSettings { key, merge } => app::settings(service, &key, merge.as_ref()).await,
        Request::AppRotateSecret { key, grace_seconds } => {
            app::rotate_secret(service, &key, grace_seconds.map(Duration::from_secs)).await
        }
        Request::AppSuspend { key, is_suspended } => app::suspend(service, &key, is_suspended).await,
        Request::AppDelete { key } => app::delete(service, &key).await,
        Request::Backup => backup::back_up(service, means).await,
        Request::Restore { as_of_backup } => backup::restore(service, means, as_of_backup).await,
        Request::Greet => Ok(json!({"version": env!("CARGO_PKG_VERSION")})),
        Request::Check => backup::check(service, &means.progress).await,
        Request::KeysStatus => keys::status(service).await,
        Request::KeysAdd { pause_seconds } => {
            keys::add(service, pause_seconds.map(Duration::from_secs)).await
        }
        Request::KeysActivate { id } => keys::activate(service, id).await,
        Request::KeysRekey => keys::rekey(service).await,
        Request::KeysRetire { id } => keys::retire(service, id).await,
        Request::OperatorCreate { name } => operator::create(service, &name).await,
        Request::OperatorList => operator::list(service).await,
        Request::OperatorRevoke { operator } => operator::revoke(service, &operator).await,
        Request::TokenCreate { app, draft } => token::create(service, &app, draft).await,
        Request::TokenList { app, filter, sort, after, limit } => {
            token_list::list(service, &app, filter, sort, after.as_deref(), limit).await
        }
        Request::TokenExport { app, ring, after, limit } => {
            token_transfer::export(service, &app, ring.as_deref(), after.as_deref(), limit).await
        }
        Request::TokenShow { app, id } => token::show(service, &app, id).await,
        Request::TokenUpdate { app, id, edit } => token::update(service, &app, id, edit).await,
        Request::TokenRotate { app, id, grace_seconds } => {
            token::rotate(service, &app, id, grace_seconds.map(Duration::from_secs)).await
        }
        Request::TokenRevoke { app, id } => token::revoke(service, &app, id).await,
        Request::TokenRevokeFound { app, filter, dry_run } => {
            token::revoke_found(service, &app, &token_input::revocation_of(filter)?, dry_run).await
        }
        Request::TokenVerify { app, token, permission, id, tags, address, explain } => {
            let demand = token_input::demand(permission.as_deref(), id, tags)?;
            token::verify(service, &app, &token, &demand, address, explain).await
        }
        Request::TokenImport { app, rows, allow_weak } => {
            token_transfer::import(service, &app, rows, allow_weak).await
        }
    }
}

fn app_key(text: &str) -> Result<AppKey, CommandError> {
    text.parse().map_err(|error: jeton_core::AppKeyError| CommandError::usage(error.to_string()))
}

fn no_app(key: &str) -> CommandError {
    CommandError::refused(format!("there is no app {key}"))
}

async fn open_app(service: &Service, key: &str) -> Result<Arc<OpenApp>, CommandError> {
    service.open_app(&app_key(key)?).await?.ok_or_else(|| no_app(key))
}
