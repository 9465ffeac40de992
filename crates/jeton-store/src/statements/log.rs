//! Statements about the change log.

use super::Statement;
use super::insertion::{Form, Insertion, Row, Rows};
use crate::audit::AuditFilter;
use crate::change::{Removal, SeenTransactions};
use crate::schema::{Changes, Count, Genesis, LogEnds, Snapshot};
use jeton_core::{AppId, Cause, ChangeKind, Digest, Timestamp};
use sea_query::{Expr, ExprTrait, Func, Order, Query, SelectStatement, Value};

/// Most entries in one statement. 9 arguments each make 32,256: see [`MAX_INSERTED`](super::tokens::MAX_INSERTED).
pub(crate) const MAX_WRITTEN: usize = 3_584;

/// An entry to be written.
#[derive(Clone, Debug)]
pub(crate) struct NewChange<'a> {
    pub(crate) at: Timestamp,
    pub(crate) kind: ChangeKind,
    pub(crate) app_id: Option<AppId>,
    pub(crate) subject_id: Option<i64>,
    pub(crate) digest: Option<Digest>,
    pub(crate) by: &'a Cause,
    pub(crate) removal: Option<Removal>,
}

/// In which order an engine's entries become certain.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LogOrder {
    /// By sequence number: there is one writer at a time.
    Sequence,
    /// By transaction: many write at once, and sequence numbers are drawn in another order than commits are made.
    Transaction,
}

/// An entry as a row.
pub(super) const ENTRY: Form = Form {
    table: "changes",
    columns: &[
        "at",
        "kind",
        "app_id",
        "subject_id",
        "digest",
        "actor",
        "address",
        "was_on_loopback",
        "sealed",
    ],
    otherwise: "",
    returning: " RETURNING sequence",
    around: "",
    then: "",
    also: None,
};

static NEW: Insertion = Insertion::of(ENTRY);

