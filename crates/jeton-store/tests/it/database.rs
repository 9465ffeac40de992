//! Databases for tests: each test has its own.

use async_trait::async_trait;
use jeton_core::Cause;
use jeton_store::write::{Outcome, Write};
use jeton_store::{
    Change, DatabasePlace, Layer, OpenError, PostgresOptions, SqliteOptions, Store, StoreError,
    open_pooled_postgres, open_postgres, open_sqlite,
};
use jeton_testkit::Pooler;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A new database and a store on it.
pub(crate) struct TestDatabase {
    location: Location,
    pub(crate) store: Arc<dyn Store>,
}

/// The location of a database.
pub(crate) enum Location {
    Sqlite(TempDir),
    Postgres(String),
    /// PostgreSQL behind a pooler in transaction mode, and its own URL.
    Pooled(Pooler, String),
    /// PostgreSQL that is read by a second node of those that are written by a first.
    Nodes(String),
}

/// Two stores on one database, as two nodes have it: the second reads what the first one writes.
#[derive(Debug)]
struct Nodes {
    first: Arc<dyn Store>,
    second: Arc<dyn Store>,
}

#[async_trait]
impl Layer for Nodes {
    fn inner(&self) -> &dyn Store {
        &*self.second
    }

    async fn pass(&self, write: Write) -> Result<Outcome, StoreError> {
        self.first.commit(write).await
    }

    async fn end(&self) {
        self.first.close().await;
        self.second.close().await;
    }
}

impl Location {
    pub(crate) fn sqlite() -> Self {
        Location::Sqlite(tempfile::tempdir().unwrap())
    }

    pub(crate) fn postgres() -> Self {
        Location::Postgres(with_tables())
    }

    /// Without tables.
    pub(crate) fn empty_postgres() -> Self {
        Location::Postgres(jeton_testkit::Cluster::shared().create_database())
    }

    pub(crate) fn pooled() -> Self {
        let url = with_tables();
        Location::Pooled(Pooler::before(&url), url)
    }

    pub(crate) fn nodes() -> Self {
        Location::Nodes(with_tables())
    }

    /// Where it is, for a copy.
    pub(crate) fn place(&self) -> DatabasePlace {
        match self {
            Location::Sqlite(_) => DatabasePlace::Sqlite(self.path()),
            Location::Postgres(url) | Location::Pooled(_, url) | Location::Nodes(url) => {
                DatabasePlace::Postgres(url.clone())
            }
        }
    }

    /// The file of a SQLite database.
    pub(crate) fn path(&self) -> PathBuf {
        match self {
            Location::Sqlite(folder) => folder.path().join("jeton.db"),
            Location::Postgres(url) | Location::Pooled(_, url) | Location::Nodes(url) => {
                panic!("{url} is no file")
            }
        }
    }

    pub(crate) async fn open(&self) -> Result<Arc<dyn Store>, OpenError> {
        match self {
            Location::Sqlite(_) => open_sqlite(&self.path(), SqliteOptions::default()).await,
            Location::Postgres(url) => open_postgres(url, PostgresOptions::default()).await,
            Location::Pooled(pooler, direct) => {
                open_pooled_postgres(pooler.url(), direct, PostgresOptions::default()).await
            }
            Location::Nodes(url) => {
                let first = open_postgres(url, PostgresOptions::default()).await?;
                let second = open_postgres(url, PostgresOptions::default()).await?;
                Ok(Arc::new(Nodes { first, second }))
            }
        }
    }

    /// Runs SQL without the store.
    pub(crate) async fn execute(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Location::Sqlite(_) => {
                let url = format!("sqlite://{}", self.path().display());
                SqliteConnection::connect(&url).await.unwrap().execute(sql).await.unwrap();
            }
            Location::Postgres(url) | Location::Pooled(_, url) | Location::Nodes(url) => {
                PgConnection::connect(url).await.unwrap().execute(sql).await.unwrap();
            }
        }
    }
}

