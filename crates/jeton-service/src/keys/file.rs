//! The file with the key ring.

use super::ring::{KeyRing, KeyRingError};
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Why a key file is rejected, or could not be written.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// There is no such file.
    #[error("there is no key file {0}")]
    Missing(PathBuf),
    /// Users other than its owner may read or write it.
    #[error("the key file {path} can be read by others (mode {mode:04o}): chmod 600 {path}", path = path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It does not contain a valid key ring.
    #[error("the key file {} cannot be used: {error}", path.display())]
    Ring {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: KeyRingError,
    },
    /// The file exists already.
    #[error("there is a key file {0} already")]
    Exists(PathBuf),
    /// The file system failed.
    #[error("the key file {} cannot be read or written: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        error: io::Error,
    },
}

/// Reads the ring from a file that only its owner may read (mode 0600 or less).
///
/// # Errors
///
/// See [`KeyFileError`].
pub fn read_key_file(path: &Path) -> Result<KeyRing, KeyFileError> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => KeyFileError::Missing(path.to_owned()),
        _ => KeyFileError::Io { path: path.to_owned(), error },
    };
    let mut file = File::open(path).map_err(failed)?;
    // Checked on the open file, so that it cannot be replaced before it is read.
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::Exposed { path: path.to_owned(), mode });
    }
    let mut text = Zeroizing::new(String::new());
    match file.read_to_string(&mut text) {
        // Some editors write a byte-order mark first.
        Ok(_) => KeyRing::parse(text.trim_start_matches('\u{feff}'))
            .map_err(|error| KeyFileError::Ring { path: path.to_owned(), error }),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(KeyFileError::Ring { path: path.to_owned(), error: KeyRingError::Shape })
        }
        Err(error) => Err(failed(error)),
    }
}

/// Writes the ring to a new file with mode 0600. When this returns, the whole file is on disk; a crash before
/// that leaves no file under its name. Never overwrites an existing file.
///
/// # Errors
///
/// See [`KeyFileError`].
pub fn write_key_file(path: &Path, ring: &KeyRing) -> Result<(), KeyFileError> {
    let failed = |error: io::Error| KeyFileError::Io { path: path.to_owned(), error };
    let draft = write_draft(path, ring)?;
    // A hard link fails where a rename would replace: of two writers at once only one succeeds.
    let linked = std::fs::hard_link(&draft, path);
    std::fs::remove_file(&draft).map_err(failed)?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(KeyFileError::Exists(path.to_owned()));
        }
        other => other.map_err(failed)?,
    }
    File::open(folder_of(path)).and_then(|folder| folder.sync_all()).map_err(failed)
}

/// Writes the ring to a file beside `path`, which is on disk then.
fn write_draft(path: &Path, ring: &KeyRing) -> Result<PathBuf, KeyFileError> {
    let failed = |error: io::Error| KeyFileError::Io { path: path.to_owned(), error };
    // A unique name, so that two processes that write at once do not write to the same file. A file that a
    // crash left under this process's number belongs to no running process.
    let draft = path.with_extension(format!("json.{}.new", std::process::id()));
    match std::fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        Ok(()) | Err(_) => {}
    }
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).map_err(failed)?;
    file.write_all(ring.to_text().as_bytes()).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    Ok(draft)
}

/// Replaces the ring in its file, which must be there, by what `change` makes of it, and returns that. One process at a time:
/// `change` sees what the one before it has written. Whoever reads sees the whole ring of before or the whole new one, and so does
/// a start after a crash.
///
/// # Errors
///
/// See [`KeyFileError`]; or that of `change`, and the file stays as it was.
pub fn change_key_file<E: From<KeyFileError>>(
    path: &Path,
    change: impl FnOnce(&KeyRing) -> Result<KeyRing, E>,
) -> Result<KeyRing, E> {
    let failed = |error: io::Error| KeyFileError::Io { path: path.to_owned(), error };
    // Where it is a link, the file that it leads to is replaced.
    let path = &std::fs::canonicalize(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => KeyFileError::Missing(path.to_owned()),
        _ => failed(error),
    })?;
    let folder = File::open(folder_of(path)).map_err(failed)?;
    // Until it is closed.
    folder.lock().map_err(failed)?;
    let before = read_key_file(path)?;
    let after = change(&before)?;
    if *after.to_text() == *before.to_text() {
        return Ok(after);
    }
    let metadata = std::fs::metadata(path).map_err(failed)?;
    let draft = write_draft(path, &after)?;
    // A server that runs as another user must still be able to read it.
    if let Err(error) = keep_owner(&draft, &metadata).and_then(|()| std::fs::rename(&draft, path)) {
        drop(std::fs::remove_file(&draft));
        return Err(failed(error).into());
    }
    folder.sync_all().map_err(failed)?;
    Ok(after)
}

