//! Internals of streams: when they keep up, and how long they may be silent.

use super::reader::{HEARTBEAT, RowStream, StreamEnd, StreamItem};
use crate::feed::FeedPosition;
use crate::{ImportRow, Issue, KeyRing, LoopBackCaller, OpenApp, RequestedLifetime, Service};
use futures_util::FutureExt;
use jeton_core::{Cause, Lifetime, ManualClock, Owner, Scopes, Secret, Timestamp, TokenKind, TokenSpec};
use jeton_loopback::Condition;
use jeton_store::{PostgresOptions, SqliteOptions, Store, open_postgres, open_sqlite};
use jeton_testkit::SeededEntropy;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

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
    service.merge_settings(&key, &open, &Cause::CLI).await.unwrap();
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
        secret: Secret::parse(&format!("{number:05}-of-a-length-that-will-surely-do")).unwrap().into(),
        issue: Issue {
            lifetime: RequestedLifetime::Asked(Lifetime::Unlimited),
            spec: TokenSpec::new(TokenKind::Identity, Owner::Nobody, Scopes::none()),
        },
        created_at: None,
        expires_at: None,
        enabled: true,
    };
    for begin in (0..count).step_by(500) {
        let rows = (begin..count.min(begin + 500)).map(row).collect();
        service.import(app, rows, false, &Cause::CLI).await.unwrap();
    }
}

/// Opens a stream of everything, and lets it find its position in the ring.
async fn in_the_ring(service: &Service, app: &OpenApp) -> RowStream {
    while !service.streams.feed.is_fed() {
        tokio::task::yield_now().await;
    }
    let opened = service.loopback_stream(app, &LoopBackCaller::Anybody, Condition::default(), None).await;
    let mut stream = opened.unwrap().unwrap();
    // Each read is waited for: one that is dropped costs its connection to the database.
    while !stream.reader.is_in_the_ring() {
        let batch = stream.reader.read().await.unwrap().unwrap();
        assert!(batch.events.is_empty(), "nothing happened");
        stream.reader.pass(&batch);
    }
    stream
}

/// The positions after the next events.
async fn next(stream: &mut RowStream, count: usize) -> Vec<FeedPosition> {
    let mut positions = Vec::new();
    while positions.len() < count {
        match stream.next().await {
            Some(StreamItem::Events(events)) => positions.extend(events.iter().map(|event| event.position)),
            item => panic!("{item:?}"),
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
    let begun = slow.reader.position();
    // More than the ring holds for readers that are behind.
    let ((), item) = tokio::join!(import(&service, &app, 4_500), next(&mut quick, 4_500));
    assert!(matches!(slow.next().await, Some(StreamItem::End(StreamEnd::Slow))));
    assert!(slow.next().await.is_none());
    assert_eq!(service.stream_measures().slow.get(), 1);

    let since = begun.to_string();
    let anybody = LoopBackCaller::Anybody;
    let again = service.loopback_stream(&app, &anybody, Condition::default(), Some(&since)).await;
    assert_eq!(next(&mut again.unwrap().unwrap(), 4_500).await, item);
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
    let end = service.streams.feed.begin_by_hand(&service).await.unwrap();
    let mut stream = in_the_ring(&service, &app).await;
    // The caller's rights are checked once.
    while stream.rights.is_unknown() {
        assert!(stream.next().now_or_never().is_none(), "nothing happens");
        tokio::task::yield_now().await;
    }
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    for beats in 1..=3 {
        let Some(StreamItem::Heartbeat(position)) = stream.next().await else { panic!("a heartbeat") };
        assert_eq!(position, end);
        let (passed, due) = (begun.elapsed(), HEARTBEAT * beats);
        assert!(passed + Duration::from_secs(1) > due && passed < due + Duration::from_secs(1), "{passed:?}");
    }
}
