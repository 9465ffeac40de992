//! The programs that benchmarks compare with, and the load generators.

use super::apt::Apt;
use crate::error::Error;
use crate::process::output;
use std::process::Command;

/// A program, the flag that shows that it runs, and its Debian package.
const PROGRAMS: [(&str, &str, &str); 3] = [
    ("redis-benchmark", "--version", "redis-tools"),
    ("redis-server", "--version", "redis-server"),
    ("nginx", "-v", "nginx-light"),
];

/// Installs wrk, Redis and nginx where they are missing.
///
/// # Errors
/// One cannot be installed.
pub(super) fn install(apt: &mut Apt) -> Result<(), Error> {
    let mut missing: Vec<&str> = PROGRAMS
        .iter()
        .filter(|(program, flag, _)| output(Command::new(program).arg(flag)).is_none())
        .map(|(_, _, package)| *package)
        .collect();
    // wrk prints its version and fails.
    if Command::new("wrk").arg("-v").output().is_err() {
        missing.push("wrk");
    }
    if missing.is_empty() { Ok(()) } else { apt.install(&missing) }
}
