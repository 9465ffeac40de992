//! What operators seek, revoke together, look at, and ask for once.

use super::backup::{back_up, restoring};
use crate::database::{BY, TestDatabase};
use crate::fixture::*;
use jeton_core::{
    Actor, AppId, Cause, ChangeKind, Label, OperatorId, Owner, Permission, Scope, Scopes, TokenId, TokenKind,
    TokenState,
};
use jeton_store::Progress;
use jeton_store::write::{ClaimKey, DeleteApp, RevokeTokens, SettleKey};
use jeton_store::{
    AppUses, AuditFilter, Bounded, BoundedCounts, Change, Inserted, KeyClaim, NewToken, SearchOrder,
    SearchPlace, Spans, Store, StoredToken, TitleSearch, TokenSearch, TokenUse,
};
use std::slice;

const NOW: i64 = 100;

fn label(text: &str) -> Option<Label> {
    Some(Label::new(text.to_owned()).unwrap())
}

/// Tokens of many sorts: their numbers, in the order of their making.
async fn many(store: &dyn Store, app_id: AppId) -> Vec<TokenId> {
    let (user, off) = (Owner::Named(user("7")), Some(Actor::Cli));
    let sorts = [
        new_token(1).with(|token| {
            token.spec.owner = user.clone();
            token.spec.title = label("ci");
            token.spec.tags = label("a, b");
        }),
        NewToken {
            disabled_by: off.clone(),
            ..new_token(2).with(|token| {
                token.spec.owner = user;
                token.spec.title = label("ci-2");
                token.spec.tags = label("ab");
                token.spec.scopes = Scopes::new(vec![Scope {
                    permissions: Permission::parse_list("write").unwrap(),
                    ids: vec!["a\"b".to_owned(), "sensor-7".to_owned()],
                    tags: vec!["eu".to_owned()],
                    ..Scope::default()
                }])
                .unwrap();
            })
        },
        NewToken {
            expires_at: Some(at(NOW)),
            ..new_token(3).with(|token| {
                token.spec.title = label("CI");
                token.spec.tags = label("b,a");
            })
        },
        NewToken {
            expires_at: Some(at(NOW + 1)),
            ..new_token(4).with(|token| token.spec.title = label("签"))
        },
        NewToken { expires_at: Some(at(NOW + 50)), disabled_by: off.clone(), ..new_token(5) },
        NewToken { expires_at: Some(at(NOW - 50)), disabled_by: off, ..new_token(6) },
        NewToken {
            created_at: at(90),
            ..new_token(7).with(|token| {
                token.spec.kind = TokenKind::Service;
                token.spec.tags = label("a");
            })
        },
        NewToken {
            expires_at: Some(at(NOW + 1)),
            ..new_token(8).with(|token| token.spec.title = label("gone"))
        },
    ];
    let mut ids = Vec::new();
    for token in sorts {
        ids.push(issue(store, app_id, token).await);
    }
    assert!(store.write(revoking(app_id, ids[7], at(NOW))).await.unwrap());
    ids
}

/// What is found page by page, whatever the size of a page, with its count; and what is found by looking, which is the same.
async fn found(store: &dyn Store, search: &TokenSearch) -> Vec<TokenId> {
    let mut whole: Option<Vec<TokenId>> = None;
    for limit in [1, 2, 100] {
        let (mut ids, mut after) = (Vec::new(), None);
        let mut looked = Vec::new();
        loop {
            let page = store.search_tokens(search, after.as_ref(), limit).await.unwrap();
            let places = store.search_places(search, after.as_ref(), limit).await.unwrap();
            let of = |stored: &StoredToken| SearchPlace::of(&stored.token, search.order());
            assert_eq!(places, page.iter().map(of).collect::<Vec<_>>());
            let look = store.look_for_tokens(search, after.as_ref(), limit).await.unwrap();
            assert_eq!((&look.found, look.looked_at), (&page, None), "{search:?}");
            looked.push(look.next.is_some());
            let Some(last) = places.last() else { break };
            after = Some(last.clone());
            ids.extend(places.iter().map(|place| place.id));
        }
        // Each look but the last ones knew that there was more.
        let pages = ids.len().div_ceil(limit as usize);
        let more = looked.iter().filter(|has_more| **has_more).count();
        assert_eq!(more, pages.saturating_sub(1), "{search:?}");
        assert_eq!(store.count_found(search).await.unwrap(), ids.len() as u64, "{search:?}");
        assert_eq!(*whole.get_or_insert_with(|| ids.clone()), ids, "pages of {limit}");
    }
    whole.unwrap()
}

