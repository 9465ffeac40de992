//! Statements about how many tokens there are, which is counted where they are written.

use super::Statement;
use super::apps::live_id;
use super::token_lists::{is_live, is_of_kinds, is_of_owner};
use super::tokens::is_not_revoked;
use crate::model::{OwnerFilter, TokenFilter, View};
use crate::schema::{AppTotals, Count, Tokens, UserTotals};
use sea_query::{Asterisk, Expr, ExprTrait, Func, IntoTableRef, Query, SelectStatement};

/// Adds the tokens with numbers above one, which is said twice, to the totals. For SQLite; PostgreSQL's triggers do it. Left to itself, SQLite would
/// read a whole index in the order of the groups: new rows are few, and the last ones.
pub(super) const COUNT_INSERTED: &str = "; \
    INSERT INTO app_totals (app_id, kind, is_on_loopback, tokens) \
    SELECT app_id, kind, disabled_by IS NULL AND NOT left_loopback, count(*) \
    FROM tokens NOT INDEXED WHERE id > ? AND revoked_at IS NULL GROUP BY 1, 2, 3 \
    ON CONFLICT DO UPDATE SET tokens = tokens + excluded.tokens; \
    INSERT INTO user_totals (app_id, user_id, kind, user_is_stand_in, is_on_loopback, tokens) \
    SELECT app_id, user_id, kind, user_is_stand_in, disabled_by IS NULL AND NOT left_loopback, count(*) \
    FROM tokens NOT INDEXED WHERE id > ? AND revoked_at IS NULL AND user_id IS NOT NULL GROUP BY 1, 2, 3, 4, 5 \
    ON CONFLICT DO UPDATE SET tokens = tokens + excluded.tokens";

/// Counts everything anew, after rows were put in otherwise than by issuing tokens. For SQLite; PostgreSQL's triggers have seen
/// them.
pub(crate) const RECOUNT: &str = "
    DELETE FROM app_totals;
    DELETE FROM user_totals;
    INSERT INTO app_totals (app_id, kind, is_on_loopback, tokens)
    SELECT app_id, kind, disabled_by IS NULL AND NOT left_loopback, count(*)
    FROM tokens WHERE revoked_at IS NULL GROUP BY 1, 2, 3;
    INSERT INTO user_totals (app_id, user_id, kind, user_is_stand_in, is_on_loopback, tokens)
    SELECT app_id, user_id, kind, user_is_stand_in, disabled_by IS NULL AND NOT left_loopback, count(*)
    FROM tokens WHERE revoked_at IS NULL AND user_id IS NOT NULL GROUP BY 1, 2, 3, 4, 5";

/// How many totals of apps are not what is there. The same text for both engines.
pub(crate) const MISCOUNTED_APPS: &str = "
    SELECT count(*) FROM (
        SELECT app_id, kind, disabled_by IS NULL AND NOT left_loopback AS is_on_loopback, count(*) AS tokens
        FROM tokens WHERE revoked_at IS NULL GROUP BY 1, 2, 3
    ) AS there FULL JOIN (
        SELECT app_id, kind, is_on_loopback, sum(tokens) AS tokens FROM app_totals GROUP BY 1, 2, 3
    ) AS held ON held.app_id = there.app_id AND held.kind = there.kind AND held.is_on_loopback = there.is_on_loopback
    WHERE coalesce(there.tokens, 0) <> coalesce(held.tokens, 0)";

/// How many totals of users are not what is there, or are kept though they are nothing. The same text for both engines.
pub(crate) const MISCOUNTED_USERS: &str = "
    SELECT count(*) FROM (
        SELECT app_id, user_id, kind, user_is_stand_in, disabled_by IS NULL AND NOT left_loopback AS is_on_loopback,
            count(*) AS tokens
        FROM tokens WHERE revoked_at IS NULL AND user_id IS NOT NULL GROUP BY 1, 2, 3, 4, 5
    ) AS there FULL JOIN (
        SELECT app_id, user_id, kind, user_is_stand_in, is_on_loopback, sum(tokens) AS tokens, min(tokens) AS least
        FROM user_totals GROUP BY 1, 2, 3, 4, 5
    ) AS held ON held.app_id = there.app_id AND held.user_id = there.user_id AND held.kind = there.kind
        AND held.user_is_stand_in = there.user_is_stand_in AND held.is_on_loopback = there.is_on_loopback
    WHERE coalesce(there.tokens, 0) <> coalesce(held.tokens, 0) OR held.least < 1";

/// How many tokens the filter lets through, of which those that have to be counted are few: see [`View::LoopBack`]. It names no
/// [`unused_since`](TokenFilter::unused_since).
pub(crate) fn total(filter: &TokenFilter) -> Statement {
    let held = match &filter.owner {
        OwnerFilter::Any => sum(filter, AppTotals::Table),
        OwnerFilter::Shown(_) | OwnerFilter::Named(_) => sum(filter, UserTotals::Table),
    };
    let mut total: Expr = Expr::SubQuery(None, Box::new(held.into()));
    if let View::LoopBack(now) = filter.view {
        // Each by a range of the index: what left and is dead may be much more.
        for is_live in is_live(now) {
            total = total.add(Expr::SubQuery(None, Box::new(returned(filter, is_live).into())));
        }
    }
    Statement::fixed(Query::select().expr_as(total, Count).take())
}

/// How many tokens have left LoopBack's view, which shows them all the same: they live.
fn returned(filter: &TokenFilter, is_live: Expr) -> SelectStatement {
    Query::select()
        .expr(Func::count(Expr::col(Asterisk)))
        .from(Tokens::Table)
        .and_where(Expr::col(Tokens::AppId).eq(live_id(filter.app_id)))
        .and_where(is_not_revoked())
        .and_where(Expr::col(Tokens::DisabledBy).is_null())
        .and_where(Expr::col(Tokens::LeftLoopback))
        .and_where(is_live)
        .and_where(is_of_kinds(filter))
        .and_where_option(is_of_owner(&filter.owner))
        .take()
}

/// The sum of what a table of totals has.
pub(super) fn sum(filter: &TokenFilter, table: impl IntoTableRef) -> SelectStatement {
    let sum = Func::coalesce([Func::sum(Expr::col(AppTotals::Tokens)).into(), Expr::val(0_i64)]);
    let mut total = Query::select();
    total
        // PostgreSQL's sums are of another type than what they add up.
        .expr(Expr::from(sum).cast_as("bigint"))
        .from(table)
        .and_where(Expr::col(AppTotals::AppId).eq(live_id(filter.app_id)))
        .and_where(is_of_kinds(filter))
        .and_where_option(is_of_owner(&filter.owner));
    if let View::LoopBack(_) = filter.view {
        total.and_where(Expr::col(AppTotals::IsOnLoopback));
    }
    total
}
