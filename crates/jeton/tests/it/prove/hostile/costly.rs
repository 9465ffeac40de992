//! Filters that are as much work as a request may ask for: patterns, ranges, lists, orders and change streams
//! over rows that are as long as they may be, by clients that do not wait for the answer.

use super::measure::{Attack, Scale, Scene, assert_unnoticed};
use crate::support::{Installation, request};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;
use tokio::time::Instant;

pub(super) const ATTACK: Attack =
    Attack { name: "costly", serve: &[], settings, prepare, run, disk_at_most: 128 };

/// Rows that are matched.
const ROWS: usize = 60;
/// Streams that receive one more change.
const STREAMS: usize = 60;
/// Clients at a time.
const CLIENTS: usize = 4;
/// A row's own document has at most 16 KiB.
const LONG: usize = 16_200;

pub(super) fn settings() -> Value {
    json!({"loopback": {"acls": [{"principalType": "ROLE", "principalId": "$everyone", "permission": "ALLOW"}]}})
}

/// What a row holds beside its properties: one character often, two in no order, or a list.
fn row(number: usize) -> Value {
    let mut state = number as u64 + 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if state >> 63 == 0 { 'a' } else { 'b' }
    };
    match number % 3 {
        0 => json!({"x": "y".repeat(LONG)}),
        1 => json!({"x": (0..LONG).map(|_| next()).collect::<String>()}),
        _ => json!({"x": vec!["aa"; LONG / 5]}),
    }
}

fn prepare(scene: &Scene, scale: Scale) {
    fill(scene.address(), scene.installation.credential("admin_token"), scale.of(ROWS));
}

/// Makes so many rows.
pub(super) fn fill(address: SocketAddr, admin: &str, count: usize) {
    let manager = [format!("Authorization: Bearer {admin}")];
    for from in (0..count).step_by(5) {
        let rows: Vec<Value> = (from..from + 5).map(row).collect();
        let body = json!(rows).to_string();
        let created = request(address, "POST", "/api/accessTokens", &manager, Some(&body));
        assert_eq!(created.status, 200, "{}", created.body);
    }
}

/// So many conditions, or none of them.
fn any(count: usize, mut condition: impl FnMut(usize) -> Value) -> Value {
    json!({"or": (0..count).map(&mut condition).collect::<Vec<_>>()})
}

/// Conditions that mean no row, and find that out late.
fn conditions() -> Vec<(&'static str, Value)> {
    let likes = |operator: &str, length: usize| {
        any(12, |n| json!({"x": {operator: format!("%{}{n}", "y".repeat(length))}}))
    };
    let long = format!("{}z", "y".repeat(LONG - 1));
    vec![
        ("like beyond any length", likes("like", 8_000)),
        ("like", likes("like", 990)),
        ("ilike", likes("ilike", 990)),
        ("like of any character", any(12, |n| json!({"x": {"like": format!("%a{}{n}", "_".repeat(300))}}))),
        ("like of many texts", any(12, |n| json!({"x": {"like": format!("{}{n}", "%a_b".repeat(240))}}))),
        ("regexp", any(12, |n| json!({"x": {"regexp": format!("[ab]*a[aby]{{300}}{n}c")}}))),
        (
            "regexp of alternatives",
            any(12, |n| json!({"x": {"regexp": format!("(a|aa|y|yy){{1,200}}{n}c")}})),
        ),
        ("neq", json!({"and": vec![json!({"x": {"neq": long}}); 5]})),
        ("gt", any(5, |_| json!({"x": {"gt": long}}))),
        ("between", any(3, |_| json!({"x": {"between": [long, "zz"]}}))),
        ("inq", json!({"x": {"inq": (0..1_900).map(|n| format!("{n:045}")).collect::<Vec<_>>()}})),
        ("inq of numbers", json!({"x": {"inq": (0..1_900).collect::<Vec<_>>()}})),
        ("terms", any(995, |n| json!({"x": format!("{n}")}))),
        ("nested", (0..25).fold(any(900, |n| json!({"x.a.b.c": n})), |inner, _| json!({"and": [inner]}))),
    ]
}

