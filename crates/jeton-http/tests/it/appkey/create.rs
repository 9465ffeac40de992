//! `POST /AccessToken/{appKey}`.

use crate::app::{DAY, HOUR, TestApp, grant, identity, lasting, user};
use jeton_core::{Lifetime, Owner, TokenKind};
use serde_json::{Value, json};

const APP: &str = "/AccessToken/demo";

/// Creates by the manager and answers what is stored.
async fn stored(app: &TestApp, body: Value) -> jeton_core::Token {
    app.post(APP).bearer(&app.admin).json(&body).send().await.data();
    newest(app).await
}

async fn newest(app: &TestApp) -> jeton_core::Token {
    let id = app.get(&format!("{APP}?take=1")).bearer(&app.admin).send().await.ids()[0];
    app.token(id).await.unwrap()
}

#[tokio::test]
async fn the_answer_whole() {
    let app = TestApp::new().await;
    let body = json!({"title": "ci", "tags": "a,b", "description": "d", "permissions": "read, write", "expireInDays": 7});
    let answer = app.post(APP).bearer(&app.admin).json(&body).send().await;
    insta::assert_snapshot!(answer.show(), @r#"
    200 OK
    cache-control: no-store
    content-length: 156
    content-type: application/json

    {"code":200,"data":{"access_token":"e7c81d240ca3467c4531cc87e28b60a1f5ecb05d7958bc0480b3a7bcb19c0677","token_type":"Bearer","expires_in":604800},"error":""}
    "#);
    let token = newest(&app).await;
    assert_eq!((token.spec.kind, token.spec.owner), (TokenKind::Grant, crate::app::stand_in("1")));
    assert_eq!(
        app.kept_secret(token.id.get()).await.as_deref(),
        answer.json()["data"]["access_token"].as_str()
    );
    let good = app
        .get("/auth/demo?permission=write")
        .bearer(answer.json()["data"]["access_token"].as_str().unwrap());
    assert_eq!(good.status().await, 200);
}

#[tokio::test]
async fn the_answer_whole_to_a_user() {
    let app = TestApp::new().await;
    let caller = app.issue(lasting(HOUR, grant(user("7"), "read"))).await;
    let answer = app.post(APP).bearer(&caller.secret).json(&json!({"title": "mine"})).send().await;
    insta::assert_snapshot!(answer.show(), @r#"
    200 OK
    cache-control: no-store
    content-length: 154
    content-type: application/json

    {"code":200,"data":{"access_token":"694ad6a76101d02adba0b17b39d2b8fd1310a8440afcc6d6b1757d636f78092f","token_type":"Bearer","expires_in":3600},"error":""}
    "#);
    assert_eq!(newest(&app).await.spec.owner, user("7"));
}

#[tokio::test]
async fn lifetimes() {
    let app = TestApp::new().await;
    for (days, expires_in, expires_at) in [
        (json!(-1), -1, None),
        (json!("-1"), -1, None),
        (json!(0), 30 * 86_400, Some(app.after(30 * DAY))),
        (json!("0"), 30 * 86_400, Some(app.after(30 * DAY))),
        (json!(""), 30 * 86_400, Some(app.after(30 * DAY))),
        (Value::Null, 30 * 86_400, Some(app.after(30 * DAY))),
        (json!(1), 86_400, Some(app.after(DAY))),
        (json!(3650), 3650 * 86_400, Some(app.after(3650 * DAY))),
    ] {
        let body = json!({"title": "t", "expireInDays": days});
        let data = app.post(APP).bearer(&app.admin).json(&body).send().await.data();
        assert_eq!(data["expires_in"], expires_in, "{body}");
        assert_eq!(newest(&app).await.expires_at, expires_at, "{body}");
    }
    for days in [json!(-2), json!(3651), json!("3651"), json!(i64::MAX), json!(1.5), json!(true), json!("1d")]
    {
        let body = json!({"title": "t", "expireInDays": days});
        app.post(APP).bearer(&app.admin).json(&body).send().await.assert_envelope(400);
    }
}

#[tokio::test]
async fn the_apps_default_and_its_longest_lifetime() {
    let app = TestApp::new().await;
    let expires_in = async |days: Value| {
        let body = json!({"title": "t", "expireInDays": days});
        app.post(APP).bearer(&app.admin).json(&body).send().await.data()["expires_in"].as_i64().unwrap()
    };
    app.merge(json!({"appkey": {"default_days": 2}})).await;
    assert_eq!(expires_in(json!(0)).await, 2 * 86_400);
    app.merge(json!({"appkey": {"default_days": -1}})).await;
    assert_eq!(expires_in(json!(0)).await, -1);
    app.merge(json!({"max_ttl_seconds": 100})).await;
    for days in [json!(0), json!(-1), json!(1), Value::Null] {
        assert_eq!(expires_in(days).await, 100, "nothing is for good where the app sets a bound");
    }
    assert_eq!(newest(&app).await.expires_at, Some(app.after(100_000)));
    // The bound does not help a user who requests longer than that user's own token lasts.
    let caller = app.issue(lasting(50_000, grant(user("7"), ""))).await;
    let asked = json!({"title": "t", "expireInDays": -1});
    app.post(APP).bearer(&caller.secret).json(&asked).send().await.assert_envelope(403);
    let data = app.post(APP).bearer(&caller.secret).json(&json!({"title": "t"})).send().await.data();
    assert_eq!(data["expires_in"], 50);
    assert_eq!(Lifetime::days(1), Lifetime::Millis(DAY));
}

#[tokio::test]
async fn what_is_stored_of_each_member() {
    let app = TestApp::new().await;
    let token = stored(&app, json!({"title": "t"})).await;
    assert_eq!((token.spec.tags, token.spec.description, token.spec.permissions_as_sent), (None, None, None));
    assert!(token.spec.scopes.as_slice().is_empty());
    let body = json!({"title": " t ", "tags": "", "description": "", "permissions": ""});
    let token = stored(&app, body).await;
    assert_eq!(token.spec.title.unwrap().as_str(), " t ");
    assert_eq!((token.spec.tags.unwrap().as_str(), token.spec.description.unwrap().as_str()), ("", ""));
    assert_eq!(token.spec.permissions_as_sent.as_deref(), Some(""));
    let token = stored(&app, json!({"title": "t", "tags": null, "permissions": null, "enable": true})).await;
    assert!(token.is_enabled() && token.spec.tags.is_none() && token.spec.permissions_as_sent.is_none());
    let token = stored(&app, json!({"TITLE": "any case", "Permissions": "读取, a/b ,, "})).await;
    assert_eq!(token.spec.title.unwrap().as_str(), "any case");
    assert_eq!(
        token.spec.scopes.global_permissions(),
        crate::app::names("读取,a/b").iter().collect::<Vec<_>>()
    );
    assert_eq!(token.spec.permissions_as_sent.as_deref(), Some("读取, a/b ,, "));
}

#[tokio::test]
async fn whose_it_is() {
    let app = TestApp::new().await;
    for (query, body, owner) in [
        ("", json!({}), crate::app::stand_in("1")),
        ("?userId=0", json!({"userID": 0}), crate::app::stand_in("1")),
        ("?userId=", json!({"userID": ""}), crate::app::stand_in("1")),
        ("?userId=7", json!({}), user("7")),
        ("?USERID=7", json!({"userID": "0"}), user("7")),
        ("", json!({"userID": 7}), user("7")),
        ("", json!({"userId": "7"}), user("7")),
        ("?userId=0", json!({"userID": "7"}), user("7")),
        ("?userId=7", json!({"userID": "7"}), user("7")),
        ("?userId=1", json!({}), user("1")),
        ("?userId=-7", json!({}), user("-7")),
        ("?userId=9007199254740991", json!({}), user("9007199254740991")),
        ("?userId=9007199254740993", json!({}), user("9007199254740993")),
        ("", json!({"userID": i64::MAX}), user("9223372036854775807")),
        ("?userId=-9223372036854775808", json!({"userID": i64::MIN}), user("-9223372036854775808")),
    ] {
        let mut whole = json!({"title": "t"});
        whole.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        app.post(&format!("{APP}{query}")).bearer(&app.admin).json(&whole).send().await.data();
        assert_eq!(newest(&app).await.spec.owner, owner, "{query} {body}");
    }
    for (query, user_id) in [
        ("?userId=7", json!(8)),
        ("?userId=x", json!(7)),
        ("?userId=7.0", json!(7)),
        ("?userId=9223372036854775808", json!(0)),
        ("?userId=9007199254740993", json!(9_007_199_254_740_992_i64)),
        ("", json!("seven")),
        ("", json!(7.5)),
        ("", json!(true)),
        ("", json!([7])),
        ("", json!(9_223_372_036_854_775_808_u64)),
        ("", json!(1e30)),
    ] {
        let body = json!({"title": "t", "userID": user_id});
        app.post(&format!("{APP}{query}")).bearer(&app.admin).json(&body).send().await.assert_envelope(400);
    }
}

#[tokio::test]
async fn a_user_with_a_name_has_no_number() {
    let app = TestApp::new().await;
    let caller = app.issue(identity(user("алиса"))).await;
    app.post(APP).bearer(&caller.secret).json(&json!({"title": "t"})).send().await.data();
    assert_eq!(newest(&app).await.spec.owner, Owner::Named("алиса".parse().unwrap()));
    let rows = app.get(APP).bearer(&caller.secret).send().await.rows();
    assert_eq!(rows.iter().map(|row| &row["userID"]).collect::<Vec<_>>(), [0, 0]);
    let named = app.post(&format!("{APP}?userId=0")).bearer(&caller.secret).json(&json!({"title": "t"}));
    assert_eq!(named.status().await, 200);
    let other = app.post(&format!("{APP}?userId=7")).bearer(&caller.secret).json(&json!({"title": "t"}));
    other.send().await.assert_envelope(403);
}

#[tokio::test]
async fn titles_and_tags_have_255_characters_at_most() {
    let app = TestApp::new().await;
    for character in ["x", "é", "标", "😀"] {
        let (fits, too_long) = (character.repeat(255), character.repeat(256));
        let token = stored(&app, json!({"title": fits, "tags": fits, "description": too_long})).await;
        assert_eq!((token.spec.title.unwrap().as_str(), token.spec.tags.unwrap().as_str()), (&*fits, &*fits));
        assert_eq!(token.spec.description.unwrap().as_str(), too_long);
        for (name, body) in
            [("title", json!({"title": too_long})), ("tags", json!({"title": "t", "tags": too_long}))]
        {
            let answer = app.post(APP).bearer(&app.admin).json(&body).send().await;
            answer.assert_envelope(400);
            assert_eq!(answer.json()["error"], format!("{name} has at most 255 characters"));
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_body_is_said() {
    let app = TestApp::new().await;
    let count = app.count().await;
    for (body, error) in [
        (json!({}), "title must not be empty"),
        (json!({"title": ""}), "title must not be empty"),
        (json!({"title": null}), "title must not be empty"),
        (json!({"title": 7}), "title must be a string"),
        (json!({"title": "a\u{0}b"}), "title holds no NUL character"),
        (json!({"title": "t", "tags": ["a"]}), "tags must be a string"),
        (json!({"title": "t", "tags": "\u{0}"}), "tags holds no NUL character"),
        (json!({"title": "t", "description": {}}), "description must be a string"),
        (json!({"title": "t", "description": "\u{0}"}), "description holds no NUL character"),
        (json!({"title": "t", "permissions": ["read"]}), "permissions must be a string"),
        (
            json!({"title": "t", "permissions": "a\nb"}),
            "permissions: a permission holds no commas and no control characters",
        ),
        (
            json!({"title": "t", "permissions": "é".repeat(256)}),
            "permissions: a permission has at most 255 characters",
        ),
        (json!([]), "the body must be a JSON object"),
        (Value::Null, "the body must be a JSON object"),
        (json!("x"), "the body must be a JSON object"),
    ] {
        let answer = app.post(APP).bearer(&app.admin).json(&body).send().await;
        answer.assert_envelope(400);
        assert_eq!(answer.json()["error"], error, "{body}");
    }
    let names = (0..1001).map(|number| format!("p{number}")).collect::<Vec<_>>().join(",");
    let answer =
        app.post(APP).bearer(&app.admin).json(&json!({"title": "t", "permissions": names})).send().await;
    answer.assert_envelope(400);
    assert_eq!(app.count().await, count);
}
