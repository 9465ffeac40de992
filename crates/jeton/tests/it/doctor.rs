//! `jeton doctor`: what is wrong is found, nothing is changed, and what is well is not blamed.

use crate::support::{Installation, Run, Sandbox, Server, loopback, text};
use jeton_store::SCHEMA_VERSION;
use jeton_testkit::Cluster;
use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tokio::runtime::Runtime;

/// What doctor says, and its exit code.
#[derive(Debug)]
struct Diagnosis {
    code: Option<i32>,
    report: Value,
}

impl Diagnosis {
    #[track_caller]
    fn of(run: &Run) -> Self {
        let report = serde_json::from_str(&run.stdout).unwrap_or_else(|e| panic!("{e}: {run:#?}"));
        let diagnosis = Diagnosis { code: run.code, report };
        let is_ok = diagnosis.wrong().is_empty();
        assert_eq!(diagnosis.report["ok"], is_ok, "{diagnosis:#?}");
        assert_eq!(run.stderr.is_empty(), is_ok, "{run:#?}");
        diagnosis
    }

    #[track_caller]
    fn on(sandbox: &Sandbox) -> Self {
        Self::of(&sandbox.run(&["doctor", "--json"]))
    }

    fn findings(&self) -> &Vec<Value> {
        self.report["findings"].as_array().unwrap()
    }

    /// The checks that found an error or a warning.
    fn wrong(&self) -> Vec<&str> {
        let wrong = self.findings().iter().filter(|finding| finding["severity"] != "note");
        wrong.map(|finding| text(finding, "check")).collect()
    }

    /// It found this, and exits as it should.
    #[track_caller]
    fn finds(&self, severity: &str, check: &str, part: &str) -> &Self {
        let is_it = |finding: &Value| {
            finding["severity"] == severity
                && finding["check"] == check
                && text(finding, "found").contains(part)
                && !text(finding, "action").is_empty()
        };
        assert!(self.findings().iter().any(is_it), "no {severity} of {check} with {part:?}: {self:#?}");
        if severity != "note" {
            assert_eq!(self.code, Some(1), "{self:#?}");
        }
        self
    }

    /// Nothing is wrong.
    #[track_caller]
    fn is_well(&self) -> &Self {
        assert_eq!((self.wrong(), self.code), (vec![], Some(0)), "{self:#?}");
        self
    }

    fn nodes(&self) -> &Vec<Value> {
        self.report["nodes"].as_array().unwrap()
    }
}

fn skips() -> bool {
    jeton_testkit::skips("PostgreSQL")
}

/// Runs SQL in the database of a sandbox.
fn execute(sandbox: &Sandbox, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    Runtime::new().unwrap().block_on(async {
        match &sandbox.database_url {
            Some(url) => PgConnection::connect(url).await.unwrap().execute(sql).await.map(drop).unwrap(),
            None => {
                let url = format!("sqlite://{}", sandbox.file("jeton.db").display());
                let mut connection = SqliteConnection::connect(&url).await.unwrap();
                connection.execute(sql).await.unwrap();
                connection.close().await.unwrap();
            }
        }
    });
}

/// The servers that a database knows, once there are so many: a server notes itself when it starts.
#[track_caller]
fn nodes(sandbox: &Sandbox, count: usize) -> Diagnosis {
    for _ in 0..200 {
        let diagnosis = Diagnosis::on(sandbox);
        if diagnosis.nodes().len() == count {
            return diagnosis;
        }
    }
    panic!("never {count} servers: {:#?}", Diagnosis::on(sandbox));
}

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// What is in a data directory, with the contents of all files but sockets.
fn contents(sandbox: &Sandbox) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(sandbox.data_dir()).unwrap().map(|entry| entry.unwrap());
    let mut all: Vec<_> = entries
        .map(|it| (it.file_name().into_string().unwrap(), std::fs::read(it.path()).unwrap_or_default()))
        .collect();
    all.sort();
    all
}

