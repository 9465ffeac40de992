//! Tokens that are found by more than the digest of the secret which they show.

use crate::database::{BY, TestDatabase};
use crate::fixture::*;
use jeton_core::{AppId, Timestamp, TokenId};
use jeton_store::Progress;
use jeton_store::write::PurgeTokens;
use jeton_store::{
    AppChange, AppChanged, Credential, Inserted, NewClientSecret, NewToken, Purge, Restore, SqliteOptions,
    open_sqlite,
};

/// A digest as SQL says it.
fn literal(database: &TestDatabase, number: u32) -> String {
    let hex: String = digest(number).as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    if database.is_postgres() { format!("'\\x{hex}'") } else { format!("x'{hex}'") }
}

/// Gives a token a further digest past the store.
async fn add(database: &TestDatabase, app: AppId, token: TokenId, number: u32, until: Option<i64>) {
    let (literal, yes) = (literal(database, number), if database.is_postgres() { "true" } else { "1" });
    let until = until.map_or("NULL".to_owned(), |seconds| at(seconds).as_millis().to_string());
    database.execute(&format!(
        "INSERT INTO token_digests (digest, app_id, token_id, digest_key_id, is_foreign, good_from, good_until) \
         VALUES ({literal}, {app}, {token}, 1, {yes}, NULL, {until})"
    ))
    .await;
}

fn until(number: u32, seconds: Option<i64>) -> Credential {
    Credential { good_until: seconds.map(at), ..Credential::lasting(digest(number)) }
}

pub(crate) async fn further_digests_find_their_token(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let id = issue(store, app.id, new_token(1)).await;
    issue(store, app.id, new_token(2)).await;
    add(database, app.id, id, 100, Some(60)).await;
    let own = find(store, 1).await.unwrap();
    assert_eq!((own.token.id, own.credential), (id, until(1, None)));
    let further = find(store, 100).await.unwrap();
    assert_eq!((further.digest, further.credential), (digest(1), until(100, Some(60))));
    assert_eq!((&further.token, &further.sealed), (&own.token, &own.sealed));
    let many: Vec<_> = [1, 2, 100, 3].map(digest).into();
    let mut found = store.find_tokens_of(app.id, &many).await.unwrap();
    found.sort_by_key(|stored| stored.credential.digest.as_bytes().to_owned());
    let found: Vec<_> = found.iter().map(|stored| stored.credential.digest).collect();
    assert_eq!(found, [digest(1), digest(2), digest(100)]);
    let last = TokenId::new(jeton_core::MAX_INTEGER).unwrap();
    assert_eq!(store.foreign_digests(id, last, 10).await.unwrap(), [(id, digest(100))]);
    assert_eq!(store.check(&Progress::default()).await.unwrap().faults, [""; 0]);
}

pub(crate) async fn a_further_digest_is_taken_and_goes_with_its_token(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let id = issue(store, app.id, new_token(1)).await;
    add(database, app.id, id, 100, None).await;
    let foreign = |number| NewToken { is_foreign: true, ..new_token(number) };
    let batch = vec![foreign(3), foreign(100), foreign(4)];
    let answers = store.write(inserting(app.id, batch, at(1))).await.unwrap();
    assert!(matches!(answers[..], [Inserted::Issued(_), Inserted::Duplicate, Inserted::Issued(_)]));
    assert!(store.write(revoking(app.id, id, at(2))).await.unwrap());
    let dead = find(store, 100).await.unwrap();
    assert_eq!((dead.token.id, dead.token.revoked_at), (id, Some(at(2))), "a tombstone by either");
    let purge = PurgeTokens { which: Purge::Revoked, before: at(9), limit: 9, at: at(9), by: BY };
    assert_eq!(store.write(purge).await.unwrap(), 1);
    assert_eq!(find(store, 100).await, None);
    let again = store.write(inserting(app.id, vec![foreign(100)], at(10))).await.unwrap();
    assert!(matches!(again[..], [Inserted::Issued(_)]));
}

