//! Commands beside a busy server.

use crate::support::{Installation, Sandbox, Server, request, request_if_served, text};
use rustix::process::{Signal, kill_process};
use serde_json::json;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

/// Requests that others make, over and over.
struct Load<'a> {
    address: SocketAddr,
    admin_token: &'a str,
    enough: AtomicBool,
    created: AtomicU64,
    asked: AtomicU64,
}

/// Ends the load also when the test fails, because threads are waited for.
struct Enough<'a>(&'a AtomicBool);

impl Drop for Enough<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Load<'_> {
    fn create(&self) {
        let authorization = [format!("Authorization: Bearer {}", self.admin_token)];
        let body = json!({"title": "load", "permissions": "read"}).to_string();
        while !self.enough.load(Ordering::Relaxed) {
            let answer = request(self.address, "POST", "/AccessToken/demo", &authorization, Some(&body));
            assert_eq!(answer.status, 200, "{answer:?}");
            self.created.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn ask(&self, token: &str) {
        let authorization = [format!("X-Access-Token: {token}")];
        while !self.enough.load(Ordering::Relaxed) {
            let answer = request(self.address, "GET", "/auth/demo?permission=read", &authorization, None);
            assert_eq!(answer.status, 200, "{answer:?}");
            self.asked.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn creates_under_load(sandbox: &Sandbox, server: &Server, admin_token: &str, times: usize) {
    let made = sandbox.json(&["token", "create", "--app", "demo", "--permissions", "read"]);
    let asked_about = text(&made, "access_token");
    let (enough, created, asked) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let load = Load { address: server.address, admin_token, enough, created, asked };
    let mut ids = BTreeSet::new();
    thread::scope(|scope| {
        let _enough = Enough(&load.enough);
        for _ in 0..2 {
            scope.spawn(|| load.create());
            scope.spawn(|| load.ask(asked_about));
        }
        for _ in 0..times {
            let made = sandbox.json(&["token", "create", "--app", "demo"]);
            assert_eq!(server.auth(text(&made, "access_token")), 200);
            ids.insert(made["id"].as_i64());
        }
    });
    assert_eq!(ids.len(), times);
    let (created, asked) = (load.created.into_inner(), load.asked.into_inner());
    assert!(created > 0 && asked > 0, "there was no load: {created} creates, {asked} questions");
    let rows = sandbox.rows(&["token", "list", "--app", "demo"]);
    // The admin token and the one that the load asks about are there too.
    let expected = times + 2 + usize::try_from(created).unwrap();
    assert_eq!(rows.as_array().map(Vec::len), Some(expected));
}

#[test]
fn a_token_made_beside_a_busy_server_is_good_at_once() {
    let installation = Installation::sqlite().serve();
    creates_under_load(
        &installation.sandbox,
        installation.server(),
        installation.credential("admin_token"),
        100,
    );
}

#[test]
fn a_token_made_beside_a_busy_server_is_good_at_once_on_postgresql() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let installation = Installation::postgres().serve();
    creates_under_load(
        &installation.sandbox,
        installation.server(),
        installation.credential("admin_token"),
        20,
    );
}

/// Commands that the server does not do for them write the database themselves.
#[test]
fn commands_without_a_server_do_not_lose_each_others_writes() {
    let Installation { sandbox, .. } = Installation::sqlite();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    sandbox.json(&["token", "create", "--app", "demo"]);
                }
            });
        }
    });
    let rows = sandbox.rows(&["token", "list", "--app", "demo"]);
    assert_eq!(rows.as_array().map(Vec::len), Some(41));
}

/// What was acknowledged is on disk, however the server ends.
fn what_was_acknowledged_stays(signal: Signal) {
    const BEFORE_THE_END: u64 = 100;
    let Installation { sandbox, credentials, .. } = Installation::sqlite();
    let mut server = Server::start(&sandbox, &[]);
    let (address, pid) = (server.address, server.pid());
    let authorization = [format!("Authorization: Bearer {}", text(&credentials, "admin_token"))];
    let acknowledged = AtomicU64::new(0);
    let create_until_it_ends = || {
        let body = json!({"title": "load", "permissions": "read"}).to_string();
        let mut tokens = Vec::new();
        while let Some(answer) =
            request_if_served(address, "POST", "/AccessToken/demo", &authorization, Some(&body))
        {
            assert_eq!(answer.status, 200, "{answer:?}");
            tokens.push(text(&answer.json()["data"], "access_token").to_owned());
            if acknowledged.fetch_add(1, Ordering::Relaxed) == BEFORE_THE_END {
                kill_process(pid, signal).unwrap();
            }
        }
        tokens
    };
    let tokens: Vec<String> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(create_until_it_ends)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(server.wait().code, if signal == Signal::KILL { None } else { Some(0) });
    assert!(tokens.len() > usize::try_from(BEFORE_THE_END).unwrap());
    let server = Server::start(&sandbox, &[]);
    let lost = tokens.iter().filter(|token| server.auth(token) != 200).count();
    assert_eq!(lost, 0, "of {} tokens", tokens.len());
}

#[test]
fn a_killed_server_has_kept_what_it_acknowledged() {
    what_was_acknowledged_stays(Signal::KILL);
}

#[test]
fn a_stopped_server_has_kept_what_it_acknowledged() {
    what_was_acknowledged_stays(Signal::TERM);
}
