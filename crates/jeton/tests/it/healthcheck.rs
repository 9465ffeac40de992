//! `jeton healthcheck`: what containers and scripts are told of a server.

use crate::support::{Installation, Sandbox, Server};
use crate::tls::pair;
use rustix::process::Signal;
use std::net::TcpListener;

#[test]
fn a_server_that_is_ready_is_found_by_its_settings_or_by_its_url() {
    let installation = Installation::sqlite().serve();
    let (server, sandbox) = (installation.server(), &installation.sandbox);
    let address = server.address.to_string();
    assert_eq!(sandbox.run(&["healthcheck", "--listen", &address]).done(), "ready\n");
    for address in [server.address, server.admin_address] {
        assert_eq!(sandbox.run(&["healthcheck", "--url", &format!("http://{address}")]).done(), "ready\n");
    }
    let by_name = format!("http://localhost:{}", server.address.port());
    assert_eq!(sandbox.run(&["healthcheck", "--url", &by_name]).done(), "ready\n");
}

#[test]
fn a_server_that_listens_everywhere_is_asked_on_loopback() {
    let installation = Installation::sqlite();
    let everywhere = ["--behind-proxy", "--listen", "0.0.0.0:0"];
    let mut server = Server::start(&installation.sandbox, &everywhere);
    let listen = format!("0.0.0.0:{}", server.address.port());
    assert_eq!(installation.sandbox.run(&["healthcheck", "--listen", &listen]).done(), "ready\n");
    server.stop();
}

#[test]
fn a_server_that_speaks_tls_is_asked_over_tls() {
    let installation = Installation::sqlite();
    let sandbox = &installation.sandbox;
    let (certificate, key) = pair(sandbox);
    let tls = ["--tls-cert", &certificate, "--tls-key", &key];
    let mut server = Server::start(sandbox, &tls);
    let address = server.address.to_string();
    assert_eq!(sandbox.run(&[&["healthcheck", "--listen", &address], &tls[..]].concat()).done(), "ready\n");
    assert_eq!(sandbox.run(&["healthcheck", "--url", &format!("https://{address}")]).done(), "ready\n");
    // What is asked in clear does not answer HTTP.
    sandbox.run(&["healthcheck", "--url", &format!("http://{address}")]).fails(4, &address);
    server.stop();
}

#[test]
fn a_server_that_stops_says_so_and_one_that_is_gone_nothing() {
    let installation = Installation::sqlite();
    let sandbox = &installation.sandbox;
    let mut command = sandbox.command(&["serve"]);
    let mut server = Server::launched(command.env("JETON_DRAIN_SECONDS", "60"));
    let address = server.address.to_string();
    let check = || sandbox.run(&["healthcheck", "--listen", &address]);
    assert_eq!(check().done(), "ready\n");
    rustix::process::kill_process(server.pid(), Signal::TERM).unwrap();
    server.says("draining: ");
    check().fails(4, "/readyz: 503, draining");
    assert_eq!(server.end(Signal::TERM).code, Some(5));
    check().fails(4, &format!("http://{address}/readyz: "));
}

#[test]
fn who_never_answers_is_waited_for_as_long_as_was_said() {
    let sandbox = Sandbox::sqlite();
    // The system accepts, and nobody reads.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    sandbox.run(&["healthcheck", "--url", &url, "--timeout-seconds", "1"]).fails(4, "no answer within 1 s");
}

#[test]
fn where_nobody_can_be_asked_is_a_usage_error() {
    let sandbox = Sandbox::sqlite();
    sandbox.run(&["healthcheck", "--listen", "127.0.0.1:0"]).fails(2, "--url");
    sandbox.run(&["healthcheck", "--url", "127.0.0.1:8080"]).fails(2, "--url");
    sandbox.run(&["healthcheck", "--timeout-seconds", "0"]).fails(2, "--timeout-seconds");
}
