//! When and how often tokens were used.

use crate::support::{Installation, text};
use rustix::process::Signal;
use serde_json::{Value, json};

fn shown(installation: &Installation, id: &Value) -> Value {
    installation.place.json(&["token", "show", &id.to_string(), "--app", "demo"])
}

fn each_engine(scenario: impl Fn(Installation)) {
    scenario(Installation::sqlite().serve());
    if !jeton_testkit::skips("PostgreSQL") {
        scenario(Installation::postgres().serve());
    }
}

#[test]
fn every_use_is_counted_and_outlives_the_server() {
    each_engine(|mut installation| {
        let made = installation.place.json(&["token", "create", "--app", "demo", "--permissions", "read"]);
        let (id, token) = (&made["id"], text(&made, "access_token"));
        assert_eq!(shown(&installation, id)["use_count"], 0);
        let before = shown(&installation, id);
        for _ in 0..5 {
            assert_eq!(installation.server().auth(token), 200);
        }
        let check =
            json!({"checks": [{"token": token}, {"token": token, "permission": "write"}]}).to_string();
        let admin = installation.credential("admin_token");
        assert_eq!(installation.server().ask("POST", "/verify/demo", admin, Some(&check)).status, 200);
        let after = shown(&installation, id);
        assert_eq!(after["use_count"], 7);
        assert!(after["last_used_at"].as_str() >= before["created_at"].as_str(), "{after}");
        assert_eq!(after["updated_at"], before["updated_at"]);

        // What nobody has asked for is written when the server stops.
        assert_eq!(installation.server().auth(token), 200);
        let mut server = installation.server.take().expect("it is served");
        assert_eq!(server.end(Signal::TERM).code, Some(0));
        assert_eq!(shown(&installation, id)["use_count"], 8);
    });
}

#[test]
fn unused_tokens_are_listed() {
    each_engine(|installation| {
        let old =
            json!({"access_token": "a".repeat(40), "title": "old", "created_at": "2020-01-02T03:04:05Z"});
        let used =
            json!({"access_token": "b".repeat(40), "title": "used", "created_at": "2020-01-02T03:04:05Z"});
        let import = ["token", "import", "--app", "demo", "--json"];
        installation.place.run_with(&import, &format!("{old}\n{used}\n")).json();
        assert_eq!(installation.server().auth(&"b".repeat(40)), 200);
        let titles = |days: &str| {
            let rows = installation.place.json(&["token", "list", "--app", "demo", "--unused-days", days]);
            let rows = rows.as_array().expect("an array").clone();
            rows.iter().map(|row| text(row, "title").to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(titles("30"), ["old"]);
        assert_eq!(titles("100000"), [""; 0]);
    });
}
