//! A full disk: writes fail with that reason, reads continue, nothing is lost, and recovery needs no restart.

use crate::support::{Answer, Installation, Sandbox, Server, text};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Set where the test runs in a mount namespace of its own.
const INSIDE: &str = "JETON_TEST_MOUNTS_FREELY";
/// Megabytes of the file system on which the data is, and as many more for each round: what a round has written stays.
const DISK: u32 = 28;
const EACH_ROUND: u32 = 1;
/// Tokens that are revoked on a full disk, one after the other.
const REVOKED: usize = 200;
/// More creates than fit into what a full disk had room for before, in the log of the database.
const MOST_CREATES: usize = 20_000;

/// Runs this test again, in a mount namespace of its own, in which it may mount what it likes. `true`: it is
/// there already.
fn is_inside(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    // As another user than root, only one's own user namespace lets one mount.
    let flags = if rustix::process::geteuid().is_root() { "-m" } else { "-rm" };
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new("unshare");
    command.arg(flags).arg(program).args(["--exact", test, "--include-ignored", "--nocapture"]);
    let status = command.env(INSIDE, "1").status().unwrap();
    assert!(status.success(), "{command:?}: {status}");
    false
}

/// A small file system, mounted for as long as this lives.
struct Disk(PathBuf);

impl Disk {
    fn mount(folder: PathBuf, megabytes: u32) -> Self {
        fs::create_dir(&folder).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={megabytes}m,mode=0700"), "jeton-test"]);
        assert!(mount.arg(&folder).status().unwrap().success(), "{mount:?}");
        Disk(folder)
    }

    /// Leaves not one byte.
    fn fill(&self) {
        let path = self.0.join("ballast");
        let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
        for size in [65_536, 1] {
            let error = loop {
                if let Err(error) = file.write_all(&[0x5a; 65_536][..size]) {
                    break error;
                }
            };
            assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
        }
    }

