use crate::database::{BY, TestDatabase};
use crate::fixture::*;
use jeton_core::{AppKey, TokenKind};
use jeton_store::write::{CreateApp, DeleteApp, SweepDeletedApps};
use jeton_store::{
    App, AppChange, AppChanged, AppCreated, Credential, NewApp, NewClientSecret, Order, OwnerFilter,
    Replaced, TokenFilter, TokenPage, View,
};

fn key(text: &str) -> AppKey {
    text.parse().unwrap()
}

const PAGE: TokenPage = TokenPage { order: Order::OldestFirst, after: None, skip: 0, limit: 10 };

pub(crate) async fn an_app_comes_back_as_it_was_made(database: &TestDatabase) {
    let (store, demo) = begin_on(database).await;
    let new =
        NewApp { data_key: None, settings: r#"{"reveal":"once","x":"签"}"#.to_owned(), ..new_app("Shop.2") };
    let AppCreated::Created(app) =
        store.write(CreateApp { app: new.clone(), admin: new_admin(), by: BY }).await.unwrap()
    else {
        panic!("taken");
    };
    assert!(app.id > demo.id);
    assert_eq!((&app.settings, &app.data_key, app.is_default), (&new.settings, &None, false));
    assert_eq!(store.app_by_key(&key("Shop.2")).await.unwrap(), Some(app.clone()));
    assert_eq!(store.app_by_key(&key("shop.2")).await.unwrap(), None, "case matters");
    assert_eq!(store.apps_after(None, 1).await.unwrap(), std::slice::from_ref(&demo));
    assert_eq!(store.apps_after(Some(demo.id), 9).await.unwrap(), std::slice::from_ref(&app));
    assert_eq!(store.apps_after(Some(app.id), 9).await.unwrap(), []);
    assert_eq!(store.count_apps().await.unwrap(), 2);
    assert_eq!(store.apps().await.unwrap(), [demo, app]);
}

pub(crate) async fn keys_and_clients_are_taken_once(database: &TestDatabase) {
    let (store, demo) = begin_on(database).await;
    let same_key = NewApp { client_id: "another".to_owned(), ..new_app("demo") };
    assert_eq!(
        store.write(CreateApp { app: same_key, admin: new_admin(), by: BY }).await.unwrap(),
        AppCreated::KeyTaken
    );
    let same_client = NewApp { client_id: demo.client_id.clone(), ..new_app("another") };
    assert_eq!(
        store.write(CreateApp { app: same_client, admin: new_admin(), by: BY }).await.unwrap(),
        AppCreated::KeyTaken
    );
    assert_eq!(store.apps().await.unwrap(), [demo]);
    assert_eq!(store.find_tokens(&[digest(999_999)]).await.unwrap().len(), 1);
}

pub(crate) async fn a_change_needs_the_revision(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let change = |settings: &str| AppChange { settings: Some(settings.to_owned()), ..AppChange::default() };
    let stale = store.write(changing(app.id, 2, change("[]"), at(1))).await.unwrap();
    assert_eq!(stale, AppChanged::Stale);
    let expected = App { settings: r#"{"a":1}"#.to_owned(), updated_at: at(1), revision: 2, ..app.clone() };
    let changed = store.write(changing(app.id, 1, change(r#"{"a":1}"#), at(1))).await.unwrap();
    assert_eq!(changed, AppChanged::Changed(expected.clone()));
    let lost = store.write(changing(app.id, 1, change("[]"), at(2))).await.unwrap();
    assert_eq!(lost, AppChanged::Stale);
    assert_eq!(store.app_by_key(&app.key).await.unwrap(), Some(expected));
}

pub(crate) async fn a_change_leaves_the_rest_as_it_is(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let change = |revision, change| store.write(changing(app.id, revision, change, at(1)));
    let nothing = change(1, AppChange::default()).await.unwrap();
    let expected = App { updated_at: at(1), revision: 2, ..app.clone() };
    assert_eq!(nothing, AppChanged::Changed(expected.clone()));
    let secret =
        AppChange { client_secret: Some(NewClientSecret::alone(1, digest(5))), ..AppChange::default() };
    let expected = App { client_secrets: vec![Credential::lasting(digest(5))], revision: 3, ..expected };
    assert_eq!(change(2, secret).await.unwrap(), AppChanged::Changed(expected.clone()));
    let no_key = AppChange { data_key: Some(None), ..AppChange::default() };
    let expected = App { data_key: None, revision: 4, ..expected };
    assert_eq!(change(3, no_key).await.unwrap(), AppChanged::Changed(expected.clone()));
    let new_key = AppChange { data_key: Some(Some(vec![1, 0, 255])), ..AppChange::default() };
    let expected = App { data_key: Some(vec![1, 0, 255]), revision: 5, ..expected };
    assert_eq!(change(4, new_key).await.unwrap(), AppChanged::Changed(expected));
}

pub(crate) async fn a_deleted_app_is_unknown_with_all_its_tokens(database: &TestDatabase) {
    let (store, demo) = begin_on(database).await;
    let app = create_app(store, "shop").await;
    let id = issue(store, app.id, new_token(1)).await;
    let kept = issue(store, demo.id, new_token(1)).await;
    let before = store.token(app.id, id).await.unwrap().unwrap();
    assert!(store.write(DeleteApp { id: app.id, at: at(5), by: BY }).await.unwrap());

    assert_eq!(store.app_by_key(&app.key).await.unwrap(), None);
    assert_eq!(store.apps().await.unwrap(), std::slice::from_ref(&demo));
    assert_eq!(store.token(app.id, id).await.unwrap(), None);
    assert_eq!(find(store, 1).await.unwrap().token.id, kept);
    let all = TokenFilter {
        app_id: app.id,
        kinds: TokenKind::ALL.to_vec(),
        owner: OwnerFilter::Any,
        view: View::Whole,
        unused_since: None,
    };
    assert_eq!(store.count_tokens(&all).await.unwrap(), 0);
    assert_eq!(store.list_tokens(&all, PAGE).await.unwrap(), []);
    assert_eq!(store.write(replacing(before.token, before.revision)).await.unwrap(), Replaced::Stale);
    assert!(!store.write(revoking(app.id, id, at(6))).await.unwrap());

    assert!(store.write(DeleteApp { id: demo.id, at: at(7), by: BY }).await.unwrap());
    assert_eq!(store.default_app().await.unwrap(), None);
    assert_eq!(find(store, 1).await, None);
}

pub(crate) async fn a_freed_key_gets_another_number(database: &TestDatabase) {
    let (store, _) = begin_on(database).await;
    let first = create_app(store, "shop").await;
    issue(store, first.id, new_token(1)).await;
    assert!(store.write(DeleteApp { id: first.id, at: at(1), by: BY }).await.unwrap());
    let again = NewApp { client_id: "again".to_owned(), ..new_app("shop") };
    let AppCreated::Created(second) =
        store.write(CreateApp { app: again, admin: new_admin(), by: BY }).await.unwrap()
    else {
        panic!("the key is not free");
    };
    assert!(second.id > first.id);
    assert_eq!(store.count_tokens(&shared(second.id)).await.unwrap(), 0);
    issue(store, second.id, new_token(1)).await;
    let client_of_first = NewApp { key: key("other"), ..new_app("shop") };
    let taken = store.write(CreateApp { app: client_of_first, admin: new_admin(), by: BY }).await.unwrap();
    assert_eq!(taken, AppCreated::KeyTaken, "client ids are never used again");
}

pub(crate) async fn a_deleted_app_changes_no_more(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    assert!(store.write(DeleteApp { id: app.id, at: at(1), by: BY }).await.unwrap());
    assert!(!store.write(DeleteApp { id: app.id, at: at(2), by: BY }).await.unwrap());
    for revision in 1..4 {
        let change = store.write(changing(app.id, revision, AppChange::default(), at(3))).await.unwrap();
        assert_eq!(change, AppChanged::Stale);
    }
    // Issued by a caller that had looked the app up just before: harmless, since it cannot be found.
    let late = store.write(inserting(app.id, vec![new_token(1)], at(3))).await.unwrap();
    assert_eq!(late.len(), 1);
    assert_eq!(find(store, 1).await, None);
}

pub(crate) async fn deleted_apps_are_swept_in_batches(database: &TestDatabase) {
    let (store, demo) = begin_on(database).await;
    let app = create_app(store, "shop").await;
    let tokens = (0..10).map(new_token).collect::<Vec<_>>();
    store.write(inserting(app.id, tokens.clone(), at(0))).await.unwrap();
    store.write(inserting(demo.id, tokens, at(0))).await.unwrap();
    for number in 0..3 {
        let all = store.find_tokens(&[digest(number)]).await.unwrap();
        let token = all.iter().find(|stored| stored.token.app_id == app.id).unwrap();
        assert!(store.write(revoking(app.id, token.token.id, at(1))).await.unwrap());
    }
    assert_eq!(store.write(SweepDeletedApps { limit: 100 }).await.unwrap(), 0);
    assert!(store.write(DeleteApp { id: app.id, at: at(2), by: BY }).await.unwrap());
    // Ten, and the admin's.
    let mut swept = Vec::new();
    while swept.last() != Some(&0) {
        swept.push(store.write(SweepDeletedApps { limit: 4 }).await.unwrap());
    }
    assert_eq!(swept, [4, 4, 3, 0]);
    assert_eq!(store.count_tokens(&shared(demo.id)).await.unwrap(), 10);
}
