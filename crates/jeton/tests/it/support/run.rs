//! Running the program to its end.

use super::PATIENCE;
use serde_json::Value;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;

/// The program, with nothing in its environment that a developer may have set for it.
pub(crate) fn program() -> Command {
    // Proofs name the program as it ships.
    let built = std::env::var_os("JETON_TEST_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_jeton").into());
    let mut command = Command::new(built);
    let is_ours = |name: &str| name.starts_with("JETON_") || name.starts_with("LISTEN_");
    for (name, _) in std::env::vars().filter(|(name, _)| is_ours(name)) {
        command.env_remove(name);
    }
    for name in ["COLUMNS", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] {
        command.env_remove(name);
    }
    command
}

/// The same of the next version: where a proof names it, the one whose schema is newer, else the same again.
pub(crate) fn next_program() -> Command {
    let mut command = program();
    if let Some(next) = std::env::var_os("JETON_TEST_NEXT_PROGRAM") {
        let mut named = Command::new(next);
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => named.env(name, value),
                None => named.env_remove(name),
            };
        }
        command = named;
    }
    command
}

/// A program that has ended.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// `None`: a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// What it printed; it succeeded and had nothing to say beside that.
    #[track_caller]
    pub(crate) fn done(self) -> String {
        assert_eq!(self.code, Some(0), "{self:#?}");
        assert_eq!(self.stderr, "", "{self:#?}");
        self.stdout
    }

    /// The one JSON value that it printed, on one line.
    #[track_caller]
    pub(crate) fn json(self) -> Value {
        let stdout = self.done();
        assert_eq!(stdout.find('\n'), stdout.len().checked_sub(1), "one line: {stdout:?}");
        serde_json::from_str(&stdout).unwrap_or_else(|e| panic!("{e}: {stdout}"))
    }

    /// It is done, and printed these JSON values, a line each. An array of them.
    #[track_caller]
    pub(crate) fn rows(self) -> Value {
        let stdout = self.done();
        let row =
            |line: &str| -> Value { serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")) };
        stdout.lines().map(row).collect()
    }

    /// It failed with this exit code, printed nothing, and its message says `part`.
    #[track_caller]
    pub(crate) fn fails(self, code: i32, part: &str) {
        assert_eq!(self.code, Some(code), "{self:#?}");
        assert_eq!(self.stdout, "", "{self:#?}");
        assert!(self.stderr.contains(part), "not {part:?}: {self:#?}");
    }
}

/// Runs a command with this on its standard input.
#[track_caller]
pub(crate) fn run(command: &mut Command, input: &str) -> Run {
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let mut stdin = child.stdin.take().expect("standard input is piped");
    let input = input.to_owned();
    let writer = thread::spawn(move || {
        // A program that fails early reads nothing.
        drop(stdin.write_all(input.as_bytes()));
    });
    let run = finish(child);
    writer.join().expect("writing does not panic");
    run
}

/// Waits for a program to end; one that does not is killed.
#[track_caller]
pub(crate) fn finish(mut child: Child) -> Run {
    let stdout = child.stdout.take().map(drain);
    let stderr = child.stderr.take().map(drain);
    let mut read = |stream: Option<mpsc::Receiver<String>>| {
        let Some(stream) = stream else { return String::new() };
        stream.recv_timeout(PATIENCE).unwrap_or_else(|_| {
            drop(child.kill());
            panic!("the program does not end")
        })
    };
    let (stdout, stderr) = (read(stdout), read(stderr));
    let status = child.wait().expect("a child can be waited for");
    Run { code: status.code(), stdout, stderr }
}

fn drain(mut stream: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        drop(stream.read_to_end(&mut bytes));
        drop(sender.send(String::from_utf8(bytes).expect("the program speaks UTF-8")));
    });
    receiver
}
