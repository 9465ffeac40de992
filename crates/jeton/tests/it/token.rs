//! `jeton token`: issuing, showing, changing, revoking and verifying.

use crate::support::{Installation, each_way, members, text};
use serde_json::{Value, json};

const MEMBERS: [&str; 22] = [
    "id",
    "kind",
    "state",
    "user_id",
    "title",
    "tags",
    "description",
    "permissions",
    "scopes",
    "enabled",
    "disabled_by",
    "created_at",
    "updated_at",
    "expires_at",
    "not_before",
    "allowed_addresses",
    "uses_left",
    "rates",
    "parent_id",
    "last_used_at",
    "last_address",
    "use_count",
];

fn create(installation: &Installation, arguments: &[&str]) -> Value {
    let made = installation.sandbox.json(&[&["token", "create", "--app", "demo"], arguments].concat());
    assert_eq!(members(&made), ["id", "access_token", "expires_at"]);
    made
}

fn show(installation: &Installation, made: &Value) -> Value {
    let shown = installation.sandbox.json(&["token", "show", &made["id"].to_string(), "--app", "demo"]);
    assert_eq!(members(&shown), MEMBERS);
    assert_eq!(shown["expires_at"], made["expires_at"]);
    shown
}

fn verify(installation: &Installation, token: &str, arguments: &[&str]) -> (Option<i32>, Value) {
    let arguments = [&["token", "verify", "--app", "demo", "--json"], arguments].concat();
    let run = installation.sandbox.run_with(&arguments, token);
    assert_eq!(run.stderr.is_empty(), run.code == Some(0), "{run:?}");
    (run.code, serde_json::from_str(&run.stdout).unwrap_or_else(|e| panic!("{e}: {run:?}")))
}

fn instant(value: &Value) -> jiff::Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

fn global(permissions: &[&str]) -> Value {
    json!({"permissions": permissions, "global": true, "ids": [], "tags": []})
}

each_way!(kinds_follow_from_scopes);
fn kinds_follow_from_scopes(installation: &Installation) {
    let identity = create(installation, &["--user-id", "7"]);
    assert_eq!(text(&identity, "access_token").len(), 64);
    let shown = show(installation, &identity);
    let (id, created) = (&identity["id"], &shown["created_at"]);
    let mut expected = json!({"id": id, "kind": "identity", "state": "active", "user_id": 7, "title": null});
    for (member, value) in [
        ("tags", Value::Null),
        ("description", Value::Null),
        ("permissions", Value::Null),
        ("scopes", json!([])),
        ("enabled", Value::Bool(true)),
        ("disabled_by", Value::Null),
        ("created_at", created.clone()),
        ("updated_at", created.clone()),
        ("expires_at", identity["expires_at"].clone()),
        ("not_before", Value::Null),
        ("allowed_addresses", json!([])),
        ("uses_left", Value::Null),
        ("rates", json!([])),
        ("parent_id", Value::Null),
        ("last_used_at", Value::Null),
        ("last_address", Value::Null),
        ("use_count", json!(0)),
    ] {
        expected[member] = value;
    }
    assert_eq!(shown, expected);
    assert_eq!(instant(&shown["expires_at"]).as_second() - instant(created).as_second(), 1_209_600);

    let grant = show(installation, &create(installation, &["--permissions", " read , write "]));
    assert_eq!((text(&grant, "kind"), &grant["scopes"]), ("grant", &json!([global(&["read", "write"])])));
    assert_eq!(grant["user_id"], Value::Null);
    let empty = show(installation, &create(installation, &["--permissions", ""]));
    assert_eq!((text(&empty, "kind"), &empty["scopes"]), ("grant", &json!([])));
    let scopes = [
        r#"{"permissions":["read"],"ids":["s/1"]}"#,
        r#"{"permissions":["write"],"tags":["a","b"]}"#,
        r#"{"permissions":["read"],"global":true}"#,
    ];
    let several = create(installation, &["--scope", scopes[0], "--scope", scopes[1], "--scope", scopes[2]]);
    let expected = json!([
        {"permissions": ["read"], "global": false, "ids": ["s/1"], "tags": []},
        {"permissions": ["write"], "global": false, "ids": [], "tags": ["a", "b"]},
        global(&["read"]),
    ]);
    assert_eq!(show(installation, &several)["scopes"], expected);
    let both = create(installation, &["--permissions", "list", "--scope", scopes[0]]);
    assert_eq!(show(installation, &both)["scopes"], json!([global(&["list"]), expected[0]]));

    let service = create(installation, &["--permissions", "jeton:verify"]);
    assert_eq!(text(&show(installation, &service), "kind"), "service");
    let (code, answer) = verify(installation, text(&service, "access_token"), &[]);
    assert_eq!((code, text(&answer, "reason")), (Some(1), "unknown"));
    for mixed in ["jeton:verify,read", "jeton:other", "read,jeton:manage"] {
        let run = installation.sandbox.run(&["token", "create", "--app", "demo", "--permissions", mixed]);
        run.fails(1, "jeton:");
    }
}

