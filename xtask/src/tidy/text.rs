//! Nothing in the project may depend on one machine.

use super::Source;

/// The lock file names the index that it was resolved from.
const LOCK_FILE: &str = "Cargo.lock";

/// Folders of one machine, and hosts of package registries: those are a matter of how a machine is set up. In
/// pieces, so that this file is none of those it looks for.
const PLACES: [&str; 10] = [
    concat!("/", "work/"),
    concat!("../", "shared"),
    concat!("/", "root/"),
    concat!("/", "home/"),
    concat!("crates.io", "-index"),
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
    concat!("pypi", ".org"),
    concat!("files.", "pythonhosted.org"),
    concat!("registry.", "npmjs.org"),
];

fn faults(source: &Source) -> Vec<String> {
    let lines = source.text.lines().enumerate();
    lines
        .flat_map(|(i, line)| {
            let found = PLACES.iter().filter(move |place| line.contains(**place));
            found.map(move |place| format!("{}:{}: {place}", source.path, i + 1))
        })
        .collect()
}

#[test]
fn nothing_holds_only_on_one_machine() {
    let sources = super::sources();
    let sources = sources.iter().filter(|source| source.path != LOCK_FILE);
    super::assert_none(&sources.flat_map(faults).collect::<Vec<_>>());
}

#[test]
fn a_place_of_one_machine_is_found() {
    let line = format!("first\nsee {}x", PLACES[0]);
    assert_eq!(faults(&Source::new("a.md", &line)), [format!("a.md:2: {}", PLACES[0])]);
    assert_eq!(faults(&Source::new("a.md", "PyPI, crates.io, /tmp/x")), [""; 0]);
}
