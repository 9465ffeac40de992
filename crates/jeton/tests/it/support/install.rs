//! Where a test's data is.

use super::{Run, SecondNode, Server, program, run, text};
use jeton_testkit::Cluster;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use tempfile::TempDir;

/// A data directory that does not exist yet, and perhaps an empty PostgreSQL database.
pub(crate) struct Sandbox {
    folder: TempDir,
    pub(crate) database_url: Option<String>,
    /// What commands said on standard error.
    stderr: Mutex<String>,
}

/// How long a query may take in tests: many run at a time, and what a busy machine delays is no outage.
const QUERY_SECONDS: (&str, &str) = ("JETON_LIMITS_QUERY_SECONDS", "20");

impl Sandbox {
    pub(crate) fn sqlite() -> Self {
        Sandbox::on(None)
    }

    pub(crate) fn postgres() -> Self {
        Sandbox::on(Some(Cluster::shared().create_database()))
    }

    /// Another data directory for the database at `database_url`.
    pub(crate) fn on(database_url: Option<String>) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        Sandbox { folder, database_url, stderr: Mutex::default() }
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.data_dir().join(name)
    }

    /// A file beside the data directory.
    pub(crate) fn scratch(&self, name: &str, content: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).expect("a file can be written");
        path.into_os_string().into_string().expect("the folder has a name in UTF-8")
    }

    /// The program with these arguments, working here.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(program(), arguments)
    }

    /// The same with another build of the program.
    pub(crate) fn command_of(&self, mut command: Command, arguments: &[&str]) -> Command {
        command.args(arguments).env("JETON_DATA_DIR", self.data_dir()).env(QUERY_SECONDS.0, QUERY_SECONDS.1);
        if let Some(url) = &self.database_url {
            command.env("JETON_DATABASE_URL", url);
        }
        command
    }

    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, "")
    }

    /// The same with standard input.
    #[track_caller]
    pub(crate) fn run_with(&self, arguments: &[&str], input: &str) -> Run {
        let run = run(&mut self.command(arguments), input);
        self.stderr.lock().unwrap_or_else(PoisonError::into_inner).push_str(&run.stderr);
        run
    }

    /// The one JSON value that a command prints with `--json`.
    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        self.run(&[arguments, &["--json"]].concat()).json()
    }

    /// The rows of a list, as an array.
    #[track_caller]
    pub(crate) fn rows(&self, arguments: &[&str]) -> Value {
        self.run(&[arguments, &["--json"]].concat()).rows()
    }

    #[track_caller]
    pub(crate) fn init(&self) -> Value {
        self.json(&["init"])
    }

    /// What all commands so far have said on standard error.
    pub(crate) fn stderr(&self) -> String {
        self.stderr.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A place that was initialised, with a server or without.
pub(crate) struct Installation {
    pub(crate) sandbox: Sandbox,
    pub(crate) credentials: Value,
    pub(crate) server: Option<Server>,
    /// Whether clients read by another node than they write by.
    pub(crate) is_split: bool,
    pub(crate) second: Option<SecondNode>,
}

impl Installation {
    #[track_caller]
    pub(crate) fn sqlite() -> Self {
        Installation::at(Sandbox::sqlite())
    }

    #[track_caller]
    pub(crate) fn postgres() -> Self {
        Installation::at(Sandbox::postgres())
    }

    /// One on PostgreSQL whose clients read by a second node what they write by the first, once it is served.
    #[track_caller]
    pub(crate) fn on_two_nodes() -> Self {
        Installation { is_split: true, ..Installation::postgres() }
    }

    #[track_caller]
    pub(crate) fn at(sandbox: Sandbox) -> Self {
        let credentials = sandbox.init();
        Installation { sandbox, credentials, server: None, is_split: false, second: None }
    }

    /// The same with these settings of app demo changed.
    #[track_caller]
    pub(crate) fn with(self, settings: &Value) -> Self {
        let merge = ["app", "settings", "demo", "--merge", "-", "--json"];
        self.sandbox.run_with(&merge, &settings.to_string()).json();
        self
    }

    /// The secret of a new token that speaks for a user in app demo.
    #[track_caller]
    pub(crate) fn token_of(&self, user: &str) -> String {
        let token = self.sandbox.json(&["token", "create", "--app", "demo", "--user-id", user]);
        text(&token, "access_token").to_owned()
    }

    #[track_caller]
    pub(crate) fn serve(self) -> Self {
        let server = Server::start(&self.sandbox, &[]);
        let second = self.is_split.then(|| SecondNode::beside(&server, &self.sandbox));
        Installation { server: Some(server), second, ..self }
    }

    /// The same with the limit on queries that users have.
    #[track_caller]
    pub(crate) fn serve_as_shipped(self, arguments: &[&str]) -> Self {
        let mut command = self.sandbox.command(&["serve"]);
        let server = Server::launched(command.args(arguments).env_remove(QUERY_SECONDS.0));
        Installation { server: Some(server), ..self }
    }

    /// Where clients come to it.
    pub(crate) fn address(&self) -> SocketAddr {
        self.second.as_ref().map_or_else(|| self.server().address, SecondNode::address)
    }

    pub(crate) fn server(&self) -> &Server {
        self.server.as_ref().expect("this installation is served")
    }

    pub(crate) fn credential(&self, name: &str) -> &str {
        text(&self.credentials, name)
    }
}
