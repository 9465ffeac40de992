//! nginx, which tests put in front of the server. Installing its package would start one on port 80 for the whole system: it
//! is unpacked under `target/` instead.

use super::apt::Apt;
use super::{announce, target_folder};
use crate::failure::Failure;
use crate::process::output;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where packages have it, which is on root's path only.
const USUAL: &str = "usr/sbin/nginx";
/// In which of Debian's packages it is, by release.
const PACKAGES: [&str; 2] = ["nginx", "nginx-light"];

/// Unpacks nginx where none is installed.
///
/// # Errors
/// It is not to be had from here, or does not run without being installed.
pub(super) fn install(apt: &mut Apt) -> Result<PathBuf, Failure> {
    if let Some(named) = std::env::var_os("JETON_TEST_NGINX") {
        return Ok(named.into());
    }
    let folder = target_folder().join("nginx");
    let unpacked = folder.join(USUAL);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let known = std::env::split_paths(&path)
        .map(|folder| folder.join("nginx"))
        .chain([Path::new("/").join(USUAL), unpacked.clone()]);
    if let Some(program) = known.into_iter().find(|program| runs(program)) {
        return Ok(program);
    }
    announce(&format!("nginx in {}", folder.display()));
    for package in PACKAGES {
        apt.unpack(package, &folder)?;
        if runs(&unpacked) {
            return Ok(unpacked);
        }
    }
    Err(Failure::Missing(format!(
        "{} does not run. Install nginx, and set JETON_TEST_NGINX to the program.",
        unpacked.display()
    )))
}

fn runs(program: &Path) -> bool {
    output(Command::new(program).arg("-v")).is_some()
}
