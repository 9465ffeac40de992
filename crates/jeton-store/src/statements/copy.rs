//! Statements about whole tables.

use super::Statement;
use crate::schema::{CopyMark, Count, Genesis};
use crate::shape::{Cells, Name, Shape};
use sea_query::{Asterisk, Expr, ExprTrait, Func, Order, Query};

pub(crate) fn all_rows(shape: &Shape) -> Statement {
    let names = shape.fields.iter().map(|field| field.name);
    Statement::varying(Query::select().columns(names).from(shape.table).take())
}

/// The rows behind a place, or all, in the order of the table's key.
pub(crate) fn rows_after(shape: &Shape, place: Option<Cells>) -> Statement {
    let mut select = Query::select();
    select.columns(shape.fields.iter().map(|field| field.name)).from(shape.table);
    if let Some(place) = place {
        let key = Expr::tuple(shape.key.iter().map(|name| Expr::col(*name)));
        select.and_where(key.gt(Expr::tuple(place.into_iter().map(Expr::val))));
    }
    for name in shape.key {
        select.order_by(*name, Order::Asc);
    }
    Statement::varying(select)
}

/// The key of the last row.
pub(crate) fn last_key(shape: &Shape) -> Statement {
    let mut select = Query::select();
    select.columns(shape.key.iter().copied()).from(shape.table).limit(1);
    for name in shape.key {
        select.order_by(*name, Order::Desc);
    }
    Statement::varying(select)
}

pub(crate) fn count_rows(shape: &Shape) -> Statement {
    Statement::varying(
        Query::select().expr_as(Func::count(Expr::col(Asterisk)), Count).from(shape.table).take(),
    )
}

/// At least one row.
pub(crate) fn insert_rows(shape: &Shape, rows: Vec<Cells>) -> Statement {
    let mut insert = Query::insert();
    insert.into_table(shape.table).columns(shape.fields.iter().map(|field| field.name));
    for cells in rows {
        insert.values_panic(cells.into_iter().map(Expr::val));
    }
    Statement::varying(insert)
}

pub(crate) fn remove_all_rows(shape: &Shape) -> Statement {
    Statement::varying(Query::delete().from_table(shape.table).take())
}

/// The greatest value of an integer column; 0 if there is none.
pub(crate) fn greatest(table: Name, column: Name) -> Statement {
    let greatest = Func::coalesce([Func::max(Expr::col(column)).into(), Expr::val(0_i64)]);
    Statement::varying(Query::select().expr_as(greatest, Count).from(table).take())
}

pub(crate) fn set_epoch(epoch: i64) -> Statement {
    Statement::varying(
        Query::update()
            .table(Genesis::Table)
            .value(Genesis::Epoch, epoch)
            .and_where(Expr::col(Genesis::Id).eq(1_i64))
            .take(),
    )
}

/// The table whose row says that a copy into this database is not finished. It is there as long as that holds, and no
/// longer: so it is in no migration.
pub(crate) const MAKE_MARK: &str =
    "CREATE TABLE jeton_copy (origin text NOT NULL, state text NOT NULL, source text NOT NULL)";

pub(crate) const REMOVE_MARK: &str = "DROP TABLE jeton_copy";

pub(crate) fn write_mark(origin: &str, state: &str, source: &str) -> Statement {
    Statement::varying(
        Query::insert()
            .into_table(CopyMark::Table)
            .columns([CopyMark::Origin, CopyMark::State, CopyMark::Source])
            .values_panic([origin, state, source].map(Expr::val))
            .take(),
    )
}

pub(crate) fn mark() -> Statement {
    Statement::varying(
        Query::select()
            .columns([CopyMark::Origin, CopyMark::State, CopyMark::Source])
            .from(CopyMark::Table)
            .take(),
    )
}
