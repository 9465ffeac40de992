//! `jeton backup`, `jeton restore` and `jeton check`

use super::output;
use super::progress::{Progress, show_while};
use crate::commands::{restored, sound};
use crate::config::InstallationFlags;
use crate::control::Executor;
use crate::error::CommandError;
use crate::files;
use crate::installation::{self, Installation};
use crate::request::Request;
use crate::text::named_file;
use clap::Args;
use jeton_core::Cause;
use jeton_service::{PartialFile, Service};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, IsTerminal, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Write everything to one file, while the server runs
///
/// The file is a SQLite database with a consistent snapshot, whichever engine holds the data. It contains no
/// secret in clear, and not the keys: without keys.json (or JETON_KEYS) it is of no use.
#[derive(Args, Debug)]
pub(crate) struct BackupArgs {
    #[command(flatten)]
    installation: InstallationFlags,
    /// Where to write the backup; - for standard output
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
    /// The backup; - for standard input
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
    let installation = args.installation.resolve()?;
    if args.check {
        let (ring, file) = (installation.keys()?, &args.file);
        open(file)?;
        let report = show_while(async |told| Service::check_backup(file, ring.as_ref(), &told).await).await?;
        return output::write_one(&sound(&report), args.json);
    }
    if named_file(Some(&args.file)).is_none() {
        return to_standard_output(&installation).await;
    }
    files::may_back_up_to(&args.file, args.force)?;
    let failed = |error: io::Error| CommandError::unavailable(format!("{}: {error}", args.file.display()));
    let partial = PartialFile::create(&args.file, &*installation::entropy()).map_err(failed)?;
    let file = partial.file().try_clone().map_err(failed)?;
    let done = ask_showing(&installation, Request::Backup, Some(file)).await?;
    partial.complete().map_err(failed)?;
    let mut answer = json!({"file": whole_path(&args.file)?.display().to_string()});
    if let (Some(answer), Value::Object(done)) = (answer.as_object_mut(), done) {
        answer.extend(done);
    }
    output::write_one(&answer, args.json)?;
    if args.json {
        return Ok(());
    }
    output::write(KEYS_ARE_APART)
}

const KEYS_ARE_APART: &str = "The keys are not in it: keep a copy of keys.json (or JETON_KEYS) elsewhere.\n";

/// Has a request done, which may be about a file, and shows how far it is.
async fn ask_showing(
    installation: &Installation,
    request: Request,
    file: Option<File>,
) -> Result<Value, CommandError> {
    let mut progress = Progress::new();
    let mut executor = Executor::of(installation);
    let done = executor.ask_with(request, file, &mut |working| progress.show_working(&working)).await;
    executor.close().await;
    done
}

/// Once it is complete: who reads it is to have all of it or nothing.
async fn to_standard_output(installation: &Installation) -> Result<(), CommandError> {
    if io::stdout().is_terminal() {
        return Err(CommandError::usage(
            "a backup is not for a terminal: name a file, or redirect the output",
        ));
    }
    let failed = |error: io::Error| CommandError::unavailable(format!("the backup: {error}"));
    let mut whole = tempfile::tempfile().map_err(failed)?;
    ask_showing(installation, Request::Backup, Some(whole.try_clone().map_err(failed)?)).await?;
    whole.rewind().map_err(failed)?;
    let mut out = io::stdout().lock();
    io::copy(&mut whole, &mut out).and_then(|_| out.flush()).map_err(failed)?;
    output::note(KEYS_ARE_APART.trim_end());
    Ok(())
}

pub(crate) async fn restore(args: RestoreArgs) -> Result<(), CommandError> {
    let installation = args.installation.resolve()?;
    let source = source(&args.file, &installation)?;
    let done = if is_initialised(&installation).await? {
        if !args.yes {
            return Err(CommandError::usage("this replaces all current data: confirm with --yes"));
        }
        let request = Request::Restore { as_of_backup: args.as_of_backup };
        ask_showing(&installation, request, Some(source)).await?
    } else {
        into_empty(&installation, source).await?
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

/// The backup to restore. What comes through standard input is taken whole first.
fn source(path: &Path, installation: &Installation) -> Result<File, CommandError> {
    if let Some(path) = named_file(Some(path)) {
        files::may_restore_from(path, &installation.database_path())?;
        return open(path);
    }
    let failed = |error: io::Error| CommandError::unavailable(format!("standard input: {error}"));
    let mut whole = tempfile::tempfile().map_err(failed)?;
    io::copy(&mut io::stdin().lock(), &mut whole).map_err(failed)?;
    whole.rewind().map_err(failed)?;
    Ok(whole)
}

fn open(path: &Path) -> Result<File, CommandError> {
    File::open(path).map_err(|error| CommandError::usage(format!("the backup {}: {error}", path.display())))
}

pub(crate) async fn check(args: CheckArgs) -> Result<(), CommandError> {
    let done = ask_showing(&args.installation.resolve()?, Request::Check, None).await?;
    output::write_one(&done, args.json)
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

async fn into_empty(installation: &Installation, source: File) -> Result<Value, CommandError> {
    let Some(ring) = installation.keys()? else {
        return Err(CommandError::missing(format!(
            "the keys with which the backup was made are missing: put them into {}, or set JETON_KEYS",
            installation.key_path().display()
        )));
    };
    installation.make_data_dir()?;
    installation.refuse_as_root()?;
    let done = show_while(async |told| {
        let (clock, entropy) = (installation::clock(), installation::entropy());
        let taken = Service::take_backup(&installation.data_dir, source, Arc::clone(&entropy), &told).await?;
        // Before a database is created that a failed restore would leave empty.
        Service::check_backup(taken.path(), Some(&ring), &told).await?;
        let store = installation.open_store().await?;
        let (path, by) = (taken.path(), &Cause::CLI);
        let done = Service::restore_into(&*store, &ring, &*clock, &*entropy, path, by, &told).await;
        store.close().await;
        Ok::<_, CommandError>(done?)
    });
    Ok(restored(&done.await?, false))
}

/// The absolute path.
fn whole_path(path: &Path) -> Result<PathBuf, CommandError> {
    std::path::absolute(path).map_err(|error| CommandError::usage(format!("{}: {error}", path.display())))
}
