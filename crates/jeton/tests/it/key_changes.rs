//! `jeton keys`, with servers that learn of another ring while they serve.

use crate::support::{Installation, Sandbox, Server, finish, launch, run, text};
use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// What a server says when it takes another ring.
const TAKEN: &str = "the key ring is another one";
/// What it says when it does not.
const NOT_TAKEN: &str = "the key ring was not taken over: ";

/// Puts a ring in the place of another as a whole, as a copying program does.
fn put(ring: &[u8], path: &Path) {
    let draft = path.with_extension("copied");
    fs::write(&draft, ring).unwrap();
    fs::set_permissions(&draft, fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(&draft, path).unwrap();
}

fn ring(sandbox: &Sandbox) -> Vec<u8> {
    fs::read(sandbox.file("keys.json")).unwrap()
}

fn new_token(sandbox: &Sandbox) -> String {
    let made = sandbox.json(&["token", "create", "--app", "demo", "--permissions", "read"]);
    text(&made, "access_token").to_owned()
}

fn states(sandbox: &Sandbox) -> Vec<Value> {
    let status = sandbox.json(&["keys", "status"]);
    let keys = status["keys"].as_array().unwrap();
    keys.iter().map(|key| json!([key["id"], key["state"]])).collect()
}

#[test]
fn a_key_is_refused_to_retire_as_long_as_a_row_needs_it() {
    let Installation { sandbox, .. } = Installation::sqlite();
    let token = new_token(&sandbox);
    assert_eq!(states(&sandbox), [json!([1, "current"])]);
    sandbox.run(&["keys", "retire", "1"]).fails(1, "make another one the current one first");
    let added = sandbox.json(&["keys", "add", "--only"]);
    assert_eq!(added, json!({"id": 2, "current": 1, "was_waiting": false}));
    assert_eq!(sandbox.json(&["keys", "add", "--only"])["was_waiting"], true);
    assert_eq!(sandbox.json(&["keys", "activate", "2"]), json!({"id": 2, "current": 2}));
    sandbox.run(&["keys", "activate", "1"]).fails(1, "only a newer one takes its place");
    sandbox.run(&["keys", "activate", "7"]).fails(1, "there is no key 7");
    sandbox.run(&["keys", "retire", "1"]).fails(1, "key 1 is still needed: ");
    sandbox.run(&["keys", "retire", "1"]).fails(1, "2 tokens");
    assert_eq!(states(&sandbox), [json!([1, "old"]), json!([2, "current"])]);
    let rekeyed = sandbox.json(&["keys", "rekey"]);
    assert_eq!(rekeyed["left"], 0, "{rekeyed}");
    let retired = sandbox.json(&["keys", "retire", "1"]);
    assert_eq!(retired, json!({"id": 1, "retired": true, "keeps_digest_keys": true}));
    sandbox.run(&["keys", "retire", "1"]).fails(1, "digests begin with it");
    sandbox.run(&["keys", "retire", "7"]).fails(1, "there is no key 7");
    assert_eq!(states(&sandbox), [json!([1, "retired"]), json!([2, "current"])]);
    let server = Server::start(&sandbox, &[]);
    assert_eq!(server.auth(&token), 200);
}

/// Each server has a ring of its own, which is copied to it.
#[test]
fn servers_of_one_database_learn_of_a_ring_without_a_restart() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let one = Installation::postgres().serve();
    let other = Sandbox::on(one.sandbox.database_url.clone());
    fs::create_dir(other.data_dir()).unwrap();
    let (first_ring, file) = (ring(&one.sandbox), other.file("keys.json"));
    put(&first_ring, &file);
    let mut server = Server::start(&other, &[]);
    let mut tokens = vec![new_token(&one.sandbox)];
    assert_eq!(server.auth(&tokens[0]), 200);

    // It hears of the key at once, and says that it does not have it. What it does not find may be good.
    one.sandbox.json(&["keys", "add", "--only"]);
    assert!(server.rest(NOT_TAKEN).contains("key 2, which the key ring lacks"));
    assert_eq!(server.auth("no-token-has-this-secret-of-some-length"), 503);
    put(&ring(&one.sandbox), &file);
    kill_process(server.pid(), Signal::HUP).unwrap();
    server.says(TAKEN);
    assert_eq!(server.auth("no-token-has-this-secret-of-some-length"), 401);

    // The one writes with the new key, and the other with the old one until its file changes.
    one.sandbox.json(&["keys", "activate", "2"]);
    tokens.push(new_token(&one.sandbox));
    tokens.push(new_token(&other));
    put(&ring(&one.sandbox), &file);
    server.says(TAKEN);
    tokens.push(new_token(&other));
    let all_hold = |server: &Server| {
        for token in &tokens {
            assert_eq!((server.auth(token), one.server().auth(token)), (200, 200));
        }
    };
    all_hold(&server);
    assert_eq!(one.sandbox.json(&["keys", "rekey"])["left"], 0);
    all_hold(&server);
    one.sandbox.json(&["keys", "retire", "1"]);
    all_hold(&server);

    // The database says what is retired, whatever the file of a server has.
    server.stop();
    let mut server = Server::start(&other, &[]);
    all_hold(&server);
    assert_eq!(states(&other), [json!([1, "retired"]), json!([2, "current"])]);
    server.stop();
    put(&first_ring, &file);
    finish(launch(&mut other.command(&["serve"]))).fails(3, "was retired: copy the ring that is current");
}

