//! Until when: nothing that a token makes or writes over LoopBack lives longer than that token, and nothing
//! lives again.

use super::super::{allow, ask, assert_unknown_elsewhere, at, created, id_of, open_to_all, stored};
use crate::app::{DAY, HOUR, TestApp, grant, identity, lasting, service, user};
use jeton_core::{Timestamp, TokenKind};
use serde_json::{Value, json};

const MINUTE: i64 = 60_000;

/// What would make a row live as long as it can.
fn longest() -> [Value; 6] {
    [
        json!({"ttl": 1e11}),
        json!({"ttl": -1}),
        json!({"ttl": 1e300, "created": "9999-01-01T00:00:00Z"}),
        json!({"ttl": 1e11, "created": "1970-01-01T00:00:00Z"}),
        json!({"ttl": "1e11", "created": "2030-01-01"}),
        json!({}),
    ]
}

fn with(data: &Value, more: &Value) -> Value {
    let mut data = data.clone();
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    data
}

/// When a row shows that it ends, to the second.
fn shown_end(row: &Value) -> i64 {
    let created: jeton_loopback::Value =
        jeton_loopback::Value::Text(row["created"].as_str().unwrap().to_owned());
    created.to_date().unwrap() + 1000 * row["ttl"].as_i64().unwrap()
}

/// Makes a row in each way that there is, and answers their ids.
async fn make_all(app: &TestApp, caller: &str, data: &Value) -> Vec<String> {
    let list = json!([data, data]);
    let mut rows = vec![created(app, caller, data).await];
    rows.extend(created(app, caller, &list).await.as_array().unwrap().clone());
    for (method, rest) in [
        ("PUT", ""),
        ("PATCH", ""),
        ("POST", "/replaceOrCreate"),
        ("POST", "/upsertWithWhere?where[userId]=nobody"),
    ] {
        rows.push(ask(app, caller, method, rest).json(data).send().await.json());
    }
    rows.iter().map(|row| id_of(row).to_owned()).collect()
}

#[tokio::test]
async fn what_a_token_makes_ends_no_later_than_it_does() {
    let app = TestApp::new().await;
    open_to_all(&app).await;
    let acls = json!([
        {"principalType": "ROLE", "principalId": "$everyone", "permission": "ALLOW"},
        {"principalType": "ROLE", "principalId": "admin", "permission": "ALLOW"},
    ]);
    app.merge(json!({"loopback": {"acls": acls, "roles": {"admin": [2]}, "allow_eternal_tokens": true}}))
        .await;
    let plain = app.issue(lasting(MINUTE, identity(user("7")))).await;
    let trusted = app.issue(lasting(MINUTE, identity(user("2")))).await;
    let manager = app.issue(lasting(MINUTE, service(user("1"), "jeton:manage"))).await;
    let nobody = app.issue(lasting(MINUTE, identity(jeton_core::Owner::Nobody))).await;
    for (caller, user_id, kind) in [
        (&plain, "7", TokenKind::Identity),
        (&plain, "2", TokenKind::SelfMade),
        (&trusted, "2", TokenKind::Identity),
        (&trusted, "9", TokenKind::Identity),
        (&manager, "9", TokenKind::Identity),
        (&nobody, "9", TokenKind::SelfMade),
    ] {
        for data in longest() {
            let data = with(&data, &json!({"userId": user_id}));
            for id in make_all(&app, &caller.secret, &data).await {
                let token = stored(&app, &id).await.unwrap();
                assert_eq!((token.spec.kind, token.expires_at), (kind, Some(app.after(MINUTE))), "{data}");
                // It shows what there is, not what was asked for.
                let row = ask(&app, &app.admin, "GET", &at(&id)).send().await.json();
                let hidden = app.after(MINUTE).as_millis() - shown_end(&row);
                assert!((0..1000).contains(&hidden), "{data}: {row}");
            }
        }
    }
    // What asks for less gets that, and what the app lets live without end may make such.
    let row = created(&app, &plain.secret, &json!({"userId": 7, "ttl": 59})).await;
    assert_eq!((&row["ttl"], shown_end(&row)), (&json!(59), app.after(59_000).as_millis()));
    let row = created(&app, &app.admin, &json!({"userId": 7, "ttl": -1})).await;
    assert_eq!((&row["ttl"], stored(&app, id_of(&row)).await.unwrap().expires_at), (&json!(-1), None));
    // Nor later than it did, once it is there.
    app.clock.advance_millis(MINUTE - 500);
    let row = created(&app, &plain.secret, &json!({"userId": 7})).await;
    assert_eq!(row["ttl"], 0, "seconds are whole, and never more than there are");
    assert_eq!(stored(&app, id_of(&row)).await.unwrap().expires_at, Some(app.after(500)));
}

