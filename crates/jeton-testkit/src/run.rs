//! The kind of test run, and the programs that tests need.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;

/// True in the fast run (`cargo xtask test --fast`), which has no PostgreSQL, gateways, Python or Node.js.
/// The full gate is never fast. The only reader of `JETON_TEST_FAST`.
pub fn fast() -> bool {
    std::env::var_os("JETON_TEST_FAST").is_some_and(|value| value == "1")
}

/// True if the calling test must return at once because this run is [`fast`] and has no `need`. One line that
/// names the test then stands in the run's output, also where the harness captures what tests print.
///
/// ```
/// # fn a_test() {
/// if jeton_testkit::skips("PostgreSQL") {
///     return;
/// }
/// # }
/// ```
pub fn skips(need: &str) -> bool {
    if !fast() {
        return false;
    }
    say_skipped(&format!("fast run has no {need}"));
    true
}

/// Reports that the calling test was skipped, wholly or in part, for a reason that no installation could
/// change. Goes into the run's output also where the harness captures what tests print.
pub fn say_skipped(reason: &str) {
    let thread = std::thread::current();
    let line = format!("skipped, since this {reason}: {}\n", thread.name().unwrap_or("a test"));
    // Written to the stream itself: the harness captures only what goes through `print!` and `eprint!`.
    std::io::stderr()
        .write_all(line.as_bytes())
        .unwrap_or_else(|e| panic!("cannot say that a test was skipped: {e}"));
}

/// The Python interpreter that has everything in `tests/python/requirements.txt`.
///
/// # Panics
/// `JETON_TEST_PYTHON` does not name one; the message says how to get it.
pub fn python() -> PathBuf {
    interpreter(std::env::var_os("JETON_TEST_PYTHON"))
}

fn interpreter(named: Option<OsString>) -> PathBuf {
    named.map(PathBuf::from).filter(|path| path.is_file()).unwrap_or_else(|| {
        panic!(
            "this test drives a published Python client. Run `cargo xtask test`, which installs it, or set \
             JETON_TEST_PYTHON to the interpreter of an environment that has tests/python/requirements.txt"
        )
    })
}

/// The folder whose `node_modules` holds everything in `tests/node/package-lock.json`.
///
/// # Panics
/// `JETON_TEST_NODE` does not name one; the message says how to get it.
pub fn node() -> PathBuf {
    packages(std::env::var_os("JETON_TEST_NODE"))
}

fn packages(named: Option<OsString>) -> PathBuf {
    named.map(PathBuf::from).filter(|folder| folder.join("node_modules").is_dir()).unwrap_or_else(|| {
        panic!(
            "this test drives a published Node client. Run `cargo xtask test`, which installs it, or set \
             JETON_TEST_NODE to a folder with tests/node/package-lock.json where `npm ci` has run"
        )
    })
}

/// The program nginx, of whatever version a distribution has.
///
/// # Panics
/// There is none; the message says how to get it.
pub fn nginx() -> PathBuf {
    gateway("JETON_TEST_NGINX", "/usr/sbin/nginx")
}

/// The program PgBouncer, of whatever version a distribution has.
///
/// # Panics
/// There is none; the message says how to get it.
pub fn pgbouncer() -> PathBuf {
    let path = std::env::var_os("JETON_TEST_PGBOUNCER").unwrap_or_else(|| "/usr/sbin/pgbouncer".into());
    present(path.into(), "puts PgBouncer in front of PostgreSQL", "JETON_TEST_PGBOUNCER to the program")
}

/// A program of Prometheus' package, `prometheus` or `promtool`.
///
/// # Panics
/// There is none; the message says how to get it.
pub fn prometheus(program: &str) -> PathBuf {
    let folder = std::env::var_os("JETON_TEST_PROMETHEUS").unwrap_or_else(|| "/usr/bin".into());
    let path = PathBuf::from(folder).join(program);
    present(path, "asks it about rules and dashboards", "JETON_TEST_PROMETHEUS to its folder")
}

/// The program Caddy, of whatever version a distribution has.
///
/// # Panics
/// There is none; the message says how to get it.
pub fn caddy() -> PathBuf {
    gateway("JETON_TEST_CADDY", "/usr/bin/caddy")
}

/// The program HAProxy, of whatever version a distribution has.
///
/// # Panics
/// There is none; the message says how to get it.
pub fn haproxy() -> PathBuf {
    gateway("JETON_TEST_HAPROXY", "/usr/sbin/haproxy")
}

/// The program Envoy, which is in `tests/python/requirements.txt`.
///
/// # Panics
/// It is not there; the message says how to get it.
pub fn envoy() -> PathBuf {
    const FIND: &str = "import envoy, pathlib; print(pathlib.Path(envoy.__file__).parent / '_bin' / 'envoy')";
    let found = std::process::Command::new(python()).args(["-c", FIND]).output();
    let found = found.ok().filter(|output| output.status.success());
    let path = found.and_then(|output| String::from_utf8(output.stdout).ok());
    let path = path.map(|path| PathBuf::from(path.trim())).filter(|path| path.is_file());
    path.expect("Python's environment has no Envoy. Run `cargo xtask test`, which installs it")
}

fn gateway(variable: &str, usual: &str) -> PathBuf {
    named_gateway(variable, std::env::var_os(variable).unwrap_or_else(|| usual.into()))
}

fn named_gateway(variable: &str, named: OsString) -> PathBuf {
    present(named.into(), "puts it in front of the server", &format!("{variable} to the program"))
}

/// A program that is there. `use_of_it`: what this test does with it; `to_set`: what names another one.
fn present(path: PathBuf, use_of_it: &str, to_set: &str) -> PathBuf {
    assert!(
        path.is_file(),
        "{} is not there, and this test {use_of_it}. Run `cargo xtask test`, which has it, or set {to_set}",
        path.display()
    );
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_interpreter_is_taken_as_it_is() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(interpreter(Some(file.path().into())), file.path());
    }

    #[test]
    #[should_panic(expected = "Run `cargo xtask test`")]
    fn without_an_interpreter_the_message_says_what_to_run() {
        interpreter(None);
    }

    #[test]
    #[should_panic(expected = "Run `cargo xtask test`")]
    fn an_interpreter_that_is_gone_is_none() {
        let folder = tempfile::tempdir().unwrap();
        interpreter(Some(folder.path().join("python").into()));
    }

    #[test]
    fn the_named_packages_are_taken_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("node_modules")).unwrap();
        assert_eq!(packages(Some(folder.path().into())), folder.path());
    }

    #[test]
    #[should_panic(expected = "Run `cargo xtask test`")]
    fn without_packages_the_message_says_what_to_run() {
        packages(None);
    }

    #[test]
    #[should_panic(expected = "Run `cargo xtask test`")]
    fn a_folder_where_nothing_was_installed_is_none() {
        let folder = tempfile::tempdir().unwrap();
        packages(Some(folder.path().into()));
    }

    #[test]
    fn the_named_gateway_is_taken_as_it_is() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(named_gateway("JETON_TEST_NGINX", file.path().into()), file.path());
    }

    #[test]
    #[should_panic(expected = "Run `cargo xtask test`")]
    fn a_gateway_that_is_gone_is_none() {
        let folder = tempfile::tempdir().unwrap();
        named_gateway("JETON_TEST_NGINX", folder.path().join("nginx").into());
    }
}
