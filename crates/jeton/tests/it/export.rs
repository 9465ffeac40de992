//! `jeton token export`, and `jeton token import` of what it writes.

use crate::support::{Installation, each_way, text};
use serde_json::{Value, json};

const FOREIGN: &str = "a token from elsewhere, with everything";

fn export(installation: &Installation, arguments: &[&str]) -> (String, String) {
    let arguments = [&["token", "export", "--app", "demo"], arguments].concat();
    let run = installation.sandbox.run(&arguments);
    assert_eq!(run.code, Some(0), "{run:?}");
    (run.stdout, run.stderr)
}

fn import(installation: &Installation, app: &str, lines: &str) -> (Option<i32>, Value) {
    let run = installation.sandbox.run_with(&["token", "import", "--app", app, "--json"], lines);
    (run.code, serde_json::from_str(&run.stdout).unwrap_or_else(|e| panic!("{e}: {run:?}")))
}

fn reasons(answer: &Value) -> Vec<&str> {
    answer["refused"].as_array().unwrap().iter().map(|line| text(line, "reason")).collect()
}

/// Everything that a token of app demo has, and that an import takes over.
fn all_of(installation: &Installation, app: &str) -> Vec<Value> {
    let lines = installation.sandbox.run(&["token", "export", "--app", app]).done();
    let mut tokens: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for token in &mut tokens {
        for other in
            ["id", "sealed", "updated_at", "last_used_at", "last_address", "use_count", "disabled_by"]
        {
            assert!(token.as_object_mut().unwrap().remove(other).is_some(), "{other}: {token}");
        }
    }
    tokens.retain(|token| token["title"] != json!("admin"));
    tokens
}

/// Tokens with everything that there is.
fn make_some(installation: &Installation) -> Vec<String> {
    let sandbox = &installation.sandbox;
    let row = json!({"access_token": FOREIGN, "user_id": "alice", "title": "标题", "tags": "a,b", "description": "x\ny",
        "created_at": "2020-02-29T12:00:00Z", "expires_at": "2090-01-01T00:00:00Z", "not_before": "2020-01-01T00:00:00Z",
        "allowed_addresses": ["10.0.0.0/8"], "uses_left": 5, "rates": [{"limit": 100, "per_seconds": 60}],
        "permissions": "write, read", "scopes": [{"permissions": ["read"], "ids": ["s1"], "tags": ["a"]}]});
    sandbox.run_with(&["token", "import", "--app", "demo"], &row.to_string()).done();
    let created = |arguments: &[&str]| {
        let create = [&["token", "create", "--app", "demo"], arguments].concat();
        text(&sandbox.json(&create), "access_token").to_owned()
    };
    let identity = created(&["--user-id", "7", "--title", "an identity"]);
    let service = created(&["--permissions", "jeton:verify", "--title", "a gateway"]);
    let disabled = created(&["--permissions", "read", "--expires-in-days", "-1"]);
    let last = sandbox.run(&["token", "list", "--app", "demo", "--limit", "1", "--no-header"]).done();
    let id = last.split('\t').next().unwrap();
    sandbox.run(&["token", "update", id, "--app", "demo", "--disable"]).done();
    vec![identity, service, disabled]
}

each_way!(an_app_takes_what_another_exports);
fn an_app_takes_what_another_exports(installation: &Installation) {
    let sandbox = &installation.sandbox;
    let made = make_some(installation);
    let (lines, told) = export(installation, &[]);
    assert_eq!((lines.lines().count(), told.as_str()), (5, ""), "{lines}");
    assert!(made.iter().chain([&FOREIGN.to_owned()]).all(|secret| !lines.contains(secret.as_str())));
    sandbox.json(&["app", "create", "copied"]);
    let (code, answer) = import(installation, "copied", &lines);
    assert_eq!((code, answer), (Some(0), json!({"imported": 5, "duplicates": 0, "refused": []})));
    assert_eq!(all_of(installation, "copied"), all_of(installation, "demo"));
    for (secret, code) in made.iter().zip([0, 1, 1]) {
        for app in ["demo", "copied"] {
            let run = sandbox.run_with(&["token", "verify", "--app", app], secret);
            assert_eq!(run.code, Some(code), "{run:?}");
        }
    }
    let (code, answer) = import(installation, "copied", &lines);
    assert_eq!((code, answer), (Some(0), json!({"imported": 0, "duplicates": 5, "refused": []})));
}

each_way!(lines_of_an_export_may_be_changed);
fn lines_of_an_export_may_be_changed(installation: &Installation) {
    let made = make_some(installation);
    let (lines, _) = export(installation, &[]);
    let mut line: Value = serde_json::from_str(lines.lines().nth(1).unwrap()).unwrap();
    assert_eq!(text(&line, "permissions"), "write, read");
    installation.sandbox.json(&["app", "create", "copied"]);
    let mut with = |member: &str, value: Value| {
        line[member] = value;
        import(installation, "copied", &line.to_string()).1
    };
    let answer = with("permissions", json!("read"));
    assert!(reasons(&answer)[0].starts_with("permissions are not those of the scopes"), "{answer}");
    let answer = with("permissions", Value::Null);
    assert_eq!(answer["imported"], 1, "{answer}");
    let answer = with("kind", json!("king"));
    assert_eq!(reasons(&answer), ["kind must be one of identity, grant, self-made, service"]);
    with("kind", json!("grant"));
    let answer = with("sealed", json!(made[0]));
    assert_eq!(reasons(&answer), ["sealed must be what `jeton token export` wrote there"]);
}

#[test]
fn another_installation_takes_what_is_sealed_for_its_ring() {
    let (here, there) = (Installation::sqlite(), Installation::sqlite().serve());
    let made = make_some(&here);
    let (lines, _) = export(&here, &[]);
    let (code, answer) = import(&there, "demo", &lines);
    assert_eq!((code, reasons(&answer).len()), (Some(1), 5), "{answer}");
    assert!(reasons(&answer)[0].contains("--for-keys"), "{answer}");

    let ring = there.sandbox.file("keys.json");
    let (lines, told) = export(&here, &["--for-keys", ring.to_str().unwrap()]);
    // Secrets of service credentials are not kept: the first one, and the gateway's.
    assert!(told.contains("no import takes 2 of these tokens"), "{told}");
    assert!(told.contains("good for this installation's key ring alone"), "{told}");
    let (code, answer) = import(&there, "demo", &lines);
    assert_eq!((code, &answer["imported"]), (Some(1), &json!(3)), "{answer}");
    assert_eq!(reasons(&answer), ["the export has nothing of its secret: left_out says why"; 2]);
    assert_eq!(there.server().auth(&made[0]), 200);

    let missing =
        here.sandbox.run(&["token", "export", "--app", "demo", "--for-keys", "/nonexistent/keys.json"]);
    missing.fails(2, "/nonexistent/keys.json");
}
