//! How a server drains, ends, and takes over settings.

use crate::support::{Installation, Sandbox, Server, loopback, request, text};
use rustix::process::{Signal, kill_process};
use std::io::{Read, Write};
use std::net::TcpStream;

/// A request of which the head was sent, and the answer to which shows that the server has seen it.
fn begun(server: &Server, admin: &str) -> (TcpStream, String) {
    let body = "{\"title\": \"made while stopping\", \"permissions\": \"read\"}";
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(crate::support::PATIENCE)).unwrap();
    let head = format!(
        "POST /AccessToken/demo HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {admin}\r\nExpect: 100-continue\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    (stream, body.to_owned())
}

#[test]
fn a_server_that_drains_serves_and_says_that_it_is_not_ready() {
    let mut installation = Installation::sqlite();
    let file = installation.sandbox.scratch("jeton.toml", "drain_seconds = 600\n");
    installation.server = Some(Server::start(&installation.sandbox, &["--config", &file]));
    let server = installation.server.as_mut().unwrap();
    assert_eq!(request(server.admin_address, "GET", "/readyz", &[], None).status, 200);
    kill_process(server.pid(), Signal::TERM).unwrap();
    server.says("draining");
    for address in [server.address, server.admin_address] {
        let ready = request(address, "GET", "/readyz", &[], None);
        assert_eq!((ready.status, text(&ready.json(), "status")), (503, "draining"));
        assert_eq!(request(address, "GET", "/healthz", &[], None).status, 200);
    }
    let admin = text(&installation.credentials, "admin_token");
    assert_eq!(server.ask("GET", "/AccessToken/demo", admin, None).status, 200);
    assert!(request(server.admin_address, "GET", "/metrics", &[], None).body.contains("\njeton_ready 0\n"));
    let run = server.end(Signal::TERM);
    assert_eq!(run.code, Some(5), "a second signal ends it at once: {run:#?}");
    assert!(run.stderr.contains("second signal"), "{run:#?}");
    // Nothing that was acknowledged is lost by that.
    let again = Server::start(&installation.sandbox, &[]);
    assert_eq!(again.ask("GET", "/AccessToken/demo", admin, None).status, 200);
}

/// A change stream never ends by itself: a server that stops ends it, and says so.
#[test]
fn a_change_stream_ends_with_its_server() {
    let mut installation = Installation::sqlite().with(&loopback::open()).serve();
    let server = installation.server.as_mut().unwrap();
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(crate::support::PATIENCE)).unwrap();
    stream.write_all(b"GET /api/accessTokens/change-stream HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let (mut begin, mut byte) = (String::new(), [0]);
    while !begin.ends_with(":ok\n\n") {
        stream.read_exact(&mut byte).unwrap_or_else(|error| panic!("{error}: {begin}"));
        begin.push(char::from(byte[0]));
    }
    let log = server.stop();
    assert!(!log.contains("are disconnected"), "{log}");
    let mut end = String::new();
    stream.read_to_string(&mut end).unwrap();
    let end_event = "event: end\ndata: {\"type\":\"end\",\"reason\":\"stopping\"}\n\n";
    assert!(end.contains(end_event) && end.ends_with("\r\n0\r\n\r\n"), "{end:?}");
}

#[test]
fn what_the_store_does_is_counted() {
    let installation = Installation::sqlite().serve();
    installation.sandbox.json(&["token", "create", "--app", "demo"]);
    let metrics = request(installation.server().admin_address, "GET", "/metrics", &[], None).body;
    let value = |name: &str| -> f64 {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name}: {metrics}")).trim().parse().unwrap()
    };
    // The token, and what retention does beside it.
    assert!(value("jeton_store_duration_seconds_count{call=\"write\"}") >= 1.0);
    assert!(value("jeton_store_group_writes_sum") >= 1.0);
    assert!(value("jeton_store_duration_seconds_count{call=\"read\"}") > 0.0);
    assert_eq!(value("jeton_store_failures_total{call=\"read\"}"), 0.0);
}

#[test]
fn requests_under_way_are_finished_and_commands_are_told_that_it_stops() {
    let mut installation = Installation::sqlite().serve();
    let admin = installation.credential("admin_token").to_owned();
    let (mut stream, body) = begun(installation.server(), &admin);
    kill_process(installation.server().pid(), Signal::TERM).unwrap();
    installation.server().says("stopping: requests in progress");
    // The request holds the server: a command that comes now is not left waiting.
    installation.sandbox.run(&["app", "list"]).fails(4, "the server is stopping");
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let run = installation.server.as_mut().unwrap().wait();
    assert_eq!(run.code, Some(0), "{run:#?}");
    let list = installation.sandbox.run(&["token", "list", "--app", "demo"]).done();
    assert!(list.contains("made while stopping"), "{list}");
}

#[test]
fn a_second_signal_does_not_wait_for_what_is_under_way() {
    let mut installation = Installation::sqlite().serve();
    let admin = installation.credential("admin_token").to_owned();
    let _held = begun(installation.server(), &admin);
    kill_process(installation.server().pid(), Signal::INT).unwrap();
    installation.server().says("stopping: requests in progress");
    let run = installation.server.as_mut().unwrap().end(Signal::INT);
    assert_eq!(run.code, Some(5), "{run:#?}");
}

#[test]
fn a_hangup_takes_over_what_can_be_and_names_what_cannot() {
    let sandbox = Sandbox::sqlite();
    let file = sandbox.scratch("jeton.toml", "log.requests = \"none\"\n");
    let mut server = Server::start(&sandbox, &["--config", &file]);
    let hang_up = |server: &Server| kill_process(server.pid(), Signal::HUP).unwrap();
    let is_named = |server: &Server| {
        request(server.address, "GET", "/healthz", &[], None).header("x-request-id").is_some()
    };
    assert!(!is_named(&server));

    sandbox.scratch("jeton.toml", "log.requests = \"all\"\nlog.level = \"debug\"\nlimits.scopes = 3\n");
    hang_up(&server);
    assert_eq!(server.rest("reloaded: "), "log.level, log.requests");
    assert_eq!(server.rest("only a restart applies: "), "limits.scopes");
    assert!(is_named(&server));

    // What makes no sense changes nothing, and is said.
    sandbox.scratch("jeton.toml", "log.requests = \"none\"\nlog.levels = \"canary\"\n");
    hang_up(&server);
    assert!(server.rest("nothing was reloaded: ").ends_with("did you mean log.level?"));
    assert!(is_named(&server));

    sandbox.scratch("jeton.toml", "log.requests = \"none\"\nlimits.scopes = 3\n");
    hang_up(&server);
    assert_eq!(server.rest("reloaded: "), "log.level, log.requests");
    assert_eq!(server.rest("only a restart applies: "), "limits.scopes");
    assert!(!is_named(&server));
    let log = server.stop();
    assert!(!log.contains("canary"), "{log}");
}
