//! A PostgreSQL server for a measurement.

use crate::failure::Failure;
use crate::needs::{self, target_folder};
use crate::process::{cargo, run, written};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// The program that holds one, and says on its second line where a database is.
const HOLDER: [&str; 5] = ["build", "--locked", "--package=jeton-testkit", "--bin", "hold-postgres"];

/// A server with an empty database. Dropping it ends it.
pub(super) struct Held {
    pub(super) url: String,
    process: Child,
}

impl Held {
    /// One that does not wait for its disk, as measurements of what is read want it.
    ///
    /// # Errors
    /// There is no PostgreSQL, or it does not start.
    pub(super) fn start() -> Result<Self, Failure> {
        Self::start_with(None)
    }

    /// One whose commits are on the disk when they are answered.
    ///
    /// # Errors
    /// There is no PostgreSQL, or it does not start.
    pub(super) fn start_durable() -> Result<Self, Failure> {
        Self::start_with(Some("durable"))
    }

    fn start_with(argument: Option<&str>) -> Result<Self, Failure> {
        needs::install_postgres()?;
        run(&mut cargo(&HOLDER))?;
        let mut command = Command::new(target_folder().join("debug/hold-postgres"));
        command.args(argument);
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut process = spawned.map_err(|source| Failure::Start { command: written(&command), source })?;
        let said = process.stdout.take().map(BufReader::new);
        let said: Vec<String> =
            said.into_iter().flat_map(BufRead::lines).map_while(Result::ok).take(2).collect();
        match said.as_slice() {
            [_, url] => Ok(Held { url: url.clone(), process }),
            _ => Err(Failure::Unclear { command: written(&command), output: said.join("\n") }),
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
