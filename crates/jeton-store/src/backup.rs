//! Backups: one SQLite file in this crate's own schema, whatever the engine of its source and its
//! destination.

use crate::copy::{copy, count_all, pass_numbers};
use crate::error::{OpenError, StoreError};
use crate::migrations::{self, Found};
use crate::model::{BackedUp, CheckReport};
use crate::progress::Progress;
use crate::schema::Column;
use crate::session::Session;
use crate::shape::SHAPES;
use crate::sqlite_file::connect_to_backup;
use crate::{check, decode, statements, unfinished};
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Executor};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Writes everything that `from` sees into the empty file at `path`. The caller syncs it to the disk.
pub(crate) async fn write(
    from: &mut impl Session,
    path: &Path,
    progress: &Progress,
) -> Result<BackedUp, StoreError> {
    let mut file = connect_to_backup(path, false).await.map_err(StoreError::unavailable)?;
    // The file counts only once it is complete: until then it needs neither a journal nor syncs.
    for pragma in ["PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF"] {
        file.execute(pragma).await.map_err(StoreError::unavailable)?;
    }
    migrations::migrate(&mut file, migrations::SQLITE).await.map_err(StoreError::unavailable)?;
    let mut backed_up = BackedUp::default();
    progress.begin("backing up rows", count_all(from, SHAPES).await?);
    file.execute("BEGIN").await.map_err(StoreError::unavailable)?;
    for shape in SHAPES {
        let rows = copy(from, &mut file, shape, |_| {}, progress).await?;
        pass_numbers(from, &mut file, shape).await?;
        match shape.table.name() {
            "apps" => backed_up.apps = rows,
            "tokens" => backed_up.tokens = rows,
            "changes" => backed_up.changes = rows,
            _ => {}
        }
    }
    for recount in [statements::self_made::RECOUNT, statements::totals::RECOUNT] {
        file.execute(recount).await.map_err(StoreError::unavailable)?;
    }
    file.execute("COMMIT").await.map_err(StoreError::unavailable)?;
    file.close().await.map_err(StoreError::unavailable)?;
    Ok(backed_up)
}

/// A backup opened for reading, at the newest schema.
pub(crate) struct Backup {
    pub(crate) connection: SqliteConnection,
    /// The migrated copy, if there is one. Dropped last.
    _copy: Option<Copy>,
}

impl Backup {
    /// Opens the file at `path` without changing it. A backup of an older version is copied first.
    ///
    /// # Errors
    ///
    /// It was written by a newer version, is not a backup, or cannot be read.
    pub(crate) async fn open(path: &Path) -> Result<Self, OpenError> {
        let mut connection = connect_to_backup(path, true).await?;
        let found = migrations::found(&mut connection).await?.version;
        if found == 0 {
            return Err(OpenError::unavailable("it is not a database of jeton"));
        }
        unfinished::refuse(&mut connection).await?;
        // What a newer version has added would be left out.
        if !Found::exactly(found).is_behind(migrations::SQLITE)? {
            return Ok(Backup { connection, _copy: None });
        }
        connection.close().await.map_err(OpenError::unavailable)?;
        let copy = Copy::of(path).map_err(OpenError::unavailable)?;
        let mut connection = connect_to_backup(&copy.0, false).await?;
        migrations::migrate(&mut connection, migrations::SQLITE).await?;
        Ok(Backup { connection, _copy: Some(copy) })
    }
}

/// A temporary file, removed when dropped.
struct Copy(PathBuf);

impl Copy {
    fn of(path: &Path) -> io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("jeton-backup-{}-{number}.db", std::process::id());
        let place = std::env::temp_dir().join(name);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&place)?;
        let copy = Copy(place);
        io::copy(&mut File::open(path)?, &mut file)?;
        Ok(copy)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0) {
            tracing::warn!("{}: {error}", self.0.display());
        }
    }
}

/// Checks the backup at `path`: whether SQLite finds its file sound, and each row is valid.
///
/// # Errors
///
/// It was written by a newer version, is not a backup, or cannot be read.
pub async fn check_backup(path: &Path, progress: &Progress) -> Result<CheckReport, OpenError> {
    let mut backup = Backup::open(path).await?;
    let damaged = |error: StoreError| OpenError::unavailable(error);
    progress.begin("checking the file of the backup", 0);
    let faults = check::sqlite_file(&mut backup.connection).await.map_err(damaged)?;
    if !faults.is_empty() {
        // Reading the rows of a damaged file may take any time, or never end.
        return Ok(CheckReport { faults, ..CheckReport::default() });
    }
    let report = check::rows(&mut backup.connection, progress).await.map_err(damaged)?;
    let checks = backup.connection.rows(statements::genesis::key_checks()).await.map_err(damaged)?;
    let checks = checks.iter().map(decode::key_check).collect::<Result<Vec<_>, _>>().map_err(damaged)?;
    Ok(CheckReport { key_checks: checks.into_iter().flatten().collect(), ..report })
}
