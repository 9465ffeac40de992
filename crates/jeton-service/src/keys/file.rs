//! The file with the key ring.

use super::ring::{KeyRing, KeyRingError};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
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
    // A hard link fails where a rename would replace: of two writers at once only one succeeds.
    let linked = std::fs::hard_link(&draft, path);
    std::fs::remove_file(&draft).map_err(failed)?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(KeyFileError::Exists(path.to_owned()));
        }
        other => other.map_err(failed)?,
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
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
