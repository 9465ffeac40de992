//! `jeton backup`, `jeton restore` and `jeton check`.

use crate::support::{Installation, Sandbox, Server, each_way, mode, text};
use crate::terminal::Session;
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Makes a backup beside the data directory.
fn back_up(sandbox: &Sandbox) -> PathBuf {
    let file = sandbox.data_dir().with_file_name("backup.db");
    sandbox.json(&["backup", file.to_str().unwrap()]);
    file
}

/// Whether a secret is good in app demo, as a command says.
fn is_good(sandbox: &Sandbox, secret: &str) -> bool {
    let answer = sandbox.run_with(&["token", "verify", "--app", "demo", "--json"], secret);
    let answer: Value = serde_json::from_str(&answer.stdout).unwrap_or_else(|e| panic!("{e}: {answer:?}"));
    answer["active"] == true
}

fn create(sandbox: &Sandbox) -> (String, String) {
    let made = sandbox.json(&["token", "create", "--app", "demo", "--permissions", "read"]);
    (made["id"].to_string(), text(&made, "access_token").to_owned())
}

fn revoke(sandbox: &Sandbox, id: &str) {
    sandbox.json(&["token", "revoke", "--app", "demo", id]);
}

each_way!(what_was_backed_up_comes_back);
fn what_was_backed_up_comes_back(installation: &Installation) {
    let sandbox = &installation.sandbox;
    let (kept, revoked) = (create(sandbox), create(sandbox));
    let file = back_up(sandbox);
    let name = file.to_str().unwrap();
    assert_eq!(mode(&file), 0o600);
    sandbox.run(&["backup", name]).fails(1, "exists already: use --force");
    let done = sandbox.json(&["backup", name, "--force"]);
    assert_eq!((&done["apps"], &done["tokens"], &done["changes"]), (&json!(1), &json!(3), &json!(5)));
    let output = sandbox.run(&["backup", name, "--force"]).done();
    assert!(output.contains("The keys are not in it"), "{output}");
    let sound = json!({"sound": true, "tokens": 3, "changes": 5});
    assert_eq!(sandbox.json(&["backup", name, "--check"]), sound);
    assert_eq!(sandbox.json(&["check"]), sound);
    let left: Vec<_> =
        std::fs::read_dir(file.parent().unwrap()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_str().unwrap().contains("partial")), "{left:?}");

    let later = create(sandbox);
    revoke(sandbox, &revoked.0);
    sandbox.run(&["restore", name]).fails(2, "confirm with --yes");
    let done = sandbox.json(&["restore", name, "--yes"]);
    assert_eq!((&done["tokens"], &done["kept_revoked"]), (&json!(3), &json!(1)));
    let good = [&kept, &revoked, &later].map(|(_, secret)| is_good(sandbox, secret));
    assert_eq!(good, [true, false, false]);
    let next = create(sandbox);
    assert!(next.0.parse::<i64>().unwrap() > later.0.parse().unwrap(), "no number is given out twice");
    let done = sandbox.json(&["restore", name, "--yes", "--as-of-backup"]);
    assert_eq!((&done["tokens"], &done["kept_revoked"]), (&json!(3), &json!(0)));
    assert_eq!(done["compared"], json!(false));
    assert!(is_good(sandbox, &revoked.1));
    assert_eq!(sandbox.json(&["check"])["sound"], true);
}

