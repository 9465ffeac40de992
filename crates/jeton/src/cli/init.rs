//! `jeton init`

use super::output;
use crate::config::InstallationFlags;
use crate::error::CommandError;
use crate::initialise::{first_credentials, initialise};
use clap::Args;
use jeton_core::{AppKey, UserId};

/// Create the keys, the database, the first app and the first operator. Repeating it changes nothing, exit 2
///
/// Prints the credentials, which are shown only once.
#[derive(Args, Debug)]
pub(crate) struct InitArgs {
    #[command(flatten)]
    installation: InstallationFlags,
    /// The key of the first app, which becomes the default app
    #[arg(long, value_name = "KEY", default_value = "demo")]
    app: AppKey,
    /// The owner of the app's admin token
    #[arg(long, value_name = "USER", default_value = "1", allow_negative_numbers = true)]
    admin_user: UserId,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: InitArgs) -> Result<(), CommandError> {
    let installation = args.installation.resolve()?;
    installation.make_data_dir()?;
    installation.refuse_as_root()?;
    let existing = installation.keys()?;
    let store = installation.open_store().await?;
    let made = initialise(&installation, &*store, existing, &args.app, args.admin_user).await;
    store.close().await;
    let Some(credentials) = made? else {
        return Err(CommandError::usage("already initialised: nothing was changed"));
    };
    output::write_one(&first_credentials(&credentials), args.json)
}
