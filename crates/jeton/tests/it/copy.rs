//! `jeton copy`: from one database to another, and what it refuses.

use crate::support::{Installation, Run, Sandbox, Server, finish, launch, mode, text};
use crate::terminal::Session;
use serde_json::{Value, json};
use sqlx::{Connection, Executor, SqliteConnection};
use std::path::PathBuf;

/// What names a sandbox's data to the command.
fn place(sandbox: &Sandbox) -> String {
    sandbox.database_url.clone().unwrap_or_else(|| sandbox.data_dir().to_str().unwrap().to_owned())
}

fn copy(from: &Sandbox, to: &Sandbox, more: &[&str]) -> Run {
    let (from, to) = (place(from), place(to));
    // Without settings: it has none.
    let mut command = crate::support::program();
    command.args(["copy", "--from", &from, "--to", &to]).args(more);
    crate::support::run(&mut command, "")
}

fn create(sandbox: &Sandbox) -> (String, String) {
    let made = sandbox.json(&["token", "create", "--app", "demo", "--permissions", "read"]);
    (made["id"].to_string(), text(&made, "access_token").to_owned())
}

/// A database with a good token and a revoked one.
struct Filled {
    installation: Installation,
    good: String,
    revoked: String,
}

fn filled(installation: Installation) -> Filled {
    let (good, revoked) = (create(&installation.sandbox).1, create(&installation.sandbox));
    installation.sandbox.json(&["token", "revoke", "--app", "demo", &revoked.0]);
    Filled { installation, good, revoked: revoked.1 }
}

impl Filled {
    fn sandbox(&self) -> &Sandbox {
        &self.installation.sandbox
    }

    /// What holds for a server of the source holds for one of a copy, with the same keys.
    #[track_caller]
    fn is_served_by(&self, copy: &Sandbox) {
        if !copy.data_dir().exists() {
            std::fs::create_dir(copy.data_dir()).unwrap();
        }
        if !copy.file("keys.json").exists() {
            std::fs::copy(self.sandbox().file("keys.json"), copy.file("keys.json")).unwrap();
        }
        assert_eq!(copy.json(&["check"])["sound"], true);
        let mut server = Server::start(copy, &[]);
        assert_eq!((server.auth(&self.good), server.auth(&self.revoked)), (200, 401));
        let listed =
            server.ask("GET", "/AccessToken/demo", self.installation.credential("admin_token"), None);
        assert_eq!(listed.status, 200, "{listed:?}");
        server.stop();
    }
}

fn rows(answer: &Value, table: &str) -> (Value, String) {
    let tables = answer["tables"].as_array().unwrap();
    let table = tables.iter().find(|one| one["name"] == table).unwrap_or_else(|| panic!("{answer}"));
    (table["rows"].clone(), text(table, "digest").to_owned())
}

#[test]
fn a_copy_goes_to_the_other_engine_and_back() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let source = filled(Installation::sqlite());
    let (there, back, again) = (Sandbox::postgres(), Sandbox::sqlite(), Sandbox::postgres());
    let mut answers = Vec::new();
    for (from, to) in [(source.sandbox(), &there), (&there, &back), (&there, &again)] {
        let answer = copy(from, to, &["--json"]).json();
        assert_eq!((&answer["verified"], &answer["resumed"]), (&json!(true), &json!(false)), "{answer}");
        assert_eq!((&answer["from"], &answer["to"]), (&json!(place(from)), &json!(place(to))));
        assert_eq!(answer["keys"], "elsewhere", "a database has none: {answer}");
        answers.push(answer);
    }
    for table in ["apps", "tokens", "changes", "operators", "key_checks"] {
        let [(one, digest), others @ ..] =
            &answers.iter().map(|answer| rows(answer, table)).collect::<Vec<_>>()[..]
        else {
            panic!("{answers:?}")
        };
        assert!(others.iter().all(|other| (&other.0, &other.1) == (one, digest)), "{table}: {answers:?}");
        assert_eq!(digest.len(), 64);
    }
    assert_eq!(rows(&answers[0], "tokens").0, 3);
    for copy in [&there, &back, &again] {
        source.is_served_by(copy);
    }
}

