//! Ownership of rows: writing a row over LoopBack lets no caller speak for a user, or own a token that allows
//! anything.

use super::super::{
    allow, ask, assert_error, assert_unknown_elsewhere, at, created, id_of, open_to_all, stored, verdict,
    with_admins,
};
use crate::app::{Holder, TestApp, With, grant, identity, stand_in, user};
use jeton_core::{Owner, Token, TokenKind, Verdict};
use serde_json::{Value, json};

/// Rows that a write may be aimed at.
async fn victims(app: &TestApp) -> [Holder; 4] {
    [
        app.issue(identity(user("8"))).await,
        app.issue(grant(user("8"), "read,write")).await,
        app.issue(grant(Owner::Nobody, "write")).await,
        app.issue(identity(Owner::Nobody)).await,
    ]
}

/// How many ways there are to say that a row is user 2's.
const WAYS: usize = 14;

/// Every way to say that a row is user 2's.
async fn claim(app: &TestApp, caller: &str, way: usize, id: &str) -> u16 {
    let put = |method, rest: &str, body: Value| ask(app, caller, method, rest).json(&body).status();
    let form = "application/x-www-form-urlencoded";
    match way {
        0 => put("PUT", &at(id), json!({"userId": 2})).await,
        1 => put("PATCH", &at(id), json!({"userId": "2", "ttl": 99})).await,
        2 => put("PUT", "", json!({"id": id, "userId": 2})).await,
        3 => put("PATCH", "", json!({"userId": 2, "id": id})).await,
        4 => put("PUT", &at(id), json!({"user": {"id": 2}})).await,
        5 => put("PATCH", "", json!({"id": id, "userId": 7, "user": {"id": "2", "name": "x"}})).await,
        6 => ask(app, caller, "PATCH", &at(id)).body(form, "userId=2").status().await,
        7 => {
            ask(app, caller, "PUT", &format!("/{id}?data={{\"userId\":2}}").replace('"', "%22"))
                .status()
                .await
        }
        8 => ask(app, caller, "PUT", &format!("/{id}?data[user][id]=2")).status().await,
        9 => put("POST", &format!("/update?where[id]={id}"), json!({"userId": 2})).await,
        10 => put("POST", &format!("/upsertWithWhere?where[id]={id}"), json!({"userId": 2})).await,
        11 => put("POST", "/replaceOrCreate", json!({"id": id, "userId": 2, "ttl": 99})).await,
        12 => put("POST", &format!("/{id}/replace"), json!({"userId": "2"})).await,
        _ => put("POST", &format!("/{id}/replace"), json!({"user": {"id": 2}})).await,
    }
}

#[tokio::test]
async fn a_row_made_for_another_user_speaks_for_nobody() {
    let app = TestApp::new().await;
    with_admins(&app).await;
    let proof = app.issue(identity(user("7"))).await;
    let scoped = app.issue(grant(user("2"), "read")).await;
    let first = created(&app, "", &json!({"userId": 2})).await;
    for caller in ["", &proof.secret, &scoped.secret, id_of(&first), "no such token"] {
        for data in [json!({"userId": 2}), json!({"userId": "2"}), json!({"user": {"id": 2}})] {
            let row = created(&app, caller, &data).await;
            assert_eq!(row["userId"], 2, "on the wire it is as documented");
            let token = stored(&app, id_of(&row)).await.unwrap();
            assert_eq!(
                (token.spec.kind, token.spec.owner),
                (TokenKind::SelfMade, user("2")),
                "{caller}: {data}"
            );
            assert_unknown_elsewhere(&app, id_of(&row)).await;
            // In the role `admin`, user 2 may list. This is not user 2.
            assert_error(&ask(&app, id_of(&row), "GET", "").send().await, 401);
            let delete = ask(&app, id_of(&row), "DELETE", &at(&proof.secret)).send().await;
            assert_error(&delete, 401);
        }
    }
    let real = app.issue(identity(user("2"))).await;
    assert_eq!(ask(&app, &real.secret, "GET", "").status().await, 200);
    assert_eq!(verdict(&app, &proof.secret).await, Verdict::Allowed);
}

#[tokio::test]
async fn a_list_of_rows_is_no_way_around_either() {
    let app = TestApp::new().await;
    with_admins(&app).await;
    let proof = app.issue(identity(user("7"))).await;
    let rows = created(&app, &proof.secret, &json!([{"userId": 7}, {"userId": 2}, {}])).await;
    let mut kinds = Vec::new();
    for row in rows.as_array().unwrap() {
        kinds.push(stored(&app, id_of(row)).await.unwrap().spec.kind);
    }
    assert_eq!(kinds, [TokenKind::Identity, TokenKind::SelfMade, TokenKind::SelfMade]);
}

