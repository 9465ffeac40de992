//! Admission: only the client credentials of that very database. Every other caller gets one and the same
//! 404.

use super::{PATH, ask, created};
use crate::app::TestApp;
use serde_json::json;

#[tokio::test]
async fn every_failure_of_proof_is_the_same_404() {
    let app = TestApp::new().await;
    app.create_app("other").await;
    let token = created(&app, json!([])).await;
    let (id, secret) = app.client.clone();
    let reference = app.get(PATH).send().await;
    assert_eq!(reference.status, 404);
    assert_eq!(reference.text(), r#"{"message":"Not Found"}"#);
    assert_eq!(reference.header("www-authenticate"), None);
    let asks = [
        app.get(PATH).basic(&id, "wrong"),
        app.get(PATH).basic("wrong", &secret),
        app.get(PATH).basic(&id, ""),
        app.get("/v1/no-such-db/access_tokens").basic(&id, &secret),
        app.get("/v1/no%20key/access_tokens").basic(&id, &secret),
        app.get("/v1/other/access_tokens").basic(&id, &secret),
        app.get("/v1/no-such-db/access_tokens"),
        app.get(PATH).bearer(&token),
        app.get(PATH).bearer(&app.admin),
        app.get(&format!("{PATH}?access_token={token}")),
        app.get(&format!("{PATH}/{token}")).bearer(&token),
        app.get(PATH).basic(&id, &secret).basic(&id, &secret),
        // Decided before the method, the body and the parameters are looked at.
        app.ask("PATCH", PATH),
        app.delete(PATH),
        app.post(PATH).body("application/json", "{"),
        app.get(&format!("{PATH}?limit=x&tz=Mars/Olympus")),
        app.get("/v1/demo"),
        app.get("/v1/demo/nothing"),
        app.get("/v1/demo/access_tokens/a/b"),
        app.get("/v1/%ff/access_tokens"),
    ];
    for (place, asked) in asks.into_iter().enumerate() {
        let answer = asked.send().await;
        assert_eq!(answer.show(), reference.show(), "request {place}");
    }
}

#[tokio::test]
async fn every_failure_of_proof_asks_the_store_as_often() {
    let app = TestApp::new().await;
    let (id, secret) = app.client.clone();
    let asks = [
        app.get(PATH),
        app.get(PATH).basic(&id, "wrong"),
        app.get(PATH).basic("wrong", &secret),
        app.get("/v1/no-such-db/access_tokens").basic(&id, &secret),
        app.get("/v1/no%20key/access_tokens"),
    ];
    for asked in asks {
        let before = app.store.calls();
        assert_eq!(asked.status().await, 404);
        assert_eq!(app.store.calls() - before, 1);
    }
}

#[tokio::test]
async fn a_disabled_dialect_and_a_rotated_secret_are_unknown() {
    let app = TestApp::new().await;
    let reference = app.get(PATH).send().await.show();
    app.merge(json!({"dotide": {"enabled": false}})).await;
    assert_eq!(ask(&app, "GET", PATH).send().await.show(), reference);
    app.merge(json!({"dotide": null})).await;
    assert_eq!(ask(&app, "GET", PATH).status().await, 200);
    let by = jeton_core::Cause::CLI;
    let (id, secret) =
        app.service.rotate_client_secret(&"demo".parse().unwrap(), None, &by).await.unwrap().unwrap();
    assert_eq!(ask(&app, "GET", PATH).send().await.show(), reference);
    assert_eq!(app.get(PATH).basic(&id, secret.expose()).status().await, 200);
}

#[tokio::test]
async fn whoever_is_let_in_learns_what_is_wrong() {
    let app = TestApp::new().await;
    let patch = ask(&app, "PATCH", PATH).send().await;
    assert_eq!((patch.status.as_u16(), patch.header("allow")), (405, Some("GET, HEAD, POST")));
    let patch = ask(&app, "PATCH", &format!("{PATH}/x")).send().await;
    assert_eq!((patch.status.as_u16(), patch.header("allow")), (405, Some("GET, HEAD, PUT, DELETE")));
    assert_eq!(ask(&app, "GET", "/v1/demo/nothing").status().await, 404);
    assert_eq!(ask(&app, "get", PATH).status().await, 200);
    assert_eq!(ask(&app, "HEAD", PATH).status().await, 200);
}
