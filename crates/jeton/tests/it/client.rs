//! The published Python client of the AppKey API, against a running server.

use crate::support::{Installation, Run, run};
use serde_json::json;
use std::fmt::Write;
use std::process::Command;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/python/appkey_client_check.py");

#[track_caller]
fn run_check(installation: &Installation, arguments: &[&str]) -> Run {
    let base = format!("http://{}", installation.address());
    let mut command = Command::new(jeton_testkit::python());
    // It prints text that is not ASCII, whatever the locale.
    command.env("PYTHONIOENCODING", "utf-8").args([
        SCRIPT,
        &base,
        "demo",
        installation.credential("admin_token"),
    ]);
    run(command.args(arguments), "")
}

/// All of it passed but what was skipped, and no more was skipped than what these say.
#[track_caller]
fn assert_sound(run: &Run, skipped: &[&str]) {
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
    let verdict = format!(" passed, 0 failed, {} skipped\n", skipped.len());
    assert!(run.stdout.ends_with(&verdict), "{}", run.stdout);
    let lines: Vec<_> = run.stdout.lines().filter_map(|line| line.strip_prefix("skip ")).collect();
    assert!(lines.iter().zip(skipped).all(|(line, part)| line.contains(part)), "{lines:?}");
}

/// Tokens of every sort that the client can meet in a list that others have filled too.
fn crowd(installation: &Installation) {
    let lines = (0..120).fold(String::new(), |mut lines, number| {
        let mut row = json!({"access_token": format!("taken over from elsewhere, number {number}")});
        match number % 4 {
            0 => row["user_id"] = json!(number),
            1 => row["user_id"] = json!("a name 名"),
            2 => row["permissions"] = json!("read,write"),
            _ => row["enabled"] = json!(false),
        }
        writeln!(lines, "{row}").expect("a string takes all");
        lines
    });
    let taken = installation.sandbox.run_with(&["token", "import", "--app", "demo", "--json"], &lines).json();
    assert_eq!(taken, json!({"imported": 120, "duplicates": 0, "refused": []}));
    let scope = r#"{"permissions":["read"],"ids":["s1"]}"#;
    for more in [
        &["--scope", scope][..],
        &["--user-id", "7", "--permissions", "read"],
        &["--permissions", "jeton:verify"],
    ] {
        installation.sandbox.json(&[&["token", "create", "--app", "demo"], more].concat());
    }
}

/// A token that is good in two apps does not exist.
const SECOND_APP: &str = "list of a second known app";

fn the_published_client_is_served(installation: &Installation) {
    let check = || {
        let run = run_check(installation, &["--user2", "7"]);
        // A token that a manager creates without an owner speaks for no user.
        assert_sound(&run, &["a created token as Bearer", SECOND_APP]);
    };
    check();
    crowd(installation);
    check();
}

#[test]
fn the_published_client_is_served_on_sqlite() {
    if !jeton_testkit::skips("Python") {
        the_published_client_is_served(&Installation::sqlite().serve());
    }
}

/// On PostgreSQL it reads by one node what it has written by another.
#[test]
fn the_published_client_is_served_by_two_nodes() {
    if !jeton_testkit::skips("Python") && !jeton_testkit::skips("PostgreSQL") {
        the_published_client_is_served(&Installation::on_two_nodes().serve());
    }
}

/// A token is good in one app. The script's checks of a second app hold up to the one that lists it, which
/// takes a token that is good in both.
#[test]
fn another_app_is_out_of_the_clients_reach() {
    if jeton_testkit::skips("Python") {
        return;
    }
    let installation = Installation::sqlite().serve();
    installation.sandbox.json(&["app", "create", "shop"]);
    let run = run_check(&installation, &["--other-app", "shop"]);
    for passed in [
        "ok   update through another app (known) -> HTTP 404 + envelope",
        "ok   delete through another app -> HTTP 404 + envelope",
        "ok   the token is untouched by that",
    ] {
        assert!(run.stdout.contains(passed), "{}", run.stdout);
    }
    let failed: Vec<_> = run.stdout.lines().filter(|line| line.starts_with("FAIL")).collect();
    assert_eq!(failed.len(), 1, "{}", run.stdout);
    assert!(failed[0].starts_with("FAIL unexpected HTTP error: 404"), "{}", run.stdout);
}
