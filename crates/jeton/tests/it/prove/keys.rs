//! A key takes the place of another while clients are served: none of their requests fails, everything is given to the new key, the
//! old one is retired, and a backup from before is restored with the ring of before.

use crate::support::{Installation, Sandbox, Server, request, text};
use jeton_service::{Keys, read_key_file};
use jeton_testkit::SeededEntropy;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;
use tokio::time::Instant;

/// Clients that ask about tokens, and such that create some.
const ASKING: usize = 3;
const CREATING: usize = 1;
/// Secrets that are kept to be asked about.
const KEPT: usize = 1_000;
/// Rows of one import.
const FILLED_ROWS: usize = 100_000;
/// Requests that are waited for in each state of the ring.
const ENOUGH: u64 = 50;

/// What clients do.
struct Load {
    address: SocketAddr,
    admin_address: SocketAddr,
    operator_token: String,
    good: Vec<String>,
    bad: String,
    is_over: AtomicBool,
    asked: AtomicU64,
    created: AtomicU64,
    slowest: Mutex<Vec<Duration>>,
}

/// Ends the load also when the test fails, because threads are waited for.
struct Enough<'a>(&'a AtomicBool);

impl Drop for Enough<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Load {
    fn auth(&self, token: &str) -> u16 {
        let authorization = [format!("Authorization: Bearer {token}")];
        request(self.address, "GET", "/auth/demo?permission=read", &authorization, None).status
    }

    /// Asks about one token after the other; every tenth time about one that was revoked.
    fn ask(&self, client: usize) {
        let mut number = client * 7_919;
        let mut times = Vec::new();
        while !self.is_over.load(Ordering::Relaxed) {
            let begun = Instant::now();
            let token = &self.good[number % self.good.len()];
            assert_eq!(self.auth(token), 200, "a good token was refused: {number}");
            times.push(begun.elapsed());
            if number.is_multiple_of(10) {
                assert_eq!(self.auth(&self.bad), 401, "a revoked token was allowed");
            }
            number += 1;
            self.asked.fetch_add(1, Ordering::Relaxed);
        }
        self.slowest.lock().unwrap().extend(times);
    }

    /// Creates tokens as an operator, each of which is good at once, and revokes every other one, which is bad at once.
    fn create(&self) {
        const TOKENS: &str = "/admin/v1/apps/demo/tokens";
        let authorization = [format!("Authorization: Bearer {}", self.operator_token)];
        let body = json!({"title": "made meanwhile", "permissions": "read"}).to_string();
        while !self.is_over.load(Ordering::Relaxed) {
            let made = request(self.admin_address, "POST", TOKENS, &authorization, Some(&body));
            assert!((200..300).contains(&made.status), "{made:?}");
            let made = made.json();
            let secret = text(&made, "access_token").to_owned();
            assert_eq!(self.auth(&secret), 200, "a new token was refused");
            let number = self.created.fetch_add(1, Ordering::Relaxed);
            if number.is_multiple_of(2) {
                let target = format!("{TOKENS}/{}", made["id"]);
                let gone = request(self.admin_address, "DELETE", &target, &authorization, None);
                assert!((200..300).contains(&gone.status), "{gone:?}");
                assert_eq!(
                    self.auth(&secret),
                    401,
                    "a token was allowed after the answer that it is revoked"
                );
            }
        }
    }

    /// Waits until so many more requests were answered.
    fn go_on(&self) {
        let asked = self.asked.load(Ordering::Relaxed) + ENOUGH;
        let created = self.created.load(Ordering::Relaxed) + 2;
        while !self.is_over.load(Ordering::Relaxed)
            && (self.asked.load(Ordering::Relaxed) < asked || self.created.load(Ordering::Relaxed) < created)
        {
            thread::yield_now();
        }
    }
}

