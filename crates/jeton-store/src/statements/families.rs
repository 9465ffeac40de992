//! Statements about the tokens above and below others.

use super::Statement;
use super::apps::live_id;
use super::tokens::{is_not_revoked, select};
use crate::schema::Tokens;
use jeton_core::{AppId, TokenId};
use sea_query::{Expr, ExprTrait, Order, Query};

/// What others depend on of the tokens of an app with these numbers, revoked or not. Takes at most
/// [`MAX_SOUGHT`](super::tokens::MAX_SOUGHT).
pub(crate) fn ancestors(app_id: AppId, ids: &[TokenId]) -> Statement {
    Statement::varying(
        Query::select()
            .columns([
                Tokens::Id,
                Tokens::RevokedAt,
                Tokens::DisabledBy,
                Tokens::ExpiresAt,
                Tokens::Scopes,
                Tokens::NotBefore,
                Tokens::AllowedAddresses,
                Tokens::UseLimits,
            ])
            .from(Tokens::Table)
            .and_where(Expr::col(Tokens::AppId).eq(app_id.get()))
            .and_where(Expr::col(Tokens::Id).is_in(ids.iter().map(|id| id.get())))
            .take(),
    )
}

/// At most `limit` of the tokens that this one made and that were not revoked, the oldest first.
pub(crate) fn children(app_id: AppId, parent: TokenId, limit: u32) -> Statement {
    Statement::fixed(
        select()
            .and_where(Expr::col(Tokens::ParentId).eq(parent.get()))
            .and_where(Expr::col(Tokens::AppId).eq(live_id(app_id)))
            .and_where(is_not_revoked())
            .order_by(Tokens::Id, Order::Asc)
            .limit(u64::from(limit))
            .take(),
    )
}

/// Up to `limit` tokens that others made and that were not revoked, of whatever apps, behind a place in the order of their parents and
/// their own.
pub(crate) fn delegated(after: Option<(TokenId, TokenId)>, limit: u32) -> Statement {
    let (parent, id) = after.map_or((0, 0), |(parent, id)| (parent.get(), id.get()));
    let place = Expr::tuple([Expr::col(Tokens::ParentId), Expr::col(Tokens::Id)]);
    Statement::fixed(
        Query::select()
            .columns([Tokens::AppId, Tokens::ParentId, Tokens::Id])
            .from(Tokens::Table)
            .and_where(Expr::col(Tokens::ParentId).is_not_null())
            .and_where(place.gt(Expr::tuple([Expr::val(parent), Expr::val(id)])))
            .and_where(is_not_revoked())
            .order_by(Tokens::ParentId, Order::Asc)
            .order_by(Tokens::Id, Order::Asc)
            .limit(u64::from(limit))
            .take(),
    )
}
