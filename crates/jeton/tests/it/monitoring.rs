//! The dashboard and the alerts in `deploy/monitoring/`: Prometheus itself reads a server by the file that users get, and evaluates
//! every query.

use crate::support::{Installation, PATIENCE, request, run};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jeton_testkit::gateway::own_address;
use jeton_testkit::{Lines, prometheus};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/monitoring");

fn read(name: &str) -> String {
    fs::read_to_string(format!("{FOLDER}/{name}")).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A Prometheus that reads one server, with the rules. Dropping it ends it.
struct Prometheus {
    child: Child,
    address: SocketAddr,
    log: Lines,
    _folder: TempDir,
}

impl Prometheus {
    fn reading(server: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = read("prometheus.yml");
        let text = [("127.0.0.1:8081", server.to_string()), ("15s", "100ms".to_owned())].iter().fold(
            text,
            |text, (place, with)| {
                assert!(text.contains(place), "{place} is nowhere in prometheus.yml");
                text.replace(place, with)
            },
        );
        fs::write(folder.path().join("prometheus.yml"), text).unwrap();
        fs::write(folder.path().join("alerts.yml"), read("alerts.yml")).unwrap();
        let address = own_address();
        let mut command = Command::new(prometheus("prometheus"));
        command.arg(format!("--config.file={}", folder.path().join("prometheus.yml").display()));
        command.arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()));
        command.arg(format!("--web.listen-address={address}"));
        // It looks for the files of its pages, which it does not need.
        let child = command
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = child.spawn().unwrap();
        let log = Lines::of(child.stderr.take().unwrap());
        log.rest_of_line("Server is ready to receive web requests");
        Prometheus { child, address, log, _folder: folder }
    }

    fn get(&self, target: &str) -> Value {
        let answer = request(self.address, "GET", target, &[], None);
        let body = answer.json();
        assert_eq!((answer.status, &body["status"]), (200, &json!("success")), "{target}: {body}");
        body["data"].clone()
    }

    /// The series that a query gives.
    fn query(&self, query: &str) -> Vec<Value> {
        let encoded: String = query.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let result = self.get(&format!("/api/v1/query?query={encoded}"))["result"].clone();
        result.as_array().unwrap().clone()
    }

    /// Waits until `done`.
    fn until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let begun = now();
        while !done(self) {
            assert!(begun.elapsed() < PATIENCE, "{what}: {}", self.log.to_end());
            thread::park_timeout(Duration::from_millis(20));
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // Neither fails unless it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[expect(clippy::disallowed_methods, reason = "how long something is waited for")]
fn now() -> Instant {
    Instant::now()
}

/// Every query of the dashboard, for all servers.
fn queries() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(&read("grafana-dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    let filled = |query: &str| {
        [("$__rate_interval", "1m"), ("$instance", ".*"), ("$job", "jeton")]
            .iter()
            .fold(query.to_owned(), |query, (place, with)| query.replace(place, with))
    };
    targets.map(|target| filled(target["expr"].as_str().unwrap())).collect()
}

/// The metrics of a query, each with the labels that it asks for.
fn selectors(query: &str) -> Vec<String> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = Vec::new();
    let mut rest = query;
    while let Some(at) = rest.find(|c: char| is_of_name(c) || c == '"') {
        rest = &rest[at..];
        if let Some(text) = rest.strip_prefix('"') {
            rest = text.split_once('"').map_or("", |(_, behind)| behind);
            continue;
        }
        let (name, behind) = rest.split_at(rest.find(|c| !is_of_name(c)).unwrap_or(rest.len()));
        rest = behind;
        if name.starts_with("jeton_") || name.starts_with("process_") {
            // A brace may stand in the value of a label, where a quote follows it before a comma does.
            let labels = behind.starts_with('{').then(|| {
                let end = ["\"}", "{}"].iter().filter_map(|end| Some(behind.find(end)? + end.len())).min();
                &behind[..end.unwrap_or_else(|| panic!("labels without an end: {query}"))]
            });
            found.push(format!("{name}{}", labels.unwrap_or_default()));
            rest = &behind[labels.map_or(0, str::len)..];
        }
    }
    found
}

