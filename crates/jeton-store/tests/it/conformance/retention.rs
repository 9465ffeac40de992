use crate::database::TestDatabase;
use crate::fixture::*;
use jeton_core::{Cause, ChangeKind, TokenId};
use jeton_store::write::{PurgeTokens, TrimChanges};
use jeton_store::{Change, LogState, NewToken, Purge};

const KEPT: Cause = Cause::RETENTION;

fn expiring(number: u32, seconds: i64) -> NewToken {
    NewToken { expires_at: Some(at(seconds)), ..new_token(number) }
}

fn purges(changes: &[Change]) -> Vec<(Option<jeton_core::AppId>, Option<i64>, Cause)> {
    let purges = changes.iter().filter(|change| change.kind == ChangeKind::TokensPurged);
    purges.map(|change| (change.app_id, change.subject_id, change.by.clone())).collect()
}

pub(crate) async fn expired_tokens_are_purged_in_batches(database: &TestDatabase) {
    let (store, demo) = begin_on(database).await;
    let shop = create_app(store, "shop").await;
    let tokens = vec![expiring(1, 10), expiring(2, 20), expiring(3, 30), new_token(4)];
    store.write(inserting(demo.id, tokens, at(0))).await.unwrap();
    store.write(inserting(shop.id, vec![expiring(5, 10), expiring(6, 20)], at(0))).await.unwrap();
    let start = database.last_change().await;

    assert_eq!(
        store
            .write(PurgeTokens { which: Purge::Expired, before: at(10), limit: 10, at: at(99), by: KEPT })
            .await
            .unwrap(),
        0,
        "not before"
    );
    assert_eq!(
        store
            .write(PurgeTokens { which: Purge::Expired, before: at(30), limit: 3, at: at(99), by: KEPT })
            .await
            .unwrap(),
        3
    );
    assert_eq!(
        store
            .write(PurgeTokens { which: Purge::Expired, before: at(30), limit: 3, at: at(99), by: KEPT })
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        store
            .write(PurgeTokens { which: Purge::Expired, before: at(30), limit: 3, at: at(99), by: KEPT })
            .await
            .unwrap(),
        0
    );
    for (number, is_left) in [(1, false), (2, false), (3, true), (4, true), (5, false), (6, false)] {
        assert_eq!(find(store, number).await.is_some(), is_left, "{number}");
    }
    let (of_demo, of_shop) = ((Some(demo.id), None, KEPT), (Some(shop.id), None, KEPT));
    let entries = purges(&database.changes_after(start).await);
    // Whatever three of the four go first, they are of both apps.
    assert!(entries[..2].contains(&of_demo) && entries[..2].contains(&of_shop), "{entries:?}");
    assert_eq!(entries.len(), 3, "one for each app and batch");
}

/// A LoopBack client may store what has expired long ago, and sees it until it is due.
pub(crate) async fn what_expired_before_it_was_written_stays_as_long(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    issue(store, app.id, expiring(1, -9_999)).await;
    assert_eq!(
        store
            .write(PurgeTokens { which: Purge::Expired, before: at(0), limit: 10, at: at(99), by: KEPT })
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        store
            .write(PurgeTokens { which: Purge::Expired, before: at(1), limit: 10, at: at(99), by: KEPT })
            .await
            .unwrap(),
        1
    );
}

pub(crate) async fn tombstones_are_purged_but_not_those_of_foreign_secrets(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let foreign = NewToken { is_foreign: true, ..expiring(2, 5) };
    let ids = [issue(store, app.id, expiring(1, 5)).await, issue(store, app.id, foreign.clone()).await];
    for id in ids {
        assert!(store.write(revoking(app.id, id, at(10))).await.unwrap());
    }
    assert_eq!(
        store
            .write(PurgeTokens { which: Purge::Expired, before: at(99), limit: 10, at: at(99), by: KEPT })
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        store
            .write(PurgeTokens { which: Purge::Revoked, before: at(10), limit: 10, at: at(99), by: KEPT })
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        store
            .write(PurgeTokens { which: Purge::Revoked, before: at(99), limit: 10, at: at(99), by: KEPT })
            .await
            .unwrap(),
        1
    );
    assert_eq!(find(store, 1).await, None);
    let again = store.write(inserting(app.id, vec![foreign], at(99))).await.unwrap();
    assert_eq!(again, [jeton_store::Inserted::Duplicate], "it was revoked, and still is");
}

pub(crate) async fn the_log_is_trimmed_from_its_beginning(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    for (number, seconds) in [(1, 10), (2, 50), (3, 20), (4, 60)] {
        store.write(inserting(app.id, vec![new_token(number)], at(seconds))).await.unwrap();
    }
    let whole = database.changes_after(0).await;
    assert_eq!(whole.len(), 7);
    assert_eq!(store.write(TrimChanges { before: at(40), limit: 3 }).await.unwrap(), 3);
    // The entry of second 20 is old enough, and comes after one that is not: a hole would hide what is
    // missing.
    assert_eq!(store.write(TrimChanges { before: at(40), limit: 10 }).await.unwrap(), 1);
    assert_eq!(store.write(TrimChanges { before: at(40), limit: 10 }).await.unwrap(), 0);
    assert_eq!(database.changes_after(0).await, whole[4..]);
    assert_eq!(store.write(TrimChanges { before: at(99), limit: 10 }).await.unwrap(), 2);
    assert_eq!(
        store.write(TrimChanges { before: at(99), limit: 10 }).await.unwrap(),
        0,
        "the last entry stays"
    );
    assert_eq!(database.changes_after(0).await, whole[6..]);
}

pub(crate) async fn readers_learn_of_gaps_and_epochs(database: &TestDatabase) {
    assert_eq!(database.store.log_state(0).await.unwrap(), LogState { epoch: 0, has_gap: false });
    let (store, app) = begin_on(database).await;
    store.write(inserting(app.id, vec![new_token(1), new_token(2)], at(10))).await.unwrap();
    let whole = database.changes_after(0).await;
    let state = |has_gap| LogState { epoch: 11, has_gap };
    let [.., before_last, last] = &whole[..] else { panic!("{whole:?}") };
    assert_eq!(store.log_state(before_last.sequence).await.unwrap(), state(false));
    store.write(TrimChanges { before: at(99), limit: 100 }).await.unwrap();
    assert_eq!(store.log_state(before_last.sequence).await.unwrap(), state(true));
    assert_eq!(store.log_state(last.sequence).await.unwrap(), state(false), "it has read everything");
    assert_eq!(store.log_state(0).await.unwrap(), state(false), "it has read nothing, and misses nothing");
    assert_eq!(whole[1].token_id(), TokenId::new(1));
}
