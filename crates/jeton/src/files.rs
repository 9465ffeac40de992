//! Which files a command may overwrite or read: not those of an installation.
//!
//! The command checks this, never the server: a process that opens and closes a database file itself drops
//! the locks that SQLite has on it, since they belong to the process.

use crate::error::CommandError;
use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

pub(crate) const DATABASE: &str = "jeton.db";
pub(crate) const KEYS: &str = "keys.json";
pub(crate) const FIRST_RUN: &str = "first-run.json";
pub(crate) const SOCKET: &str = "control.sock";
pub(crate) const LOCK: &str = "serve.lock";
const LOG: &str = "jeton.db-wal";

/// The file names of an installation.
const OWN: [&str; 10] = [
    DATABASE,
    LOG,
    "jeton.db-shm",
    "jeton.db-journal",
    "jeton.db-reserve",
    "jeton.db-acknowledged",
    KEYS,
    FIRST_RUN,
    SOCKET,
    LOCK,
];
/// Files that only an installation has: a backup may be named `jeton.db`, too.
const MARKS: [&str; 5] = [KEYS, FIRST_RUN, SOCKET, LOCK, LOG];

/// The start of a database, and the byte with the version of its format: 1, or 2 with a write-ahead log.
/// Backups have none (<https://sqlite.org/fileformat2.html#the_database_header>).
const MAGIC: &[u8] = b"SQLite format 3\0";
const WRITE_VERSION: usize = 18;

/// Checks that a backup may be written to `path`: there is nothing, or an older backup, which is only
/// replaced if `replaces`.
pub(crate) fn may_back_up_to(path: &Path, replaces: bool) -> Result<(), CommandError> {
    let unknown = |error: io::Error| CommandError::unavailable(format!("{}: {error}", path.display()));
    if is_own(path).map_err(unknown)? {
        return Err(CommandError::refused(format!("{} belongs to an installation of jeton", path.display())));
    }
    match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(unknown(error)),
        Ok(_) if !replaces => {
            let name = path.display();
            return Err(CommandError::refused(format!("{name} exists already: use --force to replace it")));
        }
        Ok(_) => {}
    }
    match fs::metadata(path) {
        // A dangling symbolic link.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(unknown(error)),
        Ok(there) if is_backup(path, &there).map_err(unknown)? => Ok(()),
        Ok(_) => Err(CommandError::refused(format!(
            "{} exists and is not a backup: nothing else is replaced, with --force or without",
            path.display()
        ))),
    }
}

/// Checks that `path`, which is to be restored, is neither the database to restore into nor one that a server
/// has open.
pub(crate) fn may_restore_from(path: &Path, database: &Path) -> Result<(), CommandError> {
    // Unreadable files are refused later, with their own message.
    let Ok(source) = fs::metadata(path) else { return Ok(()) };
    let id = |metadata: &Metadata| (metadata.dev(), metadata.ino());
    if fs::metadata(database).is_ok_and(|own| id(&own) == id(&source)) {
        return Err(CommandError::refused(format!(
            "{} is the database that would be replaced",
            path.display()
        )));
    }
    if is_served(path) {
        return Err(CommandError::refused(format!(
            "{} is the database of a running server: restore a file that jeton backup wrote",
            path.display()
        )));
    }
    Ok(())
}

/// Whether a file has a name of an installation's file, in an installation; also through a link.
fn is_own(path: &Path) -> io::Result<bool> {
    let mut places = vec![path.to_owned()];
    places.extend(fs::canonicalize(path).ok());
    for place in places {
        let name = place.file_name().and_then(|name| name.to_str());
        if name.is_some_and(|name| OWN.contains(&name)) {
            let folder = fs::canonicalize(folder_of(&place))?;
            if MARKS.iter().any(|mark| folder.join(mark).symlink_metadata().is_ok()) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Whether it is a backup, or empty. Databases in use, and copies of them, have a write-ahead log.
fn is_backup(path: &Path, metadata: &Metadata) -> io::Result<bool> {
    if !metadata.is_file() {
        return Ok(false);
    }
    let mut beginning = Vec::new();
    File::open(path)?.take(100).read_to_end(&mut beginning)?;
    let is_plain_database = beginning.starts_with(MAGIC) && beginning.get(WRITE_VERSION) == Some(&1);
    Ok(beginning.is_empty() || is_plain_database)
}

/// Takes the lock of a data directory, which a server holds as long as it runs. `None`: another process has it.
pub(crate) fn lock(data_dir: &Path) -> io::Result<Option<File>> {
    let mut open = OpenOptions::new();
    let file = open.create(true).truncate(false).write(true).mode(0o600).open(data_dir.join(LOCK))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Whether a server holds the installation in this file's directory.
fn is_served(path: &Path) -> bool {
    let Ok(real) = fs::canonicalize(path) else { return false };
    if real.file_name().is_none_or(|name| name != DATABASE) {
        return false;
    }
    let lock = File::open(folder_of(&real).join(LOCK));
    lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

fn folder_of(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new(".")).to_owned()
}
