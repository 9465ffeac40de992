//! Statements about the use of tokens.

use super::Statement;
use crate::audit::AppUses;
use crate::model::TokenUse;
use crate::schema::{TokenUsage, Tokens, UsageTotals};
use jeton_core::{AppId, Timestamp, TokenId};
use sea_query::{Alias, Expr, ExprTrait, OnConflict, Query, SelectStatement};

/// Most tokens in one statement, so that it is not long. 5 arguments each make 640.
pub(crate) const MAX_USED: usize = 128;

/// What the rows to be added are called, and the columns in them, as both engines name those of VALUES.
const ADDED: &str = "added";
const ADDED_COLUMNS: [&str; 5] = ["column1", "column2", "column3", "column4", "column5"];
/// The row that was in the way of one that was to be inserted.
const EXCLUDED: &str = "excluded";

/// Adds to what is known of these tokens, each at most once here. Those that are not there any more are left out: answers
/// the apps and numbers of the others. Takes at most [`MAX_USED`].
pub(crate) fn add_usage(uses: &[TokenUse]) -> Statement {
    let rows = uses.iter().map(|used| {
        (
            used.app_id.get(),
            used.token_id.get(),
            used.last_used_at.as_millis(),
            used.last_address.map(|address| address.to_string()),
            i64::try_from(used.use_count).unwrap_or(i64::MAX),
        )
    });
    let added = |place: usize| Expr::col((Alias::new(ADDED), Alias::new(ADDED_COLUMNS[place])));
    // PostgreSQL takes what stands in VALUES for text unless it is told otherwise.
    let number = |place| added(place).cast_as("bigint");
    let token = Query::select()
        .expr(Expr::val(1_i64))
        .from(Tokens::Table)
        .and_where(Expr::col((Tokens::Table, Tokens::AppId)).eq(number(0)))
        .and_where(Expr::col((Tokens::Table, Tokens::Id)).eq(number(1)))
        .take();
    let select = Query::select()
        .exprs([number(0), number(1), number(2), added(3), number(4)])
        .from_values(rows, Alias::new(ADDED))
        .and_where(Expr::exists(token))
        .take();
    let mut insert = Query::insert();
    insert.into_table(TokenUsage::Table).columns(COLUMNS);
    insert.select_from(select).unwrap_or_else(|_| unreachable!("as many expressions as columns"));
    insert.on_conflict(adding_up());
    insert.returning(Query::returning().columns([TokenUsage::AppId, TokenUsage::TokenId]));
    match uses {
        [_] => Statement::fixed(insert),
        _ => Statement::varying(insert),
    }
}

const COLUMNS: [TokenUsage; 5] = [
    TokenUsage::AppId,
    TokenUsage::TokenId,
    TokenUsage::LastUsedAt,
    TokenUsage::LastAddress,
    TokenUsage::UseCount,
];

/// The sum of the counts, the later time, and the address of that time where one is known.
fn adding_up() -> OnConflict {
    let stored = |column: TokenUsage| Expr::col((TokenUsage::Table, column));
    let added = |column: TokenUsage| Expr::col((Alias::new(EXCLUDED), column));
    let is_later = || added(TokenUsage::LastUsedAt).gte(stored(TokenUsage::LastUsedAt));
    let tells_address = is_later().and(added(TokenUsage::LastAddress).is_not_null());
    let later_of = |condition: Expr, column: TokenUsage| {
        let case = Expr::case(condition, added(column)).finally(stored(column));
        Expr::Case(Box::new(case))
    };
    OnConflict::columns([TokenUsage::AppId, TokenUsage::TokenId])
        .value(TokenUsage::LastAddress, later_of(tells_address, TokenUsage::LastAddress))
        .value(TokenUsage::LastUsedAt, later_of(is_later(), TokenUsage::LastUsedAt))
        .value(TokenUsage::UseCount, stored(TokenUsage::UseCount).add(added(TokenUsage::UseCount)))
        .to_owned()
}

/// Adds to what is known of these apps, each at most once here. Takes at most [`MAX_USED`].
pub(crate) fn add_to_totals(totals: &[AppUses]) -> Statement {
    let stored = |column: UsageTotals| Expr::col((UsageTotals::Table, column));
    let added = |column: UsageTotals| Expr::col((Alias::new(EXCLUDED), column));
    let is_later = added(UsageTotals::LastUsedAt).gt(stored(UsageTotals::LastUsedAt));
    let later = Expr::case(is_later, added(UsageTotals::LastUsedAt)).finally(stored(UsageTotals::LastUsedAt));
    let adding_up = OnConflict::column(UsageTotals::AppId)
        .value(UsageTotals::Uses, stored(UsageTotals::Uses).add(added(UsageTotals::Uses)))
        .value(UsageTotals::LastUsedAt, Expr::Case(Box::new(later)))
        .to_owned();
    let mut insert = Query::insert();
    insert.into_table(UsageTotals::Table).columns([
        UsageTotals::AppId,
        UsageTotals::Uses,
        UsageTotals::LastUsedAt,
    ]);
    for AppUses { app_id, uses, last_used_at } in totals {
        let uses = i64::try_from(*uses).unwrap_or(i64::MAX);
        insert.values_panic([app_id.get(), uses, last_used_at.as_millis()].map(Expr::val));
    }
    insert.on_conflict(adding_up);
    match totals {
        [_] => Statement::fixed(insert),
        _ => Statement::varying(insert),
    }
}

/// Takes at most [`MAX_USED`].
pub(crate) fn usage_of(app_id: AppId, ids: &[TokenId]) -> Statement {
    let usage = Query::select()
        .columns(COLUMNS)
        .from(TokenUsage::Table)
        .and_where(Expr::col(TokenUsage::AppId).eq(app_id.get()))
        .and_where(Expr::col(TokenUsage::TokenId).is_in(ids.iter().map(|id| id.get())))
        .take();
    match ids {
        [_] => Statement::fixed(usage),
        _ => Statement::varying(usage),
    }
}

/// The uses of a token at `since` or later.
pub(super) fn uses_since(since: Timestamp) -> SelectStatement {
    Query::select()
        .expr(Expr::val(1_i64))
        .from(TokenUsage::Table)
        .and_where(Expr::col((TokenUsage::Table, TokenUsage::AppId)).equals((Tokens::Table, Tokens::AppId)))
        .and_where(Expr::col((TokenUsage::Table, TokenUsage::TokenId)).equals((Tokens::Table, Tokens::Id)))
        .and_where(Expr::col((TokenUsage::Table, TokenUsage::LastUsedAt)).gte(since.as_millis()))
        .take()
}
