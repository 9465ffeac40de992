use crate::migrations;
use crate::schema::Column;
use crate::shape::{Holds, PASSING, SHAPES};
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection, query_scalar};
use std::collections::BTreeSet;

/// Columns that the engine maintains, that are derived from the rest, that only one engine has, or that are about the database's servers.
fn is_ours(column: &str) -> bool {
    let kept = [
        "sqlite_",
        migrations::TABLE,
        "self_made.",
        "app_totals.",
        "user_totals.",
        "schema_compatibility.",
        "nodes.",
    ];
    let is_kept = kept.iter().any(|table| column.starts_with(table));
    !is_kept && column != "changes.xid"
}

fn listed() -> BTreeSet<String> {
    let shapes = SHAPES.iter().chain(PASSING);
    let fields = shapes.flat_map(|shape| shape.fields.iter().map(move |field| (shape, field)));
    fields.map(|(shape, field)| format!("{}.{}", shape.table.name(), field.name.name())).collect()
}

#[test]
fn every_row_has_a_key_that_both_engines_order_alike() {
    for shape in SHAPES.iter().chain(PASSING) {
        let holds: Vec<_> = shape.key_fields().map(|field| field.holds).collect();
        assert_eq!((holds.is_empty(), holds.len()), (false, shape.key.len()), "{shape:?}");
        assert!(holds.iter().all(|holds| matches!(holds, Holds::Integer | Holds::Bytes)), "{shape:?}");
    }
}

#[tokio::test]
async fn no_column_of_sqlite_is_forgotten() {
    let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    migrations::migrate(&mut connection, migrations::SQLITE).await.unwrap();
    let sql = "SELECT t.name || '.' || c.name FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table'";
    let columns: Vec<String> = query_scalar(sql).fetch_all(&mut connection).await.unwrap();
    let columns: BTreeSet<_> = columns.into_iter().filter(|column| is_ours(column)).collect();
    assert_eq!(listed(), columns);
}

#[tokio::test]
async fn no_column_of_postgresql_is_forgotten() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let url = jeton_testkit::Cluster::shared().create_database();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    migrations::migrate(&mut connection, migrations::POSTGRES).await.unwrap();
    let sql = "SELECT table_name || '.' || column_name FROM information_schema.columns \
               WHERE table_schema = current_schema()";
    let columns: Vec<String> = query_scalar(AssertSqlSafe(sql)).fetch_all(&mut connection).await.unwrap();
    let columns: BTreeSet<_> = columns.into_iter().filter(|column| is_ours(column)).collect();
    assert_eq!(listed(), columns);
}
