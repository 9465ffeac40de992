//! The output of commands: data on standard output, nothing else there.

use crate::error::CommandError;
use serde_json::Value;
use std::io::Write;

/// Writes to standard output. A reader that closed the pipe (`| head`) is not an error.
pub(crate) fn write(text: &str) -> Result<(), CommandError> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(CommandError::unavailable(format!("standard output: {error}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Writes a remark to standard error, ignoring errors.
pub(crate) fn note(text: &str) {
    drop(writeln!(std::io::stderr(), "jeton: {}", printable(text)));
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

/// Writes one row of a table: the named members, separated by tabs.
pub(crate) fn write_row(value: &Value, names: &[&str]) -> Result<(), CommandError> {
    let cells: Vec<String> = names.iter().map(|name| plain(&value[name])).collect();
    write(&format!("{}\n", cells.join("\t")))
}

fn plain(value: &Value) -> String {
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
