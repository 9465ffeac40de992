//! `cargo xtask prove fuzz`: each target of `jeton_http::fuzz` for a minute, by libFuzzer.
//!
//! A stable compiler does: what cargo-fuzz sets behind its flags is set here, without a sanitizer, since
//! there is no unsafe code of ours for one to watch. What comes of a run stays in `target/fuzz`; an input
//! that fails goes into `fuzz/corpus` with the commit that puts it right, and the gate replays it from then
//! on.

use crate::error::Error;
use crate::needs::{self, target_folder};
use crate::process::{cargo, output, run as run_command, written};
use crate::root;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const SECONDS: u32 = 60;
/// Most bytes of an input: enough for everything that the parsers tell apart, and quick to run.
const MAX_BYTES: u32 = 4_096;

/// Coverage as libFuzzer reads it, and what cargo-fuzz says to dependencies.
const INSTRUMENTED: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing";

/// Builds the fuzzer, runs every target, and prints and answers the figure: how often each ran.
pub(super) fn run() -> Result<String, Error> {
    needs::compiler_of_libfuzzer()?;
    let fuzzer = build()?;
    let mut figures = Vec::new();
    for target in targets()? {
        figures.push(format!("{target} {}", fuzz(&fuzzer, &target)?));
    }
    let figure = format!("no failure in {SECONDS} s each; executions: {}", figures.join(", "));
    println!("\nfuzz: {figure}");
    Ok(figure)
}

/// The targets, each of which has its corpus: a test of `jeton_http::fuzz` compares the two.
fn targets() -> Result<Vec<String>, Error> {
    let corpus = root().join("fuzz/corpus");
    let failed = |source| Error::Files { what: corpus.display().to_string(), source };
    let mut names = Vec::new();
    for folder in fs::read_dir(&corpus).map_err(failed)? {
        names.push(folder.map_err(failed)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn build() -> Result<PathBuf, Error> {
    let host = output(Command::new("rustc").arg("-vV"))
        .and_then(|version| Some(version.lines().find_map(|line| line.strip_prefix("host: "))?.to_owned()))
        .ok_or_else(|| Error::Missing("`rustc -vV` does not name the host.".to_owned()))?;
    // The versions that ship, and what only fuzzers need beside them.
    let (shipped, own) = (root().join("Cargo.lock"), root().join("fuzz/Cargo.lock"));
    fs::copy(shipped, &own).map_err(|source| Error::Files { what: own.display().to_string(), source })?;
    let folder = target_folder().join("fuzz");
    // With a target named, what runs while building is not instrumented.
    let mut build = cargo(&["build", "--manifest-path", "fuzz/Cargo.toml", "--release", "--target", &host]);
    build.arg("--target-dir").arg(&folder).env("RUSTFLAGS", INSTRUMENTED);
    println!("\n==> {}", written(&build));
    run_command(&mut build)?;
    Ok(folder.join(host).join("release/jeton-fuzz"))
}

/// Runs one target and answers how often it ran.
fn fuzz(fuzzer: &Path, target: &str) -> Result<u64, Error> {
    let work = target_folder().join("fuzz/work").join(target);
    let found = work.join("found");
    let failed = |source| Error::Files { what: work.display().to_string(), source };
    fs::create_dir_all(&found).map_err(failed)?;
    let log = work.join("log");
    let file = fs::File::create(&log).map_err(failed)?;
    let mut command = Command::new(fuzzer);
    command
        .args([format!("-max_total_time={SECONDS}"), format!("-max_len={MAX_BYTES}")])
        .args(["-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"])
        .arg(format!("-artifact_prefix={}/", work.display()))
        .args([found.as_os_str(), root().join("fuzz/corpus").join(target).as_os_str()])
        .env("JETON_FUZZ_TARGET", target)
        .stdout(Stdio::null())
        .stderr(file);
    println!("\n==> {}", written(&command));
    let ended = run_command(&mut command);
    let text = String::from_utf8_lossy(&fs::read(&log).map_err(failed)?).into_owned();
    if let Err(error) = ended {
        println!("{text}");
        return Err(error);
    }
    executions(&text)
        .ok_or_else(|| Error::Missing(format!("{} says no number of executions.", log.display())))
}

/// The number of executions that libFuzzer says at its end.
fn executions(log: &str) -> Option<u64> {
    log.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_corpus_is_of_a_target() {
        let targets = targets().ok().unwrap();
        for known in ["head", "loopback", "secret"] {
            assert!(targets.iter().any(|target| target == known), "{targets:?}");
        }
    }

    #[test]
    fn the_figure_is_found() {
        let log = "Done 12 runs in 1 second(s)\nstat::number_of_executed_units: 12\nstat::average_exec_per_sec:     6\n";
        assert_eq!(executions(log), Some(12));
        assert_eq!(executions("==1== ERROR: libFuzzer: deadly signal\n"), None);
    }
}