#[tokio::test]
async fn chains_through_other_apis_end_with_their_first_link() {
    let app = TestApp::new().await;
    app.merge(json!({"appkey": {"grantable": ["read"]}})).await;
    let first = app.issue(lasting(MINUTE, identity(user("7")))).await;
    let second = created(&app, &first.secret, &json!({"userId": 7, "ttl": 1e11})).await;
    let make = |caller: &str, days: i32| {
        let data = json!({"title": "t", "permissions": "read", "expireInDays": days});
        app.post("/AccessToken/demo").bearer(caller).json(&data).send()
    };
    for days in [3650, 1, -1] {
        make(id_of(&second), days).await.assert_envelope(403);
    }
    let third = make(id_of(&second), 0).await.data();
    assert_eq!(third["expires_in"], 60);
    app.clock.advance_millis(MINUTE);
    for dead in [id_of(&second), third["access_token"].as_str().unwrap()] {
        assert_eq!(app.get("/auth/demo").bearer(dead).status().await, 401);
    }
    // A manager that ends makes nothing that outlives it, on any surface, and changes what does.
    let manager = app.issue(lasting(DAY, service(user("1"), "jeton:manage"))).await;
    make(&manager.secret, 2).await.assert_envelope(403);
    let made = make(&manager.secret, 0).await.data();
    assert_eq!(made["expires_in"], 86_400);
    let lasting_grant = app.issue(lasting(30 * DAY, grant(user("7"), "read"))).await;
    let path = format!("/AccessToken/demo/{}", lasting_grant.id);
    let before = ends_at(&app, lasting_grant.id).await;
    app.put(&path).bearer(&manager.secret).json(&json!({"title": "another"})).send().await.data();
    assert_eq!(ends_at(&app, lasting_grant.id).await, before);
}

#[tokio::test]
async fn an_app_may_let_tokens_outlive_their_maker() {
    let app = TestApp::new().await;
    app.merge(json!({"allow_outliving_tokens": true, "appkey": {"grantable": ["read"]}})).await;
    let proof = app.issue(lasting(MINUTE, identity(user("7")))).await;
    let row = created(&app, &proof.secret, &json!({"userId": 7, "ttl": 3600})).await;
    assert_eq!(
        (&row["ttl"], stored(&app, id_of(&row)).await.unwrap().expires_at),
        (&json!(3600), Some(app.after(HOUR)))
    );
    let data = json!({"title": "t", "permissions": "read", "expireInDays": 1});
    let made = app.post("/AccessToken/demo").bearer(&proof.secret).json(&data).send().await.data();
    assert_eq!(made["expires_in"], 86_400);
    app.merge(json!({"allow_outliving_tokens": null})).await;
    app.post("/AccessToken/demo").bearer(&proof.secret).json(&data).send().await.assert_envelope(403);
}

/// Writes into a row in each way that there is, one after the other.
async fn write_all(app: &TestApp, caller: &str, id: &str, data: &Value) {
    let with_id = with(data, &json!({"id": id}));
    for (method, rest, body) in [
        ("PUT", at(id), data),
        ("PATCH", at(id), data),
        ("PUT", String::new(), &with_id),
        ("PATCH", String::new(), &with_id),
        ("POST", format!("/update?where[id]={id}"), data),
        ("POST", format!("/upsertWithWhere?where[id]={id}"), data),
        ("POST", "/replaceOrCreate".to_owned(), &with_id),
        ("POST", format!("/{id}/replace"), data),
    ] {
        let answer = ask(app, caller, method, &rest).json(body).send().await;
        assert_eq!(answer.status, 200, "{method} {rest}: {}", answer.text());
    }
}

async fn ends_at(app: &TestApp, id: i64) -> Option<Timestamp> {
    app.token(id).await.unwrap().expires_at
}

