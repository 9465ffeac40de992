//! Ids are secrets: no caller can take another's, forge one, or reach a row without it.

use super::super::{
    allow, ask, assert_error, assert_unknown_elsewhere, at, created, found, id_of, open_to_all, stored,
    verdict,
};
use crate::app::{TestApp, grant, identity, service, user};
use jeton_core::{TokenKind, Verdict};
use serde_json::{Value, json};

async fn client_ids(app: &TestApp, who: &str) {
    app.merge(json!({"loopback": {"client_ids": who}})).await;
}

#[tokio::test]
async fn who_may_choose_ids() {
    let app = TestApp::new().await;
    open_to_all(&app).await;
    let proof = app.issue(identity(user("7"))).await;
    for (who, [anonymous, user, manager]) in
        [("nobody", [422, 422, 422]), ("authorized", [422, 422, 200]), ("anyone", [200, 200, 200])]
    {
        client_ids(&app, who).await;
        let callers = [("", anonymous), (&*proof.secret, user), (&*app.admin, manager)];
        for (place, (caller, expected)) in callers.into_iter().enumerate() {
            for (method, list) in [("POST", false), ("PUT", false), ("PATCH", false), ("POST", true)] {
                let id = format!("chosen-by-a-client-{who}-{place}-{method}-{list}");
                let row = json!({"id": id, "userId": 7});
                let body = if list { json!([row]) } else { row };
                let answer = ask(&app, caller, method, "").json(&body).send().await;
                assert_eq!(answer.status, expected, "{id}");
                assert_eq!(stored(&app, &id).await.is_some(), expected == 200, "{id}");
                let refused = "you may not choose the id of an access token";
                match (expected, list) {
                    (422, false) => assert_eq!(assert_error(&answer, 422), refused),
                    (422, true) => {
                        assert_eq!(answer.json()["error"]["details"][0]["message"], refused);
                    }
                    _ => {}
                }
            }
            // What is null or empty is not chosen.
            let row = created(&app, caller, &json!({"id": null})).await;
            assert_eq!(id_of(&row).len(), 64);
            assert_eq!(id_of(&created(&app, caller, &json!({"id": ""})).await).len(), 64);
        }
    }
}

#[tokio::test]
async fn an_id_that_looks_like_anothers_is_not_it() {
    let app = TestApp::new().await;
    open_to_all(&app).await;
    client_ids(&app, "anyone").await;
    let victim = app.issue(identity(user("2"))).await;
    let before = app.token(victim.id).await;
    let secret = &victim.secret;
    for id in [
        format!(" {secret}"),
        format!("{secret} "),
        format!("demo_{secret}"),
        format!("_{secret}"),
        secret.to_ascii_uppercase(),
        format!("{secret}\u{0}"),
        format!("{secret}/"),
        secret[..63].to_owned(),
        format!("{secret}0"),
        format!("~{secret}"),
    ] {
        let row = created(&app, "", &json!({"id": id, "userId": 2})).await;
        assert_eq!(row["id"], *id);
        let token = stored(&app, &id).await.unwrap();
        assert_eq!(token.spec.kind, TokenKind::SelfMade, "{id:?}");
        assert_ne!(token.id.get(), victim.id, "{id:?}");
        assert_eq!(app.token(victim.id).await, before, "{id:?}");
        // Removing it leaves the other.
        let encoded: String = id.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let removed = ask(&app, "", "DELETE", &at(&encoded)).send().await;
        assert_eq!(removed.json(), json!({"count": 1}), "{id:?}");
    }
    assert_eq!(found(&app).await, std::slice::from_ref(secret));
    assert_eq!(verdict(&app, secret).await, Verdict::Allowed);
    let own = format!("~{}", victim.id);
    for id in [own.as_str(), "~0", "~+2", "~-2", "~002", &"x".repeat(1025)] {
        for method in ["POST", "PUT"] {
            let answer = ask(&app, "", method, "").json(&json!({"id": id, "userId": 7})).send().await;
            assert_error(&answer, 422);
        }
    }
    assert_eq!(app.token(victim.id).await, before);
}

