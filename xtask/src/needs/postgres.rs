//! A PostgreSQL server that tests can start clusters with. No system cluster is created or run.

use super::announce;
use super::apt::{Apt, as_root};
use crate::error::Error;
use crate::process::run;
use std::path::{Path, PathBuf};

/// The oldest major version that is supported.
const OLDEST_MAJOR: u32 = 15;
const VERSIONS_FOLDER: &str = "/usr/lib/postgresql";

/// Without this, Debian's package would create and start a cluster. It is read when a server package is
/// installed, so it must be there before.
const NO_DEFAULT_CLUSTER: &str = "grep -qs '^create_main_cluster = false' /etc/postgresql-common/createcluster.conf \
    || echo 'create_main_cluster = false' >>/etc/postgresql-common/createcluster.conf";

/// Installs PostgreSQL where no supported server is installed.
///
/// # Errors
/// It cannot be installed, or the system has only older ones.
pub(super) fn install(apt: &mut Apt) -> Result<(), Error> {
    let named = std::env::var_os("JETON_TEST_POSTGRES_BIN").is_some();
    if named || is_installed(Path::new(VERSIONS_FOLDER)) {
        return Ok(());
    }
    announce("PostgreSQL, without a cluster of the system's own");
    apt.install(&["postgresql-common"])?;
    run(&mut as_root(&["sh", "-c", NO_DEFAULT_CLUSTER])?)?;
    apt.install(&["postgresql"])?;
    if is_installed(Path::new(VERSIONS_FOLDER)) {
        return Ok(());
    }
    Err(Error::Missing(format!(
        "This system's PostgreSQL is older than {OLDEST_MAJOR}. Install a newer one, and set JETON_TEST_POSTGRES_BIN to \
         the folder that holds its initdb and pg_ctl."
    )))
}

/// Where a program of the newest version is that is installed.
///
/// # Errors
/// There is none.
pub(super) fn program(name: &str) -> Result<PathBuf, Error> {
    let named = std::env::var_os("JETON_TEST_POSTGRES_BIN").map(PathBuf::from);
    let found = named.or_else(|| newest(Path::new(VERSIONS_FOLDER))).map(|programs| programs.join(name));
    let found = found.filter(|program| program.is_file());
    found.ok_or_else(|| Error::Missing(format!("PostgreSQL's {name} is not installed.")))
}

fn is_installed(versions: &Path) -> bool {
    newest(versions).is_some()
}

/// The programs of the highest version that is supported.
fn newest(versions: &Path) -> Option<PathBuf> {
    let found = std::fs::read_dir(versions).ok()?.flatten().filter_map(|entry| {
        let major: u32 = entry.file_name().to_str()?.parse().ok()?;
        let programs = entry.path().join("bin");
        (major >= OLDEST_MAJOR && programs.join("initdb").is_file()).then_some((major, programs))
    });
    found.max().map(|(_, programs)| programs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_supported_server_counts() {
        let folder = tempfile::tempdir().unwrap();
        let versions = folder.path();
        let install = |program: &str| {
            let path = versions.join(program);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        };
        assert!(!is_installed(&versions.join("absent")));
        install("14/bin/initdb");
        install("16/bin/psql");
        assert!(!is_installed(versions));
        install("15/bin/initdb");
        assert!(is_installed(versions));
    }
}
