//! A directory that processes have for their root.

use crate::support::{Run, run};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Dropping it removes it, with what is mounted there.
pub(super) struct Root {
    folder: TempDir,
    has_proc: bool,
}

impl Root {
    /// A copy of a whole system.
    pub(super) fn of(system: &Path) -> Self {
        let folder = tempfile::tempdir_in(system.parent().unwrap()).unwrap();
        let copy = run(
            Command::new("cp").args(["-a", "--reflink=auto"]).arg(system.join(".")).arg(folder.path()),
            "",
        );
        copy.done();
        let proc = folder.path().join("proc");
        run(Command::new("mount").args(["-t", "proc", "proc"]).arg(&proc), "").done();
        Root { folder, has_proc: true }
    }

    /// One with nothing in it.
    pub(super) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        Root { folder, has_proc: false }
    }

    /// Takes away what was mounted there.
    pub(super) fn unmount(&mut self) {
        if std::mem::take(&mut self.has_proc) {
            // Lazily: a program that was killed may not have ended yet.
            drop(Command::new("umount").arg("--lazy").arg(self.path("proc")).status());
        }
    }

    /// Where a path of it is outside.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// The text of a file.
    pub(super) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// The number of a user, and of the group with the same name.
    pub(super) fn id(&self, user: &str) -> u32 {
        let users = self.read("etc/passwd");
        let line = users.lines().find_map(|line| line.strip_prefix(user)?.strip_prefix(":x:"));
        let id = line.and_then(|rest| rest.split(':').next());
        id.unwrap_or_else(|| panic!("there is no user {user}:\n{users}")).parse().unwrap()
    }

    /// A command that runs there, by a user of that system.
    pub(super) fn command(&self, user: &str, words: &[&str]) -> Command {
        let mut command = Command::new("chroot");
        command.arg(format!("--userspec={user}")).arg(self.folder.path()).args(words).env_clear();
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("DEBIAN_FRONTEND", "noninteractive");
        command
    }

    /// Runs a command there.
    #[track_caller]
    pub(super) fn run_as(&self, user: &str, words: &[&str]) -> Run {
        run(&mut self.command(user, words), "")
    }

    /// The same as root.
    #[track_caller]
    pub(super) fn run(&self, words: &[&str]) -> Run {
        self.run_as("0:0", words)
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        self.unmount();
    }
}
