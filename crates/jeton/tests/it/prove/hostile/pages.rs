//! One app's clients ask for long lists, all the time.

use super::measure::{Attack, Scale, Scene};
use super::unnoticed_at_a_small_size;
use crate::support::request_if_served;
use serde_json::json;
use std::fmt::Write as _;
use std::thread;
use tokio::time::Instant;

pub(super) const ATTACK: Attack =
    Attack { name: "pages", serve: &[], settings: || json!({}), prepare, run, disk_at_most: 512 };

/// Tokens that are listed.
const TOKENS: usize = 10_000;
/// Clients at a time.
const CLIENTS: usize = 4;

fn prepare(scene: &Scene, scale: Scale) {
    let lines = (0..scale.of(TOKENS)).fold(String::new(), |mut lines, number| {
        let row = json!({"access_token": format!("a token of some other service, {number}"), "permissions": "read"});
        writeln!(lines, "{row}").unwrap();
        lines
    });
    scene.installation.sandbox.run_with(&["token", "import", "--app", "demo", "--json"], &lines).json();
}

fn run(scene: &Scene, scale: Scale) -> String {
    let authorization = [format!("Authorization: Bearer {}", scene.installation.credential("admin_token"))];
    let address = scene.address();
    let begun = Instant::now();
    let ask = || {
        let mut served = 0;
        while begun.elapsed() < scale.time() {
            let path = "/AccessToken/demo?take=1000&skip=1000";
            let answer = request_if_served(address, "GET", path, &authorization, None);
            let status = answer.map(|answer| answer.status);
            assert!(matches!(status, Some(200 | 503)), "{status:?}");
            served += usize::from(status == Some(200));
        }
        served
    };
    let served: usize = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(ask)).collect();
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    });
    format!("{served} lists of {CLIENTS} clients")
}

#[test]
fn long_lists() {
    unnoticed_at_a_small_size(&ATTACK);
}
