//! The published Node clients that tests drive, in a folder under `target/`.

use super::{announce, read_all, target_folder};
use crate::error::Error;
use crate::process::{output, run_quietly};
use crate::root;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder with the list of packages.
const CLIENTS: &str = "tests/node";
/// What npm reads there. The lock file holds every package at one version, with its digest; to renew it, run
/// `npm install --package-lock-only` there.
const FILES: [&str; 2] = ["package.json", "package-lock.json"];
/// In the installed folder: the files that it was created from.
const STAMP: &str = "packages.installed";

/// Creates the folder if it is missing or has other packages. Packages' install scripts are not run.
///
/// # Errors
/// There is no Node.js, or a package cannot be installed.
pub(super) fn install() -> Result<PathBuf, Error> {
    require("node")?;
    let folder = target_folder().join("node");
    let packages = read_all(&FILES.map(|file| format!("{CLIENTS}/{file}")))?;
    let stamp = folder.join(STAMP);
    if !fs::read_to_string(&stamp).is_ok_and(|made_from| made_from == packages) {
        require("npm")?;
        announce(&format!("{CLIENTS}/{} in {}", FILES[1], folder.display()));
        make_folder(&folder).map_err(|source| Error::Files { what: folder.display().to_string(), source })?;
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]);
        run_quietly(npm.current_dir(&folder))?;
        fs::write(&stamp, packages)
            .map_err(|source| Error::Files { what: stamp.display().to_string(), source })?;
    }
    Ok(folder)
}

/// A folder that contains only what npm reads, without the remains of an interrupted installation.
fn make_folder(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    fs::create_dir_all(folder)?;
    for file in FILES {
        fs::copy(root().join(CLIENTS).join(file), folder.join(file))?;
    }
    Ok(())
}

/// # Errors
/// `program` does not run.
fn require(program: &str) -> Result<(), Error> {
    if output(Command::new(program).arg("--version")).is_some() {
        return Ok(());
    }
    Err(Error::Missing(format!(
        "`{program}` does not run. The published Node clients are part of the tests: install Node.js 18 or newer with npm \
         (Debian's packages nodejs and npm), and run this again. `cargo xtask test --fast` does without."
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn read(file: &str) -> Value {
        let text = read_all(&[format!("{CLIENTS}/{file}")]).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn every_package_is_pinned_to_one_version_and_digest() {
        let [manifest, lock] = FILES.map(read);
        let wanted = &manifest["dependencies"];
        for (name, version) in wanted.as_object().unwrap() {
            let version = version.as_str().unwrap();
            // A package that occurs twice has a name of its own for the older one.
            let version =
                version.strip_prefix("npm:").map_or(version, |alias| alias.split_once('@').unwrap().1);
            assert!(version.chars().all(|c| c.is_ascii_digit() || c == '.'), "{name} {version}");
        }
        let packages = lock["packages"].as_object().unwrap();
        assert_eq!(&packages[""]["dependencies"], wanted);
        for (path, package) in packages.iter().filter(|(path, _)| !path.is_empty()) {
            assert!(package["version"].is_string() && package["integrity"].is_string(), "{path}");
        }
    }

    /// The source of packages is configured on each machine.
    #[test]
    fn no_package_is_pinned_to_a_host() {
        let lock = read(FILES[1]);
        let packages = lock["packages"].as_object().unwrap();
        let bound: Vec<_> = packages.iter().filter(|(_, package)| !package["resolved"].is_null()).collect();
        assert!(bound.is_empty(), "{bound:#?}");
    }

    #[test]
    fn what_is_missing_is_named() {
        let message = require("no-such-program").unwrap_err().to_string();
        assert!(message.starts_with("`no-such-program` does not run. "), "{message}");
    }
}