/// Where tokens stand in the order of their making; 8 is the app's admin token.
fn places(ids: &[TokenId], found: &[TokenId]) -> Vec<usize> {
    found.iter().map(|id| ids.iter().position(|other| other == id).unwrap_or(8)).collect()
}

/// The first of them was used.
async fn use_the_first(store: &dyn Store, app_id: AppId, ids: &[TokenId]) {
    let used = TokenUse { app_id, token_id: ids[0], last_used_at: at(60), last_address: None, use_count: 3 };
    store.write(jeton_store::write::AddUsage { uses: vec![used] }).await.unwrap();
}

pub(crate) async fn searches_find_what_they_say(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let other = create_app(store, "other").await;
    let ids = many(store, app.id).await;
    issue(
        store,
        other.id,
        new_token(20).with(|token| {
            token.spec.title = label("ci");
            token.spec.tags = label("a");
        }),
    )
    .await;
    use_the_first(store, app.id, &ids).await;
    let all = || TokenSearch::of(app.id, at(NOW));
    let whole = |title: &str| Some(TitleSearch::Whole(title.to_owned()));
    let start = |title: &str| Some(TitleSearch::Prefix(title.to_owned()));
    let tag = |tag: &str| TokenSearch { tag: Some(tag.to_owned()), ..all() };
    let state = |state| TokenSearch { state: Some(state), ..all() };
    let mine = || TokenSearch { user_id: Some(user("7")), ..all() };
    for (search, expected) in [
        (all(), vec![6, 5, 4, 3, 2, 1, 0, 8]),
        (mine(), vec![1, 0]),
        (TokenSearch { title: whole("ci"), ..all() }, vec![0]),
        (TokenSearch { title: whole("ci"), ..mine() }, vec![0]),
        (TokenSearch { title: whole("c"), ..all() }, vec![]),
        (TokenSearch { title: start("ci"), ..all() }, vec![1, 0]),
        (TokenSearch { title: start("签"), ..all() }, vec![3]),
        (TokenSearch { title: start(""), ..all() }, vec![3, 2, 1, 0]),
        (tag("a"), vec![6, 2, 0]),
        (tag("b"), vec![2, 0]),
        (tag("ab"), vec![1]),
        (tag("a, b"), vec![]),
        (tag("%"), vec![]),
        (state(TokenState::Active), vec![6, 3, 0, 8]),
        (state(TokenState::Disabled), vec![4, 1]),
        (state(TokenState::Expired), vec![2, 5]),
        (state(TokenState::Revoked), vec![7]),
        (TokenSearch { state: Some(TokenState::Active), ..mine() }, vec![0]),
        (TokenSearch { ends_by: Some(at(NOW + 1)), ..all() }, vec![3]),
        (TokenSearch { ends_by: Some(at(NOW + 99)), ..all() }, vec![3, 4]),
        (TokenSearch { ends_by: Some(at(NOW + 99)), state: Some(TokenState::Active), ..all() }, vec![3]),
        (TokenSearch { unused_since: Some(at(60)), ..all() }, vec![5, 4, 3, 2, 1, 8]),
        (TokenSearch { unused_since: Some(at(61)), ..mine() }, vec![1, 0]),
        (TokenSearch { created_before: Some(at(90)), ..all() }, vec![5, 4, 3, 2, 1, 0, 8]),
        (TokenSearch { created_before: Some(at(0)), ..all() }, vec![]),
        (TokenSearch { is_eternal: true, ..all() }, vec![6, 1, 0, 8]),
    ] {
        assert_eq!(places(&ids, &found(store, &search).await), expected, "{search:?}");
    }
    assert_eq!(state(TokenState::Expired).order(), SearchOrder::EndedLast);
    let unknown = TokenSearch::of(AppId::new(99).unwrap(), at(NOW));
    assert_eq!(found(store, &unknown).await, []);
    assert!(store.write(DeleteApp { id: app.id, at: at(NOW), by: BY }).await.unwrap());
    for deleted in [all(), state(TokenState::Active), state(TokenState::Revoked), tag("a")] {
        assert_eq!(found(store, &deleted).await, [], "{deleted:?}");
    }
}

