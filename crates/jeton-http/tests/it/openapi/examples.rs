//! Every example of a document is a request that succeeds, with an answer as it is described.

use super::document::{ALL, Api};
use crate::app::{Ask, TestApp, grant, on_ids, scoped, user};
use crate::loopback::fed;
use jeton_core::{Cause, Secret};
use jeton_http::Setup;
use jeton_service::{ImportRow, Imported};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The tokens of the examples: what each may do, if anything.
const TOKENS: [(&str, &str); 4] = [
    ("f3c1a94be27d05886e0b7f1d2c3a4958d41c6b7ae0f95d2283b6174c9ae05f3d", "read,write"),
    ("9a41d7f00c5b4e6fb8a2c3d1e0f96587c2b1a09f8e7d6c5b4a39281706f5e4d3", "read"),
    ("5b1c0e7f3a9d4682b0c7e5f1a2d38496c4e1f0b7a69d5823e7046f1c9b2ad835", "read"),
    ("c0ffee5eed1e55ab1edecade5ca1ab1e0ddba11fee15babeb1adedb0a710adca", "read,delegate"),
];

/// What the examples speak of: tokens 2 to 5 of `demo`, an app `shop`, operator 2, a demand and a rule.
/// `is_followed`: also what feeds change streams.
async fn prepared(is_followed: bool) -> TestApp {
    let app = if is_followed { fed().await } else { TestApp::new().await };
    let demo = app.open("demo").await;
    let rows = TOKENS.map(|(secret, permissions)| ImportRow {
        secret: Secret::parse(secret).unwrap().into(),
        issue: if secret == TOKENS[0].0 {
            scoped(user("7"), vec![on_ids(permissions, &["7"])])
        } else {
            grant(user("7"), permissions)
        },
        created_at: None,
        expires_at: None,
        enabled: true,
    });
    let imported = app.service.import(&demo, rows.into(), false, &Cause::CLI).await.unwrap();
    assert!(imported.iter().all(|outcome| matches!(outcome, Imported::Taken(_))), "{imported:?}");
    assert!(app.token(2).await.is_some() && app.token(5).await.is_some());
    app.create_app("shop").await;
    let operator = app.service.create_operator("Grace", &Cause::CLI).await.unwrap().unwrap();
    assert_eq!(operator.id.get(), 2);
    app.merge(json!({"forward_auth": {
        "demands": {"read-7": {"permission": "read", "id": "7"}},
        "routes": [{"method": "*", "path": "/v1/{db}/datastreams/{id}", "permission": "by-method", "id": "{id}"}],
    }}))
    .await;
    app
}

/// A request with the first credentials that an operation names.
fn with_credentials<'a>(app: &TestApp, api: &Api, operation: &Value, ask: Ask<'a>) -> Ask<'a> {
    let Some(scheme) = operation["security"][0].as_object().and_then(|one| one.keys().next()) else {
        return ask;
    };
    match (api.name, scheme.as_str()) {
        ("verify" | "oauth" | "dotide", "client") => ask.header("authorization", app.basic_value()),
        ("appkey", "token") => ask.bearer(&app.admin),
        ("admin", "operator") => ask.bearer(&app.operator),
        ("auth", "token") => ask.bearer(TOKENS[0].0),
        ("delegate", "parent") => ask.bearer(TOKENS[3].0),
        ("loopback", "header") => ask.header("x-access-token", &app.admin),
        other => panic!("credentials of {other:?}"),
    }
}

/// What clients encode.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn encoded(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    utf8_percent_encode(&text, ENCODED).to_string()
}

/// The names of the examples of an operation. A request that says nothing but its path is one without a name, if there may be such.
fn names(operation: &Value) -> BTreeSet<String> {
    let parameters = || operation["parameters"].as_array().into_iter().flatten();
    let forms =
        parameters().map(|parameter| parameter.pointer("/content/application~1json").unwrap_or(parameter));
    let bodies = operation["requestBody"]["content"].as_object().into_iter().flat_map(|forms| forms.values());
    let names = forms.chain(bodies).filter_map(|one| one["examples"].as_object());
    let mut names: BTreeSet<String> = names.flat_map(|examples| examples.keys().cloned()).collect();
    let takes_nothing = parameters().all(|parameter| parameter["required"] == false);
    if takes_nothing && operation["requestBody"]["required"] != true {
        names.insert(String::new());
    }
    names
}

/// The request that an example is.
fn request<'a>(
    app: &'a TestApp,
    api: &Api,
    (path, method): (&str, &str),
    operation: &Value,
    name: &str,
) -> Ask<'a> {
    let (mut path, mut query, mut headers) = (path.to_owned(), Vec::new(), Vec::new());
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let json = parameter.pointer("/content/application~1json");
        let Some(value) = json.unwrap_or(parameter)["examples"][name].get("value") else { continue };
        let key = parameter["name"].as_str().unwrap();
        match (parameter["in"].as_str().unwrap(), value) {
            ("path", value) => path = path.replace(&format!("{{{key}}}"), &encoded(value)),
            ("query", Value::Array(items)) if json.is_none() => {
                query.extend(items.iter().map(|item| format!("{key}={}", encoded(item))));
            }
            ("query", value) => query.push(format!("{key}={}", encoded(value))),
            ("header", value) => headers.push((key.to_owned(), value.as_str().unwrap().to_owned())),
            other => panic!("{other:?}"),
        }
    }
    assert!(!path.contains('{'), "{path} of {name}");
    let uri = if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) };
    let ask = with_credentials(app, api, operation, app.ask(&method.to_ascii_uppercase(), &uri));
    let ask = headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value));
    let forms = operation["requestBody"]["content"].as_object().into_iter().flatten();
    let body = forms.filter_map(|(kind, form)| Some((kind, form["examples"][name].get("value")?))).next();
    match body {
        None => ask,
        Some((kind, Value::Object(members))) if kind.ends_with("urlencoded") => {
            let pairs: Vec<String> =
                members.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
            ask.body(kind, pairs.join("&"))
        }
        Some((kind, body)) => ask.body(kind, body.to_string()),
    }
}

#[tokio::test]
async fn every_example_succeeds_as_it_is_described() {
    let mut sent = 0;
    for api in ALL.iter() {
        // One that nothing was changed in serves the next, too.
        let mut unchanged = None;
        for (path, method, operation) in api.operations() {
            for name in names(operation) {
                let is_stream = operation["operationId"].as_str().unwrap().starts_with("createChangeStream");
                let app = match unchanged.take() {
                    Some(app) if !is_stream => app,
                    _ => prepared(is_stream).await,
                };
                succeeds(&app, api, (path, method), operation, &name, is_stream).await;
                let changes_nothing =
                    ["get", "head"].contains(&method) || ["auth", "verify"].contains(&api.name);
                unchanged = Some(app).filter(|_| changes_nothing && !is_stream);
                sent += 1;
            }
        }
    }
    assert!(sent > 100, "only {sent} examples");
}

async fn succeeds(
    app: &TestApp,
    api: &Api,
    place: (&str, &str),
    operation: &Value,
    name: &str,
    is_stream: bool,
) {
    let ask = request(app, api, place, operation, name);
    let status = if operation["operationId"] == "metadata" {
        // Only there is it served.
        ask.send_to(&Setup::new("https://jeton.test".parse().unwrap())).await.status
    } else if is_stream {
        ask.head().await
    } else {
        ask.send().await.status
    };
    assert!(status.is_success(), "{} {name}: {status}", operation["operationId"]);
}
