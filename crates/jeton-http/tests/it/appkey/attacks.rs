//! No caller can read, widen, outlive or revive tokens beyond its rights: attempts, and the state after each.

use super::callers::set_enabled;
use crate::app::{
    DAY, HOUR, Holder, TestApp, grant, identity, lasting, names, on_ids, on_tags, scoped, service, stand_in,
    user,
};
use jeton_core::{Actor, Cause, Demand, Owner, Scope, Secret, Timestamp, TokenKind, Verdict};
use jeton_service::{ImportRow, Imported};
use serde_json::{Value, json};

const APP: &str = "/AccessToken/demo";

/// The verdict on a token of `demo`, the same for every caller.
async fn allows(app: &TestApp, secret: &str, permission: &str) -> bool {
    let demand = Demand::Permission { permission: permission.parse().unwrap(), resource: None };
    let secret = Secret::parse(secret).unwrap();
    app.service.verify(&"demo".parse().unwrap(), &secret, &demand, None).await.unwrap().verdict
        == Verdict::Allowed
}

/// Creates by this caller; the secret and what is stored.
async fn create(app: &TestApp, caller: &str, body: Value) -> (String, jeton_core::Token) {
    let data = app.post(APP).bearer(caller).json(&body).send().await.data();
    let secret = data["access_token"].as_str().unwrap().to_owned();
    let newest = app.get(&format!("{APP}?take=1")).bearer(&app.admin).send().await.ids()[0];
    (secret, app.token(newest).await.unwrap())
}

async fn put(app: &TestApp, caller: &str, id: i64, body: Value) -> u16 {
    app.put(&format!("{APP}/{id}")).bearer(caller).json(&body).status().await
}

#[tokio::test]
async fn global_permissions_never_come_to_a_token_with_narrow_scopes() {
    let app = TestApp::new().await;
    let scopes = vec![Scope::global(names("read")), on_ids("write", &["s1"]), on_tags("delete", &["a", "b"])];
    let token = app.issue(scoped(user("7"), scopes.clone())).await;
    let before = app.token(token.id).await.unwrap();
    let holder = app.issue(grant(user("7"), "read,write,delete")).await;
    for caller in [&app.admin, &holder.secret] {
        for wider in ["read,write", "write", "delete", "read,other"] {
            assert_eq!(put(&app, caller, token.id, json!({"permissions": wider})).await, 403, "{wider}");
            assert_eq!(app.token(token.id).await.unwrap(), before, "{wider}");
        }
    }
    assert!(!allows(&app, &token.secret, "write").await);
    for (kept, expected) in [("read", &scopes[..]), ("", &scopes[1..])] {
        assert_eq!(put(&app, &app.admin, token.id, json!({"permissions": kept})).await, 200);
        assert_eq!(app.token(token.id).await.unwrap().spec.scopes.as_slice(), expected, "{kept}");
    }
    // What was dropped is gone: it cannot be picked up again.
    assert_eq!(put(&app, &app.admin, token.id, json!({"permissions": "read"})).await, 403);
    assert!(!allows(&app, &token.secret, "read").await);
}

#[tokio::test]
async fn reserved_names_are_granted_to_nobody_by_anybody() {
    let app = TestApp::new().await;
    let token = app.issue(grant(user("7"), "read")).await;
    let before = app.token(token.id).await.unwrap();
    let count = app.count().await;
    for reserved in ["jeton:manage", "read, jeton:verify", "jeton:", " jeton:anything ,read"] {
        let body = json!({"title": "t", "permissions": reserved});
        for caller in [&app.admin, &token.secret] {
            app.post(APP).bearer(caller).json(&body).send().await.assert_envelope(403);
            assert_eq!(put(&app, caller, token.id, body.clone()).await, 403, "{reserved}");
        }
    }
    assert_eq!((app.count().await, app.token(token.id).await.unwrap()), (count, before));
    assert!(!allows(&app, &token.secret, "jeton:manage").await);
}

