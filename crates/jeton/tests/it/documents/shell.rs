//! One shell for a page: what a reader types, and what the terminal shows then.

use crate::support::{Lines, program};
use rustix::process::{Pid, Signal, kill_process_group};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

/// Stands behind what a command prints.
const MARK: &str = "-- the command has ended --";

/// A shell that ends with its first command that fails. Dropping it kills it, and what it has started.
pub(super) struct Shell {
    child: Child,
    keyboard: ChildStdin,
    screen: Lines,
}

impl Shell {
    /// Starts it in a folder, with the program under test on its path.
    pub(super) fn start(folder: &Path) -> Self {
        let program = program();
        let place = PathBuf::from(program.get_program());
        let places = [place.parent().expect("the program is in a folder").to_owned()];
        let others = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(places.into_iter().chain(std::env::split_paths(&others)));
        let mut command = Command::new("sh");
        for (name, _) in program.get_envs() {
            command.env_remove(name);
        }
        // Many tests run at a time, and what a busy machine delays is no outage.
        command.env("PATH", path.unwrap()).env("JETON_LIMITS_QUERY_SECONDS", "20");
        command.current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        let mut child = command.spawn().expect("there is a shell");
        let mut keyboard = child.stdin.take().expect("standard input is piped");
        let screen = Lines::of(child.stdout.take().expect("standard output is piped"));
        writeln!(keyboard, "exec 2>&1; set -e").unwrap();
        Shell { child, keyboard, screen }
    }

    /// What is shown of these commands, whatever ends it left out; `Err`: the same, if one of them fails.
    pub(super) fn run(&mut self, commands: &str) -> Result<String, String> {
        // What a command reads is not the next one.
        let typed = format!("{{\n{}\n}} </dev/null\necho\necho '{MARK}'\n", commands.trim_end());
        // A shell that has ended takes nothing more, and what it has shown says why.
        drop(self.keyboard.write_all(typed.as_bytes()));
        let shown = self.screen.up_to(MARK);
        let without_end = |text: String| text.trim_end().to_owned();
        shown.map(without_end).map_err(without_end)
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // Neither fails unless they have ended already.
        kill_process_group(Pid::from_child(&self.child), Signal::KILL).ok();
        drop(self.child.wait());
    }
}

#[test]
fn a_shell_keeps_its_state_and_ends_with_what_fails() {
    let folder = tempfile::tempdir().unwrap();
    let mut shell = Shell::start(folder.path());
    assert_eq!(shell.run("A=1\n"), Ok(String::new()));
    assert_eq!(shell.run("cat; cat <<END\n$A $(pwd)\nEND\necho 2 >&2\nprintf 'x\\r\\n\\r\\n'"), {
        Ok(format!("1 {}\n2\nx", folder.path().canonicalize().unwrap().display()))
    });
    assert_eq!(shell.run("echo a; false; echo b"), Err("a".to_owned()));
    assert_eq!(shell.run("echo c"), Err(String::new()));
}
