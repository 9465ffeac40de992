//! Requests that are made to get what is not theirs, or to get in the way.

use super::{ask, assert_problem, get, send};
use crate::app::{Ask, DAY, TestApp, grant, lasting, titled, user};
use crate::openapi::admin_operations;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A path with everything in the place of what is named in it.
fn filled(path: &str) -> String {
    path.replace("{app}", "demo").replace("{id}", "1")
}

#[tokio::test]
async fn a_path_takes_its_methods_and_no_others() {
    let app = TestApp::new().await;
    for (path, known) in admin_operations() {
        // What stands below `tokens` is a number where it is no other word.
        if path.ends_with("/tokens/revoke") {
            continue;
        }
        let path = filled(&path);
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"] {
            let heads = method == "HEAD" && known.contains("get");
            if heads || known.contains(method.to_ascii_lowercase().as_str()) {
                continue;
            }
            let asked = || app.ask(method, &path).header("origin", "https://evil.test");
            assert_eq!(asked().status().await, 401, "{method} {path}");
            let answer = asked().bearer(&app.operator).send().await;
            assert_eq!(answer.status, 405, "{method} {path}");
            let allowed = answer.header("allow").unwrap().to_ascii_lowercase();
            let allowed: BTreeSet<&str> = allowed.split(", ").filter(|method| *method != "head").collect();
            assert_eq!(allowed, known.iter().map(String::as_str).collect(), "{path}");
            let tells_pages = |name: &str| name.starts_with("access-control-");
            assert!(!answer.headers.keys().any(|name| tells_pages(name.as_str())), "{method} {path}");
        }
    }
    let (whole, head) = (ask(&app, "GET", "/apps").send().await, ask(&app, "HEAD", "/apps").send().await);
    assert_eq!((head.status, head.body.len()), (whole.status, 0));
    assert_eq!(head.header("content-type"), whole.header("content-type"));
}

#[tokio::test]
async fn no_other_spelling_of_a_path_is_served() {
    let app = TestApp::new().await;
    for path in [
        "/admin/v1/apps/..",
        "/admin/v1/apps/../apps",
        "/admin/v1/./apps",
        "/admin/v1//apps",
        "/admin/v1/apps//demo",
        "/admin/v1/apps/demo%2fsettings",
        "/admin/v1/apps/demo;x/settings",
        "/admin/v1/apps/demo/settings/..",
        "/admin/v1/apps/demo%00/settings",
        "/admin/v1/apps/demo%0d%0aX:%20y/settings",
        "/admin/v1/apps/%ff/settings",
        "/admin/v1/Apps",
        "/admin/V1/apps",
        "/admin/v1%2fapps",
        "/admin/apps",
        "/admin/v1/operators/1/x",
        "/admin/v1/apps/demo/tokens/+1",
        "/admin/v1/apps/demo/tokens/1.0",
        "/admin/v1/apps/demo/tokens/99999999999999999999",
    ] {
        let answer = app.get(path).bearer(&app.operator).send().await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
        assert!(answer.header("x").is_none());
    }
    // Nor is it anywhere else, or of use there.
    for path in ["//admin/v1/apps", "/./admin/v1/apps", "/console/admin/v1/apps", "/ADMIN/v1/apps"] {
        assert_ne!(app.get(path).bearer(&app.operator).status().await, 200, "{path}");
    }
    for path in ["/AccessToken/demo", "/auth/demo"] {
        assert_eq!(app.get(path).bearer(&app.operator).status().await, 401, "{path}");
    }
}