each_way!(nothing_but_a_backup_is_replaced);
fn nothing_but_a_backup_is_replaced(installation: &Installation) {
    let sandbox = &installation.sandbox;
    let (_, secret) = create(sandbox);
    let folder = sandbox.data_dir().parent().unwrap().to_owned();
    sandbox.scratch("jeton.toml", "[log]\nlevel = \"info\"\n");
    let mut targets = vec![folder.join("jeton.toml"), folder.clone()];
    // By their own names, by links of either kind, and where there is no file of that name now.
    for name in [
        "keys.json",
        "jeton.db",
        "jeton.db-wal",
        "jeton.db-shm",
        "jeton.db-reserve",
        "jeton.db-acknowledged",
        "serve.lock",
        "control.sock",
        "first-run.json",
    ] {
        targets.push(sandbox.file(name));
        if sandbox.file(name).exists() {
            let (soft, hard) = (folder.join(format!("soft-{name}")), folder.join(format!("hard-{name}")));
            std::os::unix::fs::symlink(sandbox.file(name), &soft).unwrap();
            targets.push(soft);
            if ["keys.json", "jeton.db"].contains(&name) {
                std::fs::hard_link(sandbox.file(name), &hard).unwrap();
                targets.push(hard);
            }
        }
    }
    let keys = std::fs::read(sandbox.file("keys.json")).unwrap();
    for target in &targets {
        let target = target.to_str().unwrap();
        sandbox.run(&["backup", target]).fails(1, target);
        sandbox.run(&["backup", target, "--force"]).fails(1, target);
    }
    assert_eq!(std::fs::read(sandbox.file("keys.json")).unwrap(), keys);
    assert!(is_good(sandbox, &secret));

    let nowhere = folder.join("nowhere.db");
    std::os::unix::fs::symlink(folder.join("not-there"), &nowhere).unwrap();
    let nowhere = nowhere.to_str().unwrap();
    sandbox.run(&["backup", nowhere]).fails(1, "exists already: use --force");
    sandbox.json(&["backup", nowhere, "--force"]);
    assert!(!folder.join("not-there").exists());
    // A backup may be called as a database is.
    let named = folder.join("jeton.db");
    for force in [&[][..], &["--force"]] {
        sandbox.json(&[&["backup", named.to_str().unwrap()], force].concat());
    }
}

#[test]
fn a_database_that_is_in_use_is_not_restored() {
    let Installation { sandbox, .. } = Installation::sqlite();
    let other = Installation::sqlite();
    let (_, secret) = create(&sandbox);
    std::fs::copy(sandbox.file("keys.json"), other.sandbox.file("keys.json")).unwrap();
    let link = sandbox.data_dir().with_file_name("link.db");
    std::os::unix::fs::symlink(sandbox.file("jeton.db"), &link).unwrap();
    let _server = Server::start(&sandbox, &[]);
    for source in [sandbox.file("jeton.db"), link] {
        let source = source.to_str().unwrap();
        sandbox.run(&["restore", source, "--yes"]).fails(1, "the database that would be replaced");
        other.sandbox.run(&["restore", source, "--yes"]).fails(1, "the database of a running server");
    }
    assert!(is_good(&sandbox, &secret));
}