#[test]
fn a_healthy_installation_is_well_alone_and_beside_its_server() {
    let mut installation = Installation::sqlite();
    let before = contents(&installation.sandbox);
    let alone = Diagnosis::on(&installation.sandbox);
    alone.is_well();
    assert_eq!(alone.nodes(), &Vec::<Value>::new());
    assert!(contents(&installation.sandbox) == before, "nothing was changed, and no file was made");
    installation = installation.serve();
    let beside = nodes(&installation.sandbox, 1);
    beside.is_well();
    let node = &beside.nodes()[0];
    assert_eq!((&node["version"], &node["newest_key"]), (&json!(env!("CARGO_PKG_VERSION")), &json!(1)));
    assert_eq!(node["clock_ahead_ms"], Value::Null);
    let said = installation.sandbox.run(&["doctor"]).done();
    for part in ["fine     database", "fine     permissions", "server   ", "note     apps"] {
        assert!(said.contains(part), "no {part:?}: {said}");
    }
    installation.server.as_mut().unwrap().stop();
    nodes(&installation.sandbox, 0).is_well();
}

#[test]
fn a_healthy_installation_on_postgresql_is_well() {
    if skips() {
        return;
    }
    let cluster = Cluster::durable();
    let sandbox = Sandbox::on(Some(cluster.create_database()));
    let installation = Installation::at(sandbox);
    Diagnosis::on(&installation.sandbox).is_well();
    let mut installation = installation.serve();
    let other = Sandbox::on(installation.sandbox.database_url.clone());
    std::fs::create_dir(other.data_dir()).unwrap();
    chmod(&other.data_dir(), 0o700);
    std::fs::copy(installation.sandbox.file("keys.json"), other.file("keys.json")).unwrap();
    let _other_server = Server::start(&other, &[]);
    let diagnosis = nodes(&installation.sandbox, 2);
    diagnosis.is_well();
    for node in diagnosis.nodes() {
        let ahead = node["clock_ahead_ms"].as_i64().unwrap();
        assert!(ahead.abs() < 1_000, "one machine has one clock: {node}");
    }
    // One that stops says so; the other one is still there.
    installation.server.as_mut().unwrap().stop();
    nodes(&other, 1).is_well();
}

#[test]
fn what_does_not_exist_or_was_never_initialised_is_said() {
    let sandbox = Sandbox::sqlite();
    Diagnosis::on(&sandbox).finds("error", "installation", "ever initialised");
    assert!(!sandbox.data_dir().exists(), "doctor makes nothing");
    std::fs::create_dir(sandbox.data_dir()).unwrap();
    std::fs::write(sandbox.file("jeton.db"), "this is no database, however long it may be: ".repeat(100))
        .unwrap();
    chmod(&sandbox.file("jeton.db"), 0o600);
    let diagnosis = Diagnosis::on(&sandbox);
    assert_eq!((diagnosis.code, diagnosis.wrong()), (Some(4), vec!["database"]), "{diagnosis:#?}");
    if skips() {
        return;
    }
    let empty = Sandbox::postgres();
    Diagnosis::on(&empty).finds("error", "installation", "initialised");
    let tables: i64 = Runtime::new().unwrap().block_on(async {
        let mut connection = PgConnection::connect(empty.database_url.as_ref().unwrap()).await.unwrap();
        let count = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'";
        sqlx::query_scalar(count).fetch_one(&mut connection).await.unwrap()
    });
    assert_eq!(tables, 0, "doctor migrates nothing");
}

#[test]
fn a_database_out_of_reach_is_exit_4_and_hides_passwords() {
    let sandbox = Sandbox::on(Some("postgres://jeton:pass-word-1@127.0.0.1:1/jeton".to_owned()));
    let run = sandbox.run(&["doctor", "--json"]);
    assert!(!format!("{run:?}").contains("pass-word-1"), "{run:#?}");
    let diagnosis = Diagnosis::of(&run);
    assert_eq!((diagnosis.code, diagnosis.wrong()), (Some(4), vec!["database"]), "{diagnosis:#?}");
    let run = sandbox.run(&["doctor"]);
    assert_eq!(run.code, Some(4), "{run:#?}");
    assert!(run.stdout.contains("error    database") && run.stderr.contains("errors: 1"), "{run:#?}");
    assert!(!format!("{run:?}").contains("pass-word-1"), "{run:#?}");
}

