use crate::database::TestDatabase;
use crate::fixture::*;
use futures_util::future::join_all;
use jeton_core::AppId;
use jeton_store::{Order, Store, StoreError, TokenFilter, TokenPage};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::task::JoinSet;

/// How many calls of a busy app were answered before one of another.
async fn served_before<T>(
    database: &TestDatabase,
    crowd: usize,
    call: impl Fn(Arc<dyn Store>, usize) -> T,
    other: impl Future<Output = ()>,
) -> usize
where
    T: Future<Output = Result<(), StoreError>> + Send + 'static,
{
    let served = Arc::new(AtomicUsize::new(0));
    let (mut tasks, waiting) = (JoinSet::new(), Arc::new(tokio::sync::Barrier::new(crowd + 1)));
    for number in 0..crowd {
        let (call, served) = (call(database.store.clone(), number), Arc::clone(&served));
        let waiting = Arc::clone(&waiting);
        tasks.spawn(async move {
            waiting.wait().await;
            match call.await {
                Ok(()) => drop(served.fetch_add(1, Ordering::SeqCst)),
                // The crowd is slow on a slow machine, and some of it may have waited for too long.
                Err(StoreError::Crowded(_)) => {}
                Err(error) => panic!("{error}"),
            }
        });
    }
    waiting.wait().await;
    // All of them stand in line.
    tokio::task::yield_now().await;
    let before = served.load(Ordering::SeqCst);
    other.await;
    let after = served.load(Ordering::SeqCst);
    tasks.join_all().await;
    after - before
}

/// With so many before it, one call would come after nearly all of them if the apps did not take turns. How many come before one
/// that takes its turn is up to the machine, which may let it wait for a processor.
const CROWD: usize = 60;

/// Nearly all of a crowd.
const fn nearly(crowd: usize) -> usize {
    crowd - crowd / 6
}

/// How many came before it in the best of a few rounds: a busy machine may let it wait for a processor in one of them, but calls that
/// are not served in turn come last in each.
async fn soonest<T, O>(
    database: &TestDatabase,
    call: impl Fn(Arc<dyn Store>, usize) -> T,
    other: impl Fn() -> O,
) -> usize
where
    T: Future<Output = Result<(), StoreError>> + Send + 'static,
    O: Future<Output = ()>,
{
    const ROUNDS: usize = 8;
    let mut least = CROWD;
    for _ in 0..ROUNDS {
        least = least.min(served_before(database, CROWD, &call, other()).await);
        if least < nearly(CROWD) {
            break;
        }
    }
    least
}

async fn two_apps(database: &TestDatabase) -> (AppId, AppId) {
    let (store, app) = begin_on(database).await;
    let shop = create_app(store, "shop").await;
    store.write(inserting(app.id, (0..2_000).map(new_token).collect(), at(0))).await.unwrap();
    // All the connections that the apps will have at once are open: to open one takes as long as many calls.
    let first = TokenPage { order: Order::OldestFirst, after: None, skip: 0, limit: 1 };
    let filters = [app.id, app.id, shop.id].map(shared);
    let lists = filters.iter().map(|filter| store.list_tokens(filter, first));
    let (lists, _) = tokio::join!(join_all(lists), find(store, 0));
    assert!(lists.iter().all(Result::is_ok));
    (app.id, shop.id)
}