/// Gives a draft the owner of the file whose place it takes.
fn keep_owner(draft: &Path, metadata: &Metadata) -> io::Result<()> {
    let own = std::fs::metadata(draft)?;
    match (own.uid(), own.gid()) == (metadata.uid(), metadata.gid()) {
        true => Ok(()),
        false => std::os::unix::fs::chown(draft, Some(metadata.uid()), Some(metadata.gid())),
    }
}

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyFileStamp([i64; 5]);

/// The state of the file; `None`: it cannot be found out.
pub fn key_file_stamp(path: &Path) -> Option<KeyFileStamp> {
    let it = std::fs::metadata(path).ok()?;
    Some(KeyFileStamp([
        it.ino().cast_signed(),
        it.size().cast_signed(),
        it.mtime(),
        it.mtime_nsec(),
        it.ctime_nsec(),
    ]))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jeton_testkit::SeededEntropy;

    fn ring() -> KeyRing {
        KeyRing::generate(&SeededEntropy::new(1)).unwrap()
    }

    #[test]
    fn a_written_ring_is_private_and_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        write_key_file(&path, &ring()).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(read_key_file(&path).unwrap().roots().eq(ring().roots()));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        write_key_file(&path, &ring()).unwrap();
        std::fs::write(&path, format!("\u{feff}{}", *ring().to_text())).unwrap();
        assert!(read_key_file(&path).unwrap().roots().eq(ring().roots()));
    }

    #[test]
    fn a_ring_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        write_key_file(&path, &ring()).unwrap();
        let other = KeyRing::generate(&SeededEntropy::new(2)).unwrap();
        assert!(matches!(write_key_file(&path, &other), Err(KeyFileError::Exists(_))));
        assert!(read_key_file(&path).unwrap().roots().eq(ring().roots()));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_change_replaces_the_whole_file_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        let change = |id| {
            change_key_file(&path, |ring| {
                Ok::<_, KeyFileError>(ring.with_waiting_key(id, &SeededEntropy::new(2)).unwrap())
            })
        };
        assert!(matches!(change(2), Err(KeyFileError::Missing(_))));
        write_key_file(&path, &ring()).unwrap();
        let before = key_file_stamp(&path).unwrap();
        assert_eq!(change(2).unwrap().ids().collect::<Vec<_>>(), [1, 2]);
        let after = key_file_stamp(&path).unwrap();
        assert_ne!(before, after);
        assert_eq!(read_key_file(&path).unwrap().ids().collect::<Vec<_>>(), [1, 2]);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        change(2).unwrap();
        assert_eq!(key_file_stamp(&path), Some(after), "nothing was changed");
        let refused = change_key_file(&path, |_| Err(KeyFileError::Exists(path.clone())));
        assert!(matches!(refused, Err(KeyFileError::Exists(_))));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        write_key_file(&path, &ring()).unwrap();
        for mode in [0o640, 0o604, 0o620, 0o644] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let error = read_key_file(&path).unwrap_err();
            assert!(matches!(error, KeyFileError::Exposed { .. }), "{error}");
            assert!(error.to_string().contains(&format!("mode {mode:04o}): chmod 600 ")), "{error}");
        }
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400)).unwrap();
        assert!(read_key_file(&path).is_ok());
    }

    #[test]
    fn what_is_missing_or_no_ring_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        assert!(matches!(read_key_file(&path), Err(KeyFileError::Missing(_))));
        for garbage in [&b"{}"[..], b"\xff\xfe"] {
            std::fs::write(&path, garbage).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            assert!(matches!(read_key_file(&path), Err(KeyFileError::Ring { .. })));
        }
    }
}
