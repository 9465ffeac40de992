//! Copying a whole database into an empty one, of either engine, so that it can be interrupted and continued.
//!
//! Rows are copied in the order of their keys, a few thousand to a commit. So the greatest key that the target has is the place
//! reached, and nothing else says it: no row is there twice, and none is missing, wherever the copy ended. While it is not finished, the
//! target bears a [mark](crate::unfinished), which nothing else opens. Then both sides are read anew and compared. The row that says
//! that a database was initialised comes last, in the transaction that takes the mark away.

mod digest;
mod error;
mod rows;
mod side;
mod verify;

pub use error::CopyError;

use crate::error::{OpenError, StoreError};
use crate::migrations;
use crate::model::KeyCheck;
use crate::schema::{Column, Genesis};
use crate::shape::{Cells, PASSING, SHAPES, Shape};
use crate::statements::{copy as tables, genesis};
use crate::unfinished::Mark;
use crate::{copy, decode};
use rows::Tally;
use side::Side;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;
use std::fmt;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

/// How often it is looked whether somebody is connected to the source, and after what time: together two seconds.
const LOOKS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(100);

/// Where a database is.
#[derive(Clone)]
pub enum DatabasePlace {
    /// A file.
    Sqlite(PathBuf),
    /// A URL, `postgres://` or `postgresql://`.
    Postgres(String),
}

impl fmt::Debug for DatabasePlace {
    /// A URL may contain a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DatabasePlace::Sqlite(path) => path.fmt(f),
            DatabasePlace::Postgres(_) => f.write_str("Postgres"),
        }
    }
}

/// How far a copy is. Told when it begins, after each commit, and every few thousand rows that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyProgress {
    /// What is being done.
    pub phase: CopyPhase,
    /// The table.
    pub table: &'static str,
    /// How many rows of all tables are done in this phase, those of earlier runs included.
    pub done: u64,
    /// How many there are.
    pub total: u64,
}

/// What a copy is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyPhase {
    /// Copying rows.
    Copying,
    /// Reading both sides and comparing.
    Verifying,
}

/// Who is told how far a copy is, and says whether it goes on.
pub type Watch<'w> = dyn FnMut(CopyProgress) -> ControlFlow<()> + Send + 'w;

/// A table of a verified copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopiedTable {
    /// Its name.
    pub name: &'static str,
    /// How many rows each side has.
    pub rows: u64,
    /// The SHA-256 of the rows on each side, in hex: of all columns, in the order of the key.
    pub digest: String,
}

/// How a copy is made.
#[derive(Clone, Debug)]
pub struct CopyOptions {
    /// Whether an unfinished copy is continued.
    pub resumes: bool,
    /// What the target is told of the source while the copy is not finished. Holds no password.
    pub source_name: String,
    /// The most rows of one commit, at least 1. The default is right for everything except tests.
    pub page_rows: usize,
}

impl Default for CopyOptions {
    fn default() -> Self {
        CopyOptions { resumes: false, source_name: String::new(), page_rows: 4_096 }
    }
}

/// A database that is to be copied. It is only read.
#[derive(Debug)]
pub struct CopySource {
    connection: End,
    key_checks: Vec<KeyCheck>,
}

#[derive(Debug)]
enum End {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// A copy whose rows are all there and the same as those of its source. Not usable before it is [finished](Self::finish).
#[derive(Debug)]
pub struct VerifiedCopy {
    target: End,
    genesis: Cells,
    tables: Vec<CopiedTable>,
}

/// Calls something with whatever connection an end has.
macro_rules! with_end {
    ($end:expr, $connection:ident => $call:expr) => {
        match $end {
            End::Sqlite($connection) => $call,
            End::Postgres($connection) => $call,
        }
    };
}

/// The tables that are copied before all others are verified: not that with the row that says that a database was initialised.
/// Check values of keys come last: a trigger refuses rows of retired ones.
fn shapes() -> impl Iterator<Item = &'static Shape> {
    let is = |shape: &&Shape, names: &[&str]| names.contains(&shape.table.name());
    let last = ["genesis", "key_checks"];
    let first = SHAPES.iter().chain(PASSING).filter(move |shape| !is(shape, &last));
    first.chain(SHAPES.iter().filter(move |shape| is(shape, &last[1..])))
}

fn genesis_shape() -> &'static Shape {
    SHAPES.iter().find(|shape| shape.table.name() == Genesis::Table.name()).unwrap_or(&SHAPES[0])
}

impl CopySource {
    /// Opens a database to copy it.
    ///
    /// # Errors
    /// It is not there, was never initialised, is itself an unfinished copy, has the schema of another version, or, on PostgreSQL, is
    /// in use: servers and commands are connected to it.
    pub async fn open(place: &DatabasePlace) -> Result<Self, CopyError> {
        let mut connection = match place {
            DatabasePlace::Sqlite(path) => {
                if !path.exists() {
                    return Err(CopyError::NoSource);
                }
                End::Sqlite(crate::sqlite::copied(path).await.map_err(CopyError::Source)?)
            }
            DatabasePlace::Postgres(url) => {
                End::Postgres(crate::postgres::copier(url).await.map_err(CopyError::Source)?)
            }
        };
        let key_checks = with_end!(&mut connection, connection => look_at_source(connection).await)?;
        Ok(CopySource { connection, key_checks })
    }

