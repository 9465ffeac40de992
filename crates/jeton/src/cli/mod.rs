//! The command line: one file for each command.

mod app;
mod app_settings;
mod backup;
mod completions;
mod config;
mod copy;
mod doctor;
mod duration;
mod failure;
mod healthcheck;
mod init;
mod keys;
mod list_form;
mod operator;
mod output;
mod progress;
mod terminal;
mod token;
mod token_args;
mod token_export;
mod token_import;
mod token_list;

pub(crate) use failure::{failed, unparsed};
pub(crate) use output::printable;

use crate::error::CommandError;
use crate::serve::{self, ServeArgs};
use clap::{Parser, Subcommand};

/// A self-hosted access-token service: issues, lists, scopes, verifies, updates, expires and revokes opaque
/// access tokens
///
/// Exit codes: 0 done; 1 refused or not found; 2 usage error, or done before; 3 keys or data are missing or
/// do not match; 4 temporarily unavailable; 5 a server was stopped by a second signal before it had finished.
///
/// Commands can run while a server works on the same data: they hand their work to the server and return when
/// it is done.
#[derive(Parser, Debug)]
#[command(name = "jeton", version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Init(init::InitArgs),
    Serve(ServeArgs),
    #[command(subcommand)]
    App(app::AppCommand),
    #[command(subcommand)]
    Token(token::TokenCommand),
    #[command(subcommand)]
    Operator(operator::OperatorCommand),
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    Backup(backup::BackupArgs),
    Restore(backup::RestoreArgs),
    Check(backup::CheckArgs),
    Copy(copy::CopyArgs),
    Doctor(doctor::DoctorArgs),
    Healthcheck(healthcheck::HealthcheckArgs),
    #[command(subcommand)]
    Config(config::ConfigCommand),
    Completions(completions::CompletionsArgs),
    #[command(hide = true)]
    Man(completions::ManArgs),
}

impl Cli {
    pub(crate) async fn run(self) -> Result<(), CommandError> {
        match self.command {
            Command::Init(args) => init::run(args).await,
            Command::Serve(args) => serve::run(args).await,
            Command::App(command) => command.run().await,
            Command::Token(command) => command.run().await,
            Command::Operator(command) => command.run().await,
            Command::Keys(command) => command.run().await,
            Command::Backup(args) => backup::back_up(args).await,
            Command::Restore(args) => backup::restore(args).await,
            Command::Check(args) => backup::check(args).await,
            Command::Copy(args) => copy::run(args).await,
            Command::Doctor(args) => doctor::run(args).await,
            Command::Healthcheck(args) => healthcheck::run(args).await,
            Command::Config(command) => command.run(),
            Command::Completions(args) => completions::complete(&args),
            Command::Man(args) => completions::write_manual(&args),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
