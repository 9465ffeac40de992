//! Errors that are the same for every operation: in the envelope, whatever layer they come from.

use crate::app::{Ask, TestApp, grant, user};
use serde_json::json;

const APP: &str = "/AccessToken/demo";

/// The answers to all of these, whole.
async fn shown(asks: impl IntoIterator<Item = Ask<'_>>) -> String {
    let mut all = Vec::new();
    for ask in asks {
        all.push(ask.send().await.show());
    }
    all.join("\n\n")
}

#[tokio::test]
async fn refusals_whole() {
    let app = TestApp::new().await;
    let user_7 = app.issue(grant(user("7"), "")).await;
    let powerless = app.issue(grant(jeton_core::Owner::Nobody, "read")).await;
    let asks = [
        app.get(APP),
        app.get(APP).bearer(&powerless.secret),
        app.post(APP).bearer(&user_7.secret).json(&json!({"title": "t", "permissions": "read"})),
        app.get("/AccessToken/nobody").bearer(&app.admin),
        app.delete(&format!("{APP}/99")).bearer(&app.admin),
    ];
    insta::assert_snapshot!(shown(asks).await, @r#"
    401 Unauthorized
    cache-control: no-store
    content-length: 97
    content-type: application/json
    www-authenticate: Bearer

    {"code":401,"data":null,"error":"a live access token is required: Authorization: Bearer <token>"}

    403 Forbidden
    cache-control: no-store
    content-length: 74
    content-type: application/json

    {"code":403,"data":null,"error":"this access token may not manage tokens"}

    403 Forbidden
    cache-control: no-store
    content-length: 84
    content-type: application/json

    {"code":403,"data":null,"error":"you cannot grant permissions that you do not hold"}

    404 Not Found
    cache-control: no-store
    content-length: 55
    content-type: application/json

    {"code":404,"data":null,"error":"there is no such app"}

    404 Not Found
    cache-control: no-store
    content-length: 57
    content-type: application/json

    {"code":404,"data":null,"error":"there is no such token"}
    "#);
}

#[tokio::test]
async fn mistakes_whole() {
    let app = TestApp::new().await;
    let asks = [
        app.get(&format!("{APP}?take=x")).bearer(&app.admin),
        app.get("/AccessToken/demo/1/2").bearer(&app.admin),
        app.ask("PATCH", APP),
        app.post(APP).bearer(&app.admin).body("application/json", vec![b' '; 102_401]),
        app.post(APP).bearer(&app.admin).body("text/plain", "x"),
    ];
    insta::assert_snapshot!(shown(asks).await, @r#"
    400 Bad Request
    cache-control: no-store
    content-length: 58
    content-type: application/json

    {"code":400,"data":null,"error":"take must be an integer"}

    404 Not Found
    cache-control: no-store
    content-length: 65
    content-type: application/json

    {"code":404,"data":null,"error":"nothing is served at this path"}

    405 Method Not Allowed
    allow: GET, HEAD, POST
    cache-control: no-store
    content-length: 66
    content-type: application/json

    {"code":405,"data":null,"error":"this path knows GET, HEAD, POST"}

    413 Payload Too Large
    cache-control: no-store
    content-length: 70
    content-type: application/json

    {"code":413,"data":null,"error":"the body has more than 102400 bytes"}

    415 Unsupported Media Type
    cache-control: no-store
    content-length: 93
    content-type: application/json

    {"code":415,"data":null,"error":"the body must be JSON or application/x-www-form-urlencoded"}
    "#);
}

#[tokio::test]
async fn other_methods_are_405_and_say_which_are_known() {
    let app = TestApp::new().await;
    for (path, known) in [(APP, "GET, HEAD, POST"), ("/AccessToken/demo/2", "PUT, DELETE")] {
        for method in
            ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "patch", "PROPFIND"]
        {
            let answer = app.ask(method, path).bearer(&app.admin).send().await;
            if known.split(", ").any(|known| known == method) {
                assert_ne!(answer.status.as_u16(), 405, "{method} {path}");
                continue;
            }
            assert_eq!(
                (answer.status.as_u16(), answer.header("allow")),
                (405, Some(known)),
                "{method} {path}"
            );
            if method != "HEAD" {
                answer.assert_envelope(405);
            }
        }
    }
}

#[tokio::test]
async fn every_path_below_the_prefix_answers_in_the_envelope() {
    let app = TestApp::new().await;
    for path in [
        "/AccessToken",
        "/AccessToken/",
        "/AccessToken/demo/2/3",
        "/AccessToken/demo/2/3/",
        "/AccessToken/demo//2",
        "/AccessToken/demo/%ff",
        "/AccessToken/%ff",
        "/AccessToken/%ff/2",
        "/AccessToken//",
        "/AccessToken///",
    ] {
        for method in ["GET", "DELETE", "PATCH"] {
            let answer = app.ask(method, path).bearer(&app.admin).send().await;
            assert!([404, 405].contains(&answer.status.as_u16()), "{method} {path}: {}", answer.status);
            answer.assert_envelope(answer.status.as_u16());
        }
    }
}

#[tokio::test]
async fn what_is_not_below_the_prefix_is_none_of_this_api() {
    let app = TestApp::new().await;
    for path in ["/accesstoken/demo", "/AccessTokendemo", "/%41ccessToken/demo", "/"] {
        let answer = app.get(path).bearer(&app.admin).send().await;
        assert_eq!(answer.status.as_u16(), 404, "{path}");
        assert_eq!(answer.json()["error"], "not_found", "{path}");
    }
    // The plural is LoopBack's, where `demo` is the id of a row.
    let answer = app.get("/AccessTokens/demo").send().await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]["statusCode"]), (401, &401.into()));
}

