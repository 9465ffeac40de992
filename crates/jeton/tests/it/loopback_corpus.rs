//! What LoopBack answered when it was asked, request by request, against what a running server answers: status, the
//! headers that count, and the body with its members in their order.

use crate::support::{Installation, loopback, run};
use serde_json::json;
use std::process::Command;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/loopback/replay.py");
const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/loopback/corpus.jsonl");

/// Replays every case of the tier `core` that was recorded in a mode: `cases` of them, and all pass.
#[track_caller]
fn replay(installation: Installation, mode: &str, cases: usize, arguments: &[&str]) {
    let installation = installation.serve();
    let base = format!("http://{}/api", installation.server().address);
    let mut command = Command::new(jeton_testkit::python());
    // It prints text that is not ASCII, whatever the locale.
    command.env("PYTHONIOENCODING", "utf-8").args([SCRIPT, "--corpus", CORPUS, "--base", &base]);
    command.args(["--mode", mode, "--tier", "core", "--errors", "exact", "--key-order"]);
    let run = run(command.args(arguments), "");
    assert_eq!(run.stdout, format!("{cases} passed, 0 failed\n"), "{mode}: {}", run.stderr);
    assert_eq!(run.code, Some(0), "{mode}: {}", run.stderr);
}

/// LoopBack's own table, as it was shipped up to 2.39: everyone may create, and no more.
fn documented(installation: Installation) {
    let user = installation.token_of("1");
    replay(installation, "doc", 24, &["--user-token", &user]);
}

/// LoopBack's own table since: nobody may do anything.
fn closed(installation: Installation) {
    let user = installation.token_of("1");
    let installation = installation.with(&json!({"loopback": {"acls": []}}));
    replay(installation, "default", 25, &["--user-token", &user]);
}

/// Each case begins with an empty store: an app's own service credentials are none of it.
fn open(installation: Installation) {
    replay(installation.with(&loopback::open()), "open", 180, &[]);
}

fn open_to_eternal_tokens(installation: Installation) {
    let eternal = json!({"loopback": {"allow_eternal_tokens": true}});
    replay(installation.with(&loopback::open()).with(&eternal), "open-eternal", 1, &[]);
}

fn administered(installation: Installation) {
    let (user, admin) = (installation.token_of("1"), installation.token_of("2"));
    let arguments = ["--user-token", &user, "--admin-token", &admin];
    replay(installation.with(&loopback::administered()), "admin", 40, &arguments);
}

macro_rules! on_both_engines {
    ($($scenario:ident),+) => {$(
        mod $scenario {
            use crate::support::Installation;

            #[test]
            fn on_sqlite() {
                if !jeton_testkit::skips("Python") {
                    super::$scenario(Installation::sqlite());
                }
            }

            #[test]
            fn on_postgresql() {
                if !jeton_testkit::skips("Python") && !jeton_testkit::skips("PostgreSQL") {
                    super::$scenario(Installation::postgres());
                }
            }
        }
    )+};
}
on_both_engines!(documented, closed, open, open_to_eternal_tokens, administered);
