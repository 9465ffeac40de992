//! Limits per address: invalid credentials, and rows of unauthenticated callers.

use crate::answer::Answer;
use crate::app::{Ask, TestApp, grant, identity, service, user};
use crate::loopback::open_to_all;
use jeton_core::Owner;
use jeton_service::{Limits, Rate};
use serde_json::{Value, json};

const FAILURES: u64 = 5;

async fn app() -> TestApp {
    let mut app = TestApp::following().await;
    let limits = Limits {
        failures: Rate::per_minute(FAILURES),
        anonymous_writes: Rate::per_minute(10),
        anonymous_writes_of_app: Rate::per_hour(25),
        ..*app.service.limits()
    };
    app.service = app.service.clone().with_limits(limits);
    app
}

/// From this address, as the server notes it behind a proxy.
fn from<'a>(ask: Ask<'a>, address: &str) -> Ask<'a> {
    ask.header("x-forwarded-for", address)
}

fn guess(number: u64) -> String {
    format!("{number:064x}")
}

#[track_caller]
fn assert_throttled(answer: &Answer, seconds: &str) -> Value {
    assert_eq!(answer.status, 429, "{}", answer.text());
    assert_eq!(answer.header("retry-after"), Some(seconds));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.json()
}

#[tokio::test]
async fn guesses_of_bearers_are_refused_and_tokens_are_not() {
    let app = app().await;
    let holder = app.issue(grant(user("7"), "read")).await;
    let verifier = app.issue(service(Owner::Nobody, "jeton:verify")).await;
    for (path, is_verify) in [("/AccessToken/demo", false), ("/verify/demo", true)] {
        let ask = |secret: &str| {
            let ask = if is_verify { app.post(path).json(&json!({"token": "x"})) } else { app.get(path) };
            ask.bearer(secret)
        };
        // The failures of the first surface count on the second.
        if !is_verify {
            for number in 0..FAILURES {
                assert_eq!(ask(&guess(number)).status().await, 401);
            }
        }
        let refused = ask(&guess(99)).send().await;
        let body = assert_throttled(&refused, "12");
        assert_eq!(
            body[if is_verify { "error" } else { "code" }],
            if is_verify { json!("too_many_failures") } else { json!(429) }
        );
        // What was minted here is no guess, whether or not it is any good.
        let good = if is_verify { &verifier.secret } else { &app.admin };
        assert_eq!(ask(good).status().await, 200);
        assert_eq!(ask(&holder.secret).status().await, if is_verify { 403 } else { 200 });
    }
    // Gateways get the usual answer.
    assert_eq!(app.get("/auth/demo").bearer(&guess(99)).status().await, 401);
    // Another app has failures of its own, and time heals.
    assert_eq!(app.get("/AccessToken/other").bearer(&guess(1)).status().await, 401);
    app.clock.advance_millis(12_000);
    assert_eq!(app.get("/AccessToken/demo").bearer(&guess(1)).status().await, 401);
    assert_eq!(app.get("/AccessToken/demo").bearer(&guess(1)).status().await, 429);
}

#[tokio::test]
async fn guesses_of_client_credentials_are_refused_and_their_owner_is_not() {
    let app = app().await;
    let (id, secret) = app.client.clone();
    let dotide = |secret: &str| app.get("/v1/demo/access_tokens").basic(&id, secret);
    let verify = |secret: &str| app.post("/verify/demo").basic(&id, secret).json(&json!({"token": "x"}));
    // As it is after a restart, nothing is in memory: its owner was there before the guesses.
    assert_eq!(dotide(&secret).status().await, 200);
    for number in 0..FAILURES {
        assert_eq!(dotide(&guess(number)).status().await, 404);
    }
    let before = dotide("wrong").send().await;
    assert_eq!(before.status, 404, "as ever");
    assert_eq!(before.header("retry-after"), None);
    assert_throttled(&verify("wrong").send().await, "12");
    assert_eq!(dotide(&secret).status().await, 200);
    assert_eq!(verify(&secret).status().await, 200);
    app.clock.advance_millis(12_000);
    assert_eq!(verify("wrong").status().await, 401);
    assert_eq!(verify("wrong").status().await, 429);
    assert!(app.service.measures().throttled.failures.get() >= 3);
}

