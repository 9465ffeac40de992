//! The ring, readers of it, and a feed of something other than LoopBack's rows.

use super::position::FeedPosition;
use super::ring::{Ahead, Entry, Ring, RingPlace, What};
use super::{Feed, Happened, Projection, Reader};
use crate::{Error, KeyRing, OpenApp, Service};
use jeton_core::{AppId, AppKey, Cause, ChangeKind, ManualClock, Timestamp};
use jeton_store::{SqliteOptions, open_sqlite};
use jeton_testkit::SeededEntropy;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

const APP: AppId = AppId::new(1).unwrap();
const OTHER: AppId = AppId::new(2).unwrap();

fn position(sequence: i64) -> FeedPosition {
    FeedPosition { epoch: 7, sequence }
}

fn event(sequence: i64, app_id: AppId, weight: usize) -> Entry<i64> {
    Entry { sequence, what: What::Event { app_id, event: Arc::new(sequence), weight } }
}

/// A run after entry 10.
fn ring() -> Ring<i64> {
    let mut ring = Ring::default();
    ring.set_fed(true);
    ring.begin_run(position(10));
    ring
}

/// The numbers of the events ahead, the last entry passed, and where to continue.
fn ahead(ring: &Ring<i64>, place: RingPlace) -> (Vec<i64>, Option<i64>, Option<RingPlace>) {
    match ring.ahead(place, APP) {
        Ahead::Entries(entries) => {
            let numbers = entries.events.iter().map(|event| **event).collect();
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
    for elsewhere in [position(9), position(14), FeedPosition { epoch: 8, sequence: 12 }] {
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
fn a_reader_takes_so_much_at_once() {
    let mut ring = ring();
    let begin = ring.locate(position(10)).unwrap();
    ring.push((11..=100).map(|sequence| event(sequence, APP, 1)).collect());
    let (numbers, last, next) = ahead(&ring, begin);
    assert_eq!((numbers.len(), last), (64, Some(74)));
    assert_eq!(ahead(&ring, next.unwrap()).0.len(), 26);
    ring.push((101..=104).map(|sequence| event(sequence, APP, 40 * 1024)).collect());
    // At least one, however large.
    assert_eq!(ahead(&ring, ring.locate(position(100)).unwrap()).0, [101]);
}

#[tokio::test(start_paused = true)]
async fn what_is_held_is_bounded_by_number_bytes_and_age() {
    let gone = |ring: &Ring<i64>, place| matches!(ring.ahead(place, APP), Ahead::Gone);
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
    assert!(ring.locate(position(4_916)).is_some(), "a reader that has read everything is not behind");
}

/// Every change of an app, by its kind and number: what an audit log would show.
enum Kinds {}

impl Projection for Kinds {
    type Event = (ChangeKind, i64);

    const READERS: &'static str = "kinds of changes";

    fn tells(_: ChangeKind) -> bool {
        true
    }

    fn units(_: &Happened<'_>) -> u64 {
        1
    }

    fn event(
        _: &Service,
        _: &OpenApp,
        happened: &Happened<'_>,
    ) -> Result<Option<((ChangeKind, i64), usize)>, Error> {
        Ok(Some(((happened.change.kind, happened.position.sequence), 1)))
    }
}

/// Reads until there are this many events.
async fn read(reader: &mut Reader<Kinds>, count: usize) -> Vec<(ChangeKind, i64)> {
    let mut found = Vec::new();
    while found.len() < count {
        let batch = reader.read().await.unwrap().unwrap();
        found.extend(batch.events.iter().map(|event| **event));
        if !reader.pass(&batch) {
            reader.wait(Instant::now() + Duration::from_secs(60)).await;
        }
    }
    found
}

#[tokio::test]
async fn any_changes_can_be_fed_and_a_reader_goes_on_from_its_position() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_sqlite(&folder.path().join("jeton.db"), SqliteOptions::default()).await.unwrap();
    let clock = ManualClock::at(Timestamp::from_millis(1_767_323_045_678).unwrap());
    let ring = KeyRing::generate(&SeededEntropy::new(1)).unwrap();
    let entropy = Arc::new(SeededEntropy::new(2));
    let (key, user): (AppKey, _) = ("demo".parse().unwrap(), "1".parse().unwrap());
    Service::initialise(&*store, &ring, &clock, &*entropy, &key, user).await.unwrap().unwrap();
    let service = Service::open(store, &ring, Arc::new(clock), entropy).await.unwrap();
    let app = service.open_app(&key).await.unwrap().unwrap();
    let feed: Arc<Feed<Kinds>> = Arc::default();
    let (fed, following) = ((service.clone(), Arc::clone(&feed)), service.clone());
    // They end with the test's runtime.
    drop(tokio::spawn(async move { fed.0.feed(&fed.1, std::future::pending()).await }));
    drop(tokio::spawn(async move { following.follow_changes(std::future::pending()).await }));

    let begin = |since| Reader::begin(&service, &app, feed.watch(&app), since);
    let change = async |prefix: &str| {
        let patch = json!({"token_prefix": prefix});
        service.merge_settings(&key, &patch, &Cause::CLI).await.unwrap();
    };
    let (mut reader, is_known) = begin(None).await.unwrap();
    assert!(!is_known);
    let begun = reader.position();
    change("one").await;
    change("two").await;
    let first = read(&mut reader, 2).await;
    assert!(first.iter().all(|(kind, _)| *kind == ChangeKind::AppUpdated) && first[0].1 < first[1].1);
    // Dropped with its position; another one resumes there.
    let position = reader.position();
    drop(reader);
    change("three").await;
    let (mut reader, is_known) = begin(Some(position)).await.unwrap();
    assert!(is_known);
    let third = read(&mut reader, 1).await;
    assert!(third[0].1 > first[1].1);
    let (mut again, _) = begin(Some(begun)).await.unwrap();
    assert_eq!(read(&mut again, 3).await, [first, third].concat());
    let elsewhere = FeedPosition { epoch: position.epoch ^ 1, ..position };
    assert!(!begin(Some(elsewhere)).await.unwrap().1);
}
