//! A server that has no file descriptors left goes on serving.

use crate::support::{Installation, PATIENCE};
use rustix::process::{Resource, Rlimit, prlimit};
use std::net::TcpStream;

/// Takes the descriptors away while the server runs: it has reckoned with more, so accepting really fails.
#[test]
fn without_descriptors_idle_connections_give_way() {
    const DESCRIPTORS: u64 = 128;
    let mut installation = Installation::sqlite().serve();
    let token = installation.credential("admin_token").to_owned();
    let server = installation.server.as_mut().unwrap();
    prlimit(
        Some(server.pid()),
        Resource::Nofile,
        Rlimit { current: Some(DESCRIPTORS), maximum: Some(DESCRIPTORS) },
    )
    .unwrap();
    let silent: Vec<TcpStream> =
        (0..2 * DESCRIPTORS).map(|_| TcpStream::connect(server.address).unwrap()).collect();
    for _ in 0..3 {
        let listed = server.ask("GET", "/AccessToken/demo", &token, None);
        assert_eq!(listed.status, 200, "{listed:?}");
    }
    drop(silent);
    let log = server.stop();
    let complaints = log.matches("connections cannot be accepted").count() as u64;
    assert!(complaints >= 1, "descriptors never ran out, and nothing was tested: {log}");
    // One in ten seconds, and the test cannot have taken longer than its requests may.
    assert!(complaints <= 1 + 3 * PATIENCE.as_secs() / 10, "{log}");
}
