//! Clusters that follow others, and clusters that die.

use super::{Cluster, Commits, as_owner, name};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

/// How often something is looked at that must be so soon, and the time in between.
const LOOKS: usize = 20_000;
const PAUSE: Duration = Duration::from_millis(3);

impl Cluster {
    /// A standby of this one: a copy that follows it. When this returns, every commit here waits until it is on the disk there, too.
    ///
    /// # Panics
    /// This one is not [`durable`](Self::durable), or PostgreSQL refused.
    pub fn standby(&self) -> Cluster {
        let standby = Cluster::start(&self.programs, Commits::OnDisk, Some(self));
        self.administer(&["ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"]);
        let state = "SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'";
        assert!(is_soon(|| self.administer(&[state]).trim() == "sync"), "no standby follows");
        standby
    }

    /// Makes a standby a primary. When this returns, it takes writes.
    ///
    /// # Panics
    /// It is no standby.
    pub fn promote(&self) {
        self.control(&["promote", "--wait"]);
    }

    /// Kills all its processes at once, as a machine does that loses its power: none hears of the end of another.
    ///
    /// # Panics
    /// It does not run.
    pub fn kill(&self) {
        let file = self.directory.join("data/postmaster.pid");
        let text = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let suspended = self.suspend();
        for process in &suspended.0 {
            kill_process(*process, Signal::KILL).unwrap_or_else(|e| panic!("{process:?}: {e}"));
        }
        for process in &suspended.0 {
            assert!(is_soon(|| has_ended(*process)), "{process:?} does not end");
        }
        // What its next start would ask about: whether a process still uses it, which one that has ended and that nobody has asked
        // about yet seems to.
        let memory = text.lines().nth(6).and_then(|line| line.split_whitespace().last());
        if let Some(id) = memory {
            drop(Command::new("ipcrm").args(["--shmem-id", id]).output());
        }
        for file in [file, self.directory.join(format!(".s.PGSQL.{}.lock", self.port))] {
            fs::remove_file(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        }
    }

    /// Starts one that was [killed](Self::kill): it recovers what was on the disk.
    ///
    /// # Panics
    /// It does not start.
    pub fn restart(&self) {
        let log = self.directory.join("log").display().to_string();
        self.control(&["start", "--wait", "--timeout=60", "--log", &log]);
    }

    /// The URL of the database that has the name of that at `url`, here.
    pub fn url_of(&self, url: &str) -> String {
        format!("postgres://jeton@{}/{}", self.address(), name(url))
    }

    /// Changes a setting of the server while it runs.
    ///
    /// # Panics
    /// There is none of this name, or it needs another value or a restart.
    pub fn configure(&self, setting: &str, value: &str) {
        self.administer(&[&format!("ALTER SYSTEM SET {setting} = '{value}'"), "SELECT pg_reload_conf()"]);
        let show = format!("SELECT current_setting('{setting}')");
        assert!(is_soon(|| self.administer(&[&show]).trim() == value), "{setting} stays as it is");
    }

    fn control(&self, arguments: &[&str]) {
        let mut command = as_owner(self.programs.join("pg_ctl"));
        command.arg("--pgdata").arg(self.directory.join("data")).arg("--silent").args(arguments);
        // Nothing is read of it: a server that it starts would hold that open.
        let status = command.stdout(Stdio::null()).status();
        let status = status.unwrap_or_else(|e| panic!("cannot run {command:?}: {e}"));
        let log = || fs::read_to_string(self.directory.join("log")).unwrap_or_default();
        assert!(status.success(), "{command:?} failed: {status}\n{}", log());
    }
}

/// Whether this is so now, or comes to be.
fn is_soon(mut look: impl FnMut() -> bool) -> bool {
    (0..LOOKS).any(|_| {
        let is_so = look();
        if !is_so {
            thread::park_timeout(PAUSE);
        }
        is_so
    })
}

/// Whether a process does nothing more. Somebody else may have yet to ask what became of it.
fn has_ended(process: Pid) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero()));
    // Behind the name, which may have any characters.
    let state = |status: &str| status.rsplit_once(')').and_then(|(_, rest)| rest.trim_start().chars().next());
    status.map_or(true, |status| matches!(state(&status), Some('Z' | 'X') | None))
}
