//! Every method of a described path is described.

use super::document::{ALL, Api};
use crate::app::TestApp;
use std::collections::BTreeSet;

/// The methods that a path says it knows, but for HEAD, which goes with GET.
async fn known(app: &TestApp, api: &Api, path: &str) -> BTreeSet<String> {
    let path = path.replace("{app}", "demo").replace("{appKey}", "demo").replace("{db}", "demo");
    let path = path.replace("{id}", "1").replace("{access_token}", "x");
    let ask = app.ask("PROPFIND", &path);
    let ask = match api.name {
        "admin" => ask.bearer(&app.operator),
        "dotide" => ask.header("authorization", app.basic_value()),
        _ => ask,
    };
    let answer = if path.starts_with("/.well-known") {
        ask.send_to(&jeton_http::Setup::new("https://jeton.test".parse().unwrap())).await
    } else {
        ask.send().await
    };
    assert_eq!(answer.status, 405, "{path}: {}", answer.text());
    let allowed = answer.header("allow").unwrap().split(", ").filter(|method| *method != "HEAD");
    allowed.map(str::to_ascii_lowercase).collect()
}

/// Forward-auth knows every method, and LoopBack has no such answer: its description is made from the table of
/// its methods.
#[tokio::test]
async fn the_methods_of_a_path_are_those_that_are_described() {
    let app = TestApp::new().await;
    for api in ALL.iter().filter(|api| !["auth", "loopback"].contains(&api.name)) {
        for (path, item) in api.document["paths"].as_object().unwrap() {
            let described: BTreeSet<String> = item.as_object().unwrap().keys().cloned().collect();
            assert_eq!(described, known(&app, api, path).await, "{path}");
        }
    }
}

#[tokio::test]
async fn forward_auth_answers_every_method_that_can_be_described() {
    let app = TestApp::new().await;
    let api = ALL.iter().find(|api| api.name == "auth").unwrap();
    for item in api.document["paths"].as_object().unwrap().values() {
        let methods: Vec<&String> = item.as_object().unwrap().keys().collect();
        assert_eq!(methods, ["get", "head", "post", "put", "patch", "delete", "options", "trace"]);
    }
    assert_eq!(app.ask("PROPFIND", "/auth/demo").status().await, 401);
}

#[tokio::test]
async fn loopbacks_paths_are_served_where_the_description_says_too() {
    let app = TestApp::new().await;
    for mount in ["/api", "", "/apps/demo/api", "/Apps/demo/API"] {
        let answer =
            app.get(&format!("{mount}/accessTokens/count")).header("x-access-token", &app.admin).send().await;
        assert_eq!(answer.status, 200, "{mount}: {}", answer.text());
    }
}