each_way!(bounds_are_set_and_lifted);
fn bounds_are_set_and_lifted(installation: &Installation) {
    let sandbox = &installation.sandbox;
    let blocks = ["--allow-address", "192.0.2.0/24", "--allow-address", "2001:DB8::1"];
    let made =
        create(installation, &[&["--permissions", "read", "--expires-in-days", "-1"], &blocks[..]].concat());
    let shown = show(installation, &made);
    assert_eq!(shown["allowed_addresses"], json!(["192.0.2.0/24", "2001:db8::1/128"]));
    let secret = text(&made, "access_token");
    let asked = |arguments: &[&str]| {
        let (code, answer) = verify(installation, secret, arguments);
        (code, answer["reason"].clone())
    };
    assert_eq!(asked(&["--address", "192.0.2.7"]), (Some(0), Value::Null));
    assert_eq!(asked(&["--address", "192.0.3.7"]), (Some(1), json!("address_not_allowed")));
    assert_eq!(asked(&[]), (Some(1), json!("address_unknown")));
    let (_, explained) = verify(installation, secret, &["--address", "192.0.3.7", "--explain"]);
    assert_eq!(explained["explanation"]["refused_by"], "token");

    let id = made["id"].to_string();
    let update =
        |arguments: &[&str]| sandbox.json(&[&["token", "update", &id, "--app", "demo"], arguments].concat());
    let updated = update(&["--allow-any-address", "--not-before", "2100-01-01T08:00:00+08:00"]);
    assert_eq!(updated["allowed_addresses"], json!([]));
    assert_eq!(updated["not_before"], "2100-01-01T00:00:00.000Z");
    assert_eq!(asked(&[]), (Some(1), json!("not_yet_valid")));
    assert_eq!(update(&["--not-before", "now"])["not_before"], Value::Null);
    assert_eq!(asked(&[]), (Some(0), Value::Null));
    let settings = json!({"allowed_addresses": ["10.0.0.0/8"]}).to_string();
    let run = sandbox.run_with(&["app", "settings", "demo", "--merge", "-"], &settings);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(asked(&["--address", "10.1.2.3"]), (Some(0), Value::Null));
    assert_eq!(asked(&["--address", "192.0.2.7"]), (Some(1), json!("address_not_allowed")));

    for (arguments, named) in [
        (
            &["--allow-address", "192.0.2.1/24"][..],
            "--allow-address must name each block by its first address",
        ),
        (&["--allow-address", "x"], "--allow-address must be a list of addresses"),
        (&["--not-before", "soon"], "--not-before is a time"),
        (&["--not-before", "2100-01-01T00:00:00Z", "--expires-in-days", "1"], "before the end of the token"),
    ] {
        sandbox.run(&[&["token", "create", "--app", "demo"], arguments].concat()).fails(2, named);
    }
}

