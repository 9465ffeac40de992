//! Copying rows, and how far that is.

use super::error::CopyError;
use super::side::Side;
use super::{CopyPhase, CopyProgress, Watch, shapes};
use crate::copy::{cells, count_all, count_rows, pass_numbers};
use crate::error::StoreError;
use crate::schema::Column;
use crate::session::Session;
use crate::shape::{Cells, Shape};
use crate::statements::copy as tables;
use futures_util::TryStreamExt;
use sea_query::Value;
use tokio::sync::mpsc;

/// About so many bytes end a commit, however few rows they are.
const PAGE_BYTES: usize = 4 * 1024 * 1024;
/// Pages that were read and wait to be written.
const PAGES_AHEAD: usize = 1;

/// Tells a watch how far everything is.
pub(super) struct Tally<'t, 'w> {
    pub(super) phase: CopyPhase,
    pub(super) done: u64,
    pub(super) total: u64,
    pub(super) watch: &'t mut Watch<'w>,
}

impl Tally<'_, '_> {
    /// So many more rows of a table are done.
    ///
    /// # Errors
    /// It is to end.
    pub(super) fn add(&mut self, shape: &Shape, rows: u64) -> Result<(), CopyError> {
        self.done += rows;
        let (phase, done, total) = (self.phase, self.done, self.total);
        let progress = CopyProgress { phase, table: shape.table.name(), done, total };
        if (self.watch)(progress).is_break() { Err(CopyError::Stopped) } else { Ok(()) }
    }
}

/// How many rows a database has that are copied.
pub(super) async fn count<S: Session>(session: &mut S) -> Result<u64, StoreError> {
    count_all(session, shapes()).await
}

/// Copies the rows of all tables that the target does not have yet.
pub(super) async fn copy_tables<F: Side, T: Side>(
    source: &mut F,
    target: &mut T,
    page_rows: usize,
    mut tally: Tally<'_, '_>,
) -> Result<(), CopyError> {
    for shape in shapes() {
        // What ends it from here on leaves a copy that can be resumed.
        tally.add(shape, 0)?;
        let place = last_key(target, shape).await.map_err(CopyError::target)?;
        if place.is_some() {
            let there = count_rows(target, shape).await.map_err(CopyError::target)?;
            tally.add(shape, there)?;
        }
        copy_table(source, target, (shape, place), page_rows, &mut tally).await?;
        pass_numbers(source, target, shape).await.map_err(CopyError::target)?;
    }
    Ok(())
}

/// The key of the last row that the target has: all before it are there.
async fn last_key<S: Session>(target: &mut S, shape: &Shape) -> Result<Option<Cells>, StoreError> {
    let row = target.row(tables::last_key(shape)).await?;
    row.map(|row| cells(&row, shape.key_fields())).transpose()
}

/// Copies the rows behind a place. While a page is written, the next one is read.
async fn copy_table<F: Side, T: Side>(
    source: &mut F,
    target: &mut T,
    (shape, place): (&Shape, Option<Cells>),
    page_rows: usize,
    tally: &mut Tally<'_, '_>,
) -> Result<(), CopyError> {
    let (sender, mut pages) = mpsc::channel(PAGES_AHEAD);
    let reading = async move {
        let mut rows = source.stream(tables::rows_after(shape, place)).map_err(CopyError::source)?;
        let mut page = Page::default();
        while let Some(row) = rows.try_next().await.map_err(CopyError::source)? {
            page.push(cells(&row, shape.fields).map_err(CopyError::source)?);
            // Fails where writing has failed, which is what is told.
            if page.is_full(page_rows) && sender.send(std::mem::take(&mut page)).await.is_err() {
                return Ok(());
            }
        }
        if !page.rows.is_empty() {
            drop(sender.send(page).await);
        }
        Ok(())
    };
    let writing = async {
        while let Some(Page { rows, .. }) = pages.recv().await {
            let count = rows.len() as u64;
            target.commit_rows(shape, rows).await.map_err(CopyError::target)?;
            tally.add(shape, count)?;
        }
        Ok(())
    };
    tokio::try_join!(reading, writing).map(drop)
}

/// Rows of one commit.
#[derive(Default)]
struct Page {
    rows: Vec<Cells>,
    bytes: usize,
}

impl Page {
    fn push(&mut self, row: Cells) {
        let bytes = |cell: &Value| match cell {
            Value::String(Some(text)) => text.len(),
            Value::Bytes(Some(bytes)) => bytes.len(),
            _ => size_of::<Value>(),
        };
        self.bytes += row.iter().map(bytes).sum::<usize>();
        self.rows.push(row);
    }

    fn is_full(&self, most: usize) -> bool {
        self.rows.len() >= most || self.bytes >= PAGE_BYTES
    }
}
