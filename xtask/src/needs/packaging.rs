//! What makes packages, and the systems in which they are tried.

use super::apt::{Apt, as_root};
use super::{announce, target_folder};
use crate::error::Error;
use crate::process::{output, run_quietly, written};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program and its package.
type Tool = (&'static str, &'static str);
const MAKERS: [Tool; 2] = [("dpkg-shlibdeps", "dpkg-dev"), ("strip", "binutils")];
const TRIERS: [Tool; 2] = [("debootstrap", "debootstrap"), ("systemd-nspawn", "systemd-container")];
/// The releases of Debian that packages are tried in: the oldest one that is supported, with systemd 252, and the next.
const RELEASES: [&str; 2] = ["bookworm", "trixie"];
/// What a server of Debian's has, and its smallest system has not.
const INCLUDED: &str = "--include=systemd,man-db";

/// Installs what [`crate::dist`] needs.
///
/// # Errors
/// It cannot be installed automatically.
pub(super) fn install(apt: &mut Apt) -> Result<(), Error> {
    install_missing(&MAKERS, apt)
}

fn install_missing(tools: &[Tool], apt: &mut Apt) -> Result<(), Error> {
    let is_missing = |(program, _): &&Tool| output(Command::new(program).arg("--version")).is_none();
    let packages: Vec<&str> = tools.iter().filter(is_missing).map(|(_, package)| *package).collect();
    if packages.is_empty() { Ok(()) } else { apt.install(&packages) }
}

/// Makes a clean system of each release, once. The folder with them, each under its name.
///
/// # Errors
/// There is no debootstrap, or a release is not to be had.
pub(super) fn install_roots(apt: &mut Apt) -> Result<PathBuf, Error> {
    install_missing(&TRIERS, apt)?;
    let roots = target_folder().join("roots");
    for release in RELEASES {
        let root = roots.join(release);
        if root.exists() {
            continue;
        }
        announce(&format!("Debian {release} in {}", root.display()));
        make_root(release, &root)?;
    }
    Ok(roots)
}

/// It has its name only when it is whole.
fn make_root(release: &str, root: &Path) -> Result<(), Error> {
    let unfinished = root.with_extension("unfinished");
    let failed = |source| Error::Files { what: unfinished.display().to_string(), source };
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(failed)?;
    }
    fs::create_dir_all(&unfinished).map_err(failed)?;
    let mut debootstrap = as_root(&["debootstrap", "--variant=minbase", INCLUDED, release])?;
    run_quietly(debootstrap.arg(&unfinished).arg(mirror()?))?;
    fs::rename(&unfinished, root).map_err(failed)
}

/// From where this machine gets its packages.
fn mirror() -> Result<String, Error> {
    let mut apt = Command::new("apt-get");
    apt.args(["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]);
    let printed = output(&mut apt).unwrap_or_default();
    let mirror = printed.lines().find(|line| line.trim_end_matches('/').ends_with("/debian"));
    mirror
        .map(str::to_owned)
        .ok_or_else(|| Error::Unclear { command: written(&apt), output: printed.clone() })
}
