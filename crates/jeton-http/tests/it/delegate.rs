//! `/delegate/{app}`: tokens that tokens make, and what becomes of them.

use crate::admin::send;
use crate::answer::Answer;
use crate::app::{Ask, HOUR, Holder, TestApp, With, grant, identity, lasting, on_ids, scoped, service, user};
use crate::person::Person;
use jeton_core::{AllowedAddresses, Label, Owner, TokenId};
use serde_json::{Value, json};

const PATH: &str = "/delegate/demo";

fn ask<'a>(app: &'a TestApp, parent: &str, body: &Value) -> Ask<'a> {
    app.post(PATH).bearer(parent).json(body)
}

async fn made(app: &TestApp, parent: &Holder, body: &Value) -> Holder {
    let answer = ask(app, &parent.secret, body).send().await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let child = answer.json();
    let members: Vec<&str> = child.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["id", "access_token", "expires_at", "parent_id"]);
    assert_eq!(child["parent_id"], parent.id);
    Holder { id: child["id"].as_i64().unwrap(), secret: child["access_token"].as_str().unwrap().to_owned() }
}

#[track_caller]
fn assert_error(answer: &Answer, status: u16, code: &str) -> String {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let body = answer.json();
    assert_eq!(body["error"], code, "{body}");
    body["message"].as_str().unwrap().to_owned()
}

async fn auth(app: &TestApp, token: &Holder, demand: &str) -> u16 {
    app.get(&format!("/auth/demo{demand}")).bearer(&token.secret).status().await
}

async fn reason(app: &TestApp, token: &Holder) -> Value {
    let (id, secret) = &app.client;
    let check = json!({"token": token.secret, "permission": "read"});
    app.post("/verify/demo").basic(id, secret).json(&check).send().await.json()["reason"].clone()
}

async fn introspected(app: &TestApp, token: &Holder) -> Value {
    let asked = app.post("/oauth2/introspect").header("authorization", app.basic_value());
    asked.body("application/x-www-form-urlencoded", format!("token={}", token.secret)).send().await.json()
}

/// A parent, its child, and the child of that.
async fn three(app: &TestApp) -> [Holder; 3] {
    let root = grant(user("7"), "read,write,delegate");
    let root = app.issue(root.with(|token| token.spec.title = Label::new("root".to_owned()).ok())).await;
    let delegating = json!({"scopes": [{"permissions": ["read", "delegate"], "global": true}]});
    let child = made(app, &root, &delegating).await;
    let reading = json!({"title": "g", "scopes": [{"permissions": ["read"], "global": true}]});
    let grandchild = made(app, &child, &reading).await;
    [root, child, grandchild]
}

#[tokio::test]
async fn a_child_is_what_was_asked_for_within_its_parent() {
    let app = TestApp::new().await;
    let parent = app.issue(lasting(2 * HOUR, grant(user("7"), "read,write,delegate"))).await;
    let body = json!({
        "title": "build", "scopes": [{"permissions": ["read"], "ids": ["s1"]}], "expires_in_seconds": 3600,
    });
    let child = made(&app, &parent, &body).await;
    let stored = app.token(child.id).await.unwrap();
    assert_eq!(stored.spec.title.as_ref().unwrap().as_str(), "build");
    assert_eq!(stored.spec.owner, user("7"), "it says the same user to gateways");
    assert_eq!(stored.spec.scopes.as_slice(), [on_ids("read", &["s1"])]);
    assert_eq!(stored.expires_at, Some(app.after(HOUR)));
    assert_eq!(stored.spec.lineage.parent(), TokenId::new(parent.id));
    assert_eq!(auth(&app, &child, "?permission=read&id=s1").await, 200);
    assert_eq!(auth(&app, &child, "?permission=read&id=s2").await, 403);
    // What is not said is as it is with the parent.
    let same = app.token(made(&app, &parent, &json!({})).await.id).await.unwrap();
    assert_eq!(same.spec.scopes, app.token(parent.id).await.unwrap().spec.scopes);
    assert_eq!(same.expires_at, Some(app.after(2 * HOUR)));
}

