//! The gateways that tests put in front of the server. Installing their packages would start each for the
//! whole system: they are unpacked under `target/` instead.

use super::apt::Apt;
use super::{announce, target_folder};
use crate::error::Error;
use crate::process::output;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A gateway as Debian has it.
struct Program {
    name: &'static str,
    /// The environment variable with its location, for tests.
    variable: &'static str,
    /// Its path in its package, which may be on root's path only.
    usual: &'static str,
    /// The flag that shows that it runs.
    flag: &'static str,
    /// The packages that hold it and the libraries which few have, by release: the first that serve are
    /// taken.
    packages: &'static [&'static [&'static str]],
}

const PROGRAMS: [Program; 3] = [
    Program {
        name: "nginx",
        variable: "JETON_TEST_NGINX",
        usual: "usr/sbin/nginx",
        flag: "-v",
        packages: &[&["nginx"], &["nginx-light"]],
    },
    Program {
        name: "caddy",
        variable: "JETON_TEST_CADDY",
        usual: "usr/bin/caddy",
        flag: "version",
        packages: &[&["caddy"]],
    },
    Program {
        name: "haproxy",
        variable: "JETON_TEST_HAPROXY",
        usual: "usr/sbin/haproxy",
        flag: "-v",
        packages: &[
            &["haproxy", "liblua5.3-0", "libopentracing-c-wrapper0", "libopentracing1"],
            &["haproxy", "liblua5.4-0"],
        ],
    },
];

/// Unpacks what is not installed. The variables by which tests find them, and the programs.
///
/// # Errors
/// One is not available, or does not run without being installed.
pub(super) fn install(apt: &mut Apt) -> Result<Vec<(&'static str, PathBuf)>, Error> {
    PROGRAMS.iter().map(|program| Ok((program.variable, program.install(apt)?))).collect()
}

impl Program {
    fn install(&self, apt: &mut Apt) -> Result<PathBuf, Error> {
        if let Some(named) = std::env::var_os(self.variable) {
            return Ok(named.into());
        }
        let folder = target_folder().join(self.name);
        let started = folder.join(self.name);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let known = std::env::split_paths(&path)
            .map(|folder| folder.join(self.name))
            .chain([Path::new("/").join(self.usual), started.clone()]);
        if let Some(program) = known.into_iter().find(|program| self.runs(program)) {
            return Ok(program);
        }
        announce(&format!("{} in {}", self.name, folder.display()));
        for packages in self.packages {
            if apt.unpack(packages, &folder).is_ok() {
                self.write_start(&folder, &started)?;
                if self.runs(&started) {
                    return Ok(started);
                }
            }
        }
        Err(Error::Missing(format!(
            "Debian's {} does not run from {}. Install it, and set {} to the program.",
            self.name,
            folder.display(),
            self.variable
        )))
    }

    fn runs(&self, program: &Path) -> bool {
        output(Command::new(program).arg(self.flag)).is_some()
    }

    /// What starts the unpacked program with the libraries that lie beside it.
    fn write_start(&self, folder: &Path, start: &Path) -> Result<(), Error> {
        let folder = folder.display();
        let script = format!(
            "#!/bin/sh\nfor libraries in '{folder}'/usr/lib/*-linux-gnu; do :; done\n\
             LD_LIBRARY_PATH=\"$libraries\" exec '{folder}/{}' \"$@\"\n",
            self.usual
        );
        let files = |source| Error::Files { what: start.display().to_string(), source };
        fs::write(start, script).map_err(files)?;
        fs::set_permissions(start, Permissions::from_mode(0o755)).map_err(files)?;
        Ok(())
    }
}
