//! PgBouncer in front of a database.

use crate::run::pgbouncer;
use rustix::process::geteuid;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// How often another port is tried after one was taken in the meantime.
const PORTS_TRIED: usize = 5;

/// Runs PgBouncer until standard input is closed, for whatever reason.
const SUPERVISED: &str = r#""$@" & read -r _; kill "$!"; wait "$!""#;

/// PgBouncer in its mode `transaction`, with so few connections that its clients have to share them. It is
/// stopped when this is dropped or this process ends.
#[derive(Debug)]
pub struct Pooler {
    url: String,
    process: Child,
    _folder: TempDir,
}

impl Pooler {
    /// A pooler in front of the database at `url`, which is of a [`Cluster`](crate::Cluster).
    ///
    /// # Panics
    /// There is no PgBouncer, or it does not start.
    pub fn before(url: &str) -> Self {
        for _ in 0..PORTS_TRIED {
            if let Some(pooler) = Self::start(url) {
                return pooler;
            }
        }
        panic!("PgBouncer does not start");
    }

    fn start(url: &str) -> Option<Self> {
        let (server, database) = url.rsplit_once('/').unwrap_or_else(|| panic!("{url} names no database"));
        let (user, address) = server
            .trim_start_matches("postgres://")
            .split_once('@')
            .unwrap_or_else(|| panic!("{url} names no user"));
        let (host, port) = address.split_once(':').unwrap_or_else(|| panic!("{url} names no port"));
        let own = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .unwrap_or_else(|error| panic!("no port is free: {error}"))
            .port();
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no folder: {error}"));
        let path = folder.path().join("pgbouncer.ini");
        let text = format!(
            "[databases]\n{database} = host={host} port={port} user={user}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {own}\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\ndefault_pool_size = 4\n\
             server_round_robin = 1\n"
        );
        let written = fs::write(&path, text)
            .and_then(|()| fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)));
        written.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut command = Command::new("sh");
        command.args(["-c", SUPERVISED, "sh"]).arg(pgbouncer());
        // It refuses to run as root.
        command.args(if geteuid().is_root() { &["-u", "nobody"][..] } else { &[] }).arg(&path);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let process = command.spawn().unwrap_or_else(|error| panic!("sh does not start: {error}"));
        let url = format!("postgres://{user}@127.0.0.1:{own}/{database}?sslmode=disable");
        // From here on it is reaped on drop.
        let mut pooler = Pooler { url, process, _folder: folder };
        let output =
            pooler.process.stderr.take().into_iter().flat_map(|stderr| BufReader::new(stderr).lines());
        let mut lines = output.map_while(Result::ok);
        if !lines.any(|line| line.contains("process up")) {
            return None;
        }
        // It keeps logging, and would block if that were not read.
        std::thread::spawn(move || lines.for_each(drop));
        Some(pooler)
    }

    /// The URL of the database through it.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // Only its end matters.
        let _ = self.process.wait();
    }
}
