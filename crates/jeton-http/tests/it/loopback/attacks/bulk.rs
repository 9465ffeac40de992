//! Writes that mean rows by a condition, and those that put a row in the place of another.

use super::super::{
    allow, ask, assert_error, assert_unknown_elsewhere, at, created, found, id_of, open_to_all, stored,
    verdict,
};
use crate::app::{DAY, HOUR, Holder, TestApp, With, grant, identity, lasting, service, user};
use jeton_core::{Owner, TokenKind, Verdict};
use serde_json::{Value, json};

fn encoded(value: &Value) -> String {
    value.to_string().bytes().map(|byte| format!("%{byte:02x}")).collect()
}

#[tokio::test]
async fn a_row_that_is_replaced_unproven_is_nobodys_word() {
    let app = TestApp::new().await;
    open_to_all(&app).await;
    let proof = app.issue(identity(user("7"))).await;
    for caller in ["", &proof.secret] {
        for body in [json!({}), json!({"userId": null}), json!({"ttl": 60, "note": 1})] {
            for victim in [identity(user("8")), grant(user("8"), "read")] {
                let victim = app.issue(victim).await;
                let path = format!("/{}/replace", victim.secret);
                assert_eq!(ask(&app, caller, "POST", &path).json(&body).status().await, 200);
                let token = app.token(victim.id).await.unwrap();
                assert_eq!(
                    (token.spec.kind, token.spec.owner),
                    (TokenKind::SelfMade, Owner::Nobody),
                    "{body}"
                );
                assert!(token.spec.scopes.as_slice().is_empty());
                assert_unknown_elsewhere(&app, &victim.secret).await;
            }
        }
        // What said nothing of a user says nothing of one still, and what it allows stays.
        let victim = app.issue(lasting(HOUR, grant(Owner::Nobody, "write"))).await;
        let before = app.token(victim.id).await.unwrap();
        let body = json!({"id": victim.secret, "ttl": 3600});
        assert_eq!(ask(&app, caller, "POST", "/replaceOrCreate").json(&body).status().await, 200);
        let after = app.token(victim.id).await.unwrap();
        assert_eq!(after.with(|token| token.spec.document = None), before);
    }
    // One's own row stays one's own only as long as it says so.
    for (body, kind) in [
        (json!({"userId": 7}), TokenKind::Identity),
        (json!({"user": {"id": "7"}}), TokenKind::Identity),
        (json!({}), TokenKind::SelfMade),
    ] {
        let own = app.issue(identity(user("7"))).await;
        let path = format!("/{}/replace", own.secret);
        assert_eq!(ask(&app, &proof.secret, "POST", &path).json(&body).status().await, 200);
        assert_eq!(app.token(own.id).await.unwrap().spec.kind, kind, "{body}");
    }
}

#[tokio::test]
async fn by_name_a_replaced_row_stays_what_it_is() {
    let app = TestApp::new().await;
    let one = app.issue(identity(user("8"))).await;
    let other = app.issue(grant(user("8"), "write")).await;
    for victim in [&one, &other] {
        let before = app.token(victim.id).await.unwrap();
        let path = format!("/{}/replace", victim.secret);
        assert_eq!(ask(&app, &app.admin, "POST", &path).json(&json!({})).status().await, 200);
        let after = app.token(victim.id).await.unwrap();
        assert_eq!(
            (after.spec.kind, &after.spec.owner, &after.spec.scopes),
            (before.spec.kind, &Owner::Nobody, &before.spec.scopes)
        );
    }
    assert_eq!(app.get("/auth/demo?permission=write").bearer(&other.secret).status().await, 200);
}

#[tokio::test]
async fn self_made_rows_stay_so_whatever_replaces_them() {
    let app = TestApp::new().await;
    let row = created(&app, "", &json!({"userId": 2})).await;
    let id = id_of(&row);
    for (method, rest, body) in [
        ("POST", format!("/{id}/replace"), json!({"userId": 2})),
        ("POST", "/replaceOrCreate".to_owned(), json!({"id": id, "userId": 2})),
        ("POST", format!("/update?where[id]={id}"), json!({"userId": 2, "ttl": 60})),
        ("POST", format!("/upsertWithWhere?where[id]={id}"), json!({"kind": "identity", "userId": 2})),
        ("POST", format!("/{id}/replace"), json!({})),
    ] {
        assert_eq!(ask(&app, &app.admin, method, &rest).json(&body).status().await, 200);
        assert_eq!(stored(&app, id).await.unwrap().spec.kind, TokenKind::SelfMade, "{rest}");
        assert_unknown_elsewhere(&app, id).await;
    }
}

