//! Copying whole tables from one database to another, whatever the engines.

#[cfg(test)]
mod tests;

use crate::decode;
use crate::error::StoreError;
use crate::progress::Progress;
use crate::record::Record;
use crate::session::Session;
use crate::shape::{Cells, Field, Holds, Shape};
use crate::statements::copy;
use futures_util::TryStreamExt;
use sea_query::Value;

/// At most this many arguments of one statement, below SQLite's limit of 32,766.
pub(crate) const MAX_ARGUMENTS: usize = 16_384;

/// Copies all rows of a table, each changed by `adapt`, and returns their number. Holds a few hundred at a
/// time.
pub(crate) async fn copy<F: Session, T: Session>(
    from: &mut F,
    to: &mut T,
    shape: &Shape,
    adapt: impl Fn(&mut Cells) + Send,
    progress: &Progress,
) -> Result<u64, StoreError> {
    let page_rows = MAX_ARGUMENTS / shape.fields.len();
    let mut page: Vec<Cells> = Vec::with_capacity(page_rows);
    let mut copied = 0;
    let mut rows = from.stream(copy::all_rows(shape))?;
    while let Some(row) = rows.try_next().await? {
        let mut cells = cells(&row, shape.fields)?;
        adapt(&mut cells);
        page.push(cells);
        progress.add(1);
        copied += 1;
        if page.len() == page_rows {
            to.run(copy::insert_rows(shape, std::mem::take(&mut page))).await?;
        }
    }
    if !page.is_empty() {
        to.run(copy::insert_rows(shape, page)).await?;
    }
    Ok(copied)
}

/// How many rows these tables have.
pub(crate) async fn count_all<'s, S: Session>(
    session: &mut S,
    shapes: impl IntoIterator<Item = &'s Shape>,
) -> Result<u64, StoreError> {
    let mut total = 0;
    for shape in shapes {
        total += count_rows(session, shape).await?;
    }
    Ok(total)
}

/// How many rows a table has.
pub(crate) async fn count_rows<S: Session>(session: &mut S, shape: &Shape) -> Result<u64, StoreError> {
    let row = session.row(copy::count_rows(shape)).await?;
    row.as_ref().map_or(Ok(0), decode::count)
}

/// What a row has in these columns.
pub(crate) fn cells<'f>(
    row: &impl Record,
    fields: impl IntoIterator<Item = &'f Field>,
) -> Result<Cells, StoreError> {
    let cell = |field: &Field| {
        Ok(match field.holds {
            Holds::Integer => Value::BigInt(row.read(field.name)?),
            Holds::Boolean => Value::Bool(row.read(field.name)?),
            Holds::Text => Value::String(row.read(field.name)?),
            Holds::Bytes => Value::Bytes(row.read(field.name)?),
        })
    };
    fields.into_iter().map(cell).collect()
}

/// Adds to an integer column of a table, if the table has it.
pub(crate) fn add(shape: &Shape, column: &str, cells: &mut Cells, more: i64) {
    use crate::schema::Column;
    let fields = shape.fields.iter().zip(cells);
    for (_, cell) in fields.filter(|(field, _)| field.name.name() == column) {
        if let Value::BigInt(Some(number)) = cell {
            *number = number.saturating_add(more);
        }
    }
}

/// Makes the engine of `session` assign only numbers above those that it and `other` have assigned.
pub(crate) async fn pass_numbers<F: Session, T: Session>(
    from: &mut F,
    to: &mut T,
    shape: &Shape,
) -> Result<(), StoreError> {
    let Some(number) = shape.number else { return Ok(()) };
    let given_out = from.given_out(shape.table, number).await?;
    if given_out == 0 { Ok(()) } else { to.give_out_above(shape.table, number, given_out).await }
}
