//! LoopBack's own remote client, as published for Node.js, against a running server.

use crate::support::{Installation, loopback, run};
use std::process::Command;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/loopback/remote_client_check.js");

/// A published client, by the script's name, and how many steps there are for it.
type Client = (&'static str, usize);
/// Of LoopBack 3.
const LB3: Client = ("lb3", 32);
/// Of LoopBack 2. It never names the row that `exists` is about, so that one step is missing.
const LB2: Client = ("lb2", 31);

/// Every step passes, and none is left out. With a token the client sends it with each request.
#[track_caller]
fn a_published_client_is_served(installation: &Installation, (client, steps): Client, token: Option<&str>) {
    let mut command = Command::new("node");
    command.arg(SCRIPT).arg(format!("http://{}/api", installation.address()));
    command.env("CLIENT", client).env("LOOPBACK_DIR", jeton_testkit::node()).env_remove("SKIP");
    match token {
        Some(token) => command.env("ADMIN_TOKEN", token),
        None => command.env_remove("ADMIN_TOKEN"),
    };
    let run = run(&mut command, "");
    assert_eq!(run.code, Some(0), "{client}: {}\n{}", run.stdout, run.stderr);
    let ending = format!("\n{steps} steps passed, 0 failed\n");
    assert!(run.stdout.ends_with(&ending), "{client}: {}", run.stdout);
}

#[track_caller]
fn the_published_clients_are_served(installation: Installation, token: Option<&str>) {
    let installation = installation.serve();
    for client in [LB3, LB2] {
        a_published_client_is_served(&installation, client, token);
    }
}

#[test]
fn the_published_clients_are_served_on_sqlite() {
    if !jeton_testkit::skips("Node.js") {
        the_published_clients_are_served(Installation::sqlite().with(&loopback::open()), None);
    }
}

/// On PostgreSQL they read by one node what they have written by another.
#[test]
fn the_published_clients_are_served_by_two_nodes() {
    if !jeton_testkit::skips("Node.js") && !jeton_testkit::skips("PostgreSQL") {
        the_published_clients_are_served(Installation::on_two_nodes().with(&loopback::open()), None);
    }
}

/// A service credential may do everything by name, whatever roles there are.
#[test]
fn a_manager_is_served() {
    if !jeton_testkit::skips("Node.js") {
        let installation = Installation::sqlite().with(&loopback::administered());
        let manager = installation.credential("admin_token").to_owned();
        the_published_clients_are_served(installation, Some(&manager));
    }
}

/// A user may do what the roles allow that the settings give.
#[test]
fn a_user_in_a_role_is_served() {
    if !jeton_testkit::skips("Node.js") {
        let installation = Installation::sqlite().with(&loopback::administered());
        let admin = installation.token_of("2");
        the_published_clients_are_served(installation, Some(&admin));
    }
}
