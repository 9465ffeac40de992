//! A record of the acknowledged end of the change log, kept outside the database.
//!
//! If a database's write-ahead log was cut off, or an older copy was put in its place while no server ran, it
//! is sound and shows nothing of what it lacks. So a file beside it records how far its change log went some
//! seconds ago, which is compared when it is opened. The file is never ahead of the disk, and nothing depends
//! on it.

use crate::continuity::{Break, Continuity, LogEnd, Mark};
use crate::error::StoreError;
use sqlx::sqlite::SqliteConnection;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The file.
#[derive(Debug)]
pub(crate) struct Acknowledged {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    file: Option<File>,
    /// The contents of the file, if there are any that still count.
    recorded: Option<Mark>,
    /// What the database lacked of that when it was opened.
    shortfall: Option<Break>,
    /// Whether the file is left as it is: the database lacks something that its server has yet to report.
    is_kept: bool,
    has_failed: bool,
}

/// Its name, for the database at `path`.
fn name(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-acknowledged");
    name.into()
}

/// Removes the file, which is about a database that was at `path` before.
pub(crate) fn forget(path: &Path) -> io::Result<()> {
    match fs::remove_file(name(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

impl Acknowledged {
    /// The file of the database at `path`.
    pub(crate) fn beside(path: &Path) -> Self {
        Acknowledged { path: name(path), state: Mutex::default() }
    }

    /// Compares the file with the database that was just opened. A server reports what is missing, and
    /// continues with what is there.
    pub(crate) async fn compare(
        &self,
        connection: &mut SqliteConnection,
        is_served: bool,
    ) -> Result<(), StoreError> {
        let Some(recorded) = self.read() else { return Ok(()) };
        let before = Continuity::from(recorded);
        let shortfall = before.check(LogEnd::read(connection, &before).await?).err();
        let is_kept = shortfall.is_some() && !is_served;
        let recorded = Some(recorded).filter(|_| shortfall.is_none());
        *self.lock() = State { recorded, shortfall, is_kept, ..State::default() };
        if let Some(cause) = shortfall.filter(|_| is_served) {
            tracing::warn!(
                "{cause} when it was served last, as {} says. What was acknowledged since is lost, and perhaps a revocation is \
                 among it: if a file was removed, cut off or replaced by an older copy, stop the server and put it back, or \
                 restore a backup. This is reported once",
                self.path.display()
            );
        }
        Ok(())
    }

    fn read(&self) -> Option<Mark> {
        match fs::read_to_string(&self.path) {
            Ok(text) => {
                let recorded = text.parse().ok();
                if recorded.is_none() {
                    tracing::warn!("{} is not valid and will be rewritten", self.path.display());
                }
                recorded
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::warn!("{}: {error}", self.path.display());
                None
            }
        }
    }

    /// What the database lacked when it was opened, unless a command has replaced it since.
    pub(crate) fn fault(&self) -> Option<String> {
        let shortfall = self.lock().shortfall?;
        Some(format!("{shortfall}, as {} says", self.path.display()))
    }

    /// A command has created or replaced the database: the file is about another one.
    pub(super) fn begin_anew(&self) {
        let mut state = self.lock();
        let file = state.file.take();
        *state = State { file, ..State::default() };
    }

    /// Records how far the log goes, unless the file already does. Costs a short write that does not wait for
    /// the disk.
    pub(super) fn save(&self, mark: Option<Mark>) {
        let mut state = self.lock();
        let Some(mark) = mark.filter(|mark| !state.is_kept && mark.is_beyond(state.recorded)) else { return };
        match self.write(&mut state, mark) {
            Ok(()) => state.recorded = Some(mark),
            Err(error) if !state.has_failed => {
                state.has_failed = true;
                tracing::warn!("{}: {error}", self.path.display());
            }
            Err(_) => {}
        }
    }

    fn write(&self, state: &mut State, mark: Mark) -> io::Result<()> {
        let file = match state.file.take() {
            Some(file) => file,
            None => {
                OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&self.path)?
            }
        };
        // Always of the same length, and within a sector.
        state.file.insert(file).write_all_at(mark.to_string().as_bytes(), 0)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
