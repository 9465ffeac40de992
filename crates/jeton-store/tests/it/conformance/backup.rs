use crate::database::{BY, TestDatabase};
use crate::fixture::*;
use jeton_core::{Actor, AppId, Cause, ChangeKind, Document, Owner};
use jeton_store::Progress;
use jeton_store::write::{AddUsage, CreateOperator, DeleteApp, RevokeOperator, RevokeToken};
use jeton_store::{
    AppChange, BackedUp, Credential, LogState, NewClientSecret, NewToken, Order, Replaced, Restore, Restored,
    Store, StoredToken, TokenPage, TokenUse, View, check_backup,
};
use std::fs::File;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A backup of what a store holds now.
pub(super) async fn back_up(store: &dyn Store) -> (TempDir, PathBuf, BackedUp) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("backup.db");
    File::create_new(&path).unwrap();
    let backed_up = store.back_up(&path, &Progress::default()).await.unwrap();
    (folder, path, backed_up)
}

pub(super) fn restoring(path: &Path) -> Restore {
    Restore {
        path: path.to_owned(),
        key_checks: genesis().key_checks,
        epoch: 22,
        keeps_removed: true,
        at: at(500),
        by: BY,
        progress: Progress::default(),
    }
}

/// Everything of a token that a restore brings back: its revision goes on.
fn content(stored: StoredToken) -> StoredToken {
    StoredToken { revision: 0, ..stored }
}

async fn contents(store: &dyn Store, app_id: AppId) -> Vec<StoredToken> {
    let filter = jeton_store::TokenFilter { view: View::Whole, ..shared(app_id) };
    let page = TokenPage { order: Order::OldestFirst, after: None, skip: 0, limit: 10_000 };
    store.list_tokens(&filter, page).await.unwrap().into_iter().map(content).collect()
}

/// Two apps, one of them deleted, tokens with everything that a token may have, a tombstone, two operators.
pub(super) async fn fill(store: &dyn Store, demo: AppId) {
    let shop = create_app(store, "shop").await;
    assert!(store.write(DeleteApp { id: shop.id, at: at(1), by: BY }).await.unwrap());
    let full = NewToken {
        expires_at: Some(at(77)),
        disabled_by: Some(user_actor("7", 3)),
        is_foreign: true,
        ..new_token(1).with(|token| {
            token.spec.owner = Owner::StandIn(user("a:b"));
            token.spec.title = jeton_core::Label::new("签".to_owned()).ok();
            token.spec.permissions_as_sent = Some("read , write".to_owned());
            token.spec.document = Document::new("{\"a\":\"\\u0000\"}".to_owned()).ok();
        })
    };
    let tokens = [vec![full], (2..2_000).map(new_token).collect()].concat();
    store.write(inserting(demo, tokens, at(2))).await.unwrap();
    let dead = find(store, 2).await.unwrap().token.id;
    let used =
        TokenUse { app_id: demo, token_id: dead, last_used_at: at(3), last_address: None, use_count: 4 };
    store.write(AddUsage { uses: vec![used] }).await.unwrap();
    let by = Cause::new(user_actor("7", 3), Some("2001:db8::7".parse().unwrap()));
    assert!(store.write(RevokeToken { by, ..revoking(demo, dead, at(3)) }).await.unwrap());
    store.write(CreateOperator { operator: new_operator(5_000), by: BY }).await.unwrap().unwrap();
}

pub(crate) async fn everything_comes_back_on_either_engine(database: &TestDatabase) {
    let (store, demo) = begin_on(database).await;
    fill(store, demo.id).await;
    let (_folder, path, backed_up) = back_up(store).await;
    assert_eq!(backed_up, BackedUp { apps: 2, tokens: 2_001, changes: 2_007 });
    let report = check_backup(&path, &Progress::default()).await.unwrap();
    assert_eq!((report.faults, report.tokens, report.changes), (vec![], 2_001, 2_007));
    assert_eq!(report.key_checks.len(), 2);

    let log = database.changes_after(0).await;
    let last_token = contents(store, demo.id).await.last().unwrap().token.id;
    for other in database.each_engine().await {
        let restored = other.store.write(restoring(&path)).await.unwrap();
        let expected = Restored { apps: 2, tokens: 2_001, changes: 2_007, ..Restored::default() };
        assert_eq!(restored, expected);
        let app = other.store.default_app().await.unwrap().unwrap();
        assert_eq!(app, demo);
        let tokens = (contents(&*other.store, app.id).await, contents(store, demo.id).await);
        assert!(tokens.0 == tokens.1, "tokens differ");
        assert_eq!(content(find(&*other.store, 2).await.unwrap()), content(find(store, 2).await.unwrap()));
        assert_eq!(other.store.operators().await.unwrap(), store.operators().await.unwrap());
        let uses = store.uses_of_apps(None).await.unwrap();
        assert_eq!((other.store.uses_of_apps(None).await.unwrap(), uses.len()), (uses.clone(), 1));
        let [old @ .., last] = &other.changes_after(0).await[..] else { panic!("an empty log") };
        assert_eq!(old, log);
        assert_eq!((last.kind, last.at, &last.by), (ChangeKind::Restored, at(500), &BY));
        assert_eq!(other.store.log_state(0).await.unwrap(), LogState { epoch: 22, has_gap: false });
        assert_eq!(other.store.check(&Progress::default()).await.unwrap().faults, [""; 0]);
        let next = issue(&*other.store, app.id, new_token(9_000)).await;
        assert!(next > last_token, "{next}");
    }
}