#[tokio::test]
async fn what_is_replaced_or_updated_lives_no_longer_than_what_is_created() {
    let app = TestApp::new().await;
    open_to_all(&app).await;
    let fortnight = app.after(14 * DAY);
    for lifetime in [
        json!({"ttl": 1e11}),
        json!({"ttl": -1}),
        json!({"ttl": 1e300, "created": "9999-01-01T00:00:00Z"}),
        json!({"ttl": 1_209_600, "created": null}),
        json!({"ttl": "Infinity"}),
        json!({}),
    ] {
        let row = created(&app, "", &json!({"userId": 2})).await;
        let id = id_of(&row);
        for rest in [format!("/{id}/replace"), format!("/update?where[id]={id}")] {
            assert_eq!(ask(&app, "", "POST", &rest).json(&lifetime).status().await, 200);
            let expires_at = stored(&app, id).await.unwrap().expires_at.expect("it expires");
            assert!(expires_at <= fortnight, "{lifetime} {rest}");
        }
    }
    app.merge(json!({"max_ttl_seconds": 3600, "loopback": {"allow_eternal_tokens": true}})).await;
    let token = app.issue(lasting(60_000, identity(user("7")))).await;
    for rest in [format!("/{}/replace", token.secret), format!("/update?where[id]={}", token.secret)] {
        for lifetime in [json!({"ttl": -1, "userId": 7}), json!({"ttl": 1e9, "userId": 7})] {
            assert_eq!(ask(&app, &app.admin, "POST", &rest).json(&lifetime).status().await, 200);
            assert_eq!(
                app.token(token.id).await.unwrap().expires_at,
                Some(app.after(HOUR)),
                "{lifetime} {rest}"
            );
        }
    }
}

#[tokio::test]
async fn ids_are_chosen_by_those_who_may_whatever_the_method() {
    let app = TestApp::new().await;
    open_to_all(&app).await;
    let proof = app.issue(identity(user("7"))).await;
    for (who, [anonymous, user, manager]) in
        [("nobody", [422, 422, 422]), ("authorized", [422, 422, 200]), ("anyone", [200, 200, 200])]
    {
        app.merge(json!({"loopback": {"client_ids": who}})).await;
        let callers = [("", anonymous), (&*proof.secret, user), (&*app.admin, manager)];
        for (place, (caller, expected)) in callers.into_iter().enumerate() {
            for (nth, rest) in
                ["/replaceOrCreate", "/upsertWithWhere?where[userId]=99"].into_iter().enumerate()
            {
                let id = format!("chosen-{who}-{place}-{nth}");
                let body = json!({"id": id, "userId": 2});
                assert_eq!(ask(&app, caller, "POST", rest).json(&body).status().await, expected, "{id}");
                let kind = stored(&app, &id).await.map(|token| token.spec.kind);
                let made = if caller == app.admin { TokenKind::Identity } else { TokenKind::SelfMade };
                assert_eq!(kind, (expected == 200).then_some(made), "{id}");
            }
        }
    }
}

