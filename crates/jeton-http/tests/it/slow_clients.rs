//! Requests that are sent slowly and answers that are read slowly: rights that were lost meanwhile are lost.

use crate::answer::Answer;
use crate::app::{EVERYTHING, TestApp, grant, identity, user};
use crate::appkey::list_pages::fill;
use axum::body::{Body, Bytes};
use axum::http::Request;
use futures_util::stream;
use http_body_util::BodyExt;
use jeton_core::{Cause, TokenId};
use serde_json::json;
use std::convert::Infallible;
use tokio::sync::mpsc;
use tower_service::Service as _;

/// Sends a request whose body ends after `meanwhile` was done: the server has read the head and the first
/// part by then.
async fn send_slowly(
    app: &TestApp,
    (method, uri, authorization): (&str, &str, String),
    meanwhile: impl Future<Output = ()>,
) -> Answer {
    let (parts, rest) = mpsc::channel::<Result<Bytes, Infallible>>(1);
    let body = stream::unfold(rest, |mut rest| async move { Some((rest.recv().await?, rest)) });
    let request = Request::builder()
        .method(method)
        .uri(uri)
        .header("authorization", authorization)
        .header("content-type", "application/json")
        .body(Body::from_stream(body))
        .unwrap();
    let mut http = app.http();
    let answered = tokio::spawn(async move { http.call(request).await });
    parts.send(Ok(Bytes::from_static(b"{\"title\":\"held\","))).await.unwrap();
    // There is room again only when the server has taken the first part.
    let room = parts.reserve().await.unwrap();
    meanwhile.await;
    room.send(Ok(Bytes::from_static(b"\"scopes\":[]}")));
    drop(parts);
    Answer::read(answered.await.unwrap().unwrap_or_else(|never| match never {})).await
}

async fn revoke(app: &TestApp, id: i64) {
    let demo = app.open("demo").await;
    app.service.revoke(&demo, &EVERYTHING, TokenId::new(id).unwrap(), None).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_caller_that_is_revoked_while_it_sends_does_nothing_more() {
    let app = TestApp::new().await;
    let target = app.issue(grant(user("7"), "read")).await;
    for (method, uri) in
        [("POST", "/AccessToken/demo".to_owned()), ("PUT", format!("/AccessToken/demo/{}", target.id))]
    {
        let caller = app.issue(grant(user("7"), "read,write")).await;
        let before = (app.count().await - 1, app.token(target.id).await);
        let bearer = format!("Bearer {}", caller.secret);
        let answer = send_slowly(&app, (method, &uri, bearer), revoke(&app, caller.id)).await;
        answer.assert_envelope(401);
        assert_eq!((app.count().await, app.token(target.id).await), before);
    }
}

#[tokio::test]
async fn client_credentials_that_are_rotated_while_they_send_do_nothing_more() {
    let app = TestApp::new().await;
    let authorization = app.basic_value();
    let before = app.count().await;
    let rotate = async {
        app.service.rotate_client_secret(&"demo".parse().unwrap(), None, &Cause::CLI).await.unwrap().unwrap();
    };
    let answer = send_slowly(&app, ("POST", "/v1/demo/access_tokens", authorization), rotate).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (404, r#"{"message":"Not Found"}"#));
    assert_eq!(app.count().await, before);
}

/// Reads the first part of a list, does something, and reads on; whether the list was cut.
async fn read_slowly(
    app: &TestApp,
    uri: &str,
    authorization: String,
    meanwhile: impl Future<Output = ()>,
) -> bool {
    let request =
        Request::builder().uri(uri).header("authorization", authorization).body(Body::empty()).unwrap();
    let response = app.http().call(request).await.unwrap_or_else(|never| match never {});
    assert_eq!(response.status(), 200);
    let mut body = response.into_body();
    for _ in 0..2 {
        body.frame().await.unwrap().unwrap();
    }
    meanwhile.await;
    while let Some(frame) = body.frame().await {
        if frame.is_err() {
            return true;
        }
    }
    false
}

#[tokio::test]
async fn a_list_ends_where_its_reader_lost_its_rights() {
    let app = TestApp::new().await;
    for _ in 0..150 {
        app.issue(grant(user("7"), "read")).await;
    }
    let uri = "/AccessToken/demo?take=1000";
    let caller = app.issue(grant(user("7"), "read,write")).await;
    let bearer = format!("Bearer {}", caller.secret);
    assert!(!read_slowly(&app, uri, bearer.clone(), async {}).await);
    assert!(read_slowly(&app, uri, bearer, revoke(&app, caller.id)).await);
    let rotate = async {
        app.service.rotate_client_secret(&"demo".parse().unwrap(), None, &Cause::CLI).await.unwrap().unwrap();
    };
    let authorization = app.basic_value();
    assert!(!read_slowly(&app, "/v1/demo/access_tokens", authorization.clone(), async {}).await);
    assert!(read_slowly(&app, "/v1/demo/access_tokens", authorization, rotate).await);
}

#[tokio::test]
async fn a_list_of_loopbacks_ends_where_its_reader_lost_its_rights() {
    let app = TestApp::new().await;
    fill(&app, 4_000).await;
    let acls = |admin: &str| {
        let entry = |role: &str, permission: &str| json!({"principalType": "ROLE", "principalId": role, "permission": permission, "property": "*"});
        json!({"loopback": {"acls": [entry("$everyone", "DENY"), entry(admin, "ALLOW")], "roles": {"admin": [2], "other": [3]}}})
    };
    app.merge(acls("admin")).await;
    for filter in ["", "?filter=%7B%22order%22%3A%5B%5D%7D"] {
        let uri = format!("/api/accessTokens{filter}");
        let caller = app.issue(identity(user("2"))).await;
        let bearer = format!("Bearer {}", caller.secret);
        assert!(!read_slowly(&app, &uri, bearer.clone(), async {}).await, "{uri}");
        assert!(read_slowly(&app, &uri, bearer, revoke(&app, caller.id)).await, "{uri}");
        let caller = app.issue(identity(user("2"))).await;
        let bearer = format!("Bearer {}", caller.secret);
        assert!(read_slowly(&app, &uri, bearer, app.merge(acls("other"))).await, "{uri}");
        app.merge(acls("admin")).await;
    }
}
