//! What only SQLite does.

use crate::database::{Location, TestDatabase};
use crate::fixture::*;
use jeton_store::{OpenError, SqliteOptions, open_sqlite};
use std::os::unix::fs::PermissionsExt;
use tokio::task::JoinSet;

#[tokio::test]
async fn its_files_are_for_their_owner_only() {
    let database = TestDatabase::new(Location::sqlite()).await;
    begin_on(&database).await;
    let mut names = Vec::new();
    for entry in std::fs::read_dir(database.path().parent().unwrap()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{entry:?}");
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["jeton.db", "jeton.db-reserve", "jeton.db-shm", "jeton.db-wal"]);
    database.store.close().await;
    assert!(!database.path().with_extension("db-wal").exists(), "the log was not brought into the database");
    let acknowledged = std::fs::metadata(database.path().with_extension("db-acknowledged")).unwrap();
    assert_eq!((acknowledged.permissions().mode() & 0o777, acknowledged.len()), (0o600, 63));
}

#[tokio::test]
async fn a_file_that_is_there_keeps_its_mode() {
    let location = Location::sqlite();
    std::fs::write(location.path(), "").unwrap();
    std::fs::set_permissions(location.path(), PermissionsExt::from_mode(0o640)).unwrap();
    location.open().await.unwrap();
    let mode = std::fs::metadata(location.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}

#[tokio::test]
async fn what_is_no_database_is_refused_and_left_alone() {
    let location = Location::sqlite();
    let text = "not a database, but long enough to look at ".repeat(100);
    std::fs::write(location.path(), &text).unwrap();
    assert!(matches!(location.open().await, Err(OpenError::Unavailable(_))));
    assert_eq!(std::fs::read_to_string(location.path()).unwrap(), text);
    let nowhere = location.path().join("no/such/folder.db");
    let opened = open_sqlite(&nowhere, SqliteOptions::default()).await;
    assert!(matches!(opened, Err(OpenError::Unavailable(_))));
}

#[tokio::test]
async fn writes_go_on_one_by_one_if_groups_are_to_be_of_one() {
    let location = Location::sqlite();
    let options = SqliteOptions { max_group: 1, readers: 1, list_readers: 1, ..SqliteOptions::default() };
    let store = open_sqlite(&location.path(), options).await.unwrap();
    let app = begin(&*store).await;
    let mut tasks = JoinSet::new();
    for number in 0..20 {
        let store = store.clone();
        tasks.spawn(async move { store.write(inserting(app.id, vec![new_token(number)], at(0))).await });
    }
    for answer in tasks.join_all().await {
        answer.unwrap();
    }
    assert_eq!(store.count_tokens(&shared(app.id)).await.unwrap(), 20);
}

#[tokio::test]
async fn dropping_the_store_writes_what_was_accepted() {
    let database = TestDatabase::new(Location::sqlite()).await;
    let (_, app) = begin_on(&database).await;
    let mut tasks = JoinSet::new();
    for number in 0..20 {
        let store = database.store.clone();
        tasks.spawn(async move { store.write(inserting(app.id, vec![new_token(number)], at(0))).await });
    }
    let location = database.into_location();
    for answer in tasks.join_all().await {
        answer.unwrap();
    }
    let again = location.open().await.unwrap();
    assert_eq!(again.count_tokens(&shared(app.id)).await.unwrap(), 20);
}

/// Wiped means overwritten, in the database and in its log, as soon as the log was brought in.
#[tokio::test]
async fn a_destroyed_data_key_leaves_no_trace() {
    let database = TestDatabase::new(Location::sqlite()).await;
    let (store, app) = begin_on(&database).await;
    let trace = b"a data key that must not stay behind";
    let change = |data_key| jeton_store::AppChange { data_key: Some(data_key), ..Default::default() };
    // Longer than what takes its place on the page.
    store.write(changing(app.id, 1, change(Some(trace.repeat(50))), at(1))).await.unwrap();
    store.write(changing(app.id, 2, change(None), at(2))).await.unwrap();
    store.close().await;
    let file = std::fs::read(database.path()).unwrap();
    assert!(!file.windows(trace.len()).any(|window| window == trace));
}
