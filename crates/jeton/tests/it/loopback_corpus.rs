//! What LoopBack answered when it was asked, request by request, against what a running server answers:
//! status, the headers that count, and the body with its members in their order. Where the answers differ,
//! the documentation says so, case by case.

use crate::support::{Installation, loopback, run};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/loopback/replay.py");
const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/loopback/corpus.jsonl");
const DOCUMENT: &str = include_str!("../../../../docs/loopback.md");

/// How much of what is LoopBack's convention, where it is open to all, is answered as LoopBack does, in
/// percent.
const LEAST_COMPATIBLE: usize = 92;

/// The cases of the corpus that were recorded in a mode; in all of them, if that is empty: their names and
/// tiers.
fn cases(mode: &str) -> BTreeMap<String, String> {
    let corpus = std::fs::read_to_string(CORPUS).expect("the corpus is there");
    let cases = corpus.lines().map(|line| serde_json::from_str::<Value>(line).expect("each line is a case"));
    let text = |case: &Value, name: &str| case[name].as_str().expect("a text").to_owned();
    let cases = cases.filter(|case| mode.is_empty() || case["mode"] == mode);
    cases.map(|case| (text(&case, "name"), text(&case, "tier"))).collect()
}

/// The cases that the table in the documentation names.
fn documented_differences() -> BTreeSet<String> {
    let (_, table) = DOCUMENT.split_once("\n## Case by case\n").expect("the documentation has the table");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    let names = rows.flat_map(|row| row.split(" |").next().unwrap_or_default().split(", "));
    let mut differences = BTreeSet::new();
    for name in names {
        let name = name.trim_matches('`').to_owned();
        assert!(differences.insert(name.clone()), "{name} stands twice in the table");
    }
    differences
}

/// Replays every case that was recorded in a mode. Those that are answered otherwise than by LoopBack are
/// those that the documentation names, and no answer to them is a failure of the server.
#[track_caller]
fn replay(installation: Installation, mode: &str, arguments: &[&str]) {
    let installation = installation.serve();
    let base = format!("http://{}/api", installation.address());
    let mut command = Command::new(jeton_testkit::python());
    // It prints text that is not ASCII, whatever the locale.
    command.env("PYTHONIOENCODING", "utf-8").args([SCRIPT, "--corpus", CORPUS, "--base", &base]);
    command.args(["--mode", mode, "--errors", "exact", "--key-order"]);
    let run = run(command.args(arguments), "");
    let cases = cases(mode);
    let expected: BTreeSet<_> =
        documented_differences().into_iter().filter(|name| cases.contains_key(name)).collect();
    let failed = run.stdout.lines().filter_map(|line| line.strip_prefix("FAIL "));
    let failed: BTreeSet<_> =
        failed.filter_map(|case| case.split_once('/')).map(|(_, name)| name.to_owned()).collect();
    let diverging: Vec<_> = failed.symmetric_difference(&expected).collect();
    assert_eq!(diverging, Vec::<&String>::new(), "{mode}: {}\n{}", run.stdout, run.stderr);
    let passed = cases.len() - expected.len();
    let summary = format!("{passed} passed, {} failed", expected.len());
    assert_eq!(run.stdout.lines().last(), Some(&*summary), "{mode}: {}", run.stderr);
    let of_the_server = run.stdout.lines().filter(|line| {
        line.split_once("status: want ").is_some_and(|(_, statuses)| statuses.contains("got 5"))
    });
    assert_eq!(of_the_server.collect::<Vec<_>>(), [""; 0], "{mode}");
}

/// LoopBack's own table, as it was shipped up to 2.39: everyone may create, and no more.
fn documented(installation: Installation) {
    let user = installation.token_of("1");
    replay(installation, "doc", &["--user-token", &user]);
}

/// LoopBack's own table since: everything is denied.
fn closed(installation: Installation) {
    let user = installation.token_of("1");
    let installation = installation.with(&json!({"loopback": {"acls": []}}));
    replay(installation, "default", &["--user-token", &user]);
}

/// Each case begins with an empty store: an app's own service credentials are none of it.
fn open(installation: Installation) {
    replay(installation.with(&loopback::open()), "open", &[]);
}

/// As LoopBack answered while it was being developed with.
fn open_to_developers(installation: Installation) {
    replay(installation.with(&loopback::open()), "open-dev", &[]);
}

fn open_to_eternal_tokens(installation: Installation) {
    let eternal = json!({"loopback": {"allow_eternal_tokens": true}});
    replay(installation.with(&loopback::open()).with(&eternal), "open-eternal", &[]);
}

fn administered(installation: Installation) {
    let (user, admin) = (installation.token_of("1"), installation.token_of("2"));
    let arguments = ["--user-token", &user, "--admin-token", &admin];
    replay(installation.with(&loopback::administered()), "admin", &arguments);
}

/// The table names cases that there are, none that any implementation should match, and few of LoopBack's
/// conventions.
#[test]
fn what_differs_is_named_and_is_little() {
    let (cases, differences) = (cases(""), documented_differences());
    let tier = |name: &String| cases.get(name).map(String::as_str);
    let misplaced: Vec<_> =
        differences.iter().filter(|name| matches!(tier(name), None | Some("core"))).collect();
    assert_eq!(misplaced, Vec::<&String>::new());
    let conventions = self::cases("open").into_iter().filter(|(_, tier)| tier == "compat");
    let conventions: BTreeSet<_> = conventions.map(|(name, _)| name).collect();
    let (kept, conventions) = (conventions.difference(&differences).count(), conventions.len());
    assert!(100 * kept >= LEAST_COMPATIBLE * conventions, "{kept} of {conventions}");
}

macro_rules! on_both_engines {
    ($($scenario:ident),+) => {$(
        mod $scenario {
            use crate::support::Installation;

            /// On PostgreSQL, read by one node and written by another.
            #[test]
            fn on_two_nodes() {
                if !jeton_testkit::skips("Python") && !jeton_testkit::skips("PostgreSQL") {
                    super::$scenario(Installation::on_two_nodes());
                }
            }

            #[test]
            fn on_sqlite() {
                if !jeton_testkit::skips("Python") {
                    super::$scenario(Installation::sqlite());
                }
            }
        }
    )+};
}
on_both_engines!(documented, closed, open, open_to_developers, open_to_eternal_tokens, administered);
