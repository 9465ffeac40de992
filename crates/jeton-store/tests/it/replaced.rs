//! PostgreSQL databases that are replaced while they are open.

use crate::database::{BY, Location, TestDatabase};
use crate::fixture::*;
use jeton_core::AppId;
use jeton_store::Progress;
use jeton_store::{KeyCheck, Restore, Store, StoreError};
use jeton_testkit::Cluster;
use sqlx::{Connection, PgConnection};
use std::path::Path;

/// What is said of a database that cannot have become of what was there.
const OLDER: &str = "the database is older than it was";
const OTHER: &str = "the database is a different one";
const BARE: &str = "the database has lost its tables";

/// A database with a few tokens, of which a dump was made before the last ones.
struct Scene {
    database: TestDatabase,
    app_id: AppId,
    older: String,
}

impl Scene {
    async fn new() -> Self {
        let mut database = TestDatabase::new(Location::postgres()).await;
        let (_, app) = begin_on(&database).await;
        // What is known begins with what is there when a store is opened, and goes on with what it has
        // written.
        database.store = database.reopen().await.unwrap();
        issue(&*database.store, app.id, new_token(1)).await;
        let older = Cluster::shared().dump(database.url());
        issue(&*database.store, app.id, new_token(2)).await;
        Scene { app_id: app.id, older, database }
    }

    /// The message of the next write, and of all that follow it. Nothing is written.
    async fn refused(&self, number: u32) -> String {
        let before = tokens(self.database.url()).await;
        let refused = self.write(number).await.unwrap_err().to_string();
        assert_eq!(tokens(self.database.url()).await, before, "{refused}");
        let store = &*self.database.store;
        assert_eq!(self.write(number).await.unwrap_err().to_string(), refused);
        assert_eq!(store.ping().await.unwrap_err().to_string(), refused);
        assert_eq!(store.check(&Progress::default()).await.unwrap_err().to_string(), refused);
        refused
    }

    async fn write(&self, number: u32) -> Result<(), StoreError> {
        let new = vec![new_token(number)];
        loop {
            match self.database.store.write(inserting(self.app_id, new.clone(), at(0))).await {
                // The connections were ended: by the next call there are others.
                Err(error) if is_cut(&error) => tokio::task::yield_now().await,
                done => return done.map(drop),
            }
        }
    }

    /// Puts another database in the place of this one, with what `dump` holds.
    async fn replace(&self, dump: &str) {
        let cluster = Cluster::shared();
        let other = cluster.create_database();
        cluster.fill_database(&other, dump);
        cluster.replace_database(self.database.url(), &other);
    }
}

/// Whether a call failed for want of a connection, or of the database while it is being made.
fn is_cut(error: &StoreError) -> bool {
    let message = error.to_string();
    ["terminating connection", "does not answer", "Broken pipe", "Connection reset", "end of file"]
        .iter()
        .any(|cut| message.contains(cut))
}

async fn tokens(url: &str) -> i64 {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::query_scalar("SELECT count(*) FROM tokens").fetch_one(&mut connection).await.unwrap()
}

/// Calls until one is refused for another reason than a cut.
async fn until_noticed(store: &dyn Store) -> String {
    loop {
        match store.ping().await {
            Err(error) if !is_cut(&error) => return error.to_string(),
            _ => tokio::task::yield_now().await,
        }
    }
}

#[tokio::test]
async fn an_older_database_takes_no_write() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let scene = Scene::new().await;
    scene.replace(&scene.older).await;
    let message = scene.refused(20).await;
    assert!(message.contains(OLDER), "{message}");
    // Only a process that opens it afresh works with it.
    let again = scene.database.reopen().await.unwrap();
    issue(&*again, scene.app_id, new_token(20)).await;
    assert!(scene.refused(21).await.contains(OLDER));
}

#[tokio::test]
async fn the_database_of_another_installation_takes_no_write() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let (scene, other) = (Scene::new().await, Scene::new().await);
    // Also if its log is longer.
    for number in 30..40 {
        issue(&*other.database.store, other.app_id, new_token(number)).await;
    }
    other.database.execute("UPDATE genesis SET epoch = epoch + 1").await;
    scene.replace(&Cluster::shared().dump(other.database.url())).await;
    let message = scene.refused(20).await;
    assert!(message.contains(OTHER), "{message}");
}

#[tokio::test]
async fn the_same_database_goes_on_and_an_empty_one_does_not() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let scene = Scene::new().await;
    let cluster = Cluster::shared();
    let dump = cluster.dump(scene.database.url());
    scene.replace(&dump).await;
    scene.write(20).await.unwrap();

    let dump = cluster.dump(scene.database.url());
    cluster.empty_database(scene.database.url());
    let message = scene.write(21).await.unwrap_err().to_string();
    assert!(message.contains(BARE), "{message}");
    cluster.fill_database(scene.database.url(), &dump);
    while let Err(error) = scene.write(21).await {
        assert!(error.to_string().contains(BARE), "{error}");
        tokio::task::yield_now().await;
    }

    cluster.empty_database(scene.database.url());
    assert!(until_noticed(&*scene.database.store).await.contains(BARE));
    cluster.fill_database(scene.database.url(), &scene.older);
    while scene.database.store.ping().await.unwrap_err().to_string().contains(BARE) {
        tokio::task::yield_now().await;
    }
    assert!(scene.refused(22).await.contains(OLDER));
}

#[tokio::test]
async fn what_is_done_to_the_tables_themselves_is_noticed() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    for (act, mark) in [
        ("DELETE FROM changes WHERE sequence = (SELECT max(sequence) FROM changes)", OLDER),
        ("UPDATE changes SET at = at + 1", OLDER),
        ("UPDATE genesis SET epoch = epoch + 1", OTHER),
        ("DELETE FROM genesis", OTHER),
    ] {
        let scene = Scene::new().await;
        scene.database.execute(act).await;
        let message = until_noticed(&*scene.database.store).await;
        assert!(message.contains(mark), "{act}: {message}");
        assert!(scene.refused(22).await.contains(mark));
    }
}

/// Ends all connections but this one.
async fn cut_connections(connection: &mut PgConnection) {
    let cut = "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let _: i64 = sqlx::query_scalar(cut).fetch_one(connection).await.unwrap();
}

#[tokio::test]
async fn a_database_that_a_command_restored_goes_on() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let scene = Scene::new().await;
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("backup.db");
    std::fs::write(&backup, "").unwrap();
    scene.database.store.back_up(&backup, &Progress::default()).await.unwrap();
    scene.write(20).await.unwrap();
    let other = scene.database.reopen().await.unwrap();
    other.write(restore(&backup)).await.unwrap();
    let mut connection = PgConnection::connect(scene.database.url()).await.unwrap();
    for number in 21..24 {
        scene.write(number).await.unwrap();
        cut_connections(&mut connection).await;
    }
}

fn restore(path: &Path) -> Restore {
    Restore {
        path: path.to_owned(),
        key_checks: vec![KeyCheck { key_id: 1, check: vec![1; 16], retired_at: None }],
        epoch: 77,
        keeps_removed: true,
        at: at(9),
        by: BY,
        progress: Progress::default(),
    }
}
