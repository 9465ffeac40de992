//! Totals, which are kept with every write, beside what a list of all rows has.

use crate::database::{BY, TestDatabase};
use crate::fixture::*;
use jeton_core::{Actor, AppId, Entropy, Owner, Timestamp, Token, TokenId, TokenKind};
use jeton_store::Progress;
use jeton_store::write::{DeleteApp, InsertTokens, PurgeTokens, SweepDeletedApps, SweepSealed};
use jeton_store::{
    Inserted, KeyCheck, NewToken, Order, OwnerFilter, Purge, Restore, SelfMadeLimit, Store, TokenFilter,
    TokenPage, View,
};
use jeton_testkit::SeededEntropy;
use tokio::task::JoinSet;

const ALL: TokenPage = TokenPage { order: Order::OldestFirst, after: None, skip: 0, limit: u32::MAX };

/// Room for few, so that expired ones have to make room.
const LIMIT: SelfMadeLimit = SelfMadeLimit { tokens: 12, bytes: u64::MAX };

/// Draws that repeat.
struct Dice(SeededEntropy);

impl Dice {
    fn new(seed: u64) -> Self {
        Dice(SeededEntropy::new(seed))
    }

    fn below(&self, bound: u32) -> u32 {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes).unwrap();
        u32::from_be_bytes(bytes) % bound
    }

    fn one<T: Clone>(&self, of: &[T]) -> T {
        of[self.below(of.len() as u32) as usize].clone()
    }

    fn owner(&self) -> Owner {
        let user = user(&self.one(&["1", "7", "eve"].map(String::from)));
        match self.below(5) {
            0 | 1 => Owner::Nobody,
            2 => Owner::StandIn(user),
            _ => Owner::Named(user),
        }
    }

    fn instant(&self) -> Option<Timestamp> {
        (self.below(4) > 0).then(|| at(i64::from(self.below(100))))
    }

    fn disabled_by(&self) -> Option<Actor> {
        (self.below(4) == 0).then_some(Actor::Cli)
    }

    /// One of few digests, so that some are duplicates.
    fn token(&self, digests: u32) -> NewToken {
        NewToken {
            expires_at: self.instant(),
            disabled_by: self.disabled_by(),
            is_foreign: self.below(9) == 0,
            ..new_token(self.below(digests)).with(|token| {
                token.spec.kind = self.one(&TokenKind::ALL);
                token.spec.owner = self.owner();
            })
        }
    }
}

/// Makes a write of some sort. `seconds`: when.
async fn write_something(store: &dyn Store, apps: &[AppId], dice: &Dice, digests: u32, seconds: i64) {
    let (app_id, now) = (dice.one(apps), at(seconds));
    match dice.below(10) {
        0..=3 => {
            let tokens = (0..=dice.below(6)).map(|_| dice.token(digests)).collect();
            store
                .write(InsertTokens {
                    app_id,
                    tokens,
                    self_made: LIMIT,
                    per_user: None,
                    sealed_under: None,
                    at: now,
                    by: BY,
                })
                .await
                .unwrap();
        }
        4..=6 => replace_one(store, app_id, dice, now).await,
        7 => {
            if let Some(id) = some_token(store, app_id, dice).await {
                store.write(revoking(app_id, id, now)).await.unwrap();
            }
        }
        8 => {
            if let Some(id) = some_token(store, app_id, dice).await {
                store.write(deleting(app_id, id, now)).await.unwrap();
            }
        }
        _ => {
            let which = dice.one(&[Purge::Expired, Purge::Revoked]);
            let (before, limit) = (at(i64::from(dice.below(30))), 1 + dice.below(9));
            store.write(PurgeTokens { which, before, limit, at: now, by: BY }).await.unwrap();
            store.write(SweepSealed { id: app_id, limit: 3 }).await.unwrap();
        }
    }
}

async fn replace_one(store: &dyn Store, app_id: AppId, dice: &Dice, now: Timestamp) {
    let Some(id) = some_token(store, app_id, dice).await else { return };
    let Some(stored) = store.token(app_id, id).await.unwrap() else { return };
    let token = Token {
        expires_at: dice.instant(),
        disabled_by: dice.disabled_by(),
        left_loopback: dice.below(3) == 0,
        updated_at: now,
        ..stored.token.with(|token| {
            if dice.below(2) > 0 {
                token.spec.kind = dice.one(&TokenKind::ALL);
            }
            if dice.below(2) > 0 {
                token.spec.owner = dice.owner();
            }
        })
    };
    store.write(replacing(token, stored.revision)).await.unwrap();
}

