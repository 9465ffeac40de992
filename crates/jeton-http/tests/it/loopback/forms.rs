//! In which form answers come, and to which pages.

use super::{ask, assert_error, at, created, id_of};
use crate::app::{TestApp, identity, user};
use serde_json::json;

#[tokio::test]
async fn what_nobody_could_read_is_not_done() {
    let app = TestApp::new().await;
    let token = app.issue(identity(user("7"))).await;
    let id = &token.secret;
    let before = (app.token(token.id).await, app.count().await);
    for (method, rest) in [
        ("POST", String::new()),
        ("PUT", String::new()),
        ("PATCH", at(id)),
        ("PUT", at(id)),
        ("DELETE", at(id)),
        ("POST", "/update?where={}".to_owned()),
        ("POST", "/upsertWithWhere?where={}".to_owned()),
        ("POST", "/replaceOrCreate".to_owned()),
        ("POST", format!("/{id}/replace")),
        ("POST", "?_format=xml".to_owned()),
    ] {
        let accept = if rest.contains("_format") { "*/*" } else { "text/html" };
        let asked = ask(&app, &app.admin, method, &rest).json(&json!({"id": id, "ttl": 1}));
        let answer = asked.header("accept", accept).send().await;
        assert_eq!((answer.status.as_u16(), answer.text()), (406, "Not Acceptable"), "{method} {rest}");
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
        // Unauthorized callers learn no more than that.
        let denied = ask(&app, "", method, &rest).json(&json!({})).header("accept", accept).send().await;
        assert!([401, 406].contains(&denied.status.as_u16()), "{method} {rest}");
    }
    assert_eq!((app.token(token.id).await, app.count().await), before);
    for (rest, status) in [(at(id), 406), (at("nope"), 404)] {
        assert_eq!(ask(&app, &app.admin, "GET", &rest).header("accept", "text/html").status().await, status);
    }
}

#[tokio::test]
async fn errors_in_words_that_clients_read() {
    let app = TestApp::new().await;
    let rest = "/%3Cscript%3Ealert(1)%3C%2Fscript%3E";
    let answer = ask(&app, &app.admin, "GET", rest).header("accept", "text/html,*/*;q=0.8").send().await;
    insta::assert_snapshot!(answer.show(), @r#"
    404 Not Found
    content-length: 234
    content-security-policy: default-src 'none'
    content-type: text/html; charset=utf-8
    x-content-type-options: nosniff

    <!DOCTYPE html>
    <html><head><meta charset="utf-8"><title>Error</title></head><body><h1>Error</h1><h2><em>404</em> Unknown "AccessToken" id "&lt;script&gt;alert(1)&lt;/script&gt;".</h2><p><b>code</b>: MODEL_NOT_FOUND</p></body></html>
    "#);
    let answer = ask(&app, "", "GET", "/nope?_format=xml").send().await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("content-type")),
        (401, Some("text/xml; charset=utf-8"))
    );
    assert!(answer.text().contains("<message>Authorization Required</message>"), "{}", answer.text());
}