/// Takes at least one entry and at most [`MAX_WRITTEN`]. PostgreSQL answers their numbers.
pub(crate) fn insert_changes(changes: &[NewChange<'_>]) -> Statement {
    let rows = changes.iter().map(entry).collect();
    Statement::of_rows(Rows { insertion: &NEW, rows, then: Vec::new(), also: Vec::new() })
}

pub(super) fn entry(change: &NewChange<'_>) -> Row {
    vec![
        Value::BigInt(Some(change.at.as_millis())),
        Value::String(Some(change.kind.name().to_owned())),
        Value::BigInt(change.app_id.map(AppId::get)),
        Value::BigInt(change.subject_id),
        Value::Bytes(change.digest.map(|digest| digest.as_bytes().to_vec())),
        Value::String(Some(change.by.actor.to_string())),
        address(change.by),
        Value::Bool(change.removal.as_ref().map(|removal| removal.was_on_loopback)),
        Value::Bytes(change.removal.as_ref().and_then(|removal| removal.sealed.clone())),
    ]
}

/// Where a change came from.
pub(super) fn address(by: &Cause) -> Value {
    Value::String(by.address().map(|address| address.to_string()))
}

/// What comes after an entry, as far as nothing can come in between any more.
pub(crate) fn changes_after(after: i64, limit: u32, order: LogOrder) -> Statement {
    let mut changes = entries(limit);
    match order {
        LogOrder::Sequence => {
            changes.and_where(Expr::col(Changes::Sequence).gt(after)).order_by(Changes::Sequence, Order::Asc);
        }
        LogOrder::Transaction => by_transaction(&mut changes, after),
    }
    Statement::fixed(changes)
}

/// The newest of the entries with numbers from `low` to below `high` that the filter lets through, as far as none can come in
/// between any more that was not there already.
pub(crate) fn audit(filter: &AuditFilter, (low, high): (i64, i64), limit: u32, order: LogOrder) -> Statement {
    let AuditFilter { app_ids, token_id, actor, address, kind, since, is_brief: _ } = filter;
    let mut changes = entries(limit);
    changes
        .and_where(Expr::col(Changes::Sequence).gte(low))
        .and_where(Expr::col(Changes::Sequence).lt(high))
        .order_by(Changes::Sequence, Order::Desc);
    if let LogOrder::Transaction = order {
        changes.and_where(is_settled());
    }
    if let Some(ids) = app_ids {
        changes.and_where(Expr::col(Changes::AppId).is_in(ids.iter().map(|id| id.get())));
    }
    if let Some(id) = token_id {
        let of_tokens = ChangeKind::ALL.into_iter().filter(|kind| kind.is_of_token());
        changes
            .and_where(Expr::col(Changes::SubjectId).eq(id.get()))
            .and_where(Expr::col(Changes::Kind).is_in(of_tokens.map(ChangeKind::name)));
    }
    if let Some(actor) = actor {
        let start = format!("{actor}:");
        let length = i64::try_from(start.chars().count()).unwrap_or(i64::MAX);
        let begins = Func::cust("substr").args([
            Expr::col(Changes::Actor),
            Expr::val(1_i64).cast_as("integer"),
            Expr::val(length).cast_as("integer"),
        ]);
        let begins = Expr::from(begins).eq(start);
        changes.and_where(Expr::col(Changes::Actor).eq(actor.as_str()).or(begins));
    }
    if let Some(address) = address {
        changes.and_where(Expr::col(Changes::Address).eq(address.to_canonical().to_string()));
    }
    if let Some(kind) = kind {
        changes.and_where(Expr::col(Changes::Kind).eq(kind.name()));
    }
    if let Some(since) = since {
        changes.and_where(Expr::col(Changes::At).gte(since.as_millis()));
    }
    Statement::varying(changes)
}

/// The number of the oldest entry that is kept.
pub(crate) fn oldest_change() -> Statement {
    Statement::fixed(
        Query::select()
            .column(Changes::Sequence)
            .from(Changes::Table)
            .order_by(Changes::Sequence, Order::Asc)
            .limit(1)
            .take(),
    )
}

/// The number of the newest entry.
pub(crate) fn newest_change() -> Statement {
    Statement::fixed(
        Query::select()
            .column(Changes::Sequence)
            .from(Changes::Table)
            .order_by(Changes::Sequence, Order::Desc)
            .limit(1)
            .take(),
    )
}

/// The number of the last entry.
pub(crate) fn last_change(order: LogOrder) -> Statement {
    let mut last = Query::select();
    last.column(Changes::Sequence).from(Changes::Table).limit(1);
    match order {
        LogOrder::Sequence => {
            last.order_by(Changes::Sequence, Order::Desc);
        }
        LogOrder::Transaction => {
            last.order_by(Changes::Xid, Order::Desc).order_by(Changes::Sequence, Order::Desc);
        }
    }
    Statement::fixed(last)
}

/// How many entries have this number and can have nothing more come before them: one or none.
pub(crate) fn settled_change(sequence: i64) -> Statement {
    Statement::fixed(
        Query::select()
            .expr_as(Func::count(Expr::col(Changes::Sequence)), Count)
            .from(Changes::Table)
            .and_where(Expr::col(Changes::Sequence).eq(sequence))
            .and_where(is_settled())
            .take(),
    )
}

/// The entry of this number and those after it, where numbers are given out in the order of the log.
pub(crate) fn changes_from(sequence: i64, limit: u32) -> Statement {
    Statement::fixed(
        entries(limit)
            .and_where(Expr::col(Changes::Sequence).gte(sequence))
            .order_by(Changes::Sequence, Order::Asc)
            .take(),
    )
}

/// Which transactions are over now, and the greatest number of those that have written an entry.
pub(crate) fn transactions() -> Statement {
    let newest = Query::select()
        .column(Changes::Xid)
        .from(Changes::Table)
        .order_by(Changes::Xid, Order::Desc)
        .order_by(Changes::Sequence, Order::Desc)
        .limit(1)
        .take();
    let newest = Func::coalesce([Expr::SubQuery(None, Box::new(newest.into())), no_transaction()]);
    Statement::fixed(
        Query::select()
            .expr_as(Expr::cust(SNAPSHOT), Snapshot)
            .expr_as(Expr::from(newest).cast_as("text"), Changes::Xid)
            .take(),
    )
}

/// The entries of transactions that are over now and were not `seen`, each with its number and with the snapshot of now. The
/// index leads to what is not older than the oldest transaction that was open then; what of that was over is left out.
pub(crate) fn changes_since(seen: &SeenTransactions, limit: u32) -> Statement {
    let later = seen.newest.saturating_add(1).to_string();
    let then =
        |condition: &'static str| Expr::cust_with_values(condition, [seen.snapshot.as_str(), later.as_str()]);
    Statement::fixed(
        entries(limit)
            .expr_as(Expr::cust(SNAPSHOT), Snapshot)
            .expr_as(Expr::col(Changes::Xid).cast_as("text"), Changes::Xid)
            .and_where(then("xid >= least(pg_snapshot_xmin($1::text::pg_snapshot), $2::text::xid8)"))
            .and_where(then(
                "(xid >= $2::text::xid8 OR NOT pg_visible_in_snapshot(xid, $1::text::pg_snapshot))",
            ))
            .take(),
    )
}

/// The statement's own snapshot: what it names as over is what the statement sees. Not on a standby, which does not name those
/// that are open, and is never asked.
const SNAPSHOT: &str = "pg_current_snapshot()::text";

fn entries(limit: u32) -> SelectStatement {
    Query::select()
        .columns([
            Changes::Sequence,
            Changes::At,
            Changes::Kind,
            Changes::AppId,
            Changes::SubjectId,
            Changes::Digest,
            Changes::Actor,
            Changes::Address,
            Changes::WasOnLoopback,
            Changes::Sealed,
        ])
        .from(Changes::Table)
        .limit(u64::from(limit))
        .take()
}

/// Transactions below the snapshot's `xmin` are all over, and those that come get higher numbers. So in the order of
/// (transaction, sequence), what is below `xmin` is complete and stays as it is. In the order of the sequence it is not: a
/// transaction that began earlier may have drawn the higher number and be over, while the lower one's is still open.
fn by_transaction(changes: &mut SelectStatement, after: i64) {
    // The transaction of the entry `after`; if the log does not have that number, of the one before it.
    let xid_of_after = Query::select()
        .column(Changes::Xid)
        .from(Changes::Table)
        .and_where(Expr::col(Changes::Sequence).lte(after))
        .order_by(Changes::Sequence, Order::Desc)
        .limit(1)
        .take();
    let xid_of_after =
        Func::coalesce([Expr::SubQuery(None, Box::new(xid_of_after.into())), no_transaction()]);
    let place = Expr::tuple([Expr::col(Changes::Xid), Expr::col(Changes::Sequence)]);
    changes
        .and_where(place.gt(Expr::tuple([xid_of_after.into(), Expr::val(after)])))
        .and_where(is_settled())
        .order_by(Changes::Xid, Order::Asc)
        .order_by(Changes::Sequence, Order::Asc);
}

/// The epoch, and how many entries have the number `after`: one or none. Answers nothing before the beginning.
pub(crate) fn log_state(after: i64) -> Statement {
    let entry = Query::select()
        .expr(Func::count(Expr::col(Changes::Sequence)))
        .from(Changes::Table)
        .and_where(Expr::col(Changes::Sequence).eq(after))
        .take();
    Statement::fixed(
        Query::select()
            .column(Genesis::Epoch)
            .expr_as(Expr::SubQuery(None, Box::new(entry.into())), Count)
            .from(Genesis::Table)
            .take(),
    )
}

/// The epoch; the entry of the greatest number; that of the greatest up to `known`; and how many restores came after the number
/// `seen`. An entry is its number and its time, 0 where there is none. Answers nothing before the beginning.
pub(crate) fn log_end(seen: i64, known: i64) -> Statement {
    let last = |column: Changes, up_to: i64| {
        let entry = Query::select()
            .column(column)
            .from(Changes::Table)
            .and_where(Expr::col(Changes::Sequence).lte(up_to))
            .order_by(Changes::Sequence, Order::Desc)
            .limit(1)
            .take();
        Func::coalesce([Expr::SubQuery(None, Box::new(entry.into())), Expr::val(0_i64)])
    };
    let restores = Query::select()
        .expr(Func::count(Expr::col(Changes::Sequence)))
        .from(Changes::Table)
        .and_where(Expr::col(Changes::Sequence).gt(seen))
        .and_where(Expr::col(Changes::Kind).eq(ChangeKind::Restored.name()))
        .take();
    Statement::fixed(
        Query::select()
            .column(Genesis::Epoch)
            .expr_as(last(Changes::Sequence, i64::MAX), LogEnds::Newest)
            .expr_as(last(Changes::At, i64::MAX), LogEnds::NewestAt)
            .expr_as(last(Changes::Sequence, known), LogEnds::Known)
            .expr_as(last(Changes::At, known), LogEnds::KnownAt)
            .expr_as(Expr::SubQuery(None, Box::new(restores.into())), LogEnds::Restores)
            .from_as(Genesis::Table, LogEnds::Table)
            .take(),
    )
}

/// That an entry's transaction is over, as are all that got a lower number.
pub(super) fn is_settled() -> Expr {
    Expr::col(Changes::Xid).lt(Expr::cust("pg_snapshot_xmin(pg_current_snapshot())"))
}

/// A number below those of all transactions.
fn no_transaction() -> Expr {
    Expr::cust("'0'::xid8")
}

/// Puts all entries before those of this cluster's transactions if any of them bears a number that this cluster has
/// not given out yet: then they came from another cluster by dump and restore. Without this, readers would wait for
/// numbers that may be years away.
pub(crate) fn settle_restored_changes() -> Statement {
    let not_given_out = Expr::cust("pg_snapshot_xmax(pg_current_snapshot())");
    let restored = Query::select()
        .column(Changes::Sequence)
        .from(Changes::Table)
        .and_where(Expr::col(Changes::Xid).gte(not_given_out))
        .take();
    Statement::fixed(
        Query::update()
            .table(Changes::Table)
            .value(Changes::Xid, no_transaction())
            .and_where(Expr::exists(restored))
            .take(),
    )
}
