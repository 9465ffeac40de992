use crate::database::{BY, TestDatabase};
use crate::fixture::*;
use jeton_core::{Actor, AppId, Cause, ChangeKind, Digest, Timestamp, Token, TokenId, TokenKind};
use jeton_store::write::{
    ChangeApp, CreateApp, CreateOperator, DeleteApp, DeleteToken, EraseRemovedSecrets, InsertTokens,
    ReplaceToken, RevokeOperator, RevokeToken, SweepDeletedApps, SweepSealed,
};
use jeton_store::{AppChange, Change, NewToken, News, Replaced};
use sqlx::{Connection, Executor};

/// An entry without its number.
type Entry = (ChangeKind, Timestamp, Option<AppId>, Option<i64>, Option<Digest>, Cause);

fn entries(changes: &[Change]) -> Vec<Entry> {
    let entry = |change: &Change| {
        let Change { at, kind, app_id, subject_id, digest, by, .. } = change.clone();
        (kind, at, app_id, subject_id, digest, by)
    };
    changes.iter().map(entry).collect()
}

pub(crate) async fn every_write_has_its_entry(database: &TestDatabase) {
    let (store, demo) = begin_on(database).await;
    let start = database.last_change().await;
    let from = |actor: Actor, address: &str| Cause::new(actor, Some(address.parse().unwrap()));
    let by = from(user_actor("7", 3), "192.0.2.7");
    let manager = from(Actor::Manager(TokenId::new(9).unwrap()), "2001:db8::9");

    let app = create_app(store, "shop").await;
    let admin = store.find_tokens(&[digest(999_999)]).await.unwrap();
    let admin = admin.iter().find(|stored| stored.token.app_id == app.id).unwrap().token.id;
    let change = changing(app.id, 1, AppChange::default(), at(1));
    store.write(ChangeApp { by: by.clone(), ..change }).await.unwrap();
    let long_ago = NewToken { created_at: at(-9_999), ..new_token(1) };
    let batch = inserting(app.id, vec![long_ago, new_token(1), new_token(2)], at(2));
    store.write(InsertTokens { by: manager.clone(), ..batch }).await.unwrap();
    let one = find(store, 1).await.unwrap();
    let two = find(store, 2).await.unwrap();
    let updated = replacing(Token { updated_at: at(3), ..one.token.clone() }, 1);
    assert_eq!(store.write(ReplaceToken { by: by.clone(), ..updated }).await.unwrap(), Replaced::Done);
    let (revoke, client) = (revoking(app.id, two.token.id, at(4)), from(Actor::Client, "::ffff:192.0.2.8"));
    assert!(store.write(RevokeToken { by: client.clone(), ..revoke }).await.unwrap());
    let three = issue(store, app.id, new_token(3)).await;
    let delete = deleting(app.id, three, at(5));
    assert!(store.write(DeleteToken { by: client.clone(), ..delete }).await.unwrap());
    let operator = store.write(CreateOperator { operator: new_operator(5), by: BY }).await.unwrap().unwrap();
    let oneself = from(Actor::Operator(operator), "127.0.0.1");
    assert!(store.write(RevokeOperator { id: operator, at: at(6), by: oneself.clone() }).await.unwrap());
    let anybody = Cause::nowhere(Actor::Anonymous);
    assert!(store.write(DeleteApp { id: app.id, at: at(7), by: anybody.clone() }).await.unwrap());

    let changes = database.changes_after(start).await;
    let (of, id) = (Some(app.id), |token: TokenId| Some(token.get()));
    let operator_id = Some(operator.get());
    use ChangeKind::*;
    let expected: Vec<Entry> = vec![
        (AppCreated, at(0), of, None, None, BY),
        (TokenIssued, at(0), of, id(admin), Some(digest(999_999)), BY),
        (AppUpdated, at(1), of, None, None, by.clone()),
        (TokenIssued, at(2), of, id(one.token.id), Some(digest(1)), manager.clone()),
        (TokenIssued, at(2), of, id(two.token.id), Some(digest(2)), manager),
        (TokenUpdated, at(3), of, id(one.token.id), Some(digest(1)), by),
        (TokenRevoked, at(4), of, id(two.token.id), Some(digest(2)), client.clone()),
        (TokenIssued, at(0), of, id(three), Some(digest(3)), BY),
        (TokenDeleted, at(5), of, id(three), Some(digest(3)), client),
        (OperatorCreated, at(0), None, operator_id, None, BY),
        (OperatorRevoked, at(6), None, operator_id, None, oneself),
        (AppDeleted, at(7), of, None, None, anybody),
    ];
    assert_eq!(entries(&changes), expected);
    assert_eq!(changes[3].token_id(), Some(one.token.id));
    assert_eq!(changes[9].token_id(), None);
    assert_ne!(demo.id, app.id);
}

