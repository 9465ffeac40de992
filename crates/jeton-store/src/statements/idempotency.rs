//! Statements about what is done once, however often it is asked for.

use super::{Statement, unless_taken};
use crate::schema::{Count, IdempotencyKeys};
use jeton_core::{Digest, OperatorId, Timestamp};
use sea_query::{Condition, Expr, ExprTrait, Func, Query};

/// Forgets what everybody has asked for.
pub(crate) const FORGET_ALL: &str = "DELETE FROM idempotency_keys";

fn is_key(operator_id: OperatorId, key: &Digest) -> Condition {
    Condition::all()
        .add(Expr::col(IdempotencyKeys::OperatorId).eq(operator_id.get()))
        .add(Expr::col(IdempotencyKeys::Digest).eq(key.as_bytes().to_vec()))
}

/// Answers nothing if the key is there.
pub(crate) fn claim_key(operator_id: OperatorId, key: &Digest, request: &Digest, at: Timestamp) -> Statement {
    Statement::fixed(
        Query::insert()
            .into_table(IdempotencyKeys::Table)
            .columns([
                IdempotencyKeys::OperatorId,
                IdempotencyKeys::Digest,
                IdempotencyKeys::Request,
                IdempotencyKeys::At,
            ])
            .values_panic([
                Expr::val(operator_id.get()),
                Expr::val(key.as_bytes().to_vec()),
                Expr::val(request.as_bytes().to_vec()),
                Expr::val(at.as_millis()),
            ])
            .on_conflict(unless_taken())
            .returning_col(IdempotencyKeys::At)
            .take(),
    )
}

/// For what a key was used, and what came of it.
pub(crate) fn key_of_request(operator_id: OperatorId, key: &Digest) -> Statement {
    Statement::fixed(
        Query::select()
            .columns([IdempotencyKeys::Request, IdempotencyKeys::SubjectId])
            .from(IdempotencyKeys::Table)
            .cond_where(is_key(operator_id, key))
            .take(),
    )
}

/// How many keys of an operator there are.
pub(crate) fn count_keys(operator_id: OperatorId) -> Statement {
    Statement::fixed(
        Query::select()
            .expr_as(Func::count(Expr::col(IdempotencyKeys::OperatorId)), Count)
            .from(IdempotencyKeys::Table)
            .and_where(Expr::col(IdempotencyKeys::OperatorId).eq(operator_id.get()))
            .take(),
    )
}

/// Notes what came of it.
pub(crate) fn settle_key(operator_id: OperatorId, key: &Digest, subject_id: i64) -> Statement {
    Statement::fixed(
        Query::update()
            .table(IdempotencyKeys::Table)
            .value(IdempotencyKeys::SubjectId, subject_id)
            .cond_where(is_key(operator_id, key))
            .take(),
    )
}

/// Takes back a key with which nothing was done.
pub(crate) fn release_key(operator_id: OperatorId, key: &Digest) -> Statement {
    Statement::fixed(
        Query::delete().from_table(IdempotencyKeys::Table).cond_where(is_key(operator_id, key)).take(),
    )
}

/// Removes the keys that were used before an instant.
pub(crate) fn forget_keys(before: Timestamp) -> Statement {
    Statement::fixed(
        Query::delete()
            .from_table(IdempotencyKeys::Table)
            .and_where(Expr::col(IdempotencyKeys::At).lt(before.as_millis()))
            .take(),
    )
}
