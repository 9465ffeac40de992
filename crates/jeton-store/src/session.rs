//! Running statements on either engine.

use crate::error::StoreError;
use crate::postgres::PgLine;
use crate::record::Record;
use crate::schema::Column;
use crate::shape::Name;
use crate::statements::log::LogOrder;
use crate::statements::{Engine, Statement};
use futures_util::stream::{Stream, TryStreamExt};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Executor};
use std::future::Future;

/// A connection to a database, or a transaction on one.
pub(crate) trait Session: Send {
    /// The rows of its answers.
    type Row: Record;

    /// Whether there are no concurrent writers while a writing transaction is open.
    const WRITES_ALONE: bool;

    /// In which order entries of the change log become final.
    const LOG_ORDER: LogOrder;

    /// Whether the rows of one insertion are assigned consecutive numbers in their order.
    const NUMBERS_IN_ORDER: bool;

    /// Whether a range of numbers makes it look at all tokens of an app that are within, whatever else an index has of them: it knows
    /// nothing of how many there are.
    const PREFERS_RANGES: bool;

    /// Whether the database itself adds inserted tokens to the totals.
    const COUNTS_INSERTED: bool;

    /// Runs a statement and returns all rows of its answer.
    fn rows(
        &mut self,
        statement: Statement,
    ) -> impl Future<Output = Result<Vec<Self::Row>, StoreError>> + Send;

    /// Runs a statement and returns how many rows it changed.
    fn run(&mut self, statement: Statement) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Runs a statement, on SQLite optionally followed by others, and returns how many rows it changed
    /// itself, and the greatest number that was assigned by the last of them, if the engine returns that.
    fn run_all(
        &mut self,
        statement: Statement,
    ) -> impl Future<Output = Result<(u64, i64), StoreError>> + Send;

    /// Inserts rows into a table that assigns numbers for `column`, and returns the greatest of them.
    fn append(
        &mut self,
        insertion: Statement,
        column: impl Column + Send,
    ) -> impl Future<Output = Result<i64, StoreError>> + Send;

    /// Runs a statement and returns the rows of its answer one by one, as they arrive.
    fn stream(
        &mut self,
        statement: Statement,
    ) -> Result<impl Stream<Item = Result<Self::Row, StoreError>> + Send + Unpin, StoreError>;

    /// Runs statements without arguments, separated by semicolons, and returns how many rows they changed.
    fn script(&mut self, sql: String) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Runs a query without arguments and returns all rows of its answer.
    fn query(&mut self, sql: String) -> impl Future<Output = Result<Vec<Self::Row>, StoreError>> + Send;

    /// The single number that a statement without arguments returns.
    fn number(&mut self, sql: String) -> impl Future<Output = Result<i64, StoreError>> + Send;

    /// Whether there is a table of this name.
    fn has_table(&mut self, name: &str) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// The greatest number that was assigned in a column, whether or not its row still exists; 0 if there was
    /// none.
    fn given_out(
        &mut self,
        table: Name,
        column: Name,
    ) -> impl Future<Output = Result<i64, StoreError>> + Send;

