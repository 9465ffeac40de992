//! A database that is taken away or written over under a running server: from then on nothing is
//! acknowledged, and what was is still to be had.

use crate::support::{Answer, Installation, Sandbox, Server, request_if_served, text};
use serde_json::json;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Executor};
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Asks in a row before something is believed to stay as it is: many times as many as come while a server
/// notices.
pub(super) const ASKS: usize = 1_000_000;

/// Creates of one creator, at most.
const MOST: usize = 50_000;

/// How a database goes.
struct Shape {
    act: fn(&Sandbox, &Server),
    /// What the log says.
    mark: &'static str,
    /// Whether all that was acknowledged can still be saved.
    is_whole: bool,
    /// How the server is started that it happens to.
    serve: fn(&Sandbox) -> Server,
}

const PLAIN: Shape =
    Shape { act: remove, mark: REMOVED, is_whole: true, serve: |sandbox| Server::start(sandbox, &[]) };
const REMOVED: &str = "jeton.db was removed or moved";
const OVERWRITTEN: &str = "jeton.db was written over";

const SHAPES: [Shape; 7] = [
    PLAIN,
    Shape { act: remove_log, mark: "jeton.db-wal was removed or moved", ..PLAIN },
    Shape { act: move_directory, ..PLAIN },
    Shape { act: rename_over, mark: "jeton.db was replaced", ..PLAIN },
    Shape { act: copy_over, mark: OVERWRITTEN, is_whole: false, ..PLAIN },
    Shape { act: copy_old_over, mark: OVERWRITTEN, is_whole: false, ..PLAIN },
    Shape { act: take_back, mark: "the database is older than it was", is_whole: false, ..PLAIN },
];

/// Where the server has a view of its own of what is mounted.
const MOUNTED: [Shape; 2] = [
    Shape { act: mount_nothing, serve: serve_apart, ..PLAIN },
    Shape { act: mount_copy, mark: "jeton.db was replaced", serve: serve_apart, ..PLAIN },
];

#[test]
fn a_database_that_is_replaced_acknowledges_nothing() {
    every_shape(2, 20);
}

#[test]
fn a_disk_that_is_mounted_over_the_directory_acknowledges_nothing() {
    for shape in mountable() {
        replace(shape, 2, 20);
    }
}

/// Those with mounts, where this user may mount.
fn mountable() -> &'static [Shape] {
    let tried = Command::new("unshare").args(["--map-root-user", "--mount", "true"]).output();
    if tried.is_ok_and(|tried| tried.status.success()) {
        return &MOUNTED;
    }
    jeton_testkit::say_skipped("user may mount nothing, not even in a namespace of its own");
    &[]
}

/// Every shape, with so many creators, once so many creates were acknowledged. Answers a figure.
pub(super) fn every_shape(creators: usize, least: usize) -> String {
    let shapes: Vec<_> = SHAPES.iter().chain(mountable()).collect();
    let acknowledged: usize = shapes.iter().map(|shape| replace(shape, creators, least)).sum();
    format!("{} shapes, {acknowledged} creates acknowledged", shapes.len())
}

/// Replaces the database while so many create tokens, once so many were acknowledged. Answers how many were
/// in the end.
fn replace(shape: &Shape, creators: usize, least: usize) -> usize {
    let installation = Installation::sqlite();
    let sandbox = &installation.sandbox;
    fs::copy(sandbox.file("jeton.db"), old(sandbox)).unwrap();
    sandbox.json(&["backup", backup(sandbox).to_str().unwrap()]);
    let mut server = (shape.serve)(sandbox);
    let admin = installation.credential("admin_token");
    let known = sandbox.json(&["token", "create", "--app", "demo"]);
    let known = text(&known, "access_token");
    assert_eq!(server.auth(known), 200);

    let count = AtomicUsize::new(0);
    let acknowledged: Vec<String> = thread::scope(|scope| {
        let creator = || create_until_refused(server.address, admin, &count);
        let creating: Vec<_> = (0..creators).map(|_| scope.spawn(creator)).collect();
        while count.load(Ordering::Relaxed) < least {
            thread::yield_now();
        }
        (shape.act)(sandbox, &server);
        let refused = create(server.address, admin).map(|answer| answer.status);
        assert_eq!(refused, Some(503), "{}", shape.mark);
        creating.into_iter().flat_map(|creating| creating.join().unwrap()).collect()
    });
    server.says(shape.mark);
    for address in [server.address, server.admin_address] {
        let ready = request_if_served(address, "GET", "/readyz", &[], None).unwrap();
        assert_eq!((ready.status, &ready.json()["status"]), (503, &json!("unavailable")));
        assert_eq!(request_if_served(address, "GET", "/healthz", &[], None).unwrap().status, 200);
    }
    assert_eq!(server.ask("GET", "/AccessToken/demo", admin, None).status, 503);
    // What is remembered is believed for as long as if the database could not be reached: of tokens, and of
    // secrets that nobody was given.
    for (secret, remembered) in [(known, 200), (&"0123456789abcdef".repeat(4), 401)] {
        let last = (0..ASKS).map(|_| server.auth(secret)).find(|status| *status != remembered);
        assert_eq!(last, Some(503), "{}", shape.mark);
    }
    if shape.is_whole {
        sandbox.json(&[
            "backup",
            backup(sandbox).to_str().unwrap(),
            "--force",
            "--data-dir",
            &whereabouts(sandbox),
        ]);
    }
    let log = server.stop();
    assert_eq!(log.matches("nothing is read or written any more").count(), 1, "{log}");
    restored(sandbox, shape.is_whole.then_some(&acknowledged), known);
    acknowledged.len()
}

