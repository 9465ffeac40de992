//! Statements about how much there is, for operators.

use super::Statement;
use super::apps::live_id;
use super::tokens::is_not_revoked;
use crate::audit::{MOST_COUNTED, MOST_LOOKED_AT, Spans};
use crate::schema::{AppTotals, Apps, Counts, TokenUsage, Tokens, UsageTotals};
use jeton_core::{AppId, Timestamp, TokenKind};
use sea_query::{Alias, Asterisk, Expr, ExprTrait, Func, Order, Query, SelectStatement};

/// The rows that are looked at for a bounded count.
const LOOKED: &str = "looked";

/// How many tokens each of at most `limit` apps has whose numbers come after `after`. Of each, those that are good are not
/// counted: they are what is left of what totals say.
pub(crate) fn counts_of_apps(after: i64, limit: u32, now: Timestamp) -> Statement {
    let disabled = Expr::col(Tokens::DisabledBy).is_not_null().and(has_not_ended(now));
    let of_it = || Expr::col((Apps::Table, Apps::Id));
    let mut counts = Query::select();
    counts.column((Apps::Table, Apps::Id)).column((Apps::Table, Apps::Key)).from(Apps::Table);
    for (kind, column) in TokenKind::ALL.into_iter().zip(Counts::KINDS) {
        counts.expr_as(value(total(kind, of_it())), column);
    }
    counts
        .expr_as(value(counted(is_not_revoked().and(disabled))), Counts::DISABLED)
        .expr_as(value(counted(is_not_revoked().and(has_ended(now)))), Counts::EXPIRED)
        .expr_as(value(counted(Expr::col(Tokens::RevokedAt).is_not_null())), Counts::REVOKED)
        .and_where(Expr::col((Apps::Table, Apps::DeletedAt)).is_null())
        .and_where(Expr::col((Apps::Table, Apps::Id)).gt(after))
        .order_by((Apps::Table, Apps::Id), Order::Asc)
        .limit(u64::from(limit));
    Statement::fixed(counts)
}

/// How many tokens an app has, each count as far as its bound.
pub(crate) fn bounded_counts(app_id: AppId, now: Timestamp) -> Statement {
    let is_disabled = Expr::col(Tokens::DisabledBy).is_not_null().and(is_not_revoked());
    let has_ended = has_ended(now).and(is_not_revoked());
    let is_revoked = Expr::col(Tokens::RevokedAt).is_not_null();
    let mut counts = Query::select();
    for (kind, column) in TokenKind::ALL.into_iter().zip(Counts::KINDS) {
        counts.expr_as(value(total(kind, live_id(app_id))), column);
    }
    // Those that have ended as well are passed over, and count towards the bound: that is why it is said at how many it looked.
    let disabled = || looked_at(app_id, is_disabled.clone(), MOST_COUNTED);
    counts
        .expr_as(value(counted_of(disabled()).and_where(has_not_ended(now)).take()), Counts::DISABLED)
        .expr_as(value(counted_of(disabled())), Counts::LOOKED_AT)
        .expr_as(value(counted_of(looked_at(app_id, has_ended, MOST_COUNTED))), Counts::EXPIRED)
        .expr_as(value(counted_of(looked_at(app_id, is_revoked, MOST_COUNTED))), Counts::REVOKED);
    Statement::fixed(counts)
}

/// How many tokens of an app are worth a look, each count as far as its bound.
pub(crate) fn worth_a_look(app_id: AppId, spans: Spans) -> Statement {
    let Spans { now, ends_by, unused_since } = spans;
    let ends_at = || Expr::col(Tokens::ExpiresAt);
    let ends = ends_at().gt(now.as_millis()).and(ends_at().lte(ends_by.as_millis()));
    let is_eternal = ends_at().is_null();
    let ending = looked_at(app_id, ends.and(is_not_revoked()), MOST_COUNTED);
    let eternal = looked_at(app_id, is_eternal.and(is_not_revoked()), MOST_COUNTED);
    // The oldest, among which most are that nobody uses any more.
    let oldest = || {
        looked_at(app_id, is_not_revoked(), MOST_LOOKED_AT)
            .columns([Tokens::AppId, Tokens::Id, Tokens::CreatedAt])
            .order_by(Tokens::Id, Order::Asc)
            .take()
    };
    let of_it = |column: Tokens| (Alias::new(LOOKED), column);
    let of_use = |column: TokenUsage| Expr::col((TokenUsage::Table, column));
    let use_since = Query::select()
        .expr(Expr::val(1_i64))
        .from(TokenUsage::Table)
        .and_where(of_use(TokenUsage::AppId).equals(of_it(Tokens::AppId)))
        .and_where(of_use(TokenUsage::TokenId).equals(of_it(Tokens::Id)))
        .and_where(of_use(TokenUsage::LastUsedAt).gte(unused_since.as_millis()))
        .take();
    let unused = counted_of(oldest())
        .and_where(Expr::col(of_it(Tokens::CreatedAt)).lt(unused_since.as_millis()))
        .and_where(Expr::exists(use_since).not())
        .take();
    Statement::fixed(
        Query::select()
            .expr_as(value(counted_of(ending)), Counts::EXPIRING)
            .expr_as(value(counted_of(eternal)), Counts::ETERNAL)
            .expr_as(value(unused), Counts::UNUSED)
            .expr_as(value(counted_of(oldest())), Counts::LOOKED_AT)
            .take(),
    )
}

/// How often the tokens of each app, or of one, were used, and when last.
pub(crate) fn uses_of_apps(app_id: Option<AppId>) -> Statement {
    Statement::fixed(
        Query::select()
            .columns([UsageTotals::AppId, UsageTotals::Uses, UsageTotals::LastUsedAt])
            .from(UsageTotals::Table)
            .and_where_option(app_id.map(|id| Expr::col(UsageTotals::AppId).eq(id.get())))
            .take(),
    )
}

fn has_ended(now: Timestamp) -> Expr {
    Expr::col(Tokens::ExpiresAt).lte(now.as_millis())
}

fn has_not_ended(now: Timestamp) -> Expr {
    let ends_at = || Expr::col(Tokens::ExpiresAt);
    ends_at().is_null().or(ends_at().gt(now.as_millis()))
}

fn value(query: SelectStatement) -> Expr {
    Expr::SubQuery(None, Box::new(query.into()))
}

/// How many tokens of a kind an app has, as it is kept.
fn total(kind: TokenKind, app_id: impl Into<Expr>) -> SelectStatement {
    let sum = Func::coalesce([Func::sum(Expr::col(AppTotals::Tokens)).into(), Expr::val(0_i64)]);
    Query::select()
        .expr(Expr::from(sum).cast_as("bigint"))
        .from(AppTotals::Table)
        .and_where(Expr::col((AppTotals::Table, AppTotals::AppId)).eq(app_id))
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

/// The ends of one more than so many tokens of an app of which this is true.
fn looked_at(app_id: AppId, condition: Expr, most: u64) -> SelectStatement {
    Query::select()
        .column(Tokens::ExpiresAt)
        .from(Tokens::Table)
        .and_where(Expr::col(Tokens::AppId).eq(live_id(app_id)))
        .and_where(condition)
        .limit(most + 1)
        .take()
}

/// How many these are.
fn counted_of(looked: SelectStatement) -> SelectStatement {
    Query::select().expr(Func::count(Expr::col(Asterisk))).from_subquery(looked, Alias::new(LOOKED)).take()
}
