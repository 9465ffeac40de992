//! Looking at a SQLite database.

use super::{Contents, Inspection, in_time, round_trip};
use crate::error::OpenError;
use crate::migrations::{Found, found};
use crate::sqlite::Acknowledged;
use crate::sqlite_file::{connect, options};
use jeton_core::Clock;
use sqlx::Connection;
use std::path::{Path, PathBuf};

/// What there is to know about a SQLite database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqliteFacts {
    /// What it lacks of what was acknowledged, as the file beside it says.
    pub shortfall: Option<String>,
    /// How many bytes its write-ahead log has.
    pub log_bytes: u64,
}

/// Looks at the SQLite database at `path`, which exists. A server may be working on it.
///
/// # Errors
/// It cannot be read, or is no database.
pub async fn inspect_sqlite(path: &Path, clock: &dyn Clock) -> Result<Inspection<SqliteFacts>, OpenError> {
    let looked = look(path, clock).await;
    // A server that has started meanwhile makes the log, and what was read of a file that was thought to be at rest means nothing.
    if looked.was_at_rest && !is_at_rest(path) { look(path, clock).await.found } else { looked.found }
}

struct Looked {
    found: Result<Inspection<SqliteFacts>, OpenError>,
    was_at_rest: bool,
}

async fn look(path: &Path, clock: &dyn Clock) -> Looked {
    let was_at_rest = is_at_rest(path);
    Looked { found: in_time(inspect(path, was_at_rest, clock)).await, was_at_rest }
}

/// With nothing in a write-ahead log, all is in the file itself, which can be read as it is. To read it otherwise, files would be made.
fn is_at_rest(path: &Path) -> bool {
    log_bytes(path) == 0
}

fn log_bytes(path: &Path) -> u64 {
    log_of(path).metadata().map_or(0, |metadata| metadata.len())
}

fn log_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

async fn inspect(
    path: &Path,
    is_at_rest: bool,
    clock: &dyn Clock,
) -> Result<Inspection<SqliteFacts>, OpenError> {
    let mut connection = connect(&options(path).read_only(true).immutable(is_at_rest)).await?;
    let Found { version: schema_version, oldest: oldest_version } = found(&mut connection).await?;
    let contents = Contents::of_schema(schema_version, &mut connection).await;
    let acknowledged = Acknowledged::beside(path);
    let is_initialised = matches!(&contents, Some(Ok(contents)) if contents.key_checks.is_some());
    if is_initialised {
        acknowledged.compare(&mut connection, false).await.map_err(OpenError::unavailable)?;
    }
    let round_trip = round_trip(&mut connection, clock).await.map_err(OpenError::unavailable)?;
    connection.close().await.map_err(OpenError::unavailable)?;
    let engine = SqliteFacts { shortfall: acknowledged.fault(), log_bytes: log_bytes(path) };
    Ok(Inspection { schema_version, oldest_version, round_trip, contents, engine })
}
