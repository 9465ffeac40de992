//! Databases that lack, at the start of a server, what was acknowledged before.

use crate::support::{Installation, Sandbox, Server, text};
use serde_json::json;
use std::fs;
use std::path::PathBuf;

const SAID: &str = "the database is older than it was";
const FILE: &str = "jeton.db-acknowledged";

/// The file of the database as it is now, without what is not yet brought into it.
fn copy(sandbox: &Sandbox) -> PathBuf {
    let copy = sandbox.data_dir().with_file_name("copy.db");
    fs::copy(sandbox.file("jeton.db"), &copy).unwrap();
    copy
}

fn remove_database(sandbox: &Sandbox) {
    for name in ["jeton.db", "jeton.db-wal", "jeton.db-shm"] {
        let _ = fs::remove_file(sandbox.file(name));
    }
}

fn create(server: &Server, admin: &str) {
    let body = json!({"title": "t", "permissions": "read"}).to_string();
    assert_eq!(server.ask("POST", "/AccessToken/demo", admin, Some(&body)).status, 200);
}

/// A place where a server has acknowledged what is not in the database any more, and the token of its
/// manager.
fn cut_off() -> (Sandbox, String) {
    let mut installation = Installation::sqlite().serve();
    let admin = installation.credential("admin_token").to_owned();
    // Before, since what is in the write-ahead log may come into the file at any time.
    let copy = copy(&installation.sandbox);
    for _ in 0..3 {
        create(installation.server(), &admin);
    }
    let log = installation.server.as_mut().unwrap().stop();
    assert!(!log.contains(SAID), "{log}");
    let sandbox = installation.sandbox;
    remove_database(&sandbox);
    fs::copy(copy, sandbox.file("jeton.db")).unwrap();
    (sandbox, admin)
}

#[test]
fn a_log_that_was_cut_off_is_said_once() {
    let (sandbox, admin) = cut_off();
    // Whatever commands do before, it is said.
    sandbox.run(&["check", "--json"]).fails(1, SAID);
    sandbox.json(&["token", "create", "--app", "demo"]);
    sandbox.run(&["check"]).fails(1, &format!("{FILE} says"));
    let mut server = Server::start(&sandbox, &[]);
    create(&server, &admin);
    sandbox.run(&["check"]).fails(1, SAID);
    let log = server.stop();
    assert_eq!(log.matches(SAID).count(), 1, "{log}");

    let mut server = Server::start(&sandbox, &[]);
    assert_eq!(sandbox.json(&["check"])["sound"], true);
    let log = server.stop();
    assert!(!log.contains(SAID), "{log}");
    assert_eq!(sandbox.json(&["check"])["sound"], true);
}

#[test]
fn a_server_that_is_killed_has_said_how_far_it_came() {
    let installation = Installation::sqlite().serve();
    let copy = copy(&installation.sandbox);
    let before = fs::read(installation.sandbox.file(FILE)).unwrap();
    let admin = installation.credential("admin_token");
    create(installation.server(), admin);
    // Some seconds later.
    while fs::read(installation.sandbox.file(FILE)).unwrap() == before {
        std::thread::park_timeout(std::time::Duration::from_millis(20));
    }
    let Installation { sandbox, server, .. } = installation;
    drop(server);
    remove_database(&sandbox);
    fs::copy(copy, sandbox.file("jeton.db")).unwrap();
    sandbox.run(&["check"]).fails(1, SAID);
}

#[test]
fn what_commands_restore_or_make_is_not_taken_for_older() {
    let (sandbox, _) = cut_off();
    let backup = sandbox.scratch("backup.db", "");
    sandbox.json(&["backup", &backup, "--force"]);
    // Over what is there, and where nothing is left but the file that says more.
    for is_removed in [false, true] {
        for _ in 0..9 {
            sandbox.json(&["token", "create", "--app", "demo"]);
        }
        if is_removed {
            remove_database(&sandbox);
        }
        sandbox.json(&["restore", &backup, "--yes"]);
        assert_eq!(sandbox.json(&["check"])["sound"], true);
        let log = Server::start(&sandbox, &[]).stop();
        assert!(!log.contains(SAID), "{log}");
    }
    remove_database(&sandbox);
    fs::remove_file(sandbox.file("keys.json")).unwrap();
    let again = sandbox.init();
    let mut server = Server::start(&sandbox, &[]);
    create(&server, text(&again, "admin_token"));
    let log = server.stop();
    assert!(!log.contains(SAID), "{log}");
}

#[test]
fn a_note_that_makes_no_sense_is_written_anew() {
    let sandbox = Sandbox::sqlite();
    sandbox.init();
    fs::write(sandbox.file(FILE), "nothing").unwrap();
    let mut server = Server::start(&sandbox, &[]);
    assert_eq!(sandbox.json(&["check"])["sound"], true);
    let log = server.stop();
    assert!(log.contains("is not valid and will be rewritten"), "{log}");
    assert_eq!(fs::read(sandbox.file(FILE)).unwrap().len(), 63);
}
