//! The program as it ships.

use crate::error::Error;
use crate::needs::target_folder;
use crate::process::{cargo, output, run, written};
use std::path::PathBuf;
use std::process::Command;

/// Where [`build`] puts the program.
pub(crate) fn program() -> PathBuf {
    target_folder().join("release/jeton")
}

/// Builds the program.
pub(crate) fn build() -> Command {
    // The packages that a benchmark names, whose dependencies have the same features then and are built once.
    let mut build = cargo(&["build", "--release", "--package", "jeton", "--package", "jeton-http"]);
    build.args(["--bin", "jeton", "--locked"]);
    build
}

/// Builds the program so that it needs nothing of the system that runs it, not even a C library.
///
/// It contains glibc, as the other one uses it: a target with musl has to be added to a toolchain first, which not everyone can, and
/// would be another allocator, resolver and set of system calls than what tests and benchmarks run. What glibc loads at run time even
/// so, modules that look up names, it needs for neither `/etc/hosts` nor DNS.
///
/// # Errors
/// It cannot be built.
pub(crate) fn build_static() -> Result<PathBuf, Error> {
    let host = host()?;
    let mut build = build();
    // With a target named, what runs while building is not linked like this. And randomness comes from the system call: a static program
    // cannot find out that glibc has a function for it, and would look for /dev/urandom.
    let flags = "-C target-feature=+crt-static --cfg getrandom_backend=\"linux_getrandom\"";
    build.args(["--target", &host]).env("RUSTFLAGS", flags);
    println!("\n==> {}", written(&build));
    run(&mut build)?;
    Ok(target_folder().join(host).join("release/jeton"))
}

/// This machine, as Rust names it.
///
/// # Errors
/// `rustc` does not run.
pub(crate) fn host() -> Result<String, Error> {
    let mut rustc = Command::new("rustc");
    rustc.arg("-vV");
    let printed = output(&mut rustc).unwrap_or_default();
    let host = printed.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .ok_or_else(|| Error::Unclear { command: written(&rustc), output: printed.clone() })
}
