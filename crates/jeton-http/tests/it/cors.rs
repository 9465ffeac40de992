//! Pages of other origins, on the APIs that browsers call.

use crate::answer::Answer;
use crate::app::{Ask, TestApp, grant, user};
use serde_json::json;

const OWN: &str = "https://app.example";

/// What a browser reads: the status, the origin, credentials, methods, headers, and by what the answer
/// varies.
fn cors_of(answer: &Answer) -> String {
    let names = ["allow-origin", "allow-credentials", "allow-methods", "allow-headers"];
    let values = names.map(|name| answer.header(&format!("access-control-{name}")).unwrap_or("-").to_owned());
    format!("{} {} {}", answer.status.as_u16(), values.join(" | "), answer.header("vary").unwrap_or("-"))
}

fn preflight<'a>(app: &'a TestApp, path: &str, origin: &str) -> Ask<'a> {
    let asked = app.ask("OPTIONS", path).header("origin", origin);
    asked
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type")
}

/// The paths that a page may call, with what they know.
const PATHS: [(&str, &str); 4] = [
    ("/AccessToken/demo", "GET, HEAD, POST"),
    ("/AccessToken/demo/7", "PUT, DELETE"),
    ("/verify/demo", "POST"),
    ("/apps/demo/api/accessTokens", "GET,HEAD,PUT,PATCH,POST,DELETE"),
];

#[tokio::test]
async fn a_page_is_let_in_by_the_app_on_every_api() {
    let app = TestApp::new().await;
    for (path, _) in PATHS {
        let answer = preflight(&app, path, OWN).send().await;
        assert_eq!(answer.header("access-control-allow-origin"), None, "off by default: {path}");
        assert!([204, 405].contains(&answer.status.as_u16()) && answer.header("allow").is_some(), "{path}");
    }
    // The section's own name, and the one that it had.
    for patch in [json!({"cors": {"origins": [OWN]}}), json!({"loopback": {"cors": {"origins": [OWN]}}})] {
        app.merge(json!({"cors": null})).await;
        app.merge(patch).await;
        for (path, methods) in PATHS {
            let answer = preflight(&app, path, OWN).send().await;
            let expected = format!(
                "204 {OWN} | - | {methods} | authorization,content-type Origin, Access-Control-Request-Headers"
            );
            assert_eq!((cors_of(&answer), answer.body.len()), (expected, 0), "{path}");
            assert_eq!(answer.header("access-control-max-age"), Some("86400"), "{path}");
            for close in
                ["https://app.example.evil", "http://app.example", "https://app.example:8443", "null"]
            {
                let answer = preflight(&app, path, close).send().await;
                assert!(
                    cors_of(&answer).ends_with(" - | - | - | - Origin"),
                    "{path} {close}: {}",
                    cors_of(&answer)
                );
                assert_ne!(answer.status, 200, "{path} {close}");
            }
        }
    }
}

