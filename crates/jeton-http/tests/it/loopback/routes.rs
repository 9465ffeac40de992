//! The documented routes and others that clients use: where the documented rules admit which callers.

use super::{PATH, ask, assert_error, at, created, id_of, open_to_all, stored};
use crate::app::{Holder, TestApp, grant, identity, user};
use serde_json::{Value, json};
use std::fmt::Write;

/// The nine rows of the documentation, then those that LoopBack has besides. `:id` stands for a row's id.
const ROUTES: [(&str, &str); 19] = [
    ("POST", ""),
    ("GET", ""),
    ("PUT", ""),
    ("GET", "/:id"),
    ("PUT", "/:id"),
    ("DELETE", "/:id"),
    ("GET", "/:id/exists"),
    ("GET", "/count"),
    ("GET", "/findOne"),
    ("HEAD", ""),
    ("PATCH", ""),
    ("HEAD", "/:id"),
    ("PATCH", "/:id"),
    ("GET", "/:id/user"),
    ("POST", "/update?where[id]=:id"),
    ("POST", "/upsertWithWhere?where[id]=:id"),
    ("POST", "/replaceOrCreate"),
    ("POST", "/:id/replace"),
    // Streams are not fed here, so there is no room for one.
    ("GET", "/change-stream"),
];

async fn table(app: &TestApp, callers: &[(&str, &str)]) -> String {
    let mut table = format!("{:23}", "");
    for (name, _) in callers {
        write!(table, "{name:>10}").unwrap();
    }
    for (method, rest) in ROUTES {
        let shown = rest.split('?').next().unwrap_or_default();
        write!(table, "\n{:23}", format!("{method:7}{shown}")).unwrap();
        for (_, caller) in callers {
            let victim = app.issue(identity(user("7"))).await;
            let rest = rest.replace(":id", &victim.secret);
            let before = app.token(victim.id).await;
            let count = app.count().await;
            let asked = ask(app, caller, method, &rest);
            let answer =
                if method == "GET" || method == "HEAD" { asked } else { asked.json(&json!({"x": 1})) };
            let answer = answer.send().await;
            if !answer.status.is_success() {
                assert_eq!(
                    (app.token(victim.id).await, app.count().await),
                    (before, count),
                    "{method} {rest}"
                );
            }
            write!(table, "{:>10}", answer.status.as_u16()).unwrap();
        }
    }
    table
}

