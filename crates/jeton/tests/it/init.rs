//! `jeton init`.

use crate::support::{Sandbox, Server, finish, members, mode, text};
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Stdio;

const MEMBERS: [&str; 5] = ["app_key", "client_id", "client_secret", "admin_token", "operator_token"];

/// The names of the files in the data directory.
fn files(sandbox: &Sandbox) -> BTreeSet<String> {
    let entries = std::fs::read_dir(sandbox.data_dir()).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn it_prints_the_credentials_and_keeps_its_files_private() {
    let sandbox = Sandbox::sqlite();
    let credentials = sandbox.init();
    assert_eq!(members(&credentials), MEMBERS);
    assert_eq!(text(&credentials, "app_key"), "demo");
    let values: BTreeSet<&str> = MEMBERS.iter().map(|name| text(&credentials, name)).collect();
    assert_eq!(values.len(), 5, "{credentials}");
    assert_eq!(mode(&sandbox.data_dir()), 0o700);
    assert_eq!(
        files(&sandbox),
        BTreeSet::from(
            ["jeton.db", "jeton.db-acknowledged", "jeton.db-reserve", "keys.json"].map(str::to_owned)
        )
    );
    for file in files(&sandbox) {
        assert_eq!(mode(&sandbox.file(&file)), 0o600, "{file}");
    }
}

#[test]
fn for_people_it_prints_a_member_a_line() {
    let sandbox = Sandbox::sqlite();
    let printed = sandbox.run(&["init"]).done();
    let names: Vec<_> = printed.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(names, MEMBERS);
}

#[test]
fn a_flag_says_more_than_the_environment() {
    let (sandbox, other) = (Sandbox::sqlite(), Sandbox::sqlite());
    let folder = other.data_dir();
    sandbox.json(&["init", "--data-dir", folder.to_str().unwrap()]);
    assert!(!sandbox.data_dir().exists());
    assert!(other.file("keys.json").exists());
}

fn a_second_time_changes_nothing(sandbox: &Sandbox) {
    let credentials = sandbox.init();
    let keys = std::fs::read(sandbox.file("keys.json")).unwrap();
    let apps = sandbox.rows(&["app", "list"]);
    for arguments in [&["init"][..], &["init", "--json"], &["init", "--app", "other", "--admin-user", "2"]] {
        sandbox.run(arguments).fails(2, "already initialised");
    }
    let mut server = Server::start(sandbox, &[]);
    sandbox.run(&["init"]).fails(2, "already initialised");
    assert_eq!(std::fs::read(sandbox.file("keys.json")).unwrap(), keys);
    assert_eq!(sandbox.rows(&["app", "list"]), apps);
    assert_eq!(server.ask("GET", "/AccessToken/demo", text(&credentials, "admin_token"), None).status, 200);
    server.stop();

    // Without its keys a database is not taken for a new one.
    std::fs::rename(sandbox.file("keys.json"), sandbox.file("keys.away")).unwrap();
    sandbox.run(&["init"]).fails(2, "already initialised");
    assert!(!sandbox.file("keys.json").exists());
}

#[test]
fn a_second_time_changes_nothing_on_sqlite() {
    a_second_time_changes_nothing(&Sandbox::sqlite());
}

#[test]
fn a_second_time_changes_nothing_on_postgresql() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let sandbox = Sandbox::postgres();
    a_second_time_changes_nothing(&sandbox);
    assert_eq!(files(&sandbox), BTreeSet::from(["keys.away", "serve.lock"].map(str::to_owned)));
    Sandbox::on(sandbox.database_url.clone()).run(&["init"]).fails(2, "already initialised");
}

#[test]
fn the_first_app_and_its_admin_have_the_names_they_are_given() {
    for (user, shown) in
        [("alice", Value::from("alice")), ("42", Value::from(42)), ("007", Value::from("007"))]
    {
        let sandbox = Sandbox::sqlite();
        let credentials = sandbox.json(&["init", "--app", "shop-1.x", "--admin-user", user]);
        assert_eq!(text(&credentials, "app_key"), "shop-1.x");
        let app = sandbox.json(&["app", "show", "shop-1.x"]);
        assert_eq!(app["default"], true);
        assert_eq!(app["client_id"], credentials["client_id"]);
        let admin = sandbox.json(&["token", "show", "1", "--app", "shop-1.x"]);
        assert_eq!((&admin["kind"], &admin["user_id"]), (&Value::from("service"), &shown));
        assert_eq!(admin["permissions"], "jeton:manage,jeton:verify");
    }
}

#[test]
fn names_that_are_none_are_refused_before_anything_is_made() {
    let sandbox = Sandbox::sqlite();
    sandbox.run(&["init", "--app", "a b"]).fails(2, "an app key is 1 to 100 of");
    sandbox.run(&["init", "--app", ""]).fails(2, "--app");
    sandbox.run(&["init", "--admin-user", ""]).fails(2, "--admin-user");
    sandbox.run(&["init", "--database-url", "mysql://x"]).fails(2, "postgres://");
    assert!(!sandbox.file("keys.json").exists());
}

fn of_many_at_once_one_wins(sandbox: &Sandbox) {
    let start = || {
        let mut command = sandbox.command(&["init", "--json"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<_> = (0..6).map(|_| start()).collect();
    let (won, lost): (Vec<_>, Vec<_>) = children.into_iter().map(finish).partition(|run| run.code == Some(0));
    assert_eq!(won.len(), 1, "{won:#?} {lost:#?}");
    for run in lost {
        run.fails(2, "already initialised");
    }
    let credentials: Value = serde_json::from_str(&won[0].stdout).unwrap();
    let server = Server::start(sandbox, &[]);
    assert_eq!(server.ask("GET", "/AccessToken/demo", text(&credentials, "admin_token"), None).status, 200);
}

#[test]
fn of_many_at_once_one_wins_on_sqlite() {
    of_many_at_once_one_wins(&Sandbox::sqlite());
}

#[test]
fn of_many_at_once_one_wins_on_postgresql() {
    if !jeton_testkit::skips("PostgreSQL") {
        of_many_at_once_one_wins(&Sandbox::postgres());
    }
}
