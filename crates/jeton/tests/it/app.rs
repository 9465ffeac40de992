//! `jeton app`.

use crate::support::{Installation, each_way, members, text};
use serde_json::{Value, json};

const SUMMARY: [&str; 6] = ["app_key", "client_id", "default", "suspended", "created_at", "updated_at"];

/// Whether a token is good in an app, as the command line says.
fn is_good(installation: &Installation, app: &str, token: &str) -> bool {
    let run = installation.sandbox.run_with(&["token", "verify", "--app", app, "--json"], token);
    match run.code {
        Some(0) => true,
        Some(1) => false,
        _ => panic!("{run:?}"),
    }
}

each_way!(apps_come_and_go);
fn apps_come_and_go(installation: &Installation) {
    let sandbox = &installation.sandbox;
    let made = sandbox.json(&["app", "create", "shop", "--admin-user", "alice"]);
    assert_eq!(members(&made), ["app_key", "client_id", "client_secret", "admin_token"]);
    assert_eq!(text(&made, "app_key"), "shop");
    let admin = &sandbox.rows(&["token", "list", "--app", "shop"])[0];
    assert_eq!((text(admin, "kind"), text(admin, "user_id")), ("service", "alice"));
    sandbox.run(&["app", "create", "shop", "--json"]).fails(1, "there is an app shop already");
    sandbox.run(&["app", "create", "a/b"]).fails(2, "an app key is 1 to 100 of");
    sandbox.run(&["app", "create", "x", "--admin-user", ""]).fails(2, "--admin-user: a user id is not empty");

    let apps = sandbox.rows(&["app", "list"]);
    let apps = apps.as_array().unwrap();
    let keys: Vec<_> = apps.iter().map(|app| (text(app, "app_key"), app["default"] == true)).collect();
    assert_eq!(keys, [("demo", true), ("shop", false)]);
    assert!(apps.iter().all(|app| members(app) == SUMMARY));
    let shown = sandbox.json(&["app", "show", "shop"]);
    assert_eq!(members(&shown)[..6], SUMMARY);
    assert_eq!(members(&shown)[6..], ["settings"]);
    assert_eq!(shown["client_id"], made["client_id"]);
    sandbox.run(&["app", "show", "nowhere", "--json"]).fails(1, "there is no app nowhere");

    let token = sandbox.json(&["token", "create", "--app", "shop"]);
    let token = text(&token, "access_token");
    assert!(is_good(installation, "shop", token));
    assert!(!is_good(installation, "demo", token));
    sandbox.run(&["app", "delete", "shop", "--json"]).fails(2, "--yes");
    assert!(is_good(installation, "shop", token));
    let deleted = sandbox.json(&["app", "delete", "shop", "--yes"]);
    assert_eq!(deleted, json!({"app_key": "shop", "deleted": true}));
    sandbox.run(&["app", "delete", "shop", "--yes", "--json"]).fails(1, "there is no app shop");
    sandbox.run(&["token", "list", "--app", "shop", "--json"]).fails(1, "there is no app shop");

    // A new app of that name is another one.
    sandbox.json(&["app", "create", "shop"]);
    assert!(!is_good(installation, "shop", token));
}

each_way!(a_suspended_app_is_refused_and_keeps_all);
fn a_suspended_app_is_refused_and_keeps_all(installation: &Installation) {
    let sandbox = &installation.sandbox;
    let token = sandbox.json(&["token", "create", "--app", "demo"]);
    let token = text(&token, "access_token");
    assert_eq!(sandbox.json(&["app", "suspend", "demo"])["suspended"], true);
    assert!(!is_good(installation, "demo", token));
    let verified = sandbox.run_with(&["token", "verify", "--app", "demo", "--json"], token);
    assert!(verified.stdout.contains("\"reason\":\"suspended\""), "{verified:?}");
    assert_eq!(sandbox.json(&["app", "settings", "demo"])["suspended"], true);
    sandbox.json(&["token", "create", "--app", "demo"]);
    assert_eq!(sandbox.json(&["app", "resume", "demo"])["suspended"], false);
    assert!(is_good(installation, "demo", token));
    sandbox.run(&["app", "suspend", "nowhere", "--json"]).fails(1, "there is no app nowhere");
}

each_way!(a_rotated_secret_is_another);
fn a_rotated_secret_is_another(installation: &Installation) {
    let sandbox = &installation.sandbox;
    let rotated = sandbox.json(&["app", "rotate-secret", "demo"]);
    assert_eq!(members(&rotated), ["app_key", "client_id", "client_secret"]);
    assert_eq!(rotated["client_id"], installation.credentials["client_id"]);
    assert_ne!(rotated["client_secret"], installation.credentials["client_secret"]);
    assert_eq!(text(&rotated, "client_secret").len(), 64);
    sandbox.run(&["app", "rotate-secret", "nowhere"]).fails(1, "there is no app nowhere");
}

