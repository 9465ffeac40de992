use crate::database::TestDatabase;
use crate::fixture::*;
use jeton_core::{
    AppId, Digest, Label, Owner, Permission, Scope, Scopes, Timestamp, Token, TokenId, TokenKind,
};
use jeton_store::write::SweepSealed;
use jeton_store::{Inserted, NewToken, Replaced, StoreError, StoredToken};

/// A token with something in every field.
fn full(number: u32) -> NewToken {
    let label = |text: &str| Some(Label::new(text.to_owned()).unwrap());
    let narrow = Scope {
        permissions: Permission::parse_list("write").unwrap(),
        global: false,
        ids: vec!["stream-1".to_owned()],
        tags: vec!["room=2".to_owned(), "floor=3".to_owned()],
    };
    let everywhere = Scope::global(Permission::parse_list("read,list").unwrap());
    NewToken {
        digest_key_id: 4_294_967_295,
        is_foreign: true,
        created_at: at(-5),
        expires_at: Some(at(3_600)),
        disabled_by: Some(user_actor("a:b", 12)),
        ..new_token(number).with(|token| {
            token.spec.kind = TokenKind::SelfMade;
            token.spec.owner = Owner::StandIn(user("carol@example.org"));
            token.spec.title = label("title");
            token.spec.tags = label("a,b");
            token.spec.description = Some(jeton_core::Description::new("description".to_owned()).unwrap());
            token.spec.permissions_as_sent = Some("read, list".to_owned());
            token.spec.scopes = Scopes::new(vec![narrow, everywhere]).unwrap();
        })
    }
}

pub(crate) async fn a_token_comes_back_as_it_was_issued(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let plain = NewToken { sealed: None, ..new_token(2).with(|token| token.spec.scopes = Scopes::none()) };
    for (number, new) in [(1, full(1)), (2, plain)] {
        let id = issue(store, app.id, new.clone()).await;
        let expected = stored(id, app.id, &new);
        assert_eq!(find(store, number).await, Some(expected.clone()));
        assert_eq!(store.token(app.id, id).await.unwrap(), Some(expected));
    }
    for kind in TokenKind::ALL {
        let id = issue(store, app.id, new_token(10 + kind as u32).with(|token| token.spec.kind = kind)).await;
        assert_eq!(store.token(app.id, id).await.unwrap().unwrap().token.spec.kind, kind);
    }
}

pub(crate) async fn a_replaced_token_comes_back_as_it_is_now(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let id = issue(store, app.id, new_token(1)).await;
    let before = store.token(app.id, id).await.unwrap().unwrap();
    let filled = Token { updated_at: at(9), ..stored(id, app.id, &full(1)).token };
    assert_eq!(store.write(replacing(filled.clone(), 1)).await.unwrap(), Replaced::Done);
    let expected = StoredToken { token: filled, revision: 2, ..before.clone() };
    assert_eq!(store.token(app.id, id).await.unwrap(), Some(expected));

    // And back: what is there can be taken away.
    let emptied = Token { updated_at: at(10), ..before.token.clone() };
    assert_eq!(store.write(replacing(emptied.clone(), 2)).await.unwrap(), Replaced::Done);
    let expected = StoredToken { token: emptied, revision: 3, ..before };
    assert_eq!(find(store, 1).await, Some(expected));
}

pub(crate) async fn what_is_not_there_is_none(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let other = create_app(store, "other").await;
    let id = issue(store, app.id, new_token(1)).await;
    let absent = TokenId::new(4_242).unwrap();
    assert_eq!(store.token(app.id, absent).await.unwrap(), None);
    assert_eq!(store.token(other.id, id).await.unwrap(), None, "of another app");
    assert_eq!(find(store, 2).await, None);
    assert_eq!(store.find_tokens(&[]).await.unwrap(), []);
    assert!(!store.write(revoking(app.id, absent, at(1))).await.unwrap());
    assert!(!store.write(revoking(other.id, id, at(1))).await.unwrap());
    let of_other = Token { app_id: other.id, ..store.token(app.id, id).await.unwrap().unwrap().token };
    assert_eq!(store.write(replacing(of_other, 1)).await.unwrap(), Replaced::Stale);
    assert_eq!(store.token(app.id, id).await.unwrap().unwrap().revision, 1);
}

