//! The connection that writes, and what it does when the disk is full.

use super::ground::Ground;
use super::open;
use super::reserve::Reserve;
use crate::apply::{self, Applied};
use crate::error::{OpenError, StoreError, database_code};
use crate::statements::insertion::Row;
use crate::write::{Outcome, Write};
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Executor};
use std::path::Path;
use std::sync::Arc;

/// What SQLite calls a disk that has no room for a page, for the index of the log, or for what one user may have.
const FULL: [&str; 3] = ["13", "4874", "778"];

/// The connection that writes, replaced by a new one when nobody can tell any more in what transaction it is.
pub(super) struct WriteConnection {
    ground: Arc<Ground>,
    connection: Option<SqliteConnection>,
    reserve: Reserve,
}

/// Why a group was not committed.
#[derive(Debug)]
pub(super) enum GroupError {
    /// The database could not be locked or the commit failed: that is nobody's fault, and trying the writes one by one
    /// would make each of them wait as long.
    Commit(StoreError),
    /// One of the writes failed.
    Write(StoreError),
}

impl GroupError {
    pub(super) fn into_error(self) -> StoreError {
        match self {
            GroupError::Commit(error) | GroupError::Write(error) => error,
        }
    }

    /// Whether there was no room on the disk.
    pub(super) fn is_full(&self) -> bool {
        match self {
            GroupError::Commit(error) | GroupError::Write(error) => is_full(error),
        }
    }
}

fn is_full(error: &(dyn std::error::Error + 'static)) -> bool {
    database_code(error).is_some_and(|code| FULL.contains(&code.as_str()))
}

/// Opens the database, in the space that is kept if need be, and takes that space if it is not taken.
pub(super) async fn open(
    path: &Path,
    stamp: Option<i32>,
    reserve: &mut Reserve,
) -> Result<SqliteConnection, OpenError> {
    let connection = loop {
        match open_once(path, stamp).await {
            Err(error) if is_full(&error) && reserve.give_up() => {}
            opened => break opened?,
        }
    };
    reserve.begin();
    Ok(connection)
}

async fn open_once(path: &Path, stamp: Option<i32>) -> Result<SqliteConnection, OpenError> {
    let mut connection = open::writer(path).await?;
    if let Some(stamp) = stamp {
        open::stamp(&mut connection, stamp).await?;
    }
    Ok(connection)
}

impl WriteConnection {
    pub(super) fn new(ground: Arc<Ground>, connection: SqliteConnection, reserve: Reserve) -> Self {
        WriteConnection { ground, connection: Some(connection), reserve }
    }

    async fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => open::writer(self.ground.path()).await.map_err(StoreError::unavailable)?,
        };
        Ok(self.connection.insert(connection))
    }

    /// Whether there is space for any write.
    pub(super) fn has_space(&mut self) -> bool {
        self.reserve.is_whole()
    }

    /// Applies writes, of which these are the rows, and commits.
    pub(super) async fn transact(
        &mut self,
        writes: &[&Write],
        rows: Vec<Row>,
    ) -> Result<Vec<Outcome>, GroupError> {
        match self.try_to_transact(writes, rows, true).await? {
            Some(outcomes) => Ok(outcomes),
            None => {
                let rows = writes.iter().flat_map(|write| apply::rows(write)).collect();
                Ok(self.try_to_transact(writes, rows, false).await?.unwrap_or_default())
            }
        }
    }

    /// `None`: something was not as it was foreseen, and nothing was done.
    async fn try_to_transact(
        &mut self,
        writes: &[&Write],
        rows: Vec<Row>,
        foresees: bool,
    ) -> Result<Option<Vec<Outcome>>, GroupError> {
        let commit_failed = |error: sqlx::Error| GroupError::Commit(StoreError::unavailable(error));
        let ground = Arc::clone(&self.ground);
        ground.look().map_err(GroupError::Commit)?;
        let connection = self.connection().await.map_err(GroupError::Commit)?;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(commit_failed)?;
        let applied = apply::apply(&mut *transaction, writes, rows, foresees).await.and_then(|applied| {
            ground.check_written(applied.as_ref().and_then(|applied| applied.newest))?;
            Ok(applied)
        });
        let (applied, ended) = match applied {
            Ok(Some(applied)) => (Ok(Some(applied)), transaction.commit().await),
            Ok(None) => (Ok(None), transaction.rollback().await),
            // A full disk makes SQLite undo the transaction by itself, and then there is nothing to roll back.
            Err(error) => (Err(error), transaction.rollback().await),
        };
        if ended.is_err() {
            // What it had not committed is undone.
            self.connection = None;
        }
        match (applied, ended) {
            // What went into a file that has no name any more is not acknowledged.
            (Ok(None), Ok(())) => Ok(None),
            (Ok(Some(Applied { outcomes, newest })), Ok(())) => {
                if writes.iter().any(|write| matches!(write, Write::Genesis(_) | Write::Restore(_))) {
                    ground.begin_anew();
                }
                ground.note(newest);
                ground.look().map(|()| Some(outcomes)).map_err(GroupError::Commit)
            }
            (Err(error), Ok(())) => Err(GroupError::Write(error)),
            (Err(error), Err(_)) if is_full(&error) => Err(GroupError::Write(error)),
            (_, Err(error)) => Err(commit_failed(error)),
        }
    }

    /// The same where there was no room for it, giving up as much of the reserve as it takes.
    pub(super) async fn transact_on_full_disk(
        &mut self,
        writes: &[&Write],
    ) -> Result<Vec<Outcome>, GroupError> {
        loop {
            // The log of the database may have room that it can use again.
            self.checkpoint().await;
            let rows = writes.iter().flat_map(|write| apply::rows(write)).collect();
            match self.transact(writes, rows).await {
                Err(error) if error.is_full() && self.reserve.give_up() => {}
                done => return done,
            }
        }
    }

    /// Makes room for the next writes where there is little.
    pub(super) async fn after_commit(&mut self) {
        if self.reserve.is_missing() {
            self.checkpoint().await;
        }
    }

    /// Moves what is in the log of the database to its place, as far as no reader needs it there: the log then begins anew and
    /// does not grow.
    async fn checkpoint(&mut self) {
        let Some(connection) = &mut self.connection else { return };
        if let Err(error) = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").await {
            tracing::debug!(%error, "the log of the database cannot begin anew");
        }
    }

    /// Overwrites what was wiped in the file too: until then the log of the database still holds it. A reader that is under
    /// way may hold this up; then the next scrub, or the end of the process, does it.
    pub(super) async fn scrub(&mut self) {
        let Some(connection) = &mut self.connection else { return };
        if let Err(error) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").await {
            tracing::warn!(%error, "what was wiped is still in the log of the database");
        }
    }

    pub(super) async fn close(self) {
        let WriteConnection { ground, connection, mut reserve } = self;
        if ground.lost().is_some() {
            // See `SqliteEngine::close`.
            std::mem::forget(connection);
            return;
        }
        if let Some(connection) = connection
            && let Err(error) = close(connection).await
        {
            tracing::warn!(%error, "the database was not closed in order; nothing is lost");
        }
        reserve.restore();
    }
}

async fn close(mut connection: SqliteConnection) -> Result<(), sqlx::Error> {
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").await?;
    connection.close().await
}
