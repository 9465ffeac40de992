//! OAuth's endpoints: authentication, introspection, revocation.

use crate::answer::Answer;
use crate::app::{
    Ask, HOUR, TestApp, grant, identity, lasting, names, on_ids, scoped, service, stand_in, user,
};
use crate::appkey::callers::set_enabled;
use crate::loopback::open_to_all;
use jeton_core::{Owner, Scope};
use serde_json::{Value, json};

const INTROSPECT: &str = "/oauth2/introspect";
const REVOKE: &str = "/oauth2/revoke";

fn form<'a>(ask: Ask<'a>, token: &str) -> Ask<'a> {
    ask.body(
        "application/x-www-form-urlencoded",
        format!("token={token}&token_type_hint=access_token&other=1"),
    )
}

fn by_client<'a>(app: &'a TestApp, path: &str, token: &str) -> Ask<'a> {
    form(app.post(path).header("authorization", app.basic_value()), token)
}

async fn introspected(app: &TestApp, token: &str) -> Value {
    let answer = by_client(app, INTROSPECT, token).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.json()
}

#[track_caller]
fn assert_refused(answer: &Answer, status: u16, error: &str, challenge: Option<&str>) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.json()["error"], error);
    assert_eq!(answer.header("www-authenticate"), challenge);
}

#[tokio::test]
async fn a_token_is_described_whole() {
    let app = TestApp::new().await;
    let scopes = vec![Scope::global(names("read,a b,write,read")), on_ids("delete", &["s1"])];
    let token = app.issue(lasting(HOUR, scoped(user("7"), scopes))).await;
    let (iat, exp) = (app.after(0).as_millis() / 1_000, app.after(HOUR).as_millis() / 1_000);
    assert_eq!(
        introspected(&app, &token.secret).await,
        json!({
            "active": true, "scope": "read write", "client_id": "demo", "sub": "7", "exp": exp, "iat": iat,
            "token_type": "Bearer", "jti": token.id.to_string(),
            "jeton_scopes": [
                {"permissions": ["read", "a b", "write", "read"], "global": true, "ids": [], "tags": []},
                {"permissions": ["delete"], "global": false, "ids": ["s1"], "tags": []},
            ],
        })
    );
    let unending = introspected(&app, &app.issue(grant(stand_in("8"), "read")).await.secret).await;
    assert_eq!((unending.get("exp"), unending.get("sub")), (None, None), "no end, and no proven user");
    let identity = introspected(&app, &app.issue(identity(user("9"))).await.secret).await;
    assert_eq!(
        (&identity["active"], &identity["scope"], &identity["sub"]),
        (&json!(true), &json!(""), &json!("9"))
    );
}

#[tokio::test]
async fn what_is_not_the_apps_or_not_active_is_inactive_and_nothing_else() {
    let app = TestApp::new().await;
    app.create_app("other").await;
    open_to_all(&app).await;
    let disabled = app.issue(grant(user("7"), "read")).await;
    set_enabled(&app, disabled.id, false).await;
    let expired = app.issue(lasting(HOUR, grant(user("7"), "read"))).await;
    let self_made = app.post("/api/accessTokens").json(&json!({"userId": 7})).send().await.json();
    app.clock.advance_millis(HOUR);
    let service = app.issue(service(Owner::Nobody, "jeton:verify,jeton:manage")).await;
    let foreign = app.issue_in("other", grant(user("7"), "read")).await;
    for (what, token) in [
        ("unknown", "0".repeat(64)),
        ("garbage", "garbage".to_owned()),
        ("no token", "%20".to_owned()),
        ("disabled", disabled.secret),
        ("expired", expired.secret),
        ("self-made", self_made["id"].as_str().unwrap().to_owned()),
        ("a service credential", service.secret),
        ("another app's", foreign.secret),
    ] {
        assert_eq!(introspected(&app, &token).await, json!({"active": false}), "{what}");
    }
}

