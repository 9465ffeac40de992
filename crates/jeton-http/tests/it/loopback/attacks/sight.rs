//! What is not there for LoopBack, and what would take it away from everybody.

use super::super::{ask, assert_error, at, created, entry, found, id_of, open_to_all, stored};
use crate::app::{TestApp, grant, identity, service, user};
use serde_json::json;

#[tokio::test]
async fn what_is_switched_off_is_not_there() {
    let app = TestApp::new().await;
    open_to_all(&app).await;
    let proof = app.issue(identity(user("7"))).await;
    let path = format!("/AccessToken/demo/{}", proof.id);
    let switch = async |on: bool| {
        app.put(&path).bearer(&app.admin).json(&json!({"enable": on})).send().await.data();
    };
    switch(false).await;
    let before = app.token(proof.id).await;
    for caller in ["", &app.admin] {
        assert_eq!(ask(&app, caller, "GET", "").send().await.json(), json!([]));
        assert_eq!(ask(&app, caller, "GET", "/count").send().await.json(), json!({"count": 0}));
        assert_error(&ask(&app, caller, "GET", "/findOne").send().await, 404);
        let by_id = format!("?filter[where][id]={}", proof.secret);
        assert_eq!(ask(&app, caller, "GET", &by_id).send().await.json(), json!([]));
        for id in [proof.secret.clone(), format!("~{}", proof.id)] {
            assert_error(&ask(&app, caller, "GET", &at(&id)).send().await, 404);
            assert_eq!(ask(&app, caller, "HEAD", &at(&id)).status().await, 404);
            assert_error(&ask(&app, caller, "PUT", &at(&id)).json(&json!({"ttl": 1})).send().await, 404);
            assert_eq!(ask(&app, caller, "DELETE", &at(&id)).send().await.json(), json!({"count": 0}));
        }
    }
    assert_eq!(app.token(proof.id).await, before);
    // Nor does it speak for its user.
    app.merge(json!({"loopback": {"acls": [entry("$authenticated", "ALLOW", "*")]}})).await;
    assert_error(&ask(&app, &proof.secret, "GET", "").send().await, 401);
    switch(true).await;
    assert_eq!(ask(&app, &proof.secret, "GET", "").status().await, 200);
}

#[tokio::test]
async fn service_credentials_are_not_there_and_managers_may_do_everything() {
    let app = TestApp::new().await;
    app.merge(json!({"loopback": {"acls": [entry("$everyone", "DENY", "*")]}})).await;
    let verifier = app.issue(service(user("1"), "jeton:verify")).await;
    for hidden in [&verifier.secret, &app.admin, &format!("~{}", verifier.id), &"~1".to_owned()] {
        assert_error(&ask(&app, &app.admin, "GET", &at(hidden)).send().await, 404);
        let put = ask(&app, &app.admin, "PUT", &at(hidden)).json(&json!({"userId": 2}));
        assert_error(&put.send().await, 404);
        assert_eq!(ask(&app, &app.admin, "DELETE", &at(hidden)).send().await.json(), json!({"count": 0}));
    }
    assert_eq!(found(&app).await, Vec::<String>::new());
    for method in ["GET", "POST", "PUT"] {
        assert_error(&ask(&app, &verifier.secret, method, "").json(&json!({})).send().await, 401);
    }
    assert!(app.token(verifier.id).await.is_some() && app.token(1).await.is_some());
    let row = created(&app, &app.admin, &json!({"userId": 2})).await;
    assert_eq!(app.get("/auth/demo").bearer(id_of(&row)).send().await.header("x-auth-user"), Some("2"));
    assert_eq!(ask(&app, &app.admin, "DELETE", &at(id_of(&row))).send().await.json(), json!({"count": 1}));
    assert_eq!(stored(&app, id_of(&row)).await, None);
}

#[tokio::test]
async fn tokens_of_other_apps_are_unknown() {
    let app = TestApp::new().await;
    open_to_all(&app).await;
    let other = app.create_app("other").await;
    let theirs = app.issue_in("other", identity(user("2"))).await;
    let ours = app.issue(grant(user("2"), "read")).await;
    assert_eq!(found(&app).await, std::slice::from_ref(&ours.secret));
    for id in [theirs.secret.clone(), format!("~{}", theirs.id)] {
        assert_error(&ask(&app, &app.admin, "GET", &at(&id)).send().await, 404);
        assert_eq!(ask(&app, &app.admin, "DELETE", &at(&id)).send().await.json(), json!({"count": 0}));
    }
    app.merge(json!({"loopback": {"acls": [entry("$authenticated", "ALLOW", "*")]}})).await;
    for caller in [&other, &theirs.secret] {
        assert_error(&ask(&app, caller, "GET", "").send().await, 401);
    }
    let elsewhere = app.get("/apps/other/api/accessTokens").header("x-access-token", &other).send().await;
    assert_eq!(elsewhere.json()[0]["id"], *theirs.secret);
    let elsewhere = app.get("/apps/other/api/accessTokens").header("x-access-token", &app.admin).send().await;
    assert_error(&elsewhere, 401);
}

#[tokio::test]
async fn no_row_is_so_deep_that_lists_cannot_be_read() {
    let app = TestApp::new().await;
    let victim = app.issue(identity(user("7"))).await;
    for depth in 120..130 {
        let nested = format!(r#"{{"x":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        let status = ask(&app, "", "POST", "").body("application/json", nested).status().await;
        assert!([200, 400, 413].contains(&status), "{status} at {depth}");
        assert!(found(&app).await.contains(&victim.secret), "at {depth}");
    }
}

#[tokio::test]
async fn members_that_mean_something_elsewhere_mean_nothing_here() {
    let app = TestApp::new().await;
    let body = r#"{"__proto__": {"userId": 2}, "constructor": 1, "kind": "service", "scopes": ["DEFAULT"],
        "permissions": "jeton:manage", "token_id": 1, "principalType": "x", "user_id": 2, "userID": 2, "owner": 2}"#;
    let answer = ask(&app, "", "POST", "").body("application/json", body).send().await;
    assert_eq!(answer.status, 200);
    let row = answer.json();
    assert_eq!((row.get("__proto__"), row.get("constructor"), row.get("userId")), (None, None, None));
    assert_eq!(row["permissions"], "jeton:manage");
    let token = stored(&app, id_of(&row)).await.unwrap();
    assert_eq!(
        (token.spec.kind, token.spec.owner),
        (jeton_core::TokenKind::SelfMade, jeton_core::Owner::Nobody)
    );
    assert!(token.spec.scopes.as_slice().is_empty());
    assert_error(&ask(&app, id_of(&row), "GET", "").send().await, 401);
}

#[tokio::test]
async fn a_row_that_is_presented_late_twice_at_once_leaves_once() {
    let app = TestApp::new().await;
    let expired = app.issue(crate::app::lasting(0, identity(user("7")))).await;
    let present = || ask(&app, &expired.secret, "POST", "").json(&json!({}));
    let (one, two) = tokio::join!(present().send(), present().send());
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert!(statuses == [401, 401] || statuses == [200, 401], "{statuses:?}");
    assert!(app.token(expired.id).await.unwrap().left_loopback);
    assert_eq!(present().status().await, 200);
}
