//! What only shows from inside: when a stream is in the ring, and how long it may be silent.

use super::event::{RowChange, RowEvent};
use super::position::StreamPosition;
use super::reader::{HEARTBEAT, RowStream, StreamEnd, Told};
use super::ring::{Ahead, Entry, Ring, RingPlace, What};
use crate::{ImportRow, Issue, KeyRing, LoopBackCaller, OpenApp, Service, TokenLife};
use futures_util::FutureExt;
use jeton_core::{Actor, AppId, Lifetime, ManualClock, Owner, Scopes, Secret, Timestamp, TokenKind};
use jeton_loopback::Condition;
use jeton_store::{PostgresOptions, SqliteOptions, Store, open_postgres, open_sqlite};
use jeton_testkit::SeededEntropy;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

const APP: AppId = AppId::new(1).unwrap();
const OTHER: AppId = AppId::new(2).unwrap();

fn position(sequence: i64) -> StreamPosition {
    StreamPosition { epoch: 7, sequence }
}

fn event(sequence: i64, app_id: AppId, weight: usize) -> Entry {
    let event = RowEvent::new(position(sequence), RowChange::Removed(String::new()), weight);
    Entry { sequence, what: What::Event(app_id, Arc::new(event)) }
}

/// A run behind entry 10.
fn ring() -> Ring {
    let mut ring = Ring::default();
    ring.set_fed(true);
    ring.begin_run(position(10));
    ring
}