#[tokio::test]
async fn no_child_reaches_further_than_its_parent() {
    let app = TestApp::new().await;
    let allowed = AllowedAddresses::parse(["10.0.0.0/8"]).unwrap();
    let parent = lasting(HOUR, grant(user("7"), "read,delegate"));
    let parent = app.issue(parent.with(|token| token.spec.bounds.allowed_addresses = allowed)).await;
    let app = app.behind_proxy();
    let asked = async |body: Value| {
        ask(&app, &parent.secret, &body).header("x-forwarded-for", "10.1.2.3").send().await
    };
    for beyond in [
        json!({"scopes": [{"permissions": ["write"], "global": true}]}),
        json!({"scopes": [{"permissions": ["jeton:manage"], "global": true}]}),
        json!({"expires_in_seconds": 3601}),
        json!({"expires_in_seconds": -1}),
        json!({"allowed_addresses": ["192.0.2.0/24"]}),
        json!({"allowed_addresses": ["0.0.0.0/0"]}),
    ] {
        assert_error(&asked(beyond).await, 403, "beyond_parent");
    }
    let made = asked(json!({"allowed_addresses": ["10.1.0.0/16"]})).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let made = asked(json!({})).await.json();
    let child = app.token(made["id"].as_i64().unwrap()).await.unwrap();
    assert_eq!(child.spec.bounds.allowed_addresses.unwrap().to_string(), "10.0.0.0/8");
    assert_error(&ask(&app, &parent.secret, &json!({})).send().await, 401, "unauthorized");
}

#[tokio::test]
async fn policies_hold_for_children() {
    let app = TestApp::new().await;
    let parent = app.issue(grant(user("7"), "read,write,delegate")).await;
    let policies = json!({"policies": {
        "max_lifetime_seconds": {"user": 3600}, "forbidden_permissions": ["write"], "max_tokens_per_user": 2,
    }});
    app.merge(policies).await;
    let read = json!([{"permissions": ["read"], "global": true}]);
    for against in [
        json!({}),
        json!({"scopes": read, "expires_in_seconds": 3601}),
        json!({"scopes": read, "expires_in_seconds": -1}),
    ] {
        let message = assert_error(&ask(&app, &parent.secret, &against).send().await, 403, "against_policy");
        assert!(message.starts_with("policies."), "{message}");
    }
    // Who asks for no lifetime gets one that is allowed.
    let child = made(&app, &parent, &json!({"scopes": read})).await;
    assert_eq!(app.token(child.id).await.unwrap().expires_at, Some(app.after(HOUR)));
    let message = assert_error(
        &ask(&app, &parent.secret, &json!({"scopes": read})).send().await,
        403,
        "against_policy",
    );
    assert!(message.contains("max_tokens_per_user"), "{message}");
}

#[tokio::test]
async fn who_may_not_make_any() {
    let app = TestApp::new().await;
    app.create_app("other").await;
    let expired = app.issue(lasting(HOUR, grant(user("7"), "delegate"))).await;
    app.clock.advance_millis(HOUR);
    let foreign = app.issue_in("other", grant(user("7"), "delegate")).await;
    for secret in ["garbage", "", expired.secret.as_str(), foreign.secret.as_str()] {
        let answer = ask(&app, secret, &json!({})).send().await;
        assert_error(&answer, 401, "unauthorized");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    }
    let live = app.issue(grant(user("7"), "delegate")).await;
    let elsewhere = app.post("/delegate/nowhere").bearer(&live.secret).json(&json!({})).send().await;
    assert_error(&elsewhere, 401, "unauthorized");
    for powerless in [
        app.issue(grant(user("7"), "read")).await,
        app.issue(scoped(user("7"), vec![on_ids("delegate", &["s1"])])).await,
        app.issue(identity(user("7"))).await,
        app.issue(service(Owner::Nobody, "jeton:manage,jeton:verify")).await,
    ] {
        // Before anything of the request is looked at.
        for asked in [ask(&app, &powerless.secret, &json!({})), app.post(PATH).bearer(&powerless.secret)] {
            let answer = asked.send().await;
            assert_error(&answer, 403, "insufficient_scope");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer error=\"insufficient_scope\""));
        }
    }
    let twice = app.post(PATH).bearer(&live.secret).bearer(&live.secret).json(&json!({})).send().await;
    assert_error(&twice, 401, "unauthorized");
    assert_error(&app.get(PATH).bearer(&live.secret).send().await, 405, "method_not_allowed");
    assert_error(&app.post("/delegate").bearer(&live.secret).send().await, 404, "not_found");
    app.store.fail_always();
    let answer = ask(&app, &live.secret, &json!({})).send().await;
    assert_error(&answer, 503, "unavailable");
}

