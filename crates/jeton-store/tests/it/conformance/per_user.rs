//! How many live tokens a user may have.

use crate::database::TestDatabase;
use crate::fixture::*;
use jeton_core::{AppId, Owner, TokenKind};
use jeton_store::Progress;
use jeton_store::write::{InsertTokens, ReplaceToken};
use jeton_store::{Inserted, NewToken, Replaced, Store};
use tokio::task::JoinSet;

const LIMIT: u32 = 3;

fn of(name: &str, number: u32, expires_at: i64) -> NewToken {
    NewToken { expires_at: Some(at(expires_at)), ..new_token(number) }
        .with(|token| token.spec.owner = Owner::Named(user(name)))
}

fn inserting_within(app_id: AppId, tokens: Vec<NewToken>, seconds: i64) -> InsertTokens {
    InsertTokens { per_user: Some(LIMIT), ..inserting(app_id, tokens, at(seconds)) }
}

/// Which of them were inserted.
async fn insert(store: &dyn Store, app_id: AppId, tokens: Vec<NewToken>, seconds: i64) -> Vec<bool> {
    let answers = store.write(inserting_within(app_id, tokens, seconds)).await.unwrap();
    let is_in = |answer: &Inserted| match answer {
        Inserted::Issued(_) => true,
        Inserted::TooManyOfUser => false,
        other => panic!("{other:?}"),
    };
    answers.iter().map(is_in).collect()
}

pub(crate) async fn each_user_has_its_own_places(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let tokens = vec![of("7", 1, 100), of("8", 2, 100), of("7", 3, 100), of("7", 4, 100), of("7", 5, 100)];
    assert_eq!(insert(store, app.id, tokens, 0).await, [true, true, true, true, false]);
    assert_eq!(insert(store, app.id, vec![of("7", 6, 100)], 0).await, [false]);
    // Nobody's, those that only show a user, and those that prove none.
    let nobody = new_token(7);
    let stand_in = of("7", 8, 100).with(|token| token.spec.owner = Owner::StandIn(user("7")));
    let self_made = of("7", 9, 100).with(|token| token.spec.kind = TokenKind::SelfMade);
    assert_eq!(insert(store, app.id, vec![nobody, stand_in, self_made], 0).await, [true; 3]);
    let other = create_app(store, "other").await;
    assert_eq!(insert(store, other.id, vec![of("7", 10, 100)], 0).await, [true]);
    // Without a limit there is none.
    let unbounded = store.write(inserting(app.id, vec![of("7", 11, 100)], at(0))).await.unwrap();
    assert!(matches!(unbounded[..], [Inserted::Issued(_)]));
    assert_eq!(store.check(&Progress::default()).await.unwrap().faults, Vec::<String>::new());
}

pub(crate) async fn revoked_and_expired_tokens_take_no_place(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let first = issue(store, app.id, of("7", 1, 100)).await;
    assert_eq!(insert(store, app.id, vec![of("7", 2, 10), of("7", 3, 20)], 0).await, [true; 2]);
    assert_eq!(insert(store, app.id, vec![of("7", 4, 100)], 9).await, [false]);
    assert_eq!(insert(store, app.id, vec![of("7", 5, 100), of("7", 6, 100)], 10).await, [true, false]);
    assert!(store.write(revoking(app.id, first, at(11))).await.unwrap());
    assert_eq!(insert(store, app.id, vec![of("7", 7, 100), of("7", 8, 100)], 12).await, [true, false]);
}

pub(crate) async fn a_token_that_changes_hands_needs_a_place(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    assert_eq!(insert(store, app.id, (1..=3).map(|n| of("7", n, 100)).collect(), 0).await, [true; 3]);
    let new = of("8", 4, 100);
    let id = issue(store, app.id, new.clone()).await;
    let token = stored(id, app.id, &new).token.with(|token| token.spec.owner = Owner::Named(user("7")));
    let within = |token, expected| ReplaceToken { per_user: Some(LIMIT), ..replacing(token, expected) };
    assert_eq!(store.write(within(token.clone(), 1)).await.unwrap(), Replaced::TooManyOfUser);
    assert_eq!(store.token(app.id, id).await.unwrap().unwrap().revision, 1, "nothing has changed");
    // No limit is given for a change that gives the user none.
    assert_eq!(store.write(replacing(token, 1)).await.unwrap(), Replaced::Done);
    let to_9 = stored(id, app.id, &new).token.with(|token| token.spec.owner = Owner::Named(user("9")));
    assert_eq!(store.write(within(to_9, 2)).await.unwrap(), Replaced::Done);
}

pub(crate) async fn many_writers_keep_to_it(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let other = database.reopen().await.unwrap();
    let mut tasks = JoinSet::new();
    for writer in 0..16_u32 {
        let store = if writer % 2 == 0 { database.store.clone() } else { other.clone() };
        tasks.spawn(async move {
            let mut taken = [0_usize; 2];
            for round in 0..4_u32 {
                let number = 1 + 2 * (round + 4 * writer);
                let tokens = vec![of("7", number, 100), of("8", number + 1, 100)];
                let answers = insert(&*store, app.id, tokens, 0).await;
                taken.iter_mut().zip(answers).for_each(|(taken, is_in)| *taken += usize::from(is_in));
            }
            taken
        });
    }
    let taken = tasks.join_all().await;
    for user in 0..2 {
        let of_user: usize = taken.iter().map(|taken| taken[user]).sum();
        assert_eq!(of_user, LIMIT as usize, "{taken:?}");
    }
    assert_eq!(store.check(&Progress::default()).await.unwrap().faults, Vec::<String>::new());
    other.close().await;
}
