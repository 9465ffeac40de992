//! What goes wrong, in LoopBack's shape and LoopBack's order of checks.

use super::{PATH, ask, assert_error, at, created, id_of, open_to_all};
use crate::app::{TestApp, identity, user};
use serde_json::json;

#[tokio::test]
async fn answers_whole() {
    let app = TestApp::new().await;
    insta::assert_snapshot!(ask(&app, "", "GET", "").send().await.show(), @r#"
    401 Unauthorized
    cache-control: no-store
    content-length: 110
    content-type: application/json; charset=utf-8
    x-content-type-options: nosniff

    {"error":{"statusCode":401,"name":"Error","message":"Authorization Required","code":"AUTHORIZATION_REQUIRED"}}
    "#);
    insta::assert_snapshot!(ask(&app, &app.admin, "GET", "/nope").send().await.show(), @r#"
    404 Not Found
    content-length: 117
    content-type: application/json; charset=utf-8
    x-content-type-options: nosniff

    {"error":{"statusCode":404,"name":"Error","message":"Unknown \"AccessToken\" id \"nope\".","code":"MODEL_NOT_FOUND"}}
    "#);
    insta::assert_snapshot!(ask(&app, "", "DELETE", "").send().await.show(), @r#"
    404 Not Found
    content-length: 117
    content-type: application/json; charset=utf-8
    x-content-type-options: nosniff

    {"error":{"statusCode":404,"name":"Error","message":"Shared class  \"AccessToken\" has no method handling DELETE /"}}
    "#);
}

/// The answer to a request by the manager: the status, then the error's name, message and code.
async fn error_line(app: &TestApp, method: &str, rest: &str, body: &str) -> String {
    let answer = ask(app, &app.admin, method, rest).body("application/json", body).send().await;
    assert_error(&answer, answer.status.as_u16());
    let error = &answer.json()["error"];
    format!("{} {} {} {}", answer.status.as_u16(), error["name"], error["message"], error["code"])
}

async fn error_lines(app: &TestApp, requests: &[(&str, &str, &str)]) -> String {
    let mut all = Vec::new();
    for (method, rest, body) in requests {
        all.push(format!("{method} {rest} {body}: {}", error_line(app, method, rest, body).await));
    }
    all.join("\n")
}

#[tokio::test]
async fn messages() {
    let app = TestApp::new().await;
    let requests = [
        ("PUT", "/nope", "{}"),
        ("GET", "/findOne?filter[where][userId]=99", ""),
        ("GET", "?filter={x}", ""),
        ("GET", "?filter=5", ""),
        ("GET", "?filter[limit]=-1", ""),
        ("GET", "?filter[limit]=0", ""),
        ("GET", "?filter[order]=ttl%20UP", ""),
        ("GET", "/count?where=x", ""),
        ("POST", "", "{"),
        ("POST", "", "5"),
        ("POST", "", "null"),
        ("POST", "", "[1]"),
        ("POST", "", r#"{"created": "zzz"}"#),
        ("POST", "", r#"{"userId": true}"#),
        ("POST", "", r#"{"id": "~7"}"#),
        ("GET", "/x/nope?y=1", ""),
        ("POST", "/x", "{}"),
        ("PROPFIND", "", ""),
        ("PUT", "", "[]"),
        ("GET", "/%ff", ""),
        ("GET", "/%zz/exists", ""),
    ];
    insta::assert_snapshot!(error_lines(&app, &requests).await, @r#"
    PUT /nope {}: 404 "Error" "could not find a model with id nope" "MODEL_NOT_FOUND"
    GET /findOne?filter[where][userId]=99 : 404 "Error" "Unknown \"AccessToken\" id \"undefined\"." "MODEL_NOT_FOUND"
    GET ?filter={x} : 400 "Error" "invalid value for argument 'filter' of type 'object': {x}. Received type was string. Error: this is not JSON, column 2" null
    GET ?filter=5 : 400 "Error" "Invalid value for argument 'filter' of type 'object': 5. Received type was converted to number." null
    GET ?filter[limit]=-1 : 400 "Error" "The limit parameter \"-1\" is not valid" null
    GET ?filter[limit]=0 : 400 "Error" "The limit parameter \"0\" is not valid" null
    GET ?filter[order]=ttl%20UP : 400 "Error" "The order \"ttl UP\" has invalid direction" null
    GET /count?where=x : 400 "Error" "invalid value for argument 'where' of type 'object': x. Received type was string. Error: this is not JSON, column 1" null
    POST  {: 400 "SyntaxError" "Unexpected token in JSON at line 1 column 1" null
    POST  5: 400 "Error" "invalid value for argument 'data' of type 'object': 5. Received type was number. Error: data must be object" null
    POST  null: 400 "Error" "Invalid value for argument 'data' of type 'object': null. Received type was converted to object." null
    POST  [1]: 400 "Error" "The data must be an object, or a list of objects" null
    POST  {"created": "zzz"}: 422 "ValidationError" "created must be a date of the years 0 to 9999" null
    POST  {"userId": true}: 422 "ValidationError" "userId must be an integer or a text of at most 255 characters" null
    POST  {"id": "~7"}: 422 "ValidationError" "the id must have 1 to 1024 bytes and not be ~ and a number" null
    GET /x/nope?y=1 : 404 "Error" "Shared class  \"AccessToken\" has no method handling GET /x/nope?y=1" null
    POST /x {}: 404 "Error" "Shared class  \"AccessToken\" has no method handling POST /x" null
    PROPFIND  : 404 "Error" "Shared class  \"AccessToken\" has no method handling PROPFIND /" null
    PUT  []: 400 "Error" "The data must be an object" null
    GET /%ff : 400 "URIError" "Failed to decode param '%ff'" null
    GET /%zz/exists : 400 "URIError" "Failed to decode param '%zz'" null
    "#);
}

#[tokio::test]
async fn messages_about_rows() {
    let app = TestApp::new().await;
    let include = ("GET", "?filter[include]=nope", "");
    assert_eq!(ask(&app, &app.admin, "GET", include.1).send().await.text(), "[]", "no row, no relation");
    let token = app.issue(identity(user("7"))).await;
    let [row, replace] = ["", "/replace"].map(|below| format!("/{}{below}", token.secret));
    let duplicate = json!({"id": token.secret}).to_string();
    let requests = [
        include,
        ("GET", "/findOne?filter[include]=nope", ""),
        ("POST", "/nope/replace", "{}"),
        ("GET", "/nope/user", ""),
        ("POST", "/update", "{}"),
        ("POST", "/update?where=null", "{}"),
        ("POST", "/upsertWithWhere?where[ttl]=1", "{}"),
        ("PUT", &row, r#"{"id": "other"}"#),
        ("POST", &replace, r#"{"id": "other"}"#),
        ("POST", "", &duplicate),
    ];
    insta::assert_snapshot!(error_lines(&app, &requests).await.replace(&token.secret, "ID"), @r#"
    GET ?filter[include]=nope : 400 "Error" "Relation \"nope\" is not defined for AccessToken model" null
    GET /findOne?filter[include]=nope : 400 "Error" "Relation \"nope\" is not defined for AccessToken model" null
    POST /nope/replace {}: 404 "Error" "Could not replace. Object with id nope does not exist!" null
    GET /nope/user : 404 "Error" "could not find a model with id nope" "MODEL_NOT_FOUND"
    POST /update {}: 400 "Error" "The where argument must be an object" null
    POST /update?where=null {}: 400 "Error" "Invalid value for argument 'where' of type 'object': null. Received type was converted to object." null
    POST /upsertWithWhere?where[ttl]=1 {}: 400 "Error" "data object cannot be empty!" null
    PUT /ID {"id": "other"}: 400 "Error" "id property (id) cannot be updated from ID to other" null
    POST /ID/replace {"id": "other"}: 400 "Error" "id property (id) cannot be updated from ID to other" null
    POST  {"id":"ID"}: 409 "Error" "Duplicate entry for AccessToken.id" null
    "#);
}

#[tokio::test]
async fn the_order_of_checks() {
    let app = TestApp::new().await;
    let json = "application/json";
    // The body before the path, the path before the rules, the rules before the arguments and the row.
    for (method, rest, body, status) in [
        ("GET", "/x/nope", "{", 400),
        ("PUT", "/x", "{", 400),
        ("GET", "/x/nope", "{}", 404),
        ("DELETE", "", "{}", 404),
        ("GET", "?filter={x}", "", 401),
        ("GET", "/nope", "", 401),
        ("PUT", "/nope", r#"{"userId": true}"#, 401),
        ("POST", "", r#"{"userId": true}"#, 422),
    ] {
        let answer = ask(&app, "", method, rest).body(json, body).send().await;
        assert_error(&answer, status);
    }
    let expired = app.issue(crate::app::lasting(0, identity(user("7")))).await;
    let answer = ask(&app, &expired.secret, "GET", "/x/nope").body(json, "{").send().await;
    assert_eq!(assert_error(&answer, 401), "Invalid Access Token");
}

#[tokio::test]
async fn nothing_tells_an_unknown_id_from_one_that_is_there() {
    let app = TestApp::new().await;
    let token = app.issue(identity(user("8"))).await;
    let proof = app.issue(identity(user("7"))).await;
    let acl = json!({"principalType": "ROLE", "principalId": "$owner", "permission": "ALLOW"});
    app.merge(json!({"loopback": {"acls": [acl]}})).await;
    for (method, below) in [("GET", ""), ("PUT", ""), ("DELETE", ""), ("GET", "/exists"), ("GET", "/user")] {
        let mut answers = Vec::new();
        for id in [token.secret.as_str(), &app.admin, "nope", "~1"] {
            let asked = ask(&app, &proof.secret, method, &format!("/{id}{below}"));
            answers.push(asked.json(&json!({})).send().await.show());
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:?}");
        assert!(answers[0].starts_with("401"));
    }
}

#[tokio::test]
async fn bodies_are_bounded() {
    let app = TestApp::new().await;
    let post = |kind: &str, body: String| ask(&app, "", "POST", "").body(kind, body).send();
    let padded = |length: usize| format!("{{\"ttl\":5}}{}", " ".repeat(length - 9));
    assert_eq!(post("application/json", padded(102_400)).await.status, 200);
    let answer = post("application/json", padded(102_401)).await;
    assert_eq!(assert_error(&answer, 413), "request entity too large");
    let form = "application/x-www-form-urlencoded";
    for (kind, encoding, message) in [
        ("application/json; charset=x-foo", "", "unsupported charset \"X-FOO\""),
        ("application/json; charset=\"utf-16\"", "", "unsupported charset \"UTF-16\""),
        ("application/json", "gzip", "unsupported content encoding \"gzip\""),
    ] {
        let asked = ask(&app, "", "POST", "").body(kind, "{}").header("content-encoding", encoding);
        assert_eq!(assert_error(&asked.send().await, 415), message);
    }
    assert_eq!(post(form, "a=1&".repeat(999) + "ttl=5").await.status, 200);
    assert_eq!(assert_error(&post(form, "a=1&".repeat(1000) + "ttl=5").await, 413), "too many parameters");
    assert_error(&post(form, format!("x{}=1", "[a]".repeat(40))).await, 400);
    // What a row keeps beside its properties is bounded too.
    let before = app.count().await;
    assert_error(&post("application/json", json!({"x": "y".repeat(16_384)}).to_string()).await, 413);
    assert_eq!(app.count().await, before);
    let row = created(&app, &app.admin, &json!({"x": "y".repeat(16_000)})).await;
    let more = ask(&app, &app.admin, "PATCH", &at(id_of(&row))).json(&json!({"z": "y".repeat(1000)}));
    assert_error(&more.send().await, 413);
    let kept = ask(&app, &app.admin, "GET", &at(id_of(&row))).send().await.json();
    assert_eq!(kept, row);
}

#[tokio::test]
async fn an_outage_is_503_and_nothing_else() {
    let app = TestApp::new().await;
    open_to_all(&app).await;
    let proof = app.issue(identity(user("7"))).await;
    for (method, rest, body) in [
        ("GET", "", None),
        ("GET", "/count", None),
        ("GET", "/count?where[userId]=7", None),
        ("GET", "/findOne", None),
        ("GET", "/:id", None),
        ("GET", "/:id/exists", None),
        ("HEAD", "/:id", None),
        ("POST", "", Some(json!({"userId": 2}))),
        ("PUT", "", Some(json!({"id": ":id", "x": 1}))),
        ("PATCH", "", Some(json!({"ttl": 5}))),
        ("PUT", "/:id", Some(json!({"userId": 2}))),
        ("PATCH", "/:id", Some(json!({"x": 1}))),
        ("DELETE", "/:id", None),
        ("GET", "/:id/user", None),
        ("POST", "", Some(json!([{"userId": 2}, {"userId": 7}]))),
        ("POST", "/update?where[id]=:id", Some(json!({"userId": 2}))),
        ("POST", "/upsertWithWhere?where[id]=:id", Some(json!({"x": 1}))),
        ("POST", "/replaceOrCreate", Some(json!({"id": ":id", "x": 1}))),
        ("POST", "/:id/replace", Some(json!({"userId": 2}))),
    ] {
        let mut calls = 0;
        for nth in 1.. {
            let victim = app.issue(identity(user("8"))).await;
            let before = app.token(victim.id).await;
            let asked = ask(&app, &proof.secret, method, &rest.replace(":id", &victim.secret));
            let asked = match &body {
                Some(body) => asked.body("application/json", body.to_string().replace(":id", &victim.secret)),
                None => asked,
            };
            app.store.fail_only(nth);
            let answer = asked.send().await;
            calls = app.store.calls();
            app.store.recover();
            if calls < nth {
                break;
            }
            assert_eq!(answer.status, 503, "{method} {rest}: call {nth}");
            if method != "HEAD" {
                assert_eq!(assert_error(&answer, 503), "Service Unavailable");
            }
            assert_eq!(app.token(victim.id).await, before, "{method} {rest}: call {nth}");
        }
        assert!(calls >= 2, "{method} {rest} asked the store for next to nothing");
    }
    app.store.fail_always();
    assert_error(&app.get(PATH).send().await, 503);
}

#[tokio::test]
async fn an_outage_while_an_expired_token_leaves_is_no_refusal() {
    let app = TestApp::new().await;
    let expired = app.issue(crate::app::lasting(0, identity(user("7")))).await;
    for nth in 1..=3 {
        app.store.fail_only(nth);
        assert_error(&ask(&app, &expired.secret, "GET", "").send().await, 503);
        app.store.recover();
    }
    assert_error(&ask(&app, &expired.secret, "GET", "").send().await, 401);
    assert!(app.token(expired.id).await.unwrap().left_loopback);
}
