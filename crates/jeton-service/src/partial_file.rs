//! Files that appear once they are complete.

use jeton_core::{Entropy, EntropyError};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The suffix of an incomplete file, after a dot and 16 digits.
const PARTIAL: &str = ".partial";

/// A file of mode 0600 that is being written, beside the one that it is to become. Removed when it is dropped, and what is left of one
/// whose process was killed by the next one for the same file.
#[derive(Debug)]
pub struct PartialFile {
    /// While it is locked, its process writes it.
    file: File,
    path: PathBuf,
    target: PathBuf,
    is_complete: bool,
}

impl PartialFile {
    /// Begins the file that is to be at `target`.
    ///
    /// # Errors
    /// It cannot be created, or `target` names no file.
    pub fn create(target: &Path, entropy: &dyn Entropy) -> io::Result<Self> {
        remove_abandoned(target)?;
        let number = entropy.bytes::<8>().map_err(|error: EntropyError| io::Error::other(error))?;
        let path = partial_path(target, u64::from_be_bytes(number)).ok_or(io::ErrorKind::InvalidInput)?;
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        let partial = PartialFile { file, path, target: target.to_owned(), is_complete: false };
        partial.file.try_lock()?;
        Ok(partial)
    }

    /// The file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Where it is while it is incomplete.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts it in its place, in that of what is there, and on disk.
    ///
    /// # Errors
    /// It is not in its place, or perhaps not on disk.
    pub fn complete(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.path, &self.target)?;
        self.is_complete = true;
        File::open(folder_of(&self.target))?.sync_all()
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        if self.is_complete {
            return;
        }
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!("{} is left behind: {error}", self.path.display());
            }
            Ok(()) | Err(_) => {}
        }
    }
}

/// The path of the file until it is complete: in the same directory, so that it can be renamed. `None`:
/// `path` names no file.
fn partial_path(path: &Path, number: u64) -> Option<PathBuf> {
    let mut name = OsString::from(".");
    name.push(path.file_name()?);
    name.push(format!(".{number:016x}{PARTIAL}"));
    Some(path.with_file_name(name))
}

/// Whether `name` is an incomplete file of that at `path`.
fn is_partial(name: &OsStr, path: &Path) -> bool {
    let (name, whole) = (name.as_encoded_bytes(), path.file_name().map(OsStr::as_encoded_bytes));
    let number = name.strip_prefix(b".").zip(whole).and_then(|(name, whole)| {
        name.strip_prefix(whole)?.strip_prefix(b".")?.strip_suffix(PARTIAL.as_bytes())
    });
    number.is_some_and(|number| number.len() == 16 && number.iter().all(u8::is_ascii_hexdigit))
}

/// Removes the incomplete files for `path` of processes that were killed.
fn remove_abandoned(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder_of(path))? {
        let entry = entry?;
        if !is_partial(&entry.file_name(), path) {
            continue;
        }
        let partial = entry.path();
        let removed = match File::open(&partial) {
            Ok(file) if file.try_lock().is_ok() => fs::remove_file(&partial),
            Ok(_) => continue,
            Err(error) => Err(error),
        };
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!("{} was never completed: {error}", partial.display());
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
    use crate::SystemEntropy;

    #[test]
    fn what_a_killed_process_has_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b.db");
        let under_way = partial_path(&path, 7).unwrap();
        let others = ["b.db", ".b.db.partial", ".b.db.0123.partial", ".c.db.0123456789abcdef.partial"];
        for place in others.iter().map(|name| folder.path().join(name)).chain([under_way.clone()]) {
            fs::write(place, "x").unwrap();
        }
        let abandoned = partial_path(&path, 6).unwrap();
        fs::write(&abandoned, "x").unwrap();
        let held = File::open(&under_way).unwrap();
        held.try_lock().unwrap();
        remove_abandoned(&path).unwrap();
        assert!(!abandoned.exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), others.len() + 1);
        drop(held);
        remove_abandoned(&path).unwrap();
        assert!(!under_way.exists());
    }

    #[test]
    fn a_file_is_there_once_it_is_complete_and_else_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b.db");
        drop(PartialFile::create(&path, &SystemEntropy).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let partial = PartialFile::create(&path, &SystemEntropy).unwrap();
        fs::write(partial.path(), "whole").unwrap();
        assert!(!path.exists());
        partial.complete().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
