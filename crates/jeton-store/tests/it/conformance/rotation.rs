//! Tokens that are given other secrets.

use super::backup::{back_up, restoring};
use crate::database::{BY, TestDatabase};
use crate::fixture::*;
use jeton_core::{AppId, ChangeKind, TokenId};
use jeton_store::Progress;
use jeton_store::write::{ReportReuse, RotateToken};
use jeton_store::{Credential, SqliteOptions, Store, open_sqlite};

fn rotating(app_id: AppId, id: TokenId, expected: i64, to: u32, (seconds, until): (i64, i64)) -> RotateToken {
    RotateToken {
        app_id,
        id,
        expected,
        digest: digest(to),
        digest_key_id: 1,
        sealed: Some(vec![7]),
        sealed_under: None,
        old_until: at(until),
        at: at(seconds),
        by: BY,
    }
}

fn until(number: u32, seconds: i64) -> Credential {
    Credential { good_until: Some(at(seconds)), ..Credential::lasting(digest(number)) }
}

async fn credential(store: &dyn Store, number: u32) -> (TokenId, Credential) {
    let found = find(store, number).await.unwrap();
    (found.token.id, found.credential)
}

pub(crate) async fn old_secrets_end_and_the_token_stays(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let id = issue(store, app.id, new_token(1)).await;
    let before = find(store, 1).await.unwrap();
    assert!(store.write(rotating(app.id, id, 1, 2, (10, 100))).await.unwrap());
    let after = find(store, 2).await.unwrap();
    assert_eq!((after.token.id, after.digest, after.revision), (id, digest(2), 2));
    assert_eq!((after.credential, after.sealed.clone()), (Credential::lasting(digest(2)), Some(vec![7])));
    let mut expected = before.token.clone();
    expected.updated_at = at(10);
    assert_eq!(after.token, expected);
    assert_eq!(credential(store, 1).await, (id, until(1, 100)));
    // What ends later than the next one ends with it.
    assert!(store.write(rotating(app.id, id, 2, 3, (20, 50))).await.unwrap());
    assert_eq!(credential(store, 1).await, (id, until(1, 50)));
    assert_eq!(credential(store, 2).await, (id, until(2, 50)));
    assert_eq!(credential(store, 3).await, (id, Credential::lasting(digest(3))));
    let changes = database.changes_after(0).await;
    let rotated: Vec<_> = changes.iter().filter(|change| change.kind == ChangeKind::TokenRotated).collect();
    assert_eq!(rotated.len(), 2);
    assert!(rotated.iter().all(|change| change.token_id() == Some(id) && change.removal.is_none()));
    assert_eq!(store.check(&Progress::default()).await.unwrap().faults, [""; 0]);
}

pub(crate) async fn a_rotation_of_what_has_changed_does_nothing(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let id = issue(store, app.id, new_token(1)).await;
    assert!(!store.write(rotating(app.id, id, 2, 2, (10, 100))).await.unwrap(), "another revision");
    let sealed = RotateToken { sealed_under: Some(vec![9].into()), ..rotating(app.id, id, 1, 2, (10, 100)) };
    assert!(!store.write(sealed).await.unwrap(), "another data key");
    let elsewhere = AppId::new(app.id.get() + 1).unwrap();
    assert!(!store.write(rotating(elsewhere, id, 1, 2, (10, 100))).await.unwrap(), "another app");
    assert!(store.write(revoking(app.id, id, at(3))).await.unwrap());
    assert!(!store.write(rotating(app.id, id, 2, 2, (10, 100))).await.unwrap(), "a tombstone");
    assert_eq!((find(store, 2).await, find(store, 1).await.unwrap().digest), (None, digest(1)));
}

pub(crate) async fn only_the_latest_old_secrets_are_remembered(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let id = issue(store, app.id, new_token(1)).await;
    for number in 2..=20_u32 {
        let (revision, seconds) = (i64::from(number) - 1, i64::from(number));
        assert!(store.write(rotating(app.id, id, revision, number, (seconds, seconds))).await.unwrap());
    }
    for number in 1..=3 {
        assert_eq!(find(store, number).await, None, "{number}");
    }
    for number in 4..=19 {
        assert_eq!(credential(store, number).await, (id, until(number, i64::from(number) + 1)));
    }
}

pub(crate) async fn a_restore_brings_no_old_secret_back(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let id = issue(store, app.id, new_token(1)).await;
    issue(store, app.id, new_token(5)).await;
    let (_early_folder, early, _) = back_up(store).await;
    assert!(store.write(rotating(app.id, id, 1, 2, (10, 10))).await.unwrap());
    let (_late_folder, late, _) = back_up(store).await;
    let is_rotated = async |store: &dyn Store| {
        let (id, present) = credential(store, 2).await;
        assert_eq!(present, Credential::lasting(digest(2)));
        assert_eq!(credential(store, 1).await, (id, until(1, 10)));
        assert_eq!(credential(store, 5).await.1, Credential::lasting(digest(5)));
        assert_eq!(store.check(&Progress::default()).await.unwrap().faults, [""; 0]);
    };
    // A backup from before the rotation, and one from after it.
    for path in [&early, &late] {
        let restored = store.write(restoring(path)).await.unwrap();
        assert_eq!((restored.left_out, restored.unknown_tokens), (0, 0));
        is_rotated(store).await;
    }
    // The same into a database that is older than the backup.
    let folder = tempfile::tempdir().unwrap();
    let older = open_sqlite(&folder.path().join("older.db"), SqliteOptions::default()).await.unwrap();
    for path in [&early, &late] {
        let restored = older.write(restoring(path)).await.unwrap();
        assert_eq!(restored.left_out, 0);
    }
    is_rotated(&*older).await;
    older.close().await;
}

pub(crate) async fn reuse_is_told_and_changes_nothing(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let id = issue(store, app.id, new_token(1)).await;
    let before = find(store, 1).await;
    store.write(ReportReuse { app_id: app.id, id, at: at(9), by: BY }).await.unwrap();
    assert_eq!(find(store, 1).await, before);
    let changes = database.changes_after(0).await;
    let last = changes.last().unwrap();
    assert_eq!((last.kind, last.token_id(), last.at), (ChangeKind::TokenReused, Some(id), at(9)));
}
