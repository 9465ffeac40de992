//! How often tokens may be used, on every surface.

use crate::admin::{assert_problem, get, send};
use crate::answer::Answer;
use crate::app::{Holder, TestApp, With, grant, identity, user};
use jeton_service::Issue;
use serde_json::{Value, json};

const FORM: &str = "application/x-www-form-urlencoded";
const TOKENS: &str = "/apps/demo/tokens";

fn limited(text: &str, issue: Issue) -> Issue {
    issue.with(|token| token.spec.limits = text.parse().unwrap())
}

async fn token(app: &TestApp, text: &str) -> Holder {
    app.issue(limited(text, grant(user("7"), "read,delegate"))).await
}

async fn auth(app: &TestApp, token: &Holder, demand: &str) -> Answer {
    app.get(&format!("/auth/demo{demand}")).bearer(&token.secret).send().await
}

async fn verify(app: &TestApp, body: &Value) -> Answer {
    let (id, secret) = &app.client;
    app.post("/verify/demo").basic(id, secret).json(body).send().await
}

#[track_caller]
fn assert_limits(answer: &Answer, status: u16, [policy, state, retry]: [Option<&str>; 3]) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
    let said = ["ratelimit-policy", "ratelimit", "retry-after"].map(|name| answer.header(name));
    assert_eq!(said, [policy, state, retry]);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn gateways_are_told_how_the_limits_stand() {
    let app = TestApp::new().await;
    // Otherwise a gateway would answer without asking.
    app.merge(json!({"forward_auth": {"cache_seconds": 60}})).await;
    let plain = app.issue(grant(user("7"), "read")).await;
    let answer = auth(&app, &plain, "").await;
    assert_eq!(answer.header("ratelimit-policy"), None);
    assert_eq!(answer.header("cache-control"), Some("public, max-age=60"));
    let token = token(&app, "uses=3@1 rates=2/10").await;
    let policy = Some("\"uses\";q=3, \"10s\";q=2;w=10");
    let first = auth(&app, &token, "?permission=read").await;
    assert_limits(&first, 200, [policy, Some("\"uses\";r=2, \"10s\";r=1;t=5"), None]);
    assert_eq!(first.header("x-auth-user"), Some("7"));
    // Neither is a use.
    for refused in ["?permission=write", "?nonsense=1"] {
        assert_limits(&auth(&app, &token, refused).await, 403, [None; 3]);
    }
    let second = auth(&app, &token, "").await;
    assert_limits(&second, 200, [policy, Some("\"uses\";r=1, \"10s\";r=0;t=10"), None]);
    let over = auth(&app, &token, "").await;
    assert_limits(&over, 429, [policy, Some("\"uses\";r=1, \"10s\";r=0;t=10"), Some("5")]);
    assert_eq!(over.header("x-auth-user"), None);
    app.clock.advance_millis(10_000);
    assert_eq!(auth(&app, &token, "").await.status, 200);
    app.clock.advance_millis(10_000);
    let spent = auth(&app, &token, "").await;
    assert_limits(&spent, 429, [policy, Some("\"uses\";r=0, \"10s\";r=2;t=0"), None]);
    // nginx makes 500 of 429.
    app.merge(json!({"forward_auth": {"over_limit": "403"}})).await;
    assert_limits(&auth(&app, &token, "").await, 403, [policy, Some("\"uses\";r=0, \"10s\";r=2;t=0"), None]);
}