#[tokio::test]
async fn nothing_outlives_the_caller_that_made_it() {
    let app = TestApp::new().await;
    let parent = app.issue(lasting(2 * DAY + 1, grant(user("7"), "read"))).await;
    let end = Some(app.after(2 * DAY + 1));
    let (_, by_default) = create(&app, &parent.secret, json!({"title": "t"})).await;
    assert_eq!(by_default.expires_at, end, "30 days were shortened to what the caller has left");
    let (_, by_zero) = create(&app, &parent.secret, json!({"title": "t", "expireInDays": 0})).await;
    assert_eq!(by_zero.expires_at, end);
    let (_, shorter) = create(&app, &parent.secret, json!({"title": "t", "expireInDays": 2})).await;
    assert_eq!(shorter.expires_at, Some(app.after(2 * DAY)));
    let count = app.count().await;
    for days in [3, 3650, -1] {
        let body = json!({"title": "t", "expireInDays": days});
        app.post(APP).bearer(&parent.secret).json(&body).send().await.assert_envelope(403);
    }
    assert_eq!(app.count().await, count);
    // One millisecond later, two days are too long.
    app.clock.advance_millis(2);
    let body = json!({"title": "t", "expireInDays": 2});
    app.post(APP).bearer(&parent.secret).json(&body).send().await.assert_envelope(403);
}

#[tokio::test]
async fn a_chain_of_tokens_ends_with_its_first_link() {
    let app = TestApp::new().await;
    let root = app.issue(lasting(DAY, grant(user("7"), "read,write"))).await;
    let end = app.token(root.id).await.unwrap().expires_at;
    let body = json!({"title": "child", "permissions": "read"});
    let (child, _) = create(&app, &root.secret, body.clone()).await;
    let (grandchild, stored) = create(&app, &child, body).await;
    assert_eq!(stored.expires_at, end);
    assert!(!allows(&app, &grandchild, "write").await);
    let wider = json!({"title": "t", "permissions": "write"});
    app.post(APP).bearer(&grandchild).json(&wider).send().await.assert_envelope(403);
    app.clock.set(end.unwrap());
    for secret in [&root.secret, &child, &grandchild] {
        app.get(APP).bearer(secret).send().await.assert_envelope(401);
        assert!(!allows(&app, secret, "read").await);
    }
}

#[tokio::test]
async fn a_caller_expires_at_that_very_instant() {
    let app = TestApp::new().await;
    let token = app.issue(lasting(HOUR, grant(user("7"), "read"))).await;
    app.clock.advance_millis(HOUR - 1);
    assert_eq!(app.get(APP).bearer(&token.secret).status().await, 200);
    app.clock.advance_millis(1);
    for ask in
        [app.get(APP), app.post(APP).json(&json!({"title": "t"})), app.delete(&format!("{APP}/{}", token.id))]
    {
        ask.bearer(&token.secret).send().await.assert_envelope(401);
    }
    assert!(app.token(token.id).await.is_some(), "an expired caller deleted itself");
}

#[tokio::test]
async fn what_another_disabled_stays_disabled() {
    let app = TestApp::new().await;
    let caller = app.issue(grant(user("7"), "read")).await;
    let token = app.issue(grant(user("7"), "read")).await;
    set_enabled(&app, token.id, false).await;
    // Disabling it once more must not make it one's own to enable.
    for enable in [false, true] {
        let status = put(&app, &caller.secret, token.id, json!({"enable": enable})).await;
        assert_eq!(status, if enable { 403 } else { 200 });
        assert_eq!(app.token(token.id).await.unwrap().disabled_by, Some(Actor::Cli));
    }
    // Nor does renaming and enabling at once, nor the token itself.
    let both = json!({"title": "x", "enable": true});
    assert_eq!(put(&app, &caller.secret, token.id, both).await, 403);
    assert_eq!(put(&app, &token.secret, token.id, json!({"enable": true})).await, 401);
    assert!(!allows(&app, &token.secret, "read").await);
    assert_eq!(put(&app, &app.admin, token.id, json!({"enable": true})).await, 200);
    assert!(allows(&app, &token.secret, "read").await);
}

