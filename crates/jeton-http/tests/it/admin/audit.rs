//! What happened, and how much there is.

use super::{ask, assert_problem, get, send};
use crate::app::{HOUR, TestApp, grant, lasting, user};
use serde_json::{Value, json};

/// What the items of an answer say in this member.
fn told(page: &Value, member: &str) -> Vec<Value> {
    page["items"].as_array().unwrap().iter().map(|item| item[member].clone()).collect()
}

#[tokio::test]
async fn the_log_says_who_did_what() {
    let app = TestApp::new().await;
    let token = app.issue(grant(user("7"), "read")).await;
    let path = format!("/apps/demo/tokens/{}", token.id);
    send(&app, "PATCH", &path, &json!({"title": "x"})).await;
    app.clock.advance_millis(HOUR);
    ask(&app, "DELETE", &path).send().await;
    send(&app, "POST", "/operators", &json!({"name": "second"})).await;
    send(&app, "POST", "/apps", &json!({"app_key": "shop"})).await;
    ask(&app, "DELETE", "/apps/shop").send().await;

    let all = get(&app, "/audit").await;
    let what = [
        "app.deleted",
        "token.issued",
        "app.created",
        "operator.created",
        "token.revoked",
        "token.updated",
        "token.issued",
        "operator.created",
        "token.issued",
        "app.created",
    ];
    assert_eq!(told(&all, "what"), what);
    assert_eq!((&all["next"], all.get("total")), (&json!(null), None));
    let id = json!(token.id);
    assert_eq!(
        all["items"][4],
        json!({"id": 6, "at": "2026-01-02T04:04:05.678Z", "what": "token.revoked", "app": "demo", "token": id,
            "operator": null, "actor": "operator:1", "address": null})
    );
    assert_eq!((&all["items"][3]["operator"], &all["items"][3]["app"]), (&json!(2), &json!(null)));
    for (query, expected) in [
        (format!("token={}", token.id), vec!["token.revoked", "token.updated", "token.issued"]),
        ("app=shop".to_owned(), vec!["app.deleted", "token.issued", "app.created"]),
        ("app=nobody".to_owned(), vec![]),
        ("actor=operator&what=operator.created".to_owned(), vec!["operator.created"]),
        ("actor=operator:1&what=token.updated".to_owned(), vec!["token.updated"]),
        ("actor=operator:2".to_owned(), vec![]),
        ("since=2026-01-02T04:00:00Z&app=demo".to_owned(), vec!["token.revoked"]),
    ] {
        assert_eq!(told(&get(&app, &format!("/audit?{query}")).await, "what"), expected, "{query}");
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = get(&app, &format!("/audit?limit=3{cursor}")).await;
        seen.extend(told(&page, "id"));
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, told(&all, "id"));
}

#[tokio::test]
async fn a_question_that_makes_no_sense_is_told_so() {
    let app = TestApp::new().await;
    for (query, detail) in [
        (
            "what=token.made",
            "what is one of token.issued, token.updated, token.rotated, token.reused, token.revoked, token.deleted, \
             app.created, app.updated, app.suspended, app.resumed, app.deleted, operator.created, operator.revoked, \
             tokens.purged, restored, key.added, key.activated, key.retired",
        ),
        ("token=x", "token is the number of a token"),
        ("cursor=0", "cursor is what an earlier page named as next"),
        (
            "since=yesterday",
            "since is a time as in 2026-11-21T08:00:00Z, with its offset, in the years 0 to 9999",
        ),
        ("actor=%00", "actor is who did it, as in operator:1, or the first part of that"),
        ("address=localhost", "address is an IP address, as in 192.0.2.1 or 2001:db8::1"),
        ("address=192.0.2.0/24", "address is an IP address, as in 192.0.2.1 or 2001:db8::1"),
        (
            "who=1",
            "in the query, there is no member who: there are app, token, actor, address, what, since, limit, cursor",
        ),
    ] {
        let answer = ask(&app, "GET", &format!("/audit?{query}")).send().await;
        assert_eq!(assert_problem(&answer, 400, "invalid_parameter"), detail, "{query}");
    }
    assert_problem(&ask(&app, "GET", "/audit?app=a%20b").send().await, 400, "invalid_parameter");
}

#[tokio::test]
async fn what_there_is_is_counted() {
    let app = TestApp::new().await;
    app.create_app("shop").await;
    let used = app.issue(grant(user("7"), "read")).await;
    app.issue(lasting(HOUR, grant(user("7"), "read"))).await;
    for _ in 0..3 {
        assert_eq!(app.get("/auth/demo").bearer(&used.secret).status().await, 200);
    }
    app.clock.advance_millis(HOUR);
    let stats = get(&app, "/stats").await;
    let demo = json!({
        "app": "demo", "tokens": 3, "by_state": {"active": 2, "disabled": 0, "expired": 1, "revoked": 0},
        "by_kind": {"identity": 0, "grant": 2, "self-made": 0, "service": 1},
        "uses": 3, "last_used_at": "2026-01-02T03:04:05.678Z",
    });
    assert_eq!(stats["apps"][0], demo);
    assert_eq!((&stats["apps"][1]["app"], &stats["apps"][1]["tokens"]), (&json!("shop"), &json!(1)));
    assert_eq!((&stats["total"]["tokens"], &stats["total"]["uses"]), (&json!(4), &json!(3)));
    assert_eq!(stats["total"]["by_kind"]["service"], 2);
    assert_eq!(stats["recording"], json!({"recorded": 3, "flushed": 3, "dropped": 0}));
    let first = get(&app, "/stats?limit=1").await;
    assert_eq!((first["apps"].as_array().unwrap().len(), &first["total"]), (1, &stats["total"]));
    let second = get(&app, &format!("/stats?limit=1&cursor={}", first["next"].as_str().unwrap())).await;
    assert_eq!((&second["apps"][0]["app"], &second["next"]), (&json!("shop"), &json!(null)));
}