    /// The check values of the keys that the database was written with.
    pub fn key_checks(&self) -> &[KeyCheck] {
        &self.key_checks
    }

    /// Copies everything into an empty database, or into an unfinished copy of this one, and verifies it. Holds a few thousand
    /// rows in memory, at most about 16 MiB.
    ///
    /// # Errors
    /// See [`CopyError`]. What was committed stays, for a copy that resumes.
    pub async fn copy_to(
        self,
        target: &DatabasePlace,
        options: &CopyOptions,
        watch: &mut Watch<'_>,
    ) -> Result<VerifiedCopy, CopyError> {
        let resumes = options.resumes;
        let mut target = match target {
            DatabasePlace::Sqlite(path) => End::Sqlite(side::open_file(path, resumes).await?),
            DatabasePlace::Postgres(url) => End::Postgres(side::open_url(url, resumes).await?),
        };
        let mut source = self.connection;
        let (genesis, tables) = with_end!(&mut source, source => {
            with_end!(&mut target, target => copy_all(source, target, options, watch).await)
        })?;
        Ok(VerifiedCopy { target, genesis, tables })
    }
}

impl VerifiedCopy {
    /// The tables, as both sides have them.
    pub fn tables(&self) -> &[CopiedTable] {
        &self.tables
    }

    /// Makes the copy a database of its own, on disk: readers of the change log begin again, because of the new `epoch`.
    ///
    /// # Errors
    /// It is not known whether that was done. If not, a copy that resumes does it.
    pub async fn finish(self, epoch: i64) -> Result<(), CopyError> {
        let VerifiedCopy { target, genesis, .. } = self;
        with_end!(target, target => finish(target, genesis, epoch).await).map_err(CopyError::target)
    }
}

async fn finish<T: Side>(mut target: T, genesis: Cells, epoch: i64) -> Result<(), StoreError> {
    target.script(T::BEGIN_WRITING.to_owned()).await?;
    target.run(tables::insert_rows(genesis_shape(), vec![genesis])).await?;
    target.run(tables::set_epoch(epoch)).await?;
    target.script(tables::REMOVE_MARK.to_owned()).await?;
    target.script("COMMIT".to_owned()).await?;
    target.end().await
}

/// Looks at a database that is to be copied, and answers the check values of its keys.
async fn look_at_source<S: Side>(source: &mut S) -> Result<Vec<KeyCheck>, CopyError> {
    let failed = |error: StoreError| CopyError::Source(error.into());
    let found = migrations::found(source).await.map_err(failed)?.version;
    if found == 0 {
        return Err(CopyError::NoSource);
    }
    if let Some(mark) = Mark::read(source).await.map_err(failed)? {
        return Err(CopyError::Source(OpenError::Unfinished { source_name: mark.source }));
    }
    let known = migrations::newest(S::VERSIONS);
    if found > known {
        return Err(CopyError::Source(OpenError::Newer { found, known }));
    }
    if found < known {
        return Err(CopyError::OlderSource { found, known });
    }
    leave_time_to_go(source).await?;
    let rows = source.rows(genesis::key_checks()).await.map_err(failed)?;
    let checks: Result<Vec<_>, _> = rows.iter().map(decode::key_check).collect();
    let checks = checks.map_err(failed)?;
    if checks.is_empty() { Err(CopyError::NoSource) } else { Ok(checks.into_iter().flatten().collect()) }
}

/// Makes sure that nobody else is connected. What has ended is not gone at once.
async fn leave_time_to_go<S: Side>(source: &mut S) -> Result<(), CopyError> {
    let mut looks = 0;
    loop {
        looks += 1;
        match source.others().await.map_err(CopyError::source)? {
            0 => return Ok(()),
            _ if looks < LOOKS => tokio::time::sleep(PAUSE).await,
            connections => return Err(CopyError::SourceInUse { connections }),
        }
    }
}

/// Copies what is not there yet, and compares everything. Answers the row that is still missing, and what is there.
async fn copy_all<F: Side, T: Side>(
    source: &mut F,
    target: &mut T,
    options: &CopyOptions,
    watch: &mut Watch<'_>,
) -> Result<(Cells, Vec<CopiedTable>), CopyError> {
    source.script(F::BEGIN_READING.to_owned()).await.map_err(CopyError::source)?;
    let mark = verify::mark(source, &options.source_name).await?;
    let genesis = source.row(tables::rows_after(genesis_shape(), None)).await.map_err(CopyError::source)?;
    let genesis = genesis.ok_or(CopyError::NoSource)?;
    let genesis = copy::cells(&genesis, genesis_shape().fields).map_err(CopyError::source)?;
    let total = rows::count(source).await.map_err(CopyError::source)?;
    if options.resumes {
        let before =
            Mark::read(target).await.map_err(CopyError::target)?.ok_or(CopyError::NothingToResume)?;
        verify::same_source(&before, &mark)?;
    } else {
        target.write_mark(&mark).await.map_err(CopyError::target)?;
    }
    let tally = Tally { phase: CopyPhase::Copying, done: 0, total, watch: &mut *watch };
    rows::copy_tables(source, target, options.page_rows.max(1), tally).await?;
    source.script("ROLLBACK".to_owned()).await.map_err(CopyError::source)?;
    target.complete().await.map_err(CopyError::target)?;
    let tables = verify::compare(source, target, &mark, watch).await?;
    Ok((genesis, tables))
}