pub(crate) async fn searches_go_together_and_are_sorted(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let ids = many(store, app.id).await;
    use_the_first(store, app.id, &ids).await;
    let all = || TokenSearch::of(app.id, at(NOW));
    let start = |title: &str| Some(TitleSearch::Prefix(title.to_owned()));
    let tag = |tag: &str| TokenSearch { tag: Some(tag.to_owned()), ..all() };
    let state = |state| TokenSearch { state: Some(state), ..all() };
    let mine = || TokenSearch { user_id: Some(user("7")), ..all() };
    let scope = |name: &str| TokenSearch { scope_name: Some(name.to_owned()), ..all() };
    let by_title = Some(SearchOrder::ByTitle);
    let sorted = |order| TokenSearch { sorted: Some(order), ..all() };
    for (search, expected) in [
        (TokenSearch { is_eternal: true, ..mine() }, vec![1, 0]),
        (TokenSearch { is_eternal: true, ..state(TokenState::Disabled) }, vec![1]),
        (TokenSearch { is_never_used: true, ..all() }, vec![6, 5, 4, 3, 2, 1, 8]),
        (TokenSearch { is_never_used: true, ..state(TokenState::Revoked) }, vec![7]),
        (scope("sensor-7"), vec![1]),
        (scope("a\"b"), vec![1]),
        (scope("eu"), vec![1]),
        (scope("write"), vec![1]),
        (scope("sensor"), vec![]),
        (scope("i"), vec![]),
        (sorted(SearchOrder::OldestFirst), vec![8, 0, 1, 2, 3, 4, 5, 6]),
        (sorted(SearchOrder::EndingNext), vec![3, 4]),
        (sorted(SearchOrder::ByTitle), vec![2, 0, 1, 3]),
        (TokenSearch { title: start("ci"), ..sorted(SearchOrder::ByTitle) }, vec![0, 1]),
        (TokenSearch { title: start("ci"), ..TokenSearch { sorted: by_title, ..mine() } }, vec![0, 1]),
        (TokenSearch { sorted: by_title, ..state(TokenState::Expired) }, vec![2]),
        (TokenSearch { sorted: Some(SearchOrder::OldestFirst), ..state(TokenState::Expired) }, vec![2, 5]),
        (TokenSearch { sorted: Some(SearchOrder::OldestFirst), ..tag("a") }, vec![0, 2, 6]),
        (TokenSearch { ends_by: Some(at(NOW + 99)), ..sorted(SearchOrder::OldestFirst) }, vec![3, 4]),
        (TokenSearch { title: start(""), ..mine() }, vec![1, 0]),
    ] {
        assert_eq!(places(&ids, &found(store, &search).await), expected, "{search:?}");
    }
}

