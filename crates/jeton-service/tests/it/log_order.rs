//! What two processes write to PostgreSQL, read by one of them: however their transactions overlap, whatever becomes of them, and
//! whether or not the reader was cut off meanwhile, nothing is missed and nothing is told before its turn.

use crate::announcements::{Pair, done};
use crate::fixture::{EVERYTHING, grant};
use jeton_core::{Cause, Demand, Verdict};
use jeton_loopback::{Condition, Profile};
use jeton_service::{LoopBackCaller, RowChange, RowStream, StreamItem, value_of_json};
use jeton_testkit::{Cluster, FaultyProxy, ProxyMode};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::future::pending;
use std::time::Duration;
use tokio::time::timeout;

const POLL: Duration = Duration::from_millis(20);
/// How long a stream is seen to say nothing.
const SILENCE: Duration = Duration::from_millis(300);

/// A stream of the reader, which feeds it until the end of the test.
async fn stream(pair: &Pair) -> RowStream {
    let open = json!({"loopback": {"acls": [
        {"principalType": "ROLE", "principalId": "$everyone", "permission": "ALLOW", "property": "*"}]}});
    let demo = "demo".parse().unwrap();
    done(|| pair.writer.merge_settings(&demo, &open, &Cause::CLI)).await;
    let feeding = pair.reader.clone();
    drop(tokio::spawn(async move { feeding.feed_streams(pending()).await }));
    let app = pair.app().await;
    let all = Condition::parse(&value_of_json(&json!(null)), &Profile::V2).unwrap();
    let caller = LoopBackCaller::Anybody;
    // Feeding is about to begin.
    loop {
        if let Ok(stream) = pair.reader.loopback_stream(&app, &caller, all.clone(), None).await {
            return stream.unwrap();
        }
        tokio::task::yield_now().await;
    }
}

/// The ids of the next rows that a stream says are removed.
async fn removed(stream: &mut RowStream, count: usize) -> Vec<String> {
    let mut removed = Vec::new();
    while removed.len() < count {
        match stream.next().await {
            Some(StreamItem::Events(events)) => removed.extend(events.iter().map(|event| {
                let RowChange::Removed(id) = &event.change else { panic!("{event:?}") };
                id.clone()
            })),
            Some(StreamItem::Heartbeat(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    removed
}

#[tokio::test]
async fn a_slow_transaction_is_neither_missed_nor_overtaken() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let pair = Pair::new(POLL).await;
    pair.follow(async {
        let mut stream = stream(&pair).await;
        let slow = pair.remembered().await;
        let id = slow.token.id.get();
        // Its creation is told first.
        assert!(matches!(stream.next().await, Some(StreamItem::Events(events)) if events.len() == 1));

        let mut other = PgConnection::connect(&pair.url).await.unwrap();
        let mut transaction = other.begin().await.unwrap();
        let entry = |id: i64| {
            AssertSqlSafe(format!(
                "INSERT INTO changes (at, kind, app_id, subject_id, actor, was_on_loopback) \
                 SELECT 0, 'token.revoked', app_id, id, 'cli', true FROM tokens WHERE id = {id}"
            ))
        };
        transaction.execute(entry(id)).await.unwrap();
        let revoke = format!("UPDATE tokens SET revoked_at = 1, revision = revision + 1 WHERE id = {id}");
        transaction.execute(AssertSqlSafe(revoke)).await.unwrap();
        // A number in between that nothing comes of.
        let mut undone = PgConnection::connect(&pair.url).await.unwrap();
        let mut nothing = undone.begin().await.unwrap();
        nothing.execute(entry(id)).await.unwrap();
        nothing.rollback().await.unwrap();

        let mut quick = Vec::new();
        for _ in 0..3 {
            let token = pair.a_revoke_is_noticed().await;
            quick.push(token.secret.expose().to_owned());
        }
        assert!(pair.remembers(&slow), "that it is revoked nobody can know");
        assert!(timeout(SILENCE, stream.next()).await.is_err(), "told before what may yet come before it");
        let mut news = pair.reader.watch_changes();
        transaction.commit().await.unwrap();
        while pair.remembers(&slow) {
            news.changed().await.unwrap();
        }
        quick.insert(0, format!("~{id}"));
        assert_eq!(removed(&mut stream, quick.len()).await, quick);
    })
    .await;
}

/// What it may have missed can no longer be read: so it forgets everything.
#[tokio::test]
async fn a_reader_that_was_cut_off_remembers_nothing_of_before() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let server = Cluster::shared().address();
    let proxy = FaultyProxy::to(server);
    let through = |url: &str| {
        format!("{}?sslmode=disable", url.replace(&server.to_string(), &proxy.address().to_string()))
    };
    let pair = Pair::read_through(POLL, through).await;
    pair.follow(async {
        let token = pair.remembered().await;
        let before = pair.reader.cache_stats();
        proxy.set(ProxyMode::Refused);
        while pair.reader.cache_stats().failed_polls == before.failed_polls {
            tokio::task::yield_now().await;
        }
        pair.revoke(&token).await;
        // The log goes on, without what would tell.
        let app = pair.app().await;
        done(|| pair.writer.issue(&app, &EVERYTHING, grant("read"))).await.unwrap();
        let mut other = PgConnection::connect(&pair.url).await.unwrap();
        let erase =
            format!("DELETE FROM changes WHERE kind = 'token.revoked' AND subject_id = {}", token.token.id);
        assert_eq!(other.execute(AssertSqlSafe(erase)).await.unwrap().rows_affected(), 1);
        assert!(pair.remembers(&token), "as long as nobody tells it");

        proxy.set(ProxyMode::Open);
        while pair.reader.cache_stats().flushes == before.flushes {
            tokio::task::yield_now().await;
        }
        let verified = done(|| pair.reader.verify(&app.key, &token.secret, &Demand::Active, None)).await;
        assert_ne!(verified.verdict, Verdict::Allowed);
    })
    .await;
}
