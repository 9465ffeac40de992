//! The output of commands: data on standard output, nothing else there.

use crate::error::{CommandError, CommandErrorKind};
use crate::text::colours_are_unwanted;
use serde_json::Value;
use std::io::{IsTerminal, Write};

/// Writes to standard output. A reader that closed the pipe (`| head`) is not an error: what was done is done.
pub(crate) fn write(text: &str) -> Result<(), CommandError> {
    write_some(text).or_else(|error| if error.kind == CommandErrorKind::Unread { Ok(()) } else { Err(error) })
}

/// Writes a part of what may be long. Where nobody reads it any more, the command ends, which is no failure.
pub(crate) fn write_some(text: &str) -> Result<(), CommandError> {
    std::io::stdout().lock().write_all(text.as_bytes()).map_err(|error| match error.kind() {
        std::io::ErrorKind::BrokenPipe => CommandError::unread(),
        _ => CommandError::unavailable(format!("standard output: {error}")),
    })
}

/// Whether standard output may be coloured (<https://no-color.org>).
pub(crate) fn is_coloured() -> bool {
    std::io::stdout().is_terminal() && !colours_are_unwanted()
}

/// How wide the terminal is that standard output goes to.
pub(crate) fn terminal_columns() -> Option<u16> {
    rustix::termios::tcgetwinsize(std::io::stdout())
        .ok()
        .map(|size| size.ws_col)
        .filter(|columns| *columns > 0)
}

/// Writes a remark to standard error, ignoring errors.
pub(crate) fn note(text: &str) {
    drop(writeln!(std::io::stderr(), "jeton: {}", printable(text)));
}

/// Writes a line to standard error, ignoring errors.
pub(crate) fn complain(text: &str) {
    drop(writeln!(std::io::stderr(), "{}", printable(text)));
}

/// Writes one JSON value on a line of its own.
pub(crate) fn write_json(value: &Value) -> Result<(), CommandError> {
    write(&format!("{value}\n"))
}

/// Writes the members of an object, a line each, names in a column.
pub(crate) fn write_members(value: &Value) -> Result<(), CommandError> {
    let Some(members) = value.as_object() else { return write_json(value) };
    let width = members.keys().map(String::len).max().unwrap_or(0);
    let line = |(name, value): (&String, &Value)| format!("{name:width$}  {}\n", plain(value));
    write(&members.iter().map(line).collect::<String>())
}

/// Writes one JSON value, or its members for people.
pub(crate) fn write_one(value: &Value, json: bool) -> Result<(), CommandError> {
    if json { write_json(value) } else { write_members(value) }
}

/// A value as one cell of a table.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => printable(text),
        other => printable(&other.to_string()),
    }
}

/// Text that is safe for a terminal: titles and ids may contain anything, including control sequences.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
