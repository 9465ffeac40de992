//! A database of its own for each test.

use jeton_core::Actor;
use jeton_store::{
    Change, OpenError, PostgresOptions, SqliteOptions, Store, open_pooled_postgres, open_postgres,
    open_sqlite,
};
use jeton_testkit::Pooler;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// A new database and a store on it.
pub(crate) struct Bed {
    place: Place,
    pub(crate) store: Arc<dyn Store>,
}

/// Where a database is.
pub(crate) enum Place {
    Sqlite(TempDir),
    Postgres(String),
    /// PostgreSQL through a pooler of transactions, and where it is itself.
    Pooled(Pooler, String),
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        Place::Sqlite(tempfile::tempdir().unwrap())
    }

    pub(crate) fn postgres() -> Self {
        Place::Postgres(jeton_testkit::Cluster::shared().create_database())
    }

    pub(crate) fn pooled() -> Self {
        let url = jeton_testkit::Cluster::shared().create_database();
        Place::Pooled(Pooler::before(&url), url)
    }

    /// The file of a SQLite database.
    pub(crate) fn path(&self) -> PathBuf {
        match self {
            Place::Sqlite(folder) => folder.path().join("jeton.db"),
            Place::Postgres(url) | Place::Pooled(_, url) => panic!("{url} is no file"),
        }
    }

    pub(crate) async fn open(&self) -> Result<Arc<dyn Store>, OpenError> {
        match self {
            Place::Sqlite(_) => open_sqlite(&self.path(), SqliteOptions::default()).await,
            Place::Postgres(url) => open_postgres(url, PostgresOptions::default()).await,
            Place::Pooled(pooler, direct) => {
                open_pooled_postgres(pooler.url(), direct, PostgresOptions::default()).await
            }
        }
    }

    /// Runs SQL past the store.
    pub(crate) async fn execute(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Place::Sqlite(_) => {
                let url = format!("sqlite://{}", self.path().display());
                SqliteConnection::connect(&url).await.unwrap().execute(sql).await.unwrap();
            }
            Place::Postgres(url) | Place::Pooled(_, url) => {
                PgConnection::connect(url).await.unwrap().execute(sql).await.unwrap();
            }
        }
    }
}

impl Bed {
    pub(crate) async fn new(place: Place) -> Self {
        let store = place.open().await.unwrap();
        Bed { place, store }
    }

    /// Another store on the same database, as another process would have it.
    pub(crate) async fn reopen(&self) -> Result<Arc<dyn Store>, OpenError> {
        self.place.open().await
    }

    /// The file of a SQLite database.
    pub(crate) fn path(&self) -> PathBuf {
        self.place.path()
    }

    /// The URL of a PostgreSQL database.
    pub(crate) fn url(&self) -> &str {
        match &self.place {
            Place::Sqlite(folder) => panic!("{folder:?} has no URL"),
            Place::Postgres(url) | Place::Pooled(_, url) => url,
        }
    }

    /// Drops the store.
    pub(crate) fn into_place(self) -> Place {
        self.place
    }

    /// Where another database of the same engine can be made.
    pub(crate) fn another_place(&self) -> Place {
        match self.place {
            Place::Sqlite(_) => Place::sqlite(),
            Place::Postgres(_) => Place::postgres(),
            Place::Pooled(..) => Place::pooled(),
        }
    }

    /// A new database of each engine that there is.
    pub(crate) async fn each_engine(&self) -> Vec<Bed> {
        let mut beds = vec![Bed::new(Place::sqlite()).await];
        if !jeton_testkit::skips("PostgreSQL") {
            beds.push(Bed::new(Place::postgres()).await);
        }
        beds
    }

    /// Runs SQL past the store.
    pub(crate) async fn execute(&self, sql: &str) {
        self.place.execute(sql).await;
    }

    pub(crate) fn is_postgres(&self) -> bool {
        !matches!(self.place, Place::Sqlite(_))
    }

    /// A connection past the store; `None` on SQLite.
    pub(crate) async fn postgres_connection(&self) -> Option<PgConnection> {
        match &self.place {
            Place::Sqlite(_) => None,
            Place::Postgres(url) | Place::Pooled(_, url) => Some(PgConnection::connect(url).await.unwrap()),
        }
    }

    /// All entries of the change log after `after`.
    pub(crate) async fn changes_after(&self, after: i64) -> Vec<Change> {
        if let Place::Postgres(url) | Place::Pooled(_, url) = &self.place {
            settle(url).await;
        }
        self.store.changes(after, u32::MAX).await.unwrap()
    }

    /// The number of the last entry of the change log.
    pub(crate) async fn last_change(&self) -> i64 {
        self.changes_after(0).await.last().map_or(0, |change| change.sequence)
    }
}

/// Waits until all transactions of the cluster that are open now are over: other tests' hold back the log too.
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

/// Who does things in tests.
pub(crate) const BY: Actor = Actor::Cli;
