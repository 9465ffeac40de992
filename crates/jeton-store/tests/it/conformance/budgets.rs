use super::backup::{back_up, restoring};
use crate::database::TestDatabase;
use crate::fixture::*;
use jeton_core::{AppId, Held, Portion, TokenId, TokenKind, UseLimits, Withheld};
use jeton_store::Progress;
use jeton_store::write::{GiveBack, TakePortion};
use jeton_store::{NewToken, Replaced, Store, Unused};
use tokio::task::JoinSet;

fn limits(text: &str) -> UseLimits {
    text.parse().unwrap()
}

/// Given back as soon as it was taken.
fn held(uses: u64) -> Held {
    Held { uses, held_for: std::time::Duration::ZERO }
}

fn limited(number: u32, text: &str) -> NewToken {
    let mut new = new_token(number);
    new.spec.kind = TokenKind::Grant;
    new.spec.limits = limits(text);
    new
}

async fn take(
    store: &dyn Store,
    (app_id, id): (AppId, TokenId),
    text: &str,
    wanted: u64,
    seconds: i64,
) -> Option<Portion> {
    let take =
        TakePortion { app_id, id, limits: limits(text), unused: Held::default(), wanted, at: at(seconds) };
    store.write(take).await.unwrap()
}

async fn give_back(store: &dyn Store, (app_id, id): (AppId, TokenId), text: &str, uses: u64) {
    let unused = Unused { id, limits: limits(text), held: held(uses) };
    store.write(GiveBack { app_id, portions: vec![unused], at: at(1) }).await.unwrap();
}

/// How many uses are left of these limits, as the store shows it.
async fn left(store: &dyn Store, (app_id, id): (AppId, TokenId), text: &str) -> Option<u64> {
    let kept = store.budgets_of(app_id, &[id]).await.unwrap().pop()?;
    assert_eq!((kept.app_id, kept.token_id), (app_id, id));
    kept.of(&limits(text), at(1)).uses_left
}

/// Gives the token other limits.
async fn change(store: &dyn Store, number: u32, text: &str) {
    let mut found = find(store, number).await.unwrap();
    found.token.spec.limits = limits(text);
    assert_eq!(store.write(replacing(found.token, found.revision)).await.unwrap(), Replaced::Done);
}

pub(crate) async fn portions_add_up(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let text = "uses=100@1 rates=1000/60";
    let token = (app.id, issue(store, app.id, limited(1, text)).await);
    assert_eq!(find(store, 1).await.unwrap().token.spec.limits, limits(text));
    assert_eq!(left(store, token, text).await, None, "nothing was taken yet");
    let log = database.changes_after(0).await;
    let portion = take(store, token, text, 5, 1).await.unwrap();
    assert_eq!((portion.uses, portion.uses_left, portion.rates[0].uses), (5, Some(95), 995));
    assert_eq!(left(store, token, text).await, Some(95));
    give_back(store, token, text, 2).await;
    assert_eq!(left(store, token, text).await, Some(97));
    // What is left of a portion is given back with the next one.
    let again = TakePortion {
        app_id: token.0,
        id: token.1,
        limits: limits(text),
        unused: held(3),
        wanted: 3,
        at: at(1),
    };
    assert_eq!(store.write(again).await.unwrap().unwrap().uses_left, Some(97));
    let mut taken = 3;
    while taken < 100 {
        taken += take(store, token, text, 1_000, 1).await.unwrap().uses;
    }
    let spent = take(store, token, text, 1, 1).await.unwrap();
    assert_eq!((taken, spent.uses, spent.withheld.unwrap().0), (100, 0, Withheld::Uses));
    assert_eq!(database.changes_after(0).await, log, "the change log says nothing of it");
    assert_eq!(find(store, 1).await.unwrap().revision, 1);
    assert_eq!(store.check(&Progress::default()).await.unwrap().faults, [""; 0]);
}

pub(crate) async fn no_use_is_given_to_two(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let text = "uses=300@1";
    let token = (app.id, issue(store, app.id, limited(1, text)).await);
    let mut tasks = JoinSet::new();
    for task in 0..8 {
        let store = database.store.clone();
        tasks.spawn(async move {
            let mut taken = 0;
            loop {
                match take(&*store, token, text, 3 + task, 1).await.unwrap().uses {
                    0 => return taken,
                    uses => taken += uses,
                }
            }
        });
    }
    assert_eq!(tasks.join_all().await.iter().sum::<u64>(), 300);
    assert_eq!(left(store, token, text).await, Some(0));
}