each_way!(limits_are_set_and_lifted);
fn limits_are_set_and_lifted(installation: &Installation) {
    let sandbox = &installation.sandbox;
    let limits = ["--uses", "5", "--rate", "100/60", "--rate", "10/1"];
    let made = create(installation, &[&["--permissions", "read"], &limits[..]].concat());
    let rates = json!([{"limit": 10, "per_seconds": 1}, {"limit": 100, "per_seconds": 60}]);
    let of = |shown: &Value| (shown["uses_left"].clone(), shown["rates"].clone());
    assert_eq!(of(&show(installation, &made)), (json!(5), rates.clone()));
    // Whoever asks here uses nothing.
    assert_eq!(verify(installation, text(&made, "access_token"), &["--permission", "read"]).0, Some(0));
    assert_eq!(of(&show(installation, &made)), (json!(5), rates.clone()));
    let id = made["id"].to_string();
    let update =
        |arguments: &[&str]| sandbox.json(&[&["token", "update", &id, "--app", "demo"], arguments].concat());
    assert_eq!(of(&update(&["--title", "ci"])), (json!(5), rates.clone()));
    assert_eq!(of(&update(&["--uses", "0"])), (json!(0), rates));
    assert_eq!(of(&update(&["--rate", "1/3600"])), (json!(0), json!([{"limit": 1, "per_seconds": 3600}])));
    assert_eq!(of(&update(&["--uses", "unlimited", "--rate", "none"])), (Value::Null, json!([])));
    let line = json!({
        "access_token": "an old secret that somebody else has made", "permissions": "read", "uses_left": 3,
        "rates": [{"limit": 2, "per_seconds": 5}],
    });
    let imported = sandbox.run_with(&["token", "import", "--app", "demo", "--json"], &format!("{line}\n"));
    assert_eq!(imported.code, Some(0), "{imported:?}");
    let rows = sandbox.rows(&["token", "list", "--app", "demo", "--limit", "1"]);
    assert_eq!(of(&rows[0]), (json!(3), json!([{"limit": 2, "per_seconds": 5}])));
    for (arguments, named) in [
        (&["--permissions", "read", "--uses", "-1"][..], "--uses"),
        (&["--permissions", "read", "--uses", "many"], "--uses must be a whole number"),
        (&["--permissions", "read", "--uses", "1000000000001"], "--uses must be a whole number"),
        (&["--permissions", "read", "--rate", "100"], "--rate must be a list of at most 4 rates"),
        (
            &["--permissions", "read", "--rate", "1/1", "--rate", "2/1"],
            "--rate must be a list of at most 4 rates",
        ),
        (&["--uses", "5"], "only tokens that grant permissions have limits"),
    ] {
        sandbox.run(&[&["token", "create", "--app", "demo"], arguments].concat()).fails(2, named);
    }
}

each_way!(lists_are_newest_first);
fn lists_are_newest_first(installation: &Installation) {
    let sandbox = &installation.sandbox;
    let titles = |arguments: &[&str]| -> Vec<String> {
        let rows = sandbox.rows(&[&["token", "list", "--app", "demo"], arguments].concat());
        let rows = rows.as_array().unwrap();
        assert!(rows.iter().all(|row| members(row) == MEMBERS));
        rows.iter().map(|row| text(row, "title").to_owned()).collect()
    };
    assert_eq!(titles(&[]), ["admin"]);
    for (title, user) in [("a", "7"), ("b", "alice"), ("c", "7"), ("d", "007")] {
        create(installation, &["--title", title, "--user-id", user]);
    }
    assert_eq!(titles(&[]), ["d", "c", "b", "a", "admin"]);
    assert_eq!(titles(&["--user-id", "7"]), ["c", "a"]);
    assert_eq!(titles(&["--user-id", "007"]), ["d"]);
    assert_eq!(titles(&["--user-id", "alice", "--limit", "5"]), ["b"]);
    assert_eq!(titles(&["--user-id", "nobody"]), [""; 0]);
    assert_eq!(titles(&["--limit", "2"]), ["d", "c"]);
    assert_eq!(titles(&["--limit", "0"]), [""; 0]);
    sandbox
        .run(&["token", "list", "--app", "demo", "--user-id", ""])
        .fails(2, "--user-id: a user id is not empty");
    sandbox.run(&["token", "list", "--app", "nowhere", "--json"]).fails(1, "there is no app nowhere");
    let table = sandbox.run(&["token", "list", "--app", "demo", "--limit", "1"]).done();
    let (header, row) = table.trim_end().split_once('\n').unwrap();
    assert_eq!(header, "id\tkind\tuser_id\ttitle\tpermissions\tstate\texpires_at\tlast_used_at");
    let cells: Vec<_> = row.split('\t').collect();
    assert_eq!(cells[1..6], ["identity", "007", "d", "-", "active"], "{table}");
    let bare = sandbox.run(&["token", "list", "--app", "demo", "--limit", "1", "--no-header"]).done();
    assert_eq!(bare.trim_end(), row);
}

