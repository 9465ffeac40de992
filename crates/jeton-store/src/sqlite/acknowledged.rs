//! How far the change log was acknowledged, kept outside the database.
//!
//! A database whose write-ahead log was cut off, or in the place of which an older copy was put while nobody served it, is
//! sound and tells nothing of what it lacks. So a file beside it says how far its change log went some seconds ago, and
//! whoever opens it compares. The file never says more than is on the disk, and nothing depends on it.

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
pub(super) struct Acknowledged {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    file: Option<File>,
    /// What the file says, if anything that still counts.
    recorded: Option<Mark>,
    /// What the database lacked of that when it was opened.
    shortfall: Option<Break>,
    /// Whether it is left as it is: the database lacks something, and whoever serves it has yet to hear of that.
    is_kept: bool,
    has_failed: bool,
}

impl Acknowledged {
    /// The one of the database at `path`.
    pub(super) fn beside(path: &Path) -> Self {
        let mut name = path.as_os_str().to_owned();
        name.push("-acknowledged");
        Acknowledged { path: name.into(), state: Mutex::default() }
    }

    /// Compares what the file says with the database that was just opened. Who serves it says what is missing, and goes on
    /// with what is there.
    pub(super) async fn compare(
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
                 restore a backup. This is said once",
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
                    tracing::warn!("{} makes no sense, and is written anew", self.path.display());
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
    pub(super) fn fault(&self) -> Option<String> {
        let shortfall = self.lock().shortfall?;
        Some(format!("{shortfall}, as {} says", self.path.display()))
    }

    /// A command has made or replaced the database: what the file says is of another one.
    pub(super) fn begin_anew(&self) {
        let mut state = self.lock();
        let file = state.file.take();
        *state = State { file, ..State::default() };
    }

    /// Says how far the log goes, unless the file says so much already. Costs a short write that waits for no disk.
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
        // Always as long as before, and within a sector.
        state.file.insert(file).write_all_at(mark.to_string().as_bytes(), 0)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
