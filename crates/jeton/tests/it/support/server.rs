//! A running `jeton serve`.

use super::{Answer, Lines, Sandbox, request, run::Run};
use rustix::process::{Pid, Signal, kill_process};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

/// A server on ports of its own. Dropping it kills it.
pub(crate) struct Server {
    child: Child,
    stdout: Lines,
    stderr: Lines,
    /// What clients use.
    pub(crate) address: SocketAddr,
    /// What operators use.
    pub(crate) admin_address: SocketAddr,
}

impl Server {
    /// Starts one, and waits until it listens.
    #[track_caller]
    pub(crate) fn start(sandbox: &Sandbox, arguments: &[&str]) -> Self {
        Server::launched(sandbox.command(&["serve"]).args(arguments))
    }

    /// The same with a command that someone has prepared.
    #[track_caller]
    pub(crate) fn launched(command: &mut Command) -> Self {
        let mut child = launch(command);
        let stdout = Lines::of(child.stdout.take().expect("standard output is piped"));
        let stderr = Lines::of(child.stderr.take().expect("standard error is piped"));
        let address = announced(&stderr, "listening on ");
        let admin_address = announced(&stderr, "admin listening on ");
        Server { child, stdout, stderr, address, admin_address }
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends a signal and waits for the end. The standard error of the run is the whole log.
    #[track_caller]
    pub(crate) fn end(&mut self, signal: Signal) -> Run {
        kill_process(self.pid(), signal).expect("a child can be sent a signal");
        self.wait()
    }

    /// Waits for the end.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> Run {
        let (stdout, stderr) = (self.stdout.to_end(), self.stderr.to_end());
        let status = self.child.wait().expect("a child can be waited for");
        Run { code: status.code(), stdout, stderr }
    }

    /// Asks it to stop as a supervisor does. It obeys, and says nothing on standard output.
    #[track_caller]
    pub(crate) fn stop(&mut self) -> String {
        let run = self.end(Signal::TERM);
        assert_eq!(run.code, Some(0), "{run:#?}");
        assert_eq!(run.stdout, "", "{run:#?}");
        run.stderr
    }

    /// Waits for a line of the log that has `mark`: see [`Lines::wait_for`].
    #[track_caller]
    pub(crate) fn says(&self, mark: &str) -> String {
        self.stderr.wait_for(mark)
    }

    /// What follows `mark` in the next line of the log that has it.
    #[track_caller]
    pub(crate) fn rest(&self, mark: &str) -> String {
        self.stderr.rest_of_line(mark)
    }

    /// A request with `token`.
    #[track_caller]
    pub(crate) fn ask(&self, method: &str, target: &str, token: &str, body: Option<&str>) -> Answer {
        request(self.address, method, target, &[format!("Authorization: Bearer {token}")], body)
    }

    /// What forward-auth says of a token of app demo.
    #[track_caller]
    pub(crate) fn auth(&self, token: &str) -> u16 {
        self.ask("GET", "/auth/demo", token, None).status
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Neither fails unless it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Starts a server whose output is piped, on ports that the system picks unless the command says otherwise.
#[track_caller]
pub(crate) fn launch(command: &mut Command) -> Child {
    let given: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
    for flag in ["--listen", "--admin-listen"] {
        if !given.iter().any(|argument| argument == flag) {
            command.args([flag, "127.0.0.1:0"]);
        }
    }
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    child.unwrap_or_else(|e| panic!("{command:?}: {e}"))
}

#[track_caller]
fn announced(log: &Lines, mark: &str) -> SocketAddr {
    let url = log.wait_for(mark);
    // In a log for machines the line goes on.
    let url = url.trim_end_matches(['"', '}']);
    let address = url.split_once("://").map_or(url, |(_, address)| address);
    address.parse().unwrap_or_else(|e| panic!("{address:?}: {e}"))
}
