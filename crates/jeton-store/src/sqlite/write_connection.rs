//! The writing connection, and its behaviour on a full disk.

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

/// SQLite's codes for a full disk: no room for a page, for the index of the log, or within a user's quota.
const FULL: [&str; 3] = ["13", "4874", "778"];

/// The writing connection, replaced by a new one if the state of its transaction is unknown.
pub(super) struct WriteConnection {
    ground: Arc<Ground>,
    connection: Option<SqliteConnection>,
    reserve: Reserve,
}

/// Why a group was not committed.
#[derive(Debug)]
pub(super) enum GroupError {
    /// The database could not be locked or the commit failed. No single write is the cause, and trying them
    /// one by one would make each of them wait as long.
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

/// Opens the database, releasing the reserve if necessary, and occupies the reserve again.
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

    /// Applies writes, whose rows these are, and commits.
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

    /// `None`: an assumption did not hold, and nothing was done.
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
            // On a full disk SQLite rolls back by itself, and then there is no transaction left.
            Err(error) => (Err(error), transaction.rollback().await),
        };
        if ended.is_err() {
            // Uncommitted changes are undone.
            self.connection = None;
        }
        match (applied, ended) {
            // A commit to a file that no longer has its name is not acknowledged.
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

    /// The same on a full disk, releasing as much of the reserve as needed.
    pub(super) async fn transact_on_full_disk(
        &mut self,
        writes: &[&Write],
    ) -> Result<Vec<Outcome>, GroupError> {
        loop {
            // The database's log may have room that can be reused.
            self.checkpoint().await;
            let rows = writes.iter().flat_map(|write| apply::rows(write)).collect();
            match self.transact(writes, rows).await {
                Err(error) if error.is_full() && self.reserve.give_up() => {}
                done => return done,
            }
        }
    }

    /// Makes room for the next writes if there is little.
    pub(super) async fn after_commit(&mut self) {
        if self.reserve.is_missing() {
            self.checkpoint().await;
        }
    }

    /// Moves the contents of the database's log into the database, except what a reader still needs: the log
    /// then restarts and does not grow.
    async fn checkpoint(&mut self) {
        let Some(connection) = &mut self.connection else { return };
        if let Err(error) = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").await {
            tracing::debug!(%error, "the database's log cannot be restarted");
        }
    }

    /// Overwrites deleted data in the file too: until then the database's log still contains it. An open
    /// reader may block this; then the next scrub, or the end of the process, does it.
    pub(super) async fn scrub(&mut self) {
        let Some(connection) = &mut self.connection else { return };
        if let Err(error) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").await {
            tracing::warn!(%error, "deleted data is still in the database's log");
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
            tracing::warn!(%error, "the database was not closed cleanly; nothing is lost");
        }
        // What is complete is left alone: whoever removed the database meanwhile is not to find a file in its place.
        if reserve.is_missing() {
            reserve.restore();
        }
    }
}

async fn close(mut connection: SqliteConnection) -> Result<(), sqlx::Error> {
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").await?;
    connection.close().await
}