each_way!(changes_show);
fn changes_show(installation: &Installation) {
    let sandbox = &installation.sandbox;
    let made = create(installation, &["--title", "old", "--tags", "t", "--permissions", "read"]);
    let (id, token) = (made["id"].to_string(), text(&made, "access_token").to_owned());
    let update =
        |arguments: &[&str]| sandbox.json(&[&["token", "update", &id, "--app", "demo"], arguments].concat());
    let before = show(installation, &made);

    let changed = update(&["--title", "new 🚀", "--description", "d"]);
    assert_eq!(members(&changed), MEMBERS);
    let unchanged = [
        "id",
        "kind",
        "state",
        "user_id",
        "tags",
        "permissions",
        "scopes",
        "enabled",
        "created_at",
        "expires_at",
    ];
    assert!(unchanged.iter().all(|member| changed[*member] == before[*member]), "{changed}");
    assert_eq!((text(&changed, "title"), text(&changed, "description")), ("new 🚀", "d"));
    assert!(instant(&changed["updated_at"]) >= instant(&before["updated_at"]));
    assert_eq!(changed, sandbox.json(&["token", "show", &id, "--app", "demo"]));

    let disabled = update(&["--disable"]);
    assert_eq!((&disabled["enabled"], text(&disabled, "state")), (&json!(false), "disabled"));
    assert!(disabled["disabled_by"].is_string(), "{disabled}");
    assert_eq!(text(&verify(installation, &token, &[]).1, "reason"), "disabled");
    let enabled = update(&["--enable", "--expires-in-days", "-1"]);
    assert_eq!((&enabled["enabled"], &enabled["expires_at"]), (&json!(true), &Value::Null));
    assert_eq!(verify(installation, &token, &["--permission", "write"]).0, Some(1));
    update(&["--permissions", "write", "--expires-in-days", "2"]);
    assert_eq!(verify(installation, &token, &["--permission", "write"]).0, Some(0));
    assert_eq!(verify(installation, &token, &["--permission", "read"]).0, Some(1));
    assert_eq!(update(&["--permissions", ""])["kind"], "grant");

    sandbox
        .run(&["token", "update", "99", "--app", "demo", "--title", "x"])
        .fails(1, "there is no token 99 in app demo");
    sandbox
        .run(&["token", "show", "99", "--app", "demo", "--json"])
        .fails(1, "there is no token 99 in app demo");
    sandbox
        .run(&["token", "update", &id, "--app", "demo", "--permissions", "jeton:manage"])
        .fails(1, "jeton:");

    let revoked = sandbox.json(&["token", "revoke", &id, "--app", "demo"]);
    assert_eq!(revoked, json!({"id": made["id"], "revoked": true}));
    assert_eq!(text(&verify(installation, &token, &[]).1, "reason"), "revoked");
    sandbox
        .run(&["token", "revoke", &id, "--app", "demo"])
        .fails(1, &format!("there is no token {id} in app demo"));
}

