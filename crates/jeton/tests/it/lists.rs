//! Lists: for people, for pipes and for programs; and errors in the same forms.

use crate::support::{Installation, Sandbox, run, text};
use crate::terminal::Session;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Read;
use std::process::Stdio;

/// More than a terminal shows, and than a page holds.
const MANY: usize = 2_300;

/// An installation with so many imported tokens.
fn stocked(count: usize) -> Installation {
    let installation = Installation::sqlite();
    let lines = (0..count).fold(String::new(), |mut lines, number| {
        let secret = format!("taken over from elsewhere, as number {number}");
        writeln!(lines, "{}", json!({"access_token": secret, "title": format!("sensor {number}")})).unwrap();
        lines
    });
    installation.sandbox.run_with(&["token", "import", "--app", "demo", "--json"], &lines).json();
    installation
}

#[test]
fn a_terminal_shows_a_table_that_fits_and_says_what_it_left_out() {
    let sandbox = stocked(130).sandbox;
    let wide = "x".repeat(255);
    let made = sandbox.json(&["token", "create", "--app", "demo", "--title", &wide]);
    sandbox.json(&["token", "update", "--app", "demo", &made["id"].to_string(), "--disable"]);
    let list = ["token", "list", "--app", "demo"];
    let screen = Session::start(&sandbox, &list).screen.to_end();
    let lines: Vec<&str> = screen.lines().collect();
    let header = lines[0];
    assert!(header.contains("ID") && header.contains("EXPIRES AT"), "{screen}");
    assert!(screen.contains("\u{1b}[") && lines[1].contains("disabled"), "states have colours: {screen}");
    assert!(screen.contains("100 shown, 32 more"), "{screen}");
    // 100 rows, the names of the columns, and the remark.
    assert_eq!(lines.len(), 102, "{screen}");
    assert!(!screen.contains(&wide), "a row is a line: {screen}");

    let few = Session::start(&sandbox, &[&list[..], &["--limit", "2"]].concat()).screen.to_end();
    assert!(few.contains("2 shown, 130 more"), "{few}");
    let bare = Session::start(&sandbox, &[&list[..], &["--no-header", "--title", "sensor 7"]].concat());
    let bare = bare.screen.to_end();
    assert!(!bare.contains("EXPIRES") && bare.contains("sensor 7") && !bare.contains("more"), "{bare}");
}

#[test]
fn nothing_is_coloured_for_who_wants_no_colours() {
    let sandbox = stocked(1).sandbox;
    let plain = Session::start_with(&sandbox, &["token", "list", "--app", "demo"], &[("NO_COLOR", "1")]);
    let plain = plain.screen.to_end();
    assert!(plain.contains("sensor 0") && !plain.contains('\u{1b}'), "{plain:?}");
    let serve = ["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    for (variables, is_coloured) in [(&[][..], true), (&[("NO_COLOR", "1")], false)] {
        let session = Session::start_with(&sandbox, &serve, variables);
        session.screen.wait_for("admin listening on http://");
        assert_eq!(session.stop().contains("\u{1b}["), is_coloured, "{variables:?}");
    }
}

#[test]
fn tokens_are_found_by_what_they_are() {
    let sandbox = stocked(3).sandbox;
    let create = |arguments: &[&str]| {
        let made = sandbox.json(&[&["token", "create", "--app", "demo"], arguments].concat());
        made["id"].to_string()
    };
    create(&["--title", "door", "--tags", "iot, eu", "--expires-in-days", "3"]);
    create(&["--title", "desk", "--tags", "eu", "--expires-in-days", "-1"]);
    let disabled = create(&["--title", "dome", "--expires-in-days", "90"]);
    sandbox.json(&["token", "update", "--app", "demo", &disabled, "--disable"]);
    let revoked = create(&["--title", "dead"]);
    sandbox.json(&["token", "revoke", "--app", "demo", &revoked]);
    let found = |arguments: &[&str]| -> Vec<String> {
        let rows = sandbox.rows(&[&["token", "list", "--app", "demo"], arguments].concat());
        rows.as_array().unwrap().iter().map(|row| text(row, "title").to_owned()).collect()
    };
    assert_eq!(found(&["--state", "disabled"]), ["dome"]);
    assert_eq!(found(&["--state", "revoked"]), ["dead"]);
    assert_eq!(found(&["--title", "d*"]), ["dome", "desk", "door"]);
    assert_eq!(found(&["--title", "d*", "--sort", "title"]), ["desk", "dome", "door"]);
    assert_eq!(found(&["--title", "d*", "--sort", "oldest"]), ["door", "desk", "dome"]);
    assert_eq!(found(&["--tag", "eu"]), ["desk", "door"]);
    assert_eq!(found(&["--tag", "iot", "--state", "active"]), ["door"]);
    assert_eq!(found(&["--expiring-days", "30"]), ["door"]);
    assert_eq!(found(&["--sort", "expiry"])[..2], ["door", "dome"]);
    let sort = ["token", "list", "--app", "demo", "--sort", "size"];
    sandbox.run(&sort).fails(2, "possible values: newest, oldest, expiry, title");
    sandbox.run(&["token", "list", "--app", "demo", "--state", "dead"]).fails(2, "active, disabled, expired");
}