#[test]
fn older_and_newer_schemas_are_findings_and_not_actions() {
    let places = [Some(Installation::sqlite()), (!skips()).then(Installation::postgres)];
    for Installation { sandbox, .. } in places.into_iter().flatten() {
        let version = "(SELECT max(version) FROM jeton_migrations)";
        execute(&sandbox, "DROP INDEX tokens_begun_of_app");
        execute(&sandbox, &format!("DELETE FROM jeton_migrations WHERE version = {version}"));
        for _ in 0..2 {
            Diagnosis::on(&sandbox).finds("warning", "schema", "this program needs");
        }
        // The next command brings it up to date.
        sandbox.rows(&["app", "list"]);
        assert!(!Diagnosis::on(&sandbox).wrong().contains(&"schema"));
        execute(
            &sandbox,
            "INSERT INTO jeton_migrations (version, description, success, checksum, execution_time) \
             SELECT 99, 'from the future', true, checksum, 0 FROM jeton_migrations WHERE version = 1",
        );
        Diagnosis::on(&sandbox).finds("warning", "schema", "goes on with it");
        execute(&sandbox, "UPDATE schema_compatibility SET oldest_version = 99");
        Diagnosis::on(&sandbox).finds("error", "schema", "version 99");
    }
}

#[test]
fn files_that_others_can_use_are_found() {
    let Installation { sandbox, .. } = Installation::sqlite();
    for (name, mode, good, severity, part) in [
        ("", 0o770, 0o700, "error", "could replace the keys"),
        ("keys.json", 0o644, 0o600, "error", "holds all keys"),
        ("jeton.db", 0o644, 0o600, "warning", "can be read by other users"),
        ("jeton.db", 0o666, 0o600, "error", "can be changed"),
    ] {
        let path = sandbox.file(name);
        chmod(&path, mode);
        Diagnosis::on(&sandbox).finds(severity, "permissions", part);
        chmod(&path, good);
    }
    std::fs::write(sandbox.file("first-run.json"), "{}").unwrap();
    Diagnosis::on(&sandbox).finds("warning", "first-run", "is still there");
    std::fs::remove_file(sandbox.file("first-run.json")).unwrap();

    let key = sandbox.scratch("key.pem", "");
    chmod(key.as_ref(), 0o640);
    let arguments = ["doctor", "--json", "--tls-cert", &key, "--tls-key", &key];
    Diagnosis::of(&sandbox.run(&arguments)).finds("error", "permissions", "refuses it");
    let url = "postgres://jeton:pass-word-1@127.0.0.1:1/jeton";
    let settings = sandbox.scratch("jeton.toml", &format!("database_url = \"{url}\"\n"));
    chmod(settings.as_ref(), 0o644);
    let run = sandbox.run(&["doctor", "--json", "--config", &settings]);
    assert!(!format!("{run:?}").contains("pass-word-1"), "{run:#?}");
    let is_found = |run: Run, part: &str| {
        let found = Diagnosis::of(&run).wrong().contains(&"permissions");
        assert!(found, "{part}");
    };
    is_found(run, "a password in the settings");
    let url_file = sandbox.scratch("url", url);
    chmod(url_file.as_ref(), 0o644);
    let mut command = sandbox.command(&["doctor", "--json"]);
    is_found(
        crate::support::run(command.env("JETON_DATABASE_URL_FILE", &url_file), ""),
        "the file of the URL",
    );
    Diagnosis::on(&sandbox).is_well();
}

#[test]
fn rings_that_do_not_fit_are_found() {
    let Installation { sandbox, .. } = Installation::sqlite();
    let keys = sandbox.file("keys.json");
    let own = std::fs::read_to_string(&keys).unwrap();
    let other = std::fs::read_to_string(Installation::sqlite().sandbox.file("keys.json")).unwrap();
    std::fs::write(&keys, &other).unwrap();
    Diagnosis::on(&sandbox).finds("error", "keys", "is not the key of that number");
    std::fs::write(&keys, "{}").unwrap();
    Diagnosis::on(&sandbox).finds("error", "keys", "cannot be used");
    std::fs::remove_file(&keys).unwrap();
    Diagnosis::on(&sandbox).finds("error", "keys", "needs its keys");
    std::fs::write(&keys, &own).unwrap();
    chmod(&keys, 0o600);
    let mut command = sandbox.command(&["doctor", "--json"]);
    let both = Diagnosis::of(&crate::support::run(command.env("JETON_KEYS", &own), ""));
    both.finds("warning", "keys", "is not used");
    // Another server made a key the current one, and its ring did not come here.
    sandbox.json(&["keys", "add", "--only"]);
    Diagnosis::on(&sandbox).finds("note", "keys", "key 2 waits").is_well();
    std::fs::write(&keys, &own).unwrap();
    Diagnosis::on(&sandbox).finds("warning", "keys", "lacks key 2");
}

