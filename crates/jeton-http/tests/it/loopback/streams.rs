//! The change stream: its two forms, admission, and how it ends.

use super::{ask, assert_error, at, created, entry, id_of, open_to_all};
use crate::app::{EVERYTHING, HOUR, TestApp, identity, lasting, user};
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use http_body_util::BodyExt;
use jeton_core::{Demand, Lifetime, TokenId};
use jeton_service::{Edit, Limits};
use serde_json::json;
use tower_service::Service as _;

const PATH: &str = "/api/accessTokens/change-stream";

/// A stream that is being read.
pub(super) struct Stream {
    headers: HeaderMap,
    body: Body,
    read: String,
}

impl Stream {
    pub(super) async fn open(app: &TestApp, target: &str, headers: &[(&str, &str)]) -> Self {
        let mut request = Request::get(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = app.http().call(request.body(Body::empty()).unwrap()).await;
        let (head, body) = response.unwrap_or_else(|never| match never {}).into_parts();
        assert_eq!(head.status, 200);
        Stream { headers: head.headers, body, read: String::new() }
    }

    /// What comes up to and with `end`.
    pub(super) async fn up_to(&mut self, end: &str) -> String {
        loop {
            if let Some(at) = self.read.find(end) {
                let rest = self.read.split_off(at + end.len());
                return std::mem::replace(&mut self.read, rest);
            }
            let frame = self.body.frame().await.unwrap_or_else(|| panic!("it ended: {:?}", self.read));
            self.read.push_str(std::str::from_utf8(&frame.unwrap().into_data().unwrap()).unwrap());
        }
    }

    /// The rest, to its end.
    pub(super) async fn rest(mut self) -> String {
        while let Some(frame) = self.body.frame().await {
            self.read.push_str(std::str::from_utf8(&frame.unwrap().into_data().unwrap()).unwrap());
        }
        self.read
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// An app whose change log is followed and whose streams are fed.
pub(crate) async fn fed() -> TestApp {
    let app = TestApp::following().await;
    let service = app.service.clone();
    // Ends with the test's runtime.
    drop(tokio::spawn(async move { service.feed_streams(std::future::pending()).await }));
    tokio::task::yield_now().await;
    open_to_all(&app).await;
    app
}

/// The part of a block behind `name: `.
fn field<'a>(block: &'a str, name: &str) -> &'a str {
    let lines = block.lines().filter_map(|line| line.split_once(": "));
    lines.filter(|(found, _)| *found == name).map(|(_, value)| value).next().unwrap_or_default()
}

#[tokio::test]
async fn server_sent_events() {
    let app = fed().await;
    app.merge(json!({"loopback": {"client_ids": "anyone"}})).await;
    let mut stream = Stream::open(&app, PATH, &[("accept", "text/event-stream")]).await;
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-cache, no-transform"),
        ("connection", "keep-alive"),
        ("content-encoding", "x-no-compression"),
        ("x-accel-buffering", "no"),
    ] {
        assert_eq!(stream.header(name), Some(value));
    }
    assert_eq!(stream.up_to("\n\n").await, ":ok\n\n");
    let row = json!({"id": "tok-1", "ttl": 100, "created": "2026-01-01T00:00:00.000Z", "x": "a\nb"});
    created(&app, "", &row).await;
    let block = stream.up_to("\n\n").await;
    assert_eq!(field(&block, "event"), "data");
    let data = "{\"target\":\"tok-1\",\"data\":{\"id\":\"tok-1\",\"ttl\":100,\
                \"created\":\"2026-01-01T00:00:00.000Z\",\"x\":\"a\\nb\"},\"type\":\"create\"}";
    assert_eq!(field(&block, "data"), data);
    assert_eq!(ask(&app, "", "DELETE", "/tok-1").status().await, 200);
    let gone = "data: {\"target\":\"tok-1\",\"where\":{\"id\":\"tok-1\"},\"type\":\"remove\"}\n\n";
    assert!(stream.up_to("\n\n").await.ends_with(gone));

    // Another goes on from there.
    let since = field(&block, "id").to_owned();
    let mut again = Stream::open(&app, PATH, &[("last-event-id", &since)]).await;
    assert_eq!(again.up_to("\n\n").await, ":ok\n\n");
    assert!(again.up_to("\n\n").await.ends_with(gone));
    for unknown in ["7", "é"] {
        let mut lost = Stream::open(&app, PATH, &[("last-event-id", unknown)]).await;
        assert_eq!(lost.up_to("\n\n").await, ":ok\n\n");
        let gap = lost.up_to("\n\n").await;
        assert!(
            gap.ends_with("\nevent: gap\ndata: {\"type\":\"gap\"}\n\n") && gap.starts_with("id: "),
            "{gap}"
        );
    }
}