#[tokio::test]
async fn a_user_enables_what_that_user_disabled_by_any_token() {
    let app = TestApp::new().await;
    let [one, two, token] = three_grants(&app).await;
    assert_eq!(put(&app, &one.secret, token.id, json!({"enable": false})).await, 200);
    assert!(!allows(&app, &token.secret, "read").await);
    assert_eq!(put(&app, &two.secret, token.id, json!({"enable": true})).await, 200);
    assert!(allows(&app, &token.secret, "read").await);
    // Where a manager disables it on top of the user, it is the manager's to enable.
    assert_eq!(put(&app, &one.secret, token.id, json!({"enable": false})).await, 200);
    assert_eq!(put(&app, &app.admin, token.id, json!({"enable": false})).await, 200);
    assert_eq!(put(&app, &two.secret, token.id, json!({"enable": true})).await, 403);
    assert!(!allows(&app, &token.secret, "read").await);
}

async fn three_grants(app: &TestApp) -> [Holder; 3] {
    let grant = || grant(user("7"), "read");
    [app.issue(grant()).await, app.issue(grant()).await, app.issue(grant()).await]
}

#[tokio::test]
async fn nothing_revives_what_has_expired_or_was_revoked() {
    let app = TestApp::new().await;
    let caller = app.issue(lasting(DAY, grant(user("7"), "read"))).await;
    let expired = app.issue(lasting(0, grant(user("7"), "read"))).await;
    let before = app.token(expired.id).await.unwrap();
    // PUT knows no lifetime.
    let body = json!({"enable": true, "expireTime": "2099-01-01T00:00:00Z", "title": "x"});
    for secret in [&caller.secret, &app.admin] {
        let days = json!({"enable": true, "expireInDays": 30});
        assert_eq!(put(&app, secret, expired.id, days).await, 400);
        assert_eq!(put(&app, secret, expired.id, body.clone()).await, 200);
        assert_eq!(app.token(expired.id).await.unwrap().expires_at, before.expires_at);
        assert!(!allows(&app, &expired.secret, "read").await);
    }
    let revoked = app.issue(grant(user("7"), "read")).await;
    assert_eq!(app.delete(&format!("{APP}/{}", revoked.id)).bearer(&caller.secret).status().await, 200);
    for secret in [&caller.secret, &app.admin] {
        assert_eq!(put(&app, secret, revoked.id, body.clone()).await, 404);
    }
    assert!(!allows(&app, &revoked.secret, "read").await);
    assert_eq!(app.token(revoked.id).await, None);
}

#[tokio::test]
async fn an_update_changes_five_members_and_no_others() {
    let app = TestApp::new().await;
    let token = app.issue(lasting(DAY, grant(user("7"), "read"))).await;
    let before = app.token(token.id).await.unwrap();
    app.clock.advance_millis(HOUR);
    let body = json!({
        "title": "t", "id": 99, "userID": 8, "accessToken": "x".repeat(40), "expires_in": -1,
        "expireTime": null, "createDate": "2000-01-01T00:00:00Z", "lastUpdate": "2000-01-01T00:00:00Z",
    });
    for (name, value) in [
        ("expireInDays", json!(-1)),
        ("kind", json!("service")),
        ("scopes", json!([{"permissions": ["write"], "global": true}])),
        ("revoked", json!(false)),
        ("userId", json!(8)),
    ] {
        let mut body = body.clone();
        body[name] = value;
        assert_eq!(put(&app, &token.secret, token.id, body).await, 400, "{name}");
    }
    assert_eq!(put(&app, &token.secret, token.id, body).await, 200);
    let mut expected = before;
    expected.spec.title = jeton_core::Label::new("t".to_owned()).ok();
    expected.updated_at = app.after(0);
    assert_eq!(app.token(token.id).await.unwrap(), expected);
    assert_eq!(app.kept_secret(token.id).await, Some(token.secret));
}

