use crate::fixture::*;
use jeton_core::{Cause, ChangeKind, Clock, Lifetime};
use jeton_service::{Issue, RequestedLifetime, Retention};
use jeton_store::write::{DeleteApp, SweepDeletedApps};
use std::sync::atomic::{AtomicU64, Ordering};

fn for_a_day() -> Issue {
    Issue { lifetime: RequestedLifetime::Asked(Lifetime::Millis(DAY)), ..grant("read") }
}

/// How many were removed: expired ones, tombstones, entries of the log.
fn removed(world: &World) -> [u64; 3] {
    let counters = world.service.retention_counters();
    [&counters.expired, &counters.revoked, &counters.changes].map(|counter| counter.load(Ordering::Relaxed))
}

#[tokio::test]
async fn things_are_kept_for_as_long_as_they_are_to_be() {
    let world = World::new().await;
    let short = world.issue(for_a_day()).await;
    let long = world.issue(grant("read")).await;
    world.issue(identity()).await;
    world.revoke(long.token.id).await;
    let retention = Retention::default();

    world.clock.advance_millis(90 * DAY);
    world.service.keep_once(retention).await.unwrap();
    assert_eq!(removed(&world), [0, 0, 0], "neither is over, to the millisecond");
    world.clock.advance_millis(1);
    world.service.keep_once(retention).await.unwrap();
    assert_eq!(removed(&world), [0, 1, 0]);
    world.clock.advance_millis(DAY);
    world.service.keep_once(retention).await.unwrap();
    assert_eq!(removed(&world), [1, 1, 0]);
    assert_eq!(world.changes(ChangeKind::TokensPurged).await, 2, "readers of the log learn of both");
    assert!(!world.is_admitted(&short.secret).await && !world.is_admitted(&long.secret).await);
    assert_eq!(world.count(&world.demo().await).await, 2);

    world.clock.advance_millis(365 * DAY);
    world.service.keep_once(Retention { change_days: None, ..retention }).await.unwrap();
    assert_eq!(removed(&world), [1, 1, 0]);
    world.service.keep_once(retention).await.unwrap();
    assert_eq!(removed(&world), [1, 1, 8], "the last entry stays");
    assert_eq!(world.store.changes(0, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_to_be_kept_for_ever_is() {
    let world = World::new().await;
    let token = world.issue(for_a_day()).await;
    world.issue(for_a_day()).await;
    world.revoke(token.token.id).await;
    world.clock.advance_millis(100_000 * DAY);
    let for_ever = Retention { expired_days: None, revoked_days: None, change_days: None };
    world.service.keep_once(for_ever).await.unwrap();
    assert_eq!(removed(&world), [0, 0, 0]);
    world.service.keep_once(Retention { expired_days: Some(0), ..for_ever }).await.unwrap();
    assert_eq!(removed(&world), [1, 0, 0]);
}

/// Sweeps that were cut short, by a crash say, are finished.
#[tokio::test]
async fn earlier_sweeps_are_finished() {
    let world = World::new().await;
    world.create_app("shop").await;
    let shop = world.open("shop").await;
    world.service.issue(&shop, &EVERYTHING, grant("read")).await.unwrap().unwrap();
    world.store.write(DeleteApp { id: shop.id, at: world.clock.now(), by: Cause::CLI }).await.unwrap();
    world.service.keep_once(Retention::default()).await.unwrap();
    let counters = world.service.retention_counters();
    assert_eq!(counters.swept.load(Ordering::Relaxed), 2, "its admin token and the other");
    assert_eq!(world.store.write(SweepDeletedApps { limit: 10 }).await.unwrap(), 0);
}

/// More than one batch, by the task as a server runs it.
#[tokio::test]
async fn the_task_works_in_batches_until_it_is_stopped() {
    let world = World::new().await;
    for _ in 0..1_201 {
        world.issue(for_a_day()).await;
    }
    world.clock.advance_millis(92 * DAY);
    let counters = world.service.retention_counters();
    keep(&world, reaches_one(&counters.passes)).await;
    assert_eq!(removed(&world), [1_201, 0, 0]);
    assert_eq!(world.changes(ChangeKind::TokensPurged).await, 3, "each batch has its entry");
    world.store.close().await;
    keep(&world, reaches_one(&counters.failures)).await;
    assert_eq!(counters.passes.load(Ordering::Relaxed), 1, "a pass that failed is none");
}

/// Runs the tasks until one of them is to stop.
async fn keep(world: &World, stop: impl Future<Output = ()>) {
    tokio::select! {
        () = world.service.keep_leading(std::future::pending()) => {}
        () = world.service.keep(Retention::default(), stop) => {}
    }
}

async fn reaches_one(counter: &AtomicU64) {
    while counter.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
}