pub(crate) async fn refused_writes_have_none(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let id = issue(store, app.id, new_token(1)).await;
    assert!(store.write(revoking(app.id, id, at(1))).await.unwrap());
    let log = database.changes_after(0).await;

    let token = find(store, 1).await.unwrap().token;
    store.write(genesis()).await.unwrap();
    store.write(CreateApp { app: new_app("demo"), admin: new_admin(), by: BY }).await.unwrap();
    store.write(changing(app.id, 9, AppChange::default(), at(2))).await.unwrap();
    store.write(inserting(app.id, vec![new_token(1)], at(2))).await.unwrap();
    store.write(replacing(token, 9)).await.unwrap();
    store.write(revoking(app.id, id, at(2))).await.unwrap();
    store.write(DeleteApp { id: AppId::new(77).unwrap(), at: at(2), by: BY }).await.unwrap();
    store
        .write(RevokeOperator { id: jeton_core::OperatorId::new(77).unwrap(), at: at(2), by: BY })
        .await
        .unwrap();
    store.write(SweepDeletedApps { limit: 10 }).await.unwrap();
    store.write(SweepSealed { id: app.id, limit: 10 }).await.unwrap();

    assert_eq!(database.changes_after(0).await, log);
}

pub(crate) async fn what_goes_is_told_with_its_sealed_secret_for_a_while(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let start = database.last_change().await;
    assert_eq!(store.last_change().await.unwrap(), start);
    database.changes_after(0).await;
    assert!(store.is_settled(start).await.unwrap() && store.is_settled(0).await.unwrap());
    let sealed = |number| NewToken { sealed: Some(vec![7]), ..new_token(number) };
    let tokens = vec![
        sealed(1),
        sealed(2),
        new_token(3).with(|token| token.spec.kind = TokenKind::Service),
        NewToken { disabled_by: Some(Actor::Cli), ..sealed(4) },
        NewToken { expires_at: Some(at(50)), ..sealed(5) },
        NewToken { expires_at: Some(at(60)), ..sealed(6) },
    ];
    store.write(inserting(app.id, tokens, at(0))).await.unwrap();
    let mut ids = Vec::new();
    for number in 1..=6 {
        ids.push(find(store, number).await.unwrap().token.id);
    }
    // Presented to LoopBack when they had expired: the second one by a clock that was wrong.
    for number in [5, 6] {
        let stored = find(store, number).await.unwrap();
        let left = Token { left_loopback: true, ..stored.token };
        assert_eq!(store.write(replacing(left, stored.revision)).await.unwrap(), Replaced::Done);
    }
    assert!(store.write(deleting(app.id, ids[0], at(10))).await.unwrap());
    for (id, seconds) in [(ids[1], 20), (ids[2], 30), (ids[3], 40), (ids[4], 50), (ids[5], 59)] {
        assert!(store.write(revoking(app.id, id, at(seconds))).await.unwrap());
    }
    let removals = || async {
        let changes = database.changes_after(start).await;
        assert_eq!(store.last_change().await.unwrap(), changes.last().unwrap().sequence);
        let removals = changes.into_iter().filter_map(|change| change.removal);
        removals.map(|removal| (removal.was_on_loopback, removal.sealed)).collect::<Vec<_>>()
    };
    let kept = Some(vec![7]);
    let whole = [
        (true, kept.clone()),
        (true, kept.clone()),
        (false, None),
        (false, None),
        (false, None),
        (true, kept),
    ];
    assert_eq!(removals().await, whole);

    assert_eq!(
        store.write(EraseRemovedSecrets { before: at(10), limit: 10 }).await.unwrap(),
        0,
        "not before"
    );
    assert_eq!(store.write(EraseRemovedSecrets { before: at(40), limit: 1 }).await.unwrap(), 1);
    assert_eq!(store.write(EraseRemovedSecrets { before: at(40), limit: 10 }).await.unwrap(), 1);
    assert_eq!(store.write(EraseRemovedSecrets { before: at(40), limit: 10 }).await.unwrap(), 0);
    assert_eq!(store.write(EraseRemovedSecrets { before: at(60), limit: 10 }).await.unwrap(), 1);
    let erased = whole.map(|(was_on_loopback, _)| (was_on_loopback, None));
    assert_eq!(removals().await, erased);
}

pub(crate) async fn genesis_is_logged(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let admin = find(store, 999_999).await.unwrap().token.id.get();
    let operator = store.operators().await.unwrap()[0].id.get();
    let expected: Vec<Entry> = vec![
        (ChangeKind::AppCreated, at(0), Some(app.id), None, None, BY),
        (ChangeKind::TokenIssued, at(0), Some(app.id), Some(admin), Some(digest(999_999)), BY),
        (ChangeKind::OperatorCreated, at(0), None, Some(operator), None, BY),
    ];
    assert_eq!(entries(&database.changes_after(0).await), expected);
}

pub(crate) async fn pages_go_on_where_they_ended(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    store.write(inserting(app.id, (0..5_000).map(new_token).collect(), at(0))).await.unwrap();
    let whole = database.changes_after(0).await;
    assert_eq!(whole.len(), 5_003, "more than go into one statement");
    let mut paged: Vec<Change> = Vec::new();
    loop {
        let after = paged.last().map_or(0, |change| change.sequence);
        let page = store.changes(after, 999).await.unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 999);
        paged.extend(page);
    }
    assert_eq!(paged, whole);
    let last = paged.last().unwrap().sequence;
    assert_eq!(store.changes(last + 1_000, 10).await.unwrap(), [], "a number that is still to come");
}

