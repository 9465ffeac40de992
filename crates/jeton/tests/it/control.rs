//! Commands that a running server does: its control socket.

use crate::support::{Installation, Sandbox, Server, text};
use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

fn connect(sandbox: &Sandbox) -> UnixStream {
    let stream = UnixStream::connect(sandbox.file("control.sock")).unwrap();
    stream.set_read_timeout(Some(crate::support::PATIENCE)).unwrap();
    stream
}

/// Sends one message, whatever it says, and returns the answer's text.
pub(crate) fn exchange(sandbox: &Sandbox, message: &[u8]) -> String {
    let mut stream = connect(sandbox);
    stream.write_all(&[VERSION]).unwrap();
    stream.write_all(&u32::try_from(message.len()).unwrap().to_be_bytes()).unwrap();
    stream.write_all(message).unwrap();
    read_answer(stream)
}

/// What a connection begins with.
const VERSION: u8 = 1;

/// The answer, behind reports that the server works on it.
fn read_answer(mut stream: UnixStream) -> String {
    loop {
        let answer = read_message(&mut stream);
        if !answer.starts_with("{\"working\"") {
            assert_eq!(stream.read(&mut [0]).unwrap(), 0, "one answer is all");
            return answer;
        }
    }
}

fn read_message(stream: &mut UnixStream) -> String {
    let mut length = [0; 4];
    stream.read_exact(&mut length).unwrap();
    let mut message = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
    stream.read_exact(&mut message).unwrap();
    String::from_utf8(message).unwrap()
}

#[test]
fn beside_a_server_a_command_needs_nothing_but_the_socket() {
    let installation = Installation::sqlite().serve();
    let sandbox = &installation.sandbox;
    std::fs::rename(sandbox.file("keys.json"), sandbox.file("keys.away")).unwrap();
    let made = sandbox.json(&["token", "create", "--app", "demo"]);
    assert_eq!(installation.server().auth(text(&made, "access_token")), 200);
    sandbox.json(&["token", "revoke", "2", "--app", "demo"]);
    assert_eq!(installation.server().auth(text(&made, "access_token")), 401);
}

/// A socket's name has at most 107 bytes. A directory's name may have more.
#[test]
fn the_directory_may_have_a_long_name() {
    let sandbox = Sandbox::sqlite();
    let folder = sandbox.data_dir().join("a".repeat(200)).join("b".repeat(200));
    let folder = folder.to_str().unwrap();
    sandbox.json(&["init", "--data-dir", folder]);
    let server = Server::start(&sandbox, &["--data-dir", folder]);
    std::fs::remove_file(format!("{folder}/keys.json")).unwrap();
    let made = sandbox.json(&["token", "create", "--app", "demo", "--data-dir", folder]);
    assert_eq!(server.auth(text(&made, "access_token")), 200);
}

/// What root makes, the server's user cannot read.
#[test]
fn root_leaves_the_data_of_others_to_their_server() {
    if !rustix::process::geteuid().is_root() {
        return jeton_testkit::say_skipped("run is not root's");
    }
    let installation = Installation::sqlite();
    let sandbox = &installation.sandbox;
    std::os::unix::fs::chown(sandbox.data_dir(), Some(65_532), Some(65_532)).unwrap();
    for command in [&["keys", "add"][..], &["token", "create", "--app", "demo"], &["init"]] {
        sandbox.run(command).fails(2, "sudo -u '#65532' jeton");
    }
    // Beside a server, it is the server that makes files.
    let server = Server::start(sandbox, &[]);
    let made = sandbox.json(&["token", "create", "--app", "demo"]);
    assert_eq!(server.auth(text(&made, "access_token")), 200);
}

/// A server in the same directory may work on another database: then a command does its own work.
#[test]
fn a_server_with_another_database_is_passed_over() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let mut installation = Installation::sqlite();
    let sandbox = &installation.sandbox;
    let url = Sandbox::postgres().database_url.unwrap();
    let elsewhere = sandbox.json(&["init", "--database-url", &url, "--app", "elsewhere"]);
    installation.server = Some(Server::start(sandbox, &["--database-url", &url]));
    let apps =
        |arguments: &[&str]| sandbox.rows(&[&["app", "list"], arguments].concat())[0]["app_key"].clone();
    assert_eq!(apps(&[]), "demo");
    assert_eq!(apps(&["--database-url", &url]), "elsewhere");
    let made = sandbox.json(&["token", "create", "--app", "demo"]);
    assert_eq!(installation.server().auth(text(&made, "access_token")), 401);
    let admin_token = text(&elsewhere, "admin_token");
    assert_eq!(installation.server().ask("GET", "/AccessToken/elsewhere", admin_token, None).status, 200);
}

