//! What the tests start as well: programs of the testkit, each of which holds something until its input ends.

use crate::error::Error;
use crate::needs::target_folder;
use crate::process::{cargo, run, written};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// A running holder, and the two lines that it has said of what it holds. Dropping it ends both.
pub(super) struct Held {
    pub(super) said: [String; 2],
    process: Child,
}

impl Held {
    /// Builds the testkit's program of this name. What it says is made up by `with`, which gives it arguments and settings.
    ///
    /// # Errors
    /// It does not start, or what it holds does not.
    pub(super) fn start(name: &str, with: impl FnOnce(&mut Command)) -> Result<Self, Error> {
        run(&mut cargo(&["build", "--quiet", "--locked", "--package=jeton-testkit", "--bin", name]))?;
        let mut command = Command::new(target_folder().join("debug").join(name));
        with(&mut command);
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut process = spawned.map_err(|source| Error::Start { command: written(&command), source })?;
        let said = process.stdout.take().map(BufReader::new);
        let said: Vec<String> =
            said.into_iter().flat_map(BufRead::lines).map_while(Result::ok).take(2).collect();
        match said.try_into() {
            Ok(said) => Ok(Held { said, process }),
            Err(said) => Err(Error::Unclear { command: written(&command), output: said.join("\n") }),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // The end of its input ends it.
        drop(self.process.stdin.take());
        drop(self.process.wait());
    }
}