#[tokio::test]
async fn no_stream_tells_from_where_a_row_was_written() {
    let mut app = fed().await;
    app.is_behind_proxy = true;
    let mut stream = Stream::open(&app, PATH, &[("accept", "text/event-stream")]).await;
    assert_eq!(stream.up_to("\n\n").await, ":ok\n\n");
    let by = |method: &str, row: &str| ask(&app, "", method, row).header("x-forwarded-for", "192.0.2.7");
    let mut told = String::new();
    let made = by("POST", "").json(&json!({"userId": 1})).send().await.json();
    told += &stream.up_to("\n\n").await;
    let row = at(id_of(&made));
    assert_eq!(by("PUT", &row).json(&json!({"ttl": 60})).status().await, 200);
    told += &stream.up_to("\n\n").await;
    assert_eq!(by("DELETE", &row).status().await, 200);
    told += &stream.up_to("\n\n").await;
    assert!(["create", "update", "remove"].iter().all(|kind| told.contains(&format!("\"type\":\"{kind}\""))));
    assert!(!told.contains("192.0.2"), "{told}");
    let log = crate::admin::get(&app, "/audit?address=192.0.2.7").await;
    assert_eq!(log["items"].as_array().unwrap().len(), 3, "operators see it: {log}");
}

#[tokio::test]
async fn lines_of_mux_demux_and_a_condition() {
    let app = fed().await;
    let target = format!("{PATH}?where=%7B%22userId%22%3A2%7D");
    let mut stream = Stream::open(&app, &target, &[("accept", "application/json")]).await;
    assert_eq!(stream.header("content-type"), Some("application/json; boundary=NL"));
    assert_eq!(stream.header("cache-control"), Some("no-store"));
    let begin = "[\"changes\",\"new\",{\"opts\":{\"writable\":false,\"readable\":true}}]\n";
    assert_eq!(stream.up_to("\n").await, begin);
    created(&app, "", &json!({"userId": 1})).await;
    let row = created(&app, "", &json!({"userId": 2})).await;
    let line: serde_json::Value = serde_json::from_str(&stream.up_to("\n").await).unwrap();
    assert_eq!(line, json!(["changes", "data", {"target": row["id"], "data": row, "type": "create"}]));
    // LoopBack 2 heeds none of its options, and takes them all the same.
    let answer = ask(&app, "", "GET", "/change-stream?options=x").send().await;
    assert!(assert_error(&answer, 400).contains("options"), "{}", answer.text());
    let answer = ask(&app, "", "GET", "/change-stream?where=x").send().await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    let answer = ask(&app, "", "POST", "/change-stream").header("accept", "text/html").send().await;
    assert_eq!((answer.status.as_u16(), answer.text()), (406, "Not Acceptable"));
}

#[tokio::test]
async fn a_stream_ends_with_its_readers_rights() {
    let app = fed().await;
    app.merge(json!({"loopback": {"acls": [entry("$authenticated", "ALLOW", "*")]}})).await;
    assert_error(&ask(&app, "", "GET", "/change-stream").send().await, 401);
    let reader = app.issue(identity(user("7"))).await;
    let stream = Stream::open(&app, PATH, &[("x-access-token", &reader.secret)]).await;
    assert_eq!(ask(&app, &app.admin, "DELETE", &format!("/{}", reader.secret)).status().await, 200);
    let secret = jeton_core::Secret::parse(&reader.secret).unwrap();
    let verified =
        app.service.verify(&"demo".parse().unwrap(), &secret, &Demand::Active, None).await.unwrap();
    assert!(verified.cached.is_none());
    let end = ":ok\n\nevent: end\ndata: {\"type\":\"end\",\"reason\":\"denied\"}\n\n";
    assert_eq!(stream.rest().await, end);
}

#[tokio::test]
async fn what_leaves_and_comes_back_is_told() {
    let app = fed().await;
    let token = app.issue(lasting(HOUR, identity(user("7")))).await;
    let mut stream = Stream::open(&app, PATH, &[("accept", "application/json")]).await;
    stream.up_to("\n").await;
    app.clock.advance_millis(HOUR);
    assert_error(&ask(&app, &token.secret, "GET", "").send().await, 401);
    let mut next_type = async || {
        let line: serde_json::Value = serde_json::from_str(&stream.up_to("\n").await).unwrap();
        assert_eq!(line[2]["target"], *token.secret);
        line[2]["type"].as_str().unwrap().to_owned()
    };
    assert_eq!(next_type().await, "remove");
    let edit = Edit { lifetime: Some(Lifetime::Millis(HOUR)), ..Edit::default() };
    let (demo, id) = (app.open("demo").await, TokenId::new(token.id).unwrap());
    app.service.update(&demo, &EVERYTHING, id, None, &edit).await.unwrap().unwrap();
    assert_eq!(next_type().await, "update");
    assert_eq!(ask(&app, "", "DELETE", &format!("/{}", token.secret)).status().await, 200);
    assert_eq!(next_type().await, "remove");
}

#[tokio::test]
async fn beyond_the_limit_and_without_a_feed_there_is_no_room() {
    let mut app = fed().await;
    app.service = app.service.clone().with_limits(Limits { streams: 1, ..Limits::default() });
    let _one = Stream::open(&app, PATH, &[]).await;
    let answer = ask(&app, "", "GET", "/change-stream").send().await;
    assert_error(&answer, 503);
    assert_eq!(answer.header("retry-after"), Some("1"));

    let app = TestApp::new().await;
    open_to_all(&app).await;
    assert_error(&ask(&app, "", "GET", "/change-stream").send().await, 503);
}
