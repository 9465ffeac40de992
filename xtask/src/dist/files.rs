//! Copies of files, with the permissions that they have when they are installed.

use crate::error::Error;
use crate::process::run_quietly;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

fn failed(path: &Path) -> impl Fn(io::Error) -> Error {
    let what = path.display().to_string();
    move |source| Error::Files { what: what.clone(), source }
}

/// Makes a folder, and those above it.
pub(super) fn make_folder(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(failed(path))
}

/// Writes a file, with the folders above it.
pub(super) fn write(path: &Path, text: &str, mode: u32) -> Result<(), Error> {
    make_folder(path.parent().unwrap_or(path))?;
    fs::write(path, text).map_err(failed(path))?;
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(failed(path))
}

/// Copies a file, with the folders above it.
pub(super) fn put(from: &Path, to: &Path, mode: u32) -> Result<(), Error> {
    make_folder(to.parent().unwrap_or(to))?;
    fs::copy(from, to).map_err(failed(from))?;
    fs::set_permissions(to, Permissions::from_mode(mode)).map_err(failed(to))
}

/// Copies a file, or a folder with all that is in it. What can be executed still can be, and everybody can read.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    if !from.is_dir() {
        let mode = fs::metadata(from).map_err(failed(from))?.permissions().mode();
        return put(from, to, if mode & 0o100 == 0 { 0o644 } else { 0o755 });
    }
    make_folder(to)?;
    for entry in fs::read_dir(from).map_err(failed(from))? {
        let entry = entry.map_err(failed(from))?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Compresses the files of a folder, each in its place, so that the same contents give the same file.
pub(super) fn compress(folder: &Path) -> Result<(), Error> {
    run_quietly(Command::new("sh").args(["-ec", "gzip -9 --no-name -- *"]).current_dir(folder))
}

/// Lets everybody into the folders of a tree, whatever its maker's umask is.
pub(super) fn open_folders(tree: &Path) -> Result<(), Error> {
    run_quietly(Command::new("find").arg(tree).args(["-type", "d", "-exec", "chmod", "755", "{}", "+"]))
}
