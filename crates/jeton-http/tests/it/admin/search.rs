//! Lists of tokens, and revoking what is found.

use super::{ask, assert_problem, get, send};
use crate::app::{HOUR, TestApp, grant, lasting, titled, user};
use jeton_core::Owner;
use serde_json::{Value, json};

const TOKENS: &str = "/apps/demo/tokens";
const DAY: i64 = 24 * HOUR;

/// The titles of all that a list shows, page by page, with its total.
async fn titles(app: &TestApp, query: &str) -> (Vec<String>, u64) {
    let (mut titles, mut cursor, mut total) = (Vec::new(), String::new(), None);
    loop {
        let page = get(app, &format!("{TOKENS}?{query}&limit=2{cursor}")).await;
        let items = page["items"].as_array().unwrap();
        titles.extend(items.iter().map(|item| item["title"].as_str().unwrap_or("-").to_owned()));
        assert_eq!(*total.get_or_insert(page["total"].as_u64().unwrap()), page["total"].as_u64().unwrap());
        match &page["next"] {
            Value::String(next) => cursor = format!("&cursor={next}"),
            next => {
                assert_eq!(*next, Value::Null);
                return (titles, total.unwrap());
            }
        }
    }
}

async fn with_tokens() -> TestApp {
    let app = TestApp::new().await;
    let sorts = [
        titled("ci", grant(user("7"), "read")),
        titled("ci-2", lasting(DAY, grant(user("7"), "read"))),
        titled("old", lasting(HOUR, grant(Owner::Nobody, "read"))),
        titled("week", lasting(7 * DAY, grant(user("alice"), "read"))),
    ];
    for issue in sorts {
        app.issue(issue).await;
    }
    app.clock.advance_millis(HOUR);
    let off = app.issue(titled("off", grant(user("7"), "read"))).await;
    send(&app, "PATCH", &format!("{TOKENS}/{}", off.id), &json!({"enabled": false, "tags": "a, b c"})).await;
    let gone = app.issue(titled("gone", grant(user("7"), "read"))).await;
    assert_eq!(ask(&app, "DELETE", &format!("{TOKENS}/{}", gone.id)).status().await, 204);
    app
}

#[tokio::test]
async fn lists_are_filtered_paged_and_counted() {
    let app = with_tokens().await;
    for (query, expected) in [
        ("", vec!["off", "week", "old", "ci-2", "ci", "admin"]),
        ("user_id=7", vec!["off", "ci-2", "ci"]),
        ("user_id=alice", vec!["week"]),
        ("title=ci", vec!["ci"]),
        ("title=ci*", vec!["ci-2", "ci"]),
        ("title=c", vec![]),
        ("tag=b%20c", vec!["off"]),
        ("tag=b", vec![]),
        ("state=active", vec!["week", "ci-2", "ci", "admin"]),
        ("state=active&user_id=7", vec!["ci-2", "ci"]),
        ("state=disabled", vec!["off"]),
        ("state=expired", vec!["old"]),
        ("state=revoked", vec!["gone"]),
        ("expires_within_days=1", vec!["ci-2"]),
        ("expires_within_days=7", vec!["ci-2", "week"]),
        ("created_before=2026-01-02T04:00:00Z", vec!["week", "old", "ci-2", "ci", "admin"]),
        ("eternal=true", vec!["off", "ci", "admin"]),
        ("eternal=true&user_id=7", vec!["off", "ci"]),
        ("eternal=false&title=ci", vec!["ci"]),
        ("never_used=true&state=active", vec!["week", "ci-2", "ci", "admin"]),
        ("scope=read&state=disabled", vec!["off"]),
        ("scope=write", vec![]),
        ("unused_days=1", vec![]),
        ("unused_days=0", vec!["week", "old", "ci-2", "ci", "admin"]),
    ] {
        let (found, total) = titles(&app, query).await;
        assert_eq!(
            (&found, total),
            (&expected.iter().map(|t| (*t).to_owned()).collect(), expected.len() as u64),
            "{query}"
        );
    }
    let page = get(&app, &format!("{TOKENS}?state=revoked")).await;
    let gone = &page["items"][0];
    assert_eq!(
        (&gone["state"], &gone["masked"], &gone["app"]),
        (&json!("revoked"), &json!(null), &json!("demo"))
    );
    assert_eq!(
        get(&app, &format!("{TOKENS}?limit=1000")).await["items"][1]["masked"].as_str().unwrap().len(),
        24
    );
    for (query, detail) in [
        ("stat=active", "in the query, there is no member stat: did you mean state?"),
        ("state=live", "state is one of active, disabled, expired, revoked"),
        ("unused_days=x", "unused_days is 0 to 36500"),
        ("eternal=yes", "eternal is true or false"),
        ("scope=%00", "scope holds no NUL character"),
        ("limit=1001", "limit is 1 to 1000"),
        ("cursor=x", "cursor is what an earlier page of the same list named as next"),
        ("state=expired&cursor=7", "cursor is what an earlier page of the same list named as next"),
        (
            "created_before=x",
            "created_before is a time as in 2026-11-21T08:00:00Z, with its offset, in the years 0 to 9999",
        ),
        ("title=%00", "title holds no NUL character"),
        ("user_id=%00", "user_id: a user id holds no control characters"),
    ] {
        let answer = ask(&app, "GET", &format!("{TOKENS}?{query}")).send().await;
        assert_eq!(assert_problem(&answer, 400, "invalid_parameter"), detail, "{query}");
    }
    assert_problem(&ask(&app, "GET", "/apps/nobody/tokens").send().await, 404, "no_such_app");
}

