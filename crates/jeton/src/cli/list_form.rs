//! Lists: tables for people, tabs for pipes, JSON for programs.

use super::output::{self, is_coloured, printable};
use crate::error::CommandError;
use clap::Args;
use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table, presets};
use serde_json::Value;
use std::io::IsTerminal;

/// The form in which a list is printed.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct ListForm {
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
    /// Print no line with the names of the columns
    #[arg(long, conflicts_with = "json")]
    no_header: bool,
}

/// A column: the member that it shows.
pub(crate) type Column = &'static str;

/// A list that is printed as it comes, or, on a terminal, once it is complete, for its columns to be aligned.
pub(crate) struct List {
    form: ListForm,
    columns: &'static [Column],
    /// Of a terminal.
    table: Option<Table>,
    has_begun: bool,
}

impl ListForm {
    /// Of what has a form of its own for programs.
    pub(crate) const FOR_PEOPLE: ListForm = ListForm { json: false, no_header: false };

    pub(crate) fn list(self, columns: &'static [Column]) -> List {
        let table = (!self.json && is_for_people()).then(|| table_of(columns, self.no_header));
        List { form: self, columns, table, has_begun: false }
    }

    /// Prints a whole list.
    pub(crate) fn print(self, rows: &Value, columns: &'static [Column]) -> Result<(), CommandError> {
        let mut list = self.list(columns);
        rows.as_array().into_iter().flatten().try_for_each(|row| list.add(row))?;
        list.end()
    }
}

/// Whether somebody reads along.
pub(crate) fn is_for_people() -> bool {
    std::io::stdout().is_terminal()
}

impl List {
    pub(crate) fn add(&mut self, row: &Value) -> Result<(), CommandError> {
        if self.form.json {
            return output::write_some(&format!("{row}\n"));
        }
        if let Some(table) = &mut self.table {
            let cells = self.columns.iter().map(|column| cell(column, &row[column]));
            let mut row = comfy_table::Row::from(cells.collect::<Vec<_>>());
            // What does not fit is cut off, not wrapped: a line is a row.
            row.max_height(1);
            table.add_row(row);
            return Ok(());
        }
        if !std::mem::replace(&mut self.has_begun, true) && !self.form.no_header {
            output::write_some(&format!("{}\n", self.columns.join("\t")))?;
        }
        let cells: Vec<String> = self.columns.iter().map(|column| output::plain(&row[column])).collect();
        output::write_some(&format!("{}\n", cells.join("\t")))
    }

    pub(crate) fn end(self) -> Result<(), CommandError> {
        match self.table {
            Some(table) if table.row_count() > 0 => output::write(&format!("{}\n", table.trim_fmt())),
            Some(_) | None => Ok(()),
        }
    }
}

fn table_of(columns: &[Column], is_bare: bool) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    if is_coloured() {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    if let Some(columns) = output::terminal_columns() {
        table.set_width(columns);
    }
    if !is_bare {
        let names = columns.iter().map(|column| column.replace('_', " ").to_uppercase());
        table.set_header(names.map(|name| Cell::new(name).add_attribute(Attribute::Bold)));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

/// What a table shows of a member.
fn cell(column: Column, value: &Value) -> Cell {
    let cell = Cell::new(shown(value));
    let cell = if value.is_number() { cell.set_alignment(comfy_table::CellAlignment::Right) } else { cell };
    match (column, value.as_str()) {
        ("state", Some("active" | "current")) => cell.fg(Color::Green),
        ("state", Some("disabled" | "expired" | "missing")) => cell.fg(Color::Yellow),
        ("state", Some("revoked" | "retired" | "suspended")) => cell.fg(Color::Red),
        _ => cell,
    }
}

/// A value for people: times to the second.
fn shown(value: &Value) -> String {
    match value.as_str() {
        Some(text) if is_time(text) => format!("{} {}", &text[..10], &text[11..19]),
        Some(text) => printable(text),
        None => output::plain(value),
    }
}

/// Whether a text is a time as answers have them, such as 2026-11-21T08:09:10.123Z.
fn is_time(text: &str) -> bool {
    let shape = b"0000-00-00T00:00:00.000Z";
    let fits = |(byte, shape): (&u8, &u8)| if *shape == b'0' { byte.is_ascii_digit() } else { byte == shape };
    text.len() == shape.len() && text.as_bytes().iter().zip(shape).all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn times_are_shown_to_the_second_and_nothing_else_is_changed() {
        for (value, expected) in [
            (json!("2026-11-21T08:09:10.123Z"), "2026-11-21 08:09:10"),
            (json!("2026-11-21T08:09:10Z"), "2026-11-21T08:09:10Z"),
            (json!("a\u{1b}[31mb"), "a\u{fffd}[31mb"),
            (json!("签2026-11-21T08:09:10.1Z"), "签2026-11-21T08:09:10.1Z"),
            (json!(7), "7"),
            (Value::Null, "-"),
        ] {
            assert_eq!(shown(&value), expected);
        }
    }
}
