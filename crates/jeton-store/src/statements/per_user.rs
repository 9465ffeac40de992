//! Statements about how many tokens a user has.

use super::Statement;
use super::token_lists::is_of_owner;
use super::tokens::is_not_revoked;
use crate::model::OwnerFilter;
use crate::schema::{AppTotals, Count, Tokens, UserTotals};
use jeton_core::{AppId, Timestamp, TokenKind, UserId};
use sea_query::{Alias, Asterisk, Expr, ExprTrait, Func, Order, Query};

/// How many of the oldest tokens of a user are looked at for such as have expired: each create may ask.
const MOST_EXPIRED: u64 = 1_000;

/// How many tokens prove a user and were not revoked.
pub(crate) fn tokens_of_user(app_id: AppId, user_id: &UserId) -> Statement {
    let sum = Func::coalesce([Func::sum(Expr::col(AppTotals::Tokens)).into(), Expr::val(0_i64)]);
    Statement::fixed(
        Query::select()
            // PostgreSQL's sums are of another type than what they add up.
            .expr_as(Expr::from(sum).cast_as("bigint"), Count)
            .from(UserTotals::Table)
            .and_where(Expr::col(AppTotals::AppId).eq(app_id.get()))
            .and_where_option(is_of_owner(&OwnerFilter::Named(user_id.clone())))
            .and_where(proves_its_user())
            .take(),
    )
}

/// How many of them have expired, as far as it was looked.
pub(crate) fn expired_of_user(app_id: AppId, user_id: &UserId, now: Timestamp) -> Statement {
    let oldest = Query::select()
        .column(Tokens::ExpiresAt)
        .from(Tokens::Table)
        .and_where(Expr::col(Tokens::AppId).eq(app_id.get()))
        .and_where_option(is_of_owner(&OwnerFilter::Named(user_id.clone())))
        .and_where(proves_its_user())
        .and_where(is_not_revoked())
        .order_by(Tokens::Id, Order::Asc)
        .limit(MOST_EXPIRED)
        .take();
    Statement::fixed(
        Query::select()
            .expr_as(Func::count(Expr::col(Asterisk)), Count)
            .from_subquery(oldest, Alias::new("oldest"))
            .and_where(Expr::col(Tokens::ExpiresAt).lte(now.as_millis()))
            .take(),
    )
}

fn proves_its_user() -> Expr {
    Expr::col(Tokens::Kind).ne(TokenKind::SelfMade.name())
}
