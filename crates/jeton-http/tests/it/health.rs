//! Health, on both addresses, and paths that are not served.

use crate::answer::Answer;
use crate::app::TestApp;
use axum::body::Body;
use axum::http::Request;
use tower_service::Service as _;

async fn admin(app: &TestApp, uri: &str) -> Answer {
    let request = Request::get(uri).body(Body::empty()).unwrap();
    let response = jeton_http::admin(app.service.clone(), TestApp::setup()).call(request).await;
    Answer::read(response.unwrap_or_else(|never| match never {})).await
}

#[tokio::test]
async fn the_answers_whole() {
    let app = TestApp::new().await;
    let (alive, ready) = (app.get("/healthz").send().await.show(), app.get("/readyz").send().await.show());
    assert_eq!(alive, ready);
    insta::assert_snapshot!(ready, @r#"
    200 OK
    cache-control: no-store
    content-length: 15
    content-type: application/json

    {"status":"ok"}
    "#);
    assert_eq!(admin(&app, "/readyz").await.show(), ready);
}

#[tokio::test]
async fn without_its_store_it_is_alive_and_not_ready() {
    let app = TestApp::new().await;
    app.store.fail_always();
    assert_eq!(app.get("/healthz").status().await, 200);
    let ready = app.get("/readyz").send().await;
    insta::assert_snapshot!(ready.show(), @r#"
    503 Service Unavailable
    cache-control: no-store
    content-length: 24
    content-type: application/json

    {"status":"unavailable"}
    "#);
    assert_eq!(admin(&app, "/readyz").await.show(), ready.show());
    app.store.recover();
    assert_eq!(app.get("/readyz").status().await, 200);
    app.service.close().await;
    assert_eq!(app.get("/readyz").status().await, 503);
}

#[tokio::test]
async fn the_admin_address_serves_no_dialect() {
    let app = TestApp::new().await;
    for path in ["/AccessToken/demo", "/auth/demo", "/nowhere"] {
        let answer = admin(&app, path).await;
        assert_eq!(answer.status.as_u16(), 404, "{path}");
        assert_eq!(answer.json()["error"], "not_found", "{path}");
    }
}
