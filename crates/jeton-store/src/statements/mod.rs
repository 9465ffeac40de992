//! Every statement, written once for both engines.
//!
//! A test prepares each of them on a real database of each engine; another finds builders that the registry forgot.
//! Statements bind only integers of 64 bits, booleans, texts and bytes: what else the drivers take, one of them
//! refuses at run time. None of them asks the database for the time or for randomness.

pub(crate) mod apps;
pub(crate) mod budgets;
pub(crate) mod copy;
pub(crate) mod families;
pub(crate) mod genesis;
pub(crate) mod idempotency;
pub(crate) mod insertion;
pub(crate) mod keys;
pub(crate) mod log;
pub(crate) mod nodes;
pub(crate) mod operators;
pub(crate) mod per_user;
#[cfg(test)]
mod registry;
pub(crate) mod restore;
pub(crate) mod retention;
pub(crate) mod rotation;
pub(crate) mod self_made;
pub(crate) mod stats;
#[cfg(test)]
mod tests;
pub(crate) mod token_lists;
pub(crate) mod token_search;
pub(crate) mod tokens;
pub(crate) mod totals;
pub(crate) mod usage;

use crate::error::StoreError;
pub(crate) use insertion::Engine;
use insertion::{Insertion, Rows, without_nul};
use sea_query::{
    Expr, ExprTrait, OnConflict, PostgresQueryBuilder, QueryBuilder, QueryStatementBuilder, SelectStatement,
    SqliteQueryBuilder, SubQueryStatement, Value, Values,
};
use sea_query_sqlx::SqlxValues;
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};
use std::sync::OnceLock;

/// A statement with its arguments.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    text: Text,
    is_fixed: bool,
}

#[derive(Clone, Debug)]
enum Text {
    /// Built for the engine that runs it.
    Built(Box<SubQueryStatement>),
    /// Written once for each engine, with its arguments.
    Kept(&'static KeptText, Vec<Value>),
    /// Rows, whose insertion is written for each engine.
    Rows(Rows),
}

/// The text of a statement that is run so often that building it would count: it is built once for each engine.
#[derive(Debug)]
struct KeptText {
    /// Builds it with arguments that mean nothing, in the place of those that it is run with.
    query: fn() -> SelectStatement,
    on_sqlite: OnceLock<String>,
    on_postgres: OnceLock<String>,
}

impl KeptText {
    const fn of(query: fn() -> SelectStatement) -> Self {
        KeptText { query, on_sqlite: OnceLock::new(), on_postgres: OnceLock::new() }
    }

    fn text(&'static self, engine: Engine) -> SqlStr {
        let text = match engine {
            Engine::Sqlite => self.on_sqlite.get_or_init(|| (self.query)().build(SqliteQueryBuilder).0),
            Engine::Postgres => self.on_postgres.get_or_init(|| (self.query)().build(PostgresQueryBuilder).0),
        };
        AssertSqlSafe(text.as_str()).into_sql_str()
    }
}

impl Statement {
    /// A statement whose text is one of a few: connections keep it prepared.
    pub(crate) fn fixed(query: impl QueryStatementBuilder) -> Self {
        Statement { text: Text::Built(Box::new(query.into())), is_fixed: true }
    }

    /// The same where the text is kept: these are the arguments, in the order in which the text has them.
    fn kept(text: &'static KeptText, values: Vec<Value>) -> Self {
        Statement { text: Text::Kept(text, values), is_fixed: true }
    }

    /// A statement whose text depends on how much there is to do: keeping it would push the fixed ones out.
    fn varying(query: impl QueryStatementBuilder) -> Self {
        Statement { text: Text::Built(Box::new(query.into())), is_fixed: false }
    }

    /// An insertion of at least one row, of which few texts are written.
    fn of_rows(rows: Rows) -> Self {
        Statement { text: Text::Rows(rows), is_fixed: true }
    }

    /// The text for one engine, the arguments, and whether the text is worth keeping prepared.
    pub(crate) fn build(self, engine: Engine) -> Result<(SqlStr, SqlxValues, bool), StoreError> {
        let (sql, values, is_fixed) = match self.text {
            Text::Rows(rows) => {
                let is_kept = Insertion::is_kept(engine, rows.rows.len());
                let (sql, values) = rows.build(engine);
                (sql, Values(values), is_kept)
            }
            Text::Kept(text, values) => (text.text(engine), Values(values), self.is_fixed),
            Text::Built(query) => {
                let (sql, values) = match engine {
                    Engine::Sqlite => built(&query, SqliteQueryBuilder),
                    Engine::Postgres => built(&query, PostgresQueryBuilder),
                };
                (AssertSqlSafe(sql).into_sql_str(), values, self.is_fixed)
            }
        };
        without_nul(&values.0)?;
        Ok((sql, SqlxValues(values), is_fixed))
    }
}

fn built(query: &SubQueryStatement, builder: impl QueryBuilder) -> (String, Values) {
    match query {
        SubQueryStatement::SelectStatement(query) => query.build(builder),
        SubQueryStatement::InsertStatement(query) => query.build(builder),
        SubQueryStatement::UpdateStatement(query) => query.build(builder),
        SubQueryStatement::DeleteStatement(query) => query.build(builder),
        SubQueryStatement::WithStatement(query) => query.build(builder),
    }
}

/// `column + 1`.
fn one_more(column: impl sea_query::IntoColumnRef) -> Expr {
    Expr::col(column).add(1_i64)
}

/// Leaves out the rows that break a unique index.
fn unless_taken() -> OnConflict {
    OnConflict::new().do_nothing().to_owned()
}