#[tokio::test]
async fn one_may_say_that_one_is_oneself() {
    let app = TestApp::new().await;
    let proof = app.issue(identity(user("7"))).await;
    let row = created(&app, &proof.secret, &json!({"userId": 7})).await;
    let token = stored(&app, id_of(&row)).await.unwrap();
    assert_eq!((token.spec.kind, token.spec.owner), (TokenKind::Identity, user("7")));
    let answer = app.get("/auth/demo").bearer(id_of(&row)).send().await;
    assert_eq!((answer.status.as_u16(), answer.header("x-auth-user")), (200, Some("7")));
    assert_eq!(app.get("/auth/demo?permission=read").bearer(id_of(&row)).status().await, 403);
    // A grant of the same user proves nothing here, nor does a stand-in.
    for other in [grant(user("7"), "read"), identity(stand_in("7"))] {
        let other = app.issue(other).await;
        let row = created(&app, &other.secret, &json!({"userId": 7})).await;
        assert_unknown_elsewhere(&app, id_of(&row)).await;
    }
}

#[tokio::test]
async fn no_write_hands_a_row_to_another_user() {
    let app = TestApp::new().await;
    open_to_all(&app).await;
    let proof = app.issue(identity(user("7"))).await;
    for caller in ["", &proof.secret] {
        for way in 0..WAYS {
            for victim in victims(&app).await {
                assert_eq!(claim(&app, caller, way, &victim.secret).await, 200, "way {way}");
                let token = app.token(victim.id).await.unwrap();
                assert_eq!(
                    (token.spec.kind, &token.spec.owner),
                    (TokenKind::SelfMade, &user("2")),
                    "way {way}"
                );
                assert!(token.spec.scopes.as_slice().is_empty(), "way {way}");
                assert_unknown_elsewhere(&app, &victim.secret).await;
            }
        }
    }
    // A row cannot be a list.
    let [victim, ..] = victims(&app).await;
    let before = app.token(victim.id).await;
    for rest in ["".to_owned(), at(&victim.secret)] {
        let list = json!([{"id": victim.secret, "userId": 2}]);
        assert_error(&ask(&app, "", "PUT", &rest).json(&list).send().await, 400);
    }
    assert_eq!(app.token(victim.id).await, before);
}

#[tokio::test]
async fn even_by_name_nobody_comes_to_own_a_grant() {
    let app = TestApp::new().await;
    with_admins(&app).await;
    let by_role = app.issue(identity(user("2"))).await;
    let claimant = app.issue(identity(user("2"))).await;
    for caller in [&app.admin, &by_role.secret] {
        for way in 0..WAYS {
            let [one, two, three, four] = victims(&app).await;
            for victim in [&two, &three] {
                let before = app.token(victim.id).await.unwrap();
                assert_eq!(claim(&app, caller, way, &victim.secret).await, 200, "way {way}");
                let token = app.token(victim.id).await.unwrap();
                assert_eq!(
                    token,
                    changed(&token, &before).with(|token| token.spec.owner = stand_in("2")),
                    "way {way}"
                );
                let answer = app.get("/auth/demo?permission=write").bearer(&victim.secret).send().await;
                assert_eq!((answer.status.as_u16(), answer.header("x-auth-user")), (200, Some("")));
                app.get("/AccessToken/demo").bearer(&victim.secret).send().await.assert_envelope(403);
                let path = format!("/AccessToken/demo/{}", victim.id);
                app.delete(&path).bearer(&claimant.secret).send().await.assert_envelope(404);
            }
            // Only callers named in the rules determine the user.
            for victim in [&one, &four] {
                assert_eq!(claim(&app, caller, way, &victim.secret).await, 200, "way {way}");
                let token = app.token(victim.id).await.unwrap();
                assert_eq!(
                    (token.spec.kind, token.spec.owner),
                    (TokenKind::Identity, user("2")),
                    "way {way}"
                );
            }
        }
    }
}

/// What a write over LoopBack changes of any row: its document, and its times.
fn changed(after: &Token, before: &Token) -> Token {
    Token {
        updated_at: after.updated_at,
        expires_at: after.expires_at,
        ..before.clone().with(|token| token.spec.document = after.spec.document.clone())
    }
}

