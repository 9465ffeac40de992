use super::{BEGIN, open};
use crate::QUERY_TIME;
use jeton_testkit::Cluster;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, query_scalar};
use std::time::Duration;

async fn setting(connection: &mut PgConnection, name: &str) -> String {
    let sql = format!("SHOW {name}");
    query_scalar(AssertSqlSafe(sql)).fetch_one(connection).await.unwrap()
}

#[tokio::test]
async fn statements_have_time_limits_and_commits_wait_for_the_disk() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let url = Cluster::shared().create_database();
    let lazy = format!("{url}?options=-csynchronous_commit%3Doff");
    let pool = open::pool(&lazy, QUERY_TIME).await.unwrap();
    let mut reader = pool.acquire().await.unwrap();
    assert_eq!(setting(&mut reader, "statement_timeout").await, "2s");
    assert_eq!(setting(&mut reader, "synchronous_commit").await, "on");
    assert_eq!(setting(&mut reader, "application_name").await, "jeton");
    let mut writer = pool.begin_with(BEGIN).await.unwrap();
    assert_eq!(setting(&mut writer, "statement_timeout").await, "10s");
    assert_eq!(setting(&mut writer, "transaction_isolation").await, "read committed");
    writer.rollback().await.unwrap();

    let stricter = format!("{url}?options=-csynchronous_commit%3Dremote_apply");
    let pool = open::pool(&stricter, Duration::from_millis(1500)).await.unwrap();
    let mut reader = pool.acquire().await.unwrap();
    assert_eq!(setting(&mut reader, "statement_timeout").await, "1500ms");
    assert_eq!(setting(&mut reader, "synchronous_commit").await, "remote_apply");
}
