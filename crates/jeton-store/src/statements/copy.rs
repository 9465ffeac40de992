//! Statements about whole tables.

use super::Statement;
use crate::schema::{Count, Genesis};
use crate::shape::{Cells, Name, Shape};
use sea_query::{Expr, ExprTrait, Func, Query};

pub(crate) fn all_rows(shape: &Shape) -> Statement {
    let names = shape.fields.iter().map(|field| field.name);
    Statement::varying(Query::select().columns(names).from(shape.table).take())
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
