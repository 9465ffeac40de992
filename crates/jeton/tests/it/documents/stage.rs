//! Where a page is tried: a folder with the repository's own files, a shell, and a server.

use super::page::{Commands, Exchange};
use super::shell::Shell;
use crate::support::{Server, program};
use jeton_testkit::Cluster;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
/// What pages name of the repository.
const FOLDERS: [&str; 3] = ["deploy", "docs", "examples"];
/// Folders of a machine: in the documents, and below the folder of a stage.
const PLACES: [(&str, &str); 2] = [("/var/backups", "backups"), ("/var/lib/jeton", "lib")];
/// The database in the documents.
const DATABASE: &str = "postgres://jeton@db/jeton";

/// What there is before the first command of a page.
#[derive(Clone, Copy, Debug)]
pub(super) enum Start {
    /// Nothing.
    Empty,
    /// A server in its first run, on `./jeton-data`.
    Served,
    /// An installation in `/var/lib/jeton`, and an empty PostgreSQL database.
    Database,
}

pub(super) struct Stage {
    folder: TempDir,
    shell: Shell,
    server: Option<Server>,
    database_url: Option<String>,
    /// Where the backend of the examples listens.
    port: u16,
}

impl Stage {
    pub(super) fn set(start: Start) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        for name in FOLDERS {
            symlink(Path::new(ROOT).join(name), folder.path().join(name)).unwrap();
        }
        std::fs::create_dir(folder.path().join("backups")).unwrap();
        let shell = Shell::start(folder.path());
        // Whoever takes it meanwhile lets the backend fail, not others.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut stage = Stage { folder, shell, server: None, database_url: None, port };
        match start {
            Start::Empty => {}
            Start::Served => stage.serve("jeton serve"),
            Start::Database => {
                stage.serve("jeton serve --data-dir /var/lib/jeton");
                stage.stop();
                stage.database_url = Some(Cluster::shared().create_database());
            }
        }
        stage
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// Runs a block, and compares what it shows.
    #[track_caller]
    pub(super) fn run(&mut self, commands: &Commands) {
        for Exchange { typed, shown } in &commands.exchanges {
            if let Some(command) = serving(typed) {
                assert_eq!(shown.text(), "", "{}: what a server logs is not compared", commands.place);
                self.serve(command);
                continue;
            }
            let typed = self.mapped(typed);
            let shown = shown.with(|text| self.mapped(text));
            let printed = self.shell.run(&typed).unwrap_or_else(|printed| {
                panic!("{}: a command fails:\n{typed}\nIt shows:\n{printed}\n", commands.place)
            });
            assert!(
                shown.is_like(&printed),
                "{}:\n{typed}\nshows:\n{printed}\nnot:\n{}\n",
                commands.place,
                shown.text()
            );
        }
    }

    /// Starts the program under test as `command` says, in place of the server that runs.
    fn serve(&mut self, command: &str) {
        self.stop();
        let mut server = program();
        server.current_dir(self.folder.path()).env("JETON_LIMITS_QUERY_SECONDS", "20");
        let command = self.mapped(command);
        let mut words = command.split_whitespace();
        for (name, value) in
            words.by_ref().take_while(|word| *word != "jeton").filter_map(|w| w.split_once('='))
        {
            server.env(name, value);
        }
        // Each page has ports of its own.
        server.args(words.map(|word| if word.starts_with("127.0.0.1:80") { "127.0.0.1:0" } else { word }));
        let server = self.server.insert(Server::launched(&mut server));
        // What the examples read.
        let environment = format!("export JETON_URL=http://{} PORT={}\n", server.address, self.port);
        assert_eq!(self.shell.run(&environment), Ok(String::new()));
    }

    fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.stop();
        }
    }

    /// The text with the addresses and folders that there are here.
    fn mapped(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, here) in PLACES {
            text = text.replace(name, &self.path(here));
        }
        if let Some(url) = &self.database_url {
            text = text.replace(DATABASE, url);
        }
        if let Some(server) = &self.server {
            text = text.replace("127.0.0.1:8080", &server.address.to_string());
            text = text.replace("127.0.0.1:8081", &server.admin_address.to_string());
        }
        text = text.replace("127.0.0.1:3000", &format!("127.0.0.1:{}", self.port));
        text
    }

    fn path(&self, name: &str) -> String {
        let path: PathBuf = self.folder.path().join(name);
        path.into_os_string().into_string().expect("the folder has a name in UTF-8")
    }
}

/// The command that starts a server, if this is one.
fn serving(typed: &str) -> Option<&str> {
    let typed = typed.trim();
    if typed.contains('\n') {
        return None;
    }
    let of_cargo = typed.strip_prefix("cargo run --release -- serve").map(|_| "jeton serve");
    let is_program = || {
        let mut words = typed.split_whitespace().skip_while(|word| word.contains('='));
        words.next() == Some("jeton") && words.next() == Some("serve")
    };
    of_cargo.or_else(|| is_program().then_some(typed))
}

#[test]
fn what_starts_a_server_is_told_from_other_commands() {
    assert_eq!(serving("cargo run --release -- serve\n"), Some("jeton serve"));
    assert_eq!(serving("A=1 jeton serve --listen x"), Some("A=1 jeton serve --listen x"));
    for other in
        ["jeton token list", "jeton config show\njeton serve", "echo jeton serve", "cargo xtask test"]
    {
        assert_eq!(serving(other), None, "{other}");
    }
}
