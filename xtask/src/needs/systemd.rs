//! systemd-analyze, by which tests check the units.

use super::apt::Apt;
use crate::error::Error;
use crate::process::output;
use std::process::Command;

/// Installs it where it is missing, which starts nothing.
///
/// # Errors
/// It cannot be installed automatically.
pub(super) fn install(apt: &mut Apt) -> Result<(), Error> {
    match output(Command::new("systemd-analyze").arg("--version")) {
        Some(_) => Ok(()),
        None => apt.install(&["systemd"]),
    }
}
