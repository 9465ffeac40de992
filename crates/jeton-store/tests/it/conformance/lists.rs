use crate::database::TestDatabase;
use crate::fixture::*;
use jeton_core::{Actor, AppId, Document, Owner, Token, TokenId, TokenKind};
use jeton_store::{NewToken, Order, OwnerFilter, Replaced, Store, StoredToken, TokenFilter, TokenPage, View};

const ALL: TokenPage = TokenPage { order: Order::OldestFirst, after: None, skip: 0, limit: u32::MAX };

fn ids(tokens: &[StoredToken]) -> Vec<TokenId> {
    tokens.iter().map(|stored| stored.token.id).collect()
}

pub(crate) async fn pages_by_skip_and_by_key_are_equal(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let other = create_app(store, "other").await;
    for number in 0..25 {
        issue(store, app.id, new_token(number)).await;
        issue(store, other.id, new_token(number)).await;
    }
    let filter = shared(app.id);
    let whole = ids(&store.list_tokens(&filter, ALL).await.unwrap());
    assert_eq!(whole.len(), 25);
    assert!(whole.is_sorted());
    for order in [Order::OldestFirst, Order::NewestFirst] {
        let mut expected = whole.clone();
        if order == Order::NewestFirst {
            expected.reverse();
        }
        let (mut by_skip, mut by_key) = (Vec::new(), Vec::new());
        for skip in (0..30).step_by(4) {
            let page = TokenPage { order, after: None, skip, limit: 4 };
            by_skip.extend(ids(&store.list_tokens(&filter, page).await.unwrap()));
            let page = TokenPage { order, after: by_key.last().copied(), skip: 0, limit: 4 };
            by_key.extend(ids(&store.list_tokens(&filter, page).await.unwrap()));
        }
        assert_eq!(by_skip, expected);
        assert_eq!(by_key, expected);
        let both = TokenPage { order, after: Some(expected[4]), skip: 2, limit: 3 };
        assert_eq!(ids(&store.list_tokens(&filter, both).await.unwrap()), expected[7..10]);
    }
}

pub(crate) async fn pages_by_creation_go_on_where_they_ended(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    // Several of each instant, and later instants with lower numbers.
    let tokens =
        (0..25).map(|number| NewToken { created_at: at(-i64::from(number / 3)), ..new_token(number) });
    store.write(inserting(app.id, tokens.collect(), at(0))).await.unwrap();
    let filter = TokenFilter { view: View::LoopBack(at(0)), ..shared(app.id) };
    let mut expected = store.list_tokens(&filter, ALL).await.unwrap();
    expected.sort_by_key(|stored| (stored.token.created_at, stored.token.id));
    for descending in [false, true] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = TokenPage { order: Order::Created { descending, after }, limit: 4, ..ALL };
            let page = store.list_tokens(&filter, page).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some((last.token.created_at, last.token.id));
            found.extend(page);
        }
        assert_eq!(ids(&found), ids(&expected), "{descending}");
        expected.reverse();
    }
}

/// One token for each kind and owner; the number of each is its place.
async fn one_of_each(store: &dyn Store, app_id: AppId) -> Vec<NewToken> {
    let owners = [
        Owner::Nobody,
        Owner::Named(user("7")),
        Owner::StandIn(user("7")),
        Owner::Named(user("eve")),
        Owner::StandIn(user("eve")),
        Owner::Named(user("07")),
    ];
    let mut tokens = Vec::new();
    for kind in TokenKind::ALL {
        for owner in owners.clone() {
            let number = u32::try_from(tokens.len()).unwrap();
            tokens.push(new_token(number).with(|token| {
                token.spec.kind = kind;
                token.spec.owner = owner;
            }));
        }
    }
    store.write(inserting(app_id, tokens.clone(), at(0))).await.unwrap();
    tokens
}

