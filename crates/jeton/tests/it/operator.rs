//! `jeton operator`.

use crate::support::{Installation, each_way, members, text};
use serde_json::json;

each_way!(operators_come_and_go);
fn operators_come_and_go(installation: &Installation) {
    let sandbox = &installation.sandbox;
    let made = sandbox.json(&["operator", "create", "night shift 🌙"]);
    assert_eq!(members(&made), ["id", "name", "operator_token"]);
    assert_eq!(text(&made, "name"), "night shift 🌙");
    assert_eq!(text(&made, "operator_token").len(), 64);
    let operators = || sandbox.rows(&["operator", "list"]);
    let listed = operators();
    let rows = listed.as_array().unwrap();
    assert_eq!(rows.iter().map(|row| text(row, "name")).collect::<Vec<_>>(), ["first", "night shift 🌙"]);
    assert!(rows.iter().all(|row| members(row) == ["id", "name", "created_at"]));

    // An operator's token is no token of an app.
    let run =
        sandbox.run_with(&["token", "verify", "--app", "demo", "--json"], text(&made, "operator_token"));
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stdout.contains(r#""reason":"unknown""#), "{run:?}");

    let id = made["id"].to_string();
    assert_eq!(sandbox.json(&["operator", "revoke", &id]), json!({"id": made["id"], "revoked": true}));
    sandbox.run(&["operator", "revoke", &id]).fails(1, &format!("there is no operator {id}"));
    sandbox.run(&["operator", "revoke", "0"]).fails(1, "there is no operator 0");
    assert_eq!(operators().as_array().map(Vec::len), Some(1));
    sandbox.run(&["operator", "create", " "]).fails(2, "the name is not empty");
    sandbox.run(&["operator", "create", &"x".repeat(256)]).fails(2, "the name has at most 255 characters");

    sandbox.json(&["operator", "create", "a\u{1b}[31mb\rc"]);
    let table = sandbox.run(&["operator", "list"]).done();
    assert_eq!(table.lines().count(), 3, "with the names of the columns: {table}");
    assert!(table.contains("\ta\u{fffd}[31mb\u{fffd}c\t"), "{table:?}");
}
