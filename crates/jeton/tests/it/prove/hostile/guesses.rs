//! Who guesses credentials on every surface that takes them as Basic, all from one address: others notice nothing, wherever they are,
//! and the guesser's neighbours at that address are let in whatever it does, or as soon as it is done.

use super::kept::{Kept, Reply};
use super::measure::{Attack, Scale, Scene};
use super::{memory_peak, unnoticed_at_a_small_size, wire::basic};
use crate::support::{loopback, text};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;
use tokio::time::Instant;

pub(super) const ATTACK: Attack =
    Attack { name: "guesses", serve: &[], settings, prepare, run: guess, disk_at_most: 128 };

/// Wrong credentials in all.
const GUESSES: usize = 100_000;
/// Connections at a time.
const CLIENTS: usize = 16;
/// Where the guesser is, and others who share its address.
const GUESSER: Ipv4Addr = Ipv4Addr::LOCALHOST;
/// Where everybody else is.
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);
/// Failures for each address and app in a minute: the default of `limits.failures_per_minute`.
const FAILURES: u64 = 60;
/// By how many MiB the server may grow: 4 for the table of who has failed, the rest for the buffers of connections.
const GROWS_AT_MOST: u64 = 8;
/// Within which time whoever was throttled is let in, once the guesses are over.
const LET_IN_WITHIN: Duration = Duration::from_secs(60);
/// Tokens of another service, which are short enough to be guessed and therefore looked up only where few have failed, or where
/// memory knows them already. The second is not used before the guesses are over.
const SHORT: [&str; 2] = ["short-0123456789", "short-9876543210"];

fn settings() -> Value {
    let acls =
        [loopback::entry("$everyone", "DENY", "*"), loopback::entry("$authenticated", "ALLOW", "count")];
    json!({
        "loopback": {"acls": acls, "client_ids": "anyone"},
        "forward_auth": {"credentials": ["bearer", "basic-username"]},
    })
}

/// A surface that takes Basic.
struct Surface {
    method: &'static str,
    path: &'static str,
    /// Its type, and itself.
    body: Option<(&'static str, &'static str)>,
    /// What a wrong credential is answered.
    refusal: u16,
    /// What it is answered after too many of them, perhaps the same.
    throttled: u16,
}

