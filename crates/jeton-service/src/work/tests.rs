//! Which work is done at once, which is cut, and which ends early.

use super::*;
use futures_util::FutureExt;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use tokio::sync::Notify;

const APP: Party = AppId::new(1);
const OTHER: Party = AppId::new(2);

/// A number of steps of some units each. Records which thread did each.
struct Steps {
    left: usize,
    units: u64,
    allowance: Allowance,
    did: Arc<Mutex<Vec<(Party, String)>>>,
    party: Party,
}

impl Steps {
    fn new(left: usize, units: u64) -> Self {
        Steps { left, units, allowance: Allowance::new(u64::MAX), did: Arc::default(), party: APP }
    }
}

impl Work for Steps {
    fn advance(&mut self, slice: &mut Slice<'_>) -> Result<bool, Stop> {
        let thread = std::thread::current().name().unwrap_or_default().to_owned();
        while self.left > 0 && !slice.is_over() {
            slice.step(&self.allowance, |meter| meter.charge(self.units))?;
            self.left -= 1;
            self.did.lock().unwrap().push((self.party, thread.clone()));
        }
        Ok(self.left == 0)
    }
}

fn limits() -> Limits {
    Limits { match_work_per_second: u64::MAX, ..Limits::default() }
}

/// With one thread, on any machine.
fn work_pool() -> Arc<WorkPool> {
    let turns = Fair::new(Share { places: 1, each: 1, waiting: 4 });
    Arc::new(WorkPool { threads: Threads::new(1), turns, pace: Pace::default() })
}

#[tokio::test]
async fn what_is_small_is_done_at_once_and_the_rest_elsewhere() {
    let pool = work_pool();
    let small =
        pool.work(&limits(), APP, Steps::new(10, SMALL / 10), PATIENCE).now_or_never().unwrap().unwrap();
    let mine = std::thread::current().name().unwrap_or_default().to_owned();
    assert!(small.did.lock().unwrap().iter().all(|(_, thread)| *thread == mine));
    let large = pool.work(&limits(), APP, Steps::new(100, SMALL / 10), PATIENCE).await.unwrap();
    let did = large.did.lock().unwrap();
    assert_eq!(did.len(), 100);
    assert!(did.iter().skip(10).all(|(_, thread)| thread == "match-0"), "{did:?}");
}

#[tokio::test]
async fn what_is_too_much_for_a_step_or_in_all_is_refused() {
    let pool = work_pool();
    let steps =
        |left, units, allowance| Steps { allowance: Allowance::new(allowance), ..Steps::new(left, units) };
    assert!(pool.work(&limits(), APP, steps(2, STEP, 2 * STEP), PATIENCE).await.is_ok());
    for work in [steps(1, STEP + 1, u64::MAX), steps(3, STEP, 3 * STEP - 1), steps(1, SMALL, SMALL - 1)] {
        let refused = pool.work(&limits(), APP, work, PATIENCE).await;
        assert!(matches!(refused, Err(Error::TooCostly { request: 4_000, row: 32 })));
    }
}

#[tokio::test]
async fn apps_take_turns_slice_by_slice() {
    let pool = work_pool();
    let did: Arc<Mutex<Vec<_>>> = Arc::default();
    let steps = |party, left| {
        let work = Steps { did: Arc::clone(&did), party, ..Steps::new(left, SLICE) };
        let pool = Arc::clone(&pool);
        async move { pool.work(&limits(), party, work, PATIENCE).await.map(|_| ()) }
    };
    let (one, two, three, other) =
        tokio::join!(steps(APP, 20), steps(APP, 20), steps(APP, 20), steps(OTHER, 4));
    assert!(one.is_ok() && two.is_ok() && three.is_ok() && other.is_ok());
    let did = did.lock().unwrap();
    let last = did.iter().rposition(|(party, _)| *party == OTHER).unwrap();
    // Slices alternate, except for those requested between the end of a slice and the notice of it.
    assert!(last < did.len() / 2, "{last} of {}", did.len());
}

#[tokio::test]
async fn more_of_an_app_than_may_wait_is_refused_and_that_of_others_is_not() {
    let pool = work_pool();
    let held = pool.turn(APP).await.unwrap();
    let mut waiting: Vec<_> = (0..4).map(|_| Box::pin(pool.turn(APP))).collect();
    assert!(waiting.iter_mut().all(|turn| turn.now_or_never().is_none()));
    let steps = || Steps::new(2, SMALL);
    let limits = limits();
    let refused = pool.work(&limits, APP, steps(), PATIENCE).now_or_never();
    assert!(matches!(refused, Some(Err(Error::Busy))));
    let mut other = Box::pin(pool.work(&limits, OTHER, steps(), PATIENCE));
    assert!((&mut other).now_or_never().is_none());
    drop((held, waiting));
    assert!(other.await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_longer_than_it_has_patience() {
    let pool = work_pool();
    let _held = pool.turn(OTHER).await.unwrap();
    let waited = pool.work(&limits(), APP, Steps::new(2, SMALL), PATIENCE).await;
    assert!(matches!(waited, Err(Error::Busy)));
}

/// One step that goes on until it is halted.
struct Endless {
    begun: Arc<Notify>,
    ended: Arc<AtomicBool>,
}

impl Work for Endless {
    fn advance(&mut self, slice: &mut Slice<'_>) -> Result<bool, Stop> {
        let allowance = Allowance::new(u64::MAX);
        slice.step(&allowance, |meter| meter.charge(SMALL + 1))?;
        self.begun.notify_one();
        loop {
            let halted = slice.step(&allowance, |meter| meter.charge(STEP));
            if halted == Err(Halt::Interrupted) {
                self.ended.store(true, Ordering::SeqCst);
                halted?;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_waits_for_ends() {
    let pool = work_pool();
    let (begun, ended) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
    let endless = Endless { begun: Arc::clone(&begun), ended: Arc::clone(&ended) };
    let task = tokio::spawn({
        let pool = Arc::clone(&pool);
        async move { pool.work(&limits(), APP, endless, PATIENCE).await.map(|_| ()) }
    });
    begun.notified().await;
    task.abort();
    // The only thread is free again.
    assert!(pool.work(&limits(), OTHER, Steps::new(2, SMALL), PATIENCE).await.is_ok());
    assert!(ended.load(Ordering::SeqCst));
}
