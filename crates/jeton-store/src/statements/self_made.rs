//! Statements about self-made tokens, which are counted apart.

use super::Statement;
use super::apps::live_id;
use super::tokens::{NUMBER, is_not_revoked, is_of};
use crate::schema::{Count, SelfMade, Tokens};
use jeton_core::{AppId, Timestamp, TokenId};
use sea_query::{Alias, Expr, ExprTrait, LockBehavior, LockType, OnConflict, Order, Query};

/// About how many bytes a token takes that says nothing: its row, and its place in each index.
pub(crate) const BARE_BYTES: i64 = 512;

/// How many bytes a token counts as, as the triggers say it too.
const SIZE: &str = "CAST(512 + coalesce(octet_length(document), 0) + coalesce(octet_length(sealed), 0) \
                    + coalesce(octet_length(user_id), 0) AS bigint)";

/// How many bytes of that are its sealed secret.
const SEALED_SIZE: &str = "CAST(coalesce(octet_length(sealed), 0) AS bigint)";

/// As the index says it: SQLite uses the index for no other spelling.
const IS_SELF_MADE: &str = "kind = 'self-made'";

/// Counts everything anew, after rows were put in otherwise than by issuing tokens. The same text for both engines.
pub(crate) const RECOUNT: &str = "
    DELETE FROM self_made;
    INSERT INTO self_made (app_id, tokens, bytes)
    SELECT app_id, count(*), sum(512 + coalesce(octet_length(document), 0) + coalesce(octet_length(sealed), 0)
        + coalesce(octet_length(user_id), 0))
    FROM tokens WHERE kind = 'self-made' AND revoked_at IS NULL GROUP BY app_id";

/// How many apps have another number of self-made tokens than was counted, or of another size.
pub(crate) const MISCOUNTED: &str = "
    SELECT count(*) FROM (
        SELECT app_id, count(*) AS tokens, sum(512 + coalesce(octet_length(document), 0)
            + coalesce(octet_length(sealed), 0) + coalesce(octet_length(user_id), 0)) AS bytes
        FROM tokens WHERE kind = 'self-made' AND revoked_at IS NULL GROUP BY app_id
    ) AS there FULL JOIN self_made ON self_made.app_id = there.app_id
    WHERE coalesce(there.tokens, 0) <> coalesce(self_made.tokens, 0)
        OR coalesce(there.bytes, 0) <> coalesce(self_made.bytes, 0)";

/// How many self-made tokens an app has, and how many bytes they take; nothing, if it never had one. Where others write at
/// the same time and `is_locking`, they wait from then on.
pub(crate) fn self_made(app_id: AppId, is_locking: bool) -> Statement {
    let mut held = Query::select();
    held.columns([SelfMade::Tokens, SelfMade::Bytes])
        .from(SelfMade::Table)
        .and_where(Expr::col(SelfMade::AppId).eq(app_id.get()));
    if is_locking {
        held.lock(LockType::Update);
    }
    Statement::fixed(held)
}

/// Adds to what an app has.
pub(crate) fn add_self_made(app_id: AppId, tokens: i64, bytes: i64) -> Statement {
    let sum = |column: SelfMade| {
        Expr::col((SelfMade::Table, column)).add(Expr::col((Alias::new("excluded"), column)))
    };
    let adding_up = OnConflict::column(SelfMade::AppId)
        .value(SelfMade::Tokens, sum(SelfMade::Tokens))
        .value(SelfMade::Bytes, sum(SelfMade::Bytes))
        .to_owned();
    let mut insert = Query::insert();
    insert.into_table(SelfMade::Table).columns([SelfMade::AppId, SelfMade::Tokens, SelfMade::Bytes]);
    insert.values_panic([app_id.get(), tokens, bytes].map(Expr::val));
    Statement::fixed(insert.on_conflict(adding_up).take())
}

/// Removes at most `limit` self-made tokens of an app that have expired, the longest expired first, and answers the app of
/// each. Leaves out those that others are about to change, and so waits for nobody.
pub(crate) fn take_back_self_made(app_id: AppId, now: Timestamp, limit: u64) -> Statement {
    let batch = Query::select()
        .columns(NUMBER)
        .from(Tokens::Table)
        .and_where(Expr::cust(IS_SELF_MADE))
        .and_where(is_not_revoked())
        .and_where(Expr::col(Tokens::AppId).eq(app_id.get()))
        .and_where(Expr::col(Tokens::ExpiresAt).lte(now.as_millis()))
        .order_by(Tokens::ExpiresAt, Order::Asc)
        .limit(limit)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .take();
    Statement::fixed(Query::delete().from_table(Tokens::Table).and_where(is_of(batch)).take())
}

/// The kind of a token, its size, and what its sealed secret has of that, if its revision is this one. Others wait to change it from then on.
pub(crate) fn token_to_replace(app_id: AppId, id: TokenId, revision: i64) -> Statement {
    Statement::fixed(
        Query::select()
            .column(Tokens::Kind)
            .expr_as(Expr::cust(SIZE), SelfMade::Bytes)
            .expr_as(Expr::cust(SEALED_SIZE), Count)
            .from(Tokens::Table)
            .and_where(Expr::col(Tokens::Id).eq(id.get()))
            .and_where(Expr::col(Tokens::AppId).eq(live_id(app_id)))
            .and_where(Expr::col(Tokens::Revision).eq(revision))
            .and_where(is_not_revoked())
            .lock(LockType::Update)
            .take(),
    )
}
