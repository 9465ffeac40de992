//! `jeton init`.

use crate::support::{Place, Server, finish, members, mode, text};
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Stdio;

const MEMBERS: [&str; 5] = ["app_key", "client_id", "client_secret", "admin_token", "operator_token"];

/// The names of the files in the data directory.
fn files(place: &Place) -> BTreeSet<String> {
    let entries = std::fs::read_dir(place.data_dir()).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn it_prints_the_credentials_and_keeps_its_files_private() {
    let place = Place::sqlite();
    let credentials = place.init();
    assert_eq!(members(&credentials), MEMBERS);
    assert_eq!(text(&credentials, "app_key"), "demo");
    let values: BTreeSet<&str> = MEMBERS.iter().map(|name| text(&credentials, name)).collect();
    assert_eq!(values.len(), 5, "{credentials}");
    assert_eq!(mode(&place.data_dir()), 0o700);
    assert_eq!(
        files(&place),
        BTreeSet::from(
            ["jeton.db", "jeton.db-acknowledged", "jeton.db-reserve", "keys.json"].map(str::to_owned)
        )
    );
    for file in files(&place) {
        assert_eq!(mode(&place.file(&file)), 0o600, "{file}");
    }
}

#[test]
fn for_people_it_prints_a_member_a_line() {
    let place = Place::sqlite();
    let printed = place.run(&["init"]).done();
    let names: Vec<_> = printed.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(names, MEMBERS);
}

#[test]
fn a_flag_says_more_than_the_environment() {
    let (place, other) = (Place::sqlite(), Place::sqlite());
    let folder = other.data_dir();
    place.json(&["init", "--data-dir", folder.to_str().unwrap()]);
    assert!(!place.data_dir().exists());
    assert!(other.file("keys.json").exists());
}

fn a_second_time_changes_nothing(place: &Place) {
    let credentials = place.init();
    let keys = std::fs::read(place.file("keys.json")).unwrap();
    let apps = place.json(&["app", "list"]);
    for arguments in [&["init"][..], &["init", "--json"], &["init", "--app", "other", "--admin-user", "2"]] {
        place.run(arguments).fails(2, "already initialised");
    }
    let mut server = Server::start(place, &[]);
    place.run(&["init"]).fails(2, "already initialised");
    assert_eq!(std::fs::read(place.file("keys.json")).unwrap(), keys);
    assert_eq!(place.json(&["app", "list"]), apps);
    assert_eq!(server.ask("GET", "/AccessToken/demo", text(&credentials, "admin_token"), None).status, 200);
    server.stop();

    // Without its keys a database is not taken for a new one.
    std::fs::rename(place.file("keys.json"), place.file("keys.away")).unwrap();
    place.run(&["init"]).fails(2, "already initialised");
    assert!(!place.file("keys.json").exists());
}

#[test]
fn a_second_time_changes_nothing_on_sqlite() {
    a_second_time_changes_nothing(&Place::sqlite());
}

#[test]
fn a_second_time_changes_nothing_on_postgresql() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let place = Place::postgres();
    a_second_time_changes_nothing(&place);
    assert_eq!(files(&place), BTreeSet::from(["keys.away", "serve.lock"].map(str::to_owned)));
    Place::on(place.database_url.clone()).run(&["init"]).fails(2, "already initialised");
}

#[test]
fn the_first_app_and_its_admin_have_the_names_they_are_given() {
    for (user, shown) in
        [("alice", Value::from("alice")), ("42", Value::from(42)), ("007", Value::from("007"))]
    {
        let place = Place::sqlite();
        let credentials = place.json(&["init", "--app", "shop-1.x", "--admin-user", user]);
        assert_eq!(text(&credentials, "app_key"), "shop-1.x");
        let app = place.json(&["app", "show", "shop-1.x"]);
        assert_eq!(app["default"], true);
        assert_eq!(app["client_id"], credentials["client_id"]);
        let admin = place.json(&["token", "show", "1", "--app", "shop-1.x"]);
        assert_eq!((&admin["kind"], &admin["user_id"]), (&Value::from("service"), &shown));
        assert_eq!(admin["permissions"], "jeton:manage,jeton:verify");
    }
}

#[test]
fn names_that_are_none_are_refused_before_anything_is_made() {
    let place = Place::sqlite();
    place.run(&["init", "--app", "a b"]).fails(2, "an app key is 1 to 100 of");
    place.run(&["init", "--app", ""]).fails(2, "--app");
    place.run(&["init", "--admin-user", ""]).fails(2, "--admin-user");
    place.run(&["init", "--database-url", "mysql://x"]).fails(2, "postgres://");
    assert!(!place.file("keys.json").exists());
}

fn of_many_at_once_one_wins(place: &Place) {
    let start = || {
        let mut command = place.command(&["init", "--json"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<_> = (0..6).map(|_| start()).collect();
    let (won, lost): (Vec<_>, Vec<_>) = children.into_iter().map(finish).partition(|run| run.code == Some(0));
    assert_eq!(won.len(), 1, "{won:#?} {lost:#?}");
    for run in lost {
        run.fails(2, "already initialised");
    }
    let credentials: Value = serde_json::from_str(&won[0].stdout).unwrap();
    let server = Server::start(place, &[]);
    assert_eq!(server.ask("GET", "/AccessToken/demo", text(&credentials, "admin_token"), None).status, 200);
}

#[test]
fn of_many_at_once_one_wins_on_sqlite() {
    of_many_at_once_one_wins(&Place::sqlite());
}

#[test]
fn of_many_at_once_one_wins_on_postgresql() {
    if !jeton_testkit::skips("PostgreSQL") {
        of_many_at_once_one_wins(&Place::postgres());
    }
}