#[test]
fn weak_settings_and_apps_are_found() {
    let Installation { sandbox, .. } = Installation::sqlite();
    let with = |arguments: &[&str], settings: &[(&str, &str)]| {
        let mut command = sandbox.command(&[&["doctor", "--json"], arguments].concat());
        command.envs(settings.iter().copied());
        Diagnosis::of(&crate::support::run(&mut command, ""))
    };
    with(&["--listen", "0.0.0.0:80"], &[]).finds("error", "settings", "in clear");
    with(&["--admin-listen", "0.0.0.0:80"], &[]).finds("error", "settings", "admin_listen");
    with(&["--listen", "0.0.0.0:80", "--behind-proxy"], &[]).finds("warning", "settings", "X-Forwarded-For");
    with(&[], &[("JETON_RETENTION_CHANGE_DAYS", "0"), ("JETON_CACHE_MAX_STALENESS_MILLISECONDS", "60000")])
        .finds("note", "settings", "kept forever")
        .finds("note", "settings", "60000")
        .is_well();
    with(&[], &[("JETON_LOG_REQUESTS", "all")]).finds("note", "settings", "log.requests").is_well();
    with(&[], &[("JETON_LIMITS_CONNECTIONS", "1000000")]).finds("warning", "descriptors", "connections");
    let merge = ["app", "settings", "demo", "--merge", "-", "--json"];
    sandbox.run_with(&merge, &loopback::open().to_string()).json();
    Diagnosis::on(&sandbox)
        .finds("warning", "apps", "anyone may read tokens over LoopBack's API, their secrets included: demo")
        .finds("warning", "apps", "anyone may change or delete");
    let weak = json!({
        "loopback": {"acls": null, "allow_eternal_tokens": true},
        "forward_auth": {"query_token": true},
        "cors": {"origins": ["*"]},
    });
    sandbox.run_with(&merge, &weak.to_string()).json();
    Diagnosis::on(&sandbox)
        .is_well()
        .finds("note", "apps", "never expire")
        .finds("note", "apps", "query_token")
        .finds("note", "apps", "cors.origins")
        .finds("note", "apps", "max_ttl_seconds");
    sandbox.json(&["operator", "revoke", "1"]);
    Diagnosis::on(&sandbox).finds("note", "operators", "no operator").is_well();
}

#[test]
fn a_suspended_and_a_killed_server_are_found() {
    let mut installation = Installation::sqlite().serve();
    nodes(&installation.sandbox, 1).is_well();
    let pid = installation.server().pid();
    kill_process(pid, Signal::STOP).unwrap();
    let suspended = Diagnosis::on(&installation.sandbox);
    suspended.finds("error", "server", &format!("kill -CONT {}", pid.as_raw_nonzero()));
    installation.server.as_mut().unwrap().end(Signal::KILL);
    // Its note stays, and shows how long it has been silent.
    let killed = Diagnosis::on(&installation.sandbox);
    assert_eq!(killed.nodes().len(), 1, "{killed:#?}");
    execute(
        &installation.sandbox,
        "UPDATE nodes SET written_at = written_at - 61000, started_at = started_at - 61000",
    );
    Diagnosis::on(&installation.sandbox).finds("warning", "servers", "has been silent for");
    // Another one on this machine takes its place.
    let installation = installation.serve();
    nodes(&installation.sandbox, 2).is_well().finds("note", "servers", "has been silent for");
}

