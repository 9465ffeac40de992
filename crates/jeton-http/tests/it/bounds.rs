//! From when and from where tokens may be used, on every surface.

use crate::admin::{ask as operate, assert_problem, get, send};
use crate::answer::Answer;
use crate::app::{Ask, HOUR, Holder, TestApp, With, grant, identity, lasting, service, user};
use crate::loopback::open_to_all;
use jeton_core::{AllowedAddresses, Owner};
use jeton_service::Issue;
use serde_json::{Value, json};

const INSIDE: &str = "192.0.2.7";
const OUTSIDE: &str = "203.0.113.9";
const BLOCK: &str = "192.0.2.0/24";
const FORM: &str = "application/x-www-form-urlencoded";

/// The same token, from these addresses only.
fn bound(blocks: &[&str], issue: Issue) -> Issue {
    let allowed = AllowedAddresses::parse(blocks.iter().copied()).unwrap();
    issue.with(|token| token.spec.bounds.allowed_addresses = allowed)
}

async fn behind_proxy() -> TestApp {
    TestApp::new().await.behind_proxy()
}

trait Via<'a> {
    /// The request of a client at this address, as a proxy passes it on.
    fn from(self, address: &str) -> Ask<'a>;
}

impl<'a> Via<'a> for Ask<'a> {
    fn from(self, address: &str) -> Ask<'a> {
        self.header("x-forwarded-for", address)
    }
}

/// The status of forward-auth for a client at this address.
async fn auth(app: &TestApp, token: &Holder, address: &str) -> u16 {
    app.get("/auth/demo?permission=read").bearer(&token.secret).from(address).status().await
}

