//! Filters that take more work than a request may.

use super::streams::{self, Stream};
use super::{ask, assert_error, at, created, id_of, open_to_all};
use crate::app::TestApp;
use jeton_service::Limits;
use serde_json::{Value, json};

const LONG: usize = 16_000;

/// Three rows that are long, and the id of one. A request may do so many steps.
async fn long_rows(app: &mut TestApp, match_work: u64) -> String {
    let limits = Limits { match_work, ..Limits::default() };
    app.service = app.service.clone().with_limits(limits);
    let mut id = String::new();
    for _ in 0..3 {
        id = id_of(&created(app, &app.admin, &json!({"x": "y".repeat(LONG)})).await).to_owned();
    }
    id
}

fn encoded(json: &Value) -> String {
    json.to_string().bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// Conditions that look at every byte of a row, and mean none.
fn conditions() -> Vec<Value> {
    let long = format!("{}z", "y".repeat(LONG - 1));
    let mut conditions: Vec<Value> = ["like", "nlike", "ilike", "nilike", "regexp"]
        .iter()
        .map(|operator| {
            let pattern = if *operator == "regexp" { "^y*z$" } else { "%z" };
            let denied = json!({"x": {*operator: pattern}});
            if operator.starts_with('n') { json!({"nor": [denied]}) } else { denied }
        })
        .collect();
    conditions.extend([
        json!({"x": {"gt": long}}),
        json!({"x": {"gte": long}}),
        json!({"nor": [{"x": {"lt": long}}]}),
        json!({"nor": [{"x": {"lte": long}}]}),
        json!({"x": {"between": [long, "zz"]}}),
        json!({"nor": [{"x": {"neq": long}}]}),
        json!({"x": long}),
        json!({"x": {"inq": [long]}}),
        json!({"nor": [{"x": {"nin": [long]}}]}),
        json!({"x": {"inq": (0..100).collect::<Vec<_>>()}}),
        json!({"or": (0..100).map(|number| json!({"x": number.to_string()})).collect::<Vec<_>>()}),
    ]);
    conditions
}

#[tokio::test]
async fn every_method_and_operator_is_measured() {
    let mut app = TestApp::new().await;
    let id = long_rows(&mut app, 4_000_000_000).await;
    let tight = Limits { match_work: 1_500, ..Limits::default() };
    let bound = "the filter takes too much work: at most 0 million steps for a request (limits.match_work), \
                 and 32 million for one row";
    for (limits, status) in [(Limits::default(), 200), (tight, 400)] {
        app.service = app.service.clone().with_limits(limits);
        for condition in conditions() {
            let within = json!({"and": [{"id": {"inq": [id]}}, condition]});
            let filter = json!({"where": condition, "order": "ttl"});
            for (method, rest, body) in [
                ("GET", "/count", json!({"where": condition})),
                ("GET", "/count", json!({"where": within})),
                ("GET", "", json!({"filter": filter})),
                ("GET", "", json!({"filter": {"where": condition, "order": []}})),
                ("GET", "/findOne", json!({"filter": filter})),
                ("GET", "/findOne", json!({"filter": {"where": within}})),
            ] {
                let answer = ask(&app, &app.admin, method, rest).json(&body).send().await;
                let expected = if status == 200 && rest == "/findOne" { 404 } else { status };
                assert_eq!(answer.status, expected, "{rest} {}", answer.text());
                if status == 400 {
                    assert_eq!(assert_error(&answer, 400), bound);
                }
            }
        }
        let short = encoded(&json!({"x": {"like": "%z"}}));
        for path in [format!("/update?where={short}"), format!("/upsertWithWhere?where={short}")] {
            let answer = ask(&app, &app.admin, "POST", &path).json(&json!({"more": 1})).send().await;
            assert_eq!(answer.status, status, "{path}: {}", answer.text());
        }
    }
    assert_eq!(ask(&app, &app.admin, "GET", &at(&id)).status().await, 200, "what needs no matching goes on");
}

#[tokio::test]
async fn sorting_is_measured() {
    let mut app = TestApp::new().await;
    long_rows(&mut app, 4_000_000_000).await;
    let body = json!({"filter": {"order": "x,y"}});
    let find = async |app: &TestApp| ask(app, &app.admin, "GET", "").json(&body).send().await;
    assert_eq!(find(&app).await.status, 200);
    app.service = app.service.clone().with_limits(Limits { match_work: 10_000, ..Limits::default() });
    assert_error(&find(&app).await, 400);
}

#[tokio::test]
async fn patterns_are_bounded_in_length_number_and_size() {
    let app = TestApp::new().await;
    let count = async |condition: Value| {
        let answer = ask(&app, &app.admin, "GET", "/count").json(&json!({"where": condition})).send().await;
        (answer.status.as_u16(), answer.text().to_owned())
    };
    for operator in ["like", "nlike", "ilike", "nilike"] {
        assert_eq!(count(json!({"x": {operator: format!("%{}", "y".repeat(999))}})).await.0, 200);
        let (status, text) = count(json!({"x": {operator: "y".repeat(8_000)}})).await;
        assert!(status == 400 && text.contains("Invalid pattern: too long, it may have 1000"), "{text}");
    }
    let many = |count: usize, pattern: &str| json!({"or": vec![json!({"x": {"like": pattern}}); count]});
    assert_eq!(count(many(64, "%y%")).await.0, 200);
    assert!(count(many(65, "%y%")).await.1.contains("more than 64 patterns"));
    assert!(count(many(60, &"_y".repeat(400))).await.1.contains("take more than 262144 bytes"));
}

#[tokio::test]
async fn a_stream_is_measured_too() {
    let mut app = streams::fed().await;
    let path = |condition: &Value| format!("/api/accessTokens/change-stream?where={}", encoded(condition));
    let large = json!({"or": vec![json!({"x": {"like": "_y".repeat(400)}}); 2]});
    let refused = app.get(&path(&large)).header("accept", "text/event-stream").send().await;
    assert!(assert_error(&refused, 400).contains("at most 65536 bytes"));

    app.service = app.service.clone().with_limits(Limits { match_work: 3_000, ..Limits::default() });
    let (cheap, costly) = (json!({"ttl": {"gt": 1}}), json!({"x": {"like": "%z"}}));
    let mut cheap = Stream::open(&app, &path(&cheap), &[]).await;
    let costly = Stream::open(&app, &path(&costly), &[]).await;
    open_to_all(&app).await;
    created(&app, "", &json!({"x": "y".repeat(LONG)})).await;
    let end = ":ok\n\nevent: end\ndata: {\"type\":\"end\",\"reason\":\"costly\"}\n\n";
    assert_eq!(costly.rest().await, end);
    cheap.up_to("\"type\":\"create\"").await;
}