#[tokio::test]
async fn what_is_no_sound_json_is_nothing() {
    let app = TestApp::new().await;
    let deep = format!(r#"{{"scopes": {}{}}}"#, "[".repeat(5_000), "]".repeat(5_000));
    for (body, code) in [
        (deep.as_str(), "invalid_json"),
        (r#"{"title": "a", "title": "a"}"#, "invalid_json"),
        (r#"{"title": "a", "\u0074itle": "b"}"#, "invalid_json"),
        (r#"{"scopes": [{"global": true, "global": false}]}"#, "invalid_json"),
        (r#"{"expires_in_days": 1e999}"#, "invalid_json"),
        (r#"{"expires_in_days": NaN}"#, "invalid_json"),
        (r#"{"title": "a"} {"title": "b"}"#, "invalid_json"),
        (r#"{"title": "\ud800"}"#, "invalid_json"),
        (r#"{"expires_in_days": 36501}"#, "invalid_member"),
        (r#"{"expires_in_days": 9223372036854775808}"#, "invalid_member"),
        (r#"{"expires_in_seconds": 1.5}"#, "invalid_member"),
        (r#"{"expires_in_seconds": -2}"#, "invalid_member"),
        (r#"{"expires_at": "2020-01-01T00:00:00Z"}"#, "invalid_member"),
        (r#"{"user_id": 123456789012345678901234567890}"#, "invalid_member"),
        (r#"{"user_id": {"$ne": 1}}"#, "invalid_member"),
        (r#"{"title": "a\u0000b"}"#, "invalid_member"),
        (r#"{"permissions": ["a,b"]}"#, "invalid_member"),
        (r#"{"permissions": "jeton:manage, read"}"#, "refused"),
        (r#"{"__proto__": {}}"#, "invalid_member"),
        ("null", "invalid_json"),
        ("\u{feff}", "invalid_json"),
    ] {
        let answer = ask(&app, "POST", "/apps/demo/tokens").body("application/json", body).send().await;
        let status = if code == "refused" { 422 } else { 400 };
        assert_problem(&answer, status, code);
    }
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
    ] {
        let answer = ask(&app, "POST", "/apps/demo/tokens").body(kind, r#"{"title": "a"}"#).send().await;
        assert_problem(&answer, 415, "unsupported_media_type");
    }
    let packed = ask(&app, "POST", "/apps/demo/tokens").json(&json!({})).header("content-encoding", "gzip");
    assert_problem(&packed.send().await, 415, "unsupported_media_type");
    assert_eq!(get(&app, "/apps/demo/tokens").await["total"], 1, "none was made");
}

#[tokio::test]
async fn no_error_repeats_what_was_sent() {
    let app = TestApp::new().await;
    let of = |method: &str, path: &str| ask(&app, method, path);
    let tokens = "/apps/demo/tokens";
    let asked: Vec<Ask<'_>> = vec![
        of("GET", &format!("/apps/{SECRET}")),
        of("GET", &format!("/{SECRET}")),
        of("GET", &format!("{tokens}/{SECRET}")),
        of("DELETE", &format!("/operators/{SECRET}")),
        of("GET", &format!("{tokens}?{SECRET}=1")),
        of("GET", &format!("{tokens}?access_token={SECRET}")),
        of("GET", &format!("{tokens}?state={SECRET}")),
        of("GET", &format!("{tokens}?cursor={SECRET}")),
        of("GET", &format!("{tokens}?unused_days={SECRET}")),
        of("GET", &format!("/audit?what={SECRET}")),
        of("GET", &format!("/audit?address={SECRET}")),
        of("GET", &format!("/audit?since={SECRET}")),
        of("GET", &format!("/audit?app=-{SECRET}")),
        of("POST", tokens).json(&json!({SECRET: 1})),
        of("POST", tokens).json(&json!({"expires_at": SECRET})),
        of("POST", tokens).json(&json!({"permissions": {SECRET: 1}})),
        of("POST", tokens).json(&json!({"scopes": [{"permissions": ["read"], SECRET: 1}]})),
        of("POST", tokens).json(&json!({"scopes": SECRET})),
        of("POST", tokens).body("application/json", SECRET),
        of("POST", tokens).json(&json!({})).header("idempotency-key", format!("{SECRET} x")),
        of("POST", &format!("{tokens}/revoke")).json(&json!({"state": SECRET})),
        of("POST", "/apps").json(&json!({"app_key": format!("-{SECRET}")})),
        of("PATCH", "/apps/demo/settings").json(&json!({"reveal": SECRET})),
        of("PATCH", "/apps/demo/settings").json(&json!({SECRET: 1})),
        of("PATCH", "/apps/demo/settings").json(&json!({"appkey": {"grantable": [SECRET, ","]}})),
        of("PATCH", "/apps/demo/settings").json(&json!({"default_ttl_seconds": SECRET})),
        of("PATCH", "/apps/demo/settings").json(&json!({"loopback": {"acls": [{"principalType": SECRET}]}})),
        of("PATCH", "/apps/demo/settings").json(&json!({"forward_auth": {"demands": {SECRET: {"id": "x"}}}})),
        of("PATCH", "/apps/demo/settings").json(&json!({"forward_auth": {"source": SECRET}})),
        of("PATCH", "/apps/demo/settings").json(&json!({})).header("if-match", format!("\"{SECRET}\"")),
        app.get("/admin/v1/apps").bearer(SECRET),
        app.get("/admin/v1/apps").header("host", format!("{SECRET}.test")),
    ];
    for (number, asked) in asked.into_iter().enumerate() {
        let answer = asked.send().await;
        assert!(answer.status.is_client_error(), "{number}: {} {}", answer.status, answer.text());
        assert!(!answer.show().contains(&SECRET[..16]), "{number}: {}", answer.show());
    }
}

#[tokio::test]
async fn a_cursor_leads_nowhere_but_on() {
    let app = TestApp::new().await;
    app.create_app("shop").await;
    for number in 0..4 {
        app.issue(lasting((number + 1) * DAY, titled("demo's", grant(user("7"), "read")))).await;
        app.issue_in("shop", titled("shop's", grant(user("8"), "read"))).await;
    }
    let page = get(&app, "/apps/demo/tokens?limit=2").await;
    let cursor = page["next"].as_str().unwrap();
    // A place among the tokens of one app shows nothing of them among those of another.
    let other = get(&app, &format!("/apps/shop/tokens?limit=10&cursor={cursor}")).await;
    let apps: Vec<&Value> = other["items"].as_array().unwrap().iter().map(|item| &item["app"]).collect();
    assert!(apps.iter().all(|of| **of == "shop"), "{apps:?}");
    let ending = get(&app, "/apps/demo/tokens?limit=2&expires_within_days=30").await;
    let ending = ending["next"].as_str().unwrap();
    for (path, cursor) in [
        ("/apps/demo/tokens?cursor=", ending),
        ("/apps/demo/tokens?expires_within_days=30&cursor=", cursor),
        ("/apps/demo/tokens?cursor=", "-1"),
        ("/apps/demo/tokens?cursor=", "7%00"),
        ("/apps/demo/tokens?cursor=", "7%20or%201=1"),
        ("/apps?cursor=", "0"),
        ("/audit?cursor=", "9223372036854775808"),
        ("/stats?cursor=", "-1"),
    ] {
        assert_problem(&ask(&app, "GET", &format!("{path}{cursor}")).send().await, 400, "invalid_parameter");
    }
    let beyond = get(&app, &format!("/apps/demo/tokens?cursor={}", jeton_core::MAX_INTEGER)).await;
    assert_eq!(beyond["items"].as_array().unwrap().len(), 5, "there is nothing beyond the newest");
}

#[tokio::test]
async fn of_many_who_change_the_same_settings_one_does() {
    let app = TestApp::new().await;
    let path = "/apps/demo/settings";
    let read = ask(&app, "GET", path).send().await;
    let tag = read.header("etag").unwrap();
    let change = |days: u32| {
        let body = json!({"appkey": {"default_days": days}});
        ask(&app, "PATCH", path).json(&body).header("if-match", tag).send()
    };
    let answers = futures_util::future::join_all((1..=8).map(change)).await;
    let (done, stale): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!((done.len(), stale.len()), (1, 7));
    stale.iter().for_each(|answer| drop(assert_problem(answer, 412, "stale")));
    let now = get(&app, path).await;
    assert_eq!(now["appkey"], done[0].json()["appkey"]);
    // Nothing that was sought twice is found under the tag of what was read at first, whatever it becomes.
    let back = json!({"appkey": {"default_days": 30}});
    assert_eq!(send(&app, "PATCH", path, &back).await.status, 200);
    assert_problem(&change(9).await, 412, "stale");
}

#[tokio::test]
async fn a_key_is_of_one_operator_and_one_request() {
    let app = TestApp::new().await;
    let second = send(&app, "POST", "/operators", &json!({"name": "second"})).await.json();
    let second = second["operator_token"].as_str().unwrap();
    let path = "/admin/v1/apps/demo/tokens";
    let keyed = |operator: &str, path: &str, body: &str| {
        app.post(path).bearer(operator).body("application/json", body).header("idempotency-key", "k")
    };
    let body = r#"{"title": "t"}"#;
    let first = keyed(&app.operator, path, body).send().await;
    assert_eq!((first.status.as_u16(), first.header("idempotency-replayed")), (201, None));
    // Another operator's key of the same text is another key, whose answer is not the first one's.
    let others = keyed(second, path, body).send().await;
    assert_eq!((others.status.as_u16(), others.header("idempotency-replayed")), (201, None));
    assert_ne!(others.json()["id"], first.json()["id"]);
    // Whatever else is sent under it is another request: also what means the same.
    for (path, body) in [
        (path, r#"{"title":"t"}"#),
        (path, r#"{"title": "t", "tags": "a"}"#),
        ("/admin/v1/apps/demo/tokens/", body),
        ("/admin/v1/apps/%64emo/tokens", body),
        ("/admin/v1/operators", r#"{"name": "third"}"#),
    ] {
        assert_problem(&keyed(&app.operator, path, body).send().await, 422, "idempotency_key_reused");
    }
    let again = keyed(&app.operator, path, body).send().await;
    assert_eq!((again.status.as_u16(), again.header("idempotency-replayed")), (201, Some("true")));
    assert_eq!((&again.json()["id"], &again.json()["access_token"]), (&first.json()["id"], &Value::Null));
    assert_eq!(get(&app, "/apps/demo/tokens?title=t").await["total"], 2);
    // A revoked operator's keys are of no use.
    assert_eq!(ask(&app, "DELETE", "/operators/2").status().await, 204);
    assert_problem(&keyed(second, path, body).send().await, 401, "unauthorized");
}

#[tokio::test]
async fn no_text_of_a_client_becomes_a_header() {
    let app = TestApp::new().await;
    let split = "x\r\nset-cookie: a=b";
    for body in [json!({"app_key": split}), json!({"app_key": "a\u{85}b"}), json!({"app_key": "签"})] {
        assert_problem(&send(&app, "POST", "/apps", &body).await, 400, "invalid_member");
    }
    let made = send(&app, "POST", "/apps/demo/tokens", &json!({"title": split, "user_id": "u: v"})).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let made = send(&app, "POST", "/operators", &json!({"name": split})).await;
    assert_eq!((made.status.as_u16(), made.header("location")), (201, Some("/admin/v1/operators/2")));
    assert!(made.header("set-cookie").is_none());
}
