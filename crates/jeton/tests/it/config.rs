//! How the program is set up: files, variables and flags.

use crate::support::{Place, Server, finish, launch, request};
use serde_json::Value;

fn shown(place: &Place, arguments: &[&str], variables: &[(&str, &str)]) -> Value {
    let mut command = place.command(&["config", "show", "--json"]);
    command.args(arguments).envs(variables.iter().copied());
    crate::support::run(&mut command, "").json()
}

#[test]
fn it_is_shown_with_who_decided_what() {
    let place = Place::sqlite();
    let file =
        place.scratch("jeton.toml", "listen = \"127.0.0.1:1\"\n[limits]\nscopes = 7\nbody_bytes = 2048\n");
    let variables = [("JETON_LIMITS_SCOPES", "8"), ("JETON_LOG", "debug")];
    let all =
        shown(&place, &["--config", &file, "--admin-listen", "127.0.0.1:2", "--behind-proxy"], &variables);
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
    let text = place.run(&["config", "show", "--config", &file]).done();
    assert!(text.contains(&format!("limits.scopes\t7\t{file}:3\n")), "{text}");
    assert!(!place.data_dir().exists(), "looking makes nothing");
}

#[test]
fn passwords_are_not_shown_wherever_they_come_from() {
    let place = Place::sqlite();
    let url = "postgres://jeton:pass-word-1@db.test/jeton";
    let file = place.scratch("jeton.toml", &format!("database_url = \"{url}\"\n"));
    let secret = place.scratch("url", url);
    for (arguments, variables) in [
        (vec!["--database-url", url], vec![]),
        (vec!["--config", &file], vec![]),
        (vec![], vec![("JETON_CONFIG", file.as_str())]),
        (vec![], vec![("JETON_DATABASE_URL", url)]),
        (vec![], vec![("JETON_DATABASE_URL_FILE", secret.as_str())]),
    ] {
        for json in [&[][..], &["--json"]] {
            let mut command = place.command(&["config", "show"]);
            command.args(&arguments).args(json).envs(variables.iter().copied());
            let output = crate::support::run(&mut command, "").done();
            assert!(!output.contains("pass-word-1"), "{output}");
        }
    }
}

#[test]
fn what_is_no_setting_is_refused_by_every_command() {
    let place = Place::sqlite();
    let file = place.scratch("jeton.toml", "\n[limits]\nbody_byte = 1\n");
    let message = format!("{file}:3: there is no setting limits.body_byte: did you mean limits.body_bytes?");
    for command in [
        &["config", "check", &file][..],
        &["config", "show", "--config", &file],
        &["init", "--config", &file],
    ] {
        place.run(command).fails(2, &message);
    }
    finish(launch(&mut place.command(&["serve", "--config", &file]))).fails(2, &message);
    assert!(!place.data_dir().exists());
    let good = place.scratch("good.toml", "[limits]\nbody_bytes = 2_048\n");
    assert_eq!(place.run(&["config", "check", &good]).done(), format!("{good}: settings: 1\n"));
    place.run(&["config", "check", "/nowhere/jeton.toml"]).fails(2, "/nowhere/jeton.toml");
}

#[test]
fn a_variable_that_is_much_like_a_setting_is_named_and_others_are_not() {
    let place = Place::sqlite();
    let mut command = place.command(&["serve"]);
    command.envs([("JETON_LIMITS_SCOPE", "7"), ("JETON_SERVICE_HOST", "10.0.0.1")]);
    let log = Server::launched(&mut command).stop();
    assert!(log.contains("JETON_LIMITS_SCOPE in the environment is not a setting"), "{log}");
    assert!(!log.contains("JETON_SERVICE_HOST"), "{log}");
}

/// A limit holds for a server and for commands that do their work themselves.
#[test]
fn limits_are_what_they_were_set_to() {
    let place = Place::sqlite();
    let credentials = place.init();
    let file = place.scratch(
        "jeton.toml",
        "[limits]\nscopes = 1\nname_characters = 8\nbody_bytes = 1_024\ndocument_bytes = 256\nself_made_tokens = 0\n",
    );
    let two = ["token", "create", "--app", "demo", "--scope", "{}", "--scope", "{}"];
    place.run(&[&two[..], &["--config", &file]].concat()).fails(2, "at most 1 scopes");
    place.json(&two);
    let long = ["token", "create", "--app", "demo", "--permissions", "reading-mail", "--config", &file];
    place.run(&long).fails(2, "1 to 8 characters");

    let server = Server::start(&place, &["--config", &file]);
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
    place.run(&["token", "update", "2", "--app", "demo", "--title", "kept"]).done();
    place.run(&["token", "update", "2", "--app", "demo", "--scope", "{}", "--scope", "{}"]).done();
}

#[cfg(unix)]
#[test]
fn a_directory_that_others_may_change_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::sqlite();
    place.init();
    let log = Server::start(&place, &[]).stop();
    assert!(!log.contains("chmod go-w"), "{log}");
    std::fs::set_permissions(place.data_dir(), std::fs::Permissions::from_mode(0o770)).unwrap();
    let log = Server::start(&place, &[]).stop();
    assert!(log.contains("chmod go-w"), "{log}");
}
