//! Statements that give a token another secret.

use super::apps::live_id;
use super::tokens::is_not_revoked;
use super::{Statement, one_more};
use crate::schema::{TokenDigests, Tokens};
use crate::write::RotateToken;
use jeton_core::{AppId, Timestamp, TokenId};
use sea_query::{Expr, ExprTrait, LockType, Order, Query};

/// A token that is about to get another secret, which nobody else changes before this transaction is over. Answers its digest, or
/// nothing if its revision is another, or it is not there or revoked.
pub(crate) fn token_to_rotate(app_id: AppId, id: TokenId, expected: i64) -> Statement {
    Statement::fixed(
        Query::select()
            .column(Tokens::Digest)
            .from(Tokens::Table)
            .and_where(Expr::col(Tokens::Id).eq(id.get()))
            .and_where(Expr::col(Tokens::AppId).eq(live_id(app_id)))
            .and_where(Expr::col(Tokens::Revision).eq(expected))
            .and_where(is_not_revoked())
            .lock(LockType::Update)
            .take(),
    )
}

/// Lets the present digest of a token find it until an instant.
pub(crate) fn retire_digest(id: TokenId, until: Timestamp) -> Statement {
    let present = Query::select()
        .columns([
            Tokens::Digest,
            Tokens::AppId,
            Tokens::Id,
            Tokens::DigestKeyId,
            Tokens::FirstKeyId,
            Tokens::IsForeign,
        ])
        .expr(Expr::val(until.as_millis()))
        .from(Tokens::Table)
        .and_where(Expr::col(Tokens::Id).eq(id.get()))
        .take();
    let mut insert = Query::insert();
    insert.into_table(TokenDigests::Table).columns([
        TokenDigests::Digest,
        TokenDigests::AppId,
        TokenDigests::TokenId,
        TokenDigests::DigestKeyId,
        TokenDigests::FirstKeyId,
        TokenDigests::IsForeign,
        TokenDigests::GoodUntil,
    ]);
    insert.select_from(present).unwrap_or_else(|_| unreachable!("there are as many values as columns"));
    Statement::fixed(insert)
}

/// Gives a token its new digest.
pub(crate) fn rotate_token(rotate: &RotateToken) -> Statement {
    Statement::fixed(
        Query::update()
            .table(Tokens::Table)
            .value(Tokens::Digest, rotate.digest.as_bytes().to_vec())
            .value(Tokens::DigestKeyId, i64::from(rotate.digest_key_id))
            .value(Tokens::FirstKeyId, None::<i64>)
            .value(Tokens::IsForeign, false)
            .value(Tokens::Sealed, rotate.sealed.clone())
            .value(Tokens::UpdatedAt, rotate.at.as_millis())
            .value(Tokens::Revision, one_more(Tokens::Revision))
            .and_where(Expr::col(Tokens::Id).eq(rotate.id.get()))
            .take(),
    )
}

/// Lets the other digests of a token find it no longer than until an instant.
pub(crate) fn shorten_digests(id: TokenId, until: Timestamp) -> Statement {
    Statement::fixed(
        Query::update()
            .table(TokenDigests::Table)
            .value(TokenDigests::GoodUntil, until.as_millis())
            .and_where(Expr::col(TokenDigests::TokenId).eq(id.get()))
            .and_where(
                Expr::col(TokenDigests::GoodUntil)
                    .is_null()
                    .or(Expr::col(TokenDigests::GoodUntil).gt(until.as_millis())),
            )
            .take(),
    )
}

/// Most secrets of before that a token is known by.
const MOST_OLD: u64 = 16;

/// Forgets the digests of a token beside its present one, but for the latest.
pub(crate) fn forget_old_digests(id: TokenId) -> Statement {
    let of_token = || Expr::col(TokenDigests::TokenId).eq(id.get());
    let latest = Query::select()
        .column(TokenDigests::Digest)
        .from(TokenDigests::Table)
        .and_where(of_token())
        .order_by(TokenDigests::GoodUntil, Order::Desc)
        .order_by(TokenDigests::Digest, Order::Asc)
        .limit(MOST_OLD)
        .take();
    Statement::fixed(
        Query::delete()
            .from_table(TokenDigests::Table)
            .and_where(of_token())
            .and_where(Expr::col(TokenDigests::Digest).not_in_subquery(latest))
            .take(),
    )
}