fn sequences(news: &News) -> Vec<i64> {
    let mut sequences: Vec<_> = news.changes.as_ref().unwrap().iter().map(|change| change.sequence).collect();
    sequences.sort_unstable();
    sequences
}

pub(crate) async fn news_are_told_once(database: &TestDatabase) {
    let empty = database.store.news(None).await.unwrap();
    assert_eq!(empty.changes, Some(vec![]), "where it stands is no news");
    let (store, app) = begin_on(database).await;
    let genesis = store.news(Some(&empty.position)).await.unwrap();
    assert_eq!(sequences(&genesis).len(), 3);
    let nothing = store.news(Some(&genesis.position)).await.unwrap();
    assert_eq!(nothing.changes, Some(vec![]));
    issue(store, app.id, new_token(1)).await;
    issue(store, app.id, new_token(2)).await;
    let two = store.news(Some(&nothing.position)).await.unwrap();
    let log = database.changes_after(0).await;
    assert_eq!(sequences(&two), [log[3].sequence, log[4].sequence]);
    assert_eq!(two.changes.as_ref().unwrap().iter().find(|change| **change == log[4]), Some(&log[4]));
    assert_eq!(store.news(Some(&two.position)).await.unwrap().changes, Some(vec![]));
    let from_now = store.news(None).await.unwrap();
    assert_eq!(from_now.changes, Some(vec![]));
    assert_eq!(
        sequences(&store.news(Some(&genesis.position)).await.unwrap()),
        sequences(&two),
        "asked again"
    );
}

/// On SQLite there is one transaction at a time, and the log's order is theirs.
pub(crate) async fn news_do_not_wait_for_open_transactions(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let start = store.news(None).await.unwrap().position;
    let Some(mut other) = database.postgres_connection().await else {
        issue(store, app.id, new_token(1)).await;
        assert_eq!(sequences(&store.news(Some(&start)).await.unwrap()).len(), 1);
        return;
    };
    let mut open = other.begin().await.unwrap();
    open.execute("INSERT INTO changes (at, kind, app_id, actor) VALUES (0, 'app.updated', 1, 'cli')")
        .await
        .unwrap();
    issue(store, app.id, new_token(1)).await;
    let past = store.news(Some(&start)).await.unwrap();
    assert_eq!(past.changes.as_ref().unwrap()[0].kind, ChangeKind::TokenIssued);
    assert_eq!(sequences(&past).len(), 1, "the later one is visible while the earlier is open");
    let again = store.news(Some(&past.position)).await.unwrap();
    assert_eq!(again.changes, Some(vec![]));
    open.commit().await.unwrap();
    let late = store.news(Some(&again.position)).await.unwrap();
    assert_eq!(late.changes.as_ref().unwrap()[0].kind, ChangeKind::AppUpdated);
    assert_eq!(sequences(&late).len(), 1, "and the earlier one when it is over");
}

pub(crate) async fn what_cannot_be_told_is_not_told_in_part(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let start = store.news(None).await.unwrap().position;
    store.write(inserting(app.id, (0..10_001).map(new_token).collect(), at(0))).await.unwrap();
    let many = store.news(Some(&start)).await.unwrap();
    assert_eq!(many.changes, None, "too many");
    assert_eq!(store.news(Some(&many.position)).await.unwrap().changes, Some(vec![]), "it goes on from now");
    if database.postgres_connection().await.is_none() {
        // And goes on: a log that just ends earlier is of an older database.
        database
            .execute(
                "BEGIN; DELETE FROM changes; \
             INSERT INTO changes (at, kind, actor) VALUES (0, 'operator.revoked', 'client'); COMMIT",
            )
            .await;
        let cut = store.news(Some(&many.position)).await.unwrap();
        assert_eq!(cut.changes, None, "the log was cut short");
        issue(store, app.id, new_token(20_000)).await;
        assert_eq!(sequences(&store.news(Some(&cut.position)).await.unwrap()).len(), 1);
    }
}

pub(crate) async fn foreign_digests_are_found_by_number(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let foreign = |number| NewToken { is_foreign: true, ..new_token(number) };
    let ids = [
        issue(store, app.id, foreign(1)).await,
        issue(store, app.id, new_token(2)).await,
        issue(store, app.id, foreign(3)).await,
        issue(store, app.id, foreign(4)).await,
    ];
    assert!(store.write(revoking(app.id, ids[2], at(1))).await.unwrap());
    let last = TokenId::new(jeton_core::MAX_INTEGER).unwrap();
    let all = store.foreign_digests(TokenId::new(1).unwrap(), last, 10).await.unwrap();
    assert_eq!(all, [(ids[0], digest(1)), (ids[2], digest(3)), (ids[3], digest(4))]);
    assert_eq!(store.foreign_digests(ids[1], last, 1).await.unwrap(), [(ids[2], digest(3))]);
    assert_eq!(store.foreign_digests(ids[1], ids[1], 10).await.unwrap(), []);
}
