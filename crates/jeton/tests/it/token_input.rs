//! What `jeton token create` takes, and what of it reaches a terminal.

use crate::support::{Installation, each_way, text};

each_way!(odd_text_is_kept_and_not_let_loose);
fn odd_text_is_kept_and_not_let_loose(installation: &Installation) {
    let sandbox = &installation.sandbox;
    let odd = "🏴‍☠️ 令牌 \u{1b}[2J\u{7}\u{9b}31m\r\n\t\u{202e}\"\\'";
    let scope =
        serde_json::json!({"permissions": ["read"], "ids": ["\u{1b}]0;x\u{7}", "\u{9b}2J"]}).to_string();
    let arguments = ["token", "create", "--app", "demo", "--title", odd, "--tags", odd, "--description", odd];
    let made = sandbox.json(&[&arguments[..], &["--scope", &scope]].concat());
    let show = ["token", "show", &made["id"].to_string(), "--app", "demo"];
    let shown = sandbox.json(&show);
    for member in ["title", "tags", "description"] {
        assert_eq!(text(&shown, member), odd);
    }
    assert_eq!(shown["scopes"][0]["ids"][1], "\u{9b}2J");
    for printed in [sandbox.run(&show).done(), sandbox.run(&["token", "list", "--app", "demo"]).done()] {
        assert!(printed.contains("🏴‍☠️ 令牌 \u{fffd}[2J"), "{printed:?}");
        let raw = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
        assert!(!printed.contains(raw), "{printed:?}");
    }
    // A line break in a title makes no row.
    assert_eq!(sandbox.run(&["token", "list", "--app", "demo"]).done().lines().count(), 3);
}

each_way!(what_does_not_fit_is_refused_by_name);
fn what_does_not_fit_is_refused_by_name(installation: &Installation) {
    let (full, over) = ("标".repeat(255), "标".repeat(256));
    let fails = |arguments: &[&str], code: i32, message: &str| {
        let arguments = [&["token", "create", "--app", "demo", "--json"], arguments].concat();
        installation.sandbox.run(&arguments).fails(code, message);
    };
    installation.sandbox.json(&["token", "create", "--app", "demo", "--title", &full, "--tags", &full]);
    fails(&["--title", &over], 2, "title has at most 255 characters");
    fails(&["--tags", &over], 2, "tags has at most 255 characters");
    fails(&["--user-id", ""], 2, "a user id is not empty");
    fails(&["--user-id", "a\nb"], 2, "no control characters");
    fails(&["--permissions", "re\u{1b}ad"], 2, "no control characters");
    fails(&["--permissions", &over], 2, "at most 255 characters");
    let separated = "names are separated by commas, as in read,write";
    fails(&["--permissions", "read write"], 2, separated);
    fails(&["--permissions", "read;write"], 2, separated);
    fails(&["--scope", r#"{"permissions":["read write"],"global":true}"#], 2, separated);
    fails(&["--expires-in-days", "-2"], 2, "--expires-in-days is -1 to 36500");
    fails(&["--expires-in-days", "36501"], 2, "--expires-in-days is -1 to 36500");
    fails(&["--scope", "read"], 2, "--scope: ");
    fails(&["--scope", "[]"], 2, "--scope: ");
    fails(&["--scope", r#"{"permission":["read"]}"#], 2, "unknown field `permission`");
    fails(
        &["--scope", r#"{"permissions":["read"],"ids":[""]}"#],
        2,
        "an id or a tag has 1 to 255 characters",
    );
    let many = vec!["--scope"; 65].join(" {} ") + " {}";
    fails(&many.split(' ').collect::<Vec<_>>(), 2, "at most 64 scopes");
    let run = installation.sandbox.run(&["token", "create", "--app", "nowhere"]);
    run.fails(1, "there is no app nowhere");
    let rows = installation.sandbox.rows(&["token", "list", "--app", "demo"]);
    assert_eq!(rows.as_array().map(Vec::len), Some(2), "what was refused left nothing behind");
}

each_way!(the_app_bounds_lifetimes);
fn the_app_bounds_lifetimes(installation: &Installation) {
    let sandbox = &installation.sandbox;
    let lifetime = |asked: &[&str]| {
        let made = sandbox.json(&[&["token", "create", "--app", "demo"], asked].concat());
        let shown = sandbox.json(&["token", "show", &made["id"].to_string(), "--app", "demo"]);
        let instant =
            |member: &str| Some(text(&shown, member).parse::<jiff::Timestamp>().unwrap().as_second());
        shown["expires_at"].as_str().and_then(|_| Some(instant("expires_at")? - instant("created_at")?))
    };
    let days = |days: &str| lifetime(&["--expires-in-days", days]);
    assert_eq!(days("-1"), None);
    assert_eq!(lifetime(&[]), Some(1_209_600), "the app's default");
    assert_eq!(days("1"), Some(86_400));
    let patch = r#"{"max_ttl_seconds": 3600, "default_ttl_seconds": 60}"#;
    sandbox.run_with(&["app", "settings", "demo", "--merge", "-", "--json"], patch).json();
    assert_eq!((days("-1"), lifetime(&[]), days("36500")), (Some(3_600), Some(60), Some(3_600)));
}
