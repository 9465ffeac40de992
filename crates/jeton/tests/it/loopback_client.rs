//! LoopBack's own remote client, as published for Node.js, against a running server.

use crate::support::{Installation, loopback, request, run};
use serde_json::json;
use std::process::Command;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/loopback/remote_client_check.js");

/// The script's steps that are left out, each with the request that the client would send. The server has no method
/// for any of them yet.
const SKIPPED: [(&str, &str, &str); 5] = [
    ("replaceById", "POST", "/api/AccessTokens/1/replace"),
    ("replaceOrCreate", "POST", "/api/AccessTokens/replaceOrCreate"),
    ("upsertWithWhere", "POST", "/api/AccessTokens/upsertWithWhere?where=%7B%22id%22%3A%221%22%7D"),
    ("updateAll", "POST", "/api/AccessTokens/update?where=%7B%22id%22%3A%221%22%7D"),
    ("stream", "POST", "/api/AccessTokens/change-stream"),
];
/// How many steps are left.
const TAKEN: usize = 27;

/// Every step passes but those that are skipped. With a token the client sends it with each request.
#[track_caller]
fn the_published_client_is_served(installation: Installation, token: Option<&str>) {
    let installation = installation.serve();
    let skipped = SKIPPED.map(|(step, ..)| step);
    let mut command = Command::new("node");
    command.arg(SCRIPT).arg(format!("http://{}/api", installation.server().address));
    command.env("CLIENT", "lb3").env("LOOPBACK_DIR", jeton_testkit::node()).env("SKIP", skipped.join(","));
    match token {
        Some(token) => command.env("ADMIN_TOKEN", token),
        None => command.env_remove("ADMIN_TOKEN"),
    };
    let run = run(&mut command, "");
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
    assert!(run.stdout.ends_with(&format!("\n{TAKEN} steps passed, 0 failed\n")), "{}", run.stdout);
    let left_out = run.stdout.lines().filter_map(|line| line.strip_prefix("skip "));
    let left_out: Vec<_> = left_out.map(|step| step.split(' ').next().unwrap_or_default()).collect();
    assert_eq!(left_out, skipped, "{}", run.stdout);
}

#[test]
fn the_published_client_is_served_on_sqlite() {
    if !jeton_testkit::skips("Node.js") {
        the_published_client_is_served(Installation::sqlite().with(&loopback::open()), None);
    }
}

#[test]
fn the_published_client_is_served_on_postgresql() {
    if !jeton_testkit::skips("Node.js") && !jeton_testkit::skips("PostgreSQL") {
        the_published_client_is_served(Installation::postgres().with(&loopback::open()), None);
    }
}

/// A service credential may do everything by name, whatever roles there are.
#[test]
fn a_manager_is_served() {
    if !jeton_testkit::skips("Node.js") {
        let installation = Installation::sqlite().with(&loopback::administered());
        let manager = installation.credential("admin_token").to_owned();
        the_published_client_is_served(installation, Some(&manager));
    }
}

/// A user may do what the roles allow that the settings give.
#[test]
fn a_user_in_a_role_is_served() {
    if !jeton_testkit::skips("Node.js") {
        let installation = Installation::sqlite().with(&loopback::administered());
        let admin = installation.token_of("2");
        the_published_client_is_served(installation, Some(&admin));
    }
}

/// What is skipped is what cannot be served: a method that comes leaves the list.
#[test]
fn what_is_skipped_has_no_method() {
    let installation = Installation::sqlite().with(&loopback::open()).serve();
    for (step, verb, target) in SKIPPED {
        let answer = request(installation.server().address, verb, target, &[], Some("{}"));
        let path = target.strip_prefix("/api/AccessTokens").expect("a path below the model");
        let message = format!("Shared class  \"AccessToken\" has no method handling {verb} {path}");
        assert_eq!(answer.status, 404, "{step}");
        assert_eq!(answer.json(), json!({"error": {"statusCode": 404, "name": "Error", "message": message}}));
    }
}
