//! Whether the open database is still the one under its name.
//!
//! SQLite keeps using the files that it has opened, whatever happens to their names, and takes what another
//! program writes into them for its own. What is then acknowledged is lost with the process, or mixed up with
//! foreign contents.

use super::acknowledged::Acknowledged;
use super::header::Header;
use super::open;
use crate::continuity::{Break, Continuity, Entry, LogEnd};
use crate::error::{OpenError, StoreError};
use crate::session::Session;
use crate::statements::genesis;
use sqlx::Executor;
use sqlx::sqlite::SqliteConnection;
use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedMappedMutexGuard, OwnedMutexGuard};
use tokio::time::{MissedTickBehavior, interval};

/// How often the files are checked while nothing is written.
const PERIOD: Duration = Duration::from_millis(250);
/// After this many checks the acknowledged end of the log is recorded: 5 seconds.
const SAVED: u32 = 20;
/// How often a file is checked again before it is taken for another: it may be read while it is being
/// written.
const LOOKS: u32 = 3;

/// What happened to a database while it was open. Only reopening it helps: what was written in the meantime
/// is lost, or mixed with what another program wrote.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Lost {
    /// A file no longer has its name.
    #[error("{} was removed or moved while it was open", .0.display())]
    Gone(PathBuf),
    /// Another file has its name.
    #[error("{} was replaced by another file while it was open", .0.display())]
    Replaced(PathBuf),
    /// It is the same file, but another program has written to it.
    #[error("{} was written over while it was open", .0.display())]
    Overwritten(PathBuf),
    /// It is the same file, but its contents cannot be a later state of what they were.
    #[error("{}: {cause}", .path.display())]
    Broken {
        /// The database.
        path: PathBuf,
        /// The break that its change log shows.
        cause: Break,
    },
}

impl Lost {
    /// Whether the open files contain everything that was acknowledged.
    pub(super) fn is_whole(&self) -> bool {
        matches!(self, Lost::Gone(_) | Lost::Replaced(_))
    }

    fn advice(&self) -> &'static str {
        if self.is_whole() {
            "nothing is read or written any more until a restart. What was acknowledged is still in the files that this \
             process holds open: save it with jeton backup before you stop the server, then restore it"
        } else {
            "nothing is read or written any more until a restart. Stop the server, move the database away with the files \
             beside it that have its name, and restore a backup"
        }
    }
}

/// The files of an open database.
#[derive(Debug)]
pub(super) struct Ground {
    path: PathBuf,
    /// By name, the database first.
    files: Vec<(PathBuf, FileId)>,
    /// The database file itself, for reading its header. Open as long as any connection of this process:
    /// closing it would release SQLite's locks on the file, which belong to the process.
    file: File,
    header: Mutex<Header>,
    known: Mutex<Continuity>,
    pub(super) acknowledged: Acknowledged,
    /// What this process has written into the header, if anything.
    stamp: Option<i32>,
    lost: OnceLock<Lost>,
}

/// Identifies a file, whatever its name.
type FileId = (u64, u64);

fn id(metadata: &Metadata) -> FileId {
    (metadata.dev(), metadata.ino())
}

impl Ground {
    /// The files of the database at `path`, which exist because a connection has it open.
    pub(super) fn under(path: &Path, stamp: Option<i32>) -> io::Result<Self> {
        let file = File::open(path)?;
        // Beside the file itself, if `path` is a link to it.
        let real = fs::canonicalize(path)?;
        let mut files = vec![(path.to_owned(), id(&file.metadata()?))];
        for suffix in ["-wal", "-shm"] {
            let mut name = OsString::from(&real);
            name.push(suffix);
            let companion = PathBuf::from(name);
            match fs::metadata(&companion) {
                Ok(metadata) => files.push((companion, id(&metadata))),
                // Some file systems have no shared memory, and SQLite works without it.
                Err(error) if is_absence(&error) => {}
                Err(error) => return Err(error),
            }
        }
        let header = Mutex::new(Header::read(&file)?);
        let (known, acknowledged, lost) = (Mutex::default(), Acknowledged::beside(path), OnceLock::new());
        Ok(Ground { path: path.to_owned(), files, file, header, known, acknowledged, stamp, lost })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What happened to the database, if a problem was noticed.
    pub(super) fn lost(&self) -> Option<&Lost> {
        self.lost.get()
    }

    /// Fails if a problem was noticed. Costs nothing.
    pub(super) fn holds(&self) -> Result<(), StoreError> {
        self.lost.get().map_or(Ok(()), |lost| Err(StoreError::unavailable(lost.clone())))
    }

    /// Checks that everything is as it was: takes a few microseconds.
    ///
    /// # Errors
    ///
    /// It is not, permanently; or it could not be checked now.
    pub(super) fn look(&self) -> Result<(), StoreError> {
        self.holds()?;
        for _ in 1..LOOKS {
            if matches!(self.fault(), Ok(None)) {
                return Ok(());
            }
        }
        match self.fault().map_err(StoreError::unavailable)? {
            None => Ok(()),
            Some(lost) => self.lose(&lost),
        }
    }

    /// Whether the open transaction can have written this entry.
    pub(super) fn check_written(&self, written: Option<Entry>) -> Result<(), StoreError> {
        // Everything known is committed, and there are no concurrent writers.
        let checked = written.map(|written| self.known().check_written(written));
        if let Some(Err(cause)) = checked { self.lose(&self.broken(cause)) } else { Ok(()) }
    }

    /// A command has created or replaced the database: nothing known about it counts.
    pub(super) fn begin_anew(&self) {
        *self.known() = Continuity::default();
        self.acknowledged.begin_anew();
    }

    /// Records how far the log goes, if this process serves the database or has written to it.
    pub(super) fn save(&self) {
        let known = *self.known();
        if self.is_served() || known.has_written() {
            self.acknowledged.save(known.mark());
        }
    }

    /// Whether this process serves the database.
    pub(super) fn is_served(&self) -> bool {
        self.stamp.is_some()
    }

    /// Reads the end of the log a last time, which creates the record if there was no check before.
    pub(super) async fn look_at_the_end(&self, connection: &mut SqliteConnection) {
        let before = *self.known();
        if self.is_served() || before.has_written() {
            match LogEnd::read(connection, &before).await {
                Ok(end) => self.known().learn(end),
                Err(error) => tracing::debug!("the end of the change log cannot be read: {error}"),
            }
        }
    }

    /// Records what was committed.
    pub(super) fn note(&self, written: Option<Entry>) {
        if let Some(written) = written {
            self.known().note(written);
        }
    }

    fn known(&self) -> MutexGuard<'_, Continuity> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn broken(&self, cause: Break) -> Lost {
        Lost::Broken { path: self.path.clone(), cause }
    }

