//! Bodies that are packed, or in other character sets: none is read as what it is not.

use crate::app::{Ask, TestApp, grant, identity, user};
use crate::loopback::open_to_all;
use serde_json::json;

const CODINGS: [&str; 6] = ["gzip", "deflate", "br", "GZIP", "identity, gzip", "x-foo"];
const CHARSETS: [&str; 6] = ["utf-16", "UTF-16LE", "iso-8859-1", "\"gbk\"", "us-ascii", "x-foo"];

/// Every operation with a body, by an authorized caller, with the status of its success.
fn writes<'a>(app: &'a TestApp, id: i64, secret: &str) -> Vec<(u16, &'static str, Ask<'a>)> {
    let token = json!({"title": "t"}).to_string();
    let scopes = json!({"scopes": []}).to_string();
    let row = json!({"ttl": 5}).to_string();
    let basic = |ask: Ask<'a>| ask.header("authorization", app.basic_value());
    let json = |ask: Ask<'a>, body: &str| ask.body("application/json", body);
    vec![
        (200, "create", json(app.post("/AccessToken/demo").bearer(&app.admin), &token)),
        (200, "update", json(app.put(&format!("/AccessToken/demo/{id}")).bearer(&app.admin), &token)),
        (201, "Dotide create", json(basic(app.post("/v1/demo/access_tokens")), &scopes)),
        (200, "Dotide update", json(basic(app.put(&format!("/v2/demo/access_tokens/{secret}"))), &scopes)),
        (200, "verify", json(basic(app.post("/verify/demo")), r#"{"token":"x"}"#)),
        (200, "LoopBack create", json(app.post("/api/accessTokens"), &row)),
        (200, "LoopBack update", json(app.put(&format!("/api/accessTokens/{secret}")), &row)),
        (200, "LoopBack updateAll", json(app.post("/api/accessTokens/update?where={}"), &row)),
    ]
}

#[tokio::test]
async fn only_utf_8_as_it_is_is_read() {
    let app = TestApp::new().await;
    open_to_all(&app).await;
    let token = app.issue(grant(user("7"), "read")).await;
    let writes = || writes(&app, token.id, &token.secret);
    for (place, (success, what, _)) in writes().into_iter().enumerate() {
        let ask = || writes().swap_remove(place).2;
        let typed = |charset: &str| {
            ask()
                .without("content-type")
                .header("content-type", format!("application/json; charset={charset}"))
        };
        let before = (app.count().await, app.token(token.id).await);
        let refused = CODINGS.iter().map(|coding| (*coding, ask().header("content-encoding", coding)));
        let refused = refused.chain(CHARSETS.iter().map(|charset| (*charset, typed(charset))));
        for (how, ask) in refused.collect::<Vec<_>>() {
            let answer = ask.send().await;
            assert_eq!(answer.status, 415, "{what} in {how}: {}", answer.text());
            assert!(answer.json().is_object(), "{what} in {how}: {}", answer.text());
        }
        assert_eq!((app.count().await, app.token(token.id).await), before, "{what}");
        // One that is written twice cannot be counted on either.
        let twice = ask().header("content-encoding", "identity").header("content-encoding", "gzip");
        assert_eq!(twice.status().await, 415, "{what}");
        // LoopBack's own parser does not know the other name of UTF-8.
        let other = if what.starts_with("LoopBack") { 415 } else { success };
        assert_eq!(typed("utf8").status().await, other, "{what}");
        assert_eq!(typed("\"UTF-8\"").status().await, success, "{what}");
        assert_eq!(ask().header("content-encoding", "Identity").status().await, success, "{what}");
    }
}

fn packed(ask: Ask<'_>) -> Ask<'_> {
    ask.body("application/json; charset=utf-16", [0xff, 0xfe]).header("content-encoding", "gzip")
}

#[tokio::test]
async fn what_is_not_read_may_be_written_in_any_way() {
    let app = TestApp::new().await;
    open_to_all(&app).await;
    let token = app.issue(identity(user("7"))).await;
    for (status, ask) in [
        // A gateway may hand on whatever its client sent.
        (200, app.post("/auth/demo").bearer(&token.secret)),
        (200, app.get("/AccessToken/demo").bearer(&app.admin)),
        (
            204,
            app.delete(&format!("/v1/demo/access_tokens/{}", app.issue(grant(user("8"), "")).await.secret))
                .header("authorization", app.basic_value()),
        ),
        // The encoding of a body reveals nothing to unauthorized callers.
        (401, app.post("/AccessToken/demo")),
        (404, app.post("/v1/demo/access_tokens")),
        (401, app.post("/verify/demo")),
    ] {
        let answer = packed(ask).send().await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
    }
    // LoopBack's parsers look at what they read alone.
    let row = app
        .post("/api/accessTokens")
        .body("text/plain; charset=utf-16", "x")
        .header("content-encoding", "gzip");
    assert_eq!(row.send().await.json()["ttl"], 1_209_600);
}
