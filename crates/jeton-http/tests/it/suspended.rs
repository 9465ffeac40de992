//! An app that is suspended: nothing of it is accepted, and nothing of it is lost.

use crate::app::{Ask, TestApp, grant, service, user};
use jeton_core::{Demand, InactiveReason, Secret, Verdict};
use serde_json::{Value, json};

/// What each surface answers to somebody of the app `demo`.
struct Asked<'a> {
    app: &'a TestApp,
    token: String,
    manager: String,
}

impl Asked<'_> {
    fn all(&self) -> Vec<(&'static str, Ask<'_>)> {
        let Asked { app, token, manager } = self;
        let check = json!({"token": token});
        let form = "application/x-www-form-urlencoded";
        let text = format!("token={token}");
        let (id, secret) = &app.client;
        vec![
            ("forward-auth", app.get("/auth/demo").bearer(token)),
            ("verify by client", app.post("/verify/demo").basic(id, secret).json(&check)),
            ("verify by bearer", app.post("/verify/demo").bearer(manager).json(&check)),
            ("AppKey by manager", app.get("/AccessToken/demo").bearer(manager)),
            ("AppKey by user", app.get("/AccessToken/demo").bearer(token)),
            ("Dotide", app.get("/v1/demo/access_tokens").basic(id, secret)),
            ("LoopBack", app.get("/apps/demo/api/accessTokens").header("authorization", manager)),
            ("LoopBack's default app", app.get("/api/accessTokens").header("authorization", manager)),
            ("OAuth by client", app.post("/oauth2/introspect").basic(id, secret).body(form, text.clone())),
            ("OAuth by bearer", app.post("/oauth2/introspect").bearer(manager).body(form, text)),
        ]
    }

    async fn statuses(&self) -> Vec<(&'static str, u16)> {
        let mut statuses = Vec::new();
        for (name, ask) in self.all() {
            statuses.push((name, ask.status().await));
        }
        statuses
    }
}

async fn set(app: &TestApp, what: &str) -> Value {
    let answer = app.ask("POST", &format!("/admin/v1/apps/demo/{what}")).bearer(&app.operator).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

#[tokio::test]
async fn nothing_of_it_is_accepted_until_it_is_resumed() {
    let app = TestApp::new().await;
    app.create_app("shop").await;
    let token = app.issue(grant(user("7"), "read")).await;
    let manager = app.issue(service(user("1"), "jeton:manage,jeton:verify")).await.secret;
    let of_shop = app.issue_in("shop", grant(user("7"), "read")).await;
    let asked = Asked { app: &app, token: token.secret.clone(), manager };
    // Twice: the second time memory answers.
    for _ in 0..2 {
        for (name, status) in asked.statuses().await {
            assert_eq!(status, 200, "{name}");
        }
    }
    let before = app.token(token.id).await;
    assert_eq!(set(&app, "suspend").await["suspended"], true);
    for _ in 0..2 {
        for (name, status) in asked.statuses().await {
            assert!([401, 404].contains(&status), "{name}: {status}");
        }
    }
    assert_eq!(app.get("/auth/shop").bearer(&of_shop.secret).status().await, 200);
    assert_eq!(app.token(token.id).await, before, "it stays as it was");
    let secret = Secret::parse(&token.secret).unwrap();
    let explained =
        app.service.explain(&"demo".parse().unwrap(), &secret, &Demand::Active, None).await.unwrap();
    assert_eq!(explained.verdict, Verdict::Inactive(InactiveReason::Suspended));
    // Operators go on, and may write.
    let tokens = app.ask("GET", "/admin/v1/apps/demo/tokens").bearer(&app.operator);
    assert_eq!(tokens.status().await, 200);

    assert_eq!(set(&app, "resume").await["suspended"], false);
    for (name, status) in asked.statuses().await {
        assert_eq!(status, 200, "{name}");
    }
}

#[tokio::test]
async fn the_log_says_so_and_settings_do_as_well() {
    let app = TestApp::new().await;
    set(&app, "suspend").await;
    set(&app, "suspend").await;
    app.merge(json!({"suspended": null})).await;
    let audit = app.ask("GET", "/admin/v1/audit?app=demo").bearer(&app.operator).send().await.json();
    let kinds: Vec<&str> =
        audit["items"].as_array().unwrap().iter().map(|item| item["what"].as_str().unwrap()).collect();
    assert_eq!(kinds[..3], ["app.resumed", "app.updated", "app.suspended"]);
    assert_eq!(audit["items"][2]["actor"], "operator:1");
    let missing = app.ask("POST", "/admin/v1/apps/nobody/suspend").bearer(&app.operator);
    assert_eq!(missing.status().await, 404);
    assert_eq!(app.ask("POST", "/admin/v1/apps/demo/suspend").status().await, 401);
}

#[tokio::test]
async fn gateways_that_ask_take_it_from_no_operator() {
    let app = TestApp::following().await;
    let token = app.issue(grant(user("7"), "read")).await;
    set(&app, "suspend").await;
    // That there is nothing for a gateway is remembered.
    assert_eq!(app.get("/auth/demo").bearer(&token.secret).status().await, 401);
    let listed = app.ask("GET", "/admin/v1/apps/demo/tokens").bearer(&app.operator).send().await;
    assert_eq!(listed.status, 200, "{}", listed.text());
    let removed = app.ask("DELETE", &format!("/admin/v1/apps/demo/tokens/{}", token.id));
    assert_eq!(removed.bearer(&app.operator).status().await, 204);
}