each_way!(a_token_is_rotated_with_grace_and_without);
fn a_token_is_rotated_with_grace_and_without(installation: &Installation) {
    let sandbox = &installation.sandbox;
    let made = create(installation, &["--user-id", "7", "--permissions", "read"]);
    let (id, first) = (made["id"].to_string(), text(&made, "access_token"));
    let rotate =
        |arguments: &[&str]| sandbox.json(&[&["token", "rotate", "--app", "demo", &*id], arguments].concat());
    let rotated = rotate(&["--grace", "24h"]);
    assert_eq!(members(&rotated), ["id", "access_token", "expires_at"]);
    assert_eq!((&rotated["id"], &rotated["expires_at"]), (&made["id"], &made["expires_at"]));
    let second = text(&rotated, "access_token");
    for token in [first, second] {
        assert_eq!(verify(installation, token, &["--permission", "read"]).0, Some(0));
    }
    let again = rotate(&[]);
    for token in [first, second] {
        assert_eq!(text(&verify(installation, token, &[]).1, "reason"), "expired");
    }
    assert_eq!(verify(installation, text(&again, "access_token"), &[]).0, Some(0));
    let fails = |arguments: &[&str], code, says: &str| {
        sandbox.run(&[&["token", "rotate", "--app", "demo"], arguments].concat()).fails(code, says);
    };
    fails(&["99"], 1, "there is no token 99 in app demo");
    fails(&[&*id, "--grace", "400d"], 2, "365d");
}

each_way!(many_are_revoked_at_once);
fn many_are_revoked_at_once(installation: &Installation) {
    let sandbox = &installation.sandbox;
    let made = |arguments: &[&str]| text(&create(installation, arguments), "access_token").to_owned();
    let tagged = [made(&["--user-id", "7", "--tags", "ci, eu"]), made(&["--user-id", "8", "--tags", "ci"])];
    let kept = [made(&["--user-id", "7", "--tags", "cinema"]), made(&["--user-id", "9"])];
    let revoke =
        |arguments: &[&str]| sandbox.json(&[&["token", "revoke", "--app", "demo"], arguments].concat());
    assert_eq!(revoke(&["--tag", "ci", "--dry-run"]), json!({"matched": 2, "revoked": 0}));
    assert_eq!(verify(installation, &tagged[0], &[]).0, Some(0), "it was only asked");
    assert_eq!(revoke(&["--tag", "ci", "--user-id", "9"]), json!({"matched": 0, "revoked": 0}));
    assert_eq!(revoke(&["--tag", " ci "]), json!({"matched": 2, "revoked": 2}));
    for token in &tagged {
        assert_eq!(text(&verify(installation, token, &[]).1, "reason"), "revoked");
    }
    for token in &kept {
        assert_eq!(verify(installation, token, &[]).0, Some(0));
    }
    assert_eq!(revoke(&["--unused-days", "1"]), json!({"matched": 0, "revoked": 0}), "they are too new");
    assert_eq!(revoke(&["--created-before", "2020-01-01T00:00:00Z"])["matched"], 0);
    assert_eq!(revoke(&["--user-id", "7"]), json!({"matched": 1, "revoked": 1}));

    let fails = |arguments: &[&str], code, says: &str| {
        sandbox.run(&[&["token", "revoke", "--app", "demo"], arguments].concat()).fails(code, says);
    };
    fails(&["--created-before", "yesterday"], 2, "--created-before is a time as in");
    fails(&["--user-id", ""], 2, "user");
    fails(&["--unused-days", "36501"], 2, "36501");
    fails(&["--dry-run"], 2, "required");
    fails(&[], 2, "required");
    fails(&["1", "--user-id", "7"], 2, "cannot be used with");
}

