//! Backups and restores, while the service runs.

use crate::initialise::new_epoch;
use crate::keys::retired;
use crate::partial_file::PartialFile;
use crate::{Error, KeyCheckError, KeyRing, Keys, Service};
use jeton_core::{Cause, Clock, Entropy};
use jeton_store::{
    BackedUp, CheckReport, KeyCheck, OpenError, Progress, Restore, Restored, Store, check_backup,
};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// What snapshots and copies are named like in a data directory while they are there.
const SCRATCH_BACKUP: &str = "backup";
const SCRATCH_RESTORE: &str = "restore";
/// Bytes that are copied at once.
const COPY_BYTES: usize = 1 << 20;

/// Why a backup was not made.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file cannot be read or written.
    #[error("{}: {error}", .path.display())]
    File {
        /// Which.
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
    /// Writes a consistent snapshot of everything into a file, from its beginning. It is made in the directory `scratch` first, which
    /// needs as much room. The keys are not in it.
    ///
    /// # Errors
    ///
    /// See [`BackupError`].
    pub async fn back_up(
        &self,
        scratch: &Path,
        to: File,
        progress: &Progress,
    ) -> Result<BackedUp, BackupError> {
        let snapshot = scratch_file(&scratch.join(SCRATCH_BACKUP), Arc::clone(&self.entropy)).await?;
        let backed_up = self.store.back_up(snapshot.path(), progress).await.map_err(Error::from)?;
        progress.begin("writing the file", snapshot.file().metadata().map_or(0, |known| known.len()));
        let progress = progress.clone();
        let written = spawn_blocking(move || {
            let from = File::open(snapshot.path()).map_err(|error| (snapshot.path().to_owned(), error));
            from.and_then(|from| {
                copy(from, to, &progress).map_err(|error| (PathBuf::from("the backup"), error))
            })
        });
        let written =
            written.await.unwrap_or_else(|error| Err((scratch.to_owned(), io::Error::other(error))));
        written.map_err(|(path, error)| BackupError::File { path, error })?;
        Ok(backed_up)
    }

    /// A copy of a backup in the directory `scratch`, for this process to read, whoever may read the other.
    ///
    /// # Errors
    /// It cannot be read, or not be written.
    pub async fn take_backup(
        scratch: &Path,
        from: File,
        entropy: Arc<dyn Entropy>,
        progress: &Progress,
    ) -> Result<PartialFile, BackupError> {
        let taken = scratch_file(&scratch.join(SCRATCH_RESTORE), entropy).await?;
        let size = from.metadata().map_or(0, |known| known.len());
        progress.begin("reading the backup", size);
        let (path, progress) = (taken.path().to_owned(), progress.clone());
        let copied = spawn_blocking(move || {
            let to = taken.file().try_clone()?;
            copy(from, to, &progress).map(|()| taken)
        });
        let copied = copied.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        copied.map_err(|error| BackupError::File { path, error })
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
        progress: &Progress,
    ) -> Result<Restored, RestoreError> {
        let (keys, manner) = (self.keys.share(), Manner { keeps_removed, by, progress });
        let mut wish = prepare(&keys, &*self.clock, &*self.entropy, path, manner).await?;
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
        progress: &Progress,
    ) -> Result<Restored, RestoreError> {
        let manner = Manner { keeps_removed: true, by, progress };
        let wish = prepare(&Keys::derive(ring), clock, entropy, path, manner).await?;
        Ok(store.write(wish).await.map_err(Error::from)?)
    }

    /// Reads everything and reports inconsistencies.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    pub async fn check(&self, progress: &Progress) -> Result<CheckReport, Error> {
        let mut report = self.store.check(progress).await?;
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
    pub async fn check_backup(
        path: &Path,
        ring: Option<&KeyRing>,
        progress: &Progress,
    ) -> Result<CheckReport, RestoreError> {
        let report = sound_backup(path, progress).await?;
        if let Some(ring) = ring {
            Keys::settled(ring, &report.key_checks)?;
        }
        Ok(report)
    }
}

/// How a backup is restored.
struct Manner<'m> {
    keeps_removed: bool,
    by: &'m Cause,
    progress: &'m Progress,
}

async fn prepare(
    keys: &Keys,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
    path: &Path,
    Manner { keeps_removed, by, progress }: Manner<'_>,
) -> Result<Restore, RestoreError> {
    let in_backup = sound_backup(path, progress).await?.key_checks;
    let keys = keys.settled_for(&in_backup)?;
    Ok(Restore {
        path: path.to_owned(),
        // The ring may have newer keys than the backup.
        key_checks: keys.checks().into_iter().chain(retired(&in_backup)).collect(),
        epoch: new_epoch(entropy).map_err(Error::from)?,
        keeps_removed,
        at: clock.now(),
        by: by.clone(),
        progress: progress.clone(),
    })
}

async fn sound_backup(path: &Path, progress: &Progress) -> Result<CheckReport, RestoreError> {
    let mut report = check_backup(path, progress).await?;
    if report.faults.is_empty() && report.key_checks.is_empty() {
        report.faults.push("it was never initialised".to_owned());
    }
    if report.faults.is_empty() { Ok(report) } else { Err(RestoreError::Damaged(report.faults)) }
}

async fn scratch_file(target: &Path, entropy: Arc<dyn Entropy>) -> Result<PartialFile, BackupError> {
    let path = target.to_owned();
    let made = spawn_blocking(move || PartialFile::create(&path, &*entropy)).await;
    let made = made.unwrap_or_else(|error| Err(io::Error::other(error)));
    made.map_err(|error| BackupError::File { path: target.to_owned(), error })
}

/// Copies a file from its beginning.
fn copy(mut from: File, mut to: File, progress: &Progress) -> io::Result<()> {
    let mut buffer = vec![0; COPY_BYTES];
    loop {
        let read = from.read(&mut buffer)?;
        if read == 0 {
            return to.flush();
        }
        to.write_all(&buffer[..read])?;
        progress.add(read as u64);
    }
}