/// What was known as refused stays refused.
pub(crate) async fn what_was_removed_since_stays_removed(database: &TestDatabase) {
    let (store, demo) = begin_on(database).await;
    let tokens = (1..=5).map(new_token).collect();
    store.write(inserting(demo.id, tokens, at(1))).await.unwrap();
    let shop = create_app(store, "shop").await;
    let operator =
        store.write(CreateOperator { operator: new_operator(5_000), by: BY }).await.unwrap().unwrap();
    let (_folder, path, _) = back_up(store).await;

    let id = async |number| find(store, number).await.unwrap().token.id;
    assert!(store.write(revoking(demo.id, id(1).await, at(2))).await.unwrap());
    assert!(store.write(deleting(demo.id, id(2).await, at(2))).await.unwrap());
    let three = find(store, 3).await.unwrap();
    let off = jeton_core::Token { disabled_by: Some(Actor::Client), ..three.token };
    assert_eq!(store.write(replacing(off, three.revision)).await.unwrap(), Replaced::Done);
    let later = issue(store, demo.id, NewToken { is_foreign: true, ..new_token(6) }).await;
    assert!(store.write(revoking(demo.id, later, at(3))).await.unwrap());
    issue(store, demo.id, new_token(7)).await;
    assert!(store.write(DeleteApp { id: shop.id, at: at(4), by: BY }).await.unwrap());
    assert!(store.write(RevokeOperator { id: operator, at: at(4), by: BY }).await.unwrap());
    let rotated =
        AppChange { client_secret: Some(NewClientSecret::alone(1, digest(77))), ..AppChange::default() };
    store.write(changing(demo.id, 1, rotated, at(5))).await.unwrap();
    let last = database.last_change().await;

    let restored = store.write(restoring(&path)).await.unwrap();
    let kept = (restored.left_out, restored.kept_revoked, restored.kept_disabled, restored.kept_deleted_apps);
    assert_eq!(kept, (1, 1, 1, 1));
    let one = find(store, 1).await.unwrap();
    assert_eq!((one.token.revoked_at, one.sealed), (Some(at(2)), None));
    assert_eq!(find(store, 2).await, None);
    assert_eq!(find(store, 3).await.unwrap().token.disabled_by, Some(Actor::Client));
    assert_eq!(find(store, 4).await.unwrap().token.revoked_at, None);
    assert_eq!(find(store, 6).await.unwrap().token.revoked_at, Some(at(3)), "its tombstone stays");
    assert_eq!(find(store, 7).await, None, "issued after the backup");
    assert_eq!(store.app_by_key(&"shop".parse().unwrap()).await.unwrap(), None);
    assert_eq!(store.default_app().await.unwrap().unwrap().client_secrets, [Credential::lasting(digest(77))]);
    assert_eq!(store.operators().await.unwrap().len(), 1);
    assert_eq!(store.check(&Progress::default()).await.unwrap().faults, [""; 0]);
    assert!(database.last_change().await > last, "numbers of changes are not given out twice");
}

pub(crate) async fn a_restore_may_bring_back_what_was_removed(database: &TestDatabase) {
    let (store, demo) = begin_on(database).await;
    issue(store, demo.id, new_token(1)).await;
    issue(store, demo.id, new_token(2)).await;
    let (_folder, path, _) = back_up(store).await;
    let id = find(store, 1).await.unwrap().token.id;
    assert!(store.write(revoking(demo.id, id, at(2))).await.unwrap());
    let id = find(store, 2).await.unwrap().token.id;
    assert!(store.write(deleting(demo.id, id, at(2))).await.unwrap());
    let restored = store.write(Restore { keeps_removed: false, ..restoring(&path) }).await.unwrap();
    assert_eq!((restored.tokens, restored.left_out, restored.kept_revoked), (3, 0, 0));
    for number in [1, 2] {
        assert_eq!(find(store, number).await.unwrap().token.revoked_at, None);
    }
    let three = issue(store, demo.id, new_token(3)).await;
    assert!(three > id, "{three}");
}

