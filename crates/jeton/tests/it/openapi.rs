//! The documents in `docs/openapi`, held by schemathesis against a running server: each by a server of its own, so that
//! the same happens in every run.

use crate::support::{Installation, Server, run, text};
use serde_json::{Value, json};
use std::process::Command;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi");
/// Which checks do not fit which API, and why.
const CONFIG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/openapi/schemathesis.toml");
/// Nothing is refused because it came too often.
const LIMITS: &str = "[limits]\nfailures_per_minute = 1000000\nanonymous_writes_per_minute = 1000000\n\
                      anonymous_writes_per_hour = 100000000\n";
/// The token that may do what the examples of forward-auth ask.
const TOKEN: &str = "f3c1a94be27d05886e0b7f1d2c3a4958d41c6b7ae0f95d2283b6174c9ae05f3d";
/// The token that makes others.
const PARENT: &str = "7d20e9b6a4c81f53be06d7f2c9a1e48350b8d4f7a6219ce3d5f0871b4ea6c92d";
/// Operators with smaller numbers than the one that asks: some of them are revoked.
const OTHER_OPERATORS: usize = 20;

/// What the examples speak of.
fn prepared() -> (Installation, Value) {
    let installation = Installation::sqlite();
    let sandbox = &installation.sandbox;
    let tokens = [
        json!({"access_token": TOKEN, "user_id": 7, "scopes": [{"permissions": ["read", "write"], "ids": ["7"]}]}),
        json!({"access_token": "9a41d7f00c5b4e6fb8a2c3d1e0f96587c2b1a09f8e7d6c5b4a39281706f5e4d3", "permissions": "read"}),
        json!({"access_token": "5b1c0e7f3a9d4682b0c7e5f1a2d38496c4e1f0b7a69d5823e7046f1c9b2ad835", "permissions": "read"}),
        json!({"access_token": "c0ffee5eed1e55ab1edecade5ca1ab1e0ddba11fee15babeb1adedb0a710adca", "permissions": "read"}),
        json!({"access_token": PARENT, "permissions": "read,write,delegate"}),
    ];
    let lines: String = tokens.iter().map(|token| format!("{token}\n")).collect();
    let imported = sandbox.run_with(&["token", "import", "--app", "demo", "--json"], &lines).json();
    assert_eq!(imported["imported"], 5);
    sandbox.json(&["app", "create", "shop"]);
    let mut operator = Value::Null;
    for number in 0..=OTHER_OPERATORS {
        operator = sandbox.json(&["operator", "create", &format!("operator {number}")]);
    }
    let settings = json!({"forward_auth": {
        "demands": {"read-7": {"permission": "read", "id": "7"}},
        "routes": [{"method": "*", "path": "/v1/{db}/datastreams/{id}", "permission": "by-method", "id": "{id}"}],
    }});
    (installation.with(&settings), operator)
}

fn check(name: &str) {
    if jeton_testkit::skips("Python") {
        return;
    }
    let (installation, operator) = prepared();
    let limits = installation.sandbox.scratch("jeton.toml", LIMITS);
    // OAuth's metadata are served where that is https.
    let arguments = ["--config", &limits, "--public-url", "https://jeton.test"];
    let server = Server::start(&installation.sandbox, &arguments);
    let address = if name == "admin" { server.admin_address } else { server.address };
    let schemathesis = jeton_testkit::python().with_file_name("schemathesis");
    let mut command = Command::new(schemathesis);
    command.args(["--config-file", CONFIG, "run", &format!("{FOLDER}/{name}.json"), "--no-color"]);
    command.args(["--url", &format!("http://{address}")]);
    command.env("JETON_CLIENT_ID", installation.credential("client_id"));
    command.env("JETON_CLIENT_SECRET", installation.credential("client_secret"));
    command.env("JETON_ADMIN_TOKEN", installation.credential("admin_token"));
    command.env("JETON_OPERATOR_TOKEN", text(&operator, "operator_token"));
    command.env("JETON_TOKEN", TOKEN);
    command.env("JETON_PARENT", PARENT);
    // Whatever it writes.
    command.current_dir(installation.sandbox.data_dir());
    let run = run(&mut command, "");
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
}

macro_rules! documents {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            check(stringify!($name));
        })*

        /// None is left out.
        #[test]
        fn each_document_is_checked() {
            let files = std::fs::read_dir(FOLDER).expect("there are documents").filter_map(Result::ok);
            let mut names: Vec<String> = files.filter_map(|file| {
                Some(file.file_name().to_str()?.strip_suffix(".json")?.to_owned())
            }).collect();
            names.sort_unstable();
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}

documents!(admin appkey auth credentials delegate dotide loopback oauth verify);