#[tokio::test]
async fn ids_are_never_changed_nor_taken() {
    let app = TestApp::new().await;
    open_to_all(&app).await;
    app.merge(json!({"loopback": {"client_ids": "anyone"}})).await;
    let token = app.issue(identity(user("7"))).await;
    let other = app.issue(identity(user("8"))).await;
    let before = app.token(other.id).await;
    for caller in ["", &app.admin] {
        for id in ["another", &other.secret, "~99"] {
            let body = json!({"id": id});
            let path = format!("/{}/replace", token.secret);
            assert_error(&ask(&app, caller, "POST", &path).json(&body).send().await, 400);
            // Where a condition says which row is meant, an id among the data says nothing.
            let path = format!("/update?where[id]={}", token.secret);
            assert_eq!(ask(&app, caller, "POST", &path).json(&body).send().await.json(), json!({"count": 1}));
            let path = format!("/upsertWithWhere?where[id]={}", token.secret);
            let row = ask(&app, caller, "POST", &path).json(&body).send().await.json();
            assert_eq!(row["id"], *token.secret);
        }
    }
    assert_eq!(app.token(other.id).await, before);
    let disabled = app.issue(grant(user("8"), "read")).await;
    let path = format!("/AccessToken/demo/{}", disabled.id);
    app.put(&path).bearer(&app.admin).json(&json!({"enable": false})).send().await.data();
    let revoked = app.issue(grant(user("8"), "read")).await;
    let path = format!("/AccessToken/demo/{}", revoked.id);
    app.delete(&path).bearer(&app.admin).send().await.data();
    let hidden = app.issue(service(user("1"), "jeton:verify")).await;
    for taken in [&disabled, &revoked, &hidden] {
        let before = app.token(taken.id).await;
        for rest in ["/replaceOrCreate", "/upsertWithWhere?where[userId]=99"] {
            let body = json!({"id": taken.secret, "userId": 2});
            assert_error(&ask(&app, &app.admin, "POST", rest).json(&body).send().await, 409);
        }
        assert_eq!(app.token(taken.id).await, before);
    }
}

#[tokio::test]
async fn every_row_means_no_service_credential_and_nothing_that_is_not_there() {
    let app = TestApp::new().await;
    open_to_all(&app).await;
    let other = app.create_app("other").await;
    let theirs = app.issue_in("other", identity(user("2"))).await;
    let verifier = app.issue(service(user("1"), "jeton:verify")).await;
    let off = app.issue(identity(user("7"))).await;
    let path = format!("/AccessToken/demo/{}", off.id);
    app.put(&path).bearer(&app.admin).json(&json!({"enable": false})).send().await.data();
    let before = (app.token(1).await, app.token(verifier.id).await, app.token(off.id).await);
    for caller in ["", &app.admin] {
        let all = ask(&app, caller, "POST", "/update?where={}").json(&json!({"userId": 2, "ttl": 1}));
        assert_eq!(all.send().await.json(), json!({"count": 0}));
        for Holder { id, secret } in [&verifier, &off] {
            for hidden in [secret, &format!("~{id}")] {
                let path = format!("/update?where[id]={hidden}");
                assert_eq!(
                    ask(&app, caller, "POST", &path).json(&json!({"ttl": 1})).send().await.json(),
                    json!({"count": 0})
                );
                let replace = ask(&app, caller, "POST", &format!("/{hidden}/replace"));
                assert_error(&replace.json(&json!({})).send().await, 404);
                assert_error(&ask(&app, caller, "GET", &format!("/{hidden}/user")).send().await, 404);
            }
        }
    }
    assert_eq!((app.token(1).await, app.token(verifier.id).await, app.token(off.id).await), before);
    assert_eq!(app.get("/auth/other").bearer(&theirs.secret).status().await, 200);
    assert_eq!(app.get("/AccessToken/other").bearer(&other).status().await, 200);
}

#[tokio::test]
async fn conditions_that_look_into_ids_are_for_those_who_may_list_them() {
    let app = TestApp::new().await;
    allow(&app, &[("$everyone", "updateAll"), ("$everyone", "upsertWithWhere"), ("admin", "*")]).await;
    let token = app.issue(identity(user("2"))).await;
    let before = app.token(token.id).await;
    for condition in [json!({"id": {"like": "%"}}), json!({"or": [{"ttl": 1}, {"id": {"regexp": "."}}]})] {
        for method in ["update", "upsertWithWhere"] {
            let path = format!("/{method}?where={}", encoded(&condition));
            assert_error(&ask(&app, "", "POST", &path).json(&json!({"n": 1})).send().await, 401);
        }
    }
    assert_eq!(app.token(token.id).await, before);
    let path = format!("/update?where={}", encoded(&json!({"id": {"like": "%"}})));
    let updated = ask(&app, &token.secret, "POST", &path).json(&json!({"n": 1})).send().await;
    assert_eq!(updated.json(), json!({"count": 1}));
}

