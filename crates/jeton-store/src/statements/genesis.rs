//! What a database starts with.

use super::{Statement, unless_taken};
use crate::model::KeyCheck;
use crate::schema::{Genesis, KeyChecks};
use jeton_core::Timestamp;
use sea_query::{Expr, Query};

/// The one row that says that the database was initialised. Answers nothing if it is there already.
pub(crate) fn insert_genesis(at: Timestamp, epoch: i64) -> Statement {
    Statement::fixed(
        Query::insert()
            .into_table(Genesis::Table)
            .columns([Genesis::Id, Genesis::At, Genesis::Epoch])
            .values_panic([Expr::val(1_i64), Expr::val(at.as_millis()), Expr::val(epoch)])
            .on_conflict(unless_taken())
            .returning_col(Genesis::Id)
            .take(),
    )
}

/// The check values of keys, of which there is at least one. Those that are known already are left as they are.
pub(crate) fn insert_key_checks(checks: &[KeyCheck]) -> Statement {
    let mut insert = Query::insert();
    insert.into_table(KeyChecks::Table).columns([
        KeyChecks::KeyId,
        KeyChecks::CheckValue,
        KeyChecks::RetiredAt,
    ]);
    for check in checks {
        insert.values_panic([
            Expr::val(i64::from(check.key_id)),
            Expr::val(check.check.clone()),
            Expr::val(check.retired_at.map(Timestamp::as_millis)),
        ]);
    }
    insert.on_conflict(unless_taken());
    Statement::varying(insert)
}

/// The check values by number of the key: nothing while the database was not initialised, and one row of NULLs if it
/// was, without any key.
pub(crate) fn key_checks() -> Statement {
    Statement::fixed(
        Query::select()
            .columns([KeyChecks::KeyId, KeyChecks::CheckValue, KeyChecks::RetiredAt])
            .from(Genesis::Table)
            .left_join(KeyChecks::Table, Expr::val(true))
            .order_by(KeyChecks::KeyId, sea_query::Order::Asc)
            .take(),
    )
}

/// The least that shows that the database can be read.
pub(crate) fn ping() -> Statement {
    Statement::fixed(Query::select().column(Genesis::At).from(Genesis::Table).take())
}