async fn some_token(store: &dyn Store, app_id: AppId, dice: &Dice) -> Option<TokenId> {
    let filter = TokenFilter { kinds: TokenKind::ALL.to_vec(), ..shared(app_id) };
    let tokens = store.list_tokens(&filter, ALL).await.unwrap();
    (!tokens.is_empty()).then(|| tokens[dice.below(tokens.len() as u32) as usize].token.id)
}

/// Asserts that each total is what a list has, whatever is asked.
async fn assert_totals(store: &dyn Store, apps: &[AppId]) {
    assert_eq!(store.check(&Progress::default()).await.unwrap().faults, Vec::<String>::new());
    let owners = [
        OwnerFilter::Any,
        OwnerFilter::Shown(user("1")),
        OwnerFilter::Named(user("eve")),
        OwnerFilter::Shown(user("nobody")),
    ];
    let kinds = [TokenKind::SHARED.to_vec(), TokenKind::ALL.to_vec(), vec![TokenKind::SelfMade]];
    for &app_id in apps {
        for owner in &owners {
            for kinds in &kinds {
                for view in [View::Whole, View::LoopBack(at(30)), View::LoopBack(at(80))] {
                    let (owner, kinds) = (owner.clone(), kinds.clone());
                    let filter = TokenFilter { app_id, kinds, owner, view, unused_since: None };
                    let listed = store.list_tokens(&filter, ALL).await.unwrap().len() as u64;
                    assert_eq!(store.count_tokens(&filter).await.unwrap(), listed, "{filter:?}");
                }
            }
        }
    }
}

pub(crate) async fn they_are_what_there_is_after_any_writes(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let apps = [app.id, create_app(store, "other").await.id];
    let dice = Dice::new(11);
    for round in 0..12 {
        for step in 0..20 {
            write_something(store, &apps, &dice, 400, round * 5 + step % 5).await;
        }
        assert_totals(store, &apps).await;
    }
    // Nothing of a user is left, so no row is.
    assert!(store.write(DeleteApp { id: apps[1], at: at(99), by: BY }).await.unwrap());
    assert_totals(store, &apps).await;
    while store.write(SweepDeletedApps { limit: 5 }).await.unwrap() > 0 {
        assert_totals(store, &apps).await;
    }
}

pub(crate) async fn they_are_exact_when_many_write(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let other = database.reopen().await.unwrap();
    let apps = [app.id, create_app(store, "other").await.id];
    let mut tasks = JoinSet::new();
    for writer in 0..12 {
        let store = if writer % 2 == 0 { database.store.clone() } else { other.clone() };
        tasks.spawn(async move {
            let dice = Dice::new(writer);
            for step in 0..25 {
                write_something(&*store, &apps, &dice, 2_000, step).await;
            }
        });
    }
    tasks.join_all().await;
    assert_totals(store, &apps).await;
    other.close().await;
}

pub(crate) async fn a_restore_brings_those_of_the_backup(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let apps = [app.id];
    let dice = Dice::new(3);
    for step in 0..20 {
        write_something(store, &apps, &dice, 100, step).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("backup.db");
    std::fs::write(&path, b"").unwrap();
    store.back_up(&path, &Progress::default()).await.unwrap();
    assert_eq!(
        jeton_store::check_backup(&path, &Progress::default()).await.unwrap().faults,
        Vec::<String>::new()
    );
    for keeps_removed in [true, false] {
        for step in 20..40 {
            write_something(store, &apps, &dice, 100, step).await;
        }
        let key_checks = vec![KeyCheck { key_id: 1, check: vec![1; 16], retired_at: None }];
        let path = path.clone();
        let (at, progress) = (at(50), Progress::default());
        store
            .write(Restore { path, key_checks, epoch: 5, keeps_removed, at, by: BY, progress })
            .await
            .unwrap();
        assert_totals(store, &apps).await;
    }
}

pub(crate) async fn a_wrong_one_is_found(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let token = new_token(1).with(|token| token.spec.owner = Owner::Named(user("7")));
    assert!(matches!(
        store.write(inserting(app.id, vec![token], at(0))).await.unwrap()[..],
        [Inserted::Issued(_)]
    ));
    assert_totals(store, &[app.id]).await;
    database.execute("UPDATE app_totals SET tokens = tokens + 1 WHERE kind = 'grant'").await;
    database.execute("DELETE FROM user_totals").await;
    let faults =
        ["there are 1 apps whose tokens were miscounted", "there are 1 users whose tokens were miscounted"];
    assert_eq!(store.check(&Progress::default()).await.unwrap().faults, faults);
}
