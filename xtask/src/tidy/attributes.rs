//! Attributes that would hide something, and those that belong to one kind of file.

use super::{Source, tokens};
use crate::prove;

const SURFACES: &str = "crates/jeton-http/src/";
const WIRE: &str = "wire.rs";
/// What says how any object is read and written, whatever is in it.
const OBJECT: &str = "crates/jeton-http/src/transport/object.rs";

/// A lint that is not wanted here is expected with a reason, so that the exception goes when its cause goes;
/// a test that cannot run is skipped aloud, or not written. Proofs alone are left to `cargo xtask prove`.
fn hiding(source: &Source) -> Vec<String> {
    let proofs = prove::files();
    judge(source, |words| {
        if words.iter().any(|word| word == "allow") {
            Some("#[allow]: write #[expect(.., reason = \"..\")]")
        } else if words.iter().any(|word| word == "ignore") && !proofs.contains(&source.path) {
            Some("#[ignore]: a test runs, or is not there")
        } else {
            None
        }
    })
}

/// Only the wire types of a surface know how they are written down.
fn serialized(source: &Source) -> Vec<String> {
    let is_wire = source.path.ends_with(&format!("/{WIRE}")) || source.path == OBJECT;
    if !source.path.starts_with(SURFACES) || is_wire {
        return Vec::new();
    }
    judge(source, |words| {
        words
            .iter()
            .any(|word| matches!(word.as_str(), "Serialize" | "Deserialize"))
            .then_some("derives serde outside wire.rs")
    })
}

fn judge(source: &Source, fault: impl Fn(&[String]) -> Option<&'static str>) -> Vec<String> {
    match tokens::of(source) {
        Err(unreadable) => vec![unreadable],
        Ok(tokens) => tokens::attributes(&tokens)
            .iter()
            .filter_map(|attribute| Some((attribute.line, fault(&attribute.words)?)))
            .map(|(line, fault)| format!("{}:{line}: {fault}", source.path))
            .collect(),
    }
}

#[test]
fn nothing_is_hidden() {
    let sources = super::sources();
    super::assert_none(
        &sources.iter().filter(|source| source.is_rust()).flat_map(hiding).collect::<Vec<_>>(),
    );
}

#[test]
fn only_wire_files_derive_serde_for_a_surface() {
    let sources = super::sources();
    super::assert_none(
        &sources.iter().filter(|source| source.is_rust()).flat_map(serialized).collect::<Vec<_>>(),
    );
}

#[test]
fn what_hides_is_found() {
    let found = |text: &str| hiding(&Source::new("a.rs", text));
    let allowed = "#[allow]: write #[expect(.., reason = \"..\")]";
    assert_eq!(found("\n#[allow(dead_code)] fn f() {}"), [format!("a.rs:2: {allowed}")]);
    assert_eq!(found("#![allow(dead_code)]"), [format!("a.rs:1: {allowed}")]);
    assert_eq!(
        found("mod a { #[cfg_attr(test, allow(dead_code))] fn f() {} }"),
        [format!("a.rs:1: {allowed}")]
    );
    assert_eq!(
        found("#[test]\n#[ignore = \"slow\"]\nfn f() {}"),
        ["a.rs:2: #[ignore]: a test runs, or is not there"]
    );
    let proof =
        Source::new("crates/jeton/tests/it/prove/hostile.rs", "#[test]\n#[ignore = \"a proof\"]\nfn f() {}");
    assert_eq!(hiding(&proof), [""; 0]);
}

#[test]
fn what_only_speaks_of_hiding_is_not_found() {
    let innocent = r##"
        //! #[ignore] and #[allow(x)]
        /// #[allow(x)]
        #[expect(dead_code, reason = "allow, ignore")]
        fn allow() { let ignore = "#[allow(x)]"; [allow]; /* #[ignore] */ }
    "##;
    assert_eq!(hiding(&Source::new("a.rs", innocent)), [""; 0]);
}

#[test]
fn serde_in_a_handler_is_found() {
    let text = "use serde::Serialize;\n#[derive(Debug, serde::Deserialize)]\nstruct A;";
    let found = |path: &str| serialized(&Source::new(path, text));
    let handlers = "crates/jeton-http/src/dotide/handlers.rs";
    assert_eq!(found(handlers), [format!("{handlers}:2: derives serde outside wire.rs")]);
    assert_eq!(found("crates/jeton-http/src/dotide/not_wire.rs").len(), 1);
    assert_eq!(found("crates/jeton-http/src/dotide/wire.rs"), [""; 0]);
    assert_eq!(found("crates/jeton-http/src/verify.rs").len(), 1);
    assert_eq!(found("crates/jeton/src/control/protocol.rs"), [""; 0]);
}