#[test]
fn a_long_list_is_whole_and_ends_with_its_reader() {
    let installation = stocked(MANY).serve();
    let sandbox = &installation.sandbox;
    let rows = sandbox.rows(&["token", "list", "--app", "demo", "--sort", "oldest"]);
    let ids: Vec<_> = rows.as_array().unwrap().iter().filter_map(|row| row["id"].as_u64()).collect();
    assert_eq!(ids, (1..=MANY as u64 + 1).collect::<Vec<_>>());

    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut command = sandbox.command(&["token", "export", "--app", "demo"]);
    let mut child = command.stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
    drop(command);
    reader.read_exact(&mut [0]).unwrap();
    drop(reader);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "", "that nobody reads on is no failure");
}

#[test]
fn errors_are_for_programs_too() {
    let sandbox = Installation::sqlite().sandbox;
    for (arguments, code, kind, part) in [
        (&["token", "show", "99", "--app", "demo", "--json"][..], 1, "refused", "there is no token 99"),
        (&["token", "list", "--app", "demo", "--limit", "x", "--json"], 2, "usage", "invalid value 'x'"),
        (&["token", "create", "--json"], 2, "usage", "--app"),
        (&["app", "list", "--json", "--data-dir", "/nowhere"], 3, "missing", "run jeton init"),
    ] {
        let run = sandbox.run(arguments);
        assert_eq!((run.code, run.stdout.as_str()), (Some(code), ""), "{run:#?}");
        let error: Value = serde_json::from_str(&run.stderr).unwrap_or_else(|e| panic!("{e}: {run:#?}"));
        assert_eq!((&error["error"], &error["exit_code"]), (&json!(kind), &json!(code)));
        assert!(text(&error, "message").contains(part), "{error}");
    }
    // Behind `--`, it is something else.
    let run = sandbox.run(&["app", "show", "--", "--json"]);
    assert!(run.stderr.starts_with("jeton: "), "{run:#?}");
}

#[test]
fn many_tokens_are_made_at_once() {
    let sandbox = Installation::sqlite().sandbox;
    let made = sandbox.rows(&["token", "create", "--app", "demo", "--title", "badge", "--count", "3"]);
    let made = made.as_array().unwrap();
    let mut secrets: Vec<_> = made.iter().map(|made| text(made, "access_token")).collect();
    secrets.dedup();
    assert_eq!((made.len(), secrets.len()), (3, 3));
    assert_eq!(
        sandbox.rows(&["token", "list", "--app", "demo", "--title", "badge"]).as_array().map(Vec::len),
        Some(3)
    );
    sandbox.run(&["token", "create", "--app", "demo", "--count", "0"]).fails(2, "--count");
}

/// Who asks for no end gets the default of the app, and says so when it is not meant.
#[test]
fn what_ends_by_default_and_what_does_not() {
    let sandbox = Installation::sqlite().sandbox;
    let end = |arguments: &[&str]| {
        sandbox.json(&[&["token", "create", "--app", "demo"], arguments].concat())["expires_at"].clone()
    };
    assert!(end(&[]).is_string() && end(&["--permissions", "read"]).is_string());
    assert_eq!(
        end(&["--permissions", "jeton:verify"]),
        Value::Null,
        "a service credential does not end by itself"
    );
    assert!(end(&["--permissions", "jeton:verify", "--expires-in-days", "5"]).is_string());
    assert_eq!(end(&["--expires-in-days", "-1"]), Value::Null);
    sandbox
        .run(&["token", "create", "--app", "demo", "--expires-in-days", "0"])
        .fails(2, "--expires-in-days is 1 to 36500, or -1 for never");
}

#[test]
fn an_operator_is_revoked_by_its_name_if_that_is_its_alone() {
    let sandbox = Installation::sqlite().sandbox;
    let made = sandbox.json(&["operator", "create", "alice"]);
    assert_eq!(sandbox.json(&["operator", "revoke", "alice"]), json!({"id": made["id"], "revoked": true}));
    sandbox.run(&["operator", "revoke", "alice"]).fails(1, "there is no operator alice");
    sandbox.json(&["operator", "create", "bob"]);
    sandbox.run(&["operator", "create", "bob"]).fails(1, "there is an operator bob already");
    // A name that is another's number.
    sandbox.json(&["operator", "create", "1"]);
    sandbox.run(&["operator", "revoke", "1"]).fails(1, "may be several operators");
}

#[test]
fn addresses_are_named_as_people_name_them() {
    let sandbox: Sandbox = Installation::sqlite().sandbox;
    let serve = |listen: &str, admin: &str| {
        let mut command = sandbox.command(&["serve", "--listen", listen, "--admin-listen", admin]);
        run(&mut command, "")
    };
    serve("8080", "127.0.0.1:0").fails(2, "--listen: listen is an address and a port, such as 127.0.0.1:8080 or localhost:8080: did you mean 127.0.0.1:8080?");
    serve("nowhere.invalid:80", "127.0.0.1:0").fails(2, "the host of nowhere.invalid:80 cannot be resolved");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let run = serve("localhost:0", &taken);
    assert_eq!(run.code, Some(4), "{run:#?}");
    assert!(
        run.stderr.contains(&format!("cannot listen on {taken}: "))
            && run.stderr.contains("with --admin-listen ADDRESS:PORT"),
        "{run:#?}"
    );
}