/// The URL of a new database on the shared cluster, with all tables, which are made once for all of them.
fn with_tables() -> String {
    static MADE: OnceLock<String> = OnceLock::new();
    let cluster = jeton_testkit::Cluster::shared();
    let make = || {
        let url = cluster.create_database();
        let opened = url.clone();
        // Tests have a runtime of their own already.
        let made = std::thread::spawn(move || {
            Runtime::new().unwrap().block_on(async {
                open_postgres(&opened, PostgresOptions::default()).await.unwrap().close().await;
            });
        });
        made.join().unwrap();
        url
    };
    cluster.copy_database(MADE.get_or_init(make))
}

impl TestDatabase {
    pub(crate) async fn new(location: Location) -> Self {
        let store = location.open().await.unwrap();
        TestDatabase { location, store }
    }

    /// Another store on the same database, as another process would have it.
    pub(crate) async fn reopen(&self) -> Result<Arc<dyn Store>, OpenError> {
        self.location.open().await
    }

    /// The file of a SQLite database.
    pub(crate) fn path(&self) -> PathBuf {
        self.location.path()
    }

    /// The URL of a PostgreSQL database.
    pub(crate) fn url(&self) -> &str {
        match &self.location {
            Location::Sqlite(folder) => panic!("{folder:?} has no URL"),
            Location::Postgres(url) | Location::Pooled(_, url) | Location::Nodes(url) => url,
        }
    }

    /// Where it is, for a copy.
    pub(crate) fn place(&self) -> DatabasePlace {
        self.location.place()
    }

    /// Drops the store and keeps the database.
    pub(crate) fn into_location(self) -> Location {
        self.location
    }

    /// The location of a new, empty database of the same engine.
    pub(crate) fn another_location(&self) -> Location {
        match self.location {
            Location::Sqlite(_) => Location::sqlite(),
            Location::Postgres(_) => Location::empty_postgres(),
            Location::Pooled(..) => {
                let url = jeton_testkit::Cluster::shared().create_database();
                Location::Pooled(Pooler::before(&url), url)
            }
            Location::Nodes(_) => Location::Nodes(jeton_testkit::Cluster::shared().create_database()),
        }
    }

    /// A new database of each engine that there is.
    pub(crate) async fn each_engine(&self) -> Vec<TestDatabase> {
        let mut databases = vec![TestDatabase::new(Location::sqlite()).await];
        if !jeton_testkit::skips("PostgreSQL") {
            databases.push(TestDatabase::new(Location::postgres()).await);
        }
        databases
    }

    /// Runs SQL without the store.
    pub(crate) async fn execute(&self, sql: &str) {
        self.location.execute(sql).await;
    }

    pub(crate) fn is_postgres(&self) -> bool {
        !matches!(self.location, Location::Sqlite(_))
    }

    /// A connection of its own; `None` on SQLite.
    pub(crate) async fn postgres_connection(&self) -> Option<PgConnection> {
        match &self.location {
            Location::Sqlite(_) => None,
            Location::Postgres(url) | Location::Pooled(_, url) | Location::Nodes(url) => {
                Some(PgConnection::connect(url).await.unwrap())
            }
        }
    }

    /// Waits until all that was written is in the ordered log.
    pub(crate) async fn settle(&self) {
        if self.is_postgres() {
            settle(self.url()).await;
        }
    }

    /// All entries of the change log after `after`.
    pub(crate) async fn changes_after(&self, after: i64) -> Vec<Change> {
        self.settle().await;
        self.store.changes(after, u32::MAX).await.unwrap()
    }

    /// The number of the last entry of the change log.
    pub(crate) async fn last_change(&self) -> i64 {
        self.changes_after(0).await.last().map_or(0, |change| change.sequence)
    }
}

/// Waits until all transactions of the cluster that are open now are over: other tests' hold back the log
/// too.
async fn settle(url: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let now: String =
        sqlx::query_scalar("SELECT pg_current_xact_id()::text").fetch_one(&mut connection).await.unwrap();
    loop {
        let is_settled: bool =
            sqlx::query_scalar("SELECT pg_snapshot_xmin(pg_current_snapshot()) > $1::text::xid8")
                .bind(&now)
                .fetch_one(&mut connection)
                .await
                .unwrap();
        if is_settled {
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// The cause of what tests do.
pub(crate) const BY: Cause = Cause::CLI;