#[tokio::test]
async fn only_who_belongs_to_an_app_may_ask() {
    let app = TestApp::new().await;
    let token = app.issue(grant(user("7"), "read")).await.secret;
    let basic = Some("Basic realm=\"jeton\", charset=\"UTF-8\"");
    let ask = || form(app.post(INTROSPECT), &token);
    assert_refused(&ask().send().await, 401, "invalid_client", basic);
    assert_refused(&ask().basic(&app.client.0, "wrong").send().await, 401, "invalid_client", basic);
    assert_refused(&ask().basic("nobody", &app.client.1).send().await, 401, "invalid_client", basic);
    assert_refused(&ask().basic("demo\0", &app.client.1).send().await, 401, "invalid_client", basic);
    let invalid = Some("Bearer error=\"invalid_token\"");
    assert_refused(&ask().bearer(&"0".repeat(64)).send().await, 401, "invalid_token", invalid);
    let insufficient = Some("Bearer error=\"insufficient_scope\"");
    assert_refused(&ask().bearer(&token).send().await, 403, "insufficient_scope", insufficient);
    let manager = app.issue(service(Owner::Nobody, "jeton:manage")).await.secret;
    assert_refused(&ask().bearer(&manager).send().await, 403, "insufficient_scope", insufficient);
    let verifier = app.issue(service(Owner::Nobody, "jeton:verify")).await.secret;
    assert_eq!(ask().bearer(&verifier).send().await.json()["active"], true);
    let elsewhere = app.create_app("other").await;
    assert_eq!(ask().bearer(&elsewhere).send().await.json(), json!({"active": false}), "of its own app only");
}

#[tokio::test]
async fn questions_that_make_no_sense_are_told_apart() {
    let app = TestApp::new().await;
    let ask = |kind: &str, body: &str| {
        app.post(INTROSPECT).header("authorization", app.basic_value()).body(kind, body)
    };
    let form = "application/x-www-form-urlencoded";
    for (kind, body) in [
        (form, ""),
        (form, "token="),
        (form, "token_type_hint=access_token"),
        (form, "token=a&token=b"),
        (form, "token=%ff"),
        ("application/json", r#"{"token":"a"}"#),
    ] {
        assert_refused(&ask(kind, body).send().await, 400, "invalid_request", None);
        assert_refused(
            &app.post(INTROSPECT).body(kind, body).send().await,
            401,
            "invalid_client",
            Some("Basic realm=\"jeton\", charset=\"UTF-8\""),
        );
    }
    let large = "token=".to_owned() + &"a".repeat(200_000);
    assert_eq!(ask(form, &large).status().await, 413);
    for path in [INTROSPECT, REVOKE] {
        let answer = app.get(path).send().await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, Some("POST")), "{path}");
    }
    for path in
        ["/oauth2", "/oauth2/", "/oauth2/token", "/oauth2/introspect/", "/.well-known/openid-configuration"]
    {
        assert_refused(&app.post(path).send().await, 404, "not_found", None);
    }
    app.store.fail_always();
    let answer = by_client(&app, INTROSPECT, "a").send().await;
    assert_refused(&answer, 503, "unavailable", None);
}

