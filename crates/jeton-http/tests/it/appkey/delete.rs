//! `DELETE /AccessToken/{appKey}/{id}`.

use crate::app::{TestApp, grant, service, user};

const APP: &str = "/AccessToken/demo";

#[tokio::test]
async fn the_answer_whole_and_the_second_time() {
    let app = TestApp::new().await;
    let token = app.issue(grant(user("7"), "read")).await;
    let path = format!("{APP}/{}", token.id);
    let first = app.delete(&path).bearer(&app.admin).send().await;
    insta::assert_snapshot!(first.show(), @r#"
    200 OK
    cache-control: no-store
    content-length: 35
    content-type: application/json

    {"code":200,"data":true,"error":""}
    "#);
    let second = app.delete(&path).bearer(&app.admin).send().await;
    insta::assert_snapshot!(second.show(), @r#"
    404 Not Found
    cache-control: no-store
    content-length: 57
    content-type: application/json

    {"code":404,"data":null,"error":"there is no such token"}
    "#);
    assert_eq!(app.get(APP).bearer(&app.admin).send().await.ids(), [0; 0]);
}

#[tokio::test]
async fn of_a_named_user_only() {
    let app = TestApp::new().await;
    let token = app.issue(grant(user("7"), "read")).await;
    let path = |query: &str| format!("{APP}/{}{query}", token.id);
    app.delete(&path("?userId=8")).bearer(&app.admin).send().await.assert_envelope(404);
    app.delete(&path("?userId=x")).bearer(&app.admin).send().await.assert_envelope(400);
    assert!(app.token(token.id).await.is_some());
    assert_eq!(app.delete(&path("?userId=7")).bearer(&app.admin).send().await.data(), true);
    assert_eq!(app.token(token.id).await, None);
}

#[tokio::test]
async fn a_token_deletes_itself() {
    let app = TestApp::new().await;
    let token = app.issue(grant(user("7"), "")).await;
    let path = format!("{APP}/{}", token.id);
    assert_eq!(app.delete(&path).bearer(&token.secret).send().await.data(), true);
    app.delete(&path).bearer(&token.secret).send().await.assert_envelope(401);
}

#[tokio::test]
async fn service_credentials_are_not_deleted_here() {
    let app = TestApp::new().await;
    let verifier = app.issue(service(user("7"), "jeton:verify")).await;
    for id in [1, verifier.id] {
        app.delete(&format!("{APP}/{id}")).bearer(&app.admin).send().await.assert_envelope(404);
        assert!(app.token(id).await.is_some());
    }
}
