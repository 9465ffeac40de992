//! Databases that lack, at the start of a server, what was acknowledged before.

use crate::support::{Installation, Place, Server, text};
use serde_json::json;
use std::fs;
use std::path::PathBuf;

const SAID: &str = "the database is older than it was";
const FILE: &str = "jeton.db-acknowledged";

/// The file of the database as it is now, without what is not yet brought into it.
fn copy(place: &Place) -> PathBuf {
    let copy = place.data_dir().with_file_name("copy.db");
    fs::copy(place.file("jeton.db"), &copy).unwrap();
    copy
}

fn remove_database(place: &Place) {
    for name in ["jeton.db", "jeton.db-wal", "jeton.db-shm"] {
        let _ = fs::remove_file(place.file(name));
    }
}

fn create(server: &Server, admin: &str) {
    let body = json!({"title": "t", "permissions": "read"}).to_string();
    assert_eq!(server.ask("POST", "/AccessToken/demo", admin, Some(&body)).status, 200);
}

/// A place where a server has acknowledged what is not in the database any more, and the token of its
/// manager.
fn cut_off() -> (Place, String) {
    let mut installation = Installation::sqlite().serve();
    let admin = installation.credential("admin_token").to_owned();
    // Before, since what is in the write-ahead log may come into the file at any time.
    let copy = copy(&installation.place);
    for _ in 0..3 {
        create(installation.server(), &admin);
    }
    let log = installation.server.as_mut().unwrap().stop();
    assert!(!log.contains(SAID), "{log}");
    let place = installation.place;
    remove_database(&place);
    fs::copy(copy, place.file("jeton.db")).unwrap();
    (place, admin)
}

#[test]
fn a_log_that_was_cut_off_is_said_once() {
    let (place, admin) = cut_off();
    // Whatever commands do before, it is said.
    place.run(&["check", "--json"]).fails(1, SAID);
    place.json(&["token", "create", "--app", "demo"]);
    place.run(&["check"]).fails(1, &format!("{FILE} says"));
    let mut server = Server::start(&place, &[]);
    create(&server, &admin);
    place.run(&["check"]).fails(1, SAID);
    let log = server.stop();
    assert_eq!(log.matches(SAID).count(), 1, "{log}");

    let mut server = Server::start(&place, &[]);
    assert_eq!(place.json(&["check"])["sound"], true);
    let log = server.stop();
    assert!(!log.contains(SAID), "{log}");
    assert_eq!(place.json(&["check"])["sound"], true);
}

#[test]
fn a_server_that_is_killed_has_said_how_far_it_came() {
    let installation = Installation::sqlite().serve();
    let copy = copy(&installation.place);
    let before = fs::read(installation.place.file(FILE)).unwrap();
    let admin = installation.credential("admin_token");
    create(installation.server(), admin);
    // Some seconds later.
    while fs::read(installation.place.file(FILE)).unwrap() == before {
        std::thread::park_timeout(std::time::Duration::from_millis(20));
    }
    let Installation { place, server, .. } = installation;
    drop(server);
    remove_database(&place);
    fs::copy(copy, place.file("jeton.db")).unwrap();
    place.run(&["check"]).fails(1, SAID);
}

#[test]
fn what_commands_restore_or_make_is_not_taken_for_older() {
    let (place, _) = cut_off();
    let backup = place.scratch("backup.db", "");
    place.json(&["backup", &backup, "--force"]);
    // Over what is there, and where nothing is left but the file that says more.
    for is_removed in [false, true] {
        for _ in 0..9 {
            place.json(&["token", "create", "--app", "demo"]);
        }
        if is_removed {
            remove_database(&place);
        }
        place.json(&["restore", &backup, "--yes"]);
        assert_eq!(place.json(&["check"])["sound"], true);
        let log = Server::start(&place, &[]).stop();
        assert!(!log.contains(SAID), "{log}");
    }
    remove_database(&place);
    fs::remove_file(place.file("keys.json")).unwrap();
    let again = place.init();
    let mut server = Server::start(&place, &[]);
    create(&server, text(&again, "admin_token"));
    let log = server.stop();
    assert!(!log.contains(SAID), "{log}");
}

#[test]
fn a_note_that_makes_no_sense_is_written_anew() {
    let place = Place::sqlite();
    place.init();
    fs::write(place.file(FILE), "nothing").unwrap();
    let mut server = Server::start(&place, &[]);
    assert_eq!(place.json(&["check"])["sound"], true);
    let log = server.stop();
    assert!(log.contains("is not valid and will be rewritten"), "{log}");
    assert_eq!(fs::read(place.file(FILE)).unwrap().len(), 63);
}
