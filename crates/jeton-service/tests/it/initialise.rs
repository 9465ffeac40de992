//! The beginning, and opening what is there.

use crate::fixture::{World, database, grant, initialise};
use jeton_core::{AppId, ChangeKind, ManualClock, Timestamp, Verdict};
use jeton_service::{KeyCheckError, KeyRing, OpenServiceError, Service};
use jeton_store::{SqliteOptions, open_sqlite};
use jeton_testkit::SeededEntropy;
use std::sync::Arc;

fn clock() -> ManualClock {
    ManualClock::at(Timestamp::from_millis(0).unwrap())
}

async fn open(world: &World, ring: &KeyRing) -> Result<Service, OpenServiceError> {
    Service::open(world.store.clone(), ring, Arc::new(clock()), Arc::new(SeededEntropy::new(3))).await
}

#[tokio::test]
async fn the_second_time_changes_nothing() {
    let world = World::new().await;
    let before = (world.store.apps().await.unwrap(), world.store.key_checks().await.unwrap());
    let log = world.store.changes(0, 100).await.unwrap();
    let entropy = SeededEntropy::new(9);
    for ring in [&world.ring, &KeyRing::generate(&SeededEntropy::new(8)).unwrap()] {
        assert!(initialise(&*world.store, ring, &clock(), &entropy).await.is_none());
    }
    let key = "another".parse().unwrap();
    let again =
        Service::initialise(&*world.store, &world.ring, &clock(), &entropy, &key, "1".parse().unwrap()).await;
    assert!(again.unwrap().is_none());
    assert_eq!((world.store.apps().await.unwrap(), world.store.key_checks().await.unwrap()), before);
    assert_eq!(world.store.changes(0, 100).await.unwrap(), log);
    assert!(world.is_admitted(&world.initial.app.admin_token).await);
}

#[tokio::test]
async fn of_many_at_once_one_wins() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_sqlite(&database(folder.path()), SqliteOptions::default()).await.unwrap();
    let ring = KeyRing::generate(&SeededEntropy::new(1)).unwrap();
    let (clock, entropy) = (clock(), SeededEntropy::new(2));
    let one = || initialise(&*store, &ring, &clock, &entropy);
    let answers = <[_; 4]>::from(tokio::join!(one(), one(), one(), one()));
    assert_eq!(answers.iter().flatten().count(), 1);
    assert_eq!(store.apps().await.unwrap().len(), 1);
    assert_eq!(store.operators().await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_a_new_installation_holds() {
    let world = World::new().await;
    let apps = world.service.apps().await.unwrap();
    assert_eq!((apps.len(), apps[0].key.as_str(), apps[0].is_default), (1, "demo", true));
    assert_eq!(apps[0].client_id, world.initial.app.client_id);
    assert_eq!(world.service.operators().await.unwrap()[0].name, "first");
    for kind in [ChangeKind::AppCreated, ChangeKind::OperatorCreated, ChangeKind::TokenIssued] {
        assert_eq!(world.changes(kind).await, 1, "{}", kind.name());
    }
    assert_eq!(world.demo().await.id, AppId::new(1).unwrap());
}

#[tokio::test]
async fn only_the_keys_that_wrote_a_database_open_it() {
    let world = World::new().await;
    let other = KeyRing::generate(&SeededEntropy::new(7)).unwrap();
    let key_error = |opened: Result<Service, OpenServiceError>| match opened {
        Err(OpenServiceError::Keys(error)) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(key_error(open(&world, &other).await), KeyCheckError::Wrong(1));
    let longer = world.ring.with_new_key(&SeededEntropy::new(7)).unwrap();
    assert_eq!(key_error(open(&world, &longer).await), KeyCheckError::Unknown(2));
    let text =
        world.ring.to_text().replace("\"current\": 1", "\"current\": 5").replace("\"id\": 1", "\"id\": 5");
    assert_eq!(key_error(open(&world, &KeyRing::parse(&text).unwrap()).await), KeyCheckError::Missing(1));
    let issued = world.issue(grant("read")).await;
    let again = open(&world, &world.ring).await.unwrap();
    let demand = jeton_core::Demand::Active;
    let verified = again.verify(&"demo".parse().unwrap(), &issued.secret, &demand, None).await.unwrap();
    assert_eq!(verified.verdict, Verdict::Allowed);
}

#[tokio::test]
async fn an_empty_database_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_sqlite(&database(folder.path()), SqliteOptions::default()).await.unwrap();
    let ring = KeyRing::generate(&SeededEntropy::new(1)).unwrap();
    let opened = Service::open(store, &ring, Arc::new(clock()), Arc::new(SeededEntropy::new(2))).await;
    assert!(matches!(opened, Err(OpenServiceError::Uninitialised)), "{opened:?}");
}

#[tokio::test]
async fn a_closed_store_cannot_be_found_out_about() {
    let world = World::new().await;
    world.service.close().await;
    assert!(world.service.ready().await.is_err());
    assert!(matches!(open(&world, &world.ring).await, Err(OpenServiceError::Unavailable(_))));
}
