//! `/verify/{app}`: authorization, verdicts and errors.

use crate::answer::Answer;
use crate::app::{
    Ask, DAY, EVERYTHING, TestApp, With, grant, identity, lasting, names, on_ids, on_tags, scoped, service,
    user,
};
use crate::appkey::callers::{Caller, everybody};
use jeton_core::{Owner, Scope, TokenId, TokenKind};
use jeton_service::Edit;
use serde_json::{Value, json};

const PATH: &str = "/verify/demo";

/// A check with the client credentials of `demo`.
fn ask<'a>(app: &'a TestApp, body: &Value) -> Ask<'a> {
    let (id, secret) = &app.client;
    app.post(PATH).basic(id, secret).json(body)
}

async fn answer(app: &TestApp, body: &Value) -> Value {
    let answer = ask(app, body).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.json()
}

/// Checks that this is an error of verification, whole.
fn assert_error(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let body = answer.json();
    assert_eq!(body["error"], code, "{body}");
    assert!(body["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
    assert_eq!(body.as_object().unwrap().len(), 2, "{body}");
}

#[tokio::test]
async fn the_answers_whole() {
    let app = TestApp::new().await;
    let scopes = vec![on_ids("read", &["s1"]), on_tags("write", &["a", "b"]), Scope::global(names("list"))];
    let token = app.issue(lasting(DAY, scoped(user("7"), scopes))).await.secret;
    let of_text = app.issue(identity(user("ключ \"и\" замок"))).await.secret;
    let mut all = Vec::new();
    for body in [
        json!({"token": token}),
        json!({"token": token, "permission": "list"}),
        json!({"token": token, "permission": "read", "resource": {"id": "s1"}, "explain": true}),
        json!({"token": token, "permission": "write", "resource": {"tags": ["b", "c", "a"]}, "explain": true}),
        json!({"token": token, "permission": "write", "explain": true}),
        json!({"token": token, "permission": "read", "resource": {}, "explain": true}),
        json!({"token": of_text, "permission": "read"}),
        json!({"token": "nobody's", "permission": "read", "explain": true}),
        json!({"checks": []}),
        json!({"checks": [{"token": token}, {"token": 5}, {"token": "", "permission": "read"}]}),
    ] {
        let answer = ask(&app, &body).send().await;
        assert_eq!(answer.status, 200);
        all.push(answer.text().to_owned());
    }
    insta::assert_snapshot!(all.join("\n"), @r#"
    {"active":true,"allowed":true,"reason":null,"token_id":2,"user_id":7,"expires_at":"2026-01-03T03:04:05.678Z"}
    {"active":true,"allowed":true,"reason":null,"token_id":2,"user_id":7,"expires_at":"2026-01-03T03:04:05.678Z"}
    {"active":true,"allowed":true,"reason":null,"token_id":2,"user_id":7,"expires_at":"2026-01-03T03:04:05.678Z","explanation":{"matched_scope":0,"lacks":[]}}
    {"active":true,"allowed":true,"reason":null,"token_id":2,"user_id":7,"expires_at":"2026-01-03T03:04:05.678Z","explanation":{"matched_scope":1,"lacks":[]}}
    {"active":true,"allowed":false,"reason":"insufficient_scope","token_id":2,"user_id":7,"expires_at":"2026-01-03T03:04:05.678Z","explanation":{"matched_scope":null,"lacks":["permission","global","permission"]}}
    {"active":true,"allowed":false,"reason":"insufficient_scope","token_id":2,"user_id":7,"expires_at":"2026-01-03T03:04:05.678Z","explanation":{"matched_scope":null,"lacks":["resource","permission","permission"]}}
    {"active":true,"allowed":false,"reason":"insufficient_scope","token_id":3,"user_id":"ключ \"и\" замок","expires_at":null}
    {"active":false,"allowed":false,"reason":"unknown","token_id":null,"user_id":null,"expires_at":null,"explanation":{"matched_scope":null,"lacks":[]}}
    {"results":[]}
    {"results":[{"active":true,"allowed":true,"reason":null,"token_id":2,"user_id":7,"expires_at":"2026-01-03T03:04:05.678Z"},{"active":false,"allowed":false,"reason":"invalid_check","token_id":null,"user_id":null,"expires_at":null,"message":"a check is an object: token (text), permission (text), resource (object of id (text) and tags (array of texts)), address (text), explain (true or false); all but token may be left out"},{"active":false,"allowed":false,"reason":"unknown","token_id":null,"user_id":null,"expires_at":null}]}
    "#);
}

#[tokio::test]
async fn every_reason_against_a_token() {
    let app = TestApp::new().await;
    let token = app.issue(lasting(DAY, grant(user("7"), "read"))).await;
    let check = json!({"token": token.secret, "permission": "read"});
    let reason = async || {
        let answer = answer(&app, &check).await;
        assert_eq!(answer["active"], answer["allowed"]);
        answer["reason"].clone()
    };
    assert_eq!(reason().await, Value::Null);
    let id = TokenId::new(token.id).unwrap();
    let edit = Edit { enabled: Some(false), ..Edit::default() };
    let demo = app.open("demo").await;
    app.service.update(&demo, &EVERYTHING, id, None, &edit).await.unwrap().unwrap();
    assert_eq!(reason().await, "disabled");
    app.clock.advance_millis(DAY);
    assert_eq!(reason().await, "expired");
    app.service.revoke(&demo, &EVERYTHING, id, None).await.unwrap().unwrap();
    assert_eq!(reason().await, "revoked");
    app.service.delete_app(&"demo".parse().unwrap(), &jeton_core::Cause::CLI).await.unwrap();
    assert_error(&ask(&app, &check).send().await, 401, "unauthorized");
}

/// Service credentials, self-made tokens and those of other apps are unknown, even when an explanation is
/// requested.
#[tokio::test]
async fn what_is_none_of_a_backends_business_is_unknown() {
    let app = TestApp::new().await;
    let other_admin = app.create_app("other").await;
    let self_made = identity(user("7")).with(|token| token.spec.kind = TokenKind::SelfMade);
    let garbage = json!({
        "active": false, "allowed": false, "reason": "unknown", "token_id": null, "user_id": null, "expires_at": null,
        "explanation": {"matched_scope": null, "lacks": []},
    });
    for secret in [
        "x".to_owned(),
        "0123456789abcdef".repeat(4),
        "x".repeat(5000),
        app.admin.clone(),
        app.client.1.clone(),
        other_admin,
        app.issue(service(user("7"), "jeton:verify")).await.secret,
        app.issue(self_made).await.secret,
        app.issue_in("other", grant(user("7"), "read")).await.secret,
    ] {
        for check in [
            json!({"token": secret, "explain": true}),
            json!({"token": secret, "permission": "jeton:verify", "explain": true}),
        ] {
            assert_eq!(answer(&app, &check).await, garbage, "{secret}");
            assert_eq!(answer(&app, &json!({"checks": [check]})).await, json!({"results": [garbage]}));
        }
    }
}

#[tokio::test]
async fn every_caller() {
    let (app, callers) = everybody().await;
    let good = app.issue(grant(Owner::Nobody, "read")).await.secret;
    for caller in &callers {
        let answer = caller.asks(app.post(PATH)).json(&json!({"token": good})).send().await;
        match caller.caller {
            Caller::Manager | Caller::Verifier => {
                assert_eq!(answer.json()["allowed"], true, "{:?}", caller.caller);
            }
            Caller::ManagerOfNobody
            | Caller::Identity
            | Caller::IdentityForADay
            | Caller::Read
            | Caller::ReadForADay
            | Caller::ReadWrite
            | Caller::Narrow
            | Caller::Empty
            | Caller::ReadOfUser8
            | Caller::StandIn
            | Caller::Nobody => {
                assert_error(&answer, 403, "insufficient_scope");
                let challenge = answer.header("www-authenticate");
                assert_eq!(challenge, Some("Bearer error=\"insufficient_scope\""));
            }
            Caller::Disabled
            | Caller::Expired
            | Caller::Revoked
            | Caller::OtherApp
            | Caller::OtherManager
            | Caller::Garbage
            | Caller::Basic
            | Caller::Twice
            | Caller::Nothing => assert_unproven(&answer),
        }
    }
    assert_eq!(callers.len(), Caller::ALL.len());
}

fn assert_unproven(answer: &Answer) {
    assert_error(answer, 401, "unauthorized");
    let challenges: Vec<_> = answer.headers.get_all("www-authenticate").iter().collect();
    assert_eq!(challenges, ["Basic realm=\"jeton\", charset=\"UTF-8\"", "Bearer"]);
}

#[tokio::test]
async fn client_credentials_of_this_app_alone() {
    let app = TestApp::new().await;
    app.create_app("other").await;
    let (id, secret) = app.client.clone();
    let check = json!({"token": "x"});
    let reference = app.post(PATH).json(&check).send().await;
    assert_unproven(&reference);
    for asked in [
        app.post(PATH).basic(&id, "wrong"),
        app.post(PATH).basic("wrong", &secret),
        app.post("/verify/other").basic(&id, &secret),
        app.post("/verify/nobody").basic(&id, &secret),
        app.post("/verify/no%20key").basic(&id, &secret),
        app.post("/verify/nobody").bearer(&app.admin),
        app.post("/verify/other").bearer(&app.admin),
        app.post(PATH).basic(&id, &secret).bearer(&app.admin),
        app.post(PATH).header("x-access-token", &app.admin),
        // Decided before anybody looks at the body.
        app.post(PATH).basic(&id, "wrong").body("text/plain", "{"),
        app.post(PATH).bearer(&"0123456789abcdef".repeat(4)).body("application/json", vec![b' '; 2 << 20]),
    ] {
        assert_eq!(asked.send().await.show(), reference.show());
    }
    // A dialect that is switched off does not take verification with it.
    let off = json!({"enabled": false});
    app.merge(json!({"appkey": off, "dotide": off, "loopback": off})).await;
    assert_eq!(answer(&app, &check).await["reason"], "unknown");
}

#[tokio::test]
async fn requests_that_are_no_question() {
    let app = TestApp::new().await;
    let (id, secret) = app.client.clone();
    let asked = |content_type: &str, body: &str| app.post(PATH).basic(&id, &secret).body(content_type, body);
    let too_many = json!({"checks": vec![json!({"token": "x"}); 1001]}).to_string();
    for (content_type, body, status, code) in [
        ("application/json", "{", 400, "invalid_json"),
        ("application/json", "", 400, "invalid_json"),
        ("application/json", "[]", 422, "invalid_check"),
        ("application/json", "{}", 422, "invalid_check"),
        ("application/json", r#"{"token":"x","permission":"a,b"}"#, 422, "invalid_check"),
        ("application/json", r#"{"token":"x","checks":[]}"#, 422, "invalid_check"),
        ("application/json", &too_many, 422, "too_many_checks"),
        ("application/x-www-form-urlencoded", "token=x", 400, "invalid_json"),
        ("text/plain; charset=utf-16", "{}", 415, "unsupported_media_type"),
    ] {
        assert_error(&asked(content_type, body).send().await, status, code);
    }
    // As `curl -d` sends it.
    for content_type in ["application/x-www-form-urlencoded", "text/plain"] {
        assert_eq!(asked(content_type, r#"{"token":"x"}"#).status().await, 200, "{content_type}");
    }
    let fits = format!("{{\"token\":\"x\"}}{}", " ".repeat((1 << 20) - 13));
    assert_eq!(asked("application/json", &fits).status().await, 200);
    assert_error(&asked("application/json", &(fits + " ")).send().await, 413, "body_too_large");
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        let answer = app.ask(method, PATH).send().await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, Some("POST")), "{method}");
    }
    for path in ["/verify", "/verify/", "/verify/demo/x", "/verify/%ff"] {
        assert_error(&app.post(path).send().await, 404, "not_found");
    }
    assert_eq!(
        app.ask("post", "/verify/demo/").basic(&id, &secret).json(&json!({"token": "x"})).status().await,
        200
    );
}

/// What a body held is in no error: it may have been a secret.
#[tokio::test]
async fn errors_quote_nothing() {
    let app = TestApp::new().await;
    for body in [
        json!({"canary0123456789": "canary"}),
        json!({"token": ["canary"]}),
        json!({"token": "x", "permission": "canary,"}),
        json!({"token": "x", "resource": "canary"}),
        json!({"checks": [{"canary0123456789": 1}, {"token": "canary", "explain": "canary"}]}),
    ] {
        let answer = ask(&app, &body).send().await;
        assert!(!answer.text().contains("canary"), "{}", answer.text());
    }
}

#[tokio::test]
async fn a_batch_answers_as_its_checks_do_alone() {
    let app = TestApp::new().await;
    let scopes = vec![Scope::global(names("read")), on_ids("write", &["s1"])];
    let token = app.issue(scoped(user("7"), scopes)).await.secret;
    let mut checks = Vec::new();
    for permission in [json!("read"), json!("write"), Value::Null, json!("a,b")] {
        for resource in [Value::Null, json!({"id": "s1"}), json!({"id": "s2", "tags": ["a"]}), json!([])] {
            for token in [json!(token), json!("x"), json!(5)] {
                let check =
                    json!({"token": token, "permission": permission, "resource": resource, "explain": true});
                let mut named = check.clone();
                named.as_object_mut().unwrap().retain(|_, value| !value.is_null());
                checks.extend([check, named]);
            }
        }
    }
    let mut alone = Vec::new();
    for check in &checks {
        let answer = ask(&app, check).send().await;
        if answer.status == 200 {
            alone.push(answer.json());
        } else {
            assert_error(&answer, 422, "invalid_check");
            let message = &answer.json()["message"];
            alone.push(json!({
                "active": false, "allowed": false, "reason": "invalid_check", "token_id": null, "user_id": null,
                "expires_at": null, "message": message,
            }));
        }
    }
    assert_eq!(answer(&app, &json!({"checks": checks})).await, json!({"results": alone}));
}

#[tokio::test]
async fn a_thousand_checks_ask_the_store_once() {
    let app = TestApp::new().await;
    let mut checks = Vec::new();
    for number in 0..1000 {
        let secret = if number % 100 == 0 {
            app.issue(grant(user("7"), "read")).await.secret
        } else {
            "0123456789abcdef".repeat(4) + &number.to_string()
        };
        checks.push(json!({"token": secret, "permission": "read"}));
    }
    let before = app.store.calls();
    let answer = answer(&app, &json!({"checks": checks})).await;
    // Two for the app that asks: whether it is that, and then itself.
    assert_eq!(app.store.calls() - before, 3);
    let results = answer["results"].as_array().unwrap();
    assert_eq!(results.len(), 1000);
    for (number, result) in results.iter().enumerate() {
        assert_eq!(result["allowed"], number % 100 == 0, "{number}: {result}");
    }
}

#[tokio::test]
async fn what_could_not_be_found_out_is_no_answer() {
    let app = TestApp::new().await;
    let token = app.issue(grant(user("7"), "read")).await.secret;
    let check = json!({"token": token});
    for (body, calls) in [(check.clone(), 3), (json!({"checks": [check, {"token": 5}]}), 3)] {
        for number in 1..=calls {
            app.store.fail_only(number);
            assert_error(&ask(&app, &body).send().await, 503, "unavailable");
        }
        app.store.fail_only(calls + 1);
        assert_eq!(ask(&app, &body).status().await, 200);
        app.store.recover();
    }
    app.store.fail_always();
    assert_error(&app.post(PATH).bearer(&token).json(&json!({})).send().await, 503, "unavailable");
    assert_unproven(&app.post(PATH).send().await);
}
