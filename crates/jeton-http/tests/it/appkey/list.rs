//! `GET /AccessToken/{appKey}`.

use crate::app::{DAY, TestApp, grant, identity, lasting, on_ids, scoped, service, stand_in, titled, user};
use jeton_core::{Owner, Scope};
use serde_json::{Value, json};

const APP: &str = "/AccessToken/demo";

#[tokio::test]
async fn the_answer_whole() {
    let app = TestApp::new().await;
    let empty = app.get(APP).bearer(&app.admin).send().await;
    insta::assert_snapshot!(empty.show(), @r#"
    200 OK
    cache-control: no-store
    content-type: application/json

    {"code":200,"data":{"total":0,"data":[]},"error":""}
    "#);
    let body = json!({"title": "标题", "tags": "a,b", "description": "d", "permissions": "read, write", "expireInDays": -1});
    app.post(&format!("{APP}?userId=7")).bearer(&app.admin).json(&body).send().await.data();
    app.clock.advance_millis(1);
    app.issue(lasting(DAY, identity(user("alice")))).await;
    let answer = app.get(APP).bearer(&app.admin).send().await;
    insta::assert_snapshot!(answer.show(), @r#"
    200 OK
    cache-control: no-store
    content-type: application/json

    {"code":200,"data":{"total":2,"data":[{"id":3,"userID":0,"enable":true,"permissions":null,"title":null,"accessToken":"694ad6a76101d02adba0b17b39d2b8fd1310a8440afcc6d6b1757d636f78092f","tags":null,"description":null,"expireTime":"2026-01-03T03:04:05.679Z","createDate":"2026-01-02T03:04:05.679Z","lastUpdate":"2026-01-02T03:04:05.679Z"},{"id":2,"userID":7,"enable":true,"permissions":"read, write","title":"标题","accessToken":"e7c81d240ca3467c4531cc87e28b60a1f5ecb05d7958bc0480b3a7bcb19c0677","tags":"a,b","description":"d","expireTime":null,"createDate":"2026-01-02T03:04:05.678Z","lastUpdate":"2026-01-02T03:04:05.678Z"}]},"error":""}
    "#);
}

#[tokio::test]
async fn integers_as_texts_where_the_app_wants_them() {
    let app = TestApp::new().await;
    app.merge(json!({"appkey": {"int64": "string"}})).await;
    let created =
        app.post(&format!("{APP}?userId=7")).bearer(&app.admin).json(&json!({"title": "t"})).send().await;
    assert_eq!(created.json()["data"]["expires_in"], "2592000");
    assert_eq!(created.json()["code"], 200, "the code is no 64-bit integer");
    let data = app.get(APP).bearer(&app.admin).send().await.data();
    let row = &data["data"][0];
    assert_eq!((&data["total"], &row["id"], &row["userID"]), (&json!("1"), &json!("2"), &json!("7")));
    // What is sent may have either form still, and errors stay as they are.
    let body = json!({"title": "t", "expireInDays": 1, "userID": 7});
    assert_eq!(app.post(APP).bearer(&app.admin).json(&body).status().await, 200);
    app.get(&format!("{APP}?take=x")).bearer(&app.admin).send().await.assert_envelope(400);
}

#[tokio::test]
async fn of_one_user_or_all() {
    let app = TestApp::new().await;
    let mut ids = Vec::new();
    for issue in [
        grant(user("7"), "read"),
        identity(user("7")),
        grant(stand_in("7"), "read"),
        grant(user("8"), "read"),
        grant(Owner::Nobody, "read"),
        service(user("7"), "jeton:verify"),
        grant(user("-7"), "read"),
    ] {
        ids.push(app.issue(issue).await.id);
    }
    let [own, proof, standing_in, theirs, nobodys, _, minus] = ids[..] else { unreachable!() };
    let list = async |query: &str| app.get(&format!("{APP}{query}")).bearer(&app.admin).send().await.ids();
    assert_eq!(list("").await, [minus, nobodys, theirs, standing_in, proof, own]);
    assert_eq!(list("?userId=0").await, list("").await);
    assert_eq!(list("?userId=").await, list("").await);
    assert_eq!(list("?userId=7").await, [standing_in, proof, own]);
    assert_eq!(list("?userid=07").await, [standing_in, proof, own]);
    assert_eq!(list("?userId=-7").await, [minus]);
    assert_eq!(list("?userId=9").await, [0; 0]);
    assert_eq!(list("?userId=7&unknown=1&userIds=9").await, [standing_in, proof, own]);
    app.get(&format!("{APP}?userId=alice")).bearer(&app.admin).send().await.assert_envelope(400);
}

#[tokio::test]
async fn rows_tell_what_is() {
    let app = TestApp::new().await;
    let expired = app.issue(lasting(0, grant(user("7"), "read"))).await;
    let scopes = vec![on_ids("write", &["s"]), Scope::global(crate::app::names("read"))];
    let scoped = app.issue(titled("scoped", scoped(user("7"), scopes))).await;
    super::callers::set_enabled(&app, scoped.id, false).await;
    let rows = app.get(APP).bearer(&app.admin).send().await.rows();
    assert_eq!((&rows[0]["id"], &rows[0]["enable"]), (&json!(scoped.id), &json!(false)));
    assert_eq!(rows[0]["permissions"], "read", "only what is granted on everything");
    assert_eq!(
        (&rows[1]["id"], &rows[1]["expireTime"]),
        (&json!(expired.id), &json!("2026-01-02T03:04:05.678Z"))
    );
    let empty = [&rows[1]["title"], &rows[1]["tags"], &rows[1]["description"], &rows[0]["expireTime"]];
    assert_eq!(empty, [&Value::Null; 4]);
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let app = TestApp::new().await;
    for (path, secret) in
        [(APP, &app.admin[..]), (APP, ""), ("/AccessToken/other", &app.admin), ("/nowhere", "")]
    {
        let get = app.get(path).bearer(secret).send().await;
        for method in ["HEAD", "head", "Head"] {
            let head = app.ask(method, path).bearer(secret).send().await;
            assert_eq!((head.status, head.text()), (get.status, ""), "{path}");
            for name in ["content-type", "cache-control", "www-authenticate"] {
                assert_eq!(head.header(name), get.header(name), "{path}: {name}");
            }
        }
    }
}