#[tokio::test]
async fn what_stands_in_for_nobody_proves_nobody() {
    let app = TestApp::new().await;
    let (secret, stored) = create(&app, &app.admin, json!({"title": "t", "permissions": "read"})).await;
    assert_eq!(stored.spec.owner, stand_in("1"));
    let row = app.get(APP).bearer(&app.admin).send().await.rows()[0].clone();
    assert_eq!((&row["userID"], &row["id"]), (&json!(1), &json!(stored.id.get())));
    // The real user 1 neither sees nor ends it.
    let user_1 = app.issue(identity(user("1"))).await;
    assert_eq!(app.get(APP).bearer(&user_1.secret).send().await.ids(), [user_1.id]);
    let path = format!("{APP}/{}", stored.id);
    app.delete(&path).bearer(&user_1.secret).send().await.assert_envelope(404);
    app.put(&path).bearer(&user_1.secret).json(&json!({"title": "x"})).send().await.assert_envelope(404);
    // And its bearer has nothing of user 1's.
    for ask in [
        app.get(APP),
        app.post(APP).json(&json!({"title": "t"})),
        app.delete(&format!("{APP}/{}", user_1.id)),
    ] {
        ask.bearer(&secret).send().await.assert_envelope(403);
    }
    assert_eq!(app.token(stored.id.get()).await, Some(stored));
    assert!(app.token(user_1.id).await.is_some());
}

#[tokio::test]
async fn what_a_manager_makes_for_a_user_is_that_users() {
    let app = TestApp::new().await;
    let body = json!({"title": "t", "permissions": "read", "expireInDays": -1});
    let data = app.post(&format!("{APP}?userId=1")).bearer(&app.admin).json(&body).send().await.data();
    let secret = data["access_token"].as_str().unwrap();
    assert_eq!(app.get(APP).bearer(secret).send().await.rows()[0]["accessToken"], secret);
    let nobodys = app.issue(service(Owner::Nobody, "jeton:manage")).await;
    let (_, stored) = create(&app, &nobodys.secret, json!({"title": "t"})).await;
    assert_eq!((stored.spec.owner, stored.spec.kind), (Owner::Nobody, TokenKind::Grant));
}

#[tokio::test]
async fn identity_tokens_grant_what_the_app_lets_them_and_nothing_else() {
    let app = TestApp::new().await;
    let proof = app.issue(identity(user("7"))).await;
    let body = |permissions: &str| json!({"title": "t", "permissions": permissions});
    app.post(APP).bearer(&proof.secret).json(&body("read")).send().await.assert_envelope(403);
    app.merge(json!({"appkey": {"grantable": ["read"]}})).await;
    let (secret, stored) = create(&app, &proof.secret, body("read")).await;
    assert_eq!((stored.spec.kind, stored.spec.owner), (TokenKind::Grant, user("7")));
    assert!(allows(&app, &secret, "read").await);
    // The list is taken back: what was granted stays, and is beyond the identity token from now on.
    app.merge(json!({"appkey": {"grantable": null}})).await;
    assert!(allows(&app, &secret, "read").await);
    assert_eq!(put(&app, &proof.secret, stored.id.get(), json!({"title": "x"})).await, 403);
    let rows = app.get(APP).bearer(&proof.secret).send().await;
    assert!(!rows.text().contains(&secret) && !rows.text().contains(&proof.secret));
    // An identity token itself is never given permissions, by whomever.
    let before = app.token(proof.id).await.unwrap();
    for caller in [&app.admin, &proof.secret] {
        assert_eq!(put(&app, caller, proof.id, json!({"permissions": "read"})).await, 403);
    }
    assert_eq!(app.token(proof.id).await.unwrap(), before);
}

#[tokio::test]
async fn a_caller_that_was_narrowed_no_longer_reads_what_it_could() {
    let app = TestApp::new().await;
    let caller = app.issue(grant(user("7"), "read,write")).await;
    let token = app.issue(grant(user("7"), "write")).await;
    let reads = async || app.get(APP).bearer(&caller.secret).send().await.text().contains(&token.secret);
    assert!(reads().await);
    assert_eq!(put(&app, &app.admin, caller.id, json!({"permissions": "read"})).await, 200);
    assert!(!reads().await);
    assert_eq!(put(&app, &caller.secret, token.id, json!({"enable": false})).await, 403);
    assert!(allows(&app, &token.secret, "write").await);
    // It cannot give itself back what it lost.
    assert_eq!(put(&app, &caller.secret, caller.id, json!({"permissions": "read,write"})).await, 403);
    assert!(!allows(&app, &caller.secret, "write").await);
}