    /// From now on assigns numbers above this one, which is positive, and above those assigned before.
    fn give_out_above(
        &mut self,
        table: Name,
        column: Name,
        number: i64,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Runs a statement whose answer has at most one row.
    fn row(
        &mut self,
        statement: Statement,
    ) -> impl Future<Output = Result<Option<Self::Row>, StoreError>> + Send {
        async { Ok(self.rows(statement).await?.pop()) }
    }
}

macro_rules! session {
    ($connection:ty, $row:ty, $engine:ident, $numbers:ident, $this:ident => $line:expr, $keeps:expr) => {
        impl Session for $connection {
            type Row = $row;

            const WRITES_ALONE: bool = $numbers::WRITES_ALONE;
            const LOG_ORDER: LogOrder = $numbers::LOG_ORDER;
            const NUMBERS_IN_ORDER: bool = $numbers::IN_ORDER;
            const PREFERS_RANGES: bool = $numbers::PREFERS_RANGES;
            const COUNTS_INSERTED: bool = $numbers::COUNTS_INSERTED;

            async fn rows(&mut self, statement: Statement) -> Result<Vec<$row>, StoreError> {
                let $this = self;
                let (sql, values, is_fixed) = statement.build(Engine::$engine)?;
                let query = sqlx::query_with(sql, values).persistent(is_fixed && $keeps);
                Executor::fetch_all($line, query).await.map_err(StoreError::unavailable)
            }

            async fn run(&mut self, statement: Statement) -> Result<u64, StoreError> {
                let $this = self;
                let (sql, values, is_fixed) = statement.build(Engine::$engine)?;
                let query = sqlx::query_with(sql, values).persistent(is_fixed && $keeps);
                let done = Executor::execute($line, query).await.map_err(StoreError::unavailable)?;
                Ok(done.rows_affected())
            }

            async fn run_all(&mut self, statement: Statement) -> Result<(u64, i64), StoreError> {
                let $this = self;
                let (sql, values, is_fixed) = statement.build(Engine::$engine)?;
                let query = sqlx::query_with(sql, values).persistent(is_fixed && $keeps);
                let mut all = Executor::fetch_many($line, query);
                let (mut first, mut last) = (None, 0);
                // Dropped earlier, it would stop running.
                while let Some(done) = all.try_next().await.map_err(StoreError::unavailable)? {
                    if let Some(done) = done.left() {
                        first = first.or(Some(done.rows_affected()));
                        last = $numbers::last(&done);
                    }
                }
                Ok((first.unwrap_or(0), last))
            }

            async fn append(
                &mut self,
                insertion: Statement,
                column: impl Column + Send,
            ) -> Result<i64, StoreError> {
                $numbers::append(self, insertion, column).await
            }

            fn stream(
                &mut self,
                statement: Statement,
            ) -> Result<impl Stream<Item = Result<$row, StoreError>> + Send + Unpin, StoreError> {
                let $this = self;
                let (sql, values, is_fixed) = statement.build(Engine::$engine)?;
                let query = sqlx::query_with(sql, values).persistent(is_fixed && $keeps);
                Ok(Executor::fetch($line, query).map_err(StoreError::unavailable))
            }

            async fn script(&mut self, sql: String) -> Result<u64, StoreError> {
                let $this = self;
                let done = Executor::execute($line, AssertSqlSafe(sql)).await;
                Ok(done.map_err(StoreError::unavailable)?.rows_affected())
            }

            async fn query(&mut self, sql: String) -> Result<Vec<$row>, StoreError> {
                let $this = self;
                let query = sqlx::query(AssertSqlSafe(sql)).persistent(false);
                query.fetch_all($line).await.map_err(StoreError::unavailable)
            }

            async fn number(&mut self, sql: String) -> Result<i64, StoreError> {
                let $this = self;
                let query = sqlx::query_scalar(AssertSqlSafe(sql)).persistent(false);
                query.fetch_one($line).await.map_err(StoreError::unavailable)
            }

            async fn has_table(&mut self, name: &str) -> Result<bool, StoreError> {
                Ok(self.number($numbers::tables(name)).await? > 0)
            }

            async fn given_out(&mut self, table: Name, column: Name) -> Result<i64, StoreError> {
                self.number($numbers::given_out(table.name(), column.name())).await
            }

            async fn give_out_above(
                &mut self,
                table: Name,
                column: Name,
                number: i64,
            ) -> Result<(), StoreError> {
                self.script($numbers::give_out_above(table.name(), column.name(), number)).await.map(drop)
            }
        }
    };
}

session!(SqliteConnection, SqliteRow, Sqlite, sqlite_numbers, this => this, true);
session!(PgConnection, PgRow, Postgres, postgres_numbers, this => this, true);
session!(
    PgLine, PgRow, Postgres, postgres_numbers,
    this => this.connection(), this.keeps_statements()
);

mod sqlite_numbers {
    use super::{LogOrder, Session};
    use crate::error::StoreError;
    use crate::schema::Column;
    use crate::statements::Statement;
    use sqlx::sqlite::SqliteQueryResult;

    pub(super) const LOG_ORDER: LogOrder = LogOrder::Sequence;
    pub(super) const WRITES_ALONE: bool = true;
    // One transaction writes at a time, and AUTOINCREMENT assigns the number above the greatest so far.
    pub(super) const IN_ORDER: bool = true;
    pub(super) const PREFERS_RANGES: bool = true;
    pub(super) const COUNTS_INSERTED: bool = false;

    pub(super) async fn append(
        session: &mut impl Session,
        insertion: Statement,
        _: impl Column,
    ) -> Result<i64, StoreError> {
        Ok(session.run_all(insertion).await?.1)
    }

    pub(super) fn last(done: &SqliteQueryResult) -> i64 {
        done.last_insert_rowid()
    }

    pub(super) fn tables(name: &str) -> String {
        format!("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = '{name}'")
    }

    pub(super) fn given_out(table: &str, _: &str) -> String {
        format!("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = '{table}'")
    }

    pub(super) fn give_out_above(table: &str, _: &str, number: i64) -> String {
        format!(
            "INSERT INTO sqlite_sequence (name, seq) SELECT '{table}', 0 \
             WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = '{table}'); \
             UPDATE sqlite_sequence SET seq = max(seq, {number}) WHERE name = '{table}'"
        )
    }
}

mod postgres_numbers {
    use super::{LogOrder, Session};
    use crate::error::StoreError;
    use crate::record::Record;
    use crate::schema::Column;
    use crate::statements::Statement;
    use sqlx::postgres::PgQueryResult;

    pub(super) const LOG_ORDER: LogOrder = LogOrder::Transaction;
    pub(super) const WRITES_ALONE: bool = false;
    // Others draw from the same sequence meanwhile.
    pub(super) const IN_ORDER: bool = false;
    pub(super) const PREFERS_RANGES: bool = false;
    pub(super) const COUNTS_INSERTED: bool = true;

    pub(super) async fn append(
        session: &mut impl Session,
        insertion: Statement,
        column: impl Column,
    ) -> Result<i64, StoreError> {
        let rows = session.rows(insertion).await?;
        let mut numbers = rows.iter().map(|row| row.read(column));
        numbers.try_fold(0, |greatest, number: Result<i64, StoreError>| Ok(number?.max(greatest)))
    }

    pub(super) fn last(_: &PgQueryResult) -> i64 {
        0
    }

    pub(super) fn tables(name: &str) -> String {
        format!("SELECT count(to_regclass('{name}'))")
    }

    pub(super) fn given_out(table: &str, column: &str) -> String {
        format!(
            "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('{table}', '{column}')::regclass), 0)"
        )
    }

    pub(super) fn give_out_above(table: &str, column: &str, number: i64) -> String {
        let sequence = format!("pg_get_serial_sequence('{table}', '{column}')");
        format!("SELECT setval({sequence}, greatest({number}, ({})))", given_out(table, column))
    }
}