#[tokio::test]
async fn scripts_for_those_who_ask_twice() {
    let app = TestApp::new().await;
    let row = created(&app, &app.admin, &json!({"id": "tok-1", "ttl": 5, "note": "\u{2028}</script>"})).await;
    let path = format!("{}?callback=alert(document.cookie)//cb", at(id_of(&row)));
    let plain = ask(&app, &app.admin, "GET", &path).send().await;
    assert_eq!((plain.header("content-type"), plain.json()), (Some("application/json; charset=utf-8"), row));
    let script = ask(&app, &app.admin, "GET", &path).header("accept", "text/javascript").send().await;
    assert_eq!(script.header("content-type"), Some("text/javascript; charset=utf-8"));
    assert_eq!(script.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(script.header("cache-control"), Some("no-store"));
    let text = script.text();
    let call =
        "/**/ typeof alertdocument.cookiecb === 'function' && alertdocument.cookiecb({\"id\":\"tok-1\",";
    assert!(text.starts_with(call), "{text}");
    assert!(text.ends_with("\"note\":\"\\u2028</script>\"});"), "{text}");
    // Errors are none, and no other dialect has any.
    let denied = ask(&app, "", "GET", "?callback=cb&_format=text/javascript").send().await;
    assert_error(&denied, 401);
    let asked = app.get("/AccessToken/demo?callback=cb&_format=text/javascript").bearer(&app.admin);
    let elsewhere = asked.header("accept", "text/javascript").send().await;
    assert!(!elsewhere.text().contains("cb("), "{}", elsewhere.text());
}

#[tokio::test]
async fn tags_spare_what_is_had() {
    let app = TestApp::new().await;
    let row = created(&app, &app.admin, &json!({"ttl": 5})).await;
    let first = ask(&app, &app.admin, "GET", &at(id_of(&row))).send().await;
    let tag = first.header("etag").unwrap().to_owned();
    let again = async |caller: &str, method: &str, tag: &str| {
        ask(&app, caller, method, &at(id_of(&row))).header("if-none-match", tag).send().await
    };
    for method in ["GET", "HEAD"] {
        let spared = again(&app.admin, method, "*").await;
        assert_eq!((spared.status.as_u16(), spared.body.len()), (304, 0), "{method}");
        assert_eq!(spared.header("content-type"), None);
    }
    assert_eq!(again(&app.admin, "GET", &format!("\"x\", {tag}")).await.status, 304);
    assert_eq!(again(&app.admin, "GET", "\"x\"").await.status, 200);
    // An entity tag reveals nothing that may not be read, and skips no write.
    assert_eq!(again("", "GET", &tag).await.status, 401);
    assert_eq!(again("", "GET", "*").await.status, 401);
    let put = ask(&app, &app.admin, "PUT", &at(id_of(&row))).json(&json!({"n": 1}));
    assert_eq!(put.header("if-none-match", "*").status().await, 200);
    assert_eq!(again(&app.admin, "GET", &tag).await.status, 200);
}

/// What answers say of cross-origin requests: the status, the origin, credentials, what they vary by.
async fn cors(app: &TestApp, method: &str, rest: &str, origin: &str) -> String {
    let asked = ask(app, "", method, rest).header("origin", origin);
    let asked = match method {
        "OPTIONS" => asked
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization"),
        _ => asked,
    };
    let answer = asked.send().await;
    let names = ["allow-origin", "allow-credentials", "allow-methods", "allow-headers"];
    let values = names.map(|name| answer.header(&format!("access-control-{name}")).unwrap_or("-").to_owned());
    format!("{} {} {}", answer.status.as_u16(), values.join(" "), answer.header("vary").unwrap_or("-"))
}

#[tokio::test]
async fn pages_of_other_origins_are_let_in_by_name() {
    let app = TestApp::new().await;
    let own = "https://app.example";
    let set = async |cors: serde_json::Value| {
        app.merge(json!({"cors": cors})).await;
    };
    for method in ["GET", "OPTIONS"] {
        let status = if method == "GET" { 401 } else { 204 };
        assert_eq!(cors(&app, method, "", own).await, format!("{status} - - - - -"), "off by default");
    }
    set(json!({"origins": [own]})).await;
    assert_eq!(cors(&app, "GET", "", own).await, "401 https://app.example - - - Origin");
    assert_eq!(cors(&app, "GET", "", "https://evil.example").await, "401 - - - - Origin");
    for close in ["https://app.example.evil", "http://app.example", "https://app.example:8443", "null", ""] {
        assert_eq!(cors(&app, "GET", "", close).await, "401 - - - - Origin", "{close}");
        assert_eq!(cors(&app, "OPTIONS", "", close).await, "204 - - - - Origin", "{close}");
    }
    let methods = "GET,HEAD,PUT,PATCH,POST,DELETE";
    let preflight =
        format!("204 https://app.example - {methods} authorization Origin, Access-Control-Request-Headers");
    assert_eq!(cors(&app, "OPTIONS", "/x", own).await, preflight);
    set(json!({"credentials": true})).await;
    assert_eq!(cors(&app, "GET", "", own).await, "401 https://app.example true - - Origin");
    set(json!({"origins": ["*"], "credentials": false})).await;
    assert_eq!(cors(&app, "GET", "", "https://any.example").await, "401 * - - - -");
}

#[tokio::test]
async fn options_names_the_methods_of_a_path() {
    let app = TestApp::new().await;
    let answer = ask(&app, "", "OPTIONS", "").send().await;
    insta::assert_snapshot!(answer.show(), @r"
    204 No Content
    allow: GET, HEAD, PUT, PATCH, POST, OPTIONS
    content-length: 0
    ");
    for (rest, allow) in [
        ("/x", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
        ("/x/", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
        ("/COUNT", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
        ("/x/exists", "GET, HEAD, OPTIONS"),
        ("/x/replace", "POST, OPTIONS"),
    ] {
        // The caller makes no difference, and its body is ignored.
        for caller in ["", "nobody's", app.admin.as_str()] {
            let answer = ask(&app, caller, "OPTIONS", rest).body("application/json", "{").send().await;
            assert_eq!((answer.status.as_u16(), answer.header("allow")), (204, Some(allow)), "{rest}");
        }
    }
    // A preflight of a page that is not let in is an `OPTIONS` like any other: what it asks for is not
    // allowed to it.
    let from_elsewhere = cors(&app, "OPTIONS", "", "https://elsewhere.example").await;
    assert_eq!(from_elsewhere, "204 - - - - -");
    for (path, status) in
        [("/api/accessTokens/x/nope", 404), ("/api/users", 404), ("/api/accessTokens/%ff", 404)]
    {
        let answer = app.ask("OPTIONS", path).send().await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (status, None), "{path}");
    }
    let elsewhere = app.ask("OPTIONS", "/apps/nope/api/accessTokens").send().await;
    assert_eq!(elsewhere.status, 404);
}
