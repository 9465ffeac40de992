//! Tokens that others made.

use crate::database::TestDatabase;
use crate::fixture::*;
use jeton_core::{Actor, Ancestor, AppId, Bounds, Lineage, Scopes, Token, TokenId};
use jeton_store::{Order, Replaced, Store, TokenPage};

/// Makes the token of this number, with these above it.
async fn below(store: &dyn Store, app_id: AppId, number: u32, above: &[TokenId]) -> TokenId {
    let lineage = Lineage::new(above.to_vec()).unwrap();
    issue(store, app_id, new_token(number).with(|token| token.spec.lineage = lineage)).await
}

/// What is above the token of this number, by whatever way it is found.
async fn above(store: &dyn Store, app_id: AppId, number: u32) -> Vec<Ancestor> {
    let found = find(store, number).await.unwrap();
    let id = found.token.id;
    let page = TokenPage { skip: 0, limit: 100, after: None, order: Order::OldestFirst };
    let listed = store.list_tokens(&shared(app_id), page).await.unwrap();
    let ways = [
        store.token(app_id, id).await.unwrap(),
        store.tokens(app_id, &[id]).await.unwrap().pop(),
        store.find_tokens_of(app_id, &[digest(number)]).await.unwrap().pop(),
        listed.into_iter().find(|stored| stored.token.id == id),
    ];
    for stored in ways {
        assert_eq!(stored.unwrap().token, found.token);
    }
    found.token.ancestors
}

pub(crate) async fn a_token_is_read_with_all_above_it(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let root = issue(store, app.id, new_token(1)).await;
    let middle = below(store, app.id, 2, &[root]).await;
    below(store, app.id, 3, &[root, middle]).await;
    assert_eq!(above(store, app.id, 1).await, []);
    let made = above(store, app.id, 3).await;
    assert_eq!(made.iter().map(|above| above.id).collect::<Vec<_>>(), [root, middle]);
    assert_eq!(made[0], find(store, 1).await.unwrap().token.as_ancestor());

    // Each change of one above it is seen at once.
    let changes: [fn(&mut Token); 4] = [
        |token| token.disabled_by = Some(Actor::Cli),
        |token| token.spec.scopes = Scopes::none(),
        |token| token.expires_at = Some(at(50)),
        |token| token.spec.bounds = Bounds { not_before: Some(at(40)), ..Bounds::NONE },
    ];
    for change in changes {
        let stored = find(store, 1).await.unwrap();
        let mut token = stored.token;
        change(&mut token);
        let expected = token.as_ancestor();
        assert_eq!(store.write(replacing(token, stored.revision)).await.unwrap(), Replaced::Done);
        assert_eq!(above(store, app.id, 3).await[0], expected);
    }
    assert!(store.write(revoking(app.id, middle, at(60))).await.unwrap());
    let now = above(store, app.id, 3).await;
    assert_eq!([now[0].revoked, now[1].revoked], [false, true]);
    // Of what is deleted nothing is left.
    assert!(store.write(deleting(app.id, root, at(61))).await.unwrap());
    assert_eq!(above(store, app.id, 3).await[0], Ancestor::gone(root));
}

pub(crate) async fn a_token_is_above_those_of_its_app_alone(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let shop = create_app(store, "shop").await;
    let root = issue(store, app.id, new_token(1)).await;
    below(store, shop.id, 2, &[root]).await;
    assert_eq!(find(store, 2).await.unwrap().token.ancestors, [Ancestor::gone(root)]);
    assert_eq!(store.children(app.id, root, 10).await.unwrap(), []);
}

pub(crate) async fn what_has_lost_its_parent_is_found(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let (live, dead) = (issue(store, app.id, new_token(1)).await, issue(store, app.id, new_token(2)).await);
    let kept = below(store, app.id, 3, &[live]).await;
    let lost = below(store, app.id, 4, &[dead]).await;
    let lost_below = below(store, app.id, 5, &[dead, lost]).await;
    let gone = below(store, app.id, 6, &[live]).await;
    assert!(store.write(revoking(app.id, dead, at(10))).await.unwrap());
    assert!(store.write(revoking(app.id, gone, at(10))).await.unwrap());
    let orphans = store.orphans(None, 10).await.unwrap();
    assert_eq!((orphans.found, orphans.next), (vec![(app.id, lost), (app.id, lost_below)], None));
    let ids = |made: Vec<jeton_store::StoredToken>| -> Vec<TokenId> {
        made.into_iter().map(|stored| stored.token.id).collect()
    };
    assert_eq!(ids(store.children(app.id, live, 10).await.unwrap()), [kept]);
    assert_eq!(ids(store.children(app.id, dead, 10).await.unwrap()), [lost]);
}
