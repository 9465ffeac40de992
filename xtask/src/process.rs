//! Runs other programs, and prints them so that a reader can run them too.

use crate::error::Error;
use crate::root;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The cargo that runs this task, at the workspace's root.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// Runs `command` to its end, with this program's output streams.
pub(crate) fn run(command: &mut Command) -> Result<(), Error> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Error::Exit { command: written(command), status }),
        Err(source) => Err(Error::Start { command: written(command), source }),
    }
}

/// Runs `command` to its end, with this program's output streams, and returns what it printed.
pub(crate) fn run_and_read(command: &mut Command) -> Result<String, Error> {
    let failed = |command: &Command, source| Error::Start { command: written(command), source };
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|source| failed(command, source))?;
    let mut printed = String::new();
    for line in child.stdout.take().into_iter().flat_map(|stdout| BufReader::new(stdout).lines()) {
        let line = line.map_err(|source| failed(command, source))?;
        println!("{line}");
        printed.push_str(&line);
        printed.push('\n');
    }
    match child.wait().map_err(|source| failed(command, source))? {
        status if status.success() => Ok(printed),
        status => Err(Error::Exit { command: written(command), status }),
    }
}

/// Runs `command` to its end; its output is shown only if it fails.
pub(crate) fn run_quietly(command: &mut Command) -> Result<(), Error> {
    match command.stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(Output { status, stdout, stderr }) => {
            print!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
            Err(Error::Exit { command: written(command), status })
        }
        Err(source) => Err(Error::Start { command: written(command), source }),
    }
}

/// What `command` prints; `None` if it is not installed or fails.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let Output { status, stdout, .. } = command.output().ok()?;
    status.success().then(|| String::from_utf8_lossy(&stdout).into_owned())
}

/// `command` as it would be typed at the workspace's root.
pub(crate) fn written(command: &Command) -> String {
    let mut words = Vec::new();
    for (name, value) in command.get_envs() {
        let name = name.to_string_lossy();
        words.push(match value {
            Some(value) => format!("{name}={}", quoted(value)),
            None => format!("{name}="),
        });
    }
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    words.push(quoted(name));
    words.extend(command.get_args().map(quoted));
    words.join(" ")
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_written_as_it_is_typed() {
        let mut command = Command::new("/usr/bin/cargo");
        command.args(["doc", "it's", ""]).env("FLAGS", "-D warnings").env_remove("GONE");
        assert_eq!(written(&command), r"FLAGS='-D warnings' GONE= cargo doc 'it'\''s' ''");
    }

    #[test]
    fn a_failure_names_the_command() {
        let failed = run(Command::new("sh").args(["-c", "exit 7"])).unwrap_err();
        assert_eq!(failed.to_string(), "sh -c 'exit 7': exit status: 7");
        let failed = run_quietly(Command::new("sh").args(["-c", "exit 7"])).unwrap_err();
        assert_eq!(failed.to_string(), "sh -c 'exit 7': exit status: 7");
        let failed = run_and_read(Command::new("sh").args(["-c", "echo x; exit 7"])).unwrap_err();
        assert_eq!(failed.to_string(), "sh -c 'echo x; exit 7': exit status: 7");
        let absent = run(&mut Command::new("/nowhere/program")).unwrap_err();
        assert!(absent.to_string().starts_with("program: cannot be run: "), "{absent}");
    }

    #[test]
    fn what_a_command_printed_can_be_read() {
        assert_eq!(run_and_read(Command::new("printf").arg("a\\nb")).unwrap(), "a\nb\n");
    }

    #[test]
    fn output_is_there_only_if_the_command_succeeds() {
        assert_eq!(output(Command::new("echo").arg("x")), Some("x\n".to_owned()));
        assert_eq!(output(Command::new("sh").args(["-c", "echo x; exit 1"])), None);
        assert_eq!(output(&mut Command::new("/nowhere/program")), None);
    }
}