#[tokio::test]
async fn a_client_revokes_what_is_its_apps() {
    let app = TestApp::new().await;
    let other = app.create_app("other").await;
    open_to_all(&app).await;
    let token = app.issue(grant(user("7"), "read")).await;
    let disabled = app.issue(grant(user("7"), "read")).await;
    set_enabled(&app, disabled.id, false).await;
    for secret in [&token.secret, &disabled.secret, &token.secret] {
        let answer = by_client(&app, REVOKE, secret).send().await;
        assert_eq!((answer.status.as_u16(), answer.text()), (200, ""));
        assert_eq!(app.get("/auth/demo").bearer(secret).status().await, 401);
    }
    assert!(app.token(disabled.id).await.is_none(), "disabled ones, too");
    // What it may not know of is 200 like what it does not know, and stays.
    let service = app.issue(service(Owner::Nobody, "jeton:verify")).await;
    let foreign = app.issue_in("other", grant(user("7"), "read")).await;
    let self_made = app.post("/api/accessTokens").json(&json!({"userId": 7})).send().await.json();
    let self_made = self_made["id"].as_str().unwrap();
    for secret in [service.secret.as_str(), &foreign.secret, self_made, &other, "garbage", &"0".repeat(64)] {
        assert_eq!(by_client(&app, REVOKE, secret).status().await, 200);
    }
    assert_eq!(form(app.post(INTROSPECT), "x").bearer(&service.secret).status().await, 200);
    assert_eq!(app.get("/auth/other").bearer(&foreign.secret).status().await, 200);
    assert_eq!(app.get(&format!("/api/accessTokens/{self_made}")).status().await, 200);
    let nobodys = form(app.post(REVOKE), "x");
    assert_refused(
        &nobodys.send().await,
        401,
        "invalid_client",
        Some("Basic realm=\"jeton\", charset=\"UTF-8\""),
    );
}

#[tokio::test]
async fn a_bearer_revokes_itself_and_nothing_else() {
    let app = TestApp::new().await;
    let insufficient = Some("Bearer error=\"insufficient_scope\"");
    let victim = app.issue(grant(user("7"), "read")).await.secret;
    for issue in [
        grant(user("7"), "read"),
        identity(user("7")),
        grant(Owner::Nobody, "read"),
        grant(stand_in("7"), "read"),
    ] {
        let token = app.issue(issue).await.secret;
        let ask = |body: &str| form(app.post(REVOKE), body).bearer(&token);
        for other in [victim.as_str(), "garbage", &"0".repeat(64)] {
            assert_refused(&ask(other).send().await, 403, "insufficient_scope", insufficient);
        }
        assert_eq!(app.get("/auth/demo").bearer(&token).status().await, 200);
        assert_eq!(ask(&token).status().await, 200);
        assert_eq!(app.get("/auth/demo").bearer(&token).status().await, 401);
        assert_eq!(ask(&token).status().await, 200, "it is revoked");
        let invalid = Some("Bearer error=\"invalid_token\"");
        assert_refused(&ask(&victim).send().await, 401, "invalid_token", invalid);
    }
    let service = app.issue(service(Owner::Nobody, "jeton:manage,jeton:verify")).await.secret;
    let itself = form(app.post(REVOKE), &service).bearer(&service);
    assert_refused(&itself.send().await, 403, "insufficient_scope", insufficient);
    let two = form(app.post(REVOKE), &victim).bearer(&victim).bearer(&victim);
    assert_eq!(two.status().await, 401);
    assert_eq!(app.get("/auth/demo").bearer(&victim).status().await, 200);
}

#[tokio::test]
async fn metadata_is_there_where_the_issuer_has_tls() {
    let path = "/.well-known/oauth-authorization-server";
    let app = TestApp::new().await;
    assert_eq!(app.get(path).status().await, 404);
    let setup = jeton_http::Setup::new("https://tokens.example/base".parse().unwrap());
    let answer = app.get(path).send_to(&setup).await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(
        answer.json(),
        json!({
            "issuer": "https://tokens.example/base",
            "introspection_endpoint": "https://tokens.example/base/oauth2/introspect",
            "introspection_endpoint_auth_methods_supported": ["client_secret_basic"],
            "revocation_endpoint": "https://tokens.example/base/oauth2/revoke",
            "revocation_endpoint_auth_methods_supported": ["client_secret_basic"],
            "response_types_supported": [], "grant_types_supported": [],
        })
    );
    let posted = app.post(path).send_to(&setup).await;
    assert_eq!((posted.status.as_u16(), posted.header("allow")), (405, Some("GET, HEAD")));
}
