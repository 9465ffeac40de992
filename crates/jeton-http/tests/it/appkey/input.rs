//! The forms in which clients send their requests.

use crate::app::{TestApp, grant, user};
use serde_json::json;

const APP: &str = "/AccessToken/demo";

#[tokio::test]
async fn every_name_of_json_and_forms() {
    let app = TestApp::new().await;
    let json = r#"{"title":"t"}"#;
    for (content_type, body, status) in [
        ("application/json", json, 200),
        ("application/json; charset=utf-8", json, 200),
        ("APPLICATION/JSON;charset=UTF-8", json, 200),
        ("text/json", json, 200),
        ("application/json-patch+json", json, 200),
        ("application/json-patch+json; charset=utf-8", json, 200),
        ("application/vnd.zsgf.v1+json", json, 200),
        ("application/json", "\u{feff}{\"title\":\"t\"}", 200),
        ("application/json", " \r\n\t{\"title\":\"t\"}\n", 200),
        ("", json, 200),
        ("application/x-www-form-urlencoded", "title=t", 200),
        ("application/x-www-form-urlencoded; charset=utf-8", "title=a+b%20c&expireInDays=1", 200),
        ("application/x-www-form-urlencoded", "TITLE=t&enable=&userID=", 200),
        ("application/x-www-form-urlencoded", "\u{feff}title=t", 200),
        ("application/x-www-form-urlencoded", "title=", 400),
        ("application/x-www-form-urlencoded", "title=%ff", 400),
        ("application/x-www-form-urlencoded", json, 200),
        ("application/x-www-form-urlencoded; charset=utf-8", "\u{feff} {\"title\":\"t\"}", 200),
        ("application/x-www-form-urlencoded", "", 400),
        ("application/x-www-form-urlencoded", "{title=t", 400),
        ("application/json", "title=t", 400),
        ("application/json", "", 400),
        ("application/json", r#"{"title":"t"}{"#, 400),
        ("application/json", r#"{"title":"\ud800"}"#, 400),
        ("application/json-patch+json", r#"[{"op":"add","path":"/title","value":"t"}]"#, 400),
        ("text/plain", json, 415),
        ("multipart/form-data; boundary=x", json, 415),
        ("application/xml", "<title>t</title>", 415),
        ("application/octet-stream", json, 415),
    ] {
        let count = app.count().await;
        let answer = app.post(APP).bearer(&app.admin).body(content_type, body).send().await;
        assert_eq!(answer.status.as_u16(), status, "{content_type}: {body}: {}", answer.text());
        if status != 200 {
            answer.assert_envelope(status);
        }
        assert_eq!(app.count().await, count + u64::from(status == 200), "{content_type}: {body}");
    }
}

#[tokio::test]
async fn a_body_without_a_content_type_is_json() {
    let app = TestApp::new().await;
    let mut ask = app.post(APP).bearer(&app.admin);
    ask = ask.body("application/json", r#"{"title":"t"}"#).without("content-type");
    assert_eq!(ask.status().await, 200);
}

#[tokio::test]
async fn invalid_bytes_in_a_body_are_a_mistake() {
    let app = TestApp::new().await;
    for body in [&b"{\"title\":\"\xff\"}"[..], b"\xfe\xff\0{", b"{\"title\":\"t\"", &b"[".repeat(10_000)] {
        app.post(APP).bearer(&app.admin).body("application/json", body).send().await.assert_envelope(400);
    }
}

#[tokio::test]
async fn bodies_of_100_kib_and_no_more() {
    let app = TestApp::new().await;
    for (length, status) in [(102_400, 200), (102_401, 413), (1_000_000, 413)] {
        let text = json!({"title": "t"}).to_string();
        let body = " ".repeat(length - text.len()) + &text;
        let announced = length.to_string();
        let plain = app.post(APP).bearer(&app.admin).body("application/json", body.clone());
        let says = app.post(APP).bearer(&app.admin).body("application/json", body);
        for ask in [plain, says.header("content-length", announced)] {
            let answer = ask.send().await;
            assert_eq!(answer.status.as_u16(), status, "{length}");
            if status != 200 {
                answer.assert_envelope(status);
            }
        }
    }
}

#[tokio::test]
async fn requests_that_need_no_body_ignore_it() {
    let app = TestApp::new().await;
    let token = app.issue(grant(user("7"), "")).await;
    // Two published clients say that they send JSON, and send nothing.
    let list = app.get(APP).bearer(&app.admin).body("application/json", "");
    assert_eq!(list.send().await.ids(), [token.id]);
    let nonsense = app.get(APP).bearer(&app.admin).body("image/png", "{{{");
    assert_eq!(nonsense.status().await, 200);
    let path = format!("{APP}/{}", token.id);
    assert_eq!(app.delete(&path).bearer(&app.admin).body("text/plain", "x").send().await.data(), true);
}

#[tokio::test]
async fn null_for_a_body_is_an_update_of_nothing() {
    let app = TestApp::new().await;
    let token = app.issue(grant(user("7"), "read")).await;
    let before = app.token(token.id).await;
    let path = format!("{APP}/{}", token.id);
    for body in ["null", " null ", "{}"] {
        let answer = app.put(&path).bearer(&app.admin).body("application/json", body).send().await;
        assert_eq!(answer.data(), true, "{body}");
        assert_eq!(app.token(token.id).await, before, "{body}");
    }
    app.put(&path).bearer(&app.admin).body("application/json", "").send().await.assert_envelope(400);
}

#[tokio::test]
async fn the_scheme_of_a_credential_in_any_case() {
    let app = TestApp::new().await;
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let ask = app.get(APP).header("authorization", format!("{scheme} {}", app.admin));
        assert_eq!(ask.status().await, 200, "{scheme}");
    }
    for value in [
        app.admin.clone(),
        format!("Token {}", app.admin),
        format!("Bearer{}", app.admin),
        format!("Bearer {0} {0}", app.admin),
        format!("Bearer {0}, Bearer {0}", app.admin),
        format!("Bearer \"{}\"", app.admin),
        format!("Bearer {}", app.admin.to_uppercase()),
        format!("Bearer {}", &app.admin[1..]),
        format!("Bearer x_{}", app.admin),
        format!("Bearer {}", "x".repeat(1025)),
    ] {
        app.get(APP).header("authorization", &value).send().await.assert_envelope(401);
    }
    app.get(APP).header("authorization", b"Bearer \xff\xfe").send().await.assert_envelope(401);
    // Forward-auth's own header is no credential here, and neither is a query.
    app.get(APP).header("x-access-token", &app.admin).send().await.assert_envelope(401);
    app.get(&format!("{APP}?access_token={}", app.admin)).send().await.assert_envelope(401);
}

#[tokio::test]
async fn ids_in_paths() {
    let app = TestApp::new().await;
    let token = app.issue(grant(user("7"), "")).await;
    for (id, status) in [
        ("0", 404),
        ("-1", 404),
        ("99", 404),
        ("9007199254740991", 404),
        ("9007199254740992", 404),
        ("9223372036854775808", 404),
        ("99999999999999999999999999", 404),
        ("", 405),
        ("-", 400),
        ("x", 400),
        ("+1", 400),
        ("1.0", 400),
        ("0x1", 400),
        ("1%20", 400),
        ("%D9%A1", 400),
        ("null", 400),
    ] {
        let path = format!("{APP}/{id}");
        app.delete(&path).bearer(&app.admin).send().await.assert_envelope(status);
        app.put(&path).bearer(&app.admin).json(&json!({})).send().await.assert_envelope(status);
    }
    // The digits of a number may be percent-encoded, and a slash may follow.
    let encoded: String = token.id.to_string().bytes().map(|digit| format!("%{digit:02X}")).collect();
    for id in [encoded, format!("0{}", token.id), format!("{}/", token.id)] {
        let ask = app.put(&format!("{APP}/{id}")).bearer(&app.admin).json(&json!({}));
        assert_eq!(ask.status().await, 200, "{id}");
    }
    assert!(app.token(token.id).await.is_some());
}

#[tokio::test]
async fn percent_encoded_app_keys() {
    let app = TestApp::new().await;
    let other = app.create_app("bf392318-af92.4056_1").await;
    for (key, secret) in [
        ("d%65mo", &app.admin),
        ("%64%65%6D%6f", &app.admin),
        ("demo/", &app.admin),
        ("bf392318%2Daf92%2E4056%5F1", &other),
    ] {
        let ask = app.get(&format!("/AccessToken/{key}")).bearer(secret);
        assert_eq!(ask.status().await, 200, "{key}");
    }
    for key in ["Demo", "demo%20", "de%2Fmo", "%ff", "demo%00", "nobody", "."] {
        app.get(&format!("/AccessToken/{key}")).bearer(&app.admin).send().await.assert_envelope(404);
    }
    // A slash in a segment makes no further segment.
    app.delete("/AccessToken/demo%2F1").bearer(&app.admin).send().await.assert_envelope(405);
}