/// The numbers of the events ahead, the last entry passed, and where to go on.
fn ahead(ring: &Ring, place: RingPlace) -> (Vec<i64>, Option<i64>, Option<RingPlace>) {
    match ring.ahead(place, APP) {
        Ahead::Entries(entries) => {
            let numbers = entries.events.iter().map(|event| event.position.sequence).collect();
            (numbers, entries.last, entries.next)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn entries_are_found_by_number_in_the_order_of_the_log() {
    let mut ring = ring();
    let begin = ring.locate(position(10)).unwrap();
    assert_eq!(ahead(&ring, begin), (vec![], None, Some(begin)));
    // A later transaction may have the lower number.
    ring.push(vec![event(12, APP, 1), event(11, OTHER, 1), event(13, APP, 1)]);
    let (numbers, last, next) = ahead(&ring, begin);
    assert_eq!((numbers, last, next), (vec![12, 13], Some(13), ring.locate(position(13))));
    let (numbers, ..) = ahead(&ring, ring.locate(position(11)).unwrap());
    assert_eq!(numbers, [13]);
    for elsewhere in [position(9), position(14), StreamPosition { epoch: 8, sequence: 12 }] {
        assert_eq!(ring.locate(elsewhere), None);
    }
    ring.begin_run(position(13));
    assert!(matches!(ring.ahead(begin, APP), Ahead::Elsewhere));
    ring.set_fed(false);
    assert!(matches!(ring.ahead(begin, APP), Ahead::Over));
}

#[test]
fn what_was_not_read_for_an_app_is_in_the_log() {
    let mut ring = ring();
    let begin = ring.locate(position(10)).unwrap();
    ring.push(vec![event(11, APP, 1), Entry { sequence: 12, what: What::Unread(APP) }, event(13, APP, 1)]);
    assert_eq!(ahead(&ring, begin), (vec![11], Some(11), None));
    ring.push(vec![Entry { sequence: 14, what: What::Unread(OTHER) }]);
    assert_eq!(ahead(&ring, ring.locate(position(12)).unwrap()).0, [13]);
}

#[test]
fn a_stream_takes_so_much_at_once() {
    let mut ring = ring();
    let begin = ring.locate(position(10)).unwrap();
    ring.push((11..=100).map(|sequence| event(sequence, APP, 1)).collect());
    let (numbers, last, next) = ahead(&ring, begin);
    assert_eq!((numbers.len(), last), (64, Some(74)));
    assert_eq!(ahead(&ring, next.unwrap()).0.len(), 26);
    ring.push((101..=104).map(|sequence| event(sequence, APP, 40 * 1024)).collect());
    // One at least, however large.
    assert_eq!(ahead(&ring, ring.locate(position(100)).unwrap()).0, [101]);
}

#[tokio::test(start_paused = true)]
async fn what_is_held_is_bounded_by_number_bytes_and_age() {
    let gone = |ring: &Ring, place| matches!(ring.ahead(place, APP), Ahead::Gone);
    let mut ring = ring();
    let begin = ring.locate(position(10)).unwrap();
    ring.push((11..11 + 4_096).map(|sequence| event(sequence, OTHER, 1)).collect());
    assert!(!gone(&ring, begin));
    ring.push(vec![event(4_900, OTHER, 1)]);
    assert!(gone(&ring, begin));
    let second = ring.locate(position(11)).unwrap();
    ring.push((4_901..4_917).map(|sequence| event(sequence, OTHER, 1024 * 1024)).collect());
    assert!(gone(&ring, second));
    let last = ring.locate(position(4_915)).unwrap();
    tokio::time::advance(Duration::from_secs(30)).await;
    ring.drop_old();
    assert!(gone(&ring, last));
    assert!(ring.locate(position(4_916)).is_some(), "who has read everything is not behind");
}

/// App `demo`, open to all.
async fn serve(store: Arc<dyn Store>) -> (Service, Arc<OpenApp>) {
    let clock = ManualClock::at(Timestamp::from_millis(1_767_323_045_678).unwrap());
    let ring = KeyRing::generate(&SeededEntropy::new(1)).unwrap();
    let entropy = Arc::new(SeededEntropy::new(2));
    let (key, user) = ("demo".parse().unwrap(), "1".parse().unwrap());
    Service::initialise(&*store, &ring, &clock, &*entropy, &key, user).await.unwrap().unwrap();
    let service = Service::open(store, &ring, Arc::new(clock), entropy).await.unwrap();
    let open = json!({"loopback": {"acls": [
        {"principalType": "ROLE", "principalId": "$everyone", "permission": "ALLOW", "property": "*"}]}});
    service.merge_settings(&key, &open, &Actor::Cli).await.unwrap();
    let app = service.open_app(&key).await.unwrap().unwrap();
    (service, app)
}

async fn sqlite() -> (Arc<dyn Store>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = open_sqlite(&folder.path().join("jeton.db"), SqliteOptions::default()).await.unwrap();
    (store, folder)
}

async fn import(service: &Service, app: &OpenApp, count: usize) {
    let row = |number: usize| ImportRow {
        secret: Secret::parse(&format!("{number:05}-of-a-length-that-will-surely-do")).unwrap(),
        issue: Issue {
            kind: TokenKind::Identity,
            owner: Owner::Nobody,
            life: TokenLife::Asked(Lifetime::Unlimited),
            title: None,
            tags: None,
            description: None,
            permissions_as_sent: None,
            scopes: Scopes::none(),
            document: None,
        },
        created_at: None,
        expires_at: None,
        enabled: true,
    };
    for begin in (0..count).step_by(500) {
        let rows = (begin..count.min(begin + 500)).map(row).collect();
        service.import(app, rows, false, &Actor::Cli).await.unwrap();
    }
}

/// Opens a stream of everything, and lets it find its place in the ring.
async fn in_the_ring(service: &Service, app: &OpenApp) -> RowStream {
    while !service.streams.ring().is_fed() {
        tokio::task::yield_now().await;
    }
    let opened = service.loopback_stream(app, &LoopBackCaller::Anybody, Condition::default(), None).await;
    let mut stream = opened.unwrap().unwrap();
    while stream.place.is_none() {
        assert!(stream.next().now_or_never().is_none(), "nothing happens");
        tokio::task::yield_now().await;
    }
    stream
}

/// The positions behind the next events.
async fn next(stream: &mut RowStream, count: usize) -> Vec<StreamPosition> {
    let mut positions = Vec::new();
    while positions.len() < count {
        match stream.next().await {
            Some(Told::Events(events)) => positions.extend(events.iter().map(|event| event.position)),
            told => panic!("{told:?}"),
        }
    }
    positions
}

async fn who_does_not_keep_up_is_dropped_and_can_go_on(store: Arc<dyn Store>) {
    let (service, app) = serve(store).await;
    for task in 0..2 {
        let service = service.clone();
        // They end with the test's runtime.
        drop(tokio::spawn(async move {
            let never = std::future::pending();
            if task == 0 { service.follow_changes(never).await } else { service.feed_streams(never).await }
        }));
    }
    let mut slow = in_the_ring(&service, &app).await;
    let mut quick = in_the_ring(&service, &app).await;
    let begun = slow.position;
    // More than is held for those who are behind.
    let ((), told) = tokio::join!(import(&service, &app, 4_500), next(&mut quick, 4_500));
    assert!(matches!(slow.next().await, Some(Told::End(StreamEnd::Slow))));
    assert!(slow.next().await.is_none());
    assert_eq!(service.stream_measures().slow.get(), 1);

    let since = begun.to_string();
    let anybody = LoopBackCaller::Anybody;
    let again = service.loopback_stream(&app, &anybody, Condition::default(), Some(&since)).await;
    assert_eq!(next(&mut again.unwrap().unwrap(), 4_500).await, told);
}

#[tokio::test]
async fn who_does_not_keep_up_is_dropped_on_sqlite() {
    let (store, _folder) = sqlite().await;
    who_does_not_keep_up_is_dropped_and_can_go_on(store).await;
}

#[tokio::test]
async fn who_does_not_keep_up_is_dropped_on_postgresql() {
    if !jeton_testkit::skips("PostgreSQL") {
        let url = jeton_testkit::Cluster::shared().create_database();
        who_does_not_keep_up_is_dropped_and_can_go_on(
            open_postgres(&url, PostgresOptions::default()).await.unwrap(),
        )
        .await;
    }
}

#[tokio::test]
async fn a_stream_is_never_silent_for_long() {
    let (store, _folder) = sqlite().await;
    let (service, app) = serve(store).await;
    // Followed and fed by hand: nothing else runs while time is paused.
    let mut follower = service.follower();
    follower.step().await.unwrap();
    let end = service.stream_end().await.unwrap();
    service.streams.ring().set_fed(true);
    service.streams.ring().begin_run(end);
    let mut stream = in_the_ring(&service, &app).await;
    // The caller's rights are found out once.
    while stream.rights.is_unknown() {
        assert!(stream.next().now_or_never().is_none(), "nothing happens");
        tokio::task::yield_now().await;
    }
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    for beats in 1..=3 {
        let Some(Told::Heartbeat(position)) = stream.next().await else { panic!("a heartbeat") };
        assert_eq!(position, end);
        let (passed, due) = (begun.elapsed(), HEARTBEAT * beats);
        assert!(passed + Duration::from_secs(1) > due && passed < due + Duration::from_secs(1), "{passed:?}");
    }
}