#[tokio::test]
async fn a_batch_counts_each_of_its_checks() {
    let app = app().await;
    let ask = |checks: usize| {
        let checks: Vec<Value> = (0..checks).map(|_| json!({"token": "x"})).collect();
        app.post("/verify/demo").basic(&app.client.0, "wrong").json(&json!({"checks": checks}))
    };
    assert_eq!(ask(4).status().await, 401);
    assert_eq!(ask(1).status().await, 401);
    assert_throttled(&ask(1).send().await, "12");
    app.clock.advance_millis(60_000);
    assert_eq!(ask(1_000).status().await, 401);
    assert_throttled(&ask(1).send().await, "12");
    let verifier = app.issue(service(Owner::Nobody, "jeton:verify")).await.secret;
    let good = app.post("/verify/demo").bearer(&verifier).json(&json!({"token": "x"}));
    assert_eq!(good.status().await, 200, "valid credentials are not locked out");
}

#[tokio::test]
async fn guesses_on_oauths_endpoints_are_refused_and_their_owner_is_not() {
    let app = app().await;
    let (id, secret) = app.client.clone();
    for path in ["/oauth2/introspect", "/oauth2/revoke"] {
        let ask = |id: &str, secret: &str| {
            app.post(path).basic(id, secret).body("application/x-www-form-urlencoded", "token=x")
        };
        for number in 0..FAILURES {
            assert_eq!(ask(&format!("client{number}"), &guess(number)).status().await, 401, "{path}");
        }
        let body = assert_throttled(&ask("client", "wrong").send().await, "12");
        assert_eq!(body["error"], "too_many_failures");
        assert_eq!(ask(&id, &secret).status().await, 200, "{path}");
        app.clock.advance_millis(60_000);
    }
}

#[tokio::test]
async fn guesses_at_a_known_client_leave_the_store_alone() {
    let app = app().await;
    let (id, secret) = app.client.clone();
    let ask = |secret: &str| {
        let ask = app.post("/oauth2/introspect").basic(&id, secret);
        ask.body("application/x-www-form-urlencoded", "token=x")
    };
    for number in 0..FAILURES {
        assert_eq!(ask(&guess(number)).status().await, 401);
    }
    let before = app.store.calls();
    for number in 0..1_000 {
        assert_throttled(&ask(&guess(number)).send().await, "12");
    }
    assert_eq!(app.store.calls(), before);
    assert_eq!(ask(&secret).status().await, 200, "its owner");
}

/// However many guesses there were, whom they kept out is let in again once as much of the minute is over as one failure takes.
#[tokio::test]
async fn whoever_was_kept_out_is_let_in_again() {
    let app = app().await;
    app.merge(json!({"loopback": {"client_ids": "anyone", "acls": [
        {"principalType": "ROLE", "principalId": "$everyone", "permission": "DENY"},
        {"principalType": "ROLE", "principalId": "$authenticated", "permission": "ALLOW", "property": "count"},
    ]}}))
    .await;
    let create = app.post("/api/accessTokens").header("authorization", &app.admin);
    assert_eq!(create.json(&json!({"id": "short", "userId": 7})).status().await, 200);
    let ask = |secret: &str| app.get("/api/accessTokens/count").basic(secret, "");
    for number in 0..1_000 {
        let expected = if number < FAILURES { 401 } else { 429 };
        assert_eq!(ask(&format!("guess{number}")).status().await, expected, "{number}");
    }
    assert_throttled(&ask("short").send().await, "12");
    app.clock.advance_millis(11_999);
    assert_throttled(&ask("short").send().await, "1");
    app.clock.advance_millis(1);
    assert_eq!(ask("short").status().await, 200);
    // From now on it is known.
    assert_eq!(ask("guess").status().await, 401);
    assert_eq!(ask("guess").status().await, 429);
    assert_eq!(ask("short").status().await, 200);
}

