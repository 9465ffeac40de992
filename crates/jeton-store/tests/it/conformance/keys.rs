//! Which keys rows were made with, and how others take their place.

use crate::database::{BY, TestDatabase};
use crate::fixture::*;
use jeton_core::{AppId, ChangeKind, TokenId};
use jeton_store::Progress;
use jeton_store::write::{
    AddKey, ChangeApp, CreateApp, CreateOperator, ForgetKey, ReplaceDataKey, ReplaceDigests, RetireKey,
    RevokeOperator, RotateToken,
};
use jeton_store::{
    App, AppChange, AppChanged, Credential, DigestPlace, KeyCheck, KeyRetired, KeyUse, NewClientSecret,
    NewDigest, OldDigest, Store,
};

/// A data key as far as the store looks into it: which key of the ring has sealed it.
fn data_key(key_id: u8, number: u8) -> Vec<u8> {
    [&[1, 0, 0, 0, key_id][..], &[number; 60]].concat()
}

fn new(place: DigestPlace, was: u32, now: u32, first_key_id: Option<u32>) -> NewDigest {
    NewDigest { place, was: digest(was), digest: digest(now), first_key_id, sealed: None }
}

async fn replace(store: &dyn Store, digests: Vec<NewDigest>) -> u64 {
    store.write(ReplaceDigests { key_id: 2, digests }).await.unwrap()
}

/// What needs a key, and how many rows, the begun ones last.
async fn uses(store: &dyn Store, key_id: u32) -> Vec<(KeyUse, u64)> {
    let all = store.key_uses().await.unwrap();
    let uses = all.iter().filter(|uses| uses.key_id == key_id).map(|uses| (uses.what, uses.rows));
    let mut uses: Vec<_> = uses.collect();
    uses.sort_unstable();
    uses
}

/// How many digests begin with a key.
async fn begun(store: &dyn Store, key_id: u32) -> u64 {
    let uses = uses(store, key_id).await;
    uses.iter().filter(|(what, _)| *what == KeyUse::Begun).map(|(_, rows)| rows).sum()
}

async fn retire(store: &dyn Store, key_id: u32) -> KeyRetired {
    let check = vec![9; 16];
    store.write(RetireKey { key_id, check, at: at(50), by: BY }).await.unwrap()
}

async fn change(store: &dyn Store, app: &App, change: AppChange) -> App {
    let write = ChangeApp { id: app.id, expected: app.revision, change, at: at(1), by: BY };
    match store.write(write).await.unwrap() {
        AppChanged::Changed(app) => app,
        AppChanged::Stale => panic!("nobody else changes it"),
    }
}

async fn operator_id(store: &dyn Store) -> jeton_core::OperatorId {
    store.operator_by_digest(&digest(999_998)).await.unwrap().unwrap().id
}

fn rotating(app_id: AppId, id: TokenId, expected: i64, to: u32, key_id: u32) -> RotateToken {
    RotateToken {
        app_id,
        id,
        expected,
        digest: digest(to),
        digest_key_id: key_id,
        sealed: None,
        sealed_under: None,
        old_until: at(100),
        at: at(10),
        by: BY,
    }
}

/// Gives everything that a new database has to the second key.
async fn give_all(store: &dyn Store, app: &App) {
    let admin = find(store, 999_999).await.unwrap().token.id;
    let sealed = Some(vec![5]);
    let admin = NewDigest { sealed, ..new(DigestPlace::Token(app.id, admin), 999_999, 1_999_999, Some(1)) };
    let operator = new(DigestPlace::Operator(operator_id(store).await), 999_998, 1_999_998, Some(1));
    let client = new(DigestPlace::Client(app.id), 900_000, 1_900_000, Some(1));
    assert_eq!(replace(store, vec![admin, operator, client]).await, 3);
}

