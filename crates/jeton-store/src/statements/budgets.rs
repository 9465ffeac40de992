//! Statements about what is left of the limits of tokens.

use super::Statement;
use super::apps::live_id;
use super::tokens::is_not_revoked;
use crate::budgets::TokenBudget;
use crate::schema::{TokenBudgets, Tokens};
use jeton_core::{AppId, Timestamp, TokenId};
use sea_query::{Expr, ExprTrait, LockType, OnConflict, Query};

/// Most tokens in one question.
pub(crate) const MAX_BUDGETS: usize = 128;

const COLUMNS: [TokenBudgets; 7] = [
    TokenBudgets::AppId,
    TokenBudgets::TokenId,
    TokenBudgets::UsesLeft,
    TokenBudgets::UsesSince,
    TokenBudgets::Rates,
    TokenBudgets::Levels,
    TokenBudgets::FilledAt,
];

/// The limits of a token, of which nobody else takes or gives back anything before this transaction is over. Nothing if it is not
/// there or revoked.
pub(crate) fn limited_token(app_id: AppId, id: TokenId) -> Statement {
    Statement::fixed(
        Query::select()
            .column(Tokens::UseLimits)
            .from(Tokens::Table)
            .and_where(Expr::col(Tokens::Id).eq(id.get()))
            .and_where(Expr::col(Tokens::AppId).eq(live_id(app_id)))
            .and_where(is_not_revoked())
            .lock(LockType::NoKeyUpdate)
            .take(),
    )
}

/// What is left of the limits of these tokens of an app; nothing of those of which nothing was taken yet. Takes at most
/// [`MAX_BUDGETS`].
pub(crate) fn budgets_of(app_id: AppId, ids: &[TokenId]) -> Statement {
    let budgets = Query::select()
        .columns(COLUMNS)
        .from(TokenBudgets::Table)
        .and_where(Expr::col(TokenBudgets::AppId).eq(app_id.get()))
        .and_where(Expr::col(TokenBudgets::TokenId).is_in(ids.iter().map(|id| id.get())))
        .take();
    match ids {
        [_] => Statement::fixed(budgets),
        _ => Statement::varying(budgets),
    }
}

/// Notes what is left of the limits of a token.
pub(crate) fn keep_budget(budget: &TokenBudget) -> Statement {
    let levels: Vec<String> = budget.left.levels.iter().map(ToString::to_string).collect();
    let uses_left = budget.left.uses_left.map(|left| i64::try_from(left).unwrap_or(i64::MAX));
    let of_token = [TokenBudgets::AppId, TokenBudgets::TokenId];
    let values = [
        Expr::val(budget.app_id.get()),
        Expr::val(budget.token_id.get()),
        Expr::val(uses_left),
        Expr::val(budget.uses_since),
        Expr::val(budget.rates.to_string()),
        Expr::val(levels.join(",")),
        Expr::val(Timestamp::as_millis(budget.left.filled_at)),
    ];
    let mut insert = Query::insert();
    insert.into_table(TokenBudgets::Table).columns(COLUMNS).values_panic(values);
    insert.on_conflict(
        OnConflict::columns(of_token).update_columns(COLUMNS[of_token.len()..].to_vec()).to_owned(),
    );
    Statement::fixed(insert)
}