    fn free(&self) {
        fs::remove_file(self.0.join("ballast")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Whatever still uses it is killed before the folder is removed.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

fn create(server: &Server, admin: &str) -> Answer {
    let body = json!({"title": "t", "permissions": "read"}).to_string();
    server.ask("POST", "/AccessToken/demo", admin, Some(&body))
}

/// The secret of a token that was created.
#[track_caller]
fn secret(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    text(&answer.json()["data"], "access_token").to_owned()
}

/// Asks until it is refused.
fn refused_at_last(ask: impl Fn() -> Answer) -> Answer {
    (0..MOST_CREATES).map(|_| ask()).find(|answer| answer.status != 200).expect("the disk is full")
}

/// Fills the disk and shows that a server on it goes on; answers the tokens that were acknowledged.
fn fill(disk: &Disk, server: &Server, installation: &Installation) -> Vec<String> {
    let sandbox = &installation.sandbox;
    let admin = installation.credential("admin_token");
    let mut acknowledged = vec![secret(&create(server, admin))];
    let victims = ["token", "create", "--app", "demo", "--permissions", "read"];
    let victims: Vec<Value> = (0..5).map(|_| sandbox.json(&victims)).collect();
    for _ in 0..REVOKED {
        secret(&create(server, admin));
    }
    let others = sandbox.rows(&["token", "list", "--app", "demo"]);
    let others: Vec<String> =
        others.as_array().unwrap()[..REVOKED].iter().map(|token| token["id"].to_string()).collect();
    disk.fill();
    let refused = (0..MOST_CREATES).map(|_| create(server, admin)).find(|answer| {
        if answer.status == 200 {
            acknowledged.push(secret(answer));
        }
        answer.status != 200
    });
    let refused = refused.expect("the disk is full");
    assert_eq!((refused.status, &refused.json()["code"]), (503, &json!(503)), "{refused:?}");

    let row = json!({"userId": 7}).to_string();
    // What is smaller may find room where a token did not.
    let refused = refused_at_last(|| server.ask("POST", "/api/accessTokens", admin, Some(&row)));
    assert_eq!((refused.status, &refused.json()["error"]["statusCode"]), (503, &json!(503)), "{refused:?}");
    let id = sandbox.rows(&["token", "list", "--app", "demo"])[0]["id"].to_string();
    let change = json!({"title": "x"}).to_string();
    let target = format!("/AccessToken/demo/{id}");
    assert_eq!(refused_at_last(|| server.ask("PUT", &target, admin, Some(&change))).status, 503);
    sandbox.run(&["token", "create", "--app", "demo"]).fails(4, "");
    let backup = sandbox.file("backup.db");
    sandbox.run(&["backup", backup.to_str().unwrap()]).fails(4, "");
    assert!(!names(&sandbox.data_dir()).iter().any(|name| name.contains("backup")), "nothing of it is left");
    // Last: what is given up for it has room for a small backup.
    take_away(server, installation, &victims, &others);

    for token in &acknowledged {
        assert_eq!(server.auth(token), 200);
    }
    assert_eq!(server.auth(&"0123456789abcdef".repeat(4)), 401);
    assert_eq!(server.ask("GET", "/AccessToken/demo", admin, None).status, 200);
    acknowledged
}

/// Takes rights away in every way: that is done whatever the disk is like, and good at once.
fn take_away(server: &Server, installation: &Installation, victims: &[Value], others: &[String]) {
    let (sandbox, admin) = (&installation.sandbox, installation.credential("admin_token"));
    let secret = |victim: &Value| text(victim, "access_token").to_owned();
    let id = |victim: &Value| victim["id"].to_string();
    let target = |victim: &Value| format!("/AccessToken/demo/{}", id(victim));
    let put = |victim: &Value, change: Value| {
        let answer = server.ask("PUT", &target(victim), admin, Some(&change.to_string()));
        assert_eq!(answer.status, 200, "{change}: {answer:?}");
    };
    let [disabled, narrowed, revoked, by_command, disabled_by_command] = victims else {
        panic!("five tokens")
    };
    put(disabled, json!({"enable": false}));
    assert_eq!(server.auth(&secret(disabled)), 401);
    put(narrowed, json!({"permissions": ""}));
    assert_eq!(server.ask("GET", "/auth/demo?permission=read", &secret(narrowed), None).status, 403);
    assert_eq!(server.ask("DELETE", &target(revoked), admin, None).status, 200);
    assert_eq!(server.auth(&secret(revoked)), 401);
    sandbox.run(&["token", "revoke", "--app", "demo", &id(by_command)]).done();
    assert_eq!(server.auth(&secret(by_command)), 401);
    sandbox.run(&["token", "update", "--app", "demo", &id(disabled_by_command), "--disable"]).done();
    assert_eq!(server.auth(&secret(disabled_by_command)), 401);
    for id in others {
        let answer = server.ask("DELETE", &format!("/AccessToken/demo/{id}"), admin, None);
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    // What gives rights waits for room.
    assert_eq!(refused_at_last(|| create(server, admin)).status, 503);
}

fn names(folder: &Path) -> Vec<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Fills and frees the disk so many times and answers how many tokens were acknowledged.
fn rounds(count: u32) -> usize {
    let sandbox = Sandbox::sqlite();
    let disk = Disk::mount(sandbox.data_dir(), DISK + EACH_ROUND * count.saturating_sub(1));
    let installation = Installation::at(sandbox);
    let (sandbox, admin) = (&installation.sandbox, installation.credential("admin_token"));
    let mut server = Server::start(sandbox, &[]);
    let mut acknowledged = Vec::new();
    for _ in 0..count {
        acknowledged.extend(fill(&disk, &server, &installation));
        disk.free();
        acknowledged.push(secret(&create(&server, admin)));
        assert_eq!(sandbox.json(&["check"])["sound"], true);
    }
    // Killed when there is no room, it starts again when there is.
    acknowledged.extend(fill(&disk, &server, &installation));
    server.end(Signal::KILL);
    disk.free();
    let server = Server::start(sandbox, &[]);
    for token in &acknowledged {
        assert_eq!(server.auth(token), 200);
    }
    assert_eq!(sandbox.json(&["check"])["sound"], true);
    acknowledged.len()
}

#[test]
fn a_full_disk_passes() {
    if is_inside("prove::disk_full::a_full_disk_passes") {
        assert!(rounds(1) > 2);
    }
}

#[test]
#[ignore = "a proof: cargo xtask prove disk-full"]
#[expect(clippy::print_stdout, reason = "a proof prints its figure")]
fn twenty_times() {
    const ROUNDS: u32 = 20;
    if is_inside("prove::disk_full::twenty_times") {
        let acknowledged = rounds(ROUNDS);
        println!("disk-full: filled and freed {ROUNDS} times, {acknowledged} tokens acknowledged, none lost");
    }
}