/// Fills an installation with minted tokens, in the order of their digests, by which they are indexed, and answers some of them.
pub(super) fn fill(installation: &Installation, count: usize) -> Vec<String> {
    let keys = Keys::derive(&read_key_file(&installation.sandbox.file("keys.json")).unwrap());
    let entropy = SeededEntropy::new(1);
    let mut secrets: Vec<_> = (0..count).map(|_| keys.mint(&entropy, None).unwrap()).collect();
    secrets.sort_by_cached_key(|secret| *keys.digest(secret).as_bytes());
    for secrets in secrets.chunks(FILLED_ROWS) {
        let row = |secret: &jeton_core::Secret| {
            format!("{}\n", json!({"access_token": secret.expose(), "permissions": "read"}))
        };
        let file = installation.sandbox.scratch("tokens.jsonl", &secrets.iter().map(row).collect::<String>());
        let answer = installation.sandbox.json(&["token", "import", "--app", "demo", &file]);
        assert_eq!(answer["imported"], secrets.len(), "{answer}");
    }
    let step = count.div_ceil(KEPT);
    secrets.iter().step_by(step).map(|secret| secret.expose().to_owned()).collect()
}

struct Figures {
    rows: u64,
    took: Duration,
    asked: u64,
    created: u64,
    /// The median, and of a hundred the slowest.
    times: (Duration, Duration),
}

fn keys_change_under_load(sandbox: Sandbox, count: usize) -> Figures {
    let mut installation = Installation::at(sandbox);
    let good = fill(&installation, count);
    let made = installation.sandbox.json(&["token", "create", "--app", "demo", "--permissions", "read"]);
    let bad = text(&made, "access_token").to_owned();
    installation.sandbox.json(&["token", "revoke", "--app", "demo", &made["id"].to_string()]);
    let backup = installation.sandbox.data_dir().with_file_name("before.backup");
    let backup = backup.to_str().unwrap();
    installation.sandbox.json(&["backup", backup]);
    let old_ring = std::fs::read_to_string(installation.sandbox.file("keys.json")).unwrap();
    installation = installation.serve();

    let load = Load {
        address: installation.server().address,
        admin_address: installation.server().admin_address,
        operator_token: installation.credential("operator_token").to_owned(),
        good,
        bad,
        is_over: AtomicBool::new(false),
        asked: AtomicU64::new(0),
        created: AtomicU64::new(0),
        slowest: Mutex::default(),
    };
    let (rows, took) = thread::scope(|scope| {
        let _enough = Enough(&load.is_over);
        let threads: Vec<_> = (0..ASKING)
            .map(|client| {
                let load = &load;
                scope.spawn(move || load.ask(client))
            })
            .chain((0..CREATING).map(|_| scope.spawn(|| load.create())))
            .collect();
        let go_on = || {
            load.go_on();
            assert!(!threads.iter().any(thread::ScopedJoinHandle::is_finished), "a client failed");
        };
        go_on();
        let rotated = rotate(&installation.sandbox, &go_on);
        go_on();
        rotated
    });
    hold_afterwards(&mut installation, &load, &old_ring, backup);
    let mut times = load.slowest.into_inner().unwrap();
    times.sort_unstable();
    let at = |part: usize| times[times.len() * part / 100];
    Figures {
        rows,
        took,
        asked: load.asked.into_inner(),
        created: load.created.into_inner(),
        times: (at(50), at(99)),
    }
}

/// From one key to the next. Answers how many rows there were and how long it took until all were given to it.
fn rotate(sandbox: &Sandbox, go_on: &dyn Fn()) -> (u64, Duration) {
    let begun = Instant::now();
    let added = sandbox.json(&["keys", "add", "--pause", "2"]);
    assert_eq!((added["id"].as_u64(), added["current"].as_u64()), (Some(2), Some(2)), "{added}");
    let total = loop {
        go_on();
        let status = sandbox.json(&["keys", "status"]);
        let progress = &status["rekeying"];
        if progress["left"] == 0 {
            assert_eq!(
                (&status["keys"][0]["rows"], &progress["percent"]),
                (&json!(0), &json!(100)),
                "{status}"
            );
            break progress["total"].as_u64().unwrap();
        }
        // It needs every row that it has made.
        assert_eq!(status["keys"][0]["state"], "old", "{status}");
    };
    let took = begun.elapsed();
    let retired = sandbox.json(&["keys", "retire", "1"]);
    assert_eq!(retired["retired"], true, "{retired}");
    (total, took)
}

