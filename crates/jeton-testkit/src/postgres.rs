//! A PostgreSQL cluster that lives as long as the test process.

mod secured;
mod standby;

use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The oldest major version that is supported.
const OLDEST_MAJOR: u32 = 15;
/// Where Debian and its derivatives keep each major version's programs.
const VERSIONS_FOLDER: &str = "/usr/lib/postgresql";
/// How often another port is tried after one was taken in the meantime.
const PORTS_TRIED: usize = 5;

static SHARED: OnceLock<Cluster> = OnceLock::new();

/// A PostgreSQL server with no data but the tests' own, on 127.0.0.1 and on a Unix socket, without passwords
/// and, but for a [`durable`](Cluster::durable) one, without fsync. It is stopped and its files are removed
/// when this process ends, however it ends.
#[derive(Debug)]
pub struct Cluster {
    programs: PathBuf,
    directory: PathBuf,
    port: u16,
    databases: AtomicU32,
    #[expect(
        dead_code,
        reason = "holds its standard input, whose closing, by whatever cause, ends the server"
    )]
    supervisor: Child,
}

/// Where a commit is when it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Commits {
    /// Lost with the machine, which tests do not mind.
    InMemory,
    OnDisk,
}

impl Cluster {
    /// This process's one cluster, started by the first caller.
    ///
    /// # Panics
    /// PostgreSQL 15 or newer is not installed, or does not start. `JETON_TEST_POSTGRES_BIN` names the folder
    /// of its programs where it is not `/usr/lib/postgresql/<version>/bin`.
    pub fn shared() -> &'static Cluster {
        SHARED.get_or_init(|| Cluster::start(&programs(), Commits::InMemory, None))
    }

    /// Another one, for the caller alone, which ends when it is dropped.
    ///
    /// # Panics
    /// As [`shared`](Self::shared) does.
    pub fn own() -> Cluster {
        Cluster::start(&programs(), Commits::InMemory, None)
    }

    /// The same with durable commits, PostgreSQL's default.
    ///
    /// # Panics
    /// As [`shared`](Self::shared) does.
    pub fn durable() -> Cluster {
        Cluster::start(&programs(), Commits::OnDisk, None)
    }

    /// The URL of a new, empty database, whose owner the URL's user is. That user has no other rights.
    ///
    /// # Panics
    /// PostgreSQL refused.
    pub fn create_database(&self) -> String {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{number}");
        self.administer(&[&created(&name, "template0")]);
        format!("postgres://jeton@127.0.0.1:{}/{name}", self.port)
    }

    /// The URL of a new database with what the one at `url` holds, to which nobody is connected.
    ///
    /// # Panics
    /// PostgreSQL refused.
    pub fn copy_database(&self, url: &str) -> String {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let copy = format!("test_{number}");
        self.administer(&[&created(&copy, name(url))]);
        format!("postgres://jeton@127.0.0.1:{}/{copy}", self.port)
    }

    /// Recreates the database at `url`, empty, even while it is in use.
    ///
    /// # Panics
    /// PostgreSQL refused.
    pub fn empty_database(&self, url: &str) {
        let name = name(url);
        self.administer(&[&format!("DROP DATABASE {name} WITH (FORCE)"), &created(name, "template0")]);
    }

    /// Loads a [dump](Self::dump) into the empty database at `url`, in one transaction.
    ///
    /// # Panics
    /// PostgreSQL refused.
    pub fn fill_database(&self, url: &str, dump: &str) {
        let file = self.directory.join(format!("{}.sql", name(url)));
        fs::write(&file, dump).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        self.run(
            self.program("psql")
                .args(["--no-psqlrc", "--no-password", "--quiet", "--single-transaction"])
                .args(["--set=ON_ERROR_STOP=1", "--dbname", url, "--file"])
                .arg(&file),
        );
    }

    /// Replaces the database at `url` by the one at `other`, even while it is in use.
    ///
    /// # Panics
    /// PostgreSQL refused.
    pub fn replace_database(&self, url: &str, other: &str) {
        let (name, other) = (name(url), name(other));
        self.administer(&[
            &format!("DROP DATABASE {name} WITH (FORCE)"),
            &format!("ALTER DATABASE {other} RENAME TO {name}"),
        ]);
    }

    /// The contents of the database at `url`, as `pg_dump` writes them. Columns of bytes are in hex.
    ///
    /// # Panics
    /// The database cannot be dumped.
    pub fn dump(&self, url: &str) -> String {
        self.run(self.program("pg_dump").args(["--no-password", "--dbname", url]))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// Where the cluster keeps its files, the socket among them.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The server's first process, whose children all others are.
    ///
    /// # Panics
    /// PostgreSQL has not written it down.
    pub fn process(&self) -> Pid {
        let path = self.directory.join("data/postmaster.pid");
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let pid = text.lines().next().and_then(|line| line.trim().parse().ok());
        pid.and_then(Pid::from_raw).unwrap_or_else(|| panic!("no process in {text:?}"))
    }

    /// One of PostgreSQL's own programs, of the server's version, such as `psql`.
    pub fn program(&self, name: &str) -> Command {
        Command::new(self.programs.join(name))
    }

    /// Suspends all its processes until the result is dropped. For an [`own`](Self::own) cluster only.
    ///
    /// # Panics
    /// It does not run.
    pub fn suspend(&self) -> Suspended {
        // The first starts no other while it is stopped itself.
        let mut suspended = self.suspend_first();
        let first = suspended.0[0].as_raw_nonzero();
        let children = fs::read_to_string(format!("/proc/{first}/task/{first}/children"));
        children.expect("the system lists processes").split_whitespace().for_each(|pid| {
            suspended.stop(pid);
        });
        suspended
    }

    /// Stops only the process that accepts connections: existing ones continue.
    ///
    /// # Panics
    /// It does not run.
    pub fn suspend_first(&self) -> Suspended {
        let file = self.directory.join("data/postmaster.pid");
        let text = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let mut suspended = Suspended(Vec::new());
        suspended.stop(text.lines().next().unwrap_or_default());
        suspended
    }

    fn start(programs: &Path, commits: Commits, primary: Option<&Cluster>) -> Cluster {
        for _ in 0..PORTS_TRIED {
            let port = free_port();
            let mut supervisor = spawn_supervisor(programs, port, commits, primary);
            let stdout = supervisor.stdout.take().expect("standard output is piped");
            let mut answer = String::new();
            BufReader::new(stdout).read_line(&mut answer).expect("a supervisor's answer can be read");
            if let Some(directory) = answer.trim_end().strip_prefix("ready ") {
                return Cluster {
                    programs: programs.to_owned(),
                    directory: PathBuf::from(directory),
                    port,
                    databases: AtomicU32::new(0),
                    supervisor,
                };
            }
            let status = supervisor.wait().expect("a child can be waited for");
            assert_eq!(
                answer,
                "port taken\n",
                "PostgreSQL in {} did not start ({status}); it says why above",
                programs.display()
            );
        }
        panic!("of {PORTS_TRIED} free TCP ports, each was taken before PostgreSQL could use it");
    }

    /// What these statements answer, each in a transaction of its own, to the superuser.
    fn administer(&self, statements: &[&str]) -> String {
        let mut psql = self.program("psql");
        psql.args(["--no-psqlrc", "--no-password", "--quiet", "--tuples-only", "--no-align"]);
        psql.args(["--set=ON_ERROR_STOP=1", "--host"]);
        psql.arg(&self.directory).args(["--port", &self.port.to_string(), "--username=postgres"]);
        psql.arg("--dbname=postgres").args(statements.iter().flat_map(|statement| ["--command", statement]));
        self.run(&mut psql)
    }

    fn run(&self, command: &mut Command) -> String {
        let output = command.output().unwrap_or_else(|e| panic!("cannot run {command:?}: {e}"));
        assert!(output.status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("the cluster speaks UTF-8")
    }
}

fn created(name: &str, template: &str) -> String {
    format!("CREATE DATABASE {name} TEMPLATE {template} OWNER jeton")
}

/// The name of the database at `url`.
fn name(url: &str) -> &str {
    url.rsplit('/').next().and_then(|name| name.split('?').next()).unwrap_or_default()
}

/// A cluster whose processes are stopped. Dropping this lets them go on.
#[derive(Debug)]
pub struct Suspended(Vec<Pid>);

impl Suspended {
    fn stop(&mut self, pid: &str) {
        let pid = pid.trim().parse().expect("a process id is a number");
        let process = Pid::from_raw(pid).expect("a process id is positive");
        kill_process(process, Signal::STOP).unwrap_or_else(|e| panic!("{process:?}: {e}"));
        self.0.push(process);
    }
}

impl Drop for Suspended {
    fn drop(&mut self) {
        for process in &self.0 {
            // One that was killed meanwhile cannot go on.
            let _ = kill_process(*process, Signal::CONT);
        }
    }
}

fn spawn_supervisor(programs: &Path, port: u16, commits: Commits, primary: Option<&Cluster>) -> Child {
    let mut command = as_owner("sh");
    command
        .args(["-c", include_str!("postgres/supervise.sh"), "supervise"])
        .arg(programs)
        .arg(port.to_string())
        .arg(if commits == Commits::OnDisk { "on" } else { "off" })
        .arg(primary.map(|primary| primary.port.to_string()).unwrap_or_default())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // A group of its own: what interrupts or kills the group of the tests must not reach it before it has
        // cleaned up.
        .process_group(0)
        .spawn()
        .unwrap_or_else(|e| panic!("cannot run {:?}: {e}", command.get_program()))
}

/// A program that runs as the owner of clusters. PostgreSQL refuses to run as root: then that is the system user `postgres`, which
/// its package created.
fn as_owner(program: impl AsRef<OsStr>) -> Command {
    let mut command = if rustix::process::geteuid().is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    // A folder that every user may be in.
    command.current_dir("/");
    command
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("127.0.0.1 has a free port");
    listener.local_addr().expect("a bound listener has an address").port()
}

fn programs() -> PathBuf {
    if let Some(folder) = std::env::var_os("JETON_TEST_POSTGRES_BIN") {
        return PathBuf::from(folder);
    }
    newest_programs(Path::new(VERSIONS_FOLDER)).unwrap_or_else(|| {
        panic!(
            "no PostgreSQL {OLDEST_MAJOR} or newer in {VERSIONS_FOLDER}. Run `cargo xtask test`, which installs it, \
             or set JETON_TEST_POSTGRES_BIN to the folder that holds initdb and pg_ctl"
        )
    })
}

/// The programs of the highest major version under `versions` that is supported and has a server.
fn newest_programs(versions: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(versions).ok()?;
    entries
        .filter_map(|entry| {
            let folder = entry.ok()?.path();
            let major: u32 = folder.file_name()?.to_str()?.parse().ok()?;
            let programs = folder.join("bin");
            (major >= OLDEST_MAJOR && programs.join("initdb").is_file()).then_some((major, programs))
        })
        .max()
        .map(|(_, programs)| programs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn install(versions: &Path, major: &str, program: &str) {
        let programs = versions.join(major).join("bin");
        fs::create_dir_all(&programs).unwrap();
        fs::write(programs.join(program), "").unwrap();
    }

    #[test]
    fn the_newest_supported_server_is_found() {
        let versions = tempfile::tempdir().unwrap();
        let versions = versions.path();
        assert_eq!(newest_programs(&versions.join("absent")), None);
        install(versions, "14", "initdb");
        install(versions, "18", "psql");
        install(versions, "common", "initdb");
        assert_eq!(newest_programs(versions), None, "too old, a client only, no version");
        install(versions, "9", "initdb");
        install(versions, "15", "initdb");
        assert_eq!(newest_programs(versions), Some(versions.join("15/bin")));
        install(versions, "100", "initdb");
        assert_eq!(newest_programs(versions), Some(versions.join("100/bin")));
    }
}
