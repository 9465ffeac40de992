//! `jeton operator`

use super::list_form::ListForm;
use super::output;
use crate::config::InstallationFlags;
use crate::control::ask;
use crate::error::CommandError;
use crate::request::Request;
use clap::{Args, Subcommand};

/// Create, list and revoke operators, who run the service
#[derive(Subcommand, Debug)]
pub(crate) enum OperatorCommand {
    /// Create an operator and print its token, which is shown only once
    Create(CreateArgs),
    /// List the operators
    List(ListArgs),
    /// Revoke an operator, by its number or its name
    Revoke(RevokeArgs),
}

#[derive(Args, Debug)]
pub(crate) struct CreateArgs {
    #[command(flatten)]
    installation: InstallationFlags,
    /// The operator's display name
    name: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    installation: InstallationFlags,
    #[command(flatten)]
    form: ListForm,
}

#[derive(Args, Debug)]
pub(crate) struct RevokeArgs {
    #[command(flatten)]
    installation: InstallationFlags,
    /// The operator's number, or its name if only one operator has it
    operator: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl OperatorCommand {
    pub(crate) async fn run(self) -> Result<(), CommandError> {
        match self {
            OperatorCommand::Create(args) => {
                let made =
                    ask(&args.installation.resolve()?, Request::OperatorCreate { name: args.name }).await?;
                output::write_one(&made, args.json)
            }
            OperatorCommand::List(args) => {
                let all = ask(&args.installation.resolve()?, Request::OperatorList).await?;
                args.form.print(&all, &["id", "name", "created_at"])
            }
            OperatorCommand::Revoke(args) => {
                let done =
                    ask(&args.installation.resolve()?, Request::OperatorRevoke { operator: args.operator })
                        .await?;
                output::write_one(&done, args.json)
            }
        }
    }
}
