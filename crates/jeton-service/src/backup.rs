//! Backups and restores, while the service runs.

use crate::initialise::new_epoch;
use crate::keys::retired;
use crate::{Error, KeyCheckError, KeyRing, Keys, Service};
use jeton_core::{Cause, Clock, Entropy};
use jeton_store::{BackedUp, CheckReport, KeyCheck, OpenError, Restore, Restored, Store, check_backup};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use tokio::fs;

/// Why a backup was not made.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file exists and was not to be replaced.
    #[error("{} exists already", .0.display())]
    Taken(PathBuf),
    /// The file cannot be written.
    #[error("{}: {error}", .path.display())]
    File {
        /// The path of the backup.
        path: PathBuf,
        /// The error of the system.
        error: io::Error,
    },
    /// The service failed.
    #[error(transparent)]
    Unavailable(#[from] Error),
}

/// Why a backup was not restored, or cannot be used. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// It cannot be read, is not a backup, or was written by a newer version.
    #[error("the backup cannot be used: {0}")]
    Unusable(#[from] OpenError),
    /// Its contents are inconsistent.
    #[error("the backup is damaged: {}", .0.join("; "))]
    Damaged(Vec<String>),
    /// It was written with other keys.
    #[error("the backup was made with other keys: {0}")]
    Keys(#[from] KeyCheckError),
    /// The service failed.
    #[error(transparent)]
    Unavailable(#[from] Error),
}

impl Service {
    /// Writes a consistent snapshot of everything to a file of mode 0600, which appears at `path` once it is
    /// complete and on disk. The keys are not in it.
    ///
    /// # Errors
    ///
    /// See [`BackupError`]. The previous file at `path` is still there.
    pub async fn back_up(&self, path: &Path, replaces: bool) -> Result<BackedUp, BackupError> {
        let failed = |error| BackupError::File { path: path.to_owned(), error };
        // A dangling symbolic link exists, too.
        match fs::symlink_metadata(path).await {
            Ok(_) if !replaces => return Err(BackupError::Taken(path.to_owned())),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            Ok(_) | Err(_) => {}
        }
        remove_abandoned(path).await.map_err(failed)?;
        let number = u64::from_be_bytes(self.entropy.bytes::<8>().map_err(Error::from)?);
        let partial = partial_path(path, number).ok_or_else(|| failed(io::ErrorKind::InvalidInput.into()))?;
        let written = self.write_backup(&partial, path).await;
        if written.is_err()
            && let Err(error) = fs::remove_file(&partial).await
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!("{} is left behind: {error}", partial.display());
        }
        written
    }

    async fn write_backup(&self, partial: &Path, path: &Path) -> Result<BackedUp, BackupError> {
        let failed = |error| BackupError::File { path: path.to_owned(), error };
        let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(partial).await;
        let file = file.map_err(failed)?.into_std().await;
        // While it is locked, another process is writing it.
        file.try_lock().map_err(|error| failed(error.into()))?;
        let file = fs::File::from_std(file);
        let backed_up = self.store.back_up(partial).await.map_err(Error::from)?;
        file.sync_all().await.map_err(failed)?;
        fs::rename(partial, path).await.map_err(failed)?;
        fs::File::open(folder_of(path)).await.map_err(failed)?.sync_all().await.map_err(failed)?;
        Ok(backed_up)
    }

    /// Replaces everything with the contents of the backup at `path`. `keeps_removed`: what is revoked,
    /// disabled or removed now stays so, whatever the backup contains.
    ///
    /// # Errors
    ///
    /// See [`RestoreError`].
    pub async fn restore(
        &self,
        path: &Path,
        keeps_removed: bool,
        by: &Cause,
    ) -> Result<Restored, RestoreError> {
        let mut wish =
            prepare(&self.keys.share(), &*self.clock, &*self.entropy, path, keeps_removed, by).await?;
        // What is kept of today's rows may begin with a key that was added and retired since.
        let is_new = |check: &KeyCheck| wish.key_checks.iter().all(|known| known.key_id != check.key_id);
        let now = self.store.key_checks().await.map_err(Error::from)?.unwrap_or_default();
        let retired_since: Vec<KeyCheck> = retired(&now).filter(is_new).collect();
        wish.key_checks.extend(retired_since);
        Ok(self.store.write(wish).await.map_err(Error::from)?)
    }

    /// Restores into a store that was never initialised, with the keys of the backup.
    ///
    /// # Errors
    ///
    /// See [`RestoreError`].
    pub async fn restore_into(
        store: &dyn Store,
        ring: &KeyRing,
        clock: &dyn Clock,
        entropy: &dyn Entropy,
        path: &Path,
        by: &Cause,
    ) -> Result<Restored, RestoreError> {
        let wish = prepare(&Keys::derive(ring), clock, entropy, path, true, by).await?;
        Ok(store.write(wish).await.map_err(Error::from)?)
    }

    /// Reads everything and reports inconsistencies.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    pub async fn check(&self) -> Result<CheckReport, Error> {
        let mut report = self.store.check().await?;
        if let Err(error) = self.keys.load().know(&report.key_checks) {
            report.faults.push(error.to_string());
        }
        Ok(report)
    }

    /// Reads a whole backup and checks that it can be restored, and with these keys, if any are given.
    ///
    /// # Errors
    ///
    /// It cannot be restored.
    pub async fn check_backup(path: &Path, ring: Option<&KeyRing>) -> Result<CheckReport, RestoreError> {
        let report = sound_backup(path).await?;
        if let Some(ring) = ring {
            Keys::settled(ring, &report.key_checks)?;
        }
        Ok(report)
    }
}

