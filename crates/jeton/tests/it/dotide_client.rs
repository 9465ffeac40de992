//! The published Python client of Dotide, against a running server.

use crate::support::{Installation, run};
use std::process::Command;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/python/dotide_client_check.py");

fn the_published_client_is_served(installation: &Installation) {
    let address = installation.address().to_string();
    let other = installation.sandbox.json(&["app", "create", "shop"]);
    let other_value = |name: &str| other[name].as_str().expect("a credential").to_owned();
    let (other_id, other_secret) = (other_value("client_id"), other_value("client_secret"));
    let (id, secret) = (installation.credential("client_id"), installation.credential("client_secret"));
    let mut command = Command::new(jeton_testkit::python());
    // It prints text that is not ASCII, whatever the locale.
    command.env("PYTHONIOENCODING", "utf-8").args([SCRIPT, &address, "demo", id, secret]);
    command.args(["--other-db", "shop", &other_id, &other_secret, "--v2"]);
    let run = run(&mut command, "");
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
    assert!(run.stdout.ends_with(" passed, 0 failed, 0 skipped\n"), "{}", run.stdout);
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
