//! `jeton backup`, `jeton restore` and `jeton check`

use super::output;
use crate::commands::{restored, sound};
use crate::config::InstallationFlags;
use crate::control::ask;
use crate::error::CommandError;
use crate::files;
use crate::installation::{self, Installation};
use crate::request::Request;
use clap::Args;
use jeton_core::Cause;
use jeton_service::Service;
use std::path::{Path, PathBuf};

/// Write everything to one file, while the server runs
///
/// The file is a SQLite database with a consistent snapshot, whichever engine holds the data. It contains no
/// secret in clear, and not the keys: without keys.json (or JETON_KEYS) it is of no use.
#[derive(Args, Debug)]
pub(crate) struct BackupArgs {
    #[command(flatten)]
    installation: InstallationFlags,
    /// Where to write the backup
    file: PathBuf,
    /// Replace an existing backup. No other file is replaced
    #[arg(long)]
    force: bool,
    /// Write nothing: read the existing backup and report whether it can be restored
    #[arg(long, conflicts_with = "force")]
    check: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Replace everything with the contents of a backup, while the server runs
///
/// What is refused now stays refused, unless --as-of-backup is given: tokens, apps and operators that were
/// revoked, deleted, disabled, narrowed or ended after the backup was made stay so. A backup that is damaged,
/// of a newer version, or made with other keys is refused. An empty installation is restored completely, with
/// the keys that are there.
#[derive(Args, Debug)]
pub(crate) struct RestoreArgs {
    #[command(flatten)]
    installation: InstallationFlags,
    /// The backup
    file: PathBuf,
    /// Restore everything as it was, including what was revoked, deleted, disabled, narrowed or ended since
    #[arg(long, alias = "revive")]
    as_of_backup: bool,
    /// Confirm: the current data is lost
    #[arg(long)]
    yes: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Read all stored data and report whether it is consistent; exit 1 if it is not
#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    installation: InstallationFlags,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) async fn back_up(args: BackupArgs) -> Result<(), CommandError> {
    if args.check {
        let report = Service::check_backup(&args.file, args.installation.resolve()?.keys()?.as_ref()).await?;
        return output::write_one(&sound(&report), args.json);
    }
    let installation = args.installation.resolve()?;
    let file = whole_path(&args.file)?;
    files::may_back_up_to(&file, args.force)?;
    let request = Request::Backup { file, force: args.force };
    output::write_one(&ask(&installation, request).await?, args.json)?;
    if args.json {
        return Ok(());
    }
    output::write("The keys are not in it: keep a copy of keys.json (or JETON_KEYS) elsewhere.\n")
}

pub(crate) async fn restore(args: RestoreArgs) -> Result<(), CommandError> {
    let installation = args.installation.resolve()?;
    let file = whole_path(&args.file)?;
    files::may_restore_from(&file, &installation.database_path())?;
    let done = if is_initialised(&installation).await? {
        if !args.yes {
            return Err(CommandError::usage("this replaces all current data: confirm with --yes"));
        }
        ask(&installation, Request::Restore { file, as_of_backup: args.as_of_backup }).await?
    } else {
        into_empty(&installation, &file).await?
    };
    output::write_one(&done, args.json)?;
    if args.json || done["compared"] == true {
        return Ok(());
    }
    output::write(
        "Nothing was compared: what was revoked, deleted, disabled, narrowed or ended after the backup was made is as the \
         backup has it.\n",
    )
}

pub(crate) async fn check(args: CheckArgs) -> Result<(), CommandError> {
    output::write_one(&ask(&args.installation.resolve()?, Request::Check).await?, args.json)
}

async fn is_initialised(installation: &Installation) -> Result<bool, CommandError> {
    if !installation.has_database() {
        return Ok(false);
    }
    let store = installation.open_store().await?;
    let checks = store.key_checks().await.map_err(|error| CommandError::unavailable(error.to_string()));
    store.close().await;
    Ok(checks?.is_some())
}

async fn into_empty(installation: &Installation, file: &Path) -> Result<serde_json::Value, CommandError> {
    let Some(ring) = installation.keys()? else {
        return Err(CommandError::missing(format!(
            "the keys with which the backup was made are missing: put them into {}, or set JETON_KEYS",
            installation.key_path().display()
        )));
    };
    // Before a database is created that a failed restore would leave empty.
    Service::check_backup(file, Some(&ring)).await?;
    installation.make_data_dir()?;
    installation.refuse_as_root()?;
    let store = installation.open_store().await?;
    let (clock, entropy) = (installation::clock(), installation::entropy());
    let done = Service::restore_into(&*store, &ring, &*clock, &*entropy, file, &Cause::CLI).await;
    store.close().await;
    Ok(restored(&done?, false))
}

/// The absolute path, for the server, which runs in another directory.
fn whole_path(path: &Path) -> Result<PathBuf, CommandError> {
    std::path::absolute(path).map_err(|error| CommandError::usage(format!("{}: {error}", path.display())))
}
