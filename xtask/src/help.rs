//! `cargo xtask help`: every command and option, one line each.

use crate::Xtask;
use crate::error::Error;
use clap::builder::{PossibleValue, StyledStr};
use clap::{Arg, Command, CommandFactory};

/// The column of the descriptions.
const COLUMN: usize = 28;

/// Prints the list.
#[expect(clippy::unnecessary_wraps, reason = "every command has the same signature")]
pub(crate) fn run() -> Result<(), Error> {
    print!("{}", everything());
    Ok(())
}

/// Every command, below it its options, and below each the values that it takes, where these are named.
fn everything() -> String {
    let mut lines = Vec::new();
    for command in Xtask::command().get_subcommands() {
        lines.push(line(0, &format!("cargo xtask {}", command.get_name()), command.get_about()));
        for argument in arguments(command) {
            lines.push(line(2, &typed(argument), argument.get_help()));
            for value in values(argument) {
                lines.push(line(4, value.get_name(), value.get_help()));
            }
        }
        lines.push(String::new());
    }
    lines.join("\n")
}

/// Without clap's own `--help`.
fn arguments(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|argument| argument.get_id() != "help")
}

/// The values with names of our own; a flag's are `true` and `false`.
fn values(argument: &Arg) -> Vec<PossibleValue> {
    if argument.get_action().takes_values() { argument.get_possible_values() } else { Vec::new() }
}

fn line(indent: usize, name: &str, help: Option<&StyledStr>) -> String {
    let help = help.map(ToString::to_string).unwrap_or_default();
    let width = COLUMN - indent;
    format!("{:indent$}{name:<width$}{help}", "").trim_end().to_owned()
}

/// `--rounds N`, `--fast` or `[NAMES]`.
fn typed(argument: &Arg) -> String {
    let value = argument.get_value_names().and_then(<[_]>::first).map(ToString::to_string);
    let value = value.unwrap_or_else(|| argument.get_id().as_str().to_uppercase());
    match argument.get_long() {
        None => format!("[{value}]"),
        Some(long) if argument.get_action().takes_values() => format!("--{long} {value}"),
        Some(long) => format!("--{long}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rest of the line of `name`.
    fn description<'a>(text: &'a str, name: &str) -> &'a str {
        let found = text.lines().find_map(|line| line.trim_start().strip_prefix(name)?.strip_prefix("  "));
        found.unwrap_or_else(|| panic!("no line for {name} in\n{text}")).trim()
    }

    #[test]
    fn every_command_option_and_value_has_a_line_that_describes_it() {
        let text = everything();
        for command in Xtask::command().get_subcommands() {
            let block = text
                .split("\n\n")
                .find(|block| block.starts_with(&format!("cargo xtask {}  ", command.get_name())));
            let block = block.unwrap_or_else(|| panic!("{} is not listed", command.get_name()));
            assert!(!description(block, &format!("cargo xtask {}", command.get_name())).is_empty());
            for argument in arguments(command) {
                assert!(!description(block, &typed(argument)).is_empty(), "{}", argument.get_id());
                for value in values(argument) {
                    assert!(!description(block, value.get_name()).is_empty(), "{}", value.get_name());
                }
            }
        }
    }

    #[test]
    fn the_list_names_what_a_reader_looks_for() {
        let text = everything();
        for name in [
            "cargo xtask test",
            "cargo xtask prove",
            "kill9",
            "fuzz",
            "--peers",
            "--against FOLDER",
            "verify",
        ] {
            assert!(!description(&text, name).is_empty(), "{name}");
        }
        assert!(text.lines().all(|line| !line.contains("--help")), "{text}");
    }
}