pub(crate) async fn rows_name_the_keys_that_they_need(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let app =
        change(store, &app, AppChange { data_key: Some(Some(data_key(1, 7))), ..AppChange::default() }).await;
    let secret =
        NewClientSecret { digest: digest(5), key_id: 2, others: vec![Credential::lasting(digest(900_000))] };
    change(store, &app, AppChange { client_secret: Some(secret), ..AppChange::default() }).await;
    let id = issue(store, app.id, new_token(1)).await;
    issue(store, app.id, new_token(2).with(|token| token.digest_key_id = 2)).await;
    assert!(store.write(rotating(app.id, id, 1, 3, 2)).await.unwrap());
    let operator = new_operator(4).with(|operator| operator.digest_key_id = 2);
    let operator = store.write(CreateOperator { operator, by: BY }).await.unwrap().unwrap();
    let of_first = [
        (KeyUse::Tokens, 1),
        (KeyUse::FurtherSecrets, 1),
        (KeyUse::ClientSecrets, 1),
        (KeyUse::Operators, 1),
        (KeyUse::DataKeys, 1),
    ];
    assert_eq!(uses(store, 1).await, of_first);
    let of_second = [(KeyUse::Tokens, 2), (KeyUse::ClientSecrets, 1), (KeyUse::Operators, 1)];
    assert_eq!(uses(store, 2).await, of_second);
    assert!(store.write(RevokeOperator { id: operator, at: at(2), by: BY }).await.unwrap());
    assert_eq!(uses(store, 2).await, of_second[..2], "nobody presents its token any more");

    let old = |place, number, sealed| OldDigest {
        place,
        digest: digest(number),
        key_id: 1,
        first_key_id: None,
        sealed,
    };
    let admin = find(store, 999_999).await.unwrap();
    let place = DigestPlace::Token(app.id, admin.token.id);
    assert_eq!(store.old_tokens(1, None, 10).await.unwrap(), [old(place, 999_999, admin.sealed.clone())]);
    assert_eq!(store.old_tokens(1, Some((app.id, admin.token.id)), 10).await.unwrap(), []);
    let others = [
        old(DigestPlace::Further(app.id), 1, None),
        old(DigestPlace::OldClient(app.id), 900_000, None),
        old(DigestPlace::Operator(operator_id(store).await), 999_998, None),
    ];
    assert_eq!(store.old_digests(1, 10).await.unwrap(), others);
    assert_eq!(store.old_digests(1, 2).await.unwrap(), others[..2]);
}

pub(crate) async fn a_digest_takes_the_place_of_the_one_that_it_was_made_for(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let id = issue(store, app.id, new_token(1)).await;
    let other = issue(store, app.id, new_token(2).with(|token| token.sealed = None)).await;
    let before = find(store, 1).await.unwrap();
    let log = database.changes_after(0).await.len();
    let place = DigestPlace::Token(app.id, id);
    let sealed = |now, was| NewDigest { sealed: Some(vec![6]), ..new(place, was, now, Some(1)) };
    assert_eq!(replace(store, vec![sealed(11, 7)]).await, 0, "another digest");
    assert_eq!(replace(store, vec![new(place, 1, 11, None)]).await, 0, "its secret is kept");
    assert_eq!(replace(store, vec![sealed(2, 1)]).await, 0, "another token has it");
    assert_eq!(replace(store, vec![sealed(11, 1), sealed(12, 1)]).await, 1, "only the first");
    let unsealed = DigestPlace::Token(app.id, other);
    let with_seal = NewDigest { sealed: Some(vec![6]), ..new(unsealed, 2, 13, None) };
    assert_eq!(replace(store, vec![with_seal]).await, 0, "its secret is not kept");
    assert_eq!(replace(store, vec![new(unsealed, 2, 13, None)]).await, 1);

    let after = find(store, 11).await.unwrap();
    assert_eq!((&after.token, after.revision), (&before.token, before.revision));
    assert_eq!((after.sealed, after.is_foreign), (Some(vec![6]), true));
    assert_eq!((find(store, 1).await, find(store, 12).await), (None, None));
    assert_eq!(begun(store, 1).await, 1, "the second one begins with no other");
    assert_eq!(database.changes_after(0).await.len(), log, "nobody has to hear of it");

    give_all(store, &app).await;
    assert_eq!(store.app_by_id(app.id).await.unwrap().unwrap().client_secrets[0].digest, digest(1_900_000));
    assert!(store.operator_by_digest(&digest(999_998)).await.unwrap().is_none());
    assert!(store.operator_by_digest(&digest(1_999_998)).await.unwrap().is_some());
    assert_eq!(begun(store, 1).await, 4, "one of before, and these");
    assert_eq!(store.check(&Progress::default()).await.unwrap().faults, [""; 0]);
}

