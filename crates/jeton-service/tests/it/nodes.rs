//! How a server notes itself in its database.

use crate::fixture::{World, initialise};
use async_trait::async_trait;
use jeton_core::{Clock, ManualClock};
use jeton_service::{KeyRing, Service, SystemClock};
use jeton_store::write::{Outcome, Write};
use jeton_store::{Layer, Node, PostgresOptions, SCHEMA_VERSION, Store, StoreError, open_postgres};
use jeton_testkit::{Cluster, SeededEntropy};
use std::future::{pending, ready};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// Nothing takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// Waits until a store knows servers that are as they should be.
async fn known(store: &dyn Store, is_right: impl Fn(&[Node]) -> bool) -> Vec<Node> {
    let known = async {
        loop {
            let nodes = store.nodes().await.unwrap();
            if is_right(&nodes) {
                return nodes;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, known).await.unwrap()
}

#[tokio::test]
async fn a_server_is_known_from_its_start_to_its_end() {
    let world = World::new().await;
    let started_at = world.clock.now();
    let identity = world.service.node_identity("here".to_owned(), "1.2.3").unwrap();
    world.clock.advance_millis(7);
    let (stop, stopped) = oneshot::channel::<()>();
    let service = world.service.clone();
    let keeping =
        tokio::spawn(async move { service.keep_node(identity, async { drop(stopped.await) }).await });
    let nodes = known(&*world.store, |nodes| !nodes.is_empty()).await;
    let [node] = &nodes[..] else { panic!("{nodes:?}") };
    let expected = Node {
        id: node.id,
        machine: "here".to_owned(),
        version: "1.2.3".to_owned(),
        schema_version: SCHEMA_VERSION,
        started_at,
        written_at: world.clock.now(),
        log_read: None,
        newest_key_id: 1,
        current_key_id: 1,
        is_listening: false,
        clock_ahead_ms: None,
    };
    assert_eq!(*node, expected);
    assert!((0..1 << 53).contains(&node.id), "exact as a JavaScript number: {}", node.id);
    stop.send(()).unwrap();
    timeout(PATIENCE, keeping).await.unwrap().unwrap();
    assert_eq!(world.store.nodes().await.unwrap(), []);
}

#[tokio::test]
async fn a_server_says_how_far_it_has_read() {
    let world = World::new().await;
    let identity = world.service.node_identity("here".to_owned(), "1.2.3").unwrap();
    let newest = world.store.last_change().await.unwrap();
    tokio::select! {
        () = world.service.follow_changes(pending()) => unreachable!("it does not end"),
        () = async {
            while world.service.cache_stats().log_read.is_none() {
                tokio::task::yield_now().await;
            }
            world.create_app("other").await;
            while world.service.cache_stats().log_read.map(|read| read.to) == Some(newest) {
                tokio::task::yield_now().await;
            }
            world.service.note_node(&identity).await.unwrap();
        } => {}
    }
    let nodes = world.store.nodes().await.unwrap();
    let read = nodes[0].log_read.unwrap();
    assert_eq!((read.to, read.unread_ms), (world.store.last_change().await.unwrap(), 0));
    assert!(read.to > newest);
}

#[tokio::test]
async fn those_that_have_been_silent_for_a_day_are_forgotten() {
    let world = World::new().await;
    let identity = |machine: &str| world.service.node_identity(machine.to_owned(), "1.2.3").unwrap();
    world.service.note_node(&identity("killed")).await.unwrap();
    let other = identity("other");
    let machines = async || {
        world.service.note_node(&other).await.unwrap();
        let nodes = world.store.nodes().await.unwrap();
        nodes.into_iter().map(|node| node.machine).collect::<Vec<_>>()
    };
    world.clock.advance_millis(86_400_000);
    assert_eq!(machines().await.len(), 2);
    world.clock.advance_millis(1);
    assert_eq!(machines().await, ["other"]);
}

#[tokio::test]
async fn a_server_stops_although_its_database_is_gone() {
    let world = World::new().await;
    let identity = world.service.node_identity("here".to_owned(), "1.2.3").unwrap();
    world.store.close().await;
    assert!(world.service.note_node(&identity).await.is_err());
    timeout(PATIENCE, world.service.keep_node(identity, ready(()))).await.unwrap();
}

/// A store whose writes are never answered.
#[derive(Debug)]
struct Hanging(Arc<dyn Store>);

#[async_trait]
impl Layer for Hanging {
    fn inner(&self) -> &dyn Store {
        &*self.0
    }

    async fn pass(&self, _: Write) -> Result<Outcome, StoreError> {
        pending().await
    }
}

#[tokio::test]
async fn a_server_stops_although_its_database_hangs() {
    let world = World::new().await;
    let store = Arc::new(Hanging(world.store.clone()));
    let (clock, entropy) = (Arc::new(world.clock.clone()), Arc::new(SeededEntropy::new(3)));
    let service = Service::open(store, &world.ring, clock, entropy).await.unwrap();
    let identity = service.node_identity("here".to_owned(), "1.2.3").unwrap();
    timeout(PATIENCE, service.keep_node(identity, ready(()))).await.unwrap();
    assert_eq!(world.store.nodes().await.unwrap(), []);
}

#[tokio::test]
async fn a_clock_is_compared_with_that_of_the_database_server() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let ring = KeyRing::generate(&SeededEntropy::new(1)).unwrap();
    let store =
        open_postgres(&Cluster::shared().create_database(), PostgresOptions::default()).await.unwrap();
    let clock = ManualClock::at(SystemClock.now());
    initialise(&*store, &ring, &clock, &SeededEntropy::new(2)).await.unwrap();
    let entropy = Arc::new(SeededEntropy::new(3));
    let service = Service::open(store.clone(), &ring, Arc::new(clock.clone()), entropy).await.unwrap();
    let identity = service.node_identity("here".to_owned(), "1.2.3").unwrap();
    for ahead in [60_000, -60_000] {
        // It stands still, so that it falls behind while this takes its time.
        clock.set(SystemClock.now().saturating_add_millis(ahead));
        service.note_node(&identity).await.unwrap();
        let found = store.nodes().await.unwrap()[0].clock_ahead_ms.unwrap();
        assert!((ahead - 20_000..=ahead).contains(&found), "{ahead}: {found}");
    }
    store.close().await;
}