/// A backup that is newer than what a rehearsal has left brings all that was issued since.
pub(crate) async fn a_later_backup_brings_what_was_issued_since(database: &TestDatabase) {
    let (store, demo) = begin_on(database).await;
    issue(store, demo.id, new_token(1)).await;
    let (_folder, rehearsal, _) = back_up(store).await;
    issue(store, demo.id, new_token(2)).await;
    let (_folder, real, _) = back_up(store).await;
    for other in database.each_engine().await {
        other.store.write(restoring(&rehearsal)).await.unwrap();
        assert_eq!(find(&*other.store, 2).await, None);
        let restored = other.store.write(restoring(&real)).await.unwrap();
        assert_eq!((restored.tokens, restored.left_out), (3, 0));
        assert!(find(&*other.store, 2).await.is_some());
    }
}

/// A writer that has read a row before the restore does not replace the one after it.
pub(crate) async fn a_change_read_before_a_restore_is_stale_after_it(database: &TestDatabase) {
    let (store, demo) = begin_on(database).await;
    issue(store, demo.id, new_token(1)).await;
    let (_folder, path, _) = back_up(store).await;
    let before = find(store, 1).await.unwrap();
    store.write(restoring(&path)).await.unwrap();
    let replaced = store.write(replacing(before.token, before.revision)).await.unwrap();
    assert_eq!(replaced, Replaced::Stale);
    let change = AppChange::default();
    let changed = store.write(changing(demo.id, demo.revision, change, at(9))).await.unwrap();
    assert_eq!(changed, jeton_store::AppChanged::Stale);
}

pub(crate) async fn a_restore_that_fails_changes_nothing(database: &TestDatabase) {
    let (store, demo) = begin_on(database).await;
    issue(store, demo.id, new_token(1)).await;
    let (_folder, path, _) = back_up(store).await;
    issue(store, demo.id, new_token(2)).await;
    let (tokens, log) = (contents(store, demo.id).await, database.changes_after(0).await);

    let nowhere = restoring(&path.with_extension("nowhere"));
    assert!(store.write(nowhere).await.is_err());
    // Found only when it is inserted: two tokens of one number cannot both be there.
    spoil(&path, "DROP INDEX tokens_digest; UPDATE tokens SET digest = zeroblob(32)").await;
    assert!(store.write(restoring(&path)).await.is_err());

    assert_eq!(contents(store, demo.id).await, tokens);
    assert_eq!(database.changes_after(0).await, log);
    assert_eq!(store.log_state(0).await.unwrap().epoch, 11);
    issue(store, demo.id, new_token(3)).await;
}

/// Others read and write meanwhile, and the backup is of one instant: no token without its entry.
pub(crate) async fn a_backup_under_load_is_of_one_instant(database: &TestDatabase) {
    let (store, demo) = begin_on(database).await;
    store.write(inserting(demo.id, (0..2_000).map(new_token).collect(), at(0))).await.unwrap();
    let writer = database.store.clone();
    let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
    let load = tokio::spawn(async move {
        let mut number = 10_000;
        while stopped.try_recv().is_err() {
            issue(&*writer, demo.id, new_token(number)).await;
            number += 1;
        }
        number - 10_000
    });
    let mut backups = Vec::new();
    for _ in 0..3 {
        backups.push(back_up(store).await);
    }
    stop.send(()).unwrap();
    assert!(load.await.unwrap() > 0);
    for (_folder, path, backed_up) in backups {
        // Beside tokens, an app and an operator were made.
        assert_eq!(backed_up.tokens + 2, backed_up.changes);
        assert_eq!(check_backup(&path, &Progress::default()).await.unwrap().faults, [""; 0]);
    }
}

pub(crate) async fn what_makes_no_sense_is_found(database: &TestDatabase) {
    let (store, demo) = begin_on(database).await;
    store.write(inserting(demo.id, (1..4).map(new_token).collect(), at(0))).await.unwrap();
    let (_folder, path, _) = back_up(store).await;
    assert_eq!(store.check(&Progress::default()).await.unwrap().faults, [""; 0]);
    spoil(&path, "UPDATE tokens SET kind = 'king' WHERE id = 2").await;
    spoil(&path, "UPDATE tokens SET digest_key_id = 9 WHERE id = 3").await;
    spoil(&path, "UPDATE sqlite_sequence SET seq = 1 WHERE name = 'changes'").await;
    let faults = check_backup(&path, &Progress::default()).await.unwrap().faults;
    assert_eq!(
        faults,
        [
            "the database holds an invalid value in tokens.kind",
            "changes has numbers beyond 1, the last given out",
            "there are 1 tokens written with a key of which there is no check value",
        ]
    );
    database.execute("UPDATE tokens SET kind = 'king' WHERE id = 2").await;
    assert_eq!(store.check(&Progress::default()).await.unwrap().faults, faults[..1]);
}

/// Runs SQL on a backup.
async fn spoil(path: &Path, sql: &str) {
    use sqlx::{AssertSqlSafe, Connection, Executor, SqliteConnection};
    let url = format!("sqlite://{}", path.display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    connection.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
    connection.close().await.unwrap();
}
