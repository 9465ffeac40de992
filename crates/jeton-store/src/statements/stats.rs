//! Statements about how much there is, for operators.

use super::Statement;
use super::tokens::is_not_revoked;
use crate::schema::{AppTotals, Apps, Counts, TokenUsage, Tokens};
use jeton_core::{Timestamp, TokenKind};
use sea_query::{Expr, ExprTrait, Func, Order, Query, SelectStatement};

/// How many tokens each of at most `limit` apps has whose numbers come after `after`. Of each, those that are good are not
/// counted: they are what is left of what totals say.
pub(crate) fn counts_of_apps(after: i64, limit: u32, now: Timestamp) -> Statement {
    let ends_at = || Expr::col(Tokens::ExpiresAt);
    let ended = || ends_at().lte(now.as_millis());
    let has_not_ended = ends_at().is_null().or(ends_at().gt(now.as_millis()));
    let disabled = Expr::col(Tokens::DisabledBy).is_not_null().and(has_not_ended);
    let mut counts = Query::select();
    counts.column((Apps::Table, Apps::Id)).column((Apps::Table, Apps::Key)).from(Apps::Table);
    for (kind, column) in TokenKind::ALL.into_iter().zip(Counts::KINDS) {
        counts.expr_as(value(total(kind)), column);
    }
    counts
        .expr_as(value(counted(is_not_revoked().and(disabled))), Counts::DISABLED)
        .expr_as(value(counted(is_not_revoked().and(ended()))), Counts::EXPIRED)
        .expr_as(value(counted(Expr::col(Tokens::RevokedAt).is_not_null())), Counts::REVOKED)
        .and_where(Expr::col((Apps::Table, Apps::DeletedAt)).is_null())
        .and_where(Expr::col((Apps::Table, Apps::Id)).gt(after))
        .order_by((Apps::Table, Apps::Id), Order::Asc)
        .limit(u64::from(limit));
    Statement::fixed(counts)
}

/// How often the tokens of each app were used, and when last.
pub(crate) fn uses_of_apps() -> Statement {
    let sum = Func::sum(Expr::col(TokenUsage::UseCount));
    Statement::fixed(
        Query::select()
            .column(TokenUsage::AppId)
            // PostgreSQL's sums are of another type than what they add up.
            .expr_as(Expr::from(sum).cast_as("bigint"), TokenUsage::UseCount)
            .expr_as(Func::max(Expr::col(TokenUsage::LastUsedAt)), TokenUsage::LastUsedAt)
            .from(TokenUsage::Table)
            .group_by_col(TokenUsage::AppId)
            .take(),
    )
}

fn value(query: SelectStatement) -> Expr {
    Expr::SubQuery(None, Box::new(query.into()))
}

/// How many tokens of a kind an app has, as it is kept.
fn total(kind: TokenKind) -> SelectStatement {
    let sum = Func::coalesce([Func::sum(Expr::col(AppTotals::Tokens)).into(), Expr::val(0_i64)]);
    Query::select()
        .expr(Expr::from(sum).cast_as("bigint"))
        .from(AppTotals::Table)
        .and_where(Expr::col((AppTotals::Table, AppTotals::AppId)).equals((Apps::Table, Apps::Id)))
        .and_where(Expr::col(Tokens::Kind).eq(kind.name()))
        .take()
}

/// How many tokens an app has of which this is true.
fn counted(condition: Expr) -> SelectStatement {
    Query::select()
        .expr(Func::count(Expr::col((Tokens::Table, Tokens::Id))))
        .from(Tokens::Table)
        .and_where(Expr::col((Tokens::Table, Tokens::AppId)).equals((Apps::Table, Apps::Id)))
        .and_where(condition)
        .take()
}
