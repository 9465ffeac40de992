use crate::database::{BY, TestDatabase};
use crate::fixture::*;
use jeton_core::{AppId, Timestamp, TokenId};
use jeton_store::write::{AddUsage, DeleteApp, SweepDeletedApps};
use jeton_store::{Order, Store, TokenFilter, TokenPage, TokenUse};
use std::net::IpAddr;

fn used(app_id: AppId, token_id: TokenId, millis: i64, address: Option<&str>, use_count: u64) -> TokenUse {
    let last_address = address.map(|address| address.parse::<IpAddr>().unwrap());
    TokenUse { app_id, token_id, last_used_at: at(millis), last_address, use_count }
}

/// What is known, in the order of the tokens.
async fn usage(store: &dyn Store, app_id: AppId, ids: &[TokenId]) -> Vec<TokenUse> {
    let mut found = store.usage_of(app_id, ids).await.unwrap();
    found.sort_by_key(|used| used.token_id);
    found
}

pub(crate) async fn uses_add_up(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let one = issue(store, app.id, new_token(1)).await;
    let two = issue(store, app.id, new_token(2)).await;
    assert_eq!(usage(store, app.id, &[one, two]).await, []);
    store.write(AddUsage { uses: vec![] }).await.unwrap();
    store
        .write(AddUsage { uses: vec![used(app.id, two, 5, None, 3), used(app.id, one, 7, Some("::1"), 1)] })
        .await
        .unwrap();
    let expected = [used(app.id, one, 7, Some("::1"), 1), used(app.id, two, 5, None, 3)];
    assert_eq!(usage(store, app.id, &[one, two]).await, expected);
    // An earlier use counts and changes nothing else; one without an address leaves the old one.
    store.write(AddUsage { uses: vec![used(app.id, one, 6, Some("10.0.0.1"), 2)] }).await.unwrap();
    assert_eq!(usage(store, app.id, &[one]).await, [used(app.id, one, 7, Some("::1"), 3)]);
    store.write(AddUsage { uses: vec![used(app.id, one, 8, None, 1)] }).await.unwrap();
    assert_eq!(usage(store, app.id, &[one]).await, [used(app.id, one, 8, Some("::1"), 4)]);
    store.write(AddUsage { uses: vec![used(app.id, one, 8, Some("10.0.0.1"), 1)] }).await.unwrap();
    assert_eq!(usage(store, app.id, &[one]).await, [used(app.id, one, 8, Some("10.0.0.1"), 5)]);
    let other = create_app(store, "other").await;
    assert_eq!(usage(store, other.id, &[one]).await, []);
}

pub(crate) async fn a_use_changes_neither_revision_nor_log(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let id = issue(store, app.id, new_token(1)).await;
    let (token, log) = (store.token(app.id, id).await.unwrap(), database.changes_after(0).await);
    store.write(AddUsage { uses: vec![used(app.id, id, 1, None, 1)] }).await.unwrap();
    assert_eq!(store.token(app.id, id).await.unwrap(), token);
    assert_eq!(database.changes_after(0).await, log);
}

pub(crate) async fn use_goes_with_its_token(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let other = create_app(store, "other").await;
    let gone = issue(store, app.id, new_token(1)).await;
    let kept = issue(store, app.id, new_token(2)).await;
    let both = || vec![used(app.id, gone, 1, None, 1), used(app.id, kept, 1, None, 1)];
    store.write(AddUsage { uses: both() }).await.unwrap();
    assert!(store.write(deleting(app.id, gone, at(2))).await.unwrap());
    assert_eq!(usage(store, app.id, &[gone, kept]).await.len(), 1);
    // It is passed over, and so is one of another app; the rest goes in.
    let mut uses = both();
    uses.push(used(other.id, kept, 1, None, 1));
    store.write(AddUsage { uses }).await.unwrap();
    assert_eq!(usage(store, app.id, &[gone, kept]).await, [used(app.id, kept, 1, None, 2)]);
    assert_eq!(usage(store, other.id, &[kept]).await, []);
    // Deleted apps are swept with it.
    assert!(store.write(DeleteApp { id: app.id, at: at(3), by: BY }).await.unwrap());
    while store.write(SweepDeletedApps { limit: 100 }).await.unwrap() > 0 {}
    assert_eq!(usage(store, app.id, &[kept]).await, []);
}

pub(crate) async fn unused_tokens_are_found(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let old = issue(store, app.id, new_token(1)).await;
    let used_early = issue(store, app.id, new_token(2)).await;
    let used_late = issue(store, app.id, new_token(3)).await;
    let young = issue(store, app.id, jeton_store::NewToken { created_at: at(20), ..new_token(4) }).await;
    let uses = vec![used(app.id, used_early, 9, None, 1), used(app.id, used_late, 10, None, 1)];
    store.write(AddUsage { uses }).await.unwrap();
    let found = async |since: Option<Timestamp>| {
        let filter = TokenFilter { unused_since: since, ..shared(app.id) };
        let page = TokenPage { order: Order::OldestFirst, after: None, skip: 0, limit: 10 };
        let ids: Vec<_> =
            store.list_tokens(&filter, page).await.unwrap().iter().map(|stored| stored.token.id).collect();
        assert_eq!(store.count_tokens(&filter).await.unwrap(), ids.len() as u64);
        ids
    };
    assert_eq!(found(None).await, [old, used_early, used_late, young]);
    assert_eq!(found(Some(at(10))).await, [old, used_early]);
    assert_eq!(found(Some(at(11))).await, [old, used_early, used_late]);
    assert_eq!(found(Some(at(20))).await, [old, used_early, used_late]);
    assert_eq!(found(Some(at(21))).await, [old, used_early, used_late, young]);
}

pub(crate) async fn thousands_are_used_at_once(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let tokens = (0..2_500).map(new_token).collect();
    store.write(inserting(app.id, tokens, at(0))).await.unwrap();
    let filter = shared(app.id);
    let page = TokenPage { order: Order::OldestFirst, after: None, skip: 0, limit: 10_000 };
    let ids: Vec<_> =
        store.list_tokens(&filter, page).await.unwrap().iter().map(|stored| stored.token.id).collect();
    let uses = || ids.iter().map(|id| used(app.id, *id, 1, None, 2)).collect();
    store.write(AddUsage { uses: uses() }).await.unwrap();
    store.write(AddUsage { uses: uses() }).await.unwrap();
    let found = usage(store, app.id, &ids).await;
    assert_eq!(found.len(), 2_500);
    assert!(found.iter().all(|used| used.use_count == 4));
}