#[tokio::test]
async fn what_is_found_is_revoked_and_nothing_else() {
    let app = with_tokens().await;
    let revoke = async |body: Value| send(&app, "POST", &format!("{TOKENS}/revoke"), &body).await;
    let dry = revoke(json!({"user_id": 7, "dry_run": true})).await;
    assert_eq!(dry.json(), json!({"matched": 3, "revoked": 0}));
    assert_eq!(titles(&app, "user_id=7").await.1, 3);
    assert_eq!(revoke(json!({"user_id": 7})).await.json(), json!({"matched": 3, "revoked": 3}));
    assert_eq!(titles(&app, "").await.0, ["week", "old", "admin"]);
    assert_eq!(revoke(json!({"user_id": "7"})).await.json(), json!({"matched": 0, "revoked": 0}));
    let eternal = revoke(json!({"eternal": true, "never_used": true, "dry_run": true})).await;
    assert_eq!(eternal.json(), json!({"matched": 1, "revoked": 0}));
    assert_eq!(revoke(json!({"scope": "write"})).await.json(), json!({"matched": 0, "revoked": 0}));
    assert_eq!(revoke(json!({"state": "expired"})).await.json(), json!({"matched": 1, "revoked": 1}));
    for (body, detail) in [
        (json!({}), "dry_run does not say which tokens: name at least one of the others"),
        (json!({"eternal": false}), "dry_run does not say which tokens: name at least one of the others"),
        (json!({"dry_run": true}), "dry_run does not say which tokens: name at least one of the others"),
        (json!({"user": 7}), "there is no member user: did you mean user_id?"),
        (json!({"state": "revoked"}), "state revoked is what they are to be"),
        (json!({"unused_days": -1}), "unused_days is 0 to 36500"),
        (json!({"dry_run": 1}), "dry_run must be true or false"),
    ] {
        assert_eq!(assert_problem(&revoke(body.clone()).await, 400, "invalid_member"), detail, "{body}");
    }
    let everything = json!({"created_before": "2030-01-01T00:00:00Z"});
    assert_eq!(revoke(everything).await.json(), json!({"matched": 2, "revoked": 2}));
    assert_eq!(
        app.get("/AccessToken/demo").bearer(&app.admin).status().await,
        401,
        "also service credentials"
    );
}

#[tokio::test]
async fn thousands_are_revoked_in_batches_and_refused_at_once() {
    let app = TestApp::following().await;
    let mut secrets = Vec::new();
    for number in 0..1_201 {
        let owner = if number % 400 == 7 { user("8") } else { user("7") };
        secrets.push(app.issue(grant(owner, "read")).await.secret);
    }
    for secret in secrets.iter().step_by(100) {
        assert_eq!(app.get("/auth/demo").bearer(secret).status().await, 200, "it is in memory");
    }
    let answer = send(&app, "POST", &format!("{TOKENS}/revoke"), &json!({"user_id": 7})).await;
    assert_eq!(answer.json(), json!({"matched": 1_198, "revoked": 1_198}));
    for secret in secrets.iter().step_by(100) {
        assert_eq!(app.get("/auth/demo").bearer(secret).status().await, 401);
    }
    assert_eq!(app.get("/auth/demo").bearer(&secrets[407]).status().await, 200);
    let told = get(&app, "/audit?what=token.revoked&limit=1000").await;
    assert_eq!(told["items"].as_array().unwrap().len(), 1_000);
    assert_eq!(told["items"][0]["actor"], "operator:1");
}
