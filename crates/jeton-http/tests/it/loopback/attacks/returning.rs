//! What is good for a gateway is there for LoopBack, too: what left when it had expired comes back when it
//! lives.

use super::super::{allow, ask, assert_error, at, created, found, id_of, stored};
use crate::app::{EVERYTHING, HOUR, Holder, TestApp, grant, identity, lasting, user};
use jeton_core::{Lifetime, TokenId};
use jeton_service::Edit;
use serde_json::json;

/// Presents a token that has expired, with which it leaves.
async fn leave(app: &TestApp, token: &Holder) {
    let answer = ask(app, &token.secret, "POST", "").json(&json!({})).send().await;
    assert_eq!(assert_error(&answer, 401), "Invalid Access Token");
    assert!(!is_there(app, token).await);
}

/// Whether every method finds it; what one finds, all do.
async fn is_there(app: &TestApp, token: &Holder) -> bool {
    let is_listed = found(app).await.contains(&token.secret);
    let statuses = [
        ask(app, &app.admin, "GET", &at(&token.secret)).status().await,
        ask(app, &app.admin, "GET", &format!("/findOne?filter[where][id]={}", token.secret)).status().await,
        ask(app, &app.admin, "HEAD", &at(&token.secret)).status().await,
    ];
    assert_eq!(statuses, if is_listed { [200; 3] } else { [404; 3] });
    for path in ["/count", "/count?where[userId]=7"] {
        let count = ask(app, &app.admin, "GET", path).send().await.json();
        assert_eq!(count, json!({"count": u32::from(is_listed)}), "{path}");
    }
    is_listed
}

async fn prolong(app: &TestApp, token: &Holder, millis: i64) {
    let edit = Edit { lifetime: Some(Lifetime::Millis(millis)), ..Edit::default() };
    let (demo, id) = (app.open("demo").await, TokenId::new(token.id).unwrap());
    app.service.update(&demo, &EVERYTHING, id, None, &edit).await.unwrap().unwrap();
}

#[tokio::test]
async fn what_is_prolonged_comes_back() {
    for issue in [identity(user("7")), grant(user("7"), "read")] {
        let app = TestApp::following().await;
        let token = app.issue(lasting(HOUR, issue)).await;
        app.clock.advance_millis(HOUR);
        leave(&app, &token).await;
        prolong(&app, &token, HOUR).await;
        assert_eq!(app.get("/auth/demo").bearer(&token.secret).status().await, 200);
        assert!(is_there(&app, &token).await);
        // When it expires once more, it is there until it is presented, as every token is.
        app.clock.advance_millis(HOUR);
        assert!(is_there(&app, &token).await);
        leave(&app, &token).await;
        // And it can be removed as long as it lives.
        prolong(&app, &token, HOUR).await;
        let removed = ask(&app, &app.admin, "DELETE", &at(&token.secret)).send().await;
        assert_eq!(removed.json(), json!({"count": 1}));
        assert_eq!(app.get("/auth/demo").bearer(&token.secret).status().await, 401);
    }
}

#[tokio::test]
async fn a_clock_that_was_wrong_takes_nothing_away() {
    let app = TestApp::following().await;
    allow(&app, &[("$authenticated", "*"), ("$everyone", "create")]).await;
    let token = app.issue(lasting(HOUR, identity(user("7")))).await;
    app.clock.advance_millis(HOUR);
    leave(&app, &token).await;
    app.clock.advance_millis(-1);
    assert_eq!(app.get("/auth/demo").bearer(&token.secret).status().await, 200);
    assert!(is_there(&app, &token).await);
    // It speaks for its user again.
    assert_eq!(ask(&app, &token.secret, "GET", "").status().await, 200);
    // By any other name it is the same: what is switched off and on again, or written, is there.
    let path = format!("/AccessToken/demo/{}", token.id);
    for enable in [false, true] {
        app.put(&path).bearer(&app.admin).json(&json!({"enable": enable})).send().await.data();
        assert_eq!(is_there(&app, &token).await, enable);
    }
    let written = ask(&app, &app.admin, "PUT", &at(&token.secret)).json(&json!({"note": 1})).send().await;
    assert_eq!(written.status, 200);
    assert!(!app.token(token.id).await.unwrap().left_loopback);
    // A row that exists here alone is removed, as LoopBack does, whatever the clock says afterwards.
    let row = created(&app, "", &json!({"ttl": 60})).await;
    app.clock.advance_millis(60_000);
    assert_error(&ask(&app, id_of(&row), "GET", "").send().await, 401);
    app.clock.advance_millis(-60_000);
    assert_eq!(stored(&app, id_of(&row)).await, None);
}