const JSON: Option<(&str, &str)> = Some(("application/json", r#"{"token":"x"}"#));
const FORM: Option<(&str, &str)> = Some(("application/x-www-form-urlencoded", "token=x"));

const LOOPBACK: Surface = get("/api/accessTokens/count", 401, 429);
const SURFACES: [Surface; 9] = [
    get("/v1/demo/access_tokens", 404, 404),
    get("/v2/demo/access_tokens", 404, 404),
    get("/v1/quiet/access_tokens", 404, 404),
    post("/verify/demo", JSON),
    post("/verify/quiet", JSON),
    post("/oauth2/introspect", FORM),
    post("/oauth2/revoke", FORM),
    LOOPBACK,
    get("/auth/demo", 401, 401),
];

const fn get(path: &'static str, refusal: u16, throttled: u16) -> Surface {
    Surface { method: "GET", path, body: None, refusal, throttled }
}

const fn post(path: &'static str, body: Option<(&'static str, &'static str)>) -> Surface {
    Surface { method: "POST", path, body, refusal: 401, throttled: 429 }
}

impl Surface {
    fn request(&self, authorization: &str) -> String {
        let (kind, body) = self.body.unwrap_or(("text/plain", ""));
        format!(
            "{} {} HTTP/1.1\r\nHost: test\r\nAuthorization: {authorization}\r\nContent-Type: {kind}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.method,
            self.path,
            body.len()
        )
    }

    /// A wrong credential, each another one. Every other names a client that there is.
    fn guess(&self, number: usize, client_id: &str) -> String {
        let secret = format!("{number:064x}");
        let wrong = match self.path {
            path if path == LOOPBACK.path => basic(&format!("guess-{number}"), ""),
            "/auth/demo" => basic(&secret, ""),
            _ if number.is_multiple_of(2) => basic(client_id, &secret),
            _ => basic(&format!("client-{number}"), &secret),
        };
        self.request(&wrong)
    }
}

fn prepare(scene: &Scene, _: Scale) {
    let sandbox = &scene.installation.sandbox;
    let rows = SHORT.map(|secret| format!("{}\n", json!({"access_token": secret, "user_id": 7})));
    sandbox.run_with(&["token", "import", "--app", "demo", "--allow-weak", "--json"], &rows.concat()).json();
    let owner = Kept::from(ELSEWHERE, scene.address()).ask(&SURFACES[0].request(&owner_of_demo(scene)));
    assert_eq!(owner.status, 200);
}

fn owner_of_demo(scene: &Scene) -> String {
    basic(scene.installation.credential("client_id"), scene.installation.credential("client_secret"))
}

fn guess(scene: &Scene, scale: Scale) -> String {
    let (address, pid) = (scene.address(), scene.installation.server().pid());
    let before = memory_peak(pid);
    let quiet = scene.installation.sandbox.json(&["app", "create", "quiet"]);
    let others = others(scene);
    let begun = Instant::now();
    let (looked_up, throttled) = thread::scope(|scope| {
        let (stop, stopped) = channel::<()>();
        let watch = scope.spawn(move || {
            let mut count = 0;
            while count == 0
                || stopped.recv_timeout(Duration::from_millis(5)) == Err(RecvTimeoutError::Timeout)
            {
                others.iter().for_each(Other::assert_served);
                count += others.len();
            }
            count
        });
        let counts = guess_all(address, scale.of(GUESSES), scene.installation.credential("client_id"));
        drop(stop);
        assert!(watch.join().unwrap() > 0);
        counts
    });
    // Of each of four accounts as much as a minute allows, as much as came back meanwhile, and what was on its way.
    let most = 4 * (FAILURES + begun.elapsed().as_secs() + 1 + CLIENTS as u64);
    assert!(looked_up as u64 <= most, "{looked_up} guesses were looked up, more than {most}");
    assert_let_in_at_first_sight(address, &quiet);
    let waited = wait_until_let_in(address);
    let grown = memory_peak(pid).saturating_sub(before);
    assert!(grown <= GROWS_AT_MOST, "the server grew by {grown} MiB");
    let guesses = scale.of(GUESSES);
    format!(
        "{guesses} wrong credentials in {} s, {looked_up} looked up and {throttled} told to wait; memory grown by {grown} MiB, a \
         throttled owner let in after {} ms",
        begun.elapsed().as_secs(),
        waited.as_millis()
    )
}

/// All guesses, from all connections. How many were answered as any failure where it can be told, and how many as too many.
fn guess_all(address: SocketAddr, guesses: usize, client_id: &str) -> (usize, usize) {
    let (next, looked_up, throttled) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let client = || {
        let mut connection = Kept::from(GUESSER, address);
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= guesses {
                return;
            }
            let surface = &SURFACES[number % SURFACES.len()];
            let reply = connection.ask(&surface.guess(number / SURFACES.len(), client_id));
            let Reply { status, retry_after, is_last } = reply;
            if surface.throttled == surface.refusal {
                assert_eq!((status, retry_after), (surface.refusal, None), "{}", surface.path);
            } else if status == surface.throttled {
                assert!(matches!(retry_after, Some(1..=60)), "{}: {retry_after:?}", surface.path);
                throttled.fetch_add(1, Ordering::Relaxed);
            } else {
                assert_eq!((status, retry_after), (surface.refusal, None), "{}", surface.path);
                looked_up.fetch_add(1, Ordering::Relaxed);
            }
            if is_last {
                connection = Kept::from(GUESSER, address);
            }
        }
    };
    thread::scope(|scope| (0..CLIENTS).for_each(|_| drop(scope.spawn(client))));
    (looked_up.into_inner(), throttled.into_inner())
}

/// Somebody who is right, and is told so all the time.
struct Other {
    who: &'static str,
    from: Ipv4Addr,
    address: SocketAddr,
    request: String,
    expected: u16,
}

impl Other {
    fn assert_served(&self) {
        let reply = Kept::from(self.from, self.address).ask(&self.request);
        assert_eq!(reply.status, self.expected, "{}: {reply:?}", self.who);
    }
}

fn others(scene: &Scene) -> Vec<Other> {
    let address = scene.address();
    let other = |who, from, request, expected| Other { who, from, address, request, expected };
    let owner = owner_of_demo(scene);
    let [dotide, _, _, verify, _, introspect, revoke, count, auth] = &SURFACES;
    let bearer = |token: &str| format!("Bearer {token}");
    let (token, admin) = (scene.installation.token_of("7"), scene.installation.credential("admin_token"));
    let neighbour = get("/auth/neighbour?permission=read", 401, 401);
    let short = basic(SHORT[0], "");
    vec![
        other("a bearer at the guesser's address", GUESSER, auth.request(&bearer(&token)), 200),
        other(
            "a manager there",
            GUESSER,
            get("/AccessToken/demo?take=1", 401, 429).request(&bearer(admin)),
            200,
        ),
        other("a verifier there", GUESSER, verify.request(&bearer(admin)), 200),
        other("the owner there", GUESSER, verify.request(&owner), 200),
        other("the owner there, over OAuth", GUESSER, introspect.request(&owner), 200),
        other("another app's bearer", GUESSER, neighbour.request(&bearer(&scene.neighbour)), 200),
        other("the owner elsewhere", ELSEWHERE, dotide.request(&owner), 200),
        other("the same, over OAuth", ELSEWHERE, revoke.request(&owner), 200),
        other("a guessable token's holder elsewhere", ELSEWHERE, count.request(&short), 200),
    ]
}

/// More than are looked up while they are made.
const GUESSES_AT_ONCE: u32 = 100;

/// The owner of an app that was guessed at, whom nobody has seen since the server started, needs not wait: what was minted here is
/// told from a guess by arithmetic.
fn assert_let_in_at_first_sight(address: SocketAddr, quiet: &Value) {
    let verify = post("/verify/quiet", JSON);
    let (id, secret) = (text(quiet, "client_id"), text(quiet, "client_secret"));
    let ask = |secret: &str| Kept::from(GUESSER, address).ask(&verify.request(&basic(id, secret))).status;
    // One guess a second is looked up, so the first may be.
    assert!((0..GUESSES_AT_ONCE).any(|_| ask("wrong") == 429), "guesses are not throttled");
    assert_eq!(ask(secret), 200);
}

/// How long the holder of a short token, at the guesser's address, waits as it is told to until it is let in.
fn wait_until_let_in(address: SocketAddr) -> Duration {
    let begun = Instant::now();
    let (_silent, never) = channel::<()>();
    loop {
        let reply = Kept::from(GUESSER, address).ask(&LOOPBACK.request(&basic(SHORT[1], "")));
        if reply.status == 200 {
            return begun.elapsed();
        }
        assert_eq!(reply.status, 429, "{reply:?}");
        let retry_after = Duration::from_secs(reply.retry_after.unwrap());
        assert!(
            begun.elapsed() + retry_after <= LET_IN_WITHIN,
            "it is told to wait for {retry_after:?} more"
        );
        assert_eq!(never.recv_timeout(retry_after), Err(RecvTimeoutError::Timeout));
    }
}

#[test]
fn guesses() {
    unnoticed_at_a_small_size(&ATTACK);
}
