//! `jeton serve`: how it begins, what it refuses, how it ends.

use crate::support::{Installation, Sandbox, Server, finish, launch, members, mode, request, text};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;

#[test]
fn a_first_run_keeps_its_credentials_in_a_file_of_which_later_ones_warn() {
    let sandbox = Sandbox::sqlite();
    let mut server = Server::start(&sandbox, &[]);
    let path = server.says("credentials are in ");
    assert_eq!(path.trim_end_matches(':'), sandbox.file("first-run.json").to_str().unwrap());
    assert_eq!(mode(&sandbox.file("first-run.json")), 0o600);
    let credentials = std::fs::read_to_string(sandbox.file("first-run.json")).unwrap();
    let credentials: Value = serde_json::from_str(&credentials).unwrap();
    assert_eq!(
        members(&credentials),
        ["app_key", "client_id", "client_secret", "admin_token", "operator_token"]
    );
    assert_eq!(text(&credentials, "app_key"), "demo");
    let listed = server.ask("GET", "/AccessToken/demo", text(&credentials, "admin_token"), None);
    assert_eq!(listed.status, 200);
    let log = server.stop();
    for member in ["client_secret", "admin_token", "operator_token"] {
        assert!(!log.contains(text(&credentials, member)), "{member}: {log}");
    }
    let warning = "first-run.json still holds credentials in clear";
    assert!(!log.contains(warning), "{log}");

    let log = Server::start(&sandbox, &[]).stop();
    assert!(log.contains(warning), "{log}");
    std::fs::remove_file(sandbox.file("first-run.json")).unwrap();
    let log = Server::start(&sandbox, &[]).stop();
    assert!(!log.contains(warning), "{log}");
}

/// What is left of an older installation would be taken for the credentials of the new one.
#[test]
fn a_first_run_does_not_begin_beside_another_ones_credentials() {
    let sandbox = Sandbox::sqlite();
    std::fs::create_dir(sandbox.data_dir()).unwrap();
    std::fs::write(sandbox.file("first-run.json"), "{}").unwrap();
    finish(launch(&mut sandbox.command(&["serve"]))).fails(3, "first-run.json");
    assert!(!sandbox.file("keys.json").exists());
    assert!(!sandbox.file("jeton.db").exists());
    assert_eq!(std::fs::read_to_string(sandbox.file("first-run.json")).unwrap(), "{}");

    std::fs::remove_file(sandbox.file("first-run.json")).unwrap();
    Server::start(&sandbox, &[]).stop();
    assert!(sandbox.file("first-run.json").exists());
}

#[test]
fn a_first_run_on_postgresql() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let sandbox = Sandbox::postgres();
    let mut server = Server::start(&sandbox, &[]);
    server.says("credentials are in ");
    server.stop();
    assert!(!sandbox.file("jeton.db").exists());
    let credentials = std::fs::read_to_string(sandbox.file("first-run.json")).unwrap();
    let credentials: Value = serde_json::from_str(&credentials).unwrap();
    let server = Server::start(&sandbox, &[]);
    assert_eq!(server.ask("GET", "/AccessToken/demo", text(&credentials, "admin_token"), None).status, 200);
}

#[test]
fn beyond_loopback_nothing_is_made_and_nothing_goes_in_clear() {
    let sandbox = Sandbox::sqlite();
    let serve = |arguments: &[&str]| finish(launch(sandbox.command(&["serve"]).args(arguments)));
    serve(&["--listen", "0.0.0.0:0"]).fails(2, "--behind-proxy");
    serve(&["--listen", "[::]:0"]).fails(2, "--behind-proxy");
    serve(&["--admin-listen", "0.0.0.0:0"]).fails(2, "admin address");
    serve(&["--listen", "0.0.0.0:0", "--behind-proxy"]).fails(3, "run jeton init");
    assert!(!sandbox.data_dir().exists());

    std::fs::create_dir(sandbox.data_dir()).unwrap();
    serve(&["--listen", "0.0.0.0:0", "--behind-proxy"]).fails(3, "run jeton init");
    assert!(!sandbox.file("keys.json").exists());

    sandbox.init();
    let server = Server::start(&sandbox, &["--listen", "0.0.0.0:0", "--behind-proxy"]);
    let here = ([127, 0, 0, 1], server.address.port()).into();
    assert_eq!(request(here, "GET", "/healthz", &[], None).status, 200);
}

#[test]
fn both_addresses_answer_and_only_for_what_is_theirs() {
    let installation = Installation::sqlite().serve();
    let server = installation.server();
    for address in [server.address, server.admin_address] {
        assert_eq!(request(address, "GET", "/healthz", &[], None).status, 200);
        assert_eq!(request(address, "GET", "/readyz", &[], None).status, 200);
    }
    let bearer = [format!("Authorization: Bearer {}", installation.credential("admin_token"))];
    assert_eq!(request(server.address, "GET", "/AccessToken/demo", &bearer, None).status, 200);
    assert_eq!(request(server.admin_address, "GET", "/AccessToken/demo", &bearer, None).status, 404);
}