each_way!(a_grace_is_a_duration_of_bounded_length);
fn a_grace_is_a_duration_of_bounded_length(installation: &Installation) {
    let sandbox = &installation.sandbox;
    let rotated = sandbox.json(&["app", "rotate-secret", "demo", "--grace", "24h"]);
    assert_eq!(members(&rotated), ["app_key", "client_id", "client_secret"]);
    sandbox.run(&["app", "rotate-secret", "demo", "--grace", "forever"]).fails(2, "30m, 24h or 7d");
    sandbox.run(&["app", "rotate-secret", "demo", "--grace", "400d"]).fails(2, "365d");
}

each_way!(settings_are_set_one_by_one);
fn settings_are_set_one_by_one(installation: &Installation) {
    let sandbox = &installation.sandbox;
    let set = |settings: &[&str]| {
        let flags = settings.iter().flat_map(|setting| ["--set", setting]);
        sandbox
            .run(&["app", "settings", "demo"].into_iter().chain(flags).chain(["--json"]).collect::<Vec<_>>())
    };
    let done = set(&["dotide.enabled=false", "forward_auth.over_limit=403"]).json();
    assert_eq!(
        (&done["dotide"]["enabled"], &done["forward_auth"]["over_limit"]),
        (&json!(false), &json!("403"))
    );
    // What is set is merged after the patch.
    let both = ["app", "settings", "demo", "--json", "--merge", "-", "--set", "dotide.enabled=null"];
    let done = sandbox
        .run_with(&both, r#"{"dotide": {"enabled": false}, "forward_auth": {"over_limit": null}}"#)
        .json();
    assert_eq!(
        (&done["dotide"]["enabled"], &done["forward_auth"]["over_limit"]),
        (&json!(true), &json!("429"))
    );
    set(&["dotide.enable=false"]).fails(2, "did you mean dotide.enabled?");
    set(&["dotide.enabled=0"]).fails(2, "it takes true or false");
    set(&["dotide.timezone=Mars/Olympus"]).fails(2, "dotide.timezone must be a time zone");
}

each_way!(settings_are_merged);
fn settings_are_merged(installation: &Installation) {
    let sandbox = &installation.sandbox;
    let settings = || sandbox.json(&["app", "settings", "demo"]);
    let first = settings();
    assert_eq!(first, sandbox.json(&["app", "show", "demo"])["settings"]);
    assert_eq!(first["default_ttl_seconds"], 1_209_600);

    let file = sandbox.scratch("patch.json", r#"{"token_prefix": "acme", "appkey": {"default_days": 7}}"#);
    let merged = sandbox.json(&["app", "settings", "demo", "--merge", &file]);
    let mut expected = first.clone();
    expected["token_prefix"] = "acme".into();
    expected["appkey"]["default_days"] = 7.into();
    assert_eq!(merged, expected);
    assert_eq!(settings(), expected);
    let made = sandbox.json(&["token", "create", "--app", "demo"]);
    assert!(text(&made, "access_token").starts_with("acme_"), "{made}");

    let merge = ["app", "settings", "demo", "--merge", "-"];
    let printed = sandbox.run_with(&merge, r#"{"appkey": {"default_days": null}}"#).done();
    expected["appkey"]["default_days"] = first["appkey"]["default_days"].clone();
    assert_eq!(serde_json::from_str::<Value>(&printed).unwrap(), expected);
    assert!(printed.lines().count() > 5, "for people it has lines: {printed}");

    for (patch, message) in [
        (r#"{"colour": 1}"#, "unknown field `colour`"),
        (r#"{"appkey": {"colour": 1}}"#, "unknown field `colour`"),
        (r#"{"token_prefix": "A B"}"#, "token_prefix must be 1 to 10 of"),
        (r#"{"default_ttl_seconds": -1}"#, "settings: "),
        (r#"[]"#, "is a JSON object"),
        (r#"{"reveal": "#, "-: the patch is not JSON: line 1, column "),
        (
            r#"{"reveal": "once", "reveal": "always"}"#,
            "-: a member of the patch stands there more than once: line 1",
        ),
        (
            r#"{"appkey": {"enabled": true, "enabled": false}}"#,
            "-: a member of the patch stands there more than once",
        ),
        ("", "-: "),
    ] {
        sandbox.run_with(&merge, patch).fails(2, message);
    }
    sandbox.run(&["app", "settings", "demo", "--merge", "/no/such/file"]).fails(2, "/no/such/file: ");
    sandbox
        .run_with(&["app", "settings", "nowhere", "--merge", "-"], "{}")
        .fails(1, "there is no app nowhere");
    sandbox.run(&["app", "settings", "nowhere"]).fails(1, "there is no app nowhere");
    assert_eq!(settings(), expected);
    // What a message quotes does not reach the terminal raw.
    let run = sandbox.run_with(&merge, "{\"\\u001b[31m\": 1}");
    assert_eq!(run.code, Some(2));
    assert!(!run.stderr.contains('\u{1b}'), "{run:?}");
}
