//! Programs that run beside the measurement.

use crate::error::Error;
use crate::process::written;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long a program may take to listen, or to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program of which what it says is kept. It is ended, by its id, when this is dropped.
pub(super) struct Child {
    command: String,
    child: std::process::Child,
    said: Receiver<String>,
}

impl Child {
    /// # Errors
    /// It cannot be started.
    pub(super) fn start(command: &mut Command) -> Result<Self, Error> {
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.map_err(|source| Error::Start { command: written(command), source })?;
        let (sender, said) = channel();
        let streams: [Option<Box<dyn Read + Send>>; 2] = [
            child.stdout.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>),
            child.stderr.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>),
        ];
        for stream in streams.into_iter().flatten() {
            let sender = sender.clone();
            // Reads to the end even if nobody listens: a full pipe would hold the program up.
            thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    drop(sender.send(line));
                }
            });
        }
        Ok(Child { command: written(command), child, said })
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What follows `mark` in the next line that has it.
    ///
    /// # Errors
    /// No such line comes.
    pub(super) fn wait_for(&self, mark: &str) -> Result<String, Error> {
        let mut all = String::new();
        while let Ok(line) = self.said.recv_timeout(PATIENCE) {
            if let Some((_, rest)) = line.split_once(mark) {
                return Ok(rest.trim().to_owned());
            }
            all.push_str(&line);
            all.push('\n');
        }
        Err(Error::Unclear { command: self.command.clone(), output: all })
    }

    /// Waits until the program listens there.
    ///
    /// # Errors
    /// It does not.
    pub(super) fn wait_for_port(&self, port: u16) -> Result<(), Error> {
        let begun = now();
        while begun.elapsed() < PATIENCE {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(());
            }
            thread::park_timeout(Duration::from_millis(20));
        }
        let output = self.said.try_iter().collect::<Vec<_>>().join("\n");
        Err(Error::Unclear { command: self.command.clone(), output })
    }

    /// Asks it to end, and waits.
    ///
    /// # Errors
    /// It cannot be asked or waited for.
    pub(super) fn stop(mut self) -> Result<(), Error> {
        let failed = |source| Error::Start { command: self.command.clone(), source };
        kill_process(Pid::from_child(&self.child), Signal::TERM).map_err(|error| failed(error.into()))?;
        self.child.wait().map(drop).map_err(failed)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // nginx and others have children of their own, which they take along when they are asked. Each of these calls
        // fails only if it has ended already.
        drop(kill_process(Pid::from_child(&self.child), Signal::TERM).map_err(std::io::Error::from));
        let begun = now();
        while begun.elapsed() < PATIENCE {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::park_timeout(Duration::from_millis(5));
        }
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A port that nobody listens on at the moment.
///
/// # Errors
/// There is none.
pub(super) fn free_port() -> Result<u16, Error> {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let address = listener.map_err(|source| Error::Files { what: "a free port".to_owned(), source })?;
    Ok(address.port())
}

#[expect(clippy::disallowed_methods, reason = "time is what is measured here")]
pub(super) fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Child {
        Child::start(Command::new("sh").args(["-c", script])).unwrap()
    }

    #[test]
    fn what_a_program_says_is_waited_for() {
        let child = shell("echo one; echo 'port: 7 ' >&2; exec cat");
        assert_eq!(child.wait_for("port:").unwrap(), "7");
    }

    #[test]
    fn a_program_that_ends_without_a_word_is_told_of() {
        let failure = shell("echo broken").wait_for("ready").err().unwrap().to_string();
        assert!(failure.contains("broken"), "{failure}");
    }

    #[test]
    fn a_program_is_ended_when_it_is_dropped() {
        let child = shell("exec sleep 1000");
        let id = child.id();
        drop(child);
        assert!(!std::path::Path::new(&format!("/proc/{id}")).exists());
    }

    #[test]
    fn a_port_that_is_listened_on_is_found() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        shell("exec sleep 1000").wait_for_port(listener.local_addr().unwrap().port()).unwrap();
    }
}
