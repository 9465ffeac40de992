//! Prometheus and its promtool, by which tests check the rules and the dashboard. Installing the package would start a server for
//! the whole system: it is unpacked under `target/` instead.

use super::apt::Apt;
use super::{announce, target_folder};
use crate::error::Error;
use crate::process::output;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Both are in one package, and one folder.
const PROGRAMS: [&str; 2] = ["prometheus", "promtool"];

/// Unpacks them where they are not installed. The folder with the programs.
///
/// # Errors
/// They are not available, or do not run without being installed.
pub(super) fn install(apt: &mut Apt) -> Result<PathBuf, Error> {
    if let Some(named) = std::env::var_os("JETON_TEST_PROMETHEUS") {
        return Ok(named.into());
    }
    let folder = target_folder().join("prometheus");
    let unpacked = folder.join("usr/bin");
    if let Some(found) = [PathBuf::from("/usr/bin"), unpacked.clone()].into_iter().find(|path| run(path)) {
        return Ok(found);
    }
    announce(&format!("Prometheus in {}", folder.display()));
    apt.unpack(&["prometheus"], &folder)?;
    if run(&unpacked) {
        return Ok(unpacked);
    }
    Err(Error::Missing(format!(
        "Debian's Prometheus does not run from {}. Install it, and set JETON_TEST_PROMETHEUS to the folder of its programs.",
        unpacked.display()
    )))
}

fn run(folder: &Path) -> bool {
    PROGRAMS.iter().all(|program| output(Command::new(folder.join(program)).arg("--version")).is_some())
}
