//! `cargo xtask`: the commands of contributors and CI. One file per command.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool prints to its standard streams"
)]

mod bench;
mod dist;
mod error;
mod help;
mod needs;
mod page;
mod process;
mod prove;
mod release;
mod test;
#[cfg(test)]
mod tidy;

use clap::{Parser, Subcommand};
use std::path::Path;
use std::process::ExitCode;

/// Tasks of the Jeton workspace.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Xtask {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Test(test::Options),
    Prove(prove::Options),
    Bench(bench::Options),
    Dist(dist::Options),
    /// List every command with its options, proofs and benchmarks
    Help,
}

fn main() -> ExitCode {
    let outcome = match Xtask::parse().command {
        Command::Test(options) => test::run(&options),
        Command::Prove(options) => prove::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Dist(options) => dist::run(&options),
        Command::Help => help::run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nFAILED: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace that this binary was built from.
fn root() -> &'static Path {
    let manifest_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest_folder.parent().unwrap_or(manifest_folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Xtask::command().debug_assert();
    }
}
