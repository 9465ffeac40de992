//! `jeton token import` and `jeton token export`.

use crate::support::{Installation, Run, each_way, members, text};
use serde_json::{Value, json};
use std::fmt::Write;

fn import(installation: &Installation, lines: &str, arguments: &[&str]) -> (Run, Value) {
    let arguments = [&["token", "import", "--app", "demo", "--json"], arguments].concat();
    let run = installation.sandbox.run_with(&arguments, lines);
    let answer: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|e| panic!("{e}: {run:?}"));
    assert_eq!(members(&answer), ["imported", "duplicates", "refused"]);
    (run, answer)
}

fn export(installation: &Installation) -> Vec<Value> {
    let lines = installation.sandbox.run(&["token", "export", "--app", "demo"]).done();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

each_way!(what_is_taken_over_comes_out_again);
fn what_is_taken_over_comes_out_again(installation: &Installation) {
    let rows = [
        json!({"access_token": "an identity from elsewhere, one of two", "user_id": 7, "title": "标题", "tags": "a,b",
            "description": "x\ny", "created_at": "2020-02-29T12:00:00Z", "expires_at": "2090-01-01T00:00:00Z", "enabled": false}),
        json!({"access_token": "a grant from elsewhere with permissions", "user_id": "alice", "permissions": "read,write",
            "not_before": "2020-01-01T00:00:00Z", "allowed_addresses": ["10.0.0.0/8", "2001:db8::/32"]}),
        json!({"access_token": "a grant from elsewhere, with scopes too", "expires_at": null, "enabled": true,
            "scopes": [{"permissions": ["read"], "global": false, "ids": ["s1"], "tags": ["a"]}]}),
    ];
    // Blank lines, and lines as another system ends them.
    let lines = rows.iter().fold(String::from("\n"), |lines, row| format!("{lines}{row}\r\n \n"));
    let (run, answer) = import(installation, &lines, &[]);
    assert_eq!((run.code, answer), (Some(0), json!({"imported": 3, "duplicates": 0, "refused": []})));
    let mut exported = export(installation);
    assert_eq!(exported.remove(0)["kind"], json!("service"), "the admin token");
    let kinds: Vec<_> = exported.iter().map(|token| text(token, "kind")).collect();
    assert_eq!(kinds, ["identity", "grant", "grant"]);
    for (row, token) in rows.iter().zip(&exported) {
        for (member, value) in row.as_object().unwrap() {
            match member.as_str() {
                "access_token" => assert!(token.get(member).is_none(), "an export holds no secret"),
                "created_at" | "expires_at" | "not_before" if value.is_string() => {
                    let instant = |text: &Value| text.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
                    assert_eq!(instant(&token[member]), instant(value), "{member}");
                }
                _ => assert_eq!(&token[member], value, "{member}"),
            }
        }
    }
    assert_eq!(exported[1]["expires_at"], Value::Null, "what says nothing of an end has none");
    for (row, code) in rows.iter().zip([1, 0, 0]) {
        let arguments = ["token", "verify", "--app", "demo", "--address", "10.1.2.3"];
        let run = installation.sandbox.run_with(&arguments, text(row, "access_token"));
        assert_eq!(run.code, Some(code), "{row}: {run:?}");
    }

    // Again, in one go with what is new, and after one of them was revoked.
    installation.sandbox.json(&["token", "revoke", &exported[1]["id"].to_string(), "--app", "demo"]);
    let new = json!({"access_token": "another from elsewhere, which is new"});
    let file = installation.sandbox.scratch("tokens.jsonl", &format!("{lines}{new}\n{new}"));
    let (run, answer) = import(installation, "", &[&file]);
    assert_eq!((run.code, answer), (Some(0), json!({"imported": 1, "duplicates": 4, "refused": []})));
}

each_way!(users_are_taken_over_by_their_digits);
fn users_are_taken_over_by_their_digits(installation: &Installation) {
    let users = [
        ("838529527931269425", Some("838529527931269425")),
        ("838529527931269391", Some("838529527931269391")),
        ("-9223372036854775808", Some("-9223372036854775808")),
        ("\"9223372036854775808\"", Some("9223372036854775808")),
        ("7", Some("7")),
        ("9223372036854775808", None),
        ("1e30", None),
        ("838529527931269425.0", None),
    ];
    let lines = users.iter().enumerate().fold(String::new(), |mut lines, (place, (user, _))| {
        let secret = format!("taken over from elsewhere, as number {place}");
        writeln!(lines, r#"{{"access_token": "{secret}", "user_id": {user}}}"#).unwrap();
        lines
    });
    let (_, answer) = import(installation, &lines, &[]);
    let reasons: Vec<&str> =
        answer["refused"].as_array().unwrap().iter().map(|line| text(line, "reason")).collect();
    let large = |reason: &&str| reason.contains("write a larger one as a string");
    assert_eq!((reasons.len(), reasons.iter().filter(|reason| large(reason)).count()), (3, 2), "{answer}");
    let sandbox = &installation.sandbox;
    for user in users.iter().filter_map(|(_, user)| *user) {
        let listed = sandbox.rows(&["token", "list", "--app", "demo", "--user-id", user]);
        let rows = listed.as_array().unwrap();
        let shown = if user.len() < 17 { json!(user.parse::<i64>().unwrap()) } else { json!(user) };
        assert_eq!((rows.len(), &rows[0]["user_id"]), (1, &shown), "{user}");
        let made = sandbox.json(&["token", "create", "--app", "demo", "--user-id", user]);
        let made = sandbox.json(&["token", "show", &made["id"].to_string(), "--app", "demo"]);
        assert_eq!(made["user_id"], shown);
    }
    // What goes out comes in again as the same users.
    let exported = sandbox.run(&["token", "export", "--app", "demo"]).done();
    for user in users.iter().filter_map(|(_, user)| *user) {
        let written = if user.len() < 17 { user.to_owned() } else { format!("\"{user}\"") };
        assert_eq!(exported.matches(&format!("\"user_id\":{written}")).count(), 2, "{exported}");
    }
}

each_way!(lines_that_are_wrong_are_named_and_the_others_taken);
fn lines_that_are_wrong_are_named_and_the_others_taken(installation: &Installation) {
    let lines = [
        r#"{"access_token": "good, and long enough to be taken here"}"#,
        r#"{"access_token": "short"}"#,
        r#"not json"#,
        r#"{"access_token": "good, but its title does not fit at all", "title": 5}"#,
        r#"{"access_token": "good, and this one has an unknown member", "kind": "grant"}"#,
        r#"{"access_token": ""}"#,
        r#"{"access_token": "good, but its time of birth is no such thing", "created_at": "yesterday"}"#,
        r#"{"access_token": "good, but this is nobody's to grant, ever", "permissions": "jeton:manage"}"#,
        r#"{"access_token": "good, but its user has no name and no number", "user_id": 1.5}"#,
        r#"["good, and long enough, but this is no object"]"#,
        r#"{"access_token": "good, but one of its scopes is no object", "scopes": [[]]}"#,
        r#"{"access_token": "good, but its permissions are no list of names", "permissions": "read;write"}"#,
        r#"{"access_token": " good, but no header can carry what begins like this"}"#,
        r#"{"access_token": "good, but no header can carry what ends like this\n"}"#,
        r#"{"access_token": "good, but this\u0000is in the middle of it, and in no header"}"#,
        r#"{"access_token": "good, but its end has no offset, and so is none", "expires_at": "2026-11-21T08:00:00"}"#,
        r#"{"access_token": "good, but its title stands there a second time", "title": "a", "title": "b"}"#,
        r#"{"title": "a line without a secret"}"#,
        r#"{"access_token": "good, and last, and long enough as well"}"#,
    ];
    let (run, answer) = import(installation, &lines.join("\n"), &[]);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("some lines were not imported"), "{run:?}");
    assert_eq!((&answer["imported"], &answer["duplicates"]), (&json!(2), &json!(0)), "{answer}");
    let refused = answer["refused"].as_array().unwrap();
    assert!(refused.iter().all(|line| members(line) == ["line", "reason"]));
    let numbers: Vec<_> = refused.iter().filter_map(|line| line["line"].as_u64()).collect();
    assert_eq!(numbers, (2..=18).collect::<Vec<_>>(), "in their order");
    let reason = |number: u64| text(refused.iter().find(|line| line["line"] == number).unwrap(), "reason");
    assert_eq!(
        reason(2),
        "access_token has less than 32 characters and can be guessed: --allow-weak accepts it"
    );
    assert!(reason(3).contains("column 2"));
    assert!(reason(7).contains("created_at is a time as in"));
    assert!(reason(8).contains("jeton:"));
    assert!(reason(9).contains("user_id is an integer or a string"));
    assert!(reason(12).contains("names are separated by commas"));
    assert_eq!(reason(4), "title must be a string");
    assert!(
        reason(5).starts_with("there is no member kind: there are access_token, user_id"),
        "{}",
        reason(5)
    );
    assert_eq!(reason(6), "access_token: an access token is not empty");
    assert!(reason(10).starts_with("a line is a JSON object: access_token"), "{}", reason(10));
    assert_eq!(reason(11), "scopes must be an array of objects");
    for number in [13, 14, 15] {
        assert!(reason(number).ends_with(": no header can carry it"), "{}", reason(number));
    }
    assert!(reason(16).starts_with("expires_at is a time as in 2026-11-21T08:00:00Z, with its offset"));
    assert!(reason(17).contains("stands there more than once"));
    assert_eq!(reason(18), "there is no access_token: the secret, as a string");

    let (run, answer) = import(installation, lines[1], &["--allow-weak"]);
    assert_eq!((run.code, &answer["imported"]), (Some(0), &json!(1)));
    // It is known to LoopBack's callers alone.
    assert_eq!(installation.sandbox.run_with(&["token", "verify", "--app", "demo"], "short").code, Some(1));
}

#[test]
fn more_than_one_transaction_or_page_takes() {
    let installation = Installation::sqlite().serve();
    let lines = (0..1_203).fold(String::new(), |mut lines, number| {
        writeln!(lines, r#"{{"access_token": "taken over from elsewhere, as number {number}"}}"#).unwrap();
        lines
    });
    let (_, answer) = import(&installation, &lines, &[]);
    assert_eq!(answer, json!({"imported": 1_203, "duplicates": 0, "refused": []}));
    let ids: Vec<_> = export(&installation).iter().filter_map(|token| token["id"].as_i64()).collect();
    assert_eq!(ids, (1..=1_204).collect::<Vec<_>>());
    let limited = installation.sandbox.rows(&["token", "list", "--app", "demo", "--limit", "777"]);
    assert_eq!(limited.as_array().map(Vec::len), Some(777));
    let (_, answer) = import(&installation, &lines, &[]);
    assert_eq!(answer, json!({"imported": 0, "duplicates": 1_203, "refused": []}));
}

each_way!(the_end_of_time_is_never_and_an_app_may_bound_it);
fn the_end_of_time_is_never_and_an_app_may_bound_it(installation: &Installation) {
    let line = |number: u8, end: &str| {
        format!(
            "{{\"access_token\": \"taken over from elsewhere, as number {number}\", \"expires_at\": {end}}}\n"
        )
    };
    let lines = line(1, "\"9999-12-31T23:59:59Z\"") + &line(2, "null") + &line(3, "\"2090-01-01T00:00:00Z\"");
    let (run, answer) = import(installation, &lines, &[]);
    assert_eq!(answer, json!({"imported": 3, "duplicates": 0, "refused": []}));
    assert_eq!(run.stderr, "", "everything is as it was said");
    let ends: Vec<Value> = export(installation).iter().map(|token| token["expires_at"].clone()).collect();
    assert_eq!(ends[1..], [Value::Null, Value::Null, json!("2090-01-01T00:00:00.000Z")]);
    let bound = r#"{"max_ttl_seconds": 3600}"#;
    installation.sandbox.run_with(&["app", "settings", "demo", "--merge", "-", "--json"], bound).json();
    let lines = line(4, "\"9999-12-31T23:59:59Z\"") + &line(5, "\"2020-01-01T00:00:00Z\"") + &line(6, "null");
    let (run, answer) = import(installation, &lines, &[]);
    assert_eq!((run.code, answer), (Some(0), json!({"imported": 3, "duplicates": 0, "refused": []})));
    assert!(run.stderr.contains("2 of them expire sooner than their lines say: max_ttl_seconds"), "{run:?}");
}

each_way!(what_an_editor_writes_before_a_text_is_none_of_it);
fn what_an_editor_writes_before_a_text_is_none_of_it(installation: &Installation) {
    let sandbox = &installation.sandbox;
    let line = |number: u8| {
        format!("\u{feff}{{\"access_token\": \"taken over from elsewhere, as number {number}\"}}\r\n")
    };
    let taken = |run: &(Run, Value), count: u8| {
        assert_eq!(run.1, json!({"imported": count, "duplicates": 0, "refused": []}));
    };
    taken(&import(installation, &line(1), &[]), 1);
    let file = sandbox.scratch("tokens.jsonl", &(line(2) + &line(3)));
    taken(&import(installation, "", &[&file]), 2);
    let patch = "\u{feff}{\"default_ttl_seconds\": 60}";
    let merge = ["app", "settings", "demo", "--json", "--merge"];
    let merged = sandbox.run_with(&[&merge[..], &["-"]].concat(), patch).json();
    assert_eq!(merged["default_ttl_seconds"], 60);
    let file = sandbox.scratch("patch.json", &patch.replace("60", "70"));
    assert_eq!(sandbox.run(&[&merge[..], &[file.as_str()]].concat()).json()["default_ttl_seconds"], 70);
    let file = sandbox.scratch("jeton.toml", "\u{feff}drain_seconds = 7\n");
    sandbox.run(&["config", "check", &file]).done();
}