pub(crate) async fn duplicates_are_told_one_by_one(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    issue(store, app.id, new_token(1)).await;
    let second_of_two = new_token(2).with(|token| token.spec.kind = TokenKind::Identity);
    let batch = vec![new_token(1), new_token(2), second_of_two, new_token(3)];
    let answers = store.write(inserting(app.id, batch, at(0))).await.unwrap();
    let [Inserted::Duplicate, Inserted::Issued(two), Inserted::Duplicate, Inserted::Issued(three)] =
        answers[..]
    else {
        panic!("{answers:?}");
    };
    assert!(two < three, "numbers ascend in the order of issue");
    assert_eq!(store.token(app.id, two).await.unwrap(), Some(stored(two, app.id, &new_token(2))));
}

pub(crate) async fn a_revoked_digest_is_a_tombstone(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let id = issue(store, app.id, new_token(1)).await;
    let before = find(store, 1).await.unwrap();
    assert!(store.write(revoking(app.id, id, at(7))).await.unwrap());
    let again = store.write(inserting(app.id, vec![new_token(1)], at(8))).await.unwrap();
    assert_eq!(again, [Inserted::Duplicate]);
    assert_eq!(store.token(app.id, id).await.unwrap(), None);
    let token = Token { revoked_at: Some(at(7)), updated_at: at(7), ..before.token.clone() };
    let tombstone = StoredToken { token, sealed: None, revision: 2, ..before };
    assert_eq!(find(store, 1).await, Some(tombstone));
}

pub(crate) async fn a_deleted_token_leaves_nothing(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let id = issue(store, app.id, new_token(1)).await;
    let other = create_app(store, "other").await;
    assert!(!store.write(deleting(other.id, id, at(7))).await.unwrap());
    assert!(store.write(deleting(app.id, id, at(7))).await.unwrap());
    assert!(!store.write(deleting(app.id, id, at(8))).await.unwrap());
    assert_eq!(find(store, 1).await, None);
    // Its secret can be used again, under another number.
    let again = issue(store, app.id, new_token(1)).await;
    assert!(again > id);
    assert!(store.write(revoking(app.id, again, at(9))).await.unwrap());
    assert!(!store.write(deleting(app.id, again, at(9))).await.unwrap(), "a tombstone stays");
}

pub(crate) async fn the_same_digest_lives_in_two_apps(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let other = create_app(store, "other").await;
    let one = issue(store, app.id, new_token(1)).await;
    let two = issue(store, other.id, new_token(1)).await;
    assert!(store.write(revoking(app.id, one, at(1))).await.unwrap());
    assert_eq!(store.find_tokens(&[digest(1)]).await.unwrap().len(), 2);
    assert!(store.token(other.id, two).await.unwrap().is_some());
}

pub(crate) async fn a_replacement_needs_the_revision(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let id = issue(store, app.id, new_token(1)).await;
    let token = |seconds| Token { updated_at: at(seconds), ..stored(id, app.id, &new_token(1)).token };
    assert_eq!(store.write(replacing(token(1), 2)).await.unwrap(), Replaced::Stale);
    assert_eq!(store.write(replacing(token(2), 1)).await.unwrap(), Replaced::Done);
    assert_eq!(store.write(replacing(token(3), 1)).await.unwrap(), Replaced::Stale);
    assert_eq!(find(store, 1).await.unwrap().token, token(2));
    assert!(store.write(revoking(app.id, id, at(4))).await.unwrap());
    assert_eq!(store.write(replacing(token(5), 3)).await.unwrap(), Replaced::Stale, "revoked");
}

