//! Rows as they are answered, and filters as they are sent.

use super::{ask, at, created, found, id_of};
use crate::app::{HOUR, TestApp, grant, identity, lasting, on_ids, scoped, user};
use serde_json::{Value, json};

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// Three rows with chosen ids, in an order that is not that of their ids.
async fn rows(app: &TestApp) {
    for (id, ttl, user_id) in
        [("tok-2", 200, json!(7)), ("Tok-3", 300, json!("bob")), ("tok-1", 100, json!(null))]
    {
        created(app, &app.admin, &json!({"note": {"deep": [ttl]}, "userId": user_id, "ttl": ttl, "id": id}))
            .await;
    }
}

async fn ids(app: &TestApp, query: &str) -> Vec<String> {
    let answer = ask(app, &app.admin, "GET", query).send().await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    answer.json().as_array().unwrap().iter().map(|row| id_of(row).to_owned()).collect()
}

#[tokio::test]
async fn the_answer_whole() {
    let app = TestApp::new().await;
    rows(&app).await;
    insta::assert_snapshot!(ask(&app, &app.admin, "GET", "").send().await.show(), @r#"
    200 OK
    cache-control: no-store
    content-length: 293
    content-type: application/json; charset=utf-8
    etag: W/"125-PHE0AHQwpgc+mb3DLVj5R/y1+/k"

    [{"id":"Tok-3","ttl":300,"created":"2026-01-02T03:04:05.678Z","userId":"bob","note":{"deep":[300]}},{"id":"tok-1","ttl":100,"created":"2026-01-02T03:04:05.678Z","userId":null,"note":{"deep":[100]}},{"id":"tok-2","ttl":200,"created":"2026-01-02T03:04:05.678Z","userId":7,"note":{"deep":[200]}}]
    "#);
    insta::assert_snapshot!(ask(&app, &app.admin, "GET", "/tok-1").send().await.text(), @r#"{"id":"tok-1","ttl":100,"created":"2026-01-02T03:04:05.678Z","userId":null,"note":{"deep":[100]}}"#);
    insta::assert_snapshot!(ask(&app, &app.admin, "GET", "/findOne").send().await.text(), @r#"{"id":"Tok-3","ttl":300,"created":"2026-01-02T03:04:05.678Z","userId":"bob","note":{"deep":[300]}}"#);
    insta::assert_snapshot!(ask(&app, &app.admin, "GET", "/count").send().await.text(), @r#"{"count":3}"#);
    insta::assert_snapshot!(ask(&app, &app.admin, "GET", "/tok-1/exists").send().await.text(), @r#"{"exists":true}"#);
    insta::assert_snapshot!(ask(&app, &app.admin, "DELETE", "/tok-1").send().await.text(), @r#"{"count":1}"#);
}

#[tokio::test]
async fn numbers_as_javascript_prints_them() {
    let app = TestApp::new().await;
    let body = r#"{"id": "n", "a": 1.0, "b": 1e300, "c": 12345678901234567890, "d": 0.1, "e": -0, "f": 1e-7, "ttl": "60.50"}"#;
    let answer = ask(&app, &app.admin, "POST", "").body("application/json", body).send().await;
    insta::assert_snapshot!(answer.text(), @r#"{"id":"n","ttl":60.5,"created":"2026-01-02T03:04:05.678Z","a":1,"b":1e+300,"c":12345678901234567000,"d":0.1,"e":0,"f":1e-7}"#);
    assert_eq!(ask(&app, &app.admin, "GET", "/n").send().await.text(), answer.text());
}

#[tokio::test]
async fn tokens_of_other_dialects_are_rows_too() {
    let app = TestApp::new().await;
    let expiring = app.issue(lasting(HOUR, grant(user("7"), "read"))).await;
    let eternal = app.issue(scoped(user("x"), vec![on_ids("write", &["s"])])).await;
    let row = async |secret: &str| ask(&app, &app.admin, "GET", &at(secret)).send().await.json();
    let created = "2026-01-02T03:04:05.678Z";
    let expected = json!({"id": expiring.secret, "ttl": 3600, "created": created, "userId": 7});
    assert_eq!(row(&expiring.secret).await, expected);
    let expected = json!({"id": eternal.secret, "ttl": -1, "created": created, "userId": "x"});
    assert_eq!(row(&eternal.secret).await, expected);
    let nobody = app.issue(identity(jeton_core::Owner::Nobody)).await;
    assert_eq!(row(&nobody.secret).await.get("userId"), None);
}

#[tokio::test]
async fn a_filter_comes_by_query_header_or_body() {
    let app = TestApp::new().await;
    rows(&app).await;
    let json = r#"{"where":{"ttl":{"gt":100}},"limit":1,"order":"ttl DESC"}"#;
    let nested = "filter[where][ttl][gt]=100&filter[limit]=1&filter[order]=ttl%20DESC";
    let ask = |rest: &str| ask(&app, &app.admin, "GET", rest);
    for asked in [
        ask(&format!("?filter={}", encoded(json))),
        ask(&format!("?{nested}")),
        ask(&format!("?{}", nested.replace('[', "%5B").replace(']', "%5d").replace("%20", "+"))),
        ask("").header("filter", json),
        ask("").body("application/json", format!("{{\"filter\":{json}}}")),
        ask("").body("application/x-www-form-urlencoded", nested),
        // A body counts before a query, and a query before a header.
        ask("?filter[limit]=3").body("application/json", format!("{{\"filter\":{json}}}")),
        ask(&format!("?{nested}")).header("filter", "{\"limit\":3}"),
    ] {
        let answer = asked.send().await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json().as_array().unwrap().len(), 1);
        assert_eq!(answer.json()[0]["id"], "Tok-3");
    }
    let condition = r#"{"userId":"bob"}"#;
    for asked in [
        ask(&format!("/count?where={}", encoded(condition))),
        ask("/count?where[userId]=bob"),
        ask("/count").header("where", condition),
        ask("/count?where[userId]=bob&filter[where][ttl]=1"),
    ] {
        assert_eq!(asked.send().await.text(), r#"{"count":1}"#);
    }
}

#[tokio::test]
async fn where_order_pages_and_fields() {
    let app = TestApp::new().await;
    rows(&app).await;
    for (query, expected) in [
        ("", &["Tok-3", "tok-1", "tok-2"][..]),
        ("?filter[order]=id%20DESC", &["tok-2", "tok-1", "Tok-3"]),
        ("?filter[order]=ttl", &["tok-1", "tok-2", "Tok-3"]),
        ("?filter[limit]=1&filter[skip]=1", &["tok-1"]),
        ("?filter[offset]=2", &["tok-2"]),
        ("?filter[where][userId]=7", &["tok-2"]),
        ("?filter[where][userId]=null", &["tok-1"]),
        ("?filter[where][id]=tok-1", &["tok-1"]),
        ("?filter[where][id][inq]=tok-1&filter[where][id][inq]=Tok-3", &["Tok-3", "tok-1"]),
        ("?filter[where][id][like]=tok-%25", &["tok-1", "tok-2"]),
        ("?filter[where][id][regexp]=/tok/i", &["Tok-3", "tok-1", "tok-2"]),
        ("?filter[where][id][gt]=tok-1", &["tok-2"]),
        ("?filter[where][ttl][between][0]=150&filter[where][ttl][between][1]=250", &["tok-2"]),
        ("?filter[where][or][0][ttl]=100&filter[where][or][1][userId]=bob", &["Tok-3", "tok-1"]),
        ("?filter[where][note.deep]=300", &["Tok-3"]),
        ("?filter[where][created][lt]=2026-01-02", &[]),
        ("?filter[where][nope]=1", &[]),
        ("?where[ttl]=100", &["Tok-3", "tok-1", "tok-2"]),
    ] {
        assert_eq!(ids(&app, query).await, expected, "{query}");
    }
    for (query, expected) in [
        ("?filter[fields]=ttl&filter[limit]=1", r#"[{"ttl":300}]"#),
        (
            "?filter[fields][0]=userId&filter[fields][1]=id&filter[limit]=1",
            r#"[{"id":"Tok-3","userId":"bob"}]"#,
        ),
        (
            "?filter[fields][note]=false&filter[fields][created]=false&filter[limit]=1",
            r#"[{"id":"Tok-3","ttl":300,"userId":"bob"}]"#,
        ),
        ("?filter[include]=user&filter[fields]=id&filter[limit]=1", r#"[{"id":"Tok-3"}]"#),
        ("/tok-1?filter[fields]=ttl", r#"{"ttl":100}"#),
        ("/findOne?filter[where][ttl]=200&filter[fields]=id", r#"{"id":"tok-2"}"#),
    ] {
        assert_eq!(ask(&app, &app.admin, "GET", query).send().await.text(), expected, "{query}");
    }
}

#[tokio::test]
async fn what_has_expired_is_still_a_row() {
    let app = TestApp::new().await;
    let token = app.issue(lasting(HOUR, identity(user("7")))).await;
    app.clock.advance_millis(2 * HOUR);
    assert_eq!(found(&app).await, std::slice::from_ref(&token.secret));
    let row: Value = ask(&app, &app.admin, "GET", &at(&token.secret)).send().await.json();
    assert_eq!(row["ttl"], 3600);
}