#[tokio::test]
async fn an_id_that_is_or_was_anothers_is_refused() {
    let app = TestApp::new().await;
    open_to_all(&app).await;
    client_ids(&app, "anyone").await;
    let live = app.issue(grant(user("8"), "read")).await;
    let disabled = app.issue(grant(user("8"), "read")).await;
    let revoked = app.issue(grant(user("8"), "read")).await;
    let hidden = app.issue(service(user("1"), "jeton:verify")).await;
    for (id, enabled) in [(disabled.id, Some(false)), (revoked.id, None)] {
        let path = format!("/AccessToken/demo/{id}");
        match enabled {
            Some(enabled) => app.put(&path).json(&json!({"enable": enabled})),
            None => app.delete(&path),
        }
        .bearer(&app.admin)
        .send()
        .await
        .data();
    }
    for victim in [&live, &disabled, &revoked, &hidden] {
        let before = app.token(victim.id).await;
        for caller in ["", &app.admin] {
            let body = json!({"id": victim.secret, "userId": 2});
            let answer = ask(&app, caller, "POST", "").json(&body).send().await;
            assert_eq!(assert_error(&answer, 409), "Duplicate entry for AccessToken.id");
            if victim.id != live.id {
                assert_error(&ask(&app, caller, "PUT", "").json(&body).send().await, 409);
            }
        }
        assert_eq!(app.token(victim.id).await, before);
    }
    assert_eq!(app.get("/auth/demo").bearer(&revoked.secret).status().await, 401);
    assert_eq!(app.get("/auth/demo?permission=read").bearer(&live.secret).status().await, 200);
    // What LoopBack itself removed can be used again there, and nowhere else.
    assert_eq!(ask(&app, "", "DELETE", &at(&live.secret)).send().await.json(), json!({"count": 1}));
    created(&app, "", &json!({"id": live.secret, "userId": 8})).await;
    assert_unknown_elsewhere(&app, &live.secret).await;
}

#[tokio::test]
async fn no_write_changes_an_id() {
    let app = TestApp::new().await;
    open_to_all(&app).await;
    let token = app.issue(identity(user("7"))).await;
    let other = app.issue(identity(user("8"))).await;
    for id in ["another", &other.secret, "~99"] {
        let answer = ask(&app, &app.admin, "PUT", &at(&token.secret)).json(&json!({"id": id})).send().await;
        assert_error(&answer, 400);
    }
    let same = json!({"id": token.secret, "note": 1});
    assert_eq!(ask(&app, "", "PATCH", &at(&token.secret)).json(&same).status().await, 200);
    assert_eq!(app.token(other.id).await.unwrap().spec.owner, user("8"));
}

#[tokio::test]
async fn rows_that_show_their_ids_have_no_handles() {
    let app = TestApp::new().await;
    // To know an id is to be let in, which is how clients log out.
    allow(&app, &[("$everyone", "findById"), ("$everyone", "updateAttributes"), ("$everyone", "deleteById")])
        .await;
    let token = app.issue(identity(user("8"))).await;
    let before = app.token(token.id).await;
    for handle in [format!("~{}", token.id), format!("~0{}", token.id), format!("~+{}", token.id)] {
        assert_error(&ask(&app, "", "GET", &at(&handle)).send().await, 404);
        assert_error(&ask(&app, "", "PUT", &at(&handle)).json(&json!({"ttl": 0})).send().await, 404);
        assert_eq!(ask(&app, "", "DELETE", &at(&handle)).send().await.json(), json!({"count": 0}));
        let query = format!("?filter[where][id]={handle}");
        assert_eq!(ask(&app, &app.admin, "GET", &query).send().await.json(), json!([]));
    }
    assert_eq!(app.token(token.id).await, before);
    assert_eq!(ask(&app, "", "GET", &at(&token.secret)).status().await, 200);
}

#[tokio::test]
async fn a_count_tells_nothing_of_ids_to_those_who_may_not_list_them() {
    let app = TestApp::new().await;
    allow(&app, &[("$everyone", "count"), ("$everyone", "findOne"), ("admin", "*")]).await;
    let token = app.issue(identity(user("2"))).await;
    let first = &token.secret[..1];
    let conditions = [
        json!({"id": {"like": format!("{first}%")}}),
        json!({"id": {"regexp": format!("^{first}")}}),
        json!({"id": {"gt": first}}),
        json!({"id": {"between": ["0", "g"]}}),
        json!({"or": [{"userId": 9}, {"and": [{"id": {"ilike": "%"}}]}]}),
    ];
    let encoded = |value: &Value| value.to_string().bytes().map(|b| format!("%{b:02x}")).collect::<String>();
    for condition in &conditions {
        let count = format!("/count?where={}", encoded(condition));
        let one = format!("/findOne?filter={}", encoded(&json!({"where": condition})));
        for rest in [&count, &one] {
            assert_error(&ask(&app, "", "GET", rest).send().await, 401);
            assert_eq!(ask(&app, &token.secret, "GET", rest).status().await, 200, "{condition}");
        }
        let header = ask(&app, "", "GET", "/count").header("where", condition.to_string());
        assert_error(&header.send().await, 401);
    }
    // A caller that knows an id may ask whether it exists.
    let count = format!("/count?where[id]={}", token.secret);
    assert_eq!(ask(&app, "", "GET", &count).send().await.json(), json!({"count": 1}));
}
