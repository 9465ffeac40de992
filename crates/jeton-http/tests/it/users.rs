//! Users whose ids no double holds: exact through every API, and never one another.

use crate::app::{Ask, HOUR, TestApp, grant, identity, lasting, user};
use proptest::collection::btree_set;
use proptest::prelude::*;
use serde_json::{Value, json};

const ROWS: &str = "/api/accessTokens";
/// Two that JavaScript reads as one.
const ONE: i64 = 838_529_527_931_269_425;
const OTHER: i64 = 838_529_527_931_269_391;

fn of_admin<'a>(app: &'a TestApp, method: &str, uri: &str) -> Ask<'a> {
    app.ask(method, uri).header("x-access-token", &app.admin)
}

/// The user of an answer, as LoopBack shows it: a number below 2^53, a string beyond.
fn shown(number: i64) -> Value {
    if number.unsigned_abs() < 1 << 53 { json!(number) } else { json!(number.to_string()) }
}

/// Creates a row through LoopBack, with the user as these bytes of JSON.
async fn create(app: &TestApp, user: &str) -> Value {
    let body = format!(r#"{{"userId":{user},"ttl":3600}}"#);
    let answer = of_admin(app, "POST", ROWS).body("application/json", body).send().await;
    assert_eq!(answer.status, 200, "{user}: {}", answer.text());
    answer.json()
}

/// The users of the rows that a filter finds.
async fn found(app: &TestApp, query: &str) -> Vec<Value> {
    let answer = of_admin(app, "GET", &format!("{ROWS}?{query}")).send().await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    answer.json().as_array().unwrap().iter().map(|row| row["userId"].clone()).collect()
}

fn json_filter(filter: &str) -> String {
    let encoded: String = filter.bytes().map(|byte| format!("%{byte:02x}")).collect();
    format!("filter={encoded}")
}

async fn by_user(app: &TestApp, condition: &str) -> Vec<Value> {
    found(app, &json_filter(&format!(r#"{{"where":{{"userId":{condition}}},"order":"userId"}}"#))).await
}

#[tokio::test]
async fn two_that_javascript_confuses_own_nothing_of_each_other() {
    let app = TestApp::new().await;
    let (one, other) = (create(&app, &ONE.to_string()).await, create(&app, &OTHER.to_string()).await);
    assert_eq!((&one["userId"], &other["userId"]), (&shown(ONE), &shown(OTHER)));
    let listed = app.get("/AccessToken/demo").bearer(one["id"].as_str().unwrap()).send().await.json();
    assert_eq!(listed["data"]["total"], json!(1));
    assert_eq!(listed["data"]["data"][0]["userID"], json!(ONE));
    let foreign = app.issue(grant(user(&OTHER.to_string()), "read")).await;
    let path = format!("/AccessToken/demo/{}", foreign.id);
    assert_eq!(app.delete(&path).bearer(one["id"].as_str().unwrap()).status().await, 404);
    assert_eq!(app.delete(&path).bearer(other["id"].as_str().unwrap()).status().await, 200);
    let asked = app.get("/auth/demo").bearer(one["id"].as_str().unwrap()).send().await;
    assert_eq!(asked.headers["x-auth-user"], ONE.to_string().as_str());
    // LoopBack's rules know their owners apart, too.
    let row = format!("{ROWS}/{}", other["id"].as_str().unwrap());
    app.merge(json!({"loopback": {"acls": [
        {"principalType": "ROLE", "principalId": "$everyone", "permission": "DENY"},
        {"principalType": "ROLE", "principalId": "$owner", "permission": "ALLOW", "accessType": "READ"},
        {"principalType": "USER", "principalId": OTHER, "permission": "ALLOW", "property": "find"},
    ]}}))
    .await;
    for (caller, status) in [(&one, 401), (&other, 200)] {
        let caller = caller["id"].as_str().unwrap();
        assert_eq!(app.get(&row).header("x-access-token", caller).status().await, status);
        assert_eq!(app.get(ROWS).header("x-access-token", caller).status().await, status);
    }
}

#[tokio::test]
async fn a_number_names_a_user_exactly_or_is_refused() {
    let app = TestApp::new().await;
    for (sent, kept) in [
        ("7", json!(7)),
        ("-7", json!(-7)),
        ("1e3", json!(1000)),
        ("7.0", json!(7)),
        ("-0", json!(0)),
        ("9007199254740991", json!(9_007_199_254_740_991_i64)),
        ("9007199254740992", json!("9007199254740992")),
        ("9223372036854775807", json!("9223372036854775807")),
        ("-9223372036854775808", json!("-9223372036854775808")),
        ("\"7\"", json!(7)),
        ("\"9007199254740993\"", json!("9007199254740993")),
        ("\"007\"", json!("007")),
        ("\"-0\"", json!("-0")),
        ("\"18446744073709551615\"", json!("18446744073709551615")),
    ] {
        assert_eq!(create(&app, sent).await["userId"], kept, "{sent}");
    }
    for sent in [
        "7.5",
        "9007199254740993.0",
        "838529527931269425e0",
        "9223372036854775808",
        "-9223372036854775809",
        "18446744073709551615",
        "100000000000000000000",
        "1e30",
        "1e-7",
    ] {
        for body in [format!(r#"{{"userId":{sent}}}"#), format!(r#"{{"user":{{"id":{sent}}}}}"#)] {
            let answer = of_admin(&app, "POST", ROWS).body("application/json", body.clone()).send().await;
            assert_eq!(answer.status, 422, "{body}");
        }
        let held = app.post(&format!("/AccessToken/demo?userId={sent}")).bearer(&app.admin);
        assert_eq!(held.json(&json!({"title": "t"})).status().await, 400, "{sent}");
        let body = format!(r#"{{"title":"t","userID":{sent}}}"#);
        let held = app.post("/AccessToken/demo").bearer(&app.admin).body("application/json", body);
        assert_eq!(held.status().await, 400, "{sent}");
    }
    // This API knows numbers alone, whatever zeros stand before them.
    for (spelled, total) in [("007", 3), ("%2b7", 3), ("-07", 1), ("-0", 14), ("9223372036854775807", 1)] {
        let listed = app.get(&format!("/AccessToken/demo?userId={spelled}")).bearer(&app.admin).send().await;
        assert_eq!(listed.json()["data"]["total"], json!(total), "{spelled}");
    }
    // Other members are rounded, as JavaScript reads them.
    let body = r#"{"other": 838529527931269425, "user": {"id": 838529527931269425}, "deep": [{"userId": 838529527931269391}]}"#;
    let row = of_admin(&app, "POST", ROWS).body("application/json", body).send().await;
    assert!(row.text().contains(r#""other":838529527931269400"#), "{}", row.text());
    assert!(row.text().contains(r#""deep":[{"userId":838529527931269400}]"#), "{}", row.text());
    assert!(row.text().contains(r#""userId":"838529527931269425""#), "{}", row.text());
}

#[tokio::test]
async fn conditions_and_orders_know_them_apart() {
    let app = TestApp::new().await;
    let ids = [ONE, OTHER, 7, i64::MAX, i64::MIN, 9_007_199_254_740_993, 9_007_199_254_740_992];
    for id in ids {
        create(&app, &id.to_string()).await;
    }
    create(&app, "\"838529527931269400\"").await;
    create(&app, "\"007\"").await;
    let all: Vec<i64> = ids.into_iter().chain([838_529_527_931_269_400]).collect();
    let those = |wanted: &dyn Fn(i64) -> bool| {
        let mut those: Vec<i64> = all.iter().copied().filter(|id| wanted(*id)).collect();
        those.sort_unstable();
        those.into_iter().map(shown).collect::<Vec<_>>()
    };
    for id in all.iter().copied() {
        let only = vec![shown(id)];
        assert_eq!(by_user(&app, &id.to_string()).await, only);
        assert_eq!(by_user(&app, &format!("\"{id}\"")).await, only);
        assert_eq!(by_user(&app, &format!("{{\"inq\":[{id}]}}")).await, only);
        assert_eq!(by_user(&app, &format!("{{\"between\":[{id},\"{id}\"]}}")).await, only);
        assert_eq!(found(&app, &format!("filter[where][userId]={id}")).await, only);
        assert_eq!(found(&app, &format!("filter[where][userId][inq][]={id}")).await, only);
        // A text that is no number compares with none.
        for (operator, wanted) in [
            ("gt", those(&|other| other > id)),
            ("gte", those(&|other| other >= id)),
            ("lt", those(&|other| other < id)),
            ("lte", those(&|other| other <= id)),
        ] {
            let found = by_user(&app, &format!("{{\"{operator}\":{id}}}")).await;
            let found: Vec<Value> = found.into_iter().filter(|user| *user != json!("007")).collect();
            assert_eq!(found, wanted, "{operator} {id}");
        }
        let count = all.len();
        let others = json_filter(&format!(r#"{{"where":{{"userId":{{"neq":{id}}}}}}}"#));
        // With "007", and the admin's own row if LoopBack showed it, which it does not.
        assert_eq!(found(&app, &others).await.len(), count, "neq {id}");
        let others = json_filter(&format!(r#"{{"where":{{"userId":{{"nin":[{id}]}}}}}}"#));
        assert_eq!(found(&app, &others).await.len(), count, "nin {id}");
    }
    for nobody in ["838529527931269425.0", "1e30", "7.5", "\"7.0\"", "\"07\"", "18446744073709551615"] {
        assert_eq!(by_user(&app, nobody).await, Vec::<Value>::new(), "{nobody}");
    }
    assert_eq!(by_user(&app, "\"007\"").await, [json!("007")]);
    // What goes by a condition goes for one user alone.
    let removed = format!("{ROWS}/update?where=%7b%22userId%22%3a{ONE}%7d");
    let answer = of_admin(&app, "POST", &removed).json(&json!({"userId": OTHER})).send().await;
    assert_eq!(answer.json(), json!({"count": 1}));
    assert_eq!(by_user(&app, &ONE.to_string()).await.len(), 0);
    assert_eq!(by_user(&app, &OTHER.to_string()).await, [shown(OTHER), shown(OTHER)]);
}

#[tokio::test]
async fn every_answer_has_its_own_form() {
    let app = TestApp::new().await;
    let held = app.issue(lasting(HOUR, identity(user(&ONE.to_string())))).await;
    let asked = app.post("/verify/demo").header("authorization", app.basic_value());
    let verified = asked.json(&json!({"token": held.secret})).send().await.json();
    assert_eq!(verified["user_id"], json!(ONE.to_string()));
    for (form, expected) in [("number", json!(ONE)), ("string", json!(ONE.to_string()))] {
        app.merge(json!({"appkey": {"int64": form}})).await;
        let uri = format!("/AccessToken/demo?userId={ONE}");
        let listed = app.get(&uri).bearer(&app.admin).send().await.json();
        assert_eq!(listed["data"]["data"][0]["userID"], expected);
        let none = app.get(&format!("/AccessToken/demo?userId={OTHER}")).bearer(&app.admin).send().await;
        assert_eq!(none.json()["data"]["data"], json!([]));
    }
    app.merge(json!({"loopback": {"roles": {"staff": [ONE, OTHER.to_string()]}}})).await;
    let refused = json!({"loopback": {"roles": {"staff": [18_446_744_073_709_551_615_u64]}}});
    let key = "demo".parse().unwrap();
    let merged = app.service.merge_settings(&key, &refused, &jeton_core::Cause::CLI);
    assert!(!matches!(merged.await, Ok(jeton_service::Merged::Done(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Any users are as many users through each API: created, read, listed, found, removed.
    #[test]
    fn as_many_users_as_ids(near: i64, ids in btree_set(-40i64..40, 2..5)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let ids: Vec<i64> = ids.into_iter().map(|id| near.saturating_add(id)).collect();
        let ids: Vec<i64> = ids.into_iter().filter(|id| *id != 0).collect();
        runtime.block_on(whole_lives(&ids));
    }
}

async fn whole_lives(ids: &[i64]) {
    let app = TestApp::new().await;
    let mut ids = ids.to_vec();
    ids.dedup();
    let mut rows = Vec::new();
    for (place, id) in ids.iter().enumerate() {
        // As a number and as a string, over one API and the other.
        let text = if place % 2 == 0 { id.to_string() } else { format!("\"{id}\"") };
        rows.push(create(&app, &text).await["id"].as_str().unwrap().to_owned());
        let body = format!(r#"{{"title":"t","userID":{text}}}"#);
        let made = app.post("/AccessToken/demo").bearer(&app.admin).body("application/json", body);
        assert_eq!(made.status().await, 200);
    }
    for (place, id) in ids.iter().enumerate() {
        assert_eq!(by_user(&app, &id.to_string()).await, [shown(*id), shown(*id)]);
        let listed =
            app.get(&format!("/AccessToken/demo?userId={id}")).bearer(&app.admin).send().await.json();
        assert_eq!(listed["data"]["total"], json!(2), "{id}");
        let own = app.get("/AccessToken/demo").bearer(&rows[place]).send().await.json();
        assert_eq!(own["data"]["total"], json!(2), "{id}");
        assert!(own["data"]["data"].as_array().unwrap().iter().all(|row| row["userID"] == json!(id)));
    }
    for (place, id) in ids.iter().enumerate() {
        let path = format!("{ROWS}/{}", rows[place]);
        assert_eq!(of_admin(&app, "DELETE", &path).status().await, 200);
        for (other_place, other) in ids.iter().enumerate() {
            let left = if other_place <= place { 1 } else { 2 };
            assert_eq!(by_user(&app, &other.to_string()).await.len(), left, "{id}, {other}");
        }
    }
}