pub(crate) async fn revoking_happens_once(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let id = issue(store, app.id, new_token(1)).await;
    assert!(store.write(revoking(app.id, id, at(1))).await.unwrap());
    assert!(!store.write(revoking(app.id, id, at(2))).await.unwrap());
    assert_eq!(find(store, 1).await.unwrap().token.revoked_at, Some(at(1)));
}

pub(crate) async fn no_tokens_are_inserted_as_well(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    assert_eq!(store.write(inserting(app.id, vec![], at(0))).await.unwrap(), []);
}

pub(crate) async fn thousands_go_in_at_once(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let batch: Vec<_> = (0..3_000).map(|number| new_token(number % 2_999)).collect();
    let answers = store.write(inserting(app.id, batch, at(0))).await.unwrap();
    assert_eq!(answers.len(), 3_000);
    assert_eq!(answers[2_999], Inserted::Duplicate, "of the first, which another statement inserted");
    let ids: Vec<_> = answers[..2_999]
        .iter()
        .map(|answer| match answer {
            Inserted::Issued(id) => *id,
            other => panic!("a duplicate of nothing: {other:?}"),
        })
        .collect();
    assert!(ids.is_sorted());
    assert_eq!(store.count_tokens(&shared(app.id)).await.unwrap(), 2_999);
    for number in [0, 1_023, 1_024, 2_998] {
        assert_eq!(find(store, number).await.unwrap().token.id, ids[number as usize]);
    }
}

pub(crate) async fn instants_at_the_ends_of_time_come_back(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    for (number, created_at, expires_at) in
        [(1, Timestamp::MIN, Timestamp::MAX), (2, Timestamp::MAX, Timestamp::MIN)]
    {
        let new = NewToken { created_at, expires_at: Some(expires_at), ..new_token(number) };
        let id = issue(store, app.id, new.clone()).await;
        assert_eq!(find(store, number).await, Some(stored(id, app.id, &new)));
    }
}

pub(crate) async fn sealed_values_are_swept_in_batches(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let other = create_app(store, "other").await;
    store.write(inserting(app.id, (0..5).map(new_token).collect(), at(0))).await.unwrap();
    store.write(inserting(other.id, vec![new_token(7)], at(0))).await.unwrap();
    // Five, and the admin's.
    for swept in [4, 2, 0] {
        assert_eq!(store.write(SweepSealed { id: app.id, limit: 4 }).await.unwrap(), swept);
    }
    let found = find(store, 3).await.unwrap();
    assert_eq!((found.sealed, found.revision), (None, 1), "nothing that anybody sees was changed");
    assert!(find(store, 7).await.unwrap().sealed.is_some(), "of another app");
}

pub(crate) async fn an_unknown_app_takes_no_tokens(database: &TestDatabase) {
    let (store, _) = begin_on(database).await;
    let unknown = AppId::new(4_242).unwrap();
    let error = store.write(inserting(unknown, vec![new_token(1)], at(0))).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert_eq!(find(store, 1).await, None);
}

pub(crate) async fn many_are_found_at_once(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    store.write(inserting(app.id, (0..1_500).map(new_token).collect(), at(0))).await.unwrap();
    let sought: Vec<Digest> = (500..3_000).map(digest).collect();
    let found = store.find_tokens(&sought).await.unwrap();
    assert_eq!(found.len(), 1_000);
    assert!(found.iter().all(|stored| sought.contains(&stored.digest)));
    let (revoked, left) = found.split_first().unwrap();
    assert!(store.write(revoking(app.id, revoked.token.id, at(1))).await.unwrap());
    let ids: Vec<TokenId> = found.iter().map(|stored| stored.token.id).collect();
    let mut again = store.tokens(app.id, &ids.repeat(2)).await.unwrap();
    again.sort_by_key(|stored| ids.iter().position(|id| *id == stored.token.id));
    again.dedup();
    assert_eq!(again, left);
    let elsewhere = AppId::new(app.id.get() + 1).unwrap();
    assert_eq!(store.tokens(elsewhere, &ids).await.unwrap(), []);
}
