//! The rules of this repository, each a test, so that they need not be remembered. Every rule is a function
//! from what it judges to what is wrong with it; one test holds it against the workspace, another shows that
//! it can fail.

mod attributes;
mod circles;
mod dependencies;
mod documents;
mod size;
mod sql;
mod text;
mod tokens;

use crate::process::output;
use crate::root;
use std::fs;
use std::process::Command;

/// One text file of the workspace.
struct Source {
    /// Relative to the workspace's root.
    path: String,
    text: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    fn is_markdown(&self) -> bool {
        self.path.ends_with(".md")
    }
}

/// Every text file that is, or is about to be, under version control.
fn sources() -> Vec<Source> {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root());
    let paths = output(&mut git).expect("the workspace is a git checkout");
    let sources: Vec<_> = paths
        .split_terminator('\0')
        // Deleted files are still listed, and those that are no text have no rules.
        .filter_map(|path| Some(Source::new(path, &fs::read_to_string(root().join(path)).ok()?)))
        .collect();
    assert!(sources.iter().any(|source| source.path == "xtask/src/tidy.rs"), "this very file is missing");
    sources
}

/// Fails with every one of `faults`.
fn assert_none(faults: &[String]) {
    assert!(faults.is_empty(), "\n  {}\n", faults.join("\n  "));
}