#[tokio::test]
async fn who_names_an_id_makes_nobody_walk() {
    let app = TestApp::new().await;
    let token = app.issue(identity(user("7"))).await;
    let mut calls = Vec::new();
    for _ in 0..2 {
        let rows = Value::from(vec![json!({}); 200]);
        assert_eq!(ask(&app, &app.admin, "POST", "").json(&rows).status().await, 200);
        for method in ["update", "upsertWithWhere"] {
            let path = format!("/{method}?where[id]={}", token.secret);
            app.store.fail_only(u64::MAX);
            assert_eq!(ask(&app, &app.admin, "POST", &path).json(&json!({"n": 1})).status().await, 200);
            calls.push(app.store.calls());
            app.store.recover();
        }
    }
    assert_eq!(calls[..2], calls[2..], "{calls:?}");
}

#[tokio::test]
async fn where_is_never_left_out_and_never_read_from_the_data() {
    let app = TestApp::new().await;
    let row = created(&app, &app.admin, &json!({"ttl": 60})).await;
    for method in ["update", "upsertWithWhere"] {
        for (rest, body) in [
            ("", json!({"ttl": 5})),
            ("", json!({"where": {}, "ttl": 5})),
            ("?where=", json!({"ttl": 5})),
            ("?where=null", json!({"ttl": 5})),
            ("?where=5", json!({"ttl": 5})),
            ("?where=[]", json!({"ttl": 5})),
            ("?filter={}", json!({"ttl": 5})),
            ("?where={}", json!([{"ttl": 5}])),
        ] {
            let asked = ask(&app, &app.admin, "POST", &format!("/{method}{rest}")).header("where", "{}");
            assert_error(&asked.json(&body).send().await, 400);
        }
    }
    assert_eq!(ask(&app, &app.admin, "GET", &at(id_of(&row))).send().await.json(), row);
}

#[tokio::test]
async fn a_list_makes_no_more_self_made_rows_than_there_is_room_for() {
    let app = TestApp::new().await;
    let before = app.count().await;
    for count in [1_000; 9].into_iter().chain([998]) {
        let rows = Value::from(vec![json!({}); count]);
        assert_eq!(ask(&app, "", "POST", "").json(&rows).status().await, 200);
    }
    let answer = ask(&app, "", "POST", "").json(&Value::from(vec![json!({}); 5])).send().await;
    assert_eq!(answer.status, 429);
    let details = answer.json()["error"]["details"].clone();
    let refused: Vec<_> = details.as_array().unwrap().iter().map(|detail| !detail.is_null()).collect();
    assert_eq!(refused, [false, false, true, true, true]);
    assert_eq!(app.count().await, before + 10_000);
    // Nor does a row become one where there is no room.
    open_to_all(&app).await;
    let victim = app.issue(identity(user("8"))).await;
    for path in [format!("/{}/replace", victim.secret), format!("/update?where[id]={}", victim.secret)] {
        assert_error(&ask(&app, "", "POST", &path).json(&json!({"userId": 2})).send().await, 429);
    }
    assert_eq!(verdict(&app, &victim.secret).await, Verdict::Allowed);
}

#[tokio::test]
async fn one_bad_row_in_a_list_keeps_no_other_out() {
    let app = TestApp::new().await;
    let taken = app.issue(identity(user("7"))).await;
    let list = json!([
        {"id": "a-first-row", "ttl": 5},
        {"id": taken.secret},
        {"created": "zzz"},
        {"id": "a-first-row"},
        {"id": "a-last-row"},
    ]);
    let answer = ask(&app, &app.admin, "POST", "").json(&list).send().await;
    insta::assert_snapshot!(answer.show(), @r#"
    422 Unprocessable Entity
    cache-control: no-store
    content-length: 391
    content-type: application/json; charset=utf-8
    x-content-type-options: nosniff

    {"error":{"statusCode":422,"message":"Failed with multiple errors, see `details` for more information.","details":[null,{"statusCode":409,"name":"Error","message":"Duplicate entry for AccessToken.id"},{"statusCode":422,"name":"ValidationError","message":"created must be a date of the years 0 to 9999"},{"statusCode":409,"name":"Error","message":"Duplicate entry for AccessToken.id"},null]}}
    "#);
    let mut ids = found(&app).await;
    ids.sort();
    assert_eq!(
        ids.iter().filter(|id| id.starts_with("a-")).collect::<Vec<_>>(),
        ["a-first-row", "a-last-row"]
    );
    // What is no row at all is refused as a whole.
    let list = json!([{"id": "another"}, null]);
    assert_error(&ask(&app, &app.admin, "POST", "").json(&list).send().await, 400);
    assert_eq!(stored(&app, "another").await, None);
}