#[test]
fn selectors_are_found_in_queries() {
    assert_eq!(
        selectors(
            r#"sum by (jeton) (rate(jeton_a_total{route="/auth/{app}", b="c"}[5m])) / process_b > jeton_c{x="jeton_d"}"#
        ),
        [r#"jeton_a_total{route="/auth/{app}", b="c"}"#, "process_b", r#"jeton_c{x="jeton_d"}"#]
    );
}

/// Requests of each kind that the queries are about.
fn use_it(installation: &Installation) {
    let server = installation.server();
    let admin = installation.credential("admin_token");
    let token = installation.token_of("7");
    assert_eq!(server.auth(&token), 200);
    assert_eq!(server.auth("nobody's"), 401);
    let client = ["client_id", "client_secret"].map(|name| installation.credential(name)).join(":");
    let client = [format!("Authorization: Basic {}", STANDARD.encode(client))];
    let body = json!({"token": token}).to_string();
    assert_eq!(request(server.address, "POST", "/verify/demo", &client, Some(&body)).status, 200);
    assert_eq!(server.ask("GET", "/AccessToken/demo", admin, None).status, 200);
    let created =
        server.ask("POST", "/AccessToken/demo", admin, Some(r#"{"title":"a","permissions":"read"}"#));
    assert_eq!(created.status, 200, "{created:?}");
}

#[test]
fn every_query_is_answered_by_a_real_server() {
    if jeton_testkit::skips("Prometheus") {
        return;
    }
    let installation = Installation::sqlite().serve();
    use_it(&installation);
    let prometheus = Prometheus::reading(installation.server().admin_address);
    prometheus.until("it reads the server twice", |prometheus| {
        let read = prometheus.query("count_over_time(jeton_ready[1m])");
        read.first().is_some_and(|series| series["value"][1] != "1")
    });
    let queries = queries();
    assert!(queries.len() > 40, "{queries:#?}");
    for query in &queries {
        assert!(!prometheus.query(query).is_empty(), "nothing is shown for {query}");
    }
    let rules = prometheus.get("/api/v1/rules");
    let rules =
        rules["groups"].as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap());
    let alerts: Vec<String> = rules.map(|rule| rule["query"].as_str().unwrap().to_owned()).collect();
    assert_eq!(alerts.len(), read("alerts.yml").matches("- alert: ").count());
    // A server that is well raises no alert: whether there is what it asks for, its metrics tell.
    for selector in queries.iter().chain(&alerts).flat_map(|query| selectors(query)).collect::<BTreeSet<_>>()
    {
        assert!(!prometheus.query(&selector).is_empty(), "there is no {selector}");
    }
    prometheus.until("it evaluates each rule", |prometheus| {
        let rules = prometheus.get("/api/v1/rules").to_string();
        assert!(!rules.contains(r#""health":"err""#), "{rules}");
        !rules.contains(r#""health":"unknown""#)
    });
    let raised = prometheus.get("/api/v1/alerts");
    assert_eq!(raised["alerts"], json!([]), "by a server that is well");
}

#[test]
fn every_alert_is_raised_by_what_it_is_about() {
    if jeton_testkit::skips("Prometheus") {
        return;
    }
    for (check, name) in [("rules", "alerts.yml"), ("config", "prometheus.yml")] {
        let mut check_it = Command::new(prometheus("promtool"));
        let checked = run(check_it.args(["check", check, name]).current_dir(FOLDER), "");
        assert_eq!(checked.code, Some(0), "{checked:?}");
    }
    let mut test = Command::new(prometheus("promtool"));
    let tested = run(test.args(["test", "rules", "alerts-test.yml"]).current_dir(FOLDER), "");
    assert_eq!(tested.code, Some(0), "{tested:?}");
    let tests = read("alerts-test.yml");
    for line in read("alerts.yml").lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        assert!(tests.contains(&format!("  - name: {line}\n")), "nothing tests {line}");
    }
}