async fn prepare(
    keys: &Keys,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
    path: &Path,
    keeps_removed: bool,
    by: &Cause,
) -> Result<Restore, RestoreError> {
    let in_backup = sound_backup(path).await?.key_checks;
    let keys = keys.settled_for(&in_backup)?;
    Ok(Restore {
        path: path.to_owned(),
        // The ring may have newer keys than the backup.
        key_checks: keys.checks().into_iter().chain(retired(&in_backup)).collect(),
        epoch: new_epoch(entropy).map_err(Error::from)?,
        keeps_removed,
        at: clock.now(),
        by: by.clone(),
    })
}

async fn sound_backup(path: &Path) -> Result<CheckReport, RestoreError> {
    let mut report = check_backup(path).await?;
    if report.faults.is_empty() && report.key_checks.is_empty() {
        report.faults.push("it was never initialised".to_owned());
    }
    if report.faults.is_empty() { Ok(report) } else { Err(RestoreError::Damaged(report.faults)) }
}

/// The suffix of an incomplete file, after a dot and 16 digits.
const PARTIAL: &str = ".partial";

/// The path of the file until it is complete: in the same directory, so that it can be renamed. `None`:
/// `path` names no file.
fn partial_path(path: &Path, number: u64) -> Option<PathBuf> {
    let mut name = OsString::from(".");
    name.push(path.file_name()?);
    name.push(format!(".{number:016x}{PARTIAL}"));
    Some(path.with_file_name(name))
}

/// Whether `name` is an incomplete file of the backup at `path`.
fn is_partial(name: &OsStr, path: &Path) -> bool {
    let (name, whole) = (name.as_encoded_bytes(), path.file_name().map(OsStr::as_encoded_bytes));
    let number = name.strip_prefix(b".").zip(whole).and_then(|(name, whole)| {
        name.strip_prefix(whole)?.strip_prefix(b".")?.strip_suffix(PARTIAL.as_bytes())
    });
    number.is_some_and(|number| number.len() == 16 && number.iter().all(u8::is_ascii_hexdigit))
}

/// Removes the incomplete files of earlier backups to `path` that were killed.
async fn remove_abandoned(path: &Path) -> io::Result<()> {
    let mut entries = fs::read_dir(folder_of(path)).await?;
    while let Some(entry) = entries.next_entry().await? {
        if !is_partial(&entry.file_name(), path) {
            continue;
        }
        let partial = entry.path();
        let removed = match std::fs::File::open(&partial) {
            Ok(file) if file.try_lock().is_ok() => fs::remove_file(&partial).await,
            Ok(_) => continue,
            Err(error) => Err(error),
        };
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!("{} is of a backup that was never completed: {error}", partial.display());
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_a_killed_backup_has_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b.db");
        let under_way = partial_path(&path, 7).unwrap();
        let others = ["b.db", ".b.db.partial", ".b.db.0123.partial", ".c.db.0123456789abcdef.partial"];
        for place in others.iter().map(|name| folder.path().join(name)).chain([under_way.clone()]) {
            std::fs::write(place, "x").unwrap();
        }
        let abandoned = partial_path(&path, 6).unwrap();
        std::fs::write(&abandoned, "x").unwrap();
        let held = std::fs::File::open(&under_way).unwrap();
        held.try_lock().unwrap();
        remove_abandoned(&path).await.unwrap();
        assert!(!abandoned.exists());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), others.len() + 1);
        drop(held);
        remove_abandoned(&path).await.unwrap();
        assert!(!under_way.exists());
    }
}
