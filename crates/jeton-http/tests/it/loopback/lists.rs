//! Lists of more rows than the store gives at once, than are written as a whole, and than are sorted.

use super::{ask, assert_error, at};
use crate::answer::Answer;
use crate::app::{EVERYTHING, TestApp, identity, user};
use jeton_core::Secret;
use jeton_service::{ImportRow, Imported};
use serde_json::Value;

/// Lists of more bytes have no length beforehand.
const SHORT_BYTES: usize = 256 * 1024;

/// The number of a row by which its ttl is in another order than its creation.
const STRIDE: usize = 7_919;

/// Puts so many tokens into `demo`, whose ids descend and whose lifetimes are all different.
async fn fill(app: &TestApp, count: usize) {
    let row = |number: usize| ImportRow {
        secret: Secret::parse(&id(count, number)).unwrap().into(),
        issue: identity(user(if number == 5 { "8" } else { "7" })),
        created_at: Some(app.service.now()),
        expires_at: Some(app.after(i64::try_from(ttl(count, number)).unwrap() * 1000)),
        enabled: true,
    };
    let rows = (0..count).map(row).collect();
    let taken = app.service.import(&app.open("demo").await, rows, false, &EVERYTHING.cause()).await.unwrap();
    assert!(taken.iter().all(|one| matches!(one, Imported::Taken(_))), "{taken:?}");
}

fn id(count: usize, number: usize) -> String {
    format!("{:064}", count - number)
}

fn ttl(count: usize, number: usize) -> usize {
    number * STRIDE % count + 1
}

fn filter(json: &str) -> String {
    let encoded: String = json.bytes().map(|byte| format!("%{byte:02x}")).collect();
    format!("?filter={encoded}")
}

async fn find(app: &TestApp, json: &str) -> Answer {
    ask(app, &app.admin, "GET", &filter(json)).send().await
}

async fn ids(app: &TestApp, json: &str) -> Vec<String> {
    let answer = find(app, json).await;
    assert_eq!((answer.status.as_u16(), answer.is_cut), (200, false), "{json}: {}", answer.text());
    let rows: Vec<Value> = answer.json().as_array().unwrap().clone();
    rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn every_row_comes_once_and_by_id_across_pages() {
    let app = TestApp::new().await;
    let count = 200;
    fill(&app, count).await;
    let by_id: Vec<String> = (0..count).rev().map(|number| id(count, number)).collect();
    for (json, expected) in [
        ("{}", &by_id[..]),
        (r#"{"limit":63}"#, &by_id[..63]),
        (r#"{"limit":64}"#, &by_id[..64]),
        (r#"{"limit":65}"#, &by_id[..65]),
        (r#"{"skip":60,"limit":70}"#, &by_id[60..130]),
        (r#"{"skip":199}"#, &by_id[199..]),
        (r#"{"skip":200}"#, &[]),
        (r#"{"where":{"id":{"gt":"0"}},"skip":100}"#, &by_id[100..]),
    ] {
        assert_eq!(ids(&app, json).await, expected, "{json}");
    }
    let by_creation: Vec<String> = (0..count).map(|number| id(count, number)).collect();
    assert_eq!(ids(&app, r#"{"order":[]}"#).await, by_creation);
    assert_eq!(ids(&app, r#"{"order":[],"skip":70,"limit":70}"#).await, by_creation[70..140]);
    let json = r#"{"order":[],"where":{"userId":{"neq":8}},"skip":70,"limit":70}"#;
    assert_eq!(ids(&app, json).await, by_creation[71..141], "what does not match is not skipped");
}

#[tokio::test]
async fn what_is_short_has_its_length_and_what_is_not_is_cut_where_it_fails() {
    let app = TestApp::new().await;
    fill(&app, 4_000).await;
    let short = find(&app, r#"{"limit":1000}"#).await;
    assert_eq!(short.header("content-length"), Some(short.body.len().to_string().as_str()));
    assert!(short.body.len() < SHORT_BYTES);
    app.store.recover();
    let long = find(&app, "{}").await;
    assert_eq!(long.header("content-length"), None);
    assert!(long.body.len() > SHORT_BYTES && !long.is_cut);
    assert_eq!(long.json().as_array().map(Vec::len), Some(4_000));
    let calls = app.store.calls();

    app.store.fail_only(calls / 3);
    assert_error(&find(&app, "{}").await, 503);
    app.store.fail_only(calls - 1);
    let cut = find(&app, "{}").await;
    assert!(cut.is_cut, "the body ended as if nothing had happened");
    assert!(cut.body.len() > SHORT_BYTES && serde_json::from_slice::<Value>(&cut.body).is_err());
}

#[tokio::test]
async fn ten_thousand_rows_are_sorted_and_no_more() {
    let app = TestApp::new().await;
    let count = 10_001;
    fill(&app, count).await;
    let like = r#"{"where":{"id":{"like":"%1"}}}"#;
    for json in [like, r#"{"order":"id DESC","limit":1}"#] {
        let answer = find(&app, json).await;
        let message = assert_error(&answer, 400);
        assert!(message.contains("over at most 10000 rows"), "{json}: {message}");
    }
    for json in [r#"{"order":"ttl"}"#, r#"{"order":"ttl","limit":10001}"#] {
        let message = assert_error(&find(&app, json).await, 400);
        assert!(message.contains("set a limit"), "{json}: {message}");
    }

    // The default order is that of creation now, and a bounded part of any other is exact.
    assert_eq!(ids(&app, r#"{"limit":1}"#).await, [id(count, 0)]);
    assert_eq!(ids(&app, r#"{"skip":9999,"limit":9}"#).await, [id(count, 9_999), id(count, 10_000)]);
    let mut by_ttl: Vec<usize> = (0..count).collect();
    by_ttl.sort_by_key(|number| ttl(count, *number));
    let by_ttl: Vec<String> = by_ttl.into_iter().map(|number| id(count, number)).collect();
    assert_eq!(ids(&app, r#"{"order":"ttl","skip":100,"limit":200}"#).await, by_ttl[100..300]);

    // By `created`, which the store orders, any number of rows comes, page by page.
    let newest = ids(&app, r#"{"order":"created DESC"}"#).await;
    let mut oldest = ids(&app, r#"{"order":["created"]}"#).await;
    oldest.reverse();
    assert_eq!((newest.len(), &newest), (count, &oldest));
    assert_eq!(ids(&app, r#"{"order":"created DESC","skip":70,"limit":70}"#).await, newest[70..140]);

    // One row fewer, and all of it is decided.
    assert_eq!(ask(&app, &app.admin, "DELETE", &at(&id(count, 0))).send().await.status, 200);
    assert_eq!(ids(&app, r#"{"limit":1}"#).await, [id(count, 10_000)]);
    assert_eq!(ids(&app, like).await.len(), 1_000);
    assert_eq!(ids(&app, r#"{"order":"ttl DESC"}"#).await.len(), 10_000);
    // That of the removed row was 1.
    let counted = ask(&app, &app.admin, "GET", "/count?where[ttl][lte]=5000").send().await;
    assert_eq!(counted.text(), r#"{"count":4999}"#);
}
