//! Debian's packages.

use super::announce;
use crate::error::Error;
use crate::process::{output, run_quietly};
use std::fs;
use std::path::Path;
use std::process::Command;

/// The package manager, and whether its lists are fresh.
#[derive(Debug, Default)]
pub(super) struct Apt {
    updated: bool,
}

impl Apt {
    /// Installs `packages`, after one update of the lists for all calls.
    ///
    /// # Errors
    /// There is no apt, no right to use it, or no such package.
    pub(super) fn install(&mut self, packages: &[&str]) -> Result<(), Error> {
        announce(&format!("the Debian package {}", packages.join(", ")));
        self.update(&packages.join(", "))?;
        let apt_get = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "--yes", "--quiet=2"];
        run_quietly(as_root(&apt_get)?.arg("--no-install-recommends").args(packages))
    }

    /// Unpacks `packages`, without what they depend on, in `folder`. The system stays as it is.
    ///
    /// # Errors
    /// There is no apt, no right to update its lists, or no such package.
    pub(super) fn unpack(&mut self, packages: &[&str], folder: &Path) -> Result<(), Error> {
        self.update(&packages.join(", "))?;
        let files = |source| Error::Files { what: folder.display().to_string(), source };
        if folder.exists() {
            fs::remove_dir_all(folder).map_err(files)?;
        }
        fs::create_dir_all(folder).map_err(files)?;
        let mut download = Command::new("apt-get");
        run_quietly(download.args(["download", "--quiet=2"]).args(packages).current_dir(folder))?;
        let extract = "for package in ./*.deb; do dpkg-deb --extract \"$package\" . || exit; done";
        run_quietly(Command::new("sh").args(["-c", extract]).current_dir(folder))
    }

    /// Updates the lists before the first package is taken.
    fn update(&mut self, wanted: &str) -> Result<(), Error> {
        if output(Command::new("apt-get").arg("--version")).is_none() {
            return Err(Error::Missing(format!(
                "This system has no apt-get. Install what Debian calls {wanted} and run this again."
            )));
        }
        if !self.updated {
            run_quietly(&mut as_root(&["apt-get", "update", "--quiet=2"])?)?;
            self.updated = true;
        }
        Ok(())
    }
}

/// `words` as a command that runs with the rights of root.
///
/// # Errors
/// This is not root, and there is no sudo.
pub(super) fn as_root(words: &[&str]) -> Result<Command, Error> {
    let mut words = words.iter();
    let program = if rustix::process::geteuid().is_root() {
        words.next().copied().unwrap_or_default()
    } else if output(Command::new("sudo").arg("--version")).is_some() {
        "sudo"
    } else {
        let words: Vec<_> = words.copied().collect();
        return Err(Error::Missing(format!("Run as root, since there is no sudo here: {}", words.join(" "))));
    };
    let mut command = Command::new(program);
    command.args(words);
    Ok(command)
}
