//! PgBouncer, which tests put in front of PostgreSQL. Installing its package would start one for the whole
//! system: it is unpacked under `target/` instead, and only the libraries that it needs are installed.

use super::apt::Apt;
use super::{announce, target_folder};
use crate::error::Error;
use crate::process::output;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Its path in packages, which is on root's path only.
const USUAL: &str = "usr/sbin/pgbouncer";
/// Debian's packages of its libraries, by release.
const LIBRARIES: [[&str; 2]; 2] = [["libc-ares2", "libevent-2.1-7"], ["libcares2", "libevent-2.1-7t64"]];

/// Unpacks PgBouncer where none is installed.
///
/// # Errors
/// It is not available, or does not run without being installed.
pub(super) fn install(apt: &mut Apt) -> Result<PathBuf, Error> {
    if let Some(named) = std::env::var_os("JETON_TEST_PGBOUNCER") {
        return Ok(named.into());
    }
    let folder = target_folder().join("pgbouncer");
    let unpacked = folder.join(USUAL);
    if let Some(program) = [Path::new("/").join(USUAL), unpacked.clone()].into_iter().find(|path| runs(path))
    {
        return Ok(program);
    }
    announce(&format!("PgBouncer in {}", folder.display()));
    apt.unpack(&["pgbouncer"], &folder)?;
    for libraries in LIBRARIES {
        // Which of them exist depends on the release.
        if runs(&unpacked) || (apt.install(&libraries).is_ok() && runs(&unpacked)) {
            return Ok(unpacked);
        }
    }
    Err(Error::Missing(format!(
        "{} does not run. Install PgBouncer, and set JETON_TEST_PGBOUNCER to the program.",
        unpacked.display()
    )))
}

fn runs(program: &Path) -> bool {
    output(Command::new(program).arg("--version")).is_some()
}