each_way!(questions_are_answered);
fn questions_are_answered(installation: &Installation) {
    let scope = r#"{"permissions":["read"],"ids":["s1"]}"#;
    let tagged = r#"{"permissions":["read","write"],"tags":["a","b"]}"#;
    let made = create(installation, &["--user-id", "7", "--scope", scope, "--scope", tagged]);
    let token = text(&made, "access_token");
    let (code, answer) = verify(installation, token, &[]);
    let expected = json!({
        "active": true, "allowed": true, "reason": null, "token_id": made["id"], "user_id": 7,
        "expires_at": made["expires_at"],
    });
    assert_eq!((code, &answer), (Some(0), &expected));
    assert_eq!(members(&answer), members(&expected));
    assert_eq!(verify(installation, &format!("{token}\r\n"), &[]), (Some(0), expected), "as echo sends it");

    let (code, answer) = verify(installation, token, &["--permission", "read", "--explain"]);
    assert_eq!(code, Some(1));
    assert_eq!((text(&answer, "reason"), &answer["active"]), ("insufficient_scope", &json!(true)));
    assert_eq!(members(&answer["explanation"]), ["matched_scope", "lacks"]);
    assert_eq!(answer["explanation"]["lacks"].as_array().map(Vec::len), Some(2), "{answer}");
    for (arguments, allowed) in [
        (&["--id", "s1"][..], true),
        (&["--id", "s2"], false),
        (&["--tag", "a"], false),
        (&["--tag", "b", "--tag", "a", "--tag", "c"], true),
        (&["--id", "s2", "--tag", "a", "--tag", "b"], true),
    ] {
        let asked = [&["--permission", "read", "--explain"], arguments].concat();
        let (code, answer) = verify(installation, token, &asked);
        assert_eq!(code, Some(if allowed { 0 } else { 1 }), "{arguments:?}: {answer}");
        assert_eq!(answer["explanation"]["matched_scope"].is_number(), allowed, "{answer}");
        assert_http_agrees(installation, token, arguments, &answer);
    }
    let (code, answer) = verify(installation, "made up", &["--explain"]);
    assert_eq!((code, text(&answer, "reason"), &answer["token_id"]), (Some(1), "unknown", &Value::Null));

    let sandbox = &installation.sandbox;
    let verify = ["token", "verify", "--app", "demo"];
    sandbox.run_with(&verify, "").fails(2, "an access token is not empty");
    sandbox.run_with(&verify, &"x".repeat(2_000)).fails(2, "at most 1024 bytes");
    for pasted in [
        "Bearer TOKEN",
        " bearer  TOKEN\r\n",
        "\u{feff}TOKEN\n",
        "\u{feff}Authorization: Bearer TOKEN",
        "TOKEN ",
    ] {
        let pasted = pasted.replace("TOKEN", token);
        sandbox.run_with(&verify, &pasted).done();
        let file = sandbox.scratch("pasted.txt", &pasted);
        sandbox.run(&[&verify[..], &["--token-file", &file]].concat()).done();
    }
    for (pasted, reason) in [
        ("Bearer \n", "an access token is not empty"),
        ("\u{feff}", "an access token is not empty"),
        ("TOKEN\nTOKEN\n", "one, and nothing else, is read"),
    ] {
        sandbox.run_with(&verify, &pasted.replace("TOKEN", token)).fails(2, reason);
    }
    let file = sandbox.scratch("token", &format!("{token}\n"));
    sandbox.json(&[&verify[..], &["--token-file", &file]].concat());
    sandbox.run_with(&["token", "verify", "--app", "nowhere"], token).fails(1, "there is no app nowhere");
}

/// A server says over HTTP what the command says.
fn assert_http_agrees(installation: &Installation, token: &str, resource: &[&str], expected: &Value) {
    let Some(server) = &installation.server else { return };
    let values = |name: &str| -> Vec<&str> {
        resource.chunks(2).filter(|pair| pair[0] == name).map(|pair| pair[1]).collect()
    };
    let mut resource = json!({"tags": values("--tag")});
    if let [id] = values("--id")[..] {
        resource["id"] = json!(id);
    }
    let check = json!({"token": token, "permission": "read", "resource": resource, "explain": true});
    let caller = installation.credential("admin_token");
    let answer = server.ask("POST", "/verify/demo", caller, Some(&check.to_string()));
    assert_eq!((answer.status, &answer.json()), (200, expected), "{check}");
    let batch = json!({"checks": [check]}).to_string();
    let answer = server.ask("POST", "/verify/demo", caller, Some(&batch));
    assert_eq!((answer.status, answer.json()), (200, json!({"results": [expected]})));
}
