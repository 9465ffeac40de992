//! The memory of a server holds keys and secrets: it goes into no core dump, and other processes of its user
//! cannot read it.

use crate::support::{Installation, Server, program};
use rustix::process::{Pid, geteuid};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// Whose file the memory of a process is: its user's if that user may read it, else the system
/// administrator's (proc(5)).
fn memory_owner(pid: Pid) -> u32 {
    std::fs::metadata(format!("/proc/{}/mem", pid.as_raw_nonzero())).unwrap().uid()
}

#[test]
fn a_server_leaves_no_core() {
    let installation = Installation::sqlite().serve();
    let pid = installation.server().pid();
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", pid.as_raw_nonzero())).unwrap();
    let core = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    let values: Vec<_> = core.split_whitespace().take(2).collect();
    assert_eq!(values, ["0", "0"], "soft and hard");
}

/// The administrator's own processes cannot show the difference, so the server runs as another user then.
#[test]
fn a_servers_memory_is_its_own() {
    const NOBODY: u32 = 65_534;
    let is_root = geteuid().is_root();
    let user = if is_root { NOBODY } else { geteuid().as_raw() };
    let installation = Installation::sqlite();
    let sandbox = &installation.sandbox;
    // Where the program was built, another user may not look.
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let copy = folder.path().join("jeton");
    std::fs::copy(program().get_program(), &copy).unwrap();
    if is_root {
        for path in [
            sandbox.data_dir().parent().unwrap(),
            &sandbox.data_dir(),
            &sandbox.file("jeton.db"),
            &sandbox.file("keys.json"),
        ] {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }
    let as_user = |program: &Path| {
        let mut command = Command::new(program);
        if is_root {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    };
    let mut ordinary = as_user(Path::new("cat")).stdin(Stdio::piped()).spawn().unwrap();
    assert_eq!(memory_owner(Pid::from_child(&ordinary)), user, "an ordinary process is its user's");
    drop(ordinary.stdin.take());
    ordinary.wait().unwrap();

    let mut command = as_user(&copy);
    command.arg("serve").env("JETON_DATA_DIR", sandbox.data_dir()).current_dir("/");
    let server = Server::launched(&mut command);
    assert_eq!(memory_owner(server.pid()), 0, "only the system administrator may read a server's memory");
}