#[tokio::test]
async fn backends_are_told_so_as_well() {
    let app = TestApp::new().await;
    let token = token(&app, "uses=4@1 rates=3/60").await;
    let check = json!({"token": token.secret, "permission": "read"});
    let policy = Some("\"uses\";q=4, \"60s\";q=3;w=60");
    let first = verify(&app, &check).await;
    assert_limits(&first, 200, [policy, Some("\"uses\";r=3, \"60s\";r=2;t=20"), None]);
    assert_eq!(first.json()["allowed"], true);
    let batch = json!({"checks": [check, check, check, {"token": token.secret, "permission": "write"}]});
    let answer = verify(&app, &batch).await;
    assert_limits(&answer, 200, [None; 3]);
    let results = answer.json()["results"].as_array().unwrap().clone();
    let reasons: Vec<&Value> = results.iter().map(|result| &result["reason"]).collect();
    assert_eq!(reasons[3], "insufficient_scope");
    assert_eq!(reasons[..3].iter().filter(|reason| reason.is_null()).count(), 2);
    let over: Vec<&Value> = results.iter().filter(|result| result["reason"] == "rate_limited").collect();
    assert_eq!(over.len(), 1);
    assert_eq!((&over[0]["active"], &over[0]["allowed"]), (&json!(true), &json!(false)));
    assert_eq!(over[0]["retry_after_seconds"], 20);
    let over = verify(&app, &check).await;
    assert_limits(&over, 429, [policy, Some("\"uses\";r=1, \"60s\";r=0;t=60"), Some("20")]);
    assert_eq!(
        (over.json()["reason"].clone(), over.json()["token_id"].clone()),
        (json!("rate_limited"), json!(token.id))
    );
    app.clock.advance_millis(60_000);
    assert_eq!(verify(&app, &check).await.status, 200);
    let spent = verify(&app, &check).await;
    assert_limits(&spent, 429, [policy, Some("\"uses\";r=0, \"60s\";r=2;t=20"), None]);
    let spent = spent.json();
    assert_eq!((&spent["active"], &spent["allowed"]), (&json!(false), &json!(false)));
    assert_eq!((&spent["reason"], spent.get("retry_after_seconds")), (&json!("uses_exhausted"), None));
}

#[tokio::test]
async fn whoever_introspects_is_told_to_wait() {
    let app = TestApp::new().await;
    let token = token(&app, "uses=2@1 rates=1/10").await;
    let (id, secret) = &app.client;
    let introspect = || async {
        let asked = app.post("/oauth2/introspect").basic(id, secret);
        asked.body(FORM, format!("token={}", token.secret)).send().await
    };
    assert_eq!(introspect().await.json()["active"], true);
    let over = introspect().await;
    assert_limits(
        &over,
        429,
        [Some("\"uses\";q=2, \"10s\";q=1;w=10"), Some("\"uses\";r=1, \"10s\";r=0;t=10"), Some("10")],
    );
    assert_eq!(over.json()["error"], "rate_limited");
    app.clock.advance_millis(10_000);
    assert_eq!(introspect().await.json()["active"], true);
    app.clock.advance_millis(10_000);
    assert_eq!(introspect().await.json(), json!({"active": false}));
}

