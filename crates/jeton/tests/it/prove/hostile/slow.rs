//! Strangers whose bodies never come to an end.

use super::measure::{Attack, Scale, Scene};
use super::unnoticed_at_a_small_size;
use crate::support::{loopback, request_if_served};
use serde_json::json;
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;
use tokio::time::Instant;

pub(super) const ATTACK: Attack = Attack {
    name: "slow bodies",
    serve: &[],
    settings: || json!({"loopback": {"acls": [loopback::entry("$everyone", "ALLOW", "create")]}}),
    prepare: |_, _| {},
    run,
    disk_at_most: 64,
};

/// Bodies at a time.
const BODIES: usize = 1_200;

/// Between two bytes of the same body seven of these pass.
const PAUSE: Duration = Duration::from_millis(20);

/// Holds them for the time, and shows that the server stays in service and that its owner can switch tokens
/// off.
fn run(scene: &Scene, scale: Scale) -> String {
    let head = "POST /api/accessTokens HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n\
        Content-Length: 102400\r\n\r\n{";
    let (address, begun) = (scene.address(), Instant::now());
    let mut slow: Vec<TcpStream> = (0..scale.of(BODIES))
        .map(|_| {
            let mut stream = TcpStream::connect(address).unwrap();
            // One that has to give way is closed, and then nothing more can be written to it.
            drop(stream.write_all(head.as_bytes()));
            stream
        })
        .collect();
    let admin = [format!("Authorization: Bearer {}", scene.installation.credential("admin_token"))];
    let create = json!({"title": "mine", "permissions": "read"}).to_string();
    let token =
        scene.installation.sandbox.json(&["token", "create", "--app", "demo", "--permissions", "read"]);
    let token = format!("/AccessToken/demo/{}", token["id"]);
    let mut rounds = 0;
    while rounds == 0 || begun.elapsed() < scale.time() {
        for stream in slow.iter_mut().skip(rounds % 7).step_by(7) {
            drop(stream.write_all(b" "));
        }
        let ask = |method: &str, path: &str, body: Option<&str>| {
            let answer = request_if_served(address, method, path, &admin, body);
            answer.unwrap_or_else(|| panic!("{method} {path}: no answer"))
        };
        assert_eq!(ask("GET", "/readyz", None).status, 200);
        let made = ask("POST", "/AccessToken/demo", Some(&create));
        assert_eq!(made.status, 200, "{made:?}");
        let switched = json!({"enable": rounds % 2 == 1}).to_string();
        assert_eq!(ask("PUT", &token, Some(&switched)).status, 200);
        rounds += 1;
        std::thread::park_timeout(PAUSE);
    }
    format!("{} slow bodies, {rounds} times ready, created and switched", slow.len())
}

#[test]
fn slow_bodies() {
    unnoticed_at_a_small_size(&ATTACK);
}