#[test]
fn from_directory_to_directory_the_keys_go_along() {
    let source = filled(Installation::sqlite());
    let target = Sandbox::sqlite();
    let told = copy(source.sandbox(), &target, &[]).done();
    for part in [
        "\ntokens                       3 rows  sha256 ",
        "the same on both sides",
        "keys.json was copied",
        "--data-dir",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let modes = ["", "jeton.db", "keys.json"].map(|name| mode(&target.file(name)));
    assert_eq!(modes, [0o700, 0o600, 0o600]);
    let keys = |sandbox: &Sandbox| std::fs::read(sandbox.file("keys.json")).unwrap();
    assert_eq!(keys(&target), keys(source.sandbox()));
    source.is_served_by(&target);
    // What was written is not in what it was copied from.
    let (_, later) = create(&target);
    assert_eq!(Server::start(source.sandbox(), &[]).auth(&later), 401);

    let other = Sandbox::sqlite();
    std::fs::create_dir(other.data_dir()).unwrap();
    std::fs::copy(source.sandbox().file("keys.json"), other.file("keys.json")).unwrap();
    assert_eq!(copy(source.sandbox(), &other, &["--json"]).json()["keys"], "there");
    source.is_served_by(&other);
}

/// The files of a directory and what they hold, but for a lock and what SQLite has beside its database.
fn contents(sandbox: &Sandbox) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> =
        std::fs::read_dir(sandbox.data_dir()).unwrap().map(|entry| entry.unwrap().path()).collect();
    let beside = ["serve.lock", "jeton.db-wal", "jeton.db-shm"];
    files.retain(|path| !beside.iter().any(|name| path.ends_with(name)));
    files.sort();
    files.into_iter().map(|path| (path.clone(), std::fs::read(&path).unwrap())).collect()
}

#[test]
fn what_holds_something_is_not_copied_into() {
    let (source, target) = (filled(Installation::sqlite()), filled(Installation::sqlite()));
    let ring = source.sandbox().file("keys.json");
    std::fs::rename(target.sandbox().file("keys.json"), target.sandbox().file("away")).unwrap();
    let before = (contents(source.sandbox()), contents(target.sandbox()));
    copy(source.sandbox(), target.sandbox(), &[]).fails(1, "is not empty, and nothing was changed");
    copy(source.sandbox(), target.sandbox(), &["--resume"]).fails(1, "nothing to continue");
    assert!((contents(source.sandbox()), contents(target.sandbox())) == before, "something was changed");
    std::fs::rename(target.sandbox().file("away"), target.sandbox().file("keys.json")).unwrap();
    target.is_served_by(target.sandbox());
    let nowhere = Sandbox::sqlite();
    copy(source.sandbox(), &nowhere, &["--resume"]).fails(1, "nothing to continue");
    assert!(!nowhere.data_dir().exists());
    copy(&nowhere, target.sandbox(), &[]).fails(3, "so there is nothing to copy");
    copy(source.sandbox(), source.sandbox(), &[]).fails(2, "are the same");
    assert!(ring.exists());
    if !jeton_testkit::skips("PostgreSQL") {
        let full = Installation::postgres().sandbox;
        copy(source.sandbox(), &full, &[]).fails(1, "is not empty");
        copy(source.sandbox(), &full, &["--resume"]).fails(1, "nothing to continue");
    }
}

#[test]
fn what_is_served_is_not_copied() {
    let source = filled(Installation::sqlite());
    let target = Sandbox::sqlite();
    let mut server = Server::start(source.sandbox(), &[]);
    copy(source.sandbox(), &target, &[]).fails(1, "is in use by a server");
    assert!(!target.data_dir().exists());
    server.stop();
    copy(source.sandbox(), &target, &[]).done();
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let source = filled(Installation::postgres());
    let mut server = Server::start(source.sandbox(), &[]);
    let target = Sandbox::sqlite();
    copy(source.sandbox(), &target, &[]).fails(1, "is in use: jeton has");
    assert!(!target.data_dir().exists());
    server.stop();
    copy(source.sandbox(), &target, &[]).done();
    source.is_served_by(&target);
}