pub(crate) async fn a_rotated_token_names_the_keys_of_each_secret(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let id = issue(store, app.id, new_token(1).with(|token| token.sealed = None)).await;
    assert_eq!(replace(store, vec![new(DigestPlace::Token(app.id, id), 1, 11, Some(1))]).await, 1);
    assert!(store.write(rotating(app.id, id, 1, 3, 2)).await.unwrap());
    assert_eq!(begun(store, 1).await, 1, "the old secret alone");
    let further = DigestPlace::Further(app.id);
    assert_eq!(replace(store, vec![new(further, 11, 12, None)]).await, 1);
    assert_eq!(begun(store, 1).await, 0);
    assert_eq!(find(store, 12).await.unwrap().credential.good_until, Some(at(100)));
    // Another further secret has that digest.
    assert!(store.write(rotating(app.id, id, 2, 4, 2)).await.unwrap());
    assert_eq!(replace(store, vec![new(further, 3, 12, None)]).await, 0);
    assert_eq!((find(store, 3).await.unwrap().token.id, find(store, 12).await.unwrap().token.id), (id, id));
    assert_eq!(store.check(&Progress::default()).await.unwrap().faults, [""; 0]);
}

pub(crate) async fn a_key_is_retired_once_nothing_needs_it(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    assert_eq!(retire(store, 7).await, KeyRetired::Unknown);
    assert!(matches!(retire(store, 1).await, KeyRetired::Needed(3)));
    give_all(store, &app).await;
    let change_to = |key_id| AppChange { data_key: Some(Some(data_key(key_id, 7))), ..AppChange::default() };
    let app = change(store, &store.app_by_id(app.id).await.unwrap().unwrap(), change_to(1)).await;
    assert_eq!(retire(store, 1).await, KeyRetired::Needed(1), "a data key");
    change(store, &app, change_to(2)).await;
    assert_eq!(retire(store, 1).await, KeyRetired::Done);
    assert_eq!(retire(store, 1).await, KeyRetired::Before);
    let retired = KeyCheck { key_id: 1, check: vec![9; 16], retired_at: Some(at(50)) };
    let kept = KeyCheck { key_id: 2, check: vec![2; 16], retired_at: None };
    assert_eq!(store.key_checks().await.unwrap().unwrap(), [retired.clone(), kept.clone()]);
    let last = database.changes_after(0).await.pop().unwrap();
    assert_eq!((last.kind, last.subject_id, last.at), (ChangeKind::KeyRetired, Some(1), at(50)));

    // What is left of it goes with the last digest that begins with it.
    assert_eq!(store.write(ForgetKey { key_id: 1 }).await.unwrap(), 3);
    let admin = find(store, 1_999_999).await.unwrap().token.id;
    let sealed = Some(vec![5]);
    let admin = NewDigest { sealed, ..new(DigestPlace::Token(app.id, admin), 1_999_999, 21, None) };
    let operator = store.operator_by_digest(&digest(1_999_998)).await.unwrap().unwrap().id;
    let operator = new(DigestPlace::Operator(operator), 1_999_998, 22, None);
    assert_eq!(replace(store, vec![admin, operator]).await, 2);
    assert_eq!(store.write(ForgetKey { key_id: 1 }).await.unwrap(), 1);
    assert_eq!(replace(store, vec![new(DigestPlace::Client(app.id), 1_900_000, 23, None)]).await, 1);
    assert_eq!(store.write(ForgetKey { key_id: 1 }).await.unwrap(), 0);
    let forgotten = KeyCheck { check: Vec::new(), ..retired };
    assert_eq!(store.key_checks().await.unwrap().unwrap(), [forgotten, kept]);
    let third = KeyCheck { key_id: 3, check: vec![3; 16], retired_at: None };
    let add = AddKey { key: third, at: at(60), by: BY };
    assert!(store.write(add.clone()).await.unwrap());
    assert!(!store.write(add).await.unwrap(), "it is known");
    let added =
        database.changes_after(0).await.into_iter().filter(|change| change.kind == ChangeKind::KeyAdded);
    assert_eq!(added.map(|change| change.subject_id).collect::<Vec<_>>(), [Some(3)]);
}