pub(crate) async fn a_backup_holds_further_digests_and_brings_back_none_that_ended(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let id = issue(store, app.id, new_token(1)).await;
    let dead = issue(store, app.id, new_token(2)).await;
    for number in [100, 101, 102] {
        add(database, app.id, id, number, Some(900)).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("backup.db");
    std::fs::File::create(&path).unwrap();
    store.back_up(&path, &Progress::default()).await.unwrap();
    let other = open_sqlite(&folder.path().join("other.db"), SqliteOptions::default()).await.unwrap();
    let restore = Restore {
        path,
        key_checks: genesis().key_checks,
        epoch: 22,
        keeps_removed: true,
        at: at(500),
        by: BY,
        progress: Progress::default(),
    };
    other.write(restore.clone()).await.unwrap();
    assert_eq!(find(&*other, 101).await.unwrap().credential, until(101, Some(900)));
    other.close().await;

    // Since the backup, one has gone, one ends sooner, and a token that has another was revoked.
    add(database, app.id, dead, 200, None).await;
    database.execute(&format!("DELETE FROM token_digests WHERE digest = {}", literal(database, 100))).await;
    let (sooner, which) = (at(60).as_millis(), literal(database, 101));
    database.execute(&format!("UPDATE token_digests SET good_until = {sooner} WHERE digest = {which}")).await;
    assert!(store.write(revoking(app.id, dead, at(5))).await.unwrap());
    store.write(restore).await.unwrap();
    assert_eq!(find(store, 100).await, None);
    assert_eq!(find(store, 101).await.unwrap().credential, until(101, Some(60)));
    assert_eq!(find(store, 102).await.unwrap().credential, until(102, Some(900)));
    assert_eq!(find(store, 200).await.unwrap().token.revoked_at, Some(at(5)));
    assert_eq!(store.check(&Progress::default()).await.unwrap().faults, [""; 0]);
}

pub(crate) async fn old_client_secrets_stay_as_they_are(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let others = |seconds: &[(u32, i64)]| -> Vec<_> {
        seconds.iter().map(|(number, seconds)| until(*number, Some(*seconds))).collect()
    };
    let rotate = async |revision, number, others: Vec<Credential>| {
        let secret = NewClientSecret { digest: digest(number), key_id: 1, others };
        let change = AppChange { client_secret: Some(secret), ..AppChange::default() };
        store.write(changing(app.id, revision, change, at(1))).await.unwrap()
    };
    let secrets = async || {
        let (found, client) = (store.app_by_key(&app.key).await, store.client_of(&app.key).await);
        let (found, mut client) = (found.unwrap().unwrap(), client.unwrap().unwrap());
        assert_eq!(client.id, app.client_id);
        client.secrets.sort_by_key(|secret| std::cmp::Reverse(secret.good_until.unwrap_or(Timestamp::MAX)));
        assert_eq!(client.secrets, found.client_secrets);
        found.client_secrets
    };
    let AppChanged::Changed(changed) = rotate(1, 50, others(&[(51, 900), (52, 800)])).await else {
        panic!("its revision is 1");
    };
    let first = [vec![until(50, None)], others(&[(51, 900), (52, 800)])].concat();
    assert_eq!((changed.client_secrets, secrets().await), (first.clone(), first.clone()));
    let settings = AppChange { settings: Some("{}".to_owned()), ..AppChange::default() };
    let changed = store.write(changing(app.id, 2, settings, at(1))).await.unwrap();
    assert!(matches!(changed, AppChanged::Changed(app) if app.client_secrets == first));
    assert_eq!(rotate(2, 99, others(&[(98, 900)])).await, AppChanged::Stale);
    assert_eq!(secrets().await, first);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("backup.db");
    std::fs::File::create(&path).unwrap();
    store.back_up(&path, &Progress::default()).await.unwrap();
    let second = [vec![until(60, None)], others(&[(50, 700), (51, 600)])].concat();
    rotate(3, 60, second[1..].to_vec()).await;
    let key_checks = genesis().key_checks;
    let restore = Restore {
        path,
        key_checks,
        epoch: 22,
        keeps_removed: true,
        at: at(500),
        by: BY,
        progress: Progress::default(),
    };
    store.write(restore.clone()).await.unwrap();
    assert_eq!(secrets().await, second, "what was replaced since stays so");
    store.write(Restore { keeps_removed: false, ..restore }).await.unwrap();
    assert_eq!(secrets().await, first);
    assert_eq!(store.check(&Progress::default()).await.unwrap().faults, [""; 0]);
}
