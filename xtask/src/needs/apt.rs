//! Debian's packages.

use super::announce;
use crate::failure::Failure;
use crate::process::{output, run_quietly};
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
    pub(super) fn install(&mut self, packages: &[&str]) -> Result<(), Failure> {
        announce(&format!("the Debian package {}", packages.join(", ")));
        if output(Command::new("apt-get").arg("--version")).is_none() {
            return Err(Failure::Missing(format!(
                "This system has no apt-get. Install what Debian calls {} and run this again.",
                packages.join(", ")
            )));
        }
        if !self.updated {
            run_quietly(&mut as_root(&["apt-get", "update", "--quiet=2"])?)?;
            self.updated = true;
        }
        let apt_get = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "--yes", "--quiet=2"];
        run_quietly(as_root(&apt_get)?.arg("--no-install-recommends").args(packages))
    }
}

/// `words` as a command that runs with the rights of root.
///
/// # Errors
/// This is not root, and there is no sudo.
pub(super) fn as_root(words: &[&str]) -> Result<Command, Failure> {
    let mut words = words.iter();
    let program = if rustix::process::geteuid().is_root() {
        words.next().copied().unwrap_or_default()
    } else if output(Command::new("sudo").arg("--version")).is_some() {
        "sudo"
    } else {
        let words: Vec<_> = words.copied().collect();
        return Err(Failure::Missing(format!(
            "Run as root, since there is no sudo here: {}",
            words.join(" ")
        )));
    };
    let mut command = Command::new(program);
    command.args(words);
    Ok(command)
}
