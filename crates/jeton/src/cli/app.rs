//! `jeton app`

use super::app_settings::{self, SettingsArgs};
use super::duration::parse_grace;
use super::list_form::ListForm;
use super::output;
use crate::config::InstallationFlags;
use crate::control::ask;
use crate::error::CommandError;
use crate::request::Request;
use clap::{Args, Subcommand};
use std::time::Duration;

/// Create, list, show, configure and delete apps
#[derive(Subcommand, Debug)]
pub(crate) enum AppCommand {
    /// Create an app and print its credentials, which are shown only once
    Create(CreateArgs),
    /// List the apps
    List(ListArgs),
    /// Show an app with its settings
    Show(KeyArgs),
    /// Print an app's settings, or change them: one by one, or by a JSON merge patch (RFC 7396), in which null
    /// means the default
    Settings(SettingsArgs),
    /// Give an app a new client secret; without --grace the old one is refused at once
    RotateSecret(RotateArgs),
    /// Refuse all tokens and client credentials of an app from now on, and keep everything else as it is
    Suspend(KeyArgs),
    /// Accept them again
    Resume(KeyArgs),
    /// Delete an app and all of its tokens
    Delete(DeleteArgs),
}

#[derive(Args, Debug)]
pub(crate) struct CreateArgs {
    #[command(flatten)]
    app: KeyArgs,
    /// The owner of the app's admin token
    #[arg(long, value_name = "USER", default_value = "1", allow_negative_numbers = true)]
    admin_user: String,
}

#[derive(Args, Debug)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    installation: InstallationFlags,
    #[command(flatten)]
    form: ListForm,
}

#[derive(Args, Debug)]
pub(crate) struct KeyArgs {
    #[command(flatten)]
    installation: InstallationFlags,
    /// The app's key
    key: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct RotateArgs {
    #[command(flatten)]
    app: KeyArgs,
    /// How long the old secret stays good beside the new one, such as 30m, 24h or 7d; at most 365d
    #[arg(long, value_name = "DURATION", value_parser = parse_grace)]
    grace: Option<Duration>,
}

#[derive(Args, Debug)]
pub(crate) struct DeleteArgs {
    #[command(flatten)]
    app: KeyArgs,
    /// Confirm: its tokens are refused at once, and it cannot be undone
    #[arg(long)]
    yes: bool,
}

impl AppCommand {
    pub(crate) async fn run(self) -> Result<(), CommandError> {
        match self {
            AppCommand::Create(CreateArgs { app, admin_user }) => {
                app.ask(|key| Request::AppCreate { key, admin_user }).await
            }
            AppCommand::List(args) => list(&args).await,
            AppCommand::Show(app) => app.ask(|key| Request::AppShow { key }).await,
            AppCommand::Settings(args) => app_settings::run(args).await,
            AppCommand::RotateSecret(RotateArgs { app, grace }) => {
                let grace_seconds = grace.map(|grace| grace.as_secs());
                app.ask(|key| Request::AppRotateSecret { key, grace_seconds }).await
            }
            AppCommand::Suspend(app) => app.ask(|key| Request::AppSuspend { key, is_suspended: true }).await,
            AppCommand::Resume(app) => app.ask(|key| Request::AppSuspend { key, is_suspended: false }).await,
            AppCommand::Delete(DeleteArgs { yes: false, .. }) => {
                Err(CommandError::usage("this deletes the app and all of its tokens: confirm with --yes"))
            }
            AppCommand::Delete(args) => args.app.ask(|key| Request::AppDelete { key }).await,
        }
    }
}

impl KeyArgs {
    async fn ask(self, request: impl FnOnce(String) -> Request) -> Result<(), CommandError> {
        let answer = ask(&self.installation.resolve()?, request(self.key)).await?;
        output::write_one(&answer, self.json)
    }
}

async fn list(args: &ListArgs) -> Result<(), CommandError> {
    let all = ask(&args.installation.resolve()?, Request::AppList).await?;
    args.form.print(&all, &["app_key", "client_id", "created_at"])
}