#[test]
fn one_sqlite_directory_has_one_server() {
    let mut installation = Installation::sqlite().serve();
    let sandbox = &installation.sandbox;
    let second = || finish(launch(&mut sandbox.command(&["serve"])));
    second().fails(4, "another jeton serve is running on ");
    // The refused one took nothing from the first.
    assert!(sandbox.file("control.sock").exists());
    sandbox.rows(&["app", "list"]);
    installation.server.as_mut().unwrap().stop();
    Server::start(&installation.sandbox, &[]);
}

#[test]
fn one_postgresql_database_has_many_servers() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let installation = Installation::postgres().serve();
    let sandbox = &installation.sandbox;
    let mut second = Server::start(sandbox, &[]);
    let elsewhere = Sandbox::on(sandbox.database_url.clone());
    std::fs::create_dir(elsewhere.data_dir()).unwrap();
    std::fs::copy(sandbox.file("keys.json"), elsewhere.file("keys.json")).unwrap();
    let third = Server::start(&elsewhere, &[]);
    let made = elsewhere.json(&["token", "create", "--app", "demo"]);
    for server in [installation.server(), &second, &third] {
        assert_eq!(server.auth(text(&made, "access_token")), 200);
    }
    // The directory's commands are the first one's to answer, and its socket is not the second one's to
    // remove.
    second.stop();
    assert!(sandbox.file("control.sock").exists());
    sandbox.rows(&["app", "list"]);
}

#[test]
fn a_port_that_is_taken_is_named_and_nothing_is_made() {
    let sandbox = Sandbox::sqlite();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let message = format!("cannot listen on {address}");
    finish(launch(&mut sandbox.command(&["serve", "--listen", &address]))).fails(4, &message);
    finish(launch(&mut sandbox.command(&["serve", "--admin-listen", &address]))).fails(4, &message);
    assert!(!sandbox.file("keys.json").exists());
    drop(taken);
    // The next run is still the first.
    Server::start(&sandbox, &[]).says("credentials are in ");
}

#[test]
fn a_stopped_server_leaves_a_whole_database_and_no_socket() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut installation = Installation::sqlite().serve();
        let (sandbox, server) = (&installation.sandbox, installation.server.as_mut().unwrap());
        let made = sandbox.json(&["token", "create", "--app", "demo"]);
        assert_eq!(mode(&sandbox.file("control.sock")), 0o600);
        let run = server.end(signal);
        assert_eq!(run.code, Some(0), "{run:#?}");
        assert!(!sandbox.file("control.sock").exists());
        let log = sandbox.file("jeton.db-wal").metadata();
        assert!(log.map_or(0, |log| log.len()) == 0, "the write-ahead log was not checkpointed");

        let server = Server::start(sandbox, &[]);
        assert_eq!(server.auth(text(&made, "access_token")), 200);
        let admin_token = text(&installation.credentials, "admin_token");
        assert_eq!(server.ask("GET", "/AccessToken/demo", admin_token, None).status, 200);
    }
}

#[test]
fn what_a_killed_server_leaves_behind_is_no_obstacle() {
    let mut installation = Installation::sqlite().serve();
    let (sandbox, server) = (&installation.sandbox, installation.server.as_mut().unwrap());
    let made = sandbox.json(&["token", "create", "--app", "demo"]);
    assert_eq!(server.end(Signal::KILL).code, None);
    assert!(sandbox.file("control.sock").exists());
    assert_eq!(sandbox.rows(&["app", "list"]).as_array().map(Vec::len), Some(1));
    let mut server = Server::start(sandbox, &[]);
    assert_eq!(server.auth(text(&made, "access_token")), 200);
    // Its socket is the one that commands find now.
    let made = sandbox.json(&["token", "create", "--app", "demo"]);
    assert_eq!(server.auth(text(&made, "access_token")), 200);
    server.stop();
    assert!(!sandbox.file("control.sock").exists());
}

/// The reader of the log may close the pipe, as `| head` does. That is no reason to fail.
#[test]
fn a_log_that_nobody_reads_any_more_stops_nothing() {
    let sandbox = Sandbox::sqlite();
    sandbox.init();
    let mut server = launch(&mut sandbox.command(&["serve"]));
    let mut log = BufReader::new(server.stderr.take().unwrap()).lines();
    assert!(log.any(|line| line.unwrap().contains("admin listening")));
    drop(log);
    kill_process(Pid::from_child(&server), Signal::TERM).unwrap();
    assert_eq!(finish(server).code, Some(0));
}

/// A node that has its keys in the environment and its data in PostgreSQL has nothing of its own to keep.
#[test]
fn a_server_with_keys_in_its_environment_needs_no_directory() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let installation = Installation::postgres();
    let keys = std::fs::read_to_string(installation.sandbox.file("keys.json")).unwrap();
    let elsewhere = Sandbox::on(installation.sandbox.database_url.clone());
    let server = Server::launched(elsewhere.command(&["serve"]).env("JETON_KEYS", keys));
    assert_eq!(
        server.ask("GET", "/AccessToken/demo", installation.credential("admin_token"), None).status,
        200
    );
    assert_eq!(mode(&elsewhere.data_dir()), 0o700);
    assert!(!elsewhere.file("keys.json").exists());
}
