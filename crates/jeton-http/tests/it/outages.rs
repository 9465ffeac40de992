//! A store that cannot be reached while tokens are verified.

use crate::answer::Answer;
use crate::app::{Ask, TestApp, grant, service, user};
use jeton_service::CacheLimits;
use serde_json::json;
use std::time::Duration;

const BRIDGED: Duration = Duration::from_secs(30);
const STALE: &str = "jeton-stale";

async fn bridging() -> TestApp {
    TestApp::following_with(CacheLimits { serve_for: Some(BRIDGED), ..CacheLimits::default() }).await
}

/// Waits until the change log was read, or could not be, once more from now on.
async fn has_polled(app: &TestApp) {
    let before = app.service.cache_stats().polls;
    // What is under way may have begun before.
    while app.service.cache_stats().polls < before + 2 {
        tokio::task::yield_now().await;
    }
}

fn stale(answer: &Answer) -> (u16, Option<&str>) {
    let value = answer.headers.get(STALE).map(|value| value.to_str().unwrap());
    (answer.status.as_u16(), value)
}

#[tokio::test]
async fn what_is_known_is_served_for_as_long_as_is_configured() {
    let app = bridging().await;
    app.merge(json!({"forward_auth": {"cache_seconds": 60}})).await;
    let token = app.issue(grant(user("7"), "read")).await.secret;
    let unseen = app.issue(grant(user("8"), "read")).await.secret;
    let gone = app.issue(grant(user("9"), "read")).await;
    let verifier = app.issue(service(user("1"), "jeton:verify")).await.secret;
    let asks = || -> [Ask<'_>; 3] {
        [
            app.get("/auth/demo?permission=read").bearer(&token),
            app.get("/auth/demo?permission=write").bearer(&token),
            app.post("/verify/demo").bearer(&verifier).json(&json!({"token": token})),
        ]
    };
    assert_eq!(app.get("/auth/demo").bearer(&gone.secret).status().await, 200);
    app.delete(&format!("/AccessToken/demo/{}", gone.id)).bearer(&app.admin).send().await;
    // What the log says up to here is not to throw out what is asked for next.
    has_polled(&app).await;
    for ask in asks() {
        assert_eq!(stale(&ask.send().await).1, None, "the store is there");
    }
    app.store.fail_always();
    has_polled(&app).await;
    app.clock.advance_millis(1_000);
    for (ask, status) in asks().into_iter().zip([200, 403, 200]) {
        assert_eq!(stale(&ask.send().await), (status, None), "as fresh as it always is");
    }
    app.clock.advance_millis(28_000);
    for (ask, status) in asks().into_iter().zip([200, 403, 200]) {
        let answer = ask.send().await;
        let (got, age) = stale(&answer);
        assert_eq!(got, status);
        let age: u64 = age.expect("it is marked").parse().unwrap();
        assert!((29..=30).contains(&age), "{age}");
        assert_eq!(answer.headers["cache-control"], "no-store", "nobody keeps it");
    }
    let batch = json!({"checks": [{"token": token}]});
    let answer = app.post("/verify/demo").bearer(&verifier).json(&batch).send().await;
    assert!(matches!(stale(&answer), (200, Some(_))));
    // What is not known is not guessed, and what was revoked here stays so.
    assert_eq!(app.get("/auth/demo").bearer(&unseen).status().await, 503);
    assert_ne!(app.get("/auth/demo").bearer(&gone.secret).status().await, 200);
    assert!(app.service.cache_stats().outdated >= 4);

    app.clock.advance_millis(1_001);
    for ask in asks() {
        assert_eq!(stale(&ask.send().await), (503, None), "for no longer than that");
    }
    app.store.fail_only(u64::MAX);
    has_polled(&app).await;
    for (ask, status) in asks().into_iter().zip([200, 403, 200]) {
        assert_eq!(stale(&ask.send().await), (status, None), "the store is back");
    }
}

#[tokio::test]
async fn nothing_is_served_beyond_the_staleness_unless_it_is_configured() {
    let app = TestApp::following().await;
    let token = app.issue(grant(user("7"), "read")).await.secret;
    assert_eq!(app.get("/auth/demo").bearer(&token).status().await, 200);
    app.store.fail_always();
    has_polled(&app).await;
    app.clock.advance_millis(2_001);
    assert_eq!(stale(&app.get("/auth/demo").bearer(&token).send().await), (503, None));
}

/// A server that was suspended knows of no outage when it goes on: it asks.
#[tokio::test]
async fn a_store_that_answers_is_asked() {
    let app = bridging().await;
    let token = app.issue(grant(user("7"), "read")).await.secret;
    assert_eq!(app.get("/auth/demo").bearer(&token).status().await, 200);
    has_polled(&app).await;
    let before = app.service.cache_stats();
    app.clock.advance_millis(10_000);
    assert_eq!(stale(&app.get("/auth/demo").bearer(&token).send().await), (200, None));
    assert_eq!(app.service.cache_stats().outdated, before.outdated);
}