#[test]
fn rows_of_other_servers_tell_what_is_wrong_with_them() {
    if skips() {
        return;
    }
    let Installation { sandbox, .. } = Installation::postgres();
    // A server that has been silent for a while, did not read the log for another, has this key, and a clock that is ahead.
    let note = |silent: i64, unread: i64, version: &str, key: i64, ahead: i64| {
        let now = "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)";
        let written_at = format!("{now} - {silent} + {ahead}");
        execute(&sandbox, "DELETE FROM nodes WHERE id = 7");
        execute(
            &sandbox,
            &format!(
                "INSERT INTO nodes VALUES \
                 (7, 'elsewhere', '{version}', {SCHEMA_VERSION}, 0, {written_at}, 1, {unread}, {key}, 1, true, {ahead})"
            ),
        );
        Diagnosis::on(&sandbox)
    };
    let version = env!("CARGO_PKG_VERSION");
    let well = note(0, 0, version, 1, 0);
    let checks =
        ["servers", "clocks", "keys", "announcements", "connections", "transactions", "database-tls"];
    assert!(!well.findings().iter().any(|it| checks.contains(&text(it, "check"))), "{well:#?}");
    note(70_000, 0, version, 1, 0).finds(
        "warning",
        "servers",
        "server 7 on elsewhere has been silent for 70 s",
    );
    note(0, 3_000, version, 1, 0).finds(
        "warning",
        "servers",
        "had not read the change log to its end for 3 s",
    );
    note(0, 0, version, 1, 5_000).finds("warning", "clocks", "server 7 on elsewhere is 5 s ahead");
    note(0, 0, version, 1, -20_000).finds("error", "clocks", "20 s behind");
    execute(
        &sandbox,
        &format!(
            "INSERT INTO nodes SELECT 8, 'm', '0.0.1', {}, 0, written_at + 20000, 1, 0, 1, 1, false, 0 FROM nodes",
            SCHEMA_VERSION - 1
        ),
    );
    Diagnosis::on(&sandbox)
        .finds(
            "note",
            "servers",
            &format!("different versions: 0.0.1, {version}, of which one is older than the schema"),
        )
        .finds("note", "announcements", "server 8 on m");
    sandbox.json(&["keys", "add", "--only"]);
    note(0, 0, version, 1, 0).finds(
        "error",
        "keys",
        "key 2 is missing in the ring of server 7 on elsewhere, server 8 on m",
    );
}

#[test]
fn a_database_server_that_keeps_little_is_found() {
    if skips() {
        return;
    }
    // Of the tests' clusters, this one does not wait for the disk.
    let Installation { mut sandbox, .. } = Installation::postgres();
    let url = sandbox.database_url.clone().unwrap();
    Diagnosis::on(&sandbox)
        .finds("error", "postgres", "fsync is off")
        .finds("warning", "postgres", "full_page_writes is off")
        .finds("note", "postgres", "synchronous_standby_names is empty");
    sandbox.database_url = Some(format!("{url}?options=-c%20synchronous_commit%3Doff"));
    Diagnosis::on(&sandbox).finds("warning", "postgres", "synchronous_commit is off");
    sandbox.database_url = Some(url.replacen("jeton@", "postgres@", 1));
    Diagnosis::on(&sandbox).finds("warning", "postgres", "superuser");
    sandbox.database_url = Some(url.clone());
    let name = url.rsplit('/').next().unwrap();
    execute(&sandbox, &format!("ALTER DATABASE {name} CONNECTION LIMIT 10"));
    Diagnosis::on(&sandbox).finds("warning", "connections", "may need 13 connections");
}

#[test]
fn a_transaction_that_holds_back_readers_is_named() {
    if skips() {
        return;
    }
    let Installation { sandbox, .. } = Installation::postgres();
    let url = sandbox.database_url.clone().unwrap();
    let runtime = Runtime::new().unwrap();
    let (_connection, pid) = runtime.block_on(async {
        let mut connection = PgConnection::connect(&url).await.unwrap();
        // From its number on, nothing is final before it ends.
        connection.execute("BEGIN; SELECT pg_current_xact_id()").await.unwrap();
        let pid: i32 =
            sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut connection).await.unwrap();
        (connection, pid)
    });
    execute(
        &sandbox,
        "INSERT INTO changes (at, kind, actor) \
         VALUES (CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint) - 61000, 'operator.revoked', 'client')",
    );
    Diagnosis::on(&sandbox).finds("warning", "transactions", &format!("pid {pid}"));
}

#[test]
fn a_pooler_is_looked_through() {
    if skips() || jeton_testkit::skips("PgBouncer") {
        return;
    }
    let Installation { mut sandbox, .. } = Installation::postgres();
    let direct = sandbox.database_url.clone().unwrap();
    let pooler = jeton_testkit::Pooler::before(&direct);
    sandbox.database_url = Some(pooler.url().to_owned());
    let diagnosis = Diagnosis::of(&sandbox.run(&["doctor", "--json", "--database-direct-url", &direct]));
    let checks = diagnosis.report["checks"].as_array().unwrap();
    let tls = checks.iter().find(|check| check["check"] == "database-tls").unwrap();
    let seen = "database_direct_url leads on this machine, database_url leads on this machine";
    assert_eq!((&tls["ok"], &tls["seen"]), (&json!(true), &json!(seen)));
}
