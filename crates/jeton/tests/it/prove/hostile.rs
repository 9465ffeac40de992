//! Clients that mean ill: whatever they send, and however slowly, the server answers in time and without a
//! fault of its own, its memory is bounded, and honest clients are served meanwhile.

mod costly;
mod crowd;
mod flood;
mod gateway;
mod guesses;
mod honest;
mod kept;
mod measure;
mod multiplexed;
mod neighbours;
mod outage;
mod pages;
mod replaced;
mod shapes;
mod slow;
mod stopping;
mod swapped;
mod values;
mod wire;

use crate::support::{Installation, text};
use crowd::Crowds;
use honest::Honest;
use measure::{Attack, Scale, assert_unnoticed};
use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::time::Duration;
use wire::Target;

/// The most memory of the server, in MiB, under any load.
const MEMORY_AT_MOST: u64 = 320;

/// How many of each sort attack at a time.
#[derive(Clone, Copy)]
struct Size {
    idle: usize,
    slow_heads: usize,
    slow_bodies: usize,
    slow_reads: usize,
    tokens: usize,
    pipelined: usize,
    /// Whether to wait until the slow ones have used up their time.
    waits: bool,
}

#[test]
fn hostile_clients_at_a_small_size() {
    attack(Size {
        idle: 300,
        slow_heads: 20,
        slow_bodies: 20,
        slow_reads: 10,
        tokens: 100,
        pipelined: 200,
        waits: false,
    });
}

#[test]
#[ignore = "a proof: cargo xtask prove hostile"]
#[expect(clippy::print_stdout, reason = "a proof prints its figure")]
fn hostile_clients_at_full_size() {
    let figure = attack(Size {
        idle: 10_000,
        slow_heads: 500,
        slow_bodies: 800,
        slow_reads: 100,
        tokens: 20_000,
        pipelined: 1_000,
        waits: true,
    });
    println!("hostile: {figure}");
}

/// What others must not notice.
const ATTACKS: &[&Attack] =
    &[&costly::ATTACK, &guesses::ATTACK, &flood::WRITES, &neighbours::ATTACK, &pages::ATTACK, &slow::ATTACK];

#[test]
#[ignore = "a proof: cargo xtask prove hostile"]
fn attacks_unnoticed_by_others_on_sqlite() {
    unnoticed(Installation::sqlite);
}

#[test]
#[ignore = "a proof: cargo xtask prove hostile"]
fn attacks_unnoticed_by_others_on_postgresql() {
    unnoticed(Installation::postgres);
}

#[test]
#[ignore = "a proof: cargo xtask prove hostile"]
#[expect(clippy::print_stdout, reason = "a proof prints its figures")]
fn ten_thousand_rows_that_nobody_vouches_for() {
    for figure in flood::figures() {
        println!("hostile, {figure}");
    }
}

/// Each attack at its size and at ten times that; `JETON_ATTACK` names one, to run it alone.
#[expect(clippy::print_stdout, reason = "a proof prints its figures")]
fn unnoticed(installation: fn() -> Installation) {
    let only = std::env::var("JETON_ATTACK").ok();
    for attack in ATTACKS.iter().filter(|attack| only.as_ref().is_none_or(|only| attack.name == only)) {
        for scale in [Scale::Full, Scale::TenTimes] {
            println!("hostile, {scale:?}: {}", assert_unnoticed(attack, installation(), scale));
        }
    }
}

/// The gate's size of an attack, on both engines.
fn unnoticed_at_a_small_size(attack: &Attack) {
    assert_unnoticed(attack, Installation::sqlite(), Scale::Gate);
    if !jeton_testkit::skips("PostgreSQL") {
        assert_unnoticed(attack, Installation::postgres(), Scale::Gate);
    }
}

#[test]
#[ignore = "a proof: cargo xtask prove hostile"]
#[expect(clippy::print_stdout, reason = "a proof prints its figures")]
fn replaced_databases_at_full_size() {
    println!("hostile: a database that is replaced: {}", replaced::every_shape(16, 2_000));
    println!("hostile: one on PostgreSQL: {}", swapped::every_shape(16, 2_000));
}

