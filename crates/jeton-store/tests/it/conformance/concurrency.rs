use crate::database::{BY, TestDatabase};
use crate::fixture::*;
use jeton_core::{AppId, ChangeKind, Token};
use jeton_store::write::{
    CreateApp, CreateOperator, DeleteApp, RevokeOperator, SweepDeletedApps, SweepSealed,
};
use jeton_store::{Inserted, Replaced, StoreError};
use std::time::Duration;
use tokio::task::JoinSet;

pub(crate) async fn what_was_acknowledged_is_there(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let mut tasks = JoinSet::new();
    for number in 0..200_u32 {
        let store = database.store.clone();
        tasks.spawn(async move {
            let id = issue(&*store, app.id, new_token(number)).await;
            if number % 3 == 1 {
                let token = Token { updated_at: at(5), ..stored(id, app.id, &new_token(number)).token };
                assert_eq!(store.write(replacing(token, 1)).await.unwrap(), Replaced::Done);
            }
            if number % 3 == 2 {
                assert!(store.write(revoking(app.id, id, at(6))).await.unwrap());
            }
        });
    }
    tasks.join_all().await;
    for number in 0..200 {
        let found = find(store, number).await.unwrap();
        let revision = if number % 3 == 0 { 1 } else { 2 };
        assert_eq!((found.revision, found.token.revoked_at.is_some()), (revision, number % 3 == 2));
    }
    let changes = database.changes_after(0).await;
    for (kind, times) in
        [(ChangeKind::TokenIssued, 201), (ChangeKind::TokenUpdated, 67), (ChangeKind::TokenRevoked, 66)]
    {
        assert_eq!(changes.iter().filter(|change| change.kind == kind).count(), times, "{kind:?}");
    }
}

pub(crate) async fn of_many_replacements_one_wins(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let id = issue(store, app.id, new_token(1)).await;
    let mut tasks = JoinSet::new();
    for seconds in 0..20 {
        let store = database.store.clone();
        let token = Token { updated_at: at(seconds), ..stored(id, app.id, &new_token(1)).token };
        tasks.spawn(async move { (seconds, store.write(replacing(token, 1)).await.unwrap()) });
    }
    let answers = tasks.join_all().await;
    let winners: Vec<_> = answers.iter().filter(|(_, answer)| *answer == Replaced::Done).collect();
    assert_eq!(winners.len(), 1);
    let found = find(store, 1).await.unwrap();
    assert_eq!((found.revision, found.token.updated_at), (2, at(winners[0].0)));
}

pub(crate) async fn of_many_duplicates_one_wins(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let store = database.store.clone();
        tasks.spawn(
            async move { store.write(inserting(app.id, vec![new_token(1)], at(0))).await.unwrap()[0] },
        );
    }
    let answers = tasks.join_all().await;
    let issued: Vec<_> = answers.iter().filter(|answer| **answer != Inserted::Duplicate).collect();
    let id = find(store, 1).await.unwrap().token.id;
    assert_eq!(issued, [&Inserted::Issued(id)]);
}

pub(crate) async fn a_bad_write_fails_alone(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let mut tasks = JoinSet::new();
    for number in 0..50 {
        let store = database.store.clone();
        let app_id = if number % 10 == 7 { AppId::new(4_242).unwrap() } else { app.id };
        tasks.spawn(async move {
            let answer = store.write(inserting(app_id, vec![new_token(number)], at(0))).await;
            (number, answer)
        });
    }
    for (number, answer) in tasks.join_all().await {
        match answer {
            Ok(answers) => assert!(matches!(answers[..], [Inserted::Issued(_)])),
            Err(error) => {
                assert_eq!(number % 10, 7, "{error}");
                assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
            }
        }
        assert_eq!(find(store, number).await.is_some(), number % 10 != 7);
    }
    assert_eq!(store.count_tokens(&shared(app.id)).await.unwrap(), 45);
}

pub(crate) async fn a_caller_that_leaves_disturbs_nobody(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    for number in 0..50 {
        let left = store.write(inserting(app.id, vec![new_token(number)], at(0)));
        // Asked once and dropped, wherever it is by then.
        let _ = tokio::time::timeout(Duration::from_micros(u64::from(number) * 40), left).await;
        issue(store, app.id, new_token(1_000 + number)).await;
        assert!(find(store, 1_000 + number).await.is_some());
    }
    let issued = database.changes_after(0).await;
    let issued = issued.iter().filter(|change| change.kind == ChangeKind::TokenIssued).count() as u64;
    // All or nothing, also for those whose callers went away. One of the entries is the admin's.
    assert_eq!(store.count_tokens(&shared(app.id)).await.unwrap(), issued - 1);
}

pub(crate) async fn another_store_sees_what_was_acknowledged(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let other = database.reopen().await.unwrap();
    for number in 0..20 {
        let id = issue(store, app.id, new_token(number)).await;
        assert!(find(&*other, number).await.is_some());
        assert!(other.write(revoking(app.id, id, at(1))).await.unwrap());
        assert_eq!(store.token(app.id, id).await.unwrap(), None);
    }
    other.close().await;
    store.ping().await.unwrap();
}

pub(crate) async fn close_finishes_what_is_under_way(database: &TestDatabase) {
    let (_, app) = begin_on(database).await;
    let mut tasks = JoinSet::new();
    for number in 0..100 {
        let store = database.store.clone();
        tasks.spawn(async move {
            let answer = store.write(inserting(app.id, vec![new_token(number)], at(0))).await;
            (number, answer)
        });
    }
    tokio::task::yield_now().await;
    database.store.close().await;
    let other = database.reopen().await.unwrap();
    for (number, answer) in tasks.join_all().await {
        match answer {
            Ok(_) => assert!(find(&*other, number).await.is_some(), "acknowledged and lost"),
            Err(error) => assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}"),
        }
    }
}

pub(crate) async fn after_close_everything_is_unavailable(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    store.close().await;
    store.close().await;
    macro_rules! unavailable {
        ($($asked:expr,)*) => {
            $(match $asked.await {
                Err(StoreError::Unavailable(_)) => {}
                other => panic!("{}: {other:?}", stringify!($asked)),
            })*
        };
    }
    let token = stored(jeton_core::TokenId::new(1).unwrap(), app.id, &new_token(1)).token;
    let id = token.id;
    let page =
        jeton_store::TokenPage { order: jeton_store::Order::NewestFirst, after: None, skip: 0, limit: 1 };
    let operator = jeton_core::OperatorId::new(1).unwrap();
    unavailable! {
        store.key_checks(),
        store.write(genesis()),
        store.app_by_key(&app.key),
        store.default_app(),
        store.apps(),
        store.write(CreateApp { app: new_app("x"), admin: new_admin(), by: BY }),
        store.write(changing(app.id, 1, jeton_store::AppChange::default(), at(0))),
        store.write(DeleteApp { id: app.id, at: at(0), by: BY }),
        store.write(SweepDeletedApps { limit: 1 }),
        store.write(SweepSealed { id: app.id, limit: 1 }),
        store.write(inserting(app.id, vec![new_token(1)], at(0))),
        store.find_tokens(&[digest(1)]),
        store.token(app.id, id),
        store.write(replacing(token, 1)),
        store.write(revoking(app.id, id, at(0))),
        store.count_tokens(&shared(app.id)),
        store.list_tokens(&shared(app.id), page),
        store.write(CreateOperator { operator: new_operator(1), by: BY }),
        store.operators(),
        store.operator_by_digest(&digest(1)),
        store.write(RevokeOperator { id: operator, at: at(0), by: BY }),
        store.changes(0, 1),
        store.ping(),
    }
}