pub(crate) async fn filters_let_through_what_they_say(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let admin = find(store, 999_999).await.unwrap();
    assert!(store.write(revoking(app.id, admin.token.id, at(0))).await.unwrap());
    let tokens = one_of_each(store, app.id).await;
    let owners = [
        OwnerFilter::Any,
        OwnerFilter::Shown(user("7")),
        OwnerFilter::Named(user("7")),
        OwnerFilter::Named(user("eve")),
        OwnerFilter::Shown(user("nobody")),
    ];
    let kinds = [
        vec![],
        vec![TokenKind::Service],
        TokenKind::SHARED.to_vec(),
        vec![TokenKind::SelfMade, TokenKind::Grant, TokenKind::SelfMade],
        TokenKind::ALL.to_vec(),
    ];
    for owner in owners {
        for kinds in &kinds {
            let filter = TokenFilter {
                app_id: app.id,
                kinds: kinds.clone(),
                owner: owner.clone(),
                view: View::Whole,
                unused_since: None,
            };
            let is_let_through = |token: &&NewToken| {
                kinds.contains(&token.spec.kind)
                    && match &owner {
                        OwnerFilter::Any => true,
                        OwnerFilter::Shown(user_id) => token.spec.owner.shown() == Some(user_id),
                        OwnerFilter::Named(user_id) => token.spec.owner.named() == Some(user_id),
                    }
            };
            let expected: Vec<_> = tokens.iter().filter(is_let_through).map(|token| token.digest).collect();
            let listed = store.list_tokens(&filter, ALL).await.unwrap();
            let listed: Vec<_> = listed.iter().map(|stored| stored.digest).collect();
            assert_eq!(listed, expected, "{filter:?}");
            assert_eq!(store.count_tokens(&filter).await.unwrap(), expected.len() as u64, "{filter:?}");
        }
    }
}

pub(crate) async fn loopback_sees_what_is_on_and_did_not_leave(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let document = Some(Document::new(r#"{"a":"\\u0000 \u{1f600}"}"#.to_owned()).unwrap());
    let seen = issue(store, app.id, new_token(1).with(|token| token.spec.document = document.clone())).await;
    issue(store, app.id, NewToken { disabled_by: Some(Actor::Cli), ..new_token(2) }).await;
    // One that has left is listed again while it lives: it was prolonged, or the clock that said otherwise
    // was wrong.
    let [left, endless] = [Some(at(100)), None].map(|expires_at| NewToken { expires_at, ..new_token(3) });
    let [left, endless] = [
        issue(store, app.id, left).await,
        issue(store, app.id, NewToken { digest: new_token(4).digest, ..endless }).await,
    ];
    for id in [left, endless] {
        let stored = store.token(app.id, id).await.unwrap().unwrap();
        let gone = Token { left_loopback: true, ..stored.token };
        assert_eq!(store.write(replacing(gone, stored.revision)).await.unwrap(), Replaced::Done);
    }
    for (now, expected) in
        [(99, vec![seen, left, endless]), (100, vec![seen, endless]), (101, vec![seen, endless])]
    {
        let filter = TokenFilter { view: View::LoopBack(at(now)), ..shared(app.id) };
        let rows = store.list_tokens(&filter, ALL).await.unwrap();
        assert_eq!(ids(&rows), expected, "{now}");
        assert_eq!(rows[0].token.spec.document, document);
        assert_eq!(store.count_tokens(&filter).await.unwrap(), expected.len() as u64, "{now}");
    }
    assert!(store.token(app.id, left).await.unwrap().unwrap().token.left_loopback);
}

pub(crate) async fn revoked_tokens_do_not_count(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let owner = Owner::Named(user("7"));
    let mine = |number| new_token(number).with(|token| token.spec.owner = owner.clone());
    let first = issue(store, app.id, mine(1)).await;
    let second = issue(store, app.id, mine(2)).await;
    assert!(store.write(revoking(app.id, first, at(1))).await.unwrap());
    for owner in [OwnerFilter::Any, OwnerFilter::Named(user("7"))] {
        let filter = TokenFilter { owner, ..shared(app.id) };
        assert_eq!(store.count_tokens(&filter).await.unwrap(), 1);
        assert_eq!(ids(&store.list_tokens(&filter, ALL).await.unwrap()), [second]);
    }
}

pub(crate) async fn skips_beyond_the_end_are_empty(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    issue(store, app.id, new_token(1)).await;
    for page in [
        TokenPage { skip: 1, ..ALL },
        TokenPage { skip: u64::MAX, ..ALL },
        TokenPage { limit: 0, ..ALL },
        TokenPage { after: TokenId::new(jeton_core::MAX_INTEGER), ..ALL },
        TokenPage { order: Order::NewestFirst, after: TokenId::new(1), ..ALL },
    ] {
        assert_eq!(store.list_tokens(&shared(app.id), page).await.unwrap(), [], "{page:?}");
    }
    let unknown = shared(AppId::new(99).unwrap());
    assert_eq!(store.list_tokens(&unknown, ALL).await.unwrap(), []);
    assert_eq!(store.count_tokens(&unknown).await.unwrap(), 0);
}