/// What holds once the old key is retired: also for a server that starts then, and for a backup from before.
fn hold_afterwards(installation: &mut Installation, load: &Load, old_ring: &str, backup: &str) {
    let sandbox = &installation.sandbox;
    let root = old_ring.split("\"key\": \"").nth(1).unwrap()[..43].to_owned();
    let ring = std::fs::read_to_string(sandbox.file("keys.json")).unwrap();
    assert!(!ring.contains(&root), "the old key is still there");
    let audit = |what: &str| {
        let operator = text(&installation.credentials, "operator_token").to_owned();
        let authorization = [format!("Authorization: Bearer {operator}")];
        let target = format!("/admin/v1/audit?what={what}");
        let answer = request(installation.server().admin_address, "GET", &target, &authorization, None);
        answer.json()["items"].as_array().map(|items| (items.len(), items[0]["actor"].clone()))
    };
    for what in ["key.added", "key.activated", "key.retired"] {
        assert_eq!(audit(what), Some((1, json!("cli"))), "{what}");
    }
    if let Some(mut server) = installation.server.take() {
        server.stop();
    }
    let server = Server::start(&installation.sandbox, &[]);
    let holds = |server: &Server, why: &str| {
        for token in &load.good {
            assert_eq!(server.auth(token), 200, "{why}");
        }
        assert_eq!(server.auth(&load.bad), 401, "{why}");
    };
    holds(&server, "restarted");
    let report: Value = installation.sandbox.json(&["check"]);
    assert_eq!(report["sound"], true, "{report}");

    // Without the old ring it is refused, and with it, it is what it was.
    installation.sandbox.run(&["restore", backup, "--yes"]).fails(3, "key 1");
    let other = Sandbox::sqlite();
    std::fs::create_dir(other.data_dir()).unwrap();
    std::fs::write(other.file("keys.json"), old_ring).unwrap();
    std::fs::set_permissions(
        other.file("keys.json"),
        <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o600),
    )
    .unwrap();
    other.json(&["restore", backup]);
    holds(&Server::start(&other, &[]), "restored with the old ring");
}

#[test]
fn keys_change_under_load_on_sqlite() {
    keys_change_under_load(Sandbox::sqlite(), 500);
}

#[test]
fn keys_change_under_load_on_postgresql() {
    if !jeton_testkit::skips("PostgreSQL") {
        keys_change_under_load(Sandbox::postgres(), 300);
    }
}

#[expect(clippy::print_stdout, reason = "a proof prints its figure")]
fn print(engine: &str, figures: &Figures) {
    let Figures { rows, took, asked, created, times } = figures;
    println!(
        "keys: {engine}: {rows} rows given to the new key in {:.0} s, with {asked} verifications and {created} creates \
         meanwhile, of which none failed; a verification over a connection of its own takes {:.2} ms, and {:.2} ms at the 99th \
         percentile; the old key retired, a backup from before restored with the old ring",
        took.as_secs_f64(),
        times.0.as_secs_f64() * 1e3,
        times.1.as_secs_f64() * 1e3,
    );
}

#[test]
#[ignore = "1,000,000 tokens: cargo xtask prove keys"]
fn keys_change_under_load_with_a_million_tokens_on_sqlite() {
    print("SQLite", &keys_change_under_load(Sandbox::sqlite(), 1_000_000));
}

#[test]
#[ignore = "1,000,000 tokens: cargo xtask prove keys"]
fn keys_change_under_load_with_a_million_tokens_on_postgresql() {
    print("PostgreSQL", &keys_change_under_load(Sandbox::postgres(), 1_000_000));
}