#[tokio::test]
async fn no_write_prolongs_beyond_its_writer_or_revives() {
    let app = TestApp::new().await;
    open_to_all(&app).await;
    app.merge(json!({"appkey": {"grantable": ["read"]}, "loopback": {"allow_eternal_tokens": true}})).await;
    let proof = app.issue(lasting(HOUR, identity(user("7")))).await;
    let ended = Some(app.after(0));
    let (soon, hour, day) = (Some(app.after(MINUTE)), Some(app.after(HOUR)), Some(app.after(DAY)));
    for (issue, shown, by_anybody, by_user) in [
        (lasting(MINUTE, identity(user("7"))), Some(7), soon, hour),
        (lasting(MINUTE, identity(user("8"))), Some(8), soon, soon),
        (lasting(DAY, identity(user("7"))), Some(7), day, day),
        (lasting(0, identity(user("7"))), Some(7), ended, ended),
        (lasting(MINUTE, grant(user("7"), "read")), Some(7), soon, hour),
        (lasting(MINUTE, grant(user("7"), "write")), Some(7), soon, soon),
        (lasting(MINUTE, grant(user("8"), "read")), Some(8), soon, soon),
        (lasting(MINUTE, grant(jeton_core::Owner::Nobody, "read")), None, soon, soon),
        (lasting(0, grant(user("7"), "read")), Some(7), ended, ended),
    ] {
        for (caller, expected) in [("", by_anybody), (&*proof.secret, by_user)] {
            for data in longest().iter().filter(|data| data.get("ttl").is_some()) {
                let victim = app.issue(issue.clone()).await;
                let before = app.token(victim.id).await.unwrap();
                let user = shown.map_or_else(|| json!({}), |user| json!({"userId": user}));
                write_all(&app, caller, &victim.secret, &with(data, &user)).await;
                let after = app.token(victim.id).await.unwrap();
                assert_eq!(after.expires_at, expected, "{issue:?} by {caller:?}: {data}");
                assert_eq!(
                    (after.spec.kind, &after.spec.scopes),
                    (before.spec.kind, &before.spec.scopes),
                    "{issue:?}: {data}"
                );
                // Any caller that may write can end it sooner.
                if expected != ended {
                    let sooner = json!({"ttl": 1, "created": "2026-01-02T03:04:05.678Z"});
                    ask(&app, caller, "PUT", &at(&victim.secret)).json(&sooner).send().await;
                    assert_eq!(ends_at(&app, victim.id).await, Some(app.after(1000)), "{issue:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn what_is_written_otherwise_keeps_its_life() {
    let app = TestApp::new().await;
    open_to_all(&app).await;
    let proof = app.issue(lasting(MINUTE, identity(user("7")))).await;
    for issue in [identity(user("8")), grant(user("7"), "read"), lasting(DAY, identity(user("7")))] {
        for caller in ["", &proof.secret, &app.admin] {
            let victim = app.issue(issue.clone()).await;
            let before = ends_at(&app, victim.id).await;
            let noted = ask(&app, caller, "PUT", &at(&victim.secret)).json(&json!({"note": 1})).send().await;
            assert_eq!((noted.status.as_u16(), &noted.json()["note"]), (200, &json!(1)));
            assert_eq!(ends_at(&app, victim.id).await, before);
        }
    }
}

#[tokio::test]
async fn all_that_a_condition_means_is_prolonged_as_far_as_each_may_be() {
    let app = TestApp::new().await;
    allow(&app, &[("$authenticated", "updateAll"), ("admin", "*")]).await;
    let proof = app.issue(lasting(HOUR, identity(user("7")))).await;
    let own = app.issue(lasting(MINUTE, identity(user("7")))).await;
    let others = app.issue(lasting(MINUTE, identity(user("8")))).await;
    let ended = app.issue(lasting(0, grant(user("8"), "read"))).await;
    let trusted = app.issue(lasting(2 * HOUR, identity(user("2")))).await;
    let update = async |caller: &str| {
        let answer = ask(&app, caller, "POST", "/update?where={}").json(&json!({"ttl": 1e11})).send().await;
        assert_eq!(answer.json(), json!({"count": 5}));
        let mut ends = Vec::new();
        for token in [&proof, &own, &others, &ended, &trusted] {
            ends.push(ends_at(&app, token.id).await.unwrap().millis_since(app.after(0)));
        }
        ends
    };
    assert_eq!(update(&proof.secret).await, [HOUR, HOUR, MINUTE, 0, 2 * HOUR]);
    // By name everything, but no longer than the name lives.
    assert_eq!(update(&trusted.secret).await, [2 * HOUR; 5]);
}

#[tokio::test]
async fn who_bears_a_row_becomes_nobody_else() {
    let app = TestApp::new().await;
    allow(&app, &[("$authenticated", "*")]).await;
    let proof = app.issue(identity(user("7"))).await;
    for issue in [identity(user("8")), identity(jeton_core::Owner::Nobody), grant(user("8"), "read")] {
        let victim = app.issue(issue).await;
        let named = json!({"userId": 7});
        assert_eq!(ask(&app, &proof.secret, "PUT", &at(&victim.secret)).json(&named).status().await, 200);
        assert_eq!(app.token(victim.id).await.unwrap().spec.kind, TokenKind::SelfMade);
        assert_unknown_elsewhere(&app, &victim.secret).await;
        assert_eq!(ask(&app, &victim.secret, "GET", "").status().await, 401);
    }
    // Nor by writing its own.
    let own = app.issue(identity(user("8"))).await;
    let named = json!({"userId": 7});
    assert_eq!(ask(&app, &own.secret, "PUT", &at(&own.secret)).json(&named).status().await, 200);
    assert_unknown_elsewhere(&app, &own.secret).await;
}