#[test]
fn what_is_no_request_is_refused() {
    let installation = Installation::sqlite().serve();
    let sandbox = &installation.sandbox;
    let is_usage = |answer: &str| {
        let answer: Value = serde_json::from_str(answer).unwrap();
        assert_eq!(answer["failed"]["kind"], "usage", "{answer}");
    };
    for message in ["", "{", "[]", r#"{"database":"sqlite","request":"drop_everything"}"#] {
        is_usage(&exchange(sandbox, message.as_bytes()));
    }
    let mut too_long = connect(sandbox);
    too_long.write_all(&[&[VERSION][..], &u32::MAX.to_be_bytes()].concat()).unwrap();
    is_usage(&read_answer(too_long));
    let mut of_another_version = connect(sandbox);
    of_another_version.write_all(&[VERSION + 1]).unwrap();
    is_usage(&read_answer(of_another_version));
    let other = json!({"database": "another", "request": "app_list"}).to_string();
    assert_eq!(exchange(sandbox, other.as_bytes()), r#""elsewhere""#);
    let sound = json!({"database": "sqlite", "request": "app_list"}).to_string();
    assert!(exchange(sandbox, sound.as_bytes()).starts_with(r#"{"done":[{"app_key":"demo","#));
}

/// A client that connects and sends nothing, or disconnects half-way, delays neither others nor the end.
#[test]
fn one_that_asks_nothing_holds_nobody_up() {
    let mut installation = Installation::sqlite().serve();
    let silent = connect(&installation.sandbox);
    let mut halfway = connect(&installation.sandbox);
    halfway.write_all(b"\x01\0\0\0\x50{\"database\"").unwrap();
    let mut gone = connect(&installation.sandbox);
    gone.write_all(b"\x01\0\0").unwrap();
    drop(gone);
    installation.sandbox.rows(&["app", "list"]);
    let log = installation.server.take().unwrap().stop();
    assert!(!log.contains("cut"), "{log}");
    drop((silent, halfway));
}

#[test]
fn a_command_says_so_when_its_server_is_stopped() {
    let mut installation = Installation::sqlite().serve();
    let pid = installation.server().pid();
    kill_process(pid, Signal::STOP).unwrap();
    let create = ["token", "create", "--app", "demo"];
    let begun = tokio::time::Instant::now();
    installation.sandbox.run(&create).fails(4, &format!("process {} is stopped", pid.as_raw_nonzero()));
    assert!(begun.elapsed().as_secs() < 12, "{:?}", begun.elapsed());
    kill_process(pid, Signal::CONT).unwrap();
    installation.sandbox.json(&create);
    let tokens = installation.sandbox.rows(&["token", "list", "--app", "demo"]);
    assert_eq!(tokens.as_array().unwrap().len(), 2, "what a command has given up is not done afterwards");
    installation.server.take().unwrap().stop();
}

#[test]
fn a_command_hears_that_its_server_works() {
    let installation = Installation::sqlite().serve();
    let message = json!({"database": "sqlite", "request": "check"}).to_string();
    let mut stream = connect(&installation.sandbox);
    stream.write_all(&[VERSION]).unwrap();
    stream.write_all(&u32::try_from(message.len()).unwrap().to_be_bytes()).unwrap();
    stream.write_all(message.as_bytes()).unwrap();
    let first = read_message(&mut stream);
    assert!(first.starts_with("{\"working\":"), "{first}");
    assert!(read_answer(stream).contains("sound"));
}

/// A file in the place of the socket is not removed.
#[test]
fn only_a_socket_gives_way_to_the_socket() {
    let sandbox = Installation::sqlite().sandbox;
    std::fs::write(sandbox.file("control.sock"), "precious").unwrap();
    let run = sandbox.run(&["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    run.fails(4, "something other than a socket");
    assert_eq!(std::fs::read_to_string(sandbox.file("control.sock")).unwrap(), "precious");
}