/// Restores the backup where the database was, and finds there what was acknowledged.
fn restored(sandbox: &Sandbox, acknowledged: Option<&Vec<String>>, known: &str) {
    let moved = moved(sandbox);
    if moved.exists() {
        fs::rename(moved, sandbox.data_dir()).unwrap();
    }
    remove_files(sandbox);
    sandbox.json(&["restore", backup(sandbox).to_str().unwrap()]);
    let server = Server::start(sandbox, &[]);
    if let Some(acknowledged) = acknowledged {
        assert_eq!(server.auth(known), 200);
        assert!(acknowledged.iter().all(|token| server.auth(token) == 200));
    }
}

/// The secrets of those that were acknowledged.
pub(super) fn create_until_refused(address: SocketAddr, admin: &str, count: &AtomicUsize) -> Vec<String> {
    let answers = std::iter::from_fn(|| {
        let answer = create(address, admin).filter(|answer| answer.status == 200)?;
        count.fetch_add(1, Ordering::Relaxed);
        Some(text(&answer.json()["data"], "access_token").to_owned())
    });
    // A server that never refuses is found out all the same.
    answers.take(MOST).collect()
}

pub(super) fn create(address: SocketAddr, admin: &str) -> Option<Answer> {
    let body = json!({"title": "t", "permissions": "read"}).to_string();
    let by = [format!("Authorization: Bearer {admin}")];
    request_if_served(address, "POST", "/AccessToken/demo", &by, Some(&body))
}

fn backup(sandbox: &Sandbox) -> PathBuf {
    sandbox.data_dir().with_file_name("backup.db")
}

/// A copy of the database as it was before it was served.
fn old(sandbox: &Sandbox) -> PathBuf {
    sandbox.data_dir().with_file_name("old.db")
}

fn moved(sandbox: &Sandbox) -> PathBuf {
    sandbox.data_dir().with_file_name("moved")
}

/// Where the control socket is now.
fn whereabouts(sandbox: &Sandbox) -> String {
    let moved = moved(sandbox);
    let folder = if moved.exists() { moved } else { sandbox.data_dir() };
    folder.into_os_string().into_string().unwrap()
}

fn remove(sandbox: &Sandbox, _: &Server) {
    remove_files(sandbox);
}

fn remove_files(sandbox: &Sandbox) {
    for name in ["jeton.db", "jeton.db-wal", "jeton.db-shm"] {
        let _ = fs::remove_file(sandbox.file(name));
    }
}

fn remove_log(sandbox: &Sandbox, _: &Server) {
    fs::remove_file(sandbox.file("jeton.db-wal")).unwrap();
}

fn move_directory(sandbox: &Sandbox, _: &Server) {
    fs::rename(sandbox.data_dir(), moved(sandbox)).unwrap();
}

fn rename_over(sandbox: &Sandbox, _: &Server) {
    let copy = sandbox.file("copy.db");
    fs::copy(backup(sandbox), &copy).unwrap();
    fs::rename(copy, sandbox.file("jeton.db")).unwrap();
}

fn copy_over(sandbox: &Sandbox, _: &Server) {
    fs::copy(backup(sandbox), sandbox.file("jeton.db")).unwrap();
}

fn copy_old_over(sandbox: &Sandbox, _: &Server) {
    fs::copy(old(sandbox), sandbox.file("jeton.db")).unwrap();
}

fn take_back(sandbox: &Sandbox, _: &Server) {
    let take_back = async {
        let url = format!("sqlite://{}", sandbox.file("jeton.db").display());
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        let older = "BEGIN IMMEDIATE; DELETE FROM changes WHERE sequence > 4; \
                     UPDATE sqlite_sequence SET seq = 4 WHERE name = 'changes'; COMMIT";
        connection.execute(older).await.unwrap();
        connection.close().await.unwrap();
    };
    tokio::runtime::Runtime::new().unwrap().block_on(take_back);
}

/// A server in a mount namespace of its own.
fn serve_apart(sandbox: &Sandbox) -> Server {
    let plain = sandbox.command(&["serve"]);
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount"]).arg(plain.get_program()).args(plain.get_args());
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    Server::launched(&mut command)
}

fn mount(server: &Server, arguments: &[&str], sandbox: &Sandbox) {
    let mut command = Command::new("nsenter");
    command.args(["--user", "--mount", "--preserve-credentials", "--target"]);
    command.arg(server.pid().as_raw_nonzero().to_string());
    let mounted = command.arg("mount").args(arguments).arg(sandbox.data_dir()).output().unwrap();
    assert!(mounted.status.success(), "{}", String::from_utf8_lossy(&mounted.stderr));
}

fn mount_nothing(sandbox: &Sandbox, server: &Server) {
    mount(server, &["-t", "tmpfs", "none"], sandbox);
}

fn mount_copy(sandbox: &Sandbox, server: &Server) {
    let copy = sandbox.data_dir().with_file_name("copy");
    fs::create_dir(&copy).unwrap();
    for file in ["jeton.db", "jeton.db-wal", "jeton.db-shm", "keys.json"] {
        fs::copy(sandbox.file(file), copy.join(file)).unwrap();
    }
    mount(server, &["--bind", copy.to_str().unwrap()], sandbox);
}
