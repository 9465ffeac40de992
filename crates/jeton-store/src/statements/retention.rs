//! Statements that remove what has been kept long enough.

use super::Statement;
use super::log::{LogOrder, is_settled};
use super::tokens::{NUMBER, is_not_revoked, is_of};
use crate::model::Purge;
use crate::schema::{Apps, Changes, Tokens};
use jeton_core::Timestamp;
use sea_query::{Expr, ExprTrait, Order, Query};

/// Removes at most `limit` tokens, and answers the app of each.
pub(crate) fn purge_tokens(which: Purge, before: Timestamp, limit: u32) -> Statement {
    let is_before = |column: Tokens| Expr::col(column).lt(before.as_millis());
    let mut apps = Query::select();
    apps.column(Apps::Id).from(Apps::Table);
    let mut batch = Query::select();
    batch.columns(NUMBER).from(Tokens::Table).limit(u64::from(limit));
    match which {
        // A LoopBack client may store a token that expired before it was written.
        Purge::Expired => batch
            .and_where(is_before(Tokens::ExpiresAt))
            .and_where(is_before(Tokens::UpdatedAt))
            .and_where(is_not_revoked())
            // App by app, which is how the index has their ends.
            .and_where(Expr::col(Tokens::AppId).in_subquery(apps.take())),
        Purge::Revoked => batch
            .and_where(is_before(Tokens::RevokedAt))
            .and_where(Expr::col(Tokens::IsForeign).not())
            .order_by(Tokens::RevokedAt, Order::Asc),
    };
    Statement::fixed(
        Query::delete()
            .from_table(Tokens::Table)
            .and_where(is_of(batch.take()))
            .returning_col(Tokens::AppId)
            .take(),
    )
}

/// Removes the sealed secrets from at most `limit` entries of the log.
pub(crate) fn erase_removed_secrets(before: Timestamp, limit: u32) -> Statement {
    let batch = Query::select()
        .column(Changes::Sequence)
        .from(Changes::Table)
        .and_where(Expr::col(Changes::At).lt(before.as_millis()))
        .and_where(Expr::col(Changes::Sealed).is_not_null())
        .limit(u64::from(limit))
        .take();
    Statement::fixed(
        Query::update()
            .table(Changes::Table)
            .value(Changes::Sealed, None::<Vec<u8>>)
            .and_where(Expr::col(Changes::Sequence).in_subquery(batch))
            .take(),
    )
}

/// The numbers and instants of at most `limit` entries from the beginning of the log on.
pub(crate) fn oldest_changes(limit: u64, order: LogOrder) -> Statement {
    let mut changes = Query::select();
    changes.columns([Changes::Sequence, Changes::At]).from(Changes::Table).limit(limit);
    match order {
        LogOrder::Sequence => {
            changes.order_by(Changes::Sequence, Order::Asc);
        }
        LogOrder::Transaction => {
            changes
                .and_where(is_settled())
                .order_by(Changes::Xid, Order::Asc)
                .order_by(Changes::Sequence, Order::Asc);
        }
    }
    Statement::fixed(changes)
}

/// Removes the entries of these numbers.
pub(crate) fn remove_changes(sequences: &[i64]) -> Statement {
    let is_listed = Expr::col(Changes::Sequence).is_in(sequences.iter().copied());
    Statement::varying(Query::delete().from_table(Changes::Table).and_where(is_listed).take())
}
