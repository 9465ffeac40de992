//! What documents show of a terminal is so: each command is run as it stands there, and prints what stands below it.

use crate::support::{Installation, run};
use std::path::{Path, PathBuf};
use std::process::Command;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
/// Stands between what two commands print.
const MARK: &str = "-- next --";

/// Whether a line is the expected one, in which `…` stands for any text.
fn is_like(line: &str, expected: &str) -> bool {
    let mut parts = expected.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some((_, behind)) = rest.split_once(part) else { return false };
        rest = behind;
    }
    rest.ends_with(last)
}

/// Runs a document's commands in one shell, on a fresh app `demo`.
#[track_caller]
fn is_true(document: &str) {
    let text = std::fs::read_to_string(format!("{ROOT}/{document}")).unwrap();
    let installation = Installation::sqlite().serve();
    let address = installation.server().address.to_string();
    let client = ["client_id", "client_secret"].map(|name| installation.credential(name)).join(":");
    let admin_address = installation.server().admin_address.to_string();
    let text = text
        .replace("127.0.0.1:8080", &address)
        .replace("http://127.0.0.1:8081", &format!("http://{admin_address}"))
        .replace("CLIENT_ID:CLIENT_SECRET", &client)
        .replace("OPERATOR_TOKEN", installation.credential("operator_token"));
    let sessions = jeton_testkit::markdown::sessions(&text);
    assert!(!sessions.is_empty(), "{document} shows nothing");
    let script: String =
        sessions.iter().map(|(command, _)| format!("{command}\necho\necho '{MARK}'\n")).collect();
    let program = PathBuf::from(crate::support::program().get_program());
    let path = std::env::join_paths(
        [program.parent().unwrap().to_owned()]
            .into_iter()
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    let mut shell = Command::new("sh");
    shell.env("PATH", path.unwrap()).env("JETON_DATA_DIR", installation.sandbox.data_dir());
    let run = run(shell.current_dir(Path::new(ROOT)), &format!("set -e\n{script}"));
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{document}: {run:#?}");
    let printed: Vec<&str> = run.stdout.split(MARK).map(str::trim).collect();
    for ((command, expected), printed) in sessions.iter().zip(&printed) {
        let (lines, expected): (Vec<_>, Vec<_>) = (printed.lines().collect(), expected.lines().collect());
        let is_alike = lines.len() == expected.len()
            && lines.iter().zip(&expected).all(|(line, expected)| is_like(line, expected));
        assert!(is_alike, "{document}: {command}\nprints {printed}\nnot {expected:#?}");
    }
}

#[test]
fn verify() {
    is_true("docs/verify.md");
}

#[test]
fn limits() {
    is_true("docs/limits.md");
}

#[test]
fn delegation() {
    is_true("docs/delegation.md");
}

#[test]
fn admin() {
    is_true("docs/admin.md");
}

#[test]
fn leaks() {
    is_true("docs/leaks.md");
}

#[test]
fn oauth() {
    is_true("docs/oauth.md");
}

#[test]
fn keys() {
    is_true("docs/keys.md");
}

#[test]
fn gateways() {
    is_true("docs/gateways.md");
}

#[test]
fn what_is_not_alike_is_found() {
    for (line, expected, is) in [
        ("abc", "abc", true),
        ("abc", "ab", false),
        ("abc", "a…", true),
        ("abc", "a…c", true),
        ("abc", "a…b", false),
        ("a1b2c", "a…b…c", true),
        ("a1c", "a…b…c", false),
        ("", "…", true),
    ] {
        assert_eq!(is_like(line, expected), is, "{line} {expected}");
    }
}