#[tokio::test]
async fn answers_can_be_read_by_the_page_whatever_they_are() {
    let app = TestApp::following().await;
    let token = app.issue(grant(user("7"), "read")).await;
    app.merge(json!({"cors": {"origins": [OWN], "credentials": true}})).await;
    let check = json!({"token": token.secret});
    let asks = || {
        [
            (200, app.get("/AccessToken/demo").bearer(&app.admin)),
            (200, app.post("/AccessToken/demo").bearer(&app.admin).json(&json!({"title": "t"}))),
            (400, app.post("/AccessToken/demo").bearer(&app.admin).json(&json!({"titel": "t"}))),
            (401, app.get("/AccessToken/demo")),
            (401, app.get("/AccessToken/demo").bearer("nobody's")),
            (404, app.delete("/AccessToken/demo/99").bearer(&app.admin)),
            (405, app.ask("PATCH", "/AccessToken/demo").bearer(&app.admin)),
            (200, app.post("/verify/demo").bearer(&app.admin).json(&check)),
            (401, app.post("/verify/demo").json(&check)),
            (405, app.get("/verify/demo").bearer(&app.admin)),
            (415, app.post("/verify/demo").bearer(&app.admin).body("text/plain; charset=utf-16", "{}")),
        ]
    };
    for (status, ask) in asks() {
        let answer = ask.header("origin", OWN).send().await;
        assert_eq!(cors_of(&answer), format!("{status} {OWN} | true | - | - Origin"));
    }
    for (status, ask) in asks() {
        let answer = ask.header("origin", "https://evil.example").send().await;
        assert_eq!(cors_of(&answer), format!("{status} - | - | - | - Origin"));
    }
    for (status, ask) in asks() {
        assert_eq!(cors_of(&ask.send().await), format!("{status} - | - | - | - -"), "no page asks");
    }
    app.merge(json!({"cors": {"origins": ["*"], "credentials": false}})).await;
    let answer = app.get("/AccessToken/demo").header("origin", "https://any.example").send().await;
    assert_eq!(cors_of(&answer), "401 * | - | - | - -");
}

#[tokio::test]
async fn no_page_learns_more_of_an_app_than_anybody() {
    let app = TestApp::following().await;
    app.create_app("closed").await;
    app.merge(json!({"cors": {"origins": [OWN]}, "appkey": {"enabled": false}})).await;
    // An app that lets no page in, one that has switched this API off, and none at all.
    for (path, other) in [
        ("/AccessToken/closed", "/AccessToken/nobody"),
        ("/AccessToken/demo", "/AccessToken/nobody"),
        ("/verify/closed", "/verify/nobody"),
    ] {
        let (one, two) = (preflight(&app, path, OWN).send().await, preflight(&app, other, OWN).send().await);
        assert_eq!(one.show(), two.show(), "{path}");
        assert_eq!(one.header("access-control-allow-origin"), None, "{path}");
        let (one, two) = (
            app.get(path).header("origin", OWN).send().await,
            app.get(other).header("origin", OWN).send().await,
        );
        assert_eq!((one.status, one.header("vary")), (two.status, two.header("vary")), "{path}");
    }
    // Nothing that a page asks about one and the same app is looked up twice, whether there is such an app or
    // not.
    let before = app.store.calls();
    for _ in 0..20 {
        preflight(&app, "/AccessToken/closed", OWN).send().await;
        preflight(&app, "/verify/nobody", OWN).send().await;
        app.get("/AccessToken/nobody").header("origin", OWN).send().await;
    }
    assert_eq!(app.store.calls(), before);
    app.create_app("nobody").await;
    app.service
        .merge_settings(
            &"nobody".parse().unwrap(),
            &json!({"cors": {"origins": ["*"]}}),
            &jeton_core::Cause::CLI,
        )
        .await
        .unwrap();
    assert_eq!(preflight(&app, "/verify/nobody", OWN).status().await, 204, "the cached answer is gone");
}

#[tokio::test]
async fn an_outage_is_no_refusal_to_a_page_either() {
    let app = TestApp::new().await;
    app.store.fail_always();
    for (path, _) in PATHS {
        assert_eq!(preflight(&app, path, OWN).status().await, 503, "{path}");
    }
}

/// Unauthenticated callers get one and the same 404 there, and a preflight is never authenticated.
#[tokio::test]
async fn dotide_knows_no_pages() {
    let app = TestApp::new().await;
    app.merge(json!({"cors": {"origins": [OWN]}})).await;
    let answers = [
        preflight(&app, "/v1/demo/access_tokens", OWN).send().await.show(),
        preflight(&app, "/v1/nobody/access_tokens", OWN).send().await.show(),
        app.get("/v1/demo/access_tokens").send().await.show(),
    ];
    assert!(answers.iter().all(|answer| *answer == answers[0] && answer.starts_with("404 ")), "{answers:?}");
}