#[test]
fn keys_that_do_not_fit_are_told_before_anything_is_copied() {
    let (source, other) = (filled(Installation::sqlite()), Installation::sqlite().sandbox);
    let target = Sandbox::sqlite();
    std::fs::create_dir(target.data_dir()).unwrap();
    std::fs::copy(other.file("keys.json"), target.file("keys.json")).unwrap();
    copy(source.sandbox(), &target, &[]).fails(3, "keys.json are not those of");
    assert!(!target.file("jeton.db").exists());
    let ring = std::fs::read_to_string(other.file("keys.json")).unwrap();
    let target = Sandbox::sqlite();
    let copying = |ring: &str| {
        let mut command = crate::support::program();
        command.args(["copy", "--from", &place(source.sandbox()), "--to", &place(&target), "--json"]);
        crate::support::run(command.env("JETON_KEYS", ring), "")
    };
    copying(&ring).fails(3, "the keys in JETON_KEYS are not those of");
    assert!(!target.data_dir().exists());
    let ring = std::fs::read_to_string(source.sandbox().file("keys.json")).unwrap();
    assert_eq!(copying(&ring).json()["keys"], "environment");
    assert!(!target.file("keys.json").exists());
    source.is_served_by(&target);
}

#[test]
fn no_password_is_shown() {
    let source = filled(Installation::sqlite());
    let from = place(source.sandbox());
    for to in [
        "postgres://jeton:canary-in-url@127.0.0.1:1/jeton",
        "postgres://127.0.0.1:1/jeton?password=canary-in-url",
        "mysql://jeton:canary-in-url@db/jeton",
    ] {
        let run = source.sandbox().run(&["copy", "--from", &from, "--to", to]);
        assert!(matches!(run.code, Some(2 | 4)), "{run:#?}");
        assert!(!run.stderr.contains("canary"), "{run:#?}");
        assert!(
            run.stderr.contains(if to.starts_with("mysql") { "--to is neither" } else { "(hidden)" }),
            "{run:#?}"
        );
    }
}

#[test]
fn a_terminal_shows_how_far_it_is() {
    let source = filled(Installation::sqlite());
    let target = Sandbox::sqlite();
    let session = Session::start(
        source.sandbox(),
        &["copy", "--from", &place(source.sandbox()), "--to", &place(&target)],
    );
    let screen = session.screen.to_end();
    assert!(screen.contains("copying rows [") && screen.contains("the same on both sides"), "{screen}");
    source.is_served_by(&target);
}

/// Makes an empty database be one that a copy was interrupted in.
async fn mark(sandbox: &Sandbox) {
    let url = format!("sqlite://{}?mode=rwc", sandbox.file("jeton.db").display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    connection
        .execute(
            "CREATE TABLE jeton_copy (origin text NOT NULL, state text NOT NULL, source text NOT NULL);
             INSERT INTO jeton_copy VALUES ('x', 'y', '/var/lib/old')",
        )
        .await
        .unwrap();
    connection.close().await.unwrap();
}

/// Whatever somebody does with it.
#[track_caller]
pub(crate) fn is_of_no_use(sandbox: &Sandbox, source: &str) {
    let why = format!("an unfinished copy of {source}: finish it with jeton copy .. --resume");
    for command in [
        &["init"][..],
        &["app", "list"],
        &["token", "create", "--app", "demo"],
        &["check"],
        &["keys", "status"],
    ] {
        sandbox.run(command).fails(3, &why);
    }
    finish(launch(&mut sandbox.command(&["serve"]))).fails(3, &why);
    let nowhere = Sandbox::sqlite();
    copy(sandbox, &nowhere, &[]).fails(3, "an unfinished copy of");
    assert!(!nowhere.data_dir().exists());
}

#[tokio::test]
async fn an_unfinished_copy_says_so_to_everybody() {
    let source = filled(Installation::sqlite());
    let target = Sandbox::sqlite();
    std::fs::create_dir(target.data_dir()).unwrap();
    // The schema is there first.
    target.run(&["init", "--app", "gone"]).done();
    std::fs::remove_file(target.file("keys.json")).unwrap();
    let url = format!("sqlite://{}", target.file("jeton.db").display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    for table in
        ["changes", "operators", "tokens", "app_totals", "user_totals", "apps", "key_checks", "genesis"]
    {
        connection.execute(sqlx::AssertSqlSafe(format!("DELETE FROM {table}"))).await.unwrap();
    }
    connection.close().await.unwrap();
    mark(&target).await;
    is_of_no_use(&target, "/var/lib/old");
    copy(source.sandbox(), &target, &[]).fails(1, "continue it with jeton copy --from ");
    copy(source.sandbox(), &target, &["--resume"])
        .fails(1, "an unfinished copy of another database, /var/lib/old");
    assert!(!target.file("keys.json").exists());
}
