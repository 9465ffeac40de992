//! Statements about the servers of the database.

use super::Statement;
use crate::nodes::Node;
use crate::schema::Nodes;
use jeton_core::Timestamp;
use sea_query::{Expr, ExprTrait, OnConflict, Order, Query};

const COLUMNS: [Nodes; 12] = [
    Nodes::Id,
    Nodes::Machine,
    Nodes::Version,
    Nodes::SchemaVersion,
    Nodes::StartedAt,
    Nodes::WrittenAt,
    Nodes::LogReadTo,
    Nodes::LogUnreadMs,
    Nodes::NewestKeyId,
    Nodes::CurrentKeyId,
    Nodes::IsListening,
    Nodes::ClockAheadMs,
];

/// Notes a server, in the place of what is known of it.
pub(crate) fn note_node(node: &Node) -> Statement {
    let values = [
        Expr::val(node.id),
        Expr::val(node.machine.as_str()),
        Expr::val(node.version.as_str()),
        Expr::val(node.schema_version),
        Expr::val(node.started_at.as_millis()),
        Expr::val(node.written_at.as_millis()),
        Expr::val(node.log_read.map(|read| read.to)),
        Expr::val(node.log_read.map(|read| read.unread_ms)),
        Expr::val(i64::from(node.newest_key_id)),
        Expr::val(i64::from(node.current_key_id)),
        Expr::val(node.is_listening),
        Expr::val(node.clock_ahead_ms),
    ];
    let mut insert = Query::insert();
    insert.into_table(Nodes::Table).columns(COLUMNS).values_panic(values);
    insert.on_conflict(OnConflict::column(Nodes::Id).update_columns(COLUMNS[1..].to_vec()).to_owned());
    Statement::fixed(insert)
}

/// Forgets a server.
pub(crate) fn forget_node(id: i64) -> Statement {
    Statement::fixed(Query::delete().from_table(Nodes::Table).and_where(Expr::col(Nodes::Id).eq(id)).take())
}

/// Forgets those that have not written since an instant, but for this one.
pub(crate) fn forget_other_nodes(id: i64, before: Timestamp) -> Statement {
    Statement::fixed(
        Query::delete()
            .from_table(Nodes::Table)
            .and_where(Expr::col(Nodes::WrittenAt).lt(before.as_millis()))
            .and_where(Expr::col(Nodes::Id).ne(id))
            .take(),
    )
}

/// All of them, in the order in which they started.
pub(crate) fn nodes() -> Statement {
    Statement::fixed(
        Query::select()
            .columns(COLUMNS)
            .from(Nodes::Table)
            .order_by(Nodes::StartedAt, Order::Asc)
            .order_by(Nodes::Id, Order::Asc)
            .take(),
    )
}
