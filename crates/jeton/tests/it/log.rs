//! What the log says of requests, for people and for machines.

use crate::support::{Sandbox, Server, request};
use serde_json::Value;

fn asked(format: &str, requests: &str) -> (String, Option<String>) {
    let sandbox = Sandbox::sqlite();
    let mut command = sandbox.command(&["serve"]);
    command.envs([("JETON_LOG_FORMAT", format), ("JETON_LOG_REQUESTS", requests)]);
    let mut server = Server::launched(&mut command);
    let headers = ["X-Request-Id: mine-1".to_owned()];
    let answer = request(server.address, "get", "/auth/demo?permission=canary", &headers, None);
    assert_eq!(answer.header("x-request-id"), Some("mine-1"));
    let answer = request(server.address, "CANARY", "/AccessToken/demo/canary?canary", &[], None);
    assert_eq!(answer.status, 405);
    let id = answer.header("x-request-id").map(str::to_owned);
    (server.stop(), id)
}

#[test]
fn for_machines_it_is_one_object_a_line() {
    let (log, id) = asked("json", "all");
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &lines {
        let time = line["time"].as_str().unwrap();
        assert!(time.ends_with('Z') && time.len() == "2026-01-02T03:04:05.678Z".len(), "{line}");
        assert!(line["message"].is_string() && line["level"].is_string(), "{line}");
    }
    let requests: Vec<&Value> = lines.iter().filter(|line| line["message"] == "request").collect();
    assert_eq!(requests.len(), 2, "{log}");
    assert_eq!(requests[0]["route"], "/auth/{app}");
    assert_eq!((&requests[0]["method"], &requests[0]["status"]), (&"GET".into(), &401.into()));
    assert_eq!(requests[0]["request_id"], "mine-1");
    assert!(requests[0]["milliseconds"].as_f64().is_some_and(|took| took > 0.0), "{log}");
    assert_eq!(
        (&requests[1]["method"], &requests[1]["route"]),
        (&"other".into(), &"/AccessToken/{appKey}/{id}".into())
    );
    assert_eq!(requests[1]["request_id"].as_str(), id.as_deref());
    assert!(id.is_some());
    assert!(!log.to_lowercase().contains("canary"), "{log}");
}

#[test]
fn for_people_it_is_a_line_with_the_same_facts() {
    let (log, id) = asked("human", "all");
    let line = log.lines().find(|line| line.contains("request_id=mine-1")).unwrap();
    for part in [" INFO ", "request", "route=\"/auth/{app}\"", "method=\"GET\"", "status=401"] {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert!(log.contains(&format!("request_id={}", id.unwrap())), "{log}");
    assert!(!log.to_lowercase().contains("canary"), "{log}");
}

#[test]
fn only_failures_get_a_line_unless_more_is_asked_for() {
    for requests in ["none", "failures"] {
        let (log, id) = asked("human", requests);
        assert!(!log.contains("route="), "{log}");
        assert_eq!(id, None, "an id that no line has would be useless");
    }
}