/// By a server that has not heard of it yet.
pub(crate) async fn nothing_is_written_that_a_retired_key_is_needed_for(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let id = issue(store, app.id, new_token(1).with(|token| token.digest_key_id = 2)).await;
    give_all(store, &app).await;
    let app = store.app_by_id(app.id).await.unwrap().unwrap();
    assert_eq!(retire(store, 1).await, KeyRetired::Done);
    let log = database.changes_after(0).await.len();
    let tokens = [new_token(2), new_token(3).with(|token| token.digest_key_id = 2)];
    for tokens in [tokens[..1].to_vec(), tokens.to_vec(), (10..200).map(new_token).collect()] {
        assert!(store.write(inserting(app.id, tokens, at(60))).await.is_err());
    }
    assert!(store.write(rotating(app.id, id, 1, 4, 1)).await.is_err());
    assert!(store.write(CreateOperator { operator: new_operator(5), by: BY }).await.is_err());
    let create = CreateApp { app: new_app("other"), admin: new_admin(), by: BY };
    assert!(store.write(create).await.is_err());
    let secret = |key_id| NewClientSecret::alone(key_id, digest(6));
    for change in [
        AppChange { client_secret: Some(secret(1)), ..AppChange::default() },
        AppChange { data_key: Some(Some(data_key(1, 8))), ..AppChange::default() },
    ] {
        let write = ChangeApp { id: app.id, expected: app.revision, change, at: at(60), by: BY };
        assert!(store.write(write).await.is_err());
    }
    assert_eq!(database.changes_after(0).await.len(), log);
    // All the rest goes on.
    assert!(store.write(rotating(app.id, id, 1, 7, 2)).await.unwrap());
    let app = change(store, &app, AppChange { client_secret: Some(secret(2)), ..AppChange::default() }).await;
    change(store, &app, AppChange { data_key: Some(None), ..AppChange::default() }).await;
    issue(store, app.id, new_token(8).with(|token| token.digest_key_id = 2)).await;
    assert_eq!(store.check(&Progress::default()).await.unwrap().faults, [""; 0]);
}

pub(crate) async fn a_data_key_takes_the_place_of_the_one_that_it_was_sealed_for(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let app =
        change(store, &app, AppChange { data_key: Some(Some(data_key(1, 7))), ..AppChange::default() }).await;
    let log = database.changes_after(0).await.len();
    let replace = async |was: Vec<u8>| {
        store.write(ReplaceDataKey { app_id: app.id, was, data_key: data_key(2, 7) }).await.unwrap()
    };
    assert!(!replace(data_key(1, 8)).await);
    assert!(replace(data_key(1, 7)).await);
    assert!(!replace(data_key(1, 7)).await, "it has another one by now");
    let after = store.app_by_id(app.id).await.unwrap().unwrap();
    assert_eq!((after.data_key, after.revision), (Some(data_key(2, 7)), app.revision + 1));
    assert_eq!(uses(store, 2).await, [(KeyUse::DataKeys, 1)]);
    assert_eq!(database.changes_after(0).await.len(), log);
}
