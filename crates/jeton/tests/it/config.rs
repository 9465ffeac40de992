//! How the program is set up: files, variables and flags.

use crate::support::{Sandbox, Server, finish, launch, request};
use serde_json::Value;

fn shown(sandbox: &Sandbox, arguments: &[&str], variables: &[(&str, &str)]) -> Value {
    let mut command = sandbox.command(&["config", "show", "--json"]);
    command.args(arguments).envs(variables.iter().copied());
    crate::support::run(&mut command, "").json()
}

#[test]
fn it_is_shown_with_who_decided_what() {
    let sandbox = Sandbox::sqlite();
    let file =
        sandbox.scratch("jeton.toml", "listen = \"127.0.0.1:1\"\n[limits]\nscopes = 7\nbody_bytes = 2048\n");
    let variables = [("JETON_LIMITS_SCOPES", "8"), ("JETON_LOG", "debug")];
    let all =
        shown(&sandbox, &["--config", &file, "--admin-listen", "127.0.0.1:2", "--behind-proxy"], &variables);
    assert_eq!(all["config"], file.as_str());
    for (name, value, from) in [
        ("listen", Value::from("127.0.0.1:1"), format!("{file}:1")),
        ("limits.body_bytes", 2048.into(), format!("{file}:4")),
        ("limits.scopes", 8.into(), "JETON_LIMITS_SCOPES".to_owned()),
        ("log.level", "debug".into(), "JETON_LOG".to_owned()),
        ("admin_listen", "127.0.0.1:2".into(), "--admin-listen".to_owned()),
        ("behind_proxy", true.into(), "--behind-proxy".to_owned()),
        ("shutdown_seconds", 10.into(), "default".to_owned()),
        ("database_url", Value::Null, "default".to_owned()),
    ] {
        assert_eq!(all["settings"][name]["value"], value, "{name}");
        assert_eq!(all["settings"][name]["from"], from.as_str(), "{name}");
    }
    let text = sandbox.run(&["config", "show", "--config", &file]).done();
    assert!(text.contains(&format!("limits.scopes\t7\t{file}:3\n")), "{text}");
    assert!(!sandbox.data_dir().exists(), "looking makes nothing");
}

#[test]
fn passwords_are_not_shown_wherever_they_come_from() {
    let sandbox = Sandbox::sqlite();
    let url = "postgres://jeton:pass-word-1@db.test/jeton";
    let file = sandbox.scratch("jeton.toml", &format!("database_url = \"{url}\"\n"));
    let secret = sandbox.scratch("url", url);
    for (arguments, variables) in [
        (vec!["--database-url", url], vec![]),
        (vec!["--config", &file], vec![]),
        (vec![], vec![("JETON_CONFIG", file.as_str())]),
        (vec![], vec![("JETON_DATABASE_URL", url)]),
        (vec![], vec![("JETON_DATABASE_URL_FILE", secret.as_str())]),
    ] {
        for json in [&[][..], &["--json"]] {
            let mut command = sandbox.command(&["config", "show"]);
            command.args(&arguments).args(json).envs(variables.iter().copied());
            let output = crate::support::run(&mut command, "").done();
            assert!(!output.contains("pass-word-1"), "{output}");
        }
    }
}

#[test]
fn what_is_no_setting_is_refused_by_every_command() {
    let sandbox = Sandbox::sqlite();
    let file = sandbox.scratch("jeton.toml", "\n[limits]\nbody_byte = 1\n");
    let message = format!("{file}:3: there is no setting limits.body_byte: did you mean limits.body_bytes?");
    for command in [
        &["config", "check", &file][..],
        &["config", "show", "--config", &file],
        &["init", "--config", &file],
    ] {
        sandbox.run(command).fails(2, &message);
    }
    finish(launch(&mut sandbox.command(&["serve", "--config", &file]))).fails(2, &message);
    assert!(!sandbox.data_dir().exists());
    let good = sandbox.scratch("good.toml", "[limits]\nbody_bytes = 2_048\n");
    assert_eq!(sandbox.run(&["config", "check", &good]).done(), format!("{good}: settings: 1\n"));
    sandbox.run(&["config", "check", "/nowhere/jeton.toml"]).fails(2, "/nowhere/jeton.toml");
}

#[test]
fn a_variable_that_is_much_like_a_setting_is_named_and_others_are_not() {
    let sandbox = Sandbox::sqlite();
    let mut command = sandbox.command(&["serve"]);
    command.envs([("JETON_LIMITS_SCOPE", "7"), ("JETON_SERVICE_HOST", "10.0.0.1")]);
    let log = Server::launched(&mut command).stop();
    assert!(log.contains("JETON_LIMITS_SCOPE in the environment is not a setting"), "{log}");
    assert!(!log.contains("JETON_SERVICE_HOST"), "{log}");
}

/// A limit holds for a server and for commands that do their work themselves.
#[test]
fn limits_are_what_they_were_set_to() {
    let sandbox = Sandbox::sqlite();
    let credentials = sandbox.init();
    let file = sandbox.scratch(
        "jeton.toml",
        "[limits]\nscopes = 1\nname_characters = 8\nbody_bytes = 1_024\ndocument_bytes = 256\nself_made_tokens = 0\n",
    );
    let two = ["token", "create", "--app", "demo", "--scope", "{}", "--scope", "{}"];
    sandbox.run(&[&two[..], &["--config", &file]].concat()).fails(2, "at most 1 scopes");
    sandbox.json(&two);
    let long = ["token", "create", "--app", "demo", "--permissions", "reading-mail", "--config", &file];
    sandbox.run(&long).fails(2, "1 to 8 characters");

    let server = Server::start(&sandbox, &["--config", &file]);
    let body = format!("{{\"title\": \"{}\"}}", "x".repeat(1_024));
    let answer = server.ask(
        "POST",
        "/AccessToken/demo",
        crate::support::text(&credentials, "admin_token"),
        Some(&body),
    );
    assert_eq!((answer.status, answer.body.contains("1024 bytes")), (413, true), "{answer:?}");
    let row = "{\"ttl\": 60}";
    let answer = request(server.address, "POST", "/api/accessTokens", &[], Some(row));
    assert_eq!(answer.status, 429, "no self-made tokens at all: {answer:?}");
    // What was given before the limit still works.
    sandbox.run(&["token", "update", "2", "--app", "demo", "--title", "kept"]).done();
    sandbox.run(&["token", "update", "2", "--app", "demo", "--scope", "{}", "--scope", "{}"]).done();
}

#[cfg(unix)]
#[test]
fn a_directory_that_others_may_change_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::sqlite();
    sandbox.init();
    let log = Server::start(&sandbox, &[]).stop();
    assert!(!log.contains("chmod go-w"), "{log}");
    std::fs::set_permissions(sandbox.data_dir(), std::fs::Permissions::from_mode(0o770)).unwrap();
    let log = Server::start(&sandbox, &[]).stop();
    assert!(log.contains("chmod go-w"), "{log}");
}

/// Also what is there only to be uncommented.
#[test]
fn the_settings_that_packages_bring_are_in_order() {
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/jeton.toml")).unwrap();
    let sandbox = Sandbox::sqlite();
    let whole: Vec<&str> = text
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|rest| rest.contains(" = ")).unwrap_or(line))
        .collect();
    for (text, count) in [(text.clone(), 3), (whole.join("\n"), 8)] {
        let file = sandbox.scratch("jeton.toml", &text);
        let checked = sandbox.run(&["config", "check", &file]).done();
        assert!(checked.ends_with(&format!(": settings: {count}\n")), "{checked}");
    }
}
