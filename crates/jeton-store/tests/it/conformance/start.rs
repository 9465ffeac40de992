use crate::database::{BY, TestDatabase};
use crate::fixture::*;
use jeton_core::AppId;
use jeton_store::write::CreateApp;
use jeton_store::{App, AppCreated, Credential, Genesis, Initialised, KeyCheck};
use tokio::task::JoinSet;

pub(crate) async fn a_new_database_knows_nothing(database: &TestDatabase) {
    let store = &*database.store;
    assert_eq!(store.key_checks().await.unwrap(), None);
    assert_eq!(store.default_app().await.unwrap(), None);
    assert_eq!(store.apps().await.unwrap(), []);
    assert_eq!(store.operators().await.unwrap(), []);
    assert_eq!(store.changes(0, 10).await.unwrap(), []);
    store.ping().await.unwrap();
}

pub(crate) async fn genesis_writes_everything_once(database: &TestDatabase) {
    let store = &*database.store;
    let Genesis { app: new, admin, operator, mut key_checks, .. } = genesis();
    let app = begin(store).await;
    let expected = App {
        id: AppId::new(1).unwrap(),
        key: new.key,
        client_id: new.client_id,
        client_secrets: vec![Credential::lasting(new.client_secret)],
        settings: new.settings,
        data_key: new.data_key,
        created_at: new.created_at,
        updated_at: new.created_at,
        revision: 1,
        is_default: true,
    };
    assert_eq!(app, expected);
    assert_eq!(store.default_app().await.unwrap(), Some(app.clone()));
    key_checks.sort_by_key(|check| check.key_id);
    assert_eq!(store.key_checks().await.unwrap(), Some(key_checks.clone()));
    let found = find(store, 999_999).await.unwrap();
    assert_eq!(found, stored(found.token.id, app.id, &admin));
    let found = store.operator_by_digest(&operator.digest).await.unwrap().unwrap();
    assert_eq!((found.name, found.created_at), (operator.name, operator.created_at));

    let log = database.changes_after(0).await;
    let again = Genesis {
        app: new_app("other"),
        key_checks: vec![KeyCheck { key_id: 9, check: vec![9], retired_at: None }],
        ..genesis()
    };
    assert_eq!(store.write(again).await.unwrap(), Initialised::Before);
    assert_eq!(store.apps().await.unwrap(), [app]);
    assert_eq!(store.operators().await.unwrap().len(), 1);
    assert_eq!(store.key_checks().await.unwrap(), Some(key_checks));
    assert_eq!(database.changes_after(0).await, log);
}

pub(crate) async fn genesis_without_keys_is_a_start_too(database: &TestDatabase) {
    let genesis = Genesis { key_checks: vec![], ..genesis() };
    assert!(matches!(database.store.write(genesis).await.unwrap(), Initialised::Done(_)));
    assert_eq!(database.store.key_checks().await.unwrap(), Some(vec![]));
}

pub(crate) async fn of_many_at_once_one_initialises(database: &TestDatabase) {
    let other = database.reopen().await.unwrap();
    let mut tasks = JoinSet::new();
    for number in 0..20 {
        let store = if number % 2 == 0 { database.store.clone() } else { other.clone() };
        tasks.spawn(async move { store.write(genesis()).await.unwrap() });
    }
    let answers = tasks.join_all().await;
    assert_eq!(answers.iter().filter(|answer| matches!(answer, Initialised::Done(_))).count(), 1);
    assert_eq!(database.store.apps().await.unwrap().len(), 1);
    let second =
        database.store.write(CreateApp { app: new_app("second"), admin: new_admin(), by: BY }).await.unwrap();
    assert!(matches!(second, AppCreated::Created(App { is_default: false, .. })));
}