#[tokio::test]
async fn a_request_is_understood_or_refused() {
    let app = TestApp::new().await;
    let parent = app.issue(grant(user("7"), "read,delegate")).await;
    for (body, named) in [
        (json!({"uses_left": 5}), "there is no member uses_left"),
        (json!({"uses": "5"}), "uses must be a whole number"),
        (json!({"rates": [5]}), "rates must be a list"),
        (json!({"titel": "x"}), "did you mean title?"),
        (json!({"title": 5}), "title must be a string"),
        (json!({"title": "x".repeat(256)}), "title"),
        (json!({"scopes": {}}), "scopes must be a list"),
        (json!({"scopes": ["read"]}), "a scope is an object"),
        (json!({"scopes": [{"permission": ["read"]}]}), "did you mean permissions?"),
        (json!({"scopes": [{"permissions": ["a,b"]}]}), "permissions of a scope"),
        (json!({"expires_in_seconds": 0}), "expires_in_seconds must be"),
        (json!({"expires_in_seconds": -2}), "expires_in_seconds must be"),
        (json!({"expires_in_seconds": 1.5}), "expires_in_seconds must be"),
        (json!({"expires_in_seconds": "60"}), "expires_in_seconds must be"),
        (json!({"allowed_addresses": "10.0.0.0/8"}), "allowed_addresses must be a list"),
        (json!({"allowed_addresses": ["10.0.0.1/8"]}), "by its first address"),
    ] {
        let answer = ask(&app, &parent.secret, &body).send().await;
        let message = assert_error(&answer, 422, "invalid_member");
        assert!(message.contains(named), "{body}: {message}");
    }
    for body in ["", "{", "[]", "null", r#"{"title": "a", "title": "b"}"#] {
        let answer = app.post(PATH).bearer(&parent.secret).body("application/json", body).send().await;
        assert_error(&answer, 400, "invalid_json");
    }
    let sent =
        |content_type: &str, body: &str| app.post(PATH).bearer(&parent.secret).body(content_type, body);
    let form = "application/x-www-form-urlencoded";
    assert_error(&sent(form, "title=x").send().await, 400, "invalid_json");
    assert_error(&sent("application/json; charset=utf-16", "{}").send().await, 415, "unsupported_media_type");
    // As `curl -d` sends it.
    assert_eq!(sent(form, r#"{"title":"x"}"#).status().await, 201);
}

#[tokio::test]
async fn what_is_taken_from_a_token_is_taken_from_all_below_it() {
    let app = TestApp::following().await;
    let [root, child, grandchild] = three(&app).await;
    let path = format!("/apps/demo/tokens/{}", root.id);
    let later = "2100-01-01T00:00:00Z";
    for (change, back, status, expected) in [
        (json!({"enabled": false}), json!({"enabled": true}), 401, json!("disabled")),
        (
            json!({"permissions": "write,delegate"}),
            json!({"permissions": "read,write,delegate"}),
            403,
            json!("insufficient_scope"),
        ),
        (json!({"not_before": later}), json!({"not_before": null}), 401, json!("not_yet_valid")),
        (
            json!({"allowed_addresses": ["10.0.0.0/8"]}),
            json!({"allowed_addresses": []}),
            401,
            json!("address_unknown"),
        ),
    ] {
        for _ in 0..2 {
            assert_eq!(auth(&app, &grandchild, "?permission=read").await, 200);
            assert_eq!(auth(&app, &child, "?permission=read").await, 200);
        }
        assert_eq!(send(&app, "PATCH", &path, &change).await.status, 200);
        for token in [&child, &grandchild] {
            assert_eq!(auth(&app, token, "?permission=read").await, status, "{change}");
            assert_eq!(reason(&app, token).await, expected, "{change}");
        }
        assert_eq!(send(&app, "PATCH", &path, &back).await.status, 200);
    }
    assert!(app.service.cache_stats().hits > 0);
    // It ends in its own time, and with it what it made.
    send(&app, "PATCH", &path, &json!({"expires_in_seconds": 3600})).await;
    app.clock.advance_millis(HOUR - 1);
    assert_eq!(auth(&app, &grandchild, "?permission=read").await, 200);
    app.clock.advance_millis(1);
    assert_eq!(reason(&app, &grandchild).await, "expired");
    assert_error(&ask(&app, &child.secret, &json!({})).send().await, 401, "unauthorized");
}

#[tokio::test]
async fn with_a_token_all_below_it_are_revoked() {
    for how in ["admin", "bulk", "leak", "oauth", "loopback"] {
        let app = TestApp::following().await;
        let [root, child, grandchild] = three(&app).await;
        assert_eq!(auth(&app, &grandchild, "?permission=read").await, 200);
        let status = match how {
            "admin" => {
                send(&app, "DELETE", &format!("/apps/demo/tokens/{}", root.id), &json!({})).await.status
            }
            "bulk" => {
                app.issue(grant(user("8"), "read")).await;
                let answer = send(&app, "POST", "/apps/demo/tokens/revoke", &json!({"title": "root"})).await;
                assert_eq!(answer.json()["revoked"], 1, "{}", answer.text());
                answer.status
            }
            "leak" => {
                let found = json!({"credentials": [root.secret]});
                app.post("/credentials/revoke").json(&found).send().await.status
            }
            "oauth" => {
                let form = format!("token={}", root.secret);
                let asked = app.post("/oauth2/revoke").bearer(&root.secret);
                asked.body("application/x-www-form-urlencoded", form).send().await.status
            }
            // Of what LoopBack deletes nothing is left.
            _ => {
                let path = format!("/api/accessTokens/{}", root.secret);
                app.delete(&path).header("x-access-token", &app.admin).send().await.status
            }
        };
        assert!(status.is_success(), "{how}: {status}");
        for token in [&child, &grandchild] {
            assert_eq!(auth(&app, token, "").await, 401, "{how}");
            assert_eq!(reason(&app, token).await, "revoked", "{how}");
            assert_eq!(introspected(&app, token).await, json!({"active": false}), "{how}");
            let listed = app.get("/AccessToken/demo").bearer(&token.secret).send().await;
            listed.assert_envelope(401);
        }
        assert_error(&ask(&app, &child.secret, &json!({})).send().await, 401, "unauthorized");
        assert_eq!(app.token(grandchild.id).await.unwrap().state(app.after(0)).name(), "revoked");
    }
}

#[tokio::test]
async fn a_suspended_app_takes_what_its_tokens_made() {
    let app = TestApp::following().await;
    let [_, child, grandchild] = three(&app).await;
    for (verb, status, active) in [("suspend", 401, false), ("resume", 200, true)] {
        let set = app.post(&format!("/admin/v1/apps/demo/{verb}")).bearer(&app.operator).send().await;
        assert_eq!(set.status, 200, "{}", set.text());
        for token in [&child, &grandchild] {
            assert_eq!(auth(&app, token, "?permission=read").await, status, "{verb}");
        }
        if active {
            assert_eq!(introspected(&app, &child).await["active"], true);
        }
    }
}

#[tokio::test]
async fn a_rotated_token_keeps_what_it_made() {
    let app = TestApp::following().await;
    let [root, child, grandchild] = three(&app).await;
    assert_eq!(auth(&app, &grandchild, "?permission=read").await, 200);
    let path = format!("/apps/demo/tokens/{}/rotate", root.id);
    assert_eq!(send(&app, "POST", &path, &json!({})).await.status, 200);
    assert_eq!(auth(&app, &root, "").await, 401);
    for token in [&child, &grandchild] {
        assert_eq!(auth(&app, token, "?permission=read").await, 200);
    }
}

#[tokio::test]
async fn what_is_in_the_middle_takes_what_is_below_and_nothing_else() {
    let app = TestApp::following().await;
    let [root, child, grandchild] = three(&app).await;
    let sibling = made(&app, &root, &json!({})).await;
    send(&app, "DELETE", &format!("/apps/demo/tokens/{}", child.id), &json!({})).await;
    for (token, status) in [(&root, 200), (&sibling, 200), (&child, 401), (&grandchild, 401)] {
        assert_eq!(auth(&app, token, "?permission=read").await, status);
    }
}

#[tokio::test]
async fn there_are_so_many_levels_and_no_more() {
    let app = TestApp::new().await;
    let root = app.issue(grant(user("7"), "read,delegate")).await;
    let mut newest = root.clone();
    for _ in 0..3 {
        newest = made(&app, &newest, &json!({})).await;
    }
    assert_eq!(auth(&app, &newest, "?permission=read").await, 200);
    assert_error(&ask(&app, &newest.secret, &json!({})).send().await, 403, "too_deep");
    app.merge(json!({"delegation_depth": 4})).await;
    made(&app, &newest, &json!({})).await;
    app.merge(json!({"delegation_depth": 0})).await;
    assert_error(&ask(&app, &root.secret, &json!({})).send().await, 403, "too_deep");
    assert_eq!(auth(&app, &newest, "?permission=read").await, 200, "what is there stays");
}

#[tokio::test]
async fn a_child_manages_nothing() {
    let app = TestApp::new().await;
    let parent = app.issue(grant(user("7"), "read,delegate")).await;
    let child = made(&app, &parent, &json!({})).await;
    // What it made by other means would not depend on its parent.
    let listed = app.get("/AccessToken/demo").bearer(&child.secret).send().await;
    listed.assert_envelope(403);
    let asked = app.post("/AccessToken/demo").bearer(&child.secret).json(&json!({"title": "t"}));
    asked.send().await.assert_envelope(403);
    let own = app.delete(&format!("/AccessToken/demo/{}", child.id)).bearer(&child.secret).send().await;
    own.assert_envelope(403);
    // Its user does, by a token of its own.
    let speaker = app.issue(identity(user("7"))).await;
    let removed = app.delete(&format!("/AccessToken/demo/{}", child.id)).bearer(&speaker.secret);
    assert_eq!(removed.status().await, 200);
    assert_eq!(auth(&app, &child, "").await, 401);
    // And whoever has it may end it.
    let child = made(&app, &parent, &json!({})).await;
    let form = format!("token={}", child.secret);
    let asked = app.post("/oauth2/revoke").bearer(&child.secret);
    assert_eq!(asked.body("application/x-www-form-urlencoded", form).status().await, 200);
    assert_eq!(auth(&app, &child, "").await, 401);
    assert_eq!(auth(&app, &parent, "").await, 200);
}

#[tokio::test]
async fn nobody_is_told_of_more_than_all_above_a_token_allow() {
    let app = TestApp::following().await;
    let [root, child, _] = three(&app).await;
    app.merge(json!({"forward_auth": {"cache_seconds": 3600}})).await;
    let told = async || {
        let answer = app.get("/auth/demo").bearer(&child.secret).send().await;
        let introspected = introspected(&app, &child).await;
        let header = |name| answer.header(name).unwrap().to_owned();
        (
            header("x-auth-scopes"),
            header("cache-control"),
            introspected["scope"].clone(),
            introspected["exp"].clone(),
        )
    };
    let (scopes, _, scope, _) = told().await;
    assert_eq!((scopes.as_str(), scope), ("read,delegate", json!("read delegate")));
    let path = format!("/apps/demo/tokens/{}", root.id);
    let change = json!({"permissions": "delegate", "expires_in_seconds": 60});
    assert_eq!(send(&app, "PATCH", &path, &change).await.status, 200);
    let (scopes, caching, scope, exp) = told().await;
    assert_eq!((scopes.as_str(), caching.as_str()), ("delegate", "public, max-age=60"));
    assert_eq!((scope, exp), (json!("delegate"), json!(app.after(60_000).as_millis() / 1_000)));
    let (id, secret) = &app.client;
    let answer =
        app.post("/verify/demo").basic(id, secret).json(&json!({"token": child.secret})).send().await;
    let ends_at = answer.json()["expires_at"].clone();
    assert_eq!(ends_at, "2026-01-02T03:05:05.678Z");
}

#[tokio::test]
async fn the_console_shows_what_is_above() {
    let app = TestApp::new().await;
    let [root, child, grandchild] = three(&app).await;
    let person = Person::signed_in(&app).await;
    let path = format!("/console/apps/demo/tokens/{}", grandchild.id);
    let shown = person.open(&path).await;
    let link = format!("href=\"/console/apps/demo/tokens/{0}\">Token {0}</a>", child.id);
    assert!(shown.text().contains(&link), "{}", shown.text());
    let change = json!({"permissions": "write,delegate"});
    send(&app, "PATCH", &format!("/apps/demo/tokens/{}", root.id), &change).await;
    let asked = person.open(&format!("{path}?ask=yes&permission=read")).await;
    let expected = format!("Because of token {}, which is above this one.", root.id);
    assert!(
        asked.text().contains(&expected) && asked.text().contains("does not hold read"),
        "{}",
        asked.text()
    );
}

#[tokio::test]
async fn an_explanation_names_the_token_that_is_to_blame() {
    let app = TestApp::new().await;
    let [root, _, grandchild] = three(&app).await;
    send(&app, "PATCH", &format!("/apps/demo/tokens/{}", root.id), &json!({"permissions": "write,delegate"}))
        .await;
    let (id, secret) = &app.client;
    let check = json!({"token": grandchild.secret, "permission": "read", "explain": true});
    let answer = app.post("/verify/demo").basic(id, secret).json(&check).send().await.json();
    assert_eq!((&answer["active"], &answer["reason"]), (&json!(true), &json!("insufficient_scope")));
    let expected = json!({"matched_scope": null, "lacks": ["permission"], "ancestor": root.id});
    assert_eq!(answer["explanation"], expected);
}
