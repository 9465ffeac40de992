//! One app's clients skip far, count, create by the thousand and ask about tokens by the thousand, all at
//! once; the clients of another list, create and verify.

use super::measure::{Attack, Scale, Scene};
use super::unnoticed_at_a_small_size;
use crate::support::{request_if_served, text};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;
use tokio::time::Instant;

pub(super) const ATTACK: Attack =
    Attack { name: "neighbours", serve: &[], settings: || json!({}), prepare, run, disk_at_most: 2_048 };

/// Tokens that are skipped and counted.
const TOKENS: usize = 20_000;
/// Clients of each sort.
const CLIENTS: usize = 4;
/// Rows and checks in a request.
const MANY: usize = 1_000;
/// How long the slowest of a hundred requests of the other app may take, of each sort. Alone they take some
/// milliseconds.
const NOTICED: Duration = Duration::from_millis(500);
/// The same where each of the attackers' statements reads ten times as many rows: as long as one may take
/// (`limits.query_seconds`).
const NOTICED_TEN_TIMES: Duration = Duration::from_secs(2);

fn prepare(scene: &Scene, scale: Scale) {
    let lines = (0..scale.of(TOKENS)).fold(String::new(), |mut lines, number| {
        let row = json!({"access_token": foreign(number), "permissions": "read"});
        writeln!(lines, "{row}").unwrap();
        lines
    });
    scene.installation.sandbox.run_with(&["token", "import", "--app", "demo", "--json"], &lines).json();
}

fn foreign(number: usize) -> String {
    format!("a token of some other service, {number}")
}

/// A request that is made again and again.
struct Request {
    method: &'static str,
    path: String,
    authorization: String,
    body: Option<String>,
}

impl Request {
    fn ask(&self, address: SocketAddr) -> u16 {
        let headers = [format!("Authorization: Bearer {}", self.authorization)];
        let answer = request_if_served(address, self.method, &self.path, &headers, self.body.as_deref());
        answer.unwrap_or_else(|| panic!("no answer to {} {}", self.method, self.path)).status
    }
}

/// What the app `key` asks for in each way, with `size` things in a request.
fn requests(key: &str, admin: &str, skip: usize, size: usize) -> [Request; 4] {
    let request = |method, path: String, body: Option<Value>| Request {
        method,
        path,
        authorization: admin.to_owned(),
        body: body.map(|body| body.to_string()),
    };
    let checks: Vec<Value> = (0..size).map(|number| json!({"token": foreign(number)})).collect();
    let rows: Vec<Value> = (0..size).map(|_| json!({"ttl": 60})).collect();
    [
        request("GET", format!("/AccessToken/{key}?take=10&skip={skip}"), None),
        request("GET", format!("/apps/{key}/api/accessTokens/count"), None),
        request("POST", format!("/apps/{key}/api/accessTokens"), Some(rows.into())),
        request("POST", format!("/verify/{key}"), Some(json!({"checks": checks}))),
    ]
}

fn run(scene: &Scene, scale: Scale) -> String {
    let sandbox = &scene.installation.sandbox;
    let other = sandbox.json(&["app", "create", "other"]);
    let address = scene.address();
    let crowd = requests("demo", scene.installation.credential("admin_token"), scale.of(TOKENS) - 10, MANY);
    let own = requests("other", text(&other, "admin_token"), 0, 1);
    let (begun, served) = (Instant::now(), AtomicUsize::new(0));
    let attack = |request: &Request| {
        while begun.elapsed() < scale.time() {
            let status = request.ask(address);
            assert!(matches!(status, 200 | 503), "{status}: {} {}", request.method, request.path);
            served.fetch_add(usize::from(status == 200), Ordering::Relaxed);
        }
    };
    let wait = |request: &Request| {
        let mut times = Vec::new();
        while times.is_empty() || begun.elapsed() < scale.time() {
            let asked = Instant::now();
            let status = request.ask(address);
            times.push(asked.elapsed());
            assert_eq!(status, 200, "{} {}", request.method, request.path);
        }
        times.sort_unstable();
        times[times.len() * 99 / 100]
    };
    let slowest: Vec<Duration> = thread::scope(|scope| {
        for request in &crowd {
            for _ in 0..scale.of(CLIENTS) {
                scope.spawn(|| attack(request));
            }
        }
        let waits: Vec<_> = own.iter().map(|request| scope.spawn(|| wait(request))).collect();
        waits.into_iter().map(|wait| wait.join().unwrap()).collect()
    });
    let served = served.into_inner();
    let figure = format!(
        "{served} requests served; another app's p99 of lists, counts, creates, checks {slowest:.1?}"
    );
    if scale != Scale::Gate {
        let most = if scale == Scale::TenTimes { NOTICED_TEN_TIMES } else { NOTICED };
        assert!(slowest.iter().all(|time| *time <= most), "{figure}");
    }
    figure
}

#[test]
fn neighbours() {
    unnoticed_at_a_small_size(&ATTACK);
}
