//! Every statement, written once for both engines.
//!
//! A test prepares each of them on a real database of each engine; another finds builders that the registry forgot.
//! Statements bind only integers of 64 bits, booleans, texts and bytes: what else the drivers take, one of them
//! refuses at run time. None of them asks the database for the time or for randomness.

pub(crate) mod apps;
pub(crate) mod copy;
pub(crate) mod genesis;
pub(crate) mod log;
pub(crate) mod operators;
#[cfg(test)]
mod registry;
pub(crate) mod restore;
pub(crate) mod retention;
pub(crate) mod self_made;
#[cfg(test)]
mod tests;
pub(crate) mod token_lists;
pub(crate) mod tokens;
pub(crate) mod totals;
pub(crate) mod usage;

use crate::error::StoreError;
use sea_query::{
    Expr, ExprTrait, OnConflict, QueryBuilder, QueryStatementBuilder, SubQueryStatement, Value, Values,
};
use sea_query_sqlx::SqlxValues;
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

/// A statement with its arguments.
#[derive(Debug)]
pub(crate) struct Statement {
    text: Text,
    is_fixed: bool,
}

#[derive(Debug)]
enum Text {
    /// Built for the engine that runs it.
    Built(Box<SubQueryStatement>),
    /// As it stands here, for one engine.
    Written(&'static str, Vec<Value>),
}

impl Statement {
    /// A statement whose text is one of a few: connections keep it prepared.
    pub(crate) fn fixed(query: impl QueryStatementBuilder) -> Self {
        Statement { text: Text::Built(Box::new(query.into())), is_fixed: true }
    }

    /// A statement whose text depends on how much there is to do: keeping it would push the fixed ones out.
    fn varying(query: impl QueryStatementBuilder) -> Self {
        Statement { text: Text::Built(Box::new(query.into())), is_fixed: false }
    }

    /// A statement, or on SQLite several, whose text is this one.
    fn written(sql: &'static str, values: Vec<Value>) -> Self {
        Statement { text: Text::Written(sql, values), is_fixed: true }
    }

    /// The same insertion, which answers a column of what it has written.
    pub(crate) fn answering(mut self, column: impl sea_query::IntoColumnRef) -> Self {
        if let Text::Built(query) = &mut self.text
            && let SubQueryStatement::InsertStatement(insert) = &mut **query
        {
            insert.returning_col(column);
        }
        self
    }

    /// Whether it is worth keeping prepared.
    pub(crate) fn is_fixed(&self) -> bool {
        self.is_fixed
    }

    /// The text for one engine, and the arguments.
    ///
    /// A text with a NUL in it goes nowhere: PostgreSQL cannot hold one, and what one engine refuses, both do.
    pub(crate) fn build(&self, builder: impl QueryBuilder) -> Result<(SqlStr, SqlxValues), StoreError> {
        let (sql, values) = match &self.text {
            Text::Written(sql, values) => (sql.into_sql_str(), Values(values.clone())),
            Text::Built(query) => {
                let (sql, values) = match &**query {
                    SubQueryStatement::SelectStatement(query) => query.build(builder),
                    SubQueryStatement::InsertStatement(query) => query.build(builder),
                    SubQueryStatement::UpdateStatement(query) => query.build(builder),
                    SubQueryStatement::DeleteStatement(query) => query.build(builder),
                    SubQueryStatement::WithStatement(query) => query.build(builder),
                };
                (AssertSqlSafe(sql).into_sql_str(), values)
            }
        };
        let holds_nul = |value: &Value| matches!(value, Value::String(Some(text)) if text.contains('\0'));
        if values.iter().any(holds_nul) {
            return Err(StoreError::unavailable("a text with a NUL character cannot be stored"));
        }
        Ok((sql, SqlxValues(values)))
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
