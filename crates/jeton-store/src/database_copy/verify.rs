//! Telling whether two databases are the same.

use super::error::CopyError;
use super::rows::{Tally, count};
use super::side::Side;
use super::{CopiedTable, CopyPhase, Watch, digest::TableDigest, genesis_shape, shapes};
use crate::continuity::{Continuity, LogEnd};
use crate::copy::cells;
use crate::error::StoreError;
use crate::schema::Column;
use crate::session::Session;
use crate::shape::{SHAPES, Shape};
use crate::statements::copy as tables;
use crate::unfinished::Mark;
use futures_util::TryStreamExt;

/// Tables that are small, and of which some change with whatever a server writes, logged or not.
const TELLING: [&str; 6] = ["genesis", "key_checks", "apps", "client_digests", "usage_totals", "operators"];
/// After so many rows somebody is told.
const ROWS_BETWEEN: u64 = 4_096;

/// What a database is, and its state, as far as that can be told at once: where it began, how far its change log goes, and what
/// its small tables hold.
pub(super) async fn mark<S: Session>(source: &mut S, name: &str) -> Result<Mark, CopyError> {
    let end = LogEnd::read(source, &Continuity::default()).await.map_err(CopyError::source)?;
    let (_, origin) = digest(source, genesis_shape(), CopyError::source, |_| Ok(())).await?;
    let mut state = end.map_or_else(String::new, |end| format!("{} {}", end.newest.sequence, end.newest.at));
    for shape in SHAPES.iter().filter(|shape| TELLING.contains(&shape.table.name())) {
        let (_, digest) = digest(source, shape, CopyError::source, |_| Ok(())).await?;
        state.push(' ');
        state.push_str(&digest);
    }
    Ok(Mark { origin, state, source: name.to_owned() })
}

/// Makes sure that a source is the one that a copy began with, unchanged.
pub(super) fn same_source(before: &Mark, now: &Mark) -> Result<(), CopyError> {
    if before.origin != now.origin {
        return Err(CopyError::OtherSource { source_name: before.source.clone() });
    }
    if before.state == now.state { Ok(()) } else { Err(CopyError::Changed) }
}

/// Compares all tables, each side as of one instant.
pub(super) async fn compare<F: Side, T: Side>(
    source: &mut F,
    target: &mut T,
    mark_before: &Mark,
    watch: &mut Watch<'_>,
) -> Result<Vec<CopiedTable>, CopyError> {
    source.script(F::BEGIN_READING.to_owned()).await.map_err(CopyError::source)?;
    let now = mark(source, &mark_before.source).await?;
    same_source(mark_before, &now)?;
    target.script(T::BEGIN_READING.to_owned()).await.map_err(CopyError::target)?;
    let total = count(target).await.map_err(CopyError::target)?;
    let mut tally = Tally { phase: CopyPhase::Verifying, done: 0, total, watch };
    let (mut same, mut different) = (Vec::new(), Vec::new());
    for shape in shapes() {
        let on_source = digest(source, shape, CopyError::source, |_| Ok(()));
        let on_target = digest(target, shape, CopyError::target, |rows| tally.add(shape, rows));
        let (on_source, on_target) = tokio::try_join!(on_source, on_target)?;
        let name = shape.table.name();
        if on_source == on_target {
            let (rows, digest) = on_target;
            same.push(CopiedTable { name, rows, digest });
        } else {
            different.push(name);
        }
    }
    source.script("ROLLBACK".to_owned()).await.map_err(CopyError::source)?;
    target.script("ROLLBACK".to_owned()).await.map_err(CopyError::target)?;
    if different.is_empty() { Ok(same) } else { Err(CopyError::Different(different)) }
}

/// The number of rows of a table and their digest. Tells every few thousand rows how many they were.
async fn digest<S: Session>(
    side: &mut S,
    shape: &Shape,
    failed: fn(StoreError) -> CopyError,
    mut tell: impl FnMut(u64) -> Result<(), CopyError> + Send,
) -> Result<(u64, String), CopyError> {
    let mut digest = TableDigest::of(shape);
    let mut rows = side.stream(tables::rows_after(shape, None)).map_err(failed)?;
    while let Some(row) = rows.try_next().await.map_err(failed)? {
        digest.add(&cells(&row, shape.fields).map_err(failed)?);
        if digest.rows().is_multiple_of(ROWS_BETWEEN) {
            tell(ROWS_BETWEEN)?;
        }
    }
    tell(digest.rows() % ROWS_BETWEEN)?;
    Ok(digest.finish())
}