pub(crate) async fn other_limits_begin_anew(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let before = "uses=10@1 rates=10/60";
    let token = (app.id, issue(store, app.id, limited(1, before)).await);
    assert_eq!(take(store, token, before, 1, 1).await.unwrap().uses, 1);
    // Other rates alone leave the allowance as it is.
    let faster = "uses=10@1 rates=20/60";
    change(store, 1, faster).await;
    assert_eq!(take(store, token, before, 1, 1).await, None, "these are not its limits any more");
    let portion = take(store, token, faster, 1, 1).await.unwrap();
    assert_eq!((portion.uses_left, portion.rates[0].uses), (Some(8), 19));
    give_back(store, token, before, 1).await;
    let portion = take(store, token, faster, 1, 1).await.unwrap();
    assert_eq!((portion.uses_left, portion.rates[0].uses), (Some(8), 18), "of other rates it gives nothing");
    // Another allowance is whole, and what is left of the former is no part of it.
    let more = "uses=50@3 rates=20/60";
    change(store, 1, more).await;
    give_back(store, token, faster, 1).await;
    let portion = take(store, token, more, 1, 1).await.unwrap();
    assert_eq!((portion.uses_left, portion.rates[0].uses), (Some(49), 18));
    change(store, 1, "").await;
    assert_eq!(take(store, token, more, 1, 1).await, None);
    give_back(store, token, more, 1).await;
    assert_eq!(store.check(&Progress::default()).await.unwrap().faults, [""; 0]);
}

pub(crate) async fn what_is_gone_gives_nothing(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let text = "uses=10@1";
    let revoked = (app.id, issue(store, app.id, limited(1, text)).await);
    let deleted = (app.id, issue(store, app.id, limited(2, text)).await);
    for token in [revoked, deleted] {
        assert_eq!(take(store, token, text, 1, 1).await.unwrap().uses, 1);
    }
    assert!(store.write(revoking(app.id, revoked.1, at(2))).await.unwrap());
    assert!(store.write(deleting(app.id, deleted.1, at(2))).await.unwrap());
    for token in [revoked, deleted] {
        assert_eq!(take(store, token, text, 1, 3).await, None);
        give_back(store, token, text, 1).await;
    }
    assert_eq!(left(store, deleted, text).await, None, "it goes with its token");
    let other = create_app(store, "other").await;
    let live = issue(store, app.id, limited(3, text)).await;
    assert_eq!(take(store, (other.id, live), text, 1, 3).await, None, "of another app");
}

pub(crate) async fn a_restore_gives_no_use_back(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let text = "uses=100@1";
    let spent = (app.id, issue(store, app.id, limited(1, text)).await);
    let limited_later = (app.id, issue(store, app.id, limited(2, "")).await);
    let freed_later = (app.id, issue(store, app.id, limited(3, text)).await);
    for token in [spent, freed_later] {
        assert_eq!(take(store, token, text, 10, 1).await.unwrap().uses, 10);
    }
    let (_folder, path, _) = back_up(store).await;
    assert_eq!(take(store, spent, text, 5, 1).await.unwrap().uses, 5);
    change(store, 2, "uses=7@2 rates=1/60").await;
    assert_eq!(take(store, limited_later, "uses=7@2 rates=1/60", 1, 1).await.unwrap().uses, 1);
    change(store, 3, "").await;
    let restored = store.write(restoring(&path)).await.unwrap();
    assert_eq!(restored.kept_limits, 1, "{restored:?}");
    assert_eq!(left(store, spent, text).await, Some(85), "as before the restore");
    let found = find(store, 2).await.unwrap();
    assert_eq!(found.token.spec.limits, limits("uses=7@2 rates=1/60"));
    assert_eq!(left(store, limited_later, "uses=7@2 rates=1/60").await, Some(6));
    assert_eq!(left(store, freed_later, text).await, Some(90), "as the backup has it");
    assert_eq!(store.check(&Progress::default()).await.unwrap().faults, [""; 0]);
}