#[tokio::test]
async fn what_nobody_vouched_for_stays_so() {
    let app = TestApp::new().await;
    open_to_all(&app).await;
    app.merge(json!({"loopback": {"roles": {"admin": [2]}}})).await;
    let proof = app.issue(identity(user("2"))).await;
    let row = created(&app, "", &json!({"userId": 2})).await;
    let id = id_of(&row);
    with_admins(&app).await;
    for caller in [&app.admin, &proof.secret] {
        for way in 0..WAYS {
            assert_eq!(claim(&app, caller, way, id).await, 200, "way {way}");
        }
        for data in [
            json!({}),
            json!({"userId": null}),
            json!({"userId": 8}),
            json!({"kind": "identity"}),
            json!({"ttl": 60, "created": "2026-01-01T00:00:00Z", "userId": 2}),
        ] {
            assert_eq!(ask(&app, caller, "PUT", &at(id)).json(&data).status().await, 200, "{data}");
            assert_eq!(stored(&app, id).await.unwrap().spec.kind, TokenKind::SelfMade, "{data}");
            assert_unknown_elsewhere(&app, id).await;
        }
    }
    assert_error(&ask(&app, id, "GET", "").send().await, 401);
}

#[tokio::test]
async fn owners_are_let_in_but_not_by_name() {
    let app = TestApp::new().await;
    allow(&app, &[("$everyone", "create"), ("$owner", "*")]).await;
    let proof = app.issue(identity(user("7"))).await;
    let theirs = app.issue(identity(user("8"))).await;
    let made = created(&app, "", &json!({"userId": 7})).await;
    let own = app.issue(identity(user("7"))).await;
    assert_eq!(ask(&app, &proof.secret, "GET", &at(&own.secret)).status().await, 200);
    for not_own in [theirs.secret.as_str(), id_of(&made), "nope", &app.admin] {
        for (method, rest) in [
            ("GET", ""),
            ("HEAD", ""),
            ("GET", "/exists"),
            ("GET", "/user"),
            ("PUT", ""),
            ("PATCH", ""),
            ("POST", "/replace"),
            ("DELETE", ""),
        ] {
            let path = format!("/{not_own}{rest}").replace("//", "/");
            let status = ask(&app, &proof.secret, method, &path).json(&json!({})).status().await;
            assert_eq!(status, 401, "{method} {not_own}");
        }
    }
    // A row that was given away proves nothing any more.
    assert_eq!(claim(&app, &proof.secret, 0, &own.secret).await, 200);
    assert_unknown_elsewhere(&app, &own.secret).await;
    assert_eq!(ask(&app, &proof.secret, "GET", &at(&own.secret)).status().await, 401);
    assert_eq!(app.token(theirs.id).await.unwrap().spec.owner, user("8"));
}

#[tokio::test]
async fn only_what_proves_a_user_is_more_than_anybody() {
    let app = TestApp::new().await;
    let find = json!({"principalType": "USER", "principalId": 7, "permission": "ALLOW", "property": "find"});
    let mut acls = vec![entry_of("$authenticated"), find];
    let callers = [
        (app.issue(identity(user("7"))).await.secret, [200, 200]),
        (app.issue(identity(user("8"))).await.secret, [401, 200]),
        (app.issue(grant(user("7"), "read")).await.secret, [401, 401]),
        (app.issue(identity(stand_in("7"))).await.secret, [401, 401]),
        (app.issue(identity(Owner::Nobody)).await.secret, [401, 401]),
        (id_of(&created(&app, "", &json!({"userId": 7})).await).to_owned(), [401, 401]),
        (app.issue(crate::app::service(user("7"), "jeton:verify")).await.secret, [401, 401]),
        (app.admin.clone(), [200, 200]),
        (String::new(), [401, 401]),
    ];
    app.merge(json!({"loopback": {"acls": acls}})).await;
    for (caller, [find, count]) in &callers {
        assert_eq!(ask(&app, caller, "GET", "").status().await, *find);
        assert_eq!(ask(&app, caller, "GET", "/count").status().await, *count);
    }
    // A user named for one method is not admitted by name to another.
    acls.push(json!({"principalType": "ROLE", "principalId": "$everyone", "permission": "ALLOW", "property": "create"}));
    app.merge(json!({"loopback": {"acls": acls}})).await;
    let row = created(&app, &callers[0].0, &json!({"userId": 8})).await;
    assert_unknown_elsewhere(&app, id_of(&row)).await;
}

fn entry_of(principal: &str) -> Value {
    json!({"principalType": "ROLE", "principalId": principal, "permission": "ALLOW", "property": "count"})
}