#[tokio::test]
async fn the_documented_rules() {
    let app = TestApp::new().await;
    let proof = app.issue(identity(user("7"))).await;
    let allows = app.issue(grant(user("7"), "read")).await;
    let callers =
        [("anonymous", ""), ("user 7", &*proof.secret), ("grant", &*allows.secret), ("manager", &*app.admin)];
    insta::assert_snapshot!(table(&app, &callers).await, @r"
                            anonymous    user 7     grant   manager
    POST                          200       200       200       200
    GET                           401       401       401       200
    PUT                           401       401       401       200
    GET    /:id                   401       401       401       200
    PUT    /:id                   401       401       401       200
    DELETE /:id                   401       401       401       200
    GET    /:id/exists            401       401       401       200
    GET    /count                 401       401       401       200
    GET    /findOne               401       401       401       200
    HEAD                          401       401       401       200
    PATCH                         401       401       401       200
    HEAD   /:id                   401       401       401       200
    PATCH  /:id                   401       401       401       200
    GET    /:id/user              401       401       401       200
    POST   /update                401       401       401       200
    POST   /upsertWithWhere       401       401       401       200
    POST   /replaceOrCreate       401       401       401       200
    POST   /:id/replace           401       401       401       200
    GET    /change-stream         401       401       401       503
    ");
}

#[tokio::test]
async fn what_is_there_for_whoever_is_let_in() {
    let app = TestApp::new().await;
    open_to_all(&app).await;
    insta::assert_snapshot!(table(&app, &[("anonymous", "")]).await, @r"
                            anonymous
    POST                          200
    GET                           200
    PUT                           200
    GET    /:id                   200
    PUT    /:id                   200
    DELETE /:id                   200
    GET    /:id/exists            200
    GET    /count                 200
    GET    /findOne               200
    HEAD                          200
    PATCH                         200
    HEAD   /:id                   200
    PATCH  /:id                   200
    GET    /:id/user              200
    POST   /update                200
    POST   /upsertWithWhere       200
    POST   /replaceOrCreate       200
    POST   /:id/replace           200
    GET    /change-stream         503
    ");
}

#[tokio::test]
async fn names_in_any_case_with_or_without_the_root() {
    let app = TestApp::new().await;
    app.create_app("other").await;
    let token = app.issue(identity(user("7"))).await;
    for path in [
        "/api/AccessTokens",
        "/accessTokens",
        "/AccessTokens/",
        "/API/accesstokens//",
        "//api//accessTokens",
        "/apps/demo/api/accessTokens",
        "/Apps/demo/Api/ACCESSTOKENS/",
    ] {
        let rows = app.get(path).header("x-access-token", &app.admin).send().await;
        assert_eq!(rows.json()[0]["id"], *token.secret, "{path}");
        let row = app.get(&format!("{path}/{}/", token.secret)).header("x-access-token", &app.admin);
        assert_eq!(row.send().await.json()["userId"], 7, "{path}");
        assert_error(&app.get(path).send().await, 401);
    }
    let upper = at(&token.secret.to_ascii_uppercase());
    let is_upper = upper != at(&token.secret);
    assert_eq!(ask(&app, &app.admin, "GET", &upper).status().await, if is_upper { 404 } else { 200 });
    // A name is only a name under the verb that has it.
    for (method, rest) in [("PUT", "/count"), ("HEAD", "/count"), ("HEAD", "/findOne")] {
        assert_eq!(
            ask(&app, &app.admin, method, rest).json(&json!({})).status().await,
            404,
            "{method} {rest}"
        );
    }
    assert_eq!(ask(&app, &app.admin, "DELETE", "/count").send().await.json(), json!({"count": 0}));
}

#[tokio::test]
async fn other_apps_are_below_their_key() {
    let app = TestApp::new().await;
    let other = app.create_app("other").await;
    let row = app.post("/apps/other/api/accessTokens").header("x-access-token", &other);
    let row = row.json(&json!({"userId": 9})).send().await.json();
    assert_eq!(stored(&app, id_of(&row)).await, None, "it is none of the default app's");
    let answer = app.get("/auth/other").bearer(id_of(&row)).send().await;
    assert_eq!((answer.status.as_u16(), answer.header("x-auth-user")), (200, Some("9")));
    assert_eq!(app.get("/auth/demo").bearer(id_of(&row)).status().await, 401);
}

#[tokio::test]
async fn a_disabled_dialect_is_as_unknown_as_no_app() {
    let app = TestApp::new().await;
    let token = app.issue(identity(user("7"))).await;
    app.merge(json!({"loopback": {"enabled": false}})).await;
    for (method, rest) in ROUTES {
        let rest = rest.replace(":id", &token.secret);
        for caller in ["", &app.admin, &token.secret] {
            let sent = async |root: &str| {
                let asked = app.ask(method, &format!("{root}/accessTokens{rest}"));
                let asked = if caller.is_empty() { asked } else { asked.header("x-access-token", caller) };
                let answer = asked.body("application/json", "{").send().await;
                answer
                    .show()
                    .replace(root, "")
                    .replace(&answer.header("content-length").unwrap_or("").to_owned(), "")
            };
            let unknown = sent("/apps/none/api").await;
            assert!(unknown.starts_with("404"), "{unknown}");
            assert_eq!(sent("/apps/demo/api").await, unknown, "{method} {rest}");
            assert_eq!(sent("/apps/no%20key/api").await, unknown, "{method} {rest}");
        }
    }
    assert_eq!(app.get(PATH).header("x-access-token", &app.admin).status().await, 404);
    assert!(app.token(token.id).await.is_some());
    assert_eq!(app.get("/auth/demo").bearer(&token.secret).status().await, 200);
}

#[tokio::test]
async fn head_says_by_its_status_what_exists() {
    let app = TestApp::new().await;
    let Holder { secret, .. } = app.issue(identity(user("7"))).await;
    for (rest, status) in [(at(&secret), 200), (at("nope"), 404), (String::new(), 200)] {
        let answer = ask(&app, &app.admin, "HEAD", &rest).send().await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (status, 0), "{rest}");
    }
    let exists = async |id: &str| ask(&app, &app.admin, "GET", &format!("/{id}/exists")).send().await.json();
    assert_eq!(exists(&secret).await, json!({"exists": true}));
    assert_eq!(exists("nope").await, json!({"exists": false}));
}

#[tokio::test]
async fn methods_in_any_case() {
    let app = TestApp::new().await;
    let row = created(&app, &app.admin, &json!({"userId": 7})).await;
    assert_eq!(ask(&app, &app.admin, "get", "").send().await.json(), Value::from(vec![row.clone()]));
    assert_eq!(
        ask(&app, &app.admin, "put", &at(id_of(&row))).json(&json!({"n": 1})).send().await.json()["n"],
        1
    );
    assert_eq!(ask(&app, &app.admin, "delete", &at(id_of(&row))).send().await.json(), json!({"count": 1}));
}