#[test]
#[ignore = "a proof: cargo xtask prove hostile"]
#[expect(clippy::print_stdout, reason = "a proof prints its figure")]
fn gateways_that_keep_connections_at_full_size() {
    for requests in [12_000, 120_000] {
        println!("hostile: {}", gateway::behind_nginx(requests));
    }
}

#[test]
#[ignore = "a proof: cargo xtask prove hostile"]
#[expect(clippy::print_stdout, reason = "a proof prints its figure")]
fn multiplexed_clients_at_full_size() {
    println!("hostile, {}", multiplexed::attack(100, 20_000, true));
}

#[test]
#[ignore = "a proof: cargo xtask prove hostile"]
#[expect(clippy::print_stdout, reason = "a proof prints its figures")]
fn databases_that_go_away_within_their_times() {
    for cut in outage::CUTS {
        println!("hostile, a database that goes away, {}", outage::outage(cut, &outage::TIGHT));
    }
    println!("hostile, a database {}", outage::no_more_connections(&outage::TIGHT));
}

#[test]
#[ignore = "a proof: cargo xtask prove hostile"]
#[expect(clippy::print_stdout, reason = "a proof prints its figures")]
fn servers_that_stop_under_load_within_their_times() {
    for figure in stopping::figures() {
        println!("hostile, {figure}");
    }
}

fn attack(size: Size) -> String {
    raise_descriptors();
    let installation = Installation::sqlite()
        .with(&json!({"loopback": {"acls": [{"principalType": "ROLE", "principalId": "$everyone", "permission": "ALLOW"}]}}));
    let big = fill(&installation, size.tokens);
    let installation = installation.serve();
    let server = installation.server();
    let target = Target {
        address: server.address,
        admin: installation.credential("admin_token").to_owned(),
        basic: wire::basic(installation.credential("client_id"), installation.credential("client_secret")),
        big_admin: text(&big, "admin_token").to_owned(),
        big_basic: wire::basic(text(&big, "client_id"), text(&big, "client_secret")),
    };
    let pid = server.pid();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (figure, honest) = runtime.block_on(async {
        let honest = Honest::start(target.clone());
        let shapes = shapes::run(&target).await;
        let values = values::run(&target).await;
        shapes::pipeline(&target, size.pipelined).await;
        let crowds = Crowds::open(&target, size).await;
        // With all of them there, everything still works.
        let again = shapes::run(&target).await;
        let dropped = if size.waits { crowds.wait().await } else { "not waited for".to_owned() };
        let honest = honest.stop().await;
        (format!("{} shapes and {values} values answered; {dropped}", shapes + again), honest)
    });
    let peak = memory_peak(pid);
    assert!(peak <= MEMORY_AT_MOST, "the server took {peak} MiB");
    let log = installation.server.unwrap().stop();
    assert!(log.lines().count() < 100, "the log is flooded:\n{log}");
    assert!(!log.contains("panicked"), "{log}");
    let (count, slowest) = honest;
    let slowest = slowest.as_millis();
    format!(
        "{figure}; memory at most {peak} MiB; {count} honest requests served, the slowest in {slowest} ms"
    )
}

/// Another app, named big, with enough tokens to make a list that no buffer takes. Answers its credentials.
fn fill(installation: &Installation, count: usize) -> Value {
    let big = installation.sandbox.json(&["app", "create", "big"]);
    let lines = (0..count).fold(String::new(), |mut lines, number| {
        let title = "x".repeat(200);
        let secret = format!("a token of some other service, number {number}");
        let row = json!({"access_token": secret, "title": title, "permissions": "read"});
        writeln!(lines, "{row}").unwrap();
        lines
    });
    installation.sandbox.run_with(&["token", "import", "--app", "big", "--json"], &lines).json();
    big
}

/// This process holds the other end of every connection.
fn raise_descriptors() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}

/// The most memory that a process ever had, in MiB.
fn memory_peak(pid: rustix::process::Pid) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() / 1024
}

/// What an answer may take when nothing makes it wait: far more than it does on a loaded machine.
const PROMPT: Duration = Duration::from_secs(60);