#[test]
fn a_ring_that_does_not_fit_changes_nothing_and_is_said() {
    let mut served = Installation::sqlite().serve();
    let (sandbox, server) = (&served.sandbox, served.server());
    let (good, file) = (ring(sandbox), sandbox.file("keys.json"));
    let holds = || {
        assert_eq!(server.auth(&new_token(sandbox)), 200);
    };
    put(b"{\"format\": 1, \"current\": 1, \"keys\": [{\"id\": 1, \"key\": \"a-canary\"}]}", &file);
    assert!(server.rest(NOT_TAKEN).contains("32 bytes in base64url"));
    holds();
    put(&ring(&Installation::sqlite().sandbox), &file);
    assert!(server.rest(NOT_TAKEN).contains("is not the key of that number"));
    holds();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(server.rest(NOT_TAKEN).contains("chmod 600"));
    holds();
    fs::remove_file(&file).unwrap();
    assert!(server.rest(NOT_TAKEN).contains("there is no key file"));
    holds();
    sandbox.run(&["keys", "add"]).fails(3, "there is no key file");
    assert!(!file.exists());
    put(&good, &file);
    assert_eq!(sandbox.json(&["keys", "add"])["current"], 2);
    holds();
    let log = served.server.as_mut().unwrap().stop();
    assert!(!log.contains("a-canary"), "{log}");
}

/// The file has the key, and the database knows it: the server ends before it writes with it.
#[test]
fn a_server_that_is_killed_between_its_steps_goes_on_with_them() {
    let mut served = Installation::sqlite().serve();
    let token = new_token(&served.sandbox);
    let mut adding = served.sandbox.command(&["keys", "add", "--pause", "3600"]);
    let mut adding =
        adding.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    while states(&served.sandbox).len() < 2 {
        std::thread::yield_now();
    }
    assert_eq!(states(&served.sandbox), [json!([1, "current"]), json!([2, "waiting"])]);
    let run = served.server.as_mut().unwrap().end(Signal::KILL);
    assert_eq!(run.code, None);
    assert_eq!(adding.wait().unwrap().code(), Some(4), "nobody knows what came of it");
    // What a command leaves that was killed while it wrote the file.
    fs::write(served.sandbox.file("keys.json.1.new"), "{\"format\"").unwrap();
    let mut served = Installation { server: None, ..served }.serve();
    assert_eq!(served.server().auth(&token), 200);
    let added = served.sandbox.json(&["keys", "add"]);
    assert_eq!(added, json!({"id": 2, "current": 2, "was_waiting": true}));
    assert_eq!(served.server().auth(&new_token(&served.sandbox)), 200);
    // As it is after a crash between the file and the database.
    served.server.take().unwrap().end(Signal::KILL);
    assert_eq!(served.sandbox.json(&["keys", "activate", "2"])["current"], 2);
    assert_eq!(served.sandbox.json(&["keys", "rekey"])["left"], 0);
    served.sandbox.json(&["keys", "retire", "1"]);
    assert_eq!(Server::start(&served.sandbox, &[]).auth(&token), 200);
}

#[test]
fn a_ring_in_the_environment_is_not_changed() {
    let Installation { sandbox, .. } = Installation::sqlite();
    let keys = fs::read_to_string(sandbox.file("keys.json")).unwrap();
    fs::remove_file(sandbox.file("keys.json")).unwrap();
    for arguments in [&["keys", "add"][..], &["keys", "activate", "1"], &["keys", "retire", "1"]] {
        let refused = run(sandbox.command(arguments).env("JETON_KEYS", &keys), "");
        refused.fails(1, "the key ring is in JETON_KEYS");
    }
    let status = run(sandbox.command(&["keys", "status", "--json"]).env("JETON_KEYS", &keys), "").json();
    assert_eq!((&status["current"], &status["rekeying"]["percent"]), (&json!(1), &json!(100)));
}