pub(crate) async fn a_look_ends_somewhere(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let mut ids = Vec::new();
    // One with a scope of its own at either end, and more between than are looked at at once.
    for part in 0..21 {
        let first = 1_000 + 512 * part;
        let tokens = (first..first + 512).map(|number| {
            let rare = number == 1_000 || number == 1_000 + 512 * 21 - 1;
            new_token(number).with(|token| {
                token.spec.tags = label("a");
                token.spec.title = label(if rare { "rare" } else { "t" });
                token.spec.owner = Owner::Named(user("7"));
            })
        });
        for inserted in store.write(inserting(app.id, tokens.collect(), at(0))).await.unwrap() {
            let Inserted::Issued(id) = inserted else { panic!("{inserted:?}") };
            ids.push(id);
        }
    }
    let (first, last) = (ids[0], *ids.last().unwrap());
    let rare = |search: TokenSearch| TokenSearch { tag: Some("b".to_owned()), ..search };
    let all = || TokenSearch::of(app.id, at(NOW));
    let titled = || TokenSearch { title: Some(TitleSearch::Prefix("rare".to_owned())), ..all() };
    let look = async |search: &TokenSearch, after: Option<&SearchPlace>| {
        store.look_for_tokens(search, after, 10).await.unwrap()
    };
    let begun = look(&titled(), None).await;
    assert_eq!(begun.found.iter().map(|stored| stored.token.id).collect::<Vec<_>>(), [last]);
    assert_eq!(begun.looked_at, Some(10_000));
    let went_on = look(&titled(), begun.next.as_ref()).await;
    assert_eq!(went_on.found.iter().map(|stored| stored.token.id).collect::<Vec<_>>(), [first]);
    assert_eq!((went_on.next, went_on.looked_at), (None, None));
    // By an index that has them all, and of which none is sought.
    for (search, span, looks) in
        [(rare(all()), 10_000, 2), (rare(TokenSearch { user_id: Some(user("7")), ..all() }), 1_000, 11)]
    {
        let (mut after, mut count) = (None, 0);
        loop {
            let look = look(&search, after.as_ref()).await;
            count += 1;
            assert_eq!(look.found, []);
            assert_eq!(look.looked_at, look.next.as_ref().map(|_| span));
            after = look.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(count, looks, "{search:?}");
    }
}

pub(crate) async fn many_are_revoked_at_once(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let other = create_app(store, "other").await;
    let ids = many(store, app.id).await;
    let strange = issue(store, other.id, new_token(20)).await;
    let last = database.last_change().await;
    let asked = vec![ids[7], ids[3], ids[1], strange, TokenId::new(9_999).unwrap()];
    let revoke = |ids| RevokeTokens { app_id: app.id, ids, at: at(NOW), by: BY };
    assert_eq!(store.write(revoke(asked.clone())).await.unwrap(), 2);
    assert_eq!(store.write(revoke(asked)).await.unwrap(), 0);
    assert_eq!(store.write(revoke(Vec::new())).await.unwrap(), 0);
    for (number, id) in [(2, ids[1]), (4, ids[3])] {
        let stored = find(store, number).await.unwrap();
        assert_eq!((stored.token.revoked_at, stored.sealed), (Some(at(NOW)), None));
        assert_eq!(store.token(app.id, id).await.unwrap(), None);
    }
    assert!(store.token(other.id, strange).await.unwrap().is_some());
    // Each is told as if it were revoked by itself.
    let mut changes = database.changes_after(last).await;
    changes.sort_by_key(Change::token_id);
    let told: Vec<_> = changes
        .iter()
        .map(|change| {
            let removal = change.removal.clone().unwrap();
            (change.kind, change.token_id(), change.digest, removal.was_on_loopback, removal.sealed)
        })
        .collect();
    let sealed = 4_u32.to_be_bytes().to_vec();
    assert_eq!(
        told,
        [
            (ChangeKind::TokenRevoked, Some(ids[1]), Some(digest(2)), false, None),
            (ChangeKind::TokenRevoked, Some(ids[3]), Some(digest(4)), true, Some(sealed)),
        ]
    );
    assert_eq!(
        store.check(&Progress::default()).await.unwrap().faults,
        Vec::<String>::new(),
        "totals are right"
    );
}

pub(crate) async fn the_log_is_looked_through_from_its_end(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let other = create_app(store, "other").await;
    let ids = many(store, app.id).await;
    let address = |text: &str| Some(text.parse().unwrap());
    let operator = Cause::new(Actor::Operator(OperatorId::new(1).unwrap()), address("::ffff:192.0.2.1"));
    let by_operator =
        RevokeTokens { app_id: app.id, ids: vec![ids[0], ids[1]], at: at(NOW + 9), by: operator };
    assert_eq!(store.write(by_operator).await.unwrap(), 2);
    let mut all = database.changes_after(0).await;
    all.sort_by_key(|change| std::cmp::Reverse(change.sequence));
    let none = AuditFilter::default;
    let in_app = |id| AuditFilter { app_ids: Some(vec![id]), ..none() };
    let filters = [
        none(),
        in_app(other.id),
        in_app(AppId::new(99).unwrap()),
        AuditFilter { app_ids: Some(Vec::new()), ..none() },
        AuditFilter { token_id: Some(ids[0]), ..none() },
        AuditFilter { actor: Some("operator".to_owned()), ..none() },
        AuditFilter { actor: Some("operator:1".to_owned()), ..none() },
        AuditFilter { actor: Some("op".to_owned()), ..none() },
        AuditFilter { kind: Some(ChangeKind::TokenRevoked), ..in_app(app.id) },
        AuditFilter { since: Some(at(NOW)), ..none() },
        AuditFilter { address: address("192.0.2.1"), ..none() },
        AuditFilter { address: address("::ffff:192.0.2.1"), ..in_app(app.id) },
        AuditFilter { address: address("192.0.2.10"), ..none() },
    ];
    let counts = [all.len(), 2, 0, 0, 2, 2, 2, 0, 3, 3, 2, 2, 0];
    for (filter, count) in filters.into_iter().zip(counts) {
        for limit in [1, 3, 100] {
            let (mut seen, mut before) = (Vec::new(), None);
            loop {
                let page = store.audit(&filter, before, limit).await.unwrap();
                assert!(page.changes.len() <= limit as usize);
                seen.extend(page.changes);
                before = page.next;
                if before.is_none() {
                    break;
                }
            }
            let expected: Vec<_> = all
                .iter()
                .filter(|change| seen.iter().any(|other| other.sequence == change.sequence))
                .cloned()
                .collect();
            assert_eq!((seen.len(), &seen), (count, &expected), "{filter:?}");
        }
    }
    let names = store.app_names(&[app.id], Some(&"other".parse().unwrap())).await.unwrap();
    assert_eq!(names.len(), 2);
    assert!(store.write(DeleteApp { id: other.id, at: at(NOW), by: BY }).await.unwrap());
    let names = store.app_names(&[other.id], None).await.unwrap();
    assert_eq!(names, [(other.id, "other".parse().unwrap())], "also of what was deleted");
    assert_eq!(store.app_names(&[], None).await.unwrap(), []);
}

pub(crate) async fn what_there_is_is_counted(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let other = create_app(store, "other").await;
    let ids = many(store, app.id).await;
    let used = |token_id, count, seconds| TokenUse {
        app_id: app.id,
        token_id,
        last_used_at: at(seconds),
        last_address: None,
        use_count: count,
    };
    let uses = vec![used(ids[0], 2, 5), used(ids[1], 3, 4)];
    store.write(jeton_store::write::AddUsage { uses }).await.unwrap();
    let counts = store.counts_of_apps(None, 10, at(NOW)).await.unwrap();
    let [first, second] = counts.as_slice() else { panic!("{counts:?}") };
    assert_eq!((first.id, first.key.as_str(), second.id), (app.id, "demo", other.id));
    assert_eq!((first.kinds, second.kinds), ([0, 6, 0, 2], [0, 0, 0, 1]));
    assert_eq!((first.disabled, first.expired, first.revoked), (2, 2, 1));
    assert_eq!((second.disabled, second.expired, second.revoked), (0, 0, 0));
    assert_eq!(store.counts_of_apps(Some(app.id), 10, at(NOW)).await.unwrap(), slice::from_ref(second));
    assert_eq!(store.counts_of_apps(None, 1, at(NOW)).await.unwrap(), slice::from_ref(first));
    let all = |count| Bounded { count, is_all: true };
    let bounded = BoundedCounts { kinds: [0, 6, 0, 2], disabled: all(2), expired: all(2), revoked: all(1) };
    assert_eq!(store.bounded_counts(app.id, at(NOW)).await.unwrap(), bounded);
    let spans = Spans { now: at(NOW), ends_by: at(NOW + 50), unused_since: at(5) };
    let found = store.worth_a_look(app.id, spans).await.unwrap();
    let count = async |search: TokenSearch| store.count_found(&search).await.unwrap();
    let everything = || TokenSearch::of(app.id, at(NOW));
    assert_eq!(found.expiring, all(count(TokenSearch { ends_by: Some(at(NOW + 50)), ..everything() }).await));
    assert_eq!(found.unused, all(count(TokenSearch { unused_since: Some(at(5)), ..everything() }).await));
    assert_eq!(found.eternal, all(count(TokenSearch { is_eternal: true, ..everything() }).await));
    assert!(found.expiring.count > 0 && found.unused.count > 0 && found.eternal.count > 0, "{found:?}");
    let used = AppUses { app_id: app.id, uses: 5, last_used_at: at(5) };
    assert_eq!(store.uses_of_apps(None).await.unwrap(), [used]);
    assert_eq!(store.uses_of_apps(Some(app.id)).await.unwrap(), [used]);
    assert_eq!(store.uses_of_apps(Some(other.id)).await.unwrap(), []);
    // What was used stays that when the token is gone.
    assert!(store.write(deleting(app.id, ids[1], at(NOW))).await.unwrap());
    assert_eq!(store.uses_of_apps(None).await.unwrap(), [used]);
}

pub(crate) async fn counts_for_a_page_stop_at_a_bound(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let last = 10_020;
    let ended = (0..10_001).map(|number| NewToken { expires_at: Some(at(1)), ..new_token(number) });
    let eternal = (10_001..=last).map(new_token);
    for tokens in ended.chain(eternal).collect::<Vec<_>>().chunks(1_024) {
        store.write(inserting(app.id, tokens.to_vec(), at(0))).await.unwrap();
    }
    let newest = find(store, last).await.unwrap().token.id;
    let used =
        TokenUse { app_id: app.id, token_id: newest, last_used_at: at(50), last_address: None, use_count: 1 };
    store.write(jeton_store::write::AddUsage { uses: vec![used] }).await.unwrap();
    let bounded = |count, is_all| Bounded { count, is_all };
    let counts = store.bounded_counts(app.id, at(NOW)).await.unwrap();
    assert_eq!(counts.kinds.iter().sum::<u64>(), u64::from(last) + 2, "with its admin's");
    assert_eq!((counts.disabled, counts.expired), (bounded(0, true), bounded(10_000, false)));
    let spans = |now| Spans { now: at(now), ends_by: at(NOW), unused_since: at(50) };
    let found = store.worth_a_look(app.id, spans(0)).await.unwrap();
    assert_eq!((found.expiring, found.unused), (bounded(10_000, false), bounded(5_000, false)));
    assert_eq!(found.eternal, bounded(21, true), "the rest of them, and its admin's");
    assert_eq!(store.worth_a_look(app.id, spans(NOW)).await.unwrap().expiring, bounded(0, true));
}

pub(crate) async fn a_key_is_claimed_once(database: &TestDatabase) {
    let (store, _) = begin_on(database).await;
    let operator = |number| OperatorId::new(number).unwrap();
    let claim = |of, key, request, seconds| ClaimKey {
        operator_id: operator(of),
        key: digest(key),
        request: digest(request),
        at: at(seconds),
        forget_before: at(seconds - 50),
        most: 2,
    };
    let settle = |key, subject_id| SettleKey { operator_id: operator(1), key: digest(key), subject_id };
    let known = |request, subject_id| KeyClaim::Known { request: digest(request), subject_id };
    assert_eq!(store.write(claim(1, 1, 10, 0)).await.unwrap(), KeyClaim::Claimed);
    assert_eq!(store.write(claim(1, 1, 11, 1)).await.unwrap(), known(10, None));
    assert_eq!(store.write(claim(2, 1, 11, 1)).await.unwrap(), KeyClaim::Claimed, "each has its own");
    store.write(settle(1, Some(77))).await.unwrap();
    assert_eq!(store.write(claim(1, 1, 10, 2)).await.unwrap(), known(10, Some(77)));
    assert_eq!(store.write(claim(1, 2, 10, 3)).await.unwrap(), KeyClaim::Claimed);
    assert_eq!(store.write(claim(1, 3, 10, 3)).await.unwrap(), KeyClaim::NoRoom);
    store.write(settle(2, None)).await.unwrap();
    assert_eq!(store.write(claim(1, 3, 10, 3)).await.unwrap(), KeyClaim::Claimed, "one was taken back");
    assert_eq!(store.write(claim(1, 1, 10, 50)).await.unwrap(), known(10, Some(77)));
    assert_eq!(store.write(claim(1, 1, 10, 51)).await.unwrap(), KeyClaim::Claimed, "it was forgotten");

    // Of many at once one has it.
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let store = database.store.clone();
        let claim = claim(3, 9, 10, 60);
        tasks.spawn(async move { store.write(claim).await.unwrap() });
    }
    let claims = tasks.join_all().await;
    assert_eq!(claims.iter().filter(|claim| **claim == KeyClaim::Claimed).count(), 1, "{claims:?}");

    // A restore brings other operators and other tokens under the same numbers.
    let (_folder, path, _) = back_up(store).await;
    store.write(restoring(&path)).await.unwrap();
    assert_eq!(store.write(claim(1, 1, 10, 60)).await.unwrap(), KeyClaim::Claimed);
}
