//! `jeton operator`

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
    /// Revoke an operator
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
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct RevokeArgs {
    #[command(flatten)]
    installation: InstallationFlags,
    /// The operator's number
    id: i64,
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
                if args.json {
                    return output::write_json(&all);
                }
                let mut rows = all.as_array().into_iter().flatten();
                rows.try_for_each(|row| output::write_row(row, &["id", "name", "created_at"]))
            }
            OperatorCommand::Revoke(args) => {
                let done =
                    ask(&args.installation.resolve()?, Request::OperatorRevoke { id: args.id }).await?;
                output::write_one(&done, args.json)
            }
        }
    }
}