#[tokio::test]
async fn short_tokens_are_not_guessed_on_loopback() {
    let app = app().await;
    open_to_all(&app).await;
    app.merge(json!({"loopback": {"client_ids": "anyone"}})).await;
    let proof = app.issue(identity(user("7"))).await;
    let ask = |secret: &str| app.get("/api/accessTokens/count").header("authorization", secret);
    for number in 0..FAILURES {
        assert_eq!(ask(&format!("guess{number}")).status().await, 200);
    }
    let body = assert_throttled(&ask("guess99").send().await, "12");
    assert_eq!(body["error"]["statusCode"], 429);
    // What cannot be guessed is looked up, and a stranger's secret is unknown.
    assert_eq!(ask(&proof.secret).status().await, 200);
    assert_eq!(ask(&guess(1)).status().await, 200);
    assert_eq!(app.get("/AccessToken/demo").bearer(&guess(1)).status().await, 401, "counted apart");
}

#[tokio::test]
async fn anonymous_writes_are_bounded_for_each_address_and_app() {
    let mut app = app().await;
    app.is_behind_proxy = true;
    open_to_all(&app).await;
    let post = |address: &str, body: Value| from(app.post("/api/accessTokens"), address).json(&body);
    let three = json!([{}, {}, {}]);
    // Each row counts; what is begun is done.
    for _ in 0..4 {
        assert_eq!(post("192.0.2.1", three.clone()).status().await, 200);
    }
    let body = assert_throttled(&post("192.0.2.1", json!({})).send().await, "18");
    assert_eq!(body["error"]["statusCode"], 429);
    assert_throttled(&post("192.0.2.1", three.clone()).send().await, "18");
    for (method, path) in [("PUT", "/api/accessTokens"), ("POST", "/api/accessTokens/update?where[ttl]=1")] {
        let ask = from(app.ask(method, path), "192.0.2.1").json(&json!({"ttl": 5}));
        assert_throttled(&ask.send().await, "18");
    }
    // Others write on, until it is too much of the app in all.
    for number in 0..13 {
        assert_eq!(post(&format!("198.51.100.{number}"), json!({})).status().await, 200);
    }
    let retry = "144";
    assert_throttled(&post("198.51.100.99", json!({})).send().await, retry);
    // Callers that the rules name are not counted, nor are reads and removals.
    let named = from(app.post("/api/accessTokens"), "192.0.2.1").header("authorization", &app.admin);
    let row = named.json(&json!({})).send().await.json();
    let path = format!("/api/accessTokens/{}", row["id"].as_str().unwrap());
    assert_eq!(from(app.get(&path), "192.0.2.1").status().await, 200);
    assert_eq!(from(app.delete(&path), "192.0.2.1").status().await, 200);
    app.clock.advance_millis(144_000);
    assert_eq!(post("192.0.2.1", json!({})).status().await, 200);
    assert_eq!(app.service.measures().throttled.anonymous_writes.get(), 5);
}

#[tokio::test]
async fn strangers_have_only_so_many_apps_looked_up_that_there_are_not() {
    let app = app().await;
    let token = app.issue(grant(user("7"), "read")).await.secret;
    let ask = |number: u64| app.get(&format!("/auth/app{number}"));
    for number in 0..FAILURES {
        let before = app.store.questions_of_apps();
        assert_eq!(ask(number).status().await, 401);
        assert_eq!(app.store.questions_of_apps(), before + 1);
    }
    let before = app.store.questions_of_apps();
    for number in FAILURES..20 {
        assert_eq!(ask(number).status().await, 401);
        assert_eq!(ask(number).bearer("garbage").status().await, 401);
        assert_eq!(ask(number).bearer(&guess(number)).status().await, 401);
    }
    assert_eq!(app.store.questions_of_apps(), before, "what comes too often is refused by memory alone");
    assert_eq!(
        app.get("/auth/demo").bearer(&token).status().await,
        200,
        "a token is looked for all the same"
    );
}
