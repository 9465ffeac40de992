//! New tokens that share a transaction on PostgreSQL.

use crate::database::{Location, TestDatabase};
use crate::fixture::*;
use futures_util::FutureExt;
use jeton_core::ChangeKind;
use jeton_store::Inserted;
use jeton_store::Progress;
use tokio::task::JoinSet;

#[tokio::test]
async fn tokens_that_wait_share_commits_and_one_that_cannot_go_in_fails_alone() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let database = TestDatabase::new(Location::postgres()).await;
    let (_, app) = begin_on(&database).await;
    let mut tasks = JoinSet::new();
    for number in 0..200 {
        let store = database.store.clone();
        // PostgreSQL keeps no NUL: a statement with one fails as a whole.
        let title = (number % 50 == 7).then(|| "a\0b".to_owned());
        let token = new_token(number).with(|token| token.spec.permissions_as_sent = title);
        tasks.spawn(async move { (number, store.write(inserting(app.id, vec![token], at(1))).await) });
    }
    let mut ids = Vec::new();
    for (number, answer) in tasks.join_all().await {
        match answer {
            Ok(inserted) => {
                let [Inserted::Issued(id)] = inserted[..] else { panic!("{inserted:?}") };
                assert_eq!(find(&*database.store, number).await.unwrap().token.id, id);
                ids.push(id);
            }
            Err(error) => assert!(number % 50 == 7, "{number}: {error}"),
        }
    }
    assert_eq!(ids.len(), 196);
    let groups = database.store.measures().unwrap().groups.read();
    assert!(groups.sum == 200 && groups.count < 150, "{groups:?}");
    let changes = database.changes_after(0).await;
    let issued = changes.iter().filter(|change| change.kind == ChangeKind::TokenIssued);
    let mut told: Vec<_> = issued.filter_map(|change| change.subject_id).collect();
    let mut expected: Vec<_> = ids.iter().map(|id| id.get()).collect();
    told.sort_unstable();
    expected.sort_unstable();
    assert_eq!(told[1..], expected, "the first is the admin's");
    assert_eq!(database.store.check(&Progress::default()).await.unwrap().faults, [""; 0]);
}

#[tokio::test]
async fn a_token_that_is_given_up_before_its_turn_is_not_written() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let database = TestDatabase::new(Location::postgres()).await;
    let (store, app) = begin_on(&database).await;
    let write = |number| store.write(inserting(app.id, vec![new_token(number)], at(1)));
    // Each takes a turn of the app at its first look, until there are none left.
    let mut first: Vec<_> = (0..6).map(|number| Box::pin(write(number))).collect();
    for write in &mut first {
        assert!(write.now_or_never().is_none());
    }
    let mut given_up = Box::pin(write(100));
    assert!((&mut given_up).now_or_never().is_none());
    let mut last = Box::pin(write(101));
    assert!((&mut last).now_or_never().is_none());
    drop(given_up);
    assert!(matches!(last.await.unwrap()[..], [Inserted::Issued(_)]));
    // Their turns had come: they are written although nobody waits for them.
    drop(first);
    while store.count_tokens(&shared(app.id)).await.unwrap() < 7 {
        tokio::task::yield_now().await;
    }
    assert_eq!(find(store, 100).await, None);
}