#[tokio::test]
async fn operators_give_and_take_limits() {
    let app = TestApp::new().await;
    let rates = json!([{"limit": 100, "per_seconds": 60}, {"limit": 10, "per_seconds": 1}]);
    let new = json!({"permissions": "read", "uses_left": 5, "rates": rates});
    let made = send(&app, "POST", TOKENS, &new).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    let sorted = json!([{"limit": 10, "per_seconds": 1}, {"limit": 100, "per_seconds": 60}]);
    assert_eq!((&made["uses_left"], &made["rates"]), (&json!(5), &sorted));
    let one = format!("{TOKENS}/{}", made["id"]);
    let holder = Holder {
        id: made["id"].as_i64().unwrap(),
        secret: made["access_token"].as_str().unwrap().to_owned(),
    };
    assert_eq!(auth(&app, &holder, "").await.status, 200);
    assert_eq!(get(&app, &one).await["uses_left"], 4);
    assert_eq!(get(&app, TOKENS).await["items"][0]["uses_left"], 4);
    let changed = send(&app, "PATCH", &one, &json!({"title": "ci"})).await.json();
    assert_eq!((&changed["uses_left"], &changed["rates"]), (&json!(4), &sorted), "they stay");
    let changed = send(&app, "PATCH", &one, &json!({"uses_left": 1, "rates": []})).await.json();
    assert_eq!((&changed["uses_left"], &changed["rates"]), (&json!(1), &json!([])));
    assert_eq!(auth(&app, &holder, "").await.status, 200);
    assert_eq!(auth(&app, &holder, "").await.status, 429);
    let changed = send(&app, "PATCH", &one, &json!({"uses_left": null})).await.json();
    assert_eq!(changed["uses_left"], Value::Null);
    for _ in 0..10 {
        assert_eq!(auth(&app, &holder, "").await.header("ratelimit-policy"), None);
    }
    for wrong in [
        json!({"uses_left": -1}),
        json!({"uses_left": 1.5}),
        json!({"uses_left": "5"}),
        json!({"uses_left": 1_000_000_000_001_u64}),
        json!({"rates": {"limit": 1, "per_seconds": 1}}),
        json!({"rates": [{"limit": 1}]}),
        json!({"rates": [{"limit": 0, "per_seconds": 1}]}),
        json!({"rates": [{"limit": 1, "per_seconds": 2_592_001}]}),
        json!({"rates": [{"limit": 1, "per_seconds": 1, "burst": 2}]}),
        json!({"rates": [{"limit": 1, "per_seconds": 1}, {"limit": 2, "per_seconds": 1}]}),
        json!({"rates": vec![json!({"limit": 1, "per_seconds": 1}); 5]}),
    ] {
        assert_problem(&send(&app, "PATCH", &one, &wrong).await, 400, "invalid_member");
    }
    let identity = app.issue(identity(user("7"))).await;
    let refused = send(&app, "PATCH", &format!("{TOKENS}/{}", identity.id), &json!({"uses_left": 5})).await;
    assert_problem(&refused, 400, "invalid_member");
}

#[tokio::test]
async fn a_child_is_used_at_its_parents_cost() {
    let app = TestApp::new().await;
    let parent = token(&app, "uses=3@1 rates=10/60").await;
    let delegate = |body: Value| {
        let app = &app;
        let parent = &parent.secret;
        async move { app.post("/delegate/demo").bearer(parent).json(&body).send().await }
    };
    for more in [json!({"uses": 4}), json!({"rates": [{"limit": 11, "per_seconds": 60}]})] {
        let refused = delegate(more).await;
        assert_eq!((refused.status.as_u16(), refused.json()["error"].clone()), (403, json!("beyond_parent")));
    }
    for wrong in [json!({"uses": -1}), json!({"rates": 5}), json!({"uses_left": 1})] {
        let refused = delegate(wrong).await;
        assert_eq!(
            (refused.status.as_u16(), refused.json()["error"].clone()),
            (422, json!("invalid_member"))
        );
    }
    let made = delegate(json!({"uses": 2, "rates": [{"limit": 5, "per_seconds": 1}]})).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    let (id, secret) = (made["id"].as_i64().unwrap(), made["access_token"].as_str().unwrap().to_owned());
    let child = Holder { id, secret };
    let answer = auth(&app, &child, "").await;
    assert_eq!(answer.header("ratelimit"), Some("\"uses\";r=1, \"1s\";r=4;t=1"), "they are the child's");
    assert_eq!(auth(&app, &parent, "").await.status, 200);
    assert_eq!(auth(&app, &child, "").await.status, 200);
    let spent = auth(&app, &child, "").await;
    assert_eq!(
        (spent.status.as_u16(), spent.header("ratelimit-policy")),
        (429, Some("\"uses\";q=2, \"1s\";q=5;w=1"))
    );
    assert_eq!(auth(&app, &parent, "").await.status, 429);
}

#[tokio::test]
async fn what_is_limited_manages_nothing_and_pays_nothing_for_asking() {
    let app = TestApp::new().await;
    let token = token(&app, "uses=1@1").await;
    app.get("/AccessToken/demo").bearer(&token.secret).send().await.assert_envelope(403);
    let own = app.post("/oauth2/revoke").bearer(&token.secret).body(FORM, format!("token={}", token.secret));
    assert_eq!(auth(&app, &token, "").await.status, 200, "none of that was a use");
    assert_eq!(own.status().await, 200, "it may always end itself");
    assert_eq!(auth(&app, &token, "").await.status, 401);
}