pub(crate) async fn a_crowd_that_counts_or_lists_delays_no_other_app(database: &TestDatabase) {
    let (crowded, other) = two_apps(database).await;
    let page = |skip| TokenPage { order: Order::OldestFirst, after: None, skip, limit: 256 };
    for skip in [0, 1_000] {
        let call = move |store: Arc<dyn Store>, _| async move {
            store.list_tokens(&shared(crowded), page(skip)).await.map(drop)
        };
        let one = || async { assert!(database.store.list_tokens(&shared(other), page(skip)).await.is_ok()) };
        let before = soonest(database, call, one).await;
        assert!(before < nearly(CROWD), "a list that skips {skip} came after {before} of {CROWD}");
    }
    // A total is kept, and as quick as a look-up; these have to be counted.
    let unused = |app| TokenFilter { unused_since: Some(at(9_000)), ..shared(app) };
    let count = move |store: Arc<dyn Store>, _| async move {
        assert_eq!(store.count_tokens(&unused(crowded)).await?, 2_000);
        Ok(())
    };
    let one = || async { assert_eq!(database.store.count_tokens(&unused(other)).await.unwrap(), 0) };
    let before = soonest(database, count, one).await;
    assert!(before < nearly(CROWD), "a count came after {before} of {CROWD}");
}

pub(crate) async fn a_crowd_that_is_sought_in_batches_delays_nobody(database: &TestDatabase) {
    let (crowded, other) = two_apps(database).await;
    let id = issue(&*database.store, other, new_token(5_000)).await;
    let batch = move |store: Arc<dyn Store>, _| async move {
        let digests: Vec<_> = (0..1_000).map(digest).collect();
        assert_eq!(store.find_tokens_of(crowded, &digests).await?.len(), 1_000);
        Ok(())
    };
    let one = || async {
        let digests: Vec<_> = (4_990..5_010).map(digest).collect();
        let found = database.store.find_tokens_of(other, &digests).await.unwrap();
        assert_eq!(found.iter().map(|stored| stored.token.id).collect::<Vec<_>>(), [id]);
    };
    let before = soonest(database, batch, one).await;
    assert!(before < nearly(CROWD), "another app's batch came after {before} of {CROWD}");
    let lookup = || async { assert!(find(&*database.store, 5_000).await.is_some()) };
    let before = soonest(database, batch, lookup).await;
    assert!(before < nearly(CROWD), "a lookup came after {before} of {CROWD}");
}

pub(crate) async fn a_crowd_that_writes_delays_no_other_app_and_no_revoking(database: &TestDatabase) {
    const WRITES: usize = 30;
    let (crowded, other) = two_apps(database).await;
    let id = issue(&*database.store, crowded, new_token(9_000)).await;
    let rounds = AtomicUsize::new(1);
    let many = |store: Arc<dyn Store>, number: usize| {
        let first = (rounds.load(Ordering::SeqCst) * 100_000 + number * 512) as u32;
        async move {
            let tokens = (first..first + 512).map(new_token).collect();
            store.write(inserting(crowded, tokens, at(0))).await.map(drop)
        }
    };
    let one = async { assert!(issue(&*database.store, other, new_token(1)).await > id) };
    let before = served_before(database, WRITES, many, one).await;
    assert!(before < nearly(WRITES), "a token of another app came after {before} writes of {WRITES}");
    rounds.store(2, Ordering::SeqCst);
    let revoke = async { assert!(database.store.write(revoking(crowded, id, at(1))).await.unwrap()) };
    let before = served_before(database, WRITES, many, revoke).await;
    assert!(before < nearly(WRITES), "revoking came after {before} writes of {WRITES}");
}

pub(crate) async fn more_than_may_wait_are_refused_and_others_served(database: &TestDatabase) {
    let (crowded, other) = two_apps(database).await;
    let mut tasks = JoinSet::new();
    for _ in 0..1_000 {
        let store = database.store.clone();
        tasks.spawn(async move { store.count_tokens(&shared(crowded)).await });
    }
    tokio::task::yield_now().await;
    assert_eq!(database.store.count_tokens(&shared(other)).await.unwrap(), 0);
    let answers = tasks.join_all().await;
    let refused = answers.iter().filter(|answer| matches!(answer, Err(StoreError::Crowded(_)))).count();
    let counted = answers.iter().filter(|answer| matches!(answer, Ok(2_000))).count();
    assert_eq!(refused + counted, 1_000);
    assert!(counted > 50 && refused > 0, "{counted} counted, {refused} refused");
}
