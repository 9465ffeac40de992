//! `jeton completions`, and the manual pages, which packages carry: both are made from the commands themselves.

use super::{Cli, output};
use crate::error::CommandError;
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use std::path::PathBuf;

/// Print the script with which a shell completes commands and flags
///
/// For bash, once and for all: jeton completions bash > ~/.local/share/bash-completion/completions/jeton. The Debian package has
/// installed those of bash, zsh and fish.
#[derive(Args, Debug)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// Write a manual page for each command to a directory
///
/// jeton.1, jeton-token.1, jeton-token-create.1 and so on: packages contain them.
#[derive(Args, Debug)]
pub(crate) struct ManArgs {
    /// The directory, which exists
    directory: PathBuf,
}

pub(crate) fn complete(args: &CompletionsArgs) -> Result<(), CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "jeton", &mut script);
    output::write(&String::from_utf8_lossy(&script))
}

pub(crate) fn write_manual(args: &ManArgs) -> Result<(), CommandError> {
    clap_mangen::generate_to(Cli::command(), &args.directory)
        .map_err(|error| CommandError::unavailable(format!("{}: {error}", args.directory.display())))
}