each_way!(a_restore_gives_no_rights_back);
fn a_restore_gives_no_rights_back(installation: &Installation) {
    let sandbox = &installation.sandbox;
    let [narrowed, off, ended] = [(); 3].map(|()| create(sandbox));
    let file = back_up(sandbox);
    let name = file.to_str().unwrap();
    let update = |(id, _): &(String, String), change: &[&str]| {
        sandbox.json(&[&["token", "update", "--app", "demo", id], change].concat());
    };
    update(&narrowed, &["--scope", r#"{"permissions":["read"],"ids":["a"]}"#]);
    update(&off, &["--disable"]);
    update(&ended, &["--expires-in-days", "1"]);
    let settings = ["app", "settings", "demo", "--merge", "-", "--json"];
    sandbox.run_with(&settings, r#"{"dotide": {"enabled": false}}"#).json();
    let shown = |(id, _): &(String, String)| sandbox.json(&["token", "show", "--app", "demo", id]);
    let before = [&narrowed, &off, &ended].map(shown);
    let output = sandbox.run(&["restore", name, "--yes"]).done();
    let line =
        |name: &str| output.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{output}"));
    for kept in ["kept_narrowed", "kept_disabled", "kept_ended", "kept_settings"] {
        assert!(line(kept).ends_with(" 1"), "{output}");
    }
    for (before, after) in before.iter().zip([&narrowed, &off, &ended].map(shown)) {
        for member in ["scopes", "state", "expires_at"] {
            assert_eq!(before[member], after[member]);
        }
    }
    assert_eq!(sandbox.json(&["app", "settings", "demo"])["dotide"]["enabled"], false);
    let output = sandbox.run(&["restore", name, "--yes", "--as-of-backup"]).done();
    assert!(output.contains("Nothing was compared"), "{output}");
    assert!(is_good(sandbox, &off.1));
    assert_eq!(shown(&narrowed)["scopes"][0]["global"], true);
    assert_eq!(sandbox.json(&["app", "settings", "demo"])["dotide"]["enabled"], true);
}

each_way!(a_backup_goes_through_pipes);
fn a_backup_goes_through_pipes(installation: &Installation) {
    let sandbox = &installation.sandbox;
    let (kept, revoked) = (create(sandbox), create(sandbox));
    let made = sandbox.command(&["backup", "-"]).output().unwrap();
    assert!(made.status.success() && made.stdout.starts_with(b"SQLite format 3\0"), "{made:?}");
    assert!(String::from_utf8_lossy(&made.stderr).contains("The keys are not in it"));
    revoke(sandbox, &revoked.0);
    let mut command = sandbox.command(&["restore", "-", "--yes", "--json", "--as-of-backup"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&made.stdout).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(is_good(sandbox, &kept.1) && is_good(sandbox, &revoked.1));
    sandbox.run_with(&["restore", "-", "--yes"], "no backup").fails(1, "cannot be used");
    let left: Vec<_> =
        std::fs::read_dir(sandbox.data_dir()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("partial")), "{left:?}");
}

/// A server needs no right to the place: it fills a file that it was handed, and reads one.
#[test]
fn a_backup_goes_where_only_its_command_can() {
    let tried = Command::new("unshare").args(["--map-root-user", "--mount", "true"]).output();
    if !tried.is_ok_and(|tried| tried.status.success()) {
        return jeton_testkit::say_skipped("user may mount nothing, not even in a namespace of its own");
    }
    let installation = Installation::sqlite().serve();
    let sandbox = &installation.sandbox;
    let (_, secret) = create(sandbox);
    let place = sandbox.data_dir().with_file_name("apart");
    std::fs::create_dir(&place).unwrap();
    let program = crate::support::program().get_program().to_owned();
    // What is mounted there is seen by the commands alone.
    let script = format!(
        "mount -t tmpfs none '{place}' && {program} backup '{place}/b.db' && {program} restore '{place}/b.db' --yes --json",
        place = place.display(),
        program = program.to_string_lossy(),
    );
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c", &script]);
    let done = crate::support::run(command.env("JETON_DATA_DIR", sandbox.data_dir()), "").done();
    assert!(done.contains("\"compared\":true"), "{done}");
    assert_eq!(std::fs::read_dir(&place).unwrap().count(), 0, "the server's own view has nothing there");
    assert!(is_good(sandbox, &secret));
}

#[test]
fn a_terminal_shows_how_far_it_is_and_a_pipe_does_not() {
    let sandbox = Installation::sqlite().sandbox;
    let file = sandbox.data_dir().with_file_name("backup.db");
    let name = file.to_str().unwrap();
    for (arguments, shown) in [
        (&["backup", name][..], "writing the file ["),
        (&["backup", name, "--check"], "checking how rows fit together ["),
        (&["restore", name, "--yes"], "restoring rows ["),
        (&["check"], "checking how rows fit together ["),
    ] {
        let screen = Session::start(&sandbox, arguments).screen.to_end();
        assert!(screen.contains(shown), "{arguments:?}: {screen}");
        if file.exists() && arguments.len() == 2 {
            std::fs::remove_file(&file).unwrap();
        }
        let piped = sandbox.run(arguments);
        assert_eq!(piped.stderr, "", "{arguments:?}");
        piped.done();
    }
}

/// From SQLite to PostgreSQL and back, into places where there is nothing but the keys.
#[test]
fn a_backup_moves_an_installation_to_another_engine() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let Installation { sandbox, credentials, .. } = Installation::sqlite();
    let (_, secret) = create(&sandbox);
    let mut file = back_up(&sandbox);
    let places = [Sandbox::postgres(), Sandbox::sqlite()];
    for next in &places {
        let name = file.to_str().unwrap().to_owned();
        next.run(&["restore", &name]).fails(3, "the keys with which the backup was made are missing");
        std::fs::create_dir(next.data_dir()).unwrap();
        std::fs::copy(sandbox.file("keys.json"), next.file("keys.json")).unwrap();
        let done = next.json(&["restore", &name]);
        assert_eq!((&done["tokens"], &done["compared"]), (&json!(2), &json!(false)));
        let server = Server::start(next, &[]);
        assert_eq!(server.auth(&secret), 200);
        let listed = server.ask("GET", "/AccessToken/demo", text(&credentials, "admin_token"), None);
        assert_eq!(listed.status, 200, "{listed:?}");
        file = back_up(next);
    }
}

#[test]
fn what_cannot_be_restored_is_refused_and_nothing_changes() {
    let Installation { sandbox, .. } = Installation::sqlite();
    let (_, secret) = create(&sandbox);
    let other = Installation::sqlite().sandbox;
    let foreign = back_up(&other);
    let foreign = foreign.to_str().unwrap();
    sandbox.run(&["restore", foreign, "--yes"]).fails(3, "other keys");
    sandbox.run(&["backup", foreign, "--check"]).fails(3, "other keys");
    let file = back_up(&sandbox);
    let name = file.to_str().unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    let half = bytes.len() / 2;
    bytes[half..half + 4_096].fill(0x5a);
    std::fs::write(&file, bytes).unwrap();
    sandbox.run(&["restore", name, "--yes"]).fails(1, "the backup");
    sandbox.run(&["backup", name, "--check"]).fails(1, "the backup");
    let text = sandbox.scratch("text", &"no database ".repeat(1_000));
    sandbox.run(&["restore", &text, "--yes"]).fails(1, "cannot be used");
    for command in [["restore", "/nowhere/backup.db", "--yes"], ["backup", "/nowhere/backup.db", "--check"]] {
        sandbox.run(&command).fails(2, "the backup /nowhere/backup.db: ");
    }
    sandbox.run(&["backup", "/nowhere/backup.db"]).fails(4, "/nowhere/backup.db");
    assert!(is_good(&sandbox, &secret));
    let empty = Sandbox::sqlite();
    std::fs::create_dir(empty.data_dir()).unwrap();
    std::fs::copy(sandbox.file("keys.json"), empty.file("keys.json")).unwrap();
    empty.run(&["restore", name]).fails(1, "the backup");
    assert!(!empty.file("jeton.db").exists(), "a restore that fails leaves no empty database");
}

/// Nothing in a backup opens a door: neither secrets nor keys are in it.
#[test]
fn a_backup_holds_no_secret_in_clear() {
    let Installation { sandbox, credentials, .. } = Installation::sqlite();
    let (_, secret) = create(&sandbox);
    let bytes = std::fs::read(back_up(&sandbox)).unwrap();
    let keys = std::fs::read_to_string(sandbox.file("keys.json")).unwrap();
    let keys: Value = serde_json::from_str(&keys).unwrap();
    let mut secrets = vec![secret];
    for name in ["client_secret", "admin_token", "operator_token"] {
        secrets.push(text(&credentials, name).to_owned());
    }
    collect_texts(&keys, &mut secrets);
    assert!(secrets.len() > 4, "the ring has a key");
    for secret in secrets.iter().filter(|secret| secret.len() > 16) {
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
    }
}

fn collect_texts(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| collect_texts(value, texts)),
        Value::Object(members) => members.values().for_each(|value| collect_texts(value, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
