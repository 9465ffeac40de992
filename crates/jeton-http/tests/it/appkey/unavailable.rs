//! A store that fails is 503, never a refusal, whichever of its calls it is.

use crate::app::{TestApp, grant, user};
use serde_json::json;

const APP: &str = "/AccessToken/demo";

/// An operation, and how many calls of the store it takes.
const OPERATIONS: [(&str, u64); 5] =
    [("list", 4), ("list of another", 4), ("create", 3), ("update", 6), ("delete", 4)];

async fn operate(app: &TestApp, operation: &str, caller: &str, id: i64) -> crate::answer::Answer {
    let ask = match operation {
        "list" => app.get(APP),
        "list of another" => app.get(&format!("{APP}?userId=7")),
        "create" => app.post(APP).json(&json!({"title": "t"})),
        "update" => app.put(&format!("{APP}/{id}")).json(&json!({"title": "renamed"})),
        "delete" => app.delete(&format!("{APP}/{id}")),
        other => panic!("no such operation: {other}"),
    };
    ask.bearer(caller).send().await
}

#[tokio::test]
async fn one_failing_call_fails_the_request_and_changes_nothing() {
    let app = TestApp::new().await;
    for (operation, calls) in OPERATIONS {
        let token = app.issue(grant(user("7"), "")).await;
        let before = (app.token(token.id).await, app.count().await);
        for number in 1..=calls {
            app.store.fail_only(number);
            operate(&app, operation, &token.secret, token.id).await.assert_envelope(503);
            app.store.recover();
            assert_eq!((app.token(token.id).await, app.count().await), before, "{operation}: call {number}");
        }
        app.store.fail_only(calls + 1);
        let answer = operate(&app, operation, &token.secret, token.id).await;
        assert_eq!(
            (answer.status.as_u16(), app.store.calls()),
            (200, calls),
            "{operation}: {}",
            answer.text()
        );
        app.store.recover();
    }
}

#[tokio::test]
async fn refusals_that_need_the_store_are_503_without_it() {
    let app = TestApp::new().await;
    let token = app.issue(grant(user("7"), "")).await;
    let garbage = "0123456789abcdef".repeat(4);
    for (path, secret, refusal) in [
        (APP, garbage.as_str(), 401),
        ("/AccessToken/nobody", &token.secret, 404),
        ("/AccessToken/demo?userId=8", &token.secret, 403),
    ] {
        assert_eq!(app.get(path).bearer(secret).status().await, refusal);
        app.store.fail_always();
        app.get(path).bearer(secret).send().await.assert_envelope(503);
        app.store.recover();
    }
}

#[tokio::test]
async fn the_answer_whole() {
    let app = TestApp::new().await;
    app.store.fail_always();
    insta::assert_snapshot!(app.get(APP).bearer(&app.admin).send().await.show(), @r#"
    503 Service Unavailable
    cache-control: no-store
    content-length: 72
    content-type: application/json

    {"code":503,"data":null,"error":"the service is unavailable: try again"}
    "#);
}

#[tokio::test]
async fn what_needs_no_store_is_answered_without_one() {
    let app = TestApp::new().await;
    app.store.fail_always();
    app.get(APP).send().await.assert_envelope(401);
    app.get(APP).header("authorization", "Basic eDp5").send().await.assert_envelope(401);
    app.ask("PATCH", APP).send().await.assert_envelope(405);
    app.get("/AccessToken").send().await.assert_envelope(404);
    assert_eq!(app.store.calls(), 0);
}
