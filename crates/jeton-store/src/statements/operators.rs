//! Statements about operators.

use super::Statement;
use crate::model::NewOperator;
use crate::schema::Operators;
use jeton_core::{Digest, OperatorId, Timestamp};
use sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};

fn live_operators() -> SelectStatement {
    Query::select()
        .columns([Operators::Id, Operators::Name, Operators::CreatedAt])
        .from(Operators::Table)
        .and_where(Expr::col(Operators::RevokedAt).is_null())
        .take()
}

pub(crate) fn operators() -> Statement {
    Statement::fixed(live_operators().order_by(Operators::Id, Order::Asc).take())
}

pub(crate) fn operator_by_digest(digest: &Digest) -> Statement {
    Statement::fixed(
        live_operators().and_where(Expr::col(Operators::Digest).eq(digest.as_bytes().to_vec())).take(),
    )
}

pub(crate) fn operator_by_id(id: OperatorId) -> Statement {
    Statement::fixed(live_operators().and_where(Expr::col(Operators::Id).eq(id.get())).take())
}

/// Lets nobody else make an operator until the transaction is over. For PostgreSQL; SQLite has one writer.
pub(crate) const LOCK: &str = "LOCK TABLE operators IN SHARE ROW EXCLUSIVE MODE";

pub(crate) fn operator_by_name(name: &str) -> Statement {
    Statement::fixed(live_operators().and_where(Expr::col(Operators::Name).eq(name)).take())
}

/// Answers the number.
pub(crate) fn insert_operator(operator: &NewOperator) -> Statement {
    Statement::fixed(
        Query::insert()
            .into_table(Operators::Table)
            .columns([Operators::Name, Operators::Digest, Operators::DigestKeyId, Operators::CreatedAt])
            .values_panic([
                Expr::val(operator.name.as_str()),
                Expr::val(operator.digest.as_bytes().to_vec()),
                Expr::val(i64::from(operator.digest_key_id)),
                Expr::val(operator.created_at.as_millis()),
            ])
            .returning_col(Operators::Id)
            .take(),
    )
}

/// Changes no row if there is no such operator or it was revoked before.
pub(crate) fn revoke_operator(id: OperatorId, at: Timestamp) -> Statement {
    Statement::fixed(
        Query::update()
            .table(Operators::Table)
            .value(Operators::RevokedAt, at.as_millis())
            .and_where(Expr::col(Operators::Id).eq(id.get()))
            .and_where(Expr::col(Operators::RevokedAt).is_null())
            .take(),
    )
}