/// Requests for them: the line and the body.
pub(super) fn requests(address: SocketAddr) -> Vec<(&'static str, String, String)> {
    let few = request(address, "GET", "/api/accessTokens?filter[limit]=30&filter[fields]=id", &[], None);
    let ids: Vec<String> =
        few.json().as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    let mut requests = Vec::new();
    for (name, condition) in conditions() {
        let count = json!({"where": condition}).to_string();
        requests.push((name, "GET /api/accessTokens/count".to_owned(), count));
        let few = json!({"filter": {"where": {"and": [{"id": {"inq": ids}}, condition]}}}).to_string();
        requests.push((name, "GET /api/accessTokens/findOne".to_owned(), few));
    }
    let names: Vec<String> = (0..99).map(|n| format!("n{n}")).chain(["x".to_owned()]).collect();
    let order = json!({"filter": {"order": names.join(","), "limit": 1}}).to_string();
    requests.push(("order", "GET /api/accessTokens".to_owned(), order));
    let update = any(200, |n| json!({"x": {"gt": format!("yyyy{n}")}})).to_string();
    let line = format!("POST /api/accessTokens/update?where={}", percent(&update));
    requests.push(("updateAll", line, json!({"more": 1}).to_string()));
    requests
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

fn message(line: &str, body: &str) -> String {
    format!(
        "{line} HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Asks and goes away, after so long or with the first of an answer; answers its status if there was one.
pub(super) fn ask(address: SocketAddr, line: &str, body: &str, patience: Duration) -> Option<u16> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(patience)).unwrap();
    stream.write_all(message(line, body).as_bytes()).ok()?;
    let mut begin = [0; 12];
    stream.read_exact(&mut begin).ok()?;
    str::from_utf8(&begin[9..]).ok()?.parse().ok()
}

fn run(scene: &Scene, scale: Scale) -> String {
    let address = scene.address();
    let requests = requests(address);
    let patience = if scale == Scale::Gate { super::PROMPT } else { Duration::from_secs(1) };
    let streams = listen(address, scale.of(STREAMS));
    let begun = Instant::now();
    let attack = |client: usize| {
        let mut answers = Vec::new();
        for (at, (name, line, body)) in requests.iter().enumerate().cycle().skip(client * 7) {
            // Once all that there are, in the gate.
            if begun.elapsed() >= scale.time() && (scale != Scale::Gate || answers.len() >= requests.len()) {
                break;
            }
            let status = ask(address, line, body, patience);
            assert!(matches!(status, Some(200 | 400 | 404 | 503) | None), "{name}, {at}: {status:?}");
            answers.push(status);
        }
        answers
    };
    let clients = if scale == Scale::TenTimes { 10 * CLIENTS } else { CLIENTS };
    let answers: Vec<Option<u16>> = thread::scope(|scope| {
        let clients: Vec<_> = (0..clients).map(|client| scope.spawn(move || attack(client))).collect();
        // Every stream judges them.
        for number in 0..4 {
            ask(address, "POST /api/accessTokens", &row(number).to_string(), patience);
        }
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    let opened = streams.len();
    drop(streams);
    let count = |status| answers.iter().filter(|answer| **answer == status).count();
    format!(
        "{} requests of {clients} clients (200: {}, 400: {}, 503: {}, gone: {}), {opened} streams",
        answers.len(),
        count(Some(200)),
        count(Some(400)),
        count(Some(503)),
        count(None)
    )
}

/// Streams whose conditions are costly.
pub(super) fn listen(address: SocketAddr, count: usize) -> Vec<TcpStream> {
    let conditions: Vec<_> = conditions().into_iter().map(|(_, condition)| condition).collect();
    let open = |number: usize| {
        let body = json!({"where": conditions[number % conditions.len()]}).to_string();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(super::PROMPT)).unwrap();
        stream.write_all(message("POST /api/accessTokens/change-stream", &body).as_bytes()).unwrap();
        let mut begin = [0; 12];
        stream.read_exact(&mut begin).unwrap();
        (&begin[9..] == b"200").then_some(stream)
    };
    (0..count).filter_map(open).collect()
}

/// They are judged by the server, whichever engine the rows come from.
#[test]
fn costly_filters() {
    assert_unnoticed(&ATTACK, Installation::sqlite(), Scale::Gate);
}