    /// Records what happened, and logs it once.
    fn lose(&self, lost: &Lost) -> Result<(), StoreError> {
        if self.lost.set(lost.clone()).is_ok() {
            tracing::error!("{lost}: {}", lost.advice());
        }
        self.holds()
    }

    fn fault(&self) -> io::Result<Option<Lost>> {
        for (path, known) in &self.files {
            match fs::metadata(path) {
                Ok(metadata) if id(&metadata) == *known => {}
                Ok(_) => return Ok(Some(Lost::Replaced(path.clone()))),
                Err(error) if is_absence(&error) => return Ok(Some(Lost::Gone(path.clone()))),
                Err(error) => return Err(error),
            }
        }
        let mut header = self.header.lock().unwrap_or_else(PoisonError::into_inner);
        match Header::read(&self.file) {
            Ok(now) if now.can_follow(&header, self.stamp) => *header = now,
            Ok(_) => return Ok(Some(Lost::Overwritten(self.path.clone()))),
            Err(error) if is_no_header(&error) => return Ok(Some(Lost::Overwritten(self.path.clone()))),
            Err(error) => return Err(error),
        }
        Ok(None)
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn is_no_header(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData)
}

/// A connection that is kept open as long as the store, so that no program that follows SQLite's rules
/// removes the files beside the database: only the last one to close it does. `None` once the store is
/// closed.
pub(super) type Anchor = Arc<tokio::sync::Mutex<Option<SqliteConnection>>>;

/// Opens one to a database at the newest schema.
pub(super) async fn anchor(path: &Path) -> Result<Anchor, OpenError> {
    let mut connection = open::reader(path).await?;
    // The files are opened, and locked, by the first read.
    connection.row(genesis::ping()).await.map_err(OpenError::unavailable)?;
    Ok(Arc::new(tokio::sync::Mutex::new(Some(connection))))
}

/// Takes the connection for a transaction, for as long as the answer is kept.
pub(super) async fn take(
    anchor: &Anchor,
) -> Result<OwnedMappedMutexGuard<Option<SqliteConnection>, SqliteConnection>, StoreError> {
    let guard = Arc::clone(anchor).lock_owned().await;
    let closed = |_| StoreError::unavailable("the store is closed");
    let mut connection = OwnedMutexGuard::try_map(guard, Option::as_mut).map_err(closed)?;
    // The previous transaction may have been left open. If not, there is nothing to roll back.
    drop(connection.execute("ROLLBACK").await);
    Ok(connection)
}

/// Checks forever, also the end of the change log: a database can be replaced by means of SQLite itself.
pub(super) async fn watch(ground: Arc<Ground>, anchor: Anchor) {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut could_look = true;
    let mut looks = 0;
    while ground.lost().is_none() {
        ticks.tick().await;
        let before = *ground.known();
        let looked = match ground.look() {
            Ok(()) => match anchor.lock().await.as_mut() {
                Some(connection) => LogEnd::read(connection, &before).await,
                None => return,
            },
            Err(error) => Err(error),
        };
        match looked {
            Ok(end) => {
                could_look = true;
                if let Err(cause) = before.check(end) {
                    drop(ground.lose(&ground.broken(cause)));
                }
                ground.known().learn(end);
                // Later, the closing of the store does it.
                if ground.is_served() && ground.lost().is_none() && looks % SAVED == 0 {
                    ground.save();
                }
                looks = looks.wrapping_add(1);
            }
            Err(error) if could_look && ground.lost().is_none() => {
                could_look = false;
                tracing::error!("the files of the database cannot be looked at: {error}");
            }
            Err(_) => {}
        }
    }
}
