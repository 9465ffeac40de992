use crate::database::TestDatabase;
use crate::fixture::*;
use jeton_store::OpenError;
use std::sync::Arc;
use tokio::task::JoinSet;

pub(crate) async fn many_may_open_a_new_database_at_once(database: &TestDatabase) {
    let location = Arc::new(database.another_location());
    let mut tasks = JoinSet::new();
    for number in 0..8 {
        let location = location.clone();
        tasks.spawn(async move {
            let store = location.open().await.unwrap();
            (number, store)
        });
    }
    let mut stores = tasks.join_all().await;
    stores.sort_by_key(|(number, _)| *number);
    let app = begin(&*stores[0].1).await;
    for (_, store) in &stores {
        assert_eq!(store.default_app().await.unwrap(), Some(app.clone()));
    }
}

pub(crate) async fn what_was_written_is_there_after_opening_again(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    issue(store, app.id, new_token(1)).await;
    store.close().await;
    let again = database.reopen().await.unwrap();
    assert_eq!(again.default_app().await.unwrap(), Some(app));
    assert!(find(&*again, 1).await.is_some());
}

/// As a newer version would have it.
async fn migrate_to_99(database: &TestDatabase) {
    database
        .execute(
            "INSERT INTO jeton_migrations (version, description, success, checksum, execution_time) \
         SELECT 99, 'from the future', true, checksum, 0 FROM jeton_migrations WHERE version = 1",
        )
        .await;
}

pub(crate) async fn a_newer_database_is_used_if_it_can_be(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    migrate_to_99(database).await;
    let again = database.reopen().await.unwrap();
    issue(&*again, app.id, new_token(1)).await;
    assert!(find(store, 1).await.is_some(), "both go on");
    again.close().await;
    // It has left behind what this version does.
    database.execute("UPDATE schema_compatibility SET oldest_version = 99").await;
    match database.reopen().await {
        Err(OpenError::Newer { found: 99, known }) => assert!(known < 99),
        other => panic!("{other:?}"),
    }
}