#[tokio::test]
async fn an_app_that_switched_the_api_off_is_as_unknown_as_none() {
    let app = TestApp::new().await;
    let token = app.issue(grant(user("7"), "read")).await;
    let other = app.create_app("other").await;
    app.merge(json!({"appkey": {"enabled": false}})).await;
    for caller in ["", &app.admin, &token.secret, &other] {
        for (method, rest) in [("GET", ""), ("POST", ""), ("PUT", "/2"), ("DELETE", "/2"), ("PATCH", "")] {
            let ask = |key: &str| {
                let ask = app.ask(method, &format!("/AccessToken/{key}{rest}"));
                ask.bearer(caller).json(&json!({"title": "t"})).send()
            };
            assert_eq!(ask("demo").await.show(), ask("nobody").await.show(), "{method}");
        }
    }
    assert!(app.token(token.id).await.is_some());
    // Elsewhere the app is still there, and so is its token.
    assert_eq!(app.get("/auth/demo?permission=read").bearer(&token.secret).status().await, 200);
    app.merge(json!({"appkey": {"enabled": true}})).await;
    assert_eq!(app.get(APP).bearer(&token.secret).status().await, 200);
}

#[tokio::test]
async fn only_who_presents_a_live_token_learns_what_exists() {
    let app = TestApp::new().await;
    for caller in ["", "0123456789abcdef", &"0123456789abcdef".repeat(4)] {
        let mut answers = Vec::new();
        for key in ["demo", "nobody", "no%20key"] {
            for rest in ["", "/1", "/99"] {
                let method = if rest.is_empty() { "GET" } else { "DELETE" };
                let ask = app.ask(method, &format!("/AccessToken/{key}{rest}")).bearer(caller);
                answers.push(ask.send().await.show());
            }
        }
        assert!(answers[0].starts_with("401"), "{}", answers[0]);
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:?}");
    }
}

#[tokio::test]
async fn a_deleted_app_is_unknown_with_all_of_its_tokens() {
    let app = TestApp::new().await;
    let other = app.create_app("other").await;
    let token = app.issue_in("other", grant(user("7"), "read")).await;
    let deleted = app.service.delete_app(&"other".parse().unwrap(), &jeton_core::Cause::CLI).await.unwrap();
    assert!(deleted);
    for secret in [&other, &token.secret] {
        for path in ["/AccessToken/other", APP] {
            app.get(path).bearer(secret).send().await.assert_envelope(401);
        }
    }
    app.get("/AccessToken/other").bearer(&app.admin).send().await.assert_envelope(404);
}
