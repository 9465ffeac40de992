//! Statements about many tokens of an app.

use super::Statement;
use super::apps::live_id;
use super::tokens::{is_not_revoked, select};
use super::usage::uses_since;
use crate::model::{Order, OwnerFilter, TokenFilter, TokenPage, View};
use crate::schema::{Count, Tokens};
use jeton_core::{Timestamp, TokenId, TokenKind, UserId};
use sea_query::{Expr, ExprTrait, Func, Query, SelectStatement};

/// How many tokens the filter lets through, one by one.
pub(crate) fn count_tokens(filter: &TokenFilter) -> Statement {
    let mut count = Query::select();
    count.expr_as(Func::count(Expr::col(Tokens::Id)), Count).from(Tokens::Table);
    keep(&mut count, filter);
    Statement::fixed(count)
}

pub(crate) fn list_tokens(filter: &TokenFilter, page: TokenPage) -> Statement {
    let mut tokens = select();
    if page.skip == 0 {
        keep(&mut tokens, filter);
        in_order(&mut tokens, page).limit(u64::from(page.limit));
        return Statement::fixed(tokens);
    }
    // Only numbers are gone past, which an index has: going past whole rows would read each of them.
    let mut numbers = Query::select();
    numbers.column(Tokens::Id).from(Tokens::Table);
    keep(&mut numbers, filter);
    in_order(&mut numbers, page)
        .limit(u64::from(page.limit))
        // Engines count rows in signed integers. No table has more rows than that, so the answer is the same.
        .offset(Ord::min(page.skip, i64::MAX.unsigned_abs()));
    tokens
        .and_where(Expr::col(Tokens::AppId).eq(live_id(filter.app_id)))
        .and_where(Expr::col(Tokens::Id).in_subquery(numbers));
    in_order(&mut tokens, page);
    Statement::fixed(tokens)
}

/// What comes after the place where the page begins, in its order.
fn in_order(tokens: &mut SelectStatement, page: TokenPage) -> &mut SelectStatement {
    let id = || Expr::col(Tokens::Id);
    let (direction, after) = match page.order {
        Order::NewestFirst => (sea_query::Order::Desc, page.after.map(|after| id().lt(after.get()))),
        Order::OldestFirst => (sea_query::Order::Asc, page.after.map(|after| id().gt(after.get()))),
        Order::Created { descending, after } => {
            let direction = if descending { sea_query::Order::Desc } else { sea_query::Order::Asc };
            tokens.order_by(Tokens::CreatedAt, direction.clone());
            (direction, after.map(|after| is_beyond(after, descending)))
        }
    };
    tokens.and_where_option(after).order_by(Tokens::Id, direction)
}

fn is_beyond((created_at, id): (Timestamp, TokenId), descending: bool) -> Expr {
    let place = Expr::tuple([Expr::col(Tokens::CreatedAt), Expr::col(Tokens::Id)]);
    let after = Expr::tuple([Expr::val(created_at.as_millis()), Expr::val(id.get())]);
    if descending { place.lt(after) } else { place.gt(after) }
}

/// Leaves only those that the filter lets through. The text depends on how many kinds there are, at most all of them,
/// and on what the owner is: few enough to keep prepared.
fn keep(tokens: &mut SelectStatement, filter: &TokenFilter) {
    tokens
        .and_where(Expr::col(Tokens::AppId).eq(live_id(filter.app_id)))
        .and_where(is_of_kinds(filter))
        .and_where(is_not_revoked());
    match filter.view {
        View::Whole => {}
        View::LoopBack(now) => {
            let [is_endless, is_yet_to_end] = is_live(now);
            let is_there = Expr::col(Tokens::LeftLoopback).not().or(is_endless.or(is_yet_to_end));
            tokens.and_where(Expr::col(Tokens::DisabledBy).is_null()).and_where(is_there);
        }
    }
    if let Some(since) = filter.unused_since {
        tokens
            .and_where(Expr::col(Tokens::CreatedAt).lt(since.as_millis()))
            .and_where(Expr::exists(uses_since(since)).not());
    }
    tokens.and_where_option(is_of_owner(&filter.owner));
}

pub(super) fn is_of_kinds(filter: &TokenFilter) -> Expr {
    let kinds = TokenKind::ALL.into_iter().filter(|kind| filter.kinds.contains(kind));
    Expr::col(Tokens::Kind).is_in(kinds.map(TokenKind::name))
}

/// `None`: everybody's are meant.
pub(super) fn is_of_owner(owner: &OwnerFilter) -> Option<Expr> {
    let is_shown = |user_id: &UserId| Expr::col(Tokens::UserId).eq(user_id.to_string());
    match owner {
        OwnerFilter::Any => None,
        OwnerFilter::Shown(user_id) => Some(is_shown(user_id)),
        OwnerFilter::Named(user_id) => {
            Some(is_shown(user_id).and(Expr::col(Tokens::UserIsStandIn).eq(false)))
        }
    }
}

/// The two ways in which a token has not expired.
pub(super) fn is_live(now: Timestamp) -> [Expr; 2] {
    let expires_at = || Expr::col(Tokens::ExpiresAt);
    [expires_at().is_null(), expires_at().gt(now.as_millis())]
}
