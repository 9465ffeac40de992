//! The key ring and the database: each is nothing without the other.

use crate::support::{Installation, Sandbox, Server, finish, launch, run, text};
use jeton_testkit::Cluster;
use sqlx::{Connection, Executor, SqliteConnection};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

/// Every way of working on the data fails with exit 3, and says why.
#[track_caller]
fn nothing_works(sandbox: &Sandbox, why: &str) {
    sandbox.run(&["app", "list"]).fails(3, why);
    sandbox.run(&["token", "create", "--app", "demo", "--json"]).fails(3, why);
    finish(launch(&mut sandbox.command(&["serve"]))).fails(3, why);
}

#[test]
fn a_key_file_that_others_can_read_is_refused() {
    let Installation { sandbox, .. } = Installation::sqlite();
    let path = sandbox.file("keys.json");
    for mode in [0o644, 0o640, 0o604, 0o660] {
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        nothing_works(&sandbox, &format!("chmod 600 {}", path.display()));
        sandbox.run(&["init"]).fails(3, "chmod 600");
    }
    std::fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
    sandbox.rows(&["app", "list"]);
}

#[test]
fn a_database_needs_its_keys() {
    let Installation { sandbox, .. } = Installation::sqlite();
    std::fs::remove_file(sandbox.file("keys.json")).unwrap();
    nothing_works(&sandbox, "the database needs its keys");
    assert!(!sandbox.file("keys.json").exists());
    assert!(!sandbox.file("first-run.json").exists());
}

#[test]
fn keys_need_their_database() {
    let Installation { sandbox, .. } = Installation::sqlite();
    std::fs::remove_file(sandbox.file("jeton.db")).unwrap();
    nothing_works(&sandbox, "there are keys in ");
    assert!(!sandbox.file("jeton.db").exists());
}

#[test]
fn where_nothing_is_a_command_makes_nothing() {
    let sandbox = Sandbox::sqlite();
    sandbox.run(&["app", "list"]).fails(3, "run jeton init");
    assert!(!sandbox.data_dir().exists());
}

#[test]
fn another_ring_does_not_fit() {
    let (one, other) = (Installation::sqlite().sandbox, Installation::sqlite().sandbox);
    std::fs::copy(other.file("keys.json"), one.file("keys.json")).unwrap();
    nothing_works(&one, "is not the key of that number");
    let garbage = one.file("keys.json");
    std::fs::write(&garbage, r#"{"format":1,"current":1,"keys":[{"id":1,"key":"a-secret-too-short"}]}"#)
        .unwrap();
    nothing_works(&one, "32 bytes in base64url");
    assert!(!one.stderr().contains("a-secret-too-short"));
    std::fs::write(&garbage, r#"{"format":3,"current":1,"keys":[]}"#).unwrap();
    nothing_works(&one, "use a newer jeton");
}

#[test]
fn keys_can_come_from_the_environment() {
    let Installation { sandbox, credentials, .. } = Installation::sqlite();
    let keys = std::fs::read_to_string(sandbox.file("keys.json")).unwrap();
    std::fs::remove_file(sandbox.file("keys.json")).unwrap();
    let with = |keys: &str| {
        let mut command = sandbox.command(&["app", "list", "--json"]);
        command.env("JETON_KEYS", keys);
        run(&mut command, "")
    };
    assert_eq!(with(&keys).rows().as_array().map(Vec::len), Some(1));
    with("").fails(3, "JETON_KEYS: ");
    with("{").fails(3, "JETON_KEYS: ");
    let other = std::fs::read_to_string(Installation::sqlite().sandbox.file("keys.json")).unwrap();
    with(&other).fails(3, "is not the key of that number");

    let server = Server::launched(sandbox.command(&["serve"]).env("JETON_KEYS", &keys));
    assert_eq!(server.ask("GET", "/AccessToken/demo", text(&credentials, "admin_token"), None).status, 200);
    assert!(!sandbox.file("keys.json").exists());

    let new = Sandbox::sqlite();
    run(new.command(&["init", "--json"]).env("JETON_KEYS", &keys), "").json();
    assert!(!new.file("keys.json").exists(), "the ring of the environment is not written down");
    assert_eq!(run(new.command(&["app", "list", "--json"]).env("JETON_KEYS", &keys), "").code, Some(0));
}

#[test]
fn a_database_of_a_newer_program_is_left_alone() {
    let Installation { sandbox, .. } = Installation::sqlite();
    let url = format!("sqlite://{}", sandbox.file("jeton.db").display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut database = SqliteConnection::connect(&url).await.unwrap();
        database.execute(NEWER).await.unwrap();
        database.close().await.unwrap();
    });
    nothing_works(&sandbox, "schema version 999, newer than version ");
    sandbox.run(&["init"]).fails(3, "use a newer jeton");
}

#[test]
fn a_postgresql_database_of_a_newer_program_is_left_alone() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let Installation { sandbox, .. } = Installation::postgres();
    let url = sandbox.database_url.as_deref().unwrap();
    let mut psql = Cluster::shared().program("psql");
    run(psql.args(["--quiet", "--no-password", "--dbname", url, "--command", NEWER]), "").done();
    nothing_works(&sandbox, "schema version 999, newer than version ");
    sandbox.run(&["init"]).fails(3, "use a newer jeton");
}

const NEWER: &str = "INSERT INTO jeton_migrations (version, description, success, checksum, execution_time) \
                     SELECT 999, 'newer', success, checksum, execution_time FROM jeton_migrations WHERE version = 1; \
                     UPDATE schema_compatibility SET oldest_version = 999";

#[test]
fn a_database_that_cannot_be_reached_is_exit_4_and_its_password_is_not_said() {
    let sandbox = Sandbox::on(Some("postgres://jeton:pass-word-1@127.0.0.1:1/none".to_owned()));
    sandbox.run(&["init"]).fails(4, "the database cannot be opened");
    sandbox.run(&["app", "list"]).fails(4, "the database cannot be opened");
    finish(launch(&mut sandbox.command(&["serve"]))).fails(4, "the database cannot be opened");
    assert!(!sandbox.stderr().contains("pass-word-1"));
    assert!(!sandbox.file("keys.json").exists());
}
