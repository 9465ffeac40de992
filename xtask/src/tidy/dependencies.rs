//! One chain of crates. What a crate may not know, it cannot use by accident.

use crate::process::{cargo, output};
use serde::Deserialize;

/// Each may depend on those before it.
const CHAIN: [&str; 7] =
    ["jeton-core", "jeton-loopback", "jeton-store", "jeton-service", "jeton-console", "jeton-http", "jeton"];
/// Test support; not shipped. Knows the core.
const TESTKIT: &str = "jeton-testkit";
/// Tools of the workspace; ship with nothing, and nothing depends on them.
const TOOLS: [&str; 1] = ["xtask"];
/// The crates that are pure, with all that each may depend on: arithmetic and words. No I/O, no runtime, no
/// clock, no randomness, no JSON.
const PURE: [(&str, &[&str]); 3] = [
    ("jeton-core", &["crossbeam-utils", "hmac", "sha2", "subtle", "thiserror", "zeroize"]),
    ("jeton-loopback", &["regex-automata", "ryu-js", "thiserror"]),
    // Calendars are arithmetic.
    ("jeton-console", &["askama", "jiff"]),
];
/// Forbidden although the chain would allow it: handlers never see the store, the store knows no dialect, and
/// pages show what they are given.
const NEVER: [(&str, &str); 4] = [
    ("jeton-http", "jeton-store"),
    ("jeton-store", "jeton-loopback"),
    ("jeton-console", "jeton-store"),
    ("jeton-console", "jeton-service"),
];

#[derive(Deserialize)]
struct Workspace {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    /// The package's own name, whatever it is renamed to.
    name: String,
    /// `dev`, `build`, or none for a normal one.
    kind: Option<String>,
}

fn faults(workspace: &Workspace) -> Vec<String> {
    let names: Vec<&str> = workspace.packages.iter().map(|package| package.name.as_str()).collect();
    let mut faults: Vec<_> = names
        .iter()
        .filter(|name| !CHAIN.contains(name) && !TOOLS.contains(name) && **name != TESTKIT)
        .map(|name| format!("{name} has no place in the chain: give it one here"))
        .collect();
    for package in &workspace.packages {
        // Tests may depend on anything.
        for dependency in
            package.dependencies.iter().filter(|dependency| dependency.kind.as_deref() != Some("dev"))
        {
            let fault = if names.contains(&dependency.name.as_str()) {
                inside(&package.name, &dependency.name)
            } else {
                outside(&package.name, &dependency.name)
            };
            faults.extend(fault.map(|why| format!("{} depends on {}: {why}", package.name, dependency.name)));
        }
    }
    faults
}

/// The fault of a dependency between two of our packages.
fn inside(package: &str, on: &str) -> Option<&'static str> {
    let place = |name: &str| CHAIN.iter().position(|link| *link == name);
    if on == TESTKIT {
        return Some("it is for tests only");
    }
    if package == TESTKIT {
        return (on != CHAIN[0]).then_some("test support knows the core only");
    }
    match (place(package), place(on)) {
        (Some(from), Some(to)) if from <= to => Some("against the chain"),
        (Some(_), Some(_)) if NEVER.contains(&(package, on)) => Some("these two do not know each other"),
        (Some(_), Some(_)) => None,
        _ => Some("what ships and what builds it are apart"),
    }
}

/// The fault of a dependency of one of our packages on an external one.
fn outside(package: &str, on: &str) -> Option<&'static str> {
    let (_, may) = PURE.iter().find(|(pure, _)| *pure == package)?;
    (!may.contains(&on)).then_some("it is pure")
}

#[test]
fn dependencies_follow_the_chain() {
    let metadata = output(&mut cargo(&["metadata", "--format-version=1", "--no-deps", "--offline"]));
    let workspace: Workspace = serde_json::from_str(&metadata.expect("cargo metadata runs")).unwrap();
    assert!(workspace.packages.len() > CHAIN.len());
    super::assert_none(&faults(&workspace));
}

fn depending(package: &str, on: &str, kind: Option<&str>) -> Vec<String> {
    let mut packages: Vec<_> = [&CHAIN[..], &TOOLS, &[TESTKIT]]
        .concat()
        .iter()
        .map(|name| Package { name: (*name).to_owned(), dependencies: Vec::new() })
        .collect();
    let dependency = Dependency { name: on.to_owned(), kind: kind.map(str::to_owned) };
    match packages.iter_mut().find(|known| known.name == package) {
        Some(known) => known.dependencies.push(dependency),
        None => packages.push(Package { name: package.to_owned(), dependencies: vec![dependency] }),
    }
    faults(&Workspace { packages })
}

#[test]
fn a_dependency_against_the_chain_is_found() {
    assert_eq!(depending("jeton-http", "jeton-service", None), [""; 0]);
    assert_eq!(depending("jeton", "jeton-core", Some("build")), [""; 0]);
    assert_eq!(depending("jeton-core", "jeton-store", Some("dev")), [""; 0]);
    assert_eq!(
        depending("jeton-store", "jeton-http", None),
        ["jeton-store depends on jeton-http: against the chain"]
    );
    assert_eq!(depending("jeton-core", "jeton-core", Some("build")).len(), 1);
    assert_eq!(depending("jeton-http", "jeton-store", None).len(), 1);
    assert_eq!(depending("jeton-core", "jeton-loopback", None).len(), 1);
    assert_eq!(depending("jeton-store", "jeton-loopback", None).len(), 1);
    assert_eq!(depending("xtask", "jeton-core", None).len(), 1);
    assert_eq!(depending("jeton", "xtask", None).len(), 1);
}

#[test]
fn what_tests_share_ships_with_nothing() {
    assert_eq!(depending("jeton-store", TESTKIT, Some("dev")), [""; 0]);
    assert_eq!(depending(TESTKIT, "jeton-core", None), [""; 0]);
    assert_eq!(depending("jeton", TESTKIT, None), ["jeton depends on jeton-testkit: it is for tests only"]);
    assert_eq!(depending("xtask", TESTKIT, Some("build")).len(), 1);
    assert_eq!(depending(TESTKIT, "jeton-store", None).len(), 1);
}

#[test]
fn a_pure_crate_that_learns_of_the_world_is_found() {
    assert_eq!(depending("jeton-core", "sha2", None), [""; 0]);
    assert_eq!(depending("jeton-core", "regex-automata", None).len(), 1);
    for stranger in ["tokio", "serde", "serde_json", "sqlx", "axum", "rand", "getrandom", "jiff", "chrono"] {
        for (pure, may) in PURE {
            if may.contains(&stranger) {
                continue;
            }
            assert_eq!(
                depending(pure, stranger, None),
                [format!("{pure} depends on {stranger}: it is pure")]
            );
        }
    }
}

#[test]
fn a_crate_without_a_place_is_found() {
    assert_eq!(
        depending("jeton-extra", "serde", None),
        ["jeton-extra has no place in the chain: give it one here"]
    );
}
