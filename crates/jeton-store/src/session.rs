//! Running statements, whichever engine they go to.

use crate::error::StoreError;
use crate::record::Record;
use crate::statements::Statement;
use sea_query::{PostgresQueryBuilder, SqliteQueryBuilder};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Executor};
use std::future::Future;

/// A connection to a database, or a transaction on one.
pub(crate) trait Session: Send {
    /// What its answers are made of.
    type Row: Record;

    /// Runs a statement and returns all rows of its answer.
    fn rows(
        &mut self,
        statement: Statement,
    ) -> impl Future<Output = Result<Vec<Self::Row>, StoreError>> + Send;

    /// Runs a statement and returns how many rows it changed.
    fn run(&mut self, statement: Statement) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Runs a statement whose answer has at most one row.
    fn row(
        &mut self,
        statement: Statement,
    ) -> impl Future<Output = Result<Option<Self::Row>, StoreError>> + Send {
        async { Ok(self.rows(statement).await?.pop()) }
    }
}

macro_rules! session {
    ($connection:ty, $row:ty, $builder:expr) => {
        impl Session for $connection {
            type Row = $row;

            async fn rows(&mut self, statement: Statement) -> Result<Vec<$row>, StoreError> {
                let (sql, values) = statement.build($builder)?;
                let query = sqlx::query_with(AssertSqlSafe(sql), values);
                let query = query.persistent(statement.is_fixed());
                Executor::fetch_all(self, query).await.map_err(StoreError::unavailable)
            }

            async fn run(&mut self, statement: Statement) -> Result<u64, StoreError> {
                let (sql, values) = statement.build($builder)?;
                let query = sqlx::query_with(AssertSqlSafe(sql), values);
                let query = query.persistent(statement.is_fixed());
                let done = Executor::execute(self, query).await.map_err(StoreError::unavailable)?;
                Ok(done.rows_affected())
            }
        }
    };
}

session!(SqliteConnection, SqliteRow, SqliteQueryBuilder);
session!(PgConnection, PgRow, PostgresQueryBuilder);
