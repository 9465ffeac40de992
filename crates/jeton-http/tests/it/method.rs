//! Method names in any case, through the whole router.

use crate::app::{TestApp, grant, user};
use serde_json::json;

#[tokio::test]
async fn methods_in_any_case_do_the_same() {
    let app = TestApp::new().await;
    for (get, post, put, delete) in
        [("GET", "POST", "PUT", "DELETE"), ("get", "post", "put", "delete"), ("Get", "pOST", "Put", "dElEtE")]
    {
        let token = app.issue(grant(user("7"), "")).await;
        let ask = |method: &str, rest: &str| {
            app.ask(method, &format!("/AccessToken/demo{rest}")).bearer(&app.admin)
        };
        assert_eq!(ask(get, "?take=1").send().await.ids(), [token.id], "{get}");
        let made = ask(post, "").json(&json!({"title": "t"})).send().await.data();
        assert_eq!(made["token_type"], "Bearer", "{post}");
        let path = format!("/{}", token.id);
        assert_eq!(ask(put, &path).json(&json!({"title": "x"})).send().await.data(), true, "{put}");
        assert_eq!(app.token(token.id).await.unwrap().spec.title.unwrap().as_str(), "x");
        assert_eq!(ask(delete, &path).send().await.data(), true, "{delete}");
        assert_eq!(app.token(token.id).await, None);
    }
}

#[tokio::test]
async fn health_takes_them_too() {
    let app = TestApp::new().await;
    assert_eq!(app.ask("get", "/healthz").status().await, 200);
    assert_eq!(app.ask("post", "/healthz").status().await, 405);
}