#[tokio::test]
async fn another_users_tokens_are_out_of_reach() {
    let app = TestApp::new().await;
    let caller = app.issue(grant(user("7"), "read")).await;
    let theirs = app.issue(grant(user("8"), "read")).await;
    let before = app.token(theirs.id).await;
    let count = app.count().await;
    for query in ["", "?userId=8", "?userId=7"] {
        let path = format!("{APP}/{}{query}", theirs.id);
        app.delete(&path).bearer(&caller.secret).send().await.assert_envelope(404);
        app.put(&path).bearer(&caller.secret).json(&json!({"title": "x"})).send().await.assert_envelope(404);
    }
    let named =
        |query: &str, body: Value| app.post(&format!("{APP}{query}")).bearer(&caller.secret).json(&body);
    named("?userId=8", json!({"title": "t"})).send().await.assert_envelope(403);
    named("", json!({"title": "t", "userID": 8})).send().await.assert_envelope(403);
    named("?userId=0", json!({"title": "t", "userID": "8"})).send().await.assert_envelope(403);
    named("?userId=7", json!({"title": "t", "userID": 8})).send().await.assert_envelope(400);
    assert_eq!((app.token(theirs.id).await, app.count().await), (before, count));
}

#[tokio::test]
async fn the_ids_of_another_app_are_unknown() {
    let app = TestApp::new().await;
    let other_admin = app.create_app("other").await;
    let theirs = app.issue_in("other", grant(user("7"), "read")).await;
    let path = format!("{APP}/{}", theirs.id);
    app.delete(&path).bearer(&app.admin).send().await.assert_envelope(404);
    app.put(&path).bearer(&app.admin).json(&json!({"title": "x"})).send().await.assert_envelope(404);
    let rows = app.get("/AccessToken/other").bearer(&other_admin).send().await.rows();
    assert_eq!((rows.len(), &rows[0]["id"], &rows[0]["title"]), (1, &json!(theirs.id), &Value::Null));
}

#[tokio::test]
async fn a_clock_that_goes_back_makes_no_update_look_older() {
    let app = TestApp::new().await;
    let token = app.issue(grant(user("7"), "read")).await;
    let before = app.token(token.id).await.unwrap();
    app.clock.set(Timestamp::from_millis(before.created_at.as_millis() - DAY).unwrap());
    assert_eq!(put(&app, &token.secret, token.id, json!({"title": "x"})).await, 200);
    let after = app.token(token.id).await.unwrap();
    assert_eq!((after.updated_at, after.created_at), (before.updated_at, before.created_at));
}

#[tokio::test]
async fn a_secret_that_two_apps_know_is_good_in_each_for_itself() {
    let app = TestApp::new().await;
    app.create_app("other").await;
    let text = "taken over from an older system into both apps";
    let take = async |key: &str, user_id: &str| {
        let row = ImportRow {
            secret: Secret::parse(text).unwrap().into(),
            issue: grant(user(user_id), "read"),
            created_at: None,
            expires_at: None,
            enabled: true,
        };
        let taken = app.service.import(&app.open(key).await, vec![row], false, &Cause::CLI).await.unwrap();
        let [Imported::Taken(id)] = taken[..] else { panic!("{taken:?}") };
        id.get()
    };
    let (here, there) = (take("demo", "7").await, take("other", "8").await);
    for (key, id) in [("demo", here), ("other", there)] {
        assert_eq!(app.get(&format!("/AccessToken/{key}")).bearer(text).send().await.ids(), [id]);
    }
    // Off in one app, it is still live: so that app is as unknown to it as any other.
    set_enabled(&app, here, false).await;
    app.get(APP).bearer(text).send().await.assert_envelope(404);
    assert_eq!(app.get("/auth/demo").bearer(text).status().await, 401);
    assert_eq!(app.get("/AccessToken/other").bearer(text).send().await.ids(), [there]);
    assert_eq!(app.get("/auth/other").bearer(text).send().await.header("x-auth-user"), Some("8"));
}