async fn verified(app: &TestApp, check: Value) -> Value {
    let (id, secret) = &app.client;
    let answer = app.post("/verify/demo").basic(id, secret).json(&check).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// The reason against a token for a client at this address, if it is known.
async fn reason(app: &TestApp, token: &Holder, address: Option<&str>) -> Value {
    let mut check = json!({"token": token.secret, "permission": "read"});
    if let Some(address) = address {
        check["address"] = address.into();
    }
    let answer = verified(app, check).await;
    let is_named = answer["reason"].as_str().is_some_and(|reason| reason != "insufficient_scope");
    assert_eq!(answer["active"], !is_named, "{answer}");
    answer["reason"].clone()
}

#[tokio::test]
async fn a_gateways_client_must_be_on_the_list() {
    let app = behind_proxy().await;
    let token = app.issue(bound(&[BLOCK, "2001:db8::/32"], grant(user("7"), "read"))).await;
    for (address, status) in [
        (INSIDE, 200),
        (OUTSIDE, 401),
        ("::ffff:192.0.2.7", 200),
        ("[2001:db8::7]:4711", 200),
        ("2001:db9::7", 401),
        // The last one is the proxy's; all before it may be invented.
        (&format!("{OUTSIDE}, {INSIDE}"), 200),
        (&format!("{INSIDE}, {OUTSIDE}"), 401),
        (&format!("{INSIDE}, unknown"), 401),
        (&format!("{INSIDE},"), 401),
        ("", 401),
    ] {
        assert_eq!(auth(&app, &token, address).await, status, "{address}");
    }
    let several = app.get("/auth/demo").bearer(&token.secret).from(INSIDE).from(OUTSIDE);
    assert_eq!(several.status().await, 401, "the last header is the proxy's");
    assert_eq!(app.get("/auth/demo").bearer(&token.secret).status().await, 401, "nobody says from where");
    let others = [("forwarded", "for=192.0.2.7"), ("x-real-ip", INSIDE), ("x-client-ip", INSIDE)];
    for (name, value) in others {
        let asked = app.get("/auth/demo").bearer(&token.secret).header(name, value);
        assert_eq!(asked.status().await, 401, "{name} is not read");
    }
    let plain = app.issue(grant(user("7"), "read")).await;
    assert_eq!(app.get("/auth/demo").bearer(&plain.secret).status().await, 200);
}

#[tokio::test]
async fn without_a_proxy_no_header_is_believed() {
    let app = TestApp::new().await;
    let token = app.issue(bound(&[BLOCK], grant(user("7"), "read"))).await;
    assert_eq!(auth(&app, &token, INSIDE).await, 401);
    let asked = app.get("/AccessToken/demo").bearer(&token.secret).from(INSIDE);
    asked.send().await.assert_envelope(401);
    assert_eq!(reason(&app, &token, Some(INSIDE)).await, Value::Null, "a backend says from where");
}

#[tokio::test]
async fn the_lists_of_app_and_token_hold_together() {
    let app = behind_proxy().await;
    let narrow = app.issue(bound(&["192.0.2.0/25", "198.51.100.1"], grant(user("7"), "read"))).await;
    let plain = app.issue(grant(user("7"), "read")).await;
    app.merge(json!({"allowed_addresses": [BLOCK, "2001:db8::/32"]})).await;
    for (address, of_narrow, of_plain) in [
        (INSIDE, 200, 200),
        ("192.0.2.200", 401, 200),
        ("198.51.100.1", 401, 401),
        ("2001:db8::1", 401, 200),
        (OUTSIDE, 401, 401),
    ] {
        assert_eq!(auth(&app, &narrow, address).await, of_narrow, "{address}");
        assert_eq!(auth(&app, &plain, address).await, of_plain, "{address}");
    }
    for (token, address, list) in
        [(&narrow, "192.0.2.200", "token"), (&narrow, "198.51.100.1", "app"), (&plain, OUTSIDE, "app")]
    {
        let check = json!({"token": token.secret, "address": address, "explain": true});
        let answer = verified(&app, check).await;
        assert_eq!((&answer["active"], &answer["reason"]), (&json!(false), &json!("address_not_allowed")));
        let expected = json!({"matched_scope": null, "lacks": [], "refused_by": list});
        assert_eq!(answer["explanation"], expected);
    }
    assert_eq!(reason(&app, &plain, None).await, "address_unknown");
    // Whoever has locked out an app undoes it: operators have no list.
    let lifted = send(&app, "PATCH", "/apps/demo/settings", &json!({"allowed_addresses": null})).await;
    assert_eq!(lifted.json()["allowed_addresses"], json!([]));
    assert_eq!(auth(&app, &plain, OUTSIDE).await, 200);
}

#[tokio::test]
async fn a_token_begins_when_it_begins() {
    let app = behind_proxy().await;
    let begins = app.after(HOUR);
    let token = lasting(2 * HOUR, grant(user("7"), "read"));
    let token = app.issue(token.with(|token| token.spec.bounds.not_before = Some(begins))).await;
    app.clock.advance_millis(HOUR - 1);
    assert_eq!(auth(&app, &token, INSIDE).await, 401);
    assert_eq!(reason(&app, &token, Some(INSIDE)).await, "not_yet_valid");
    app.get("/AccessToken/demo").bearer(&token.secret).send().await.assert_envelope(401);
    app.clock.advance_millis(1);
    assert_eq!(auth(&app, &token, INSIDE).await, 200);
    app.clock.advance_millis(HOUR);
    assert_eq!(reason(&app, &token, None).await, "expired");
}

#[tokio::test]
async fn a_change_applies_from_its_answer_on() {
    let app = TestApp::following().await.behind_proxy();
    let token = app.issue(grant(user("7"), "read")).await;
    let path = format!("/apps/demo/tokens/{}", token.id);
    for _ in 0..2 {
        assert_eq!(auth(&app, &token, OUTSIDE).await, 200);
        send(&app, "PATCH", &path, &json!({"allowed_addresses": [BLOCK]})).await;
        assert_eq!(auth(&app, &token, OUTSIDE).await, 401);
        assert_eq!(auth(&app, &token, INSIDE).await, 200);
        send(&app, "PATCH", &path, &json!({"allowed_addresses": null})).await;
        assert_eq!(auth(&app, &token, OUTSIDE).await, 200);
        app.merge(json!({"allowed_addresses": [BLOCK]})).await;
        assert_eq!(auth(&app, &token, OUTSIDE).await, 401);
        assert_eq!(auth(&app, &token, INSIDE).await, 200);
        app.merge(json!({"allowed_addresses": []})).await;
        let later = "2100-01-01T00:00:00Z";
        send(&app, "PATCH", &path, &json!({"not_before": later})).await;
        assert_eq!(auth(&app, &token, OUTSIDE).await, 401);
        send(&app, "PATCH", &path, &json!({"not_before": null})).await;
    }
    assert!(app.service.cache_stats().hits > 0);
}

#[tokio::test]
async fn no_gateway_keeps_an_answer_that_depends_on_the_address() {
    let app = behind_proxy().await;
    app.merge(json!({"forward_auth": {"cache_seconds": 60}})).await;
    let narrow = app.issue(bound(&[BLOCK], grant(user("7"), "read"))).await;
    let plain = app.issue(grant(user("7"), "read")).await;
    let caching = async |token: &Holder| {
        let answer = app.get("/auth/demo").bearer(&token.secret).from(INSIDE).send().await;
        assert_eq!(answer.status, 200);
        answer.header("cache-control").unwrap().to_owned()
    };
    assert_eq!(caching(&plain).await, "public, max-age=60");
    assert_eq!(caching(&narrow).await, "no-store");
    app.merge(json!({"allowed_addresses": [BLOCK]})).await;
    assert_eq!(caching(&plain).await, "no-store");
}

#[tokio::test]
async fn a_caller_is_admitted_from_where_its_token_is_good() {
    let app = behind_proxy().await;
    open_to_all(&app).await;
    app.create_app("other").await;
    let reader = app.issue(bound(&[BLOCK], grant(user("7"), "read"))).await;
    let manager = app.issue(bound(&[BLOCK], service(Owner::Nobody, "jeton:manage,jeton:verify"))).await;
    for (address, is_in) in [(INSIDE, true), (OUTSIDE, false), ("", false)] {
        let listed = app.get("/AccessToken/demo").bearer(&reader.secret).from(address);
        assert_eq!(listed.status().await, if is_in { 200 } else { 401 }, "{address}");
        // Not even whether an app exists is told.
        let listed = app.get("/AccessToken/other").bearer(&reader.secret).from(address);
        assert_eq!(listed.status().await, if is_in { 404 } else { 401 }, "{address}");
        let asked = app.post("/AccessToken/demo").bearer(&manager.secret).json(&json!({"title": "t"}));
        assert_eq!(asked.from(address).status().await, if is_in { 200 } else { 401 }, "{address}");
        let asked = app.post("/verify/demo").bearer(&manager.secret).json(&json!({"token": "x"}));
        assert_eq!(asked.from(address).status().await, if is_in { 200 } else { 401 }, "{address}");
        let asked = app.post("/oauth2/introspect").bearer(&manager.secret).body(FORM, "token=x");
        assert_eq!(asked.from(address).status().await, if is_in { 200 } else { 401 }, "{address}");
        // On LoopBack a stranger may write, and proves nothing.
        let row = json!({"userId": 9});
        let asked = app.post("/api/accessTokens").header("x-access-token", &manager.secret).json(&row);
        let made = asked.from(address).send().await.json();
        let made = Holder { id: 0, secret: made["id"].as_str().unwrap().to_owned() };
        let expected = if is_in { json!("insufficient_scope") } else { json!("unknown") };
        assert_eq!(reason(&app, &made, Some(address).filter(|text| !text.is_empty())).await, expected);
    }
    // The app's list holds for callers, too.
    let plain = app.issue(grant(user("7"), "read")).await;
    app.merge(json!({"allowed_addresses": [BLOCK]})).await;
    for key in ["demo", "other"] {
        let listed = app.get(&format!("/AccessToken/{key}")).bearer(&plain.secret).from(OUTSIDE);
        listed.send().await.assert_envelope(401);
    }
    let listed = app.get("/AccessToken/demo").bearer(&plain.secret).from(INSIDE);
    assert_eq!(listed.status().await, 200);
}

#[tokio::test]
async fn oauth_has_no_address_and_says_no() {
    let app = behind_proxy().await;
    let narrow = app.issue(bound(&[BLOCK], grant(user("7"), "read"))).await;
    let plain = app.issue(grant(user("7"), "read")).await;
    let introspected = async |token: &Holder| {
        let asked = app.post("/oauth2/introspect").header("authorization", app.basic_value());
        asked.body(FORM, format!("token={}", token.secret)).from(INSIDE).send().await.json()
    };
    assert_eq!(introspected(&narrow).await, json!({"active": false}));
    assert_eq!(introspected(&plain).await["active"], true);
    app.merge(json!({"allowed_addresses": [BLOCK]})).await;
    assert_eq!(introspected(&plain).await, json!({"active": false}));
    // Whoever has a token may end it, from wherever that is.
    let own = app.post("/oauth2/revoke").bearer(&narrow.secret);
    let own = own.body(FORM, format!("token={}", narrow.secret)).from(OUTSIDE);
    assert_eq!(own.status().await, 200);
    assert!(app.token(narrow.id).await.is_none(), "it is revoked");
    let others = app.post("/oauth2/revoke").bearer(&plain.secret).body(FORM, "token=x").from(OUTSIDE);
    assert_eq!(others.status().await, 401, "as of nobody");
}

#[tokio::test]
async fn what_users_make_is_bound_as_their_own_token_is() {
    let app = behind_proxy().await;
    open_to_all(&app).await;
    app.merge(json!({"appkey": {"grantable": ["read"]}})).await;
    let reader = app.issue(bound(&[BLOCK], grant(user("7"), "read,write"))).await;
    let made = app.post("/AccessToken/demo").bearer(&reader.secret).from(INSIDE);
    let made = made.json(&json!({"title": "t", "permissions": "read"})).send().await.json();
    let child = Holder { id: 0, secret: text(&made["data"]["access_token"]) };
    assert_eq!(auth(&app, &child, INSIDE).await, 200);
    assert_eq!(auth(&app, &child, OUTSIDE).await, 401);
    // Another token of the user that can be used elsewhere is none of its.
    let free = app.issue(grant(user("7"), "read")).await;
    let listed = app.get("/AccessToken/demo").bearer(&reader.secret).from(INSIDE).send().await;
    assert!(!listed.text().contains(&free.secret) && listed.text().contains(&child.secret));
    let asked = app.put(&format!("/AccessToken/demo/{}", free.id)).bearer(&reader.secret).from(INSIDE);
    asked.json(&json!({"title": "mine"})).send().await.assert_envelope(403);
    // Nor is one read that may be used from more addresses than the caller's.
    let wide = app.issue(bound(&["192.0.0.0/16"], grant(user("7"), "read"))).await;
    let listed = app.get("/AccessToken/demo").bearer(&reader.secret).from(INSIDE).send().await;
    assert!(!listed.text().contains(&wide.secret));

    let speaker = app.issue(bound(&[BLOCK], identity(user("7")))).await;
    let row = json!({"userId": 7});
    let asked = app.post("/api/accessTokens").header("x-access-token", &speaker.secret).json(&row);
    let made = asked.from(INSIDE).send().await.json();
    let child = Holder { id: 0, secret: text(&made["id"]) };
    assert_eq!(reason(&app, &child, Some(INSIDE)).await, "insufficient_scope");
    assert_eq!(reason(&app, &child, Some(OUTSIDE)).await, "address_not_allowed");
    // A manager acts for the app.
    let manager = app.issue(bound(&[BLOCK], service(Owner::Nobody, "jeton:manage"))).await;
    let made = app.post("/AccessToken/demo").bearer(&manager.secret).from(INSIDE);
    let made = made.json(&json!({"title": "t", "permissions": "read"})).send().await.json();
    let free = Holder { id: 0, secret: text(&made["data"]["access_token"]) };
    assert_eq!(auth(&app, &free, OUTSIDE).await, 200);
}

#[tokio::test]
async fn a_rotation_keeps_the_bounds_and_a_finder_has_none() {
    let app = behind_proxy().await;
    let reader = app.issue(bound(&[BLOCK], grant(user("7"), "read"))).await;
    let free = app.issue(grant(user("7"), "read")).await;
    let rotate = async |id: i64, address: &str| {
        app.post(&format!("/AccessToken/demo/{id}/rotate")).bearer(&reader.secret).from(address).send().await
    };
    rotate(reader.id, OUTSIDE).await.assert_envelope(401);
    rotate(free.id, INSIDE).await.assert_envelope(403);
    let rotated = rotate(reader.id, INSIDE).await;
    assert_eq!(rotated.status, 200, "{}", rotated.text());
    let rotated = Holder { id: reader.id, secret: text(&rotated.data()["access_token"]) };
    assert_eq!((auth(&app, &rotated, INSIDE).await, auth(&app, &rotated, OUTSIDE).await), (200, 401));
    // Whoever finds it reports it, wherever that is.
    let report =
        app.post("/credentials/revoke").json(&json!({"credentials": [rotated.secret]})).from(OUTSIDE);
    assert_eq!(report.status().await, 202);
    assert!(app.token(reader.id).await.is_none(), "it is revoked");
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned()
}

#[tokio::test]
async fn operators_set_and_lift_bounds() {
    let app = TestApp::new().await;
    let begins = "2030-01-01T00:00:00.000Z";
    let body = json!({"permissions": "read", "not_before": "2030-01-01T08:00:00+08:00", "allowed_addresses": [
        "::ffff:10.0.0.0/104", "192.0.2.7", "2001:DB8::/32",
    ], "expires_at": null});
    let made = send(&app, "POST", "/apps/demo/tokens", &body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let blocks = json!(["10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32"]);
    let shown = made.json();
    assert_eq!((&shown["not_before"], &shown["allowed_addresses"]), (&json!(begins), &blocks));
    assert_eq!(shown["state"], "active");
    let path = format!("/apps/demo/tokens/{}", shown["id"]);
    // What is left out stays, and a list is replaced as a whole.
    for (change, expected) in [
        (json!({"title": "x"}), (json!(begins), blocks.clone())),
        (json!({"not_before": null}), (Value::Null, blocks)),
        (json!({"allowed_addresses": ["::/0"]}), (Value::Null, json!(["::/0"]))),
        (json!({"not_before": begins, "allowed_addresses": []}), (json!(begins), json!([]))),
        (json!({"allowed_addresses": null}), (json!(begins), json!([]))),
    ] {
        let changed = send(&app, "PATCH", &path, &change).await;
        assert_eq!(changed.status, 200, "{}", changed.text());
        let shown = get(&app, &path).await;
        assert_eq!((shown["not_before"].clone(), shown["allowed_addresses"].clone()), expected, "{change}");
    }
    let wrong = async |body: Value| -> Answer { operate(&app, "PATCH", &path).json(&body).send().await };
    for (body, named) in [
        (json!({"allowed_addresses": "10.0.0.0/8"}), "must be a list"),
        (json!({"allowed_addresses": [10]}), "must be a list"),
        (json!({"allowed_addresses": ["10.0.0"]}), "must be a list"),
        (json!({"allowed_addresses": ["10.1.2.3/8"]}), "by its first address"),
        (json!({"allowed_addresses": vec!["10.0.0.0/8"; 65]}), "at most 64"),
        (json!({"not_before": 5}), "not_before must be a string"),
        (json!({"not_before": "tomorrow"}), "not_before is a time"),
        (json!({"not_before": begins, "expires_in_days": 1}), "before the end"),
    ] {
        let problem = assert_problem(&wrong(body.clone()).await, 400, "invalid_member");
        assert!(problem.contains(named), "{body}: {problem}");
    }
}
