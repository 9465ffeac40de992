//! What the neighbours of an attack notice of it: an app of their own, the server's health, the admin
//! address, the command line, memory and disk.

use super::kept::Kept;
use super::{MEMORY_AT_MOST, memory_peak};
use crate::support::{Installation, request_if_served, text};
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde_json::Value;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;
use tokio::time::Instant;

/// What no client notices over a network: twice as long as less than this is still nothing.
const UNNOTICED: Duration = Duration::from_millis(1);
/// How much longer the slowest of a hundred verifications may take while others attack.
const SLOWER_AT_MOST: u32 = 2;
/// How long whatever keeps a server in service, and its operators, may wait.
const OPERABLE: Duration = Duration::from_secs(1);

/// An attack by the users or the owner of app `demo`, or by strangers.
pub(super) struct Attack {
    pub(super) name: &'static str,
    /// Further arguments of `serve`.
    pub(super) serve: &'static [&'static str],
    /// Settings of app `demo`.
    pub(super) settings: fn() -> Value,
    /// What has to be there first, of no account for what is noticed.
    pub(super) prepare: fn(&Scene, Scale),
    /// Attacks, asserts what has to be true of the answers, and says what came of it.
    pub(super) run: fn(&Scene, Scale) -> String,
    /// What the data directory may take on the disk afterwards, in MiB.
    pub(super) disk_at_most: u64,
}

/// How large an attack is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// In the gate: nothing is timed.
    Gate,
    /// As it was found.
    Full,
    TenTimes,
}

impl Scale {
    /// A number of things to attack with: so many as it was found, ten times that, or a tenth.
    pub(super) fn of(self, full: usize) -> usize {
        match self {
            Scale::Gate => full.div_ceil(10),
            Scale::Full => full,
            Scale::TenTimes => 10 * full,
        }
    }

    /// How long to attack.
    pub(super) fn time(self) -> Duration {
        match self {
            Scale::Gate => Duration::from_millis(500),
            Scale::Full | Scale::TenTimes => Duration::from_secs(8),
        }
    }
}

/// Where an attack takes place.
pub(super) struct Scene {
    pub(super) installation: Installation,
    /// The token of app `neighbour`, which may read there.
    pub(super) neighbour: String,
}

/// How long each answer took.
#[derive(Debug, Default)]
struct Noticed {
    auth: Vec<Duration>,
    health: Vec<Duration>,
    admin: Vec<Duration>,
    command: Vec<Duration>,
}

/// Runs an attack and asserts that other clients do not notice; returns the figures.
pub(super) fn assert_unnoticed(attack: &Attack, installation: Installation, scale: Scale) -> String {
    super::raise_descriptors();
    if installation.sandbox.database_url.is_some() && scale != Scale::Gate {
        set_database_apart();
    }
    let installation = installation.with(&(attack.settings)());
    installation.sandbox.json(&["app", "create", "neighbour"]);
    let token = ["token", "create", "--app", "neighbour", "--permissions", "read"];
    let neighbour = text(&installation.sandbox.json(&token), "access_token").to_owned();
    let installation = match scale {
        Scale::Gate => {
            let server = crate::support::Server::start(&installation.sandbox, attack.serve);
            Installation { server: Some(server), ..installation }
        }
        Scale::Full | Scale::TenTimes => installation.serve_as_shipped(attack.serve),
    };
    let scene = Scene { installation, neighbour };
    (attack.prepare)(&scene, scale);
    // Nothing comes: that is how long it waits.
    let calm = || scene.noticed(|never| never.recv_timeout(scale.time() / 2).unwrap_err()).0;
    let before = calm();
    let (during, came) = scene.noticed(|_| elsewhere(|| (attack.run)(&scene, scale)));
    let after = calm();
    let peak = memory_peak(scene.installation.server().pid());
    let disk = size_of_folder(&scene.installation.sandbox.data_dir());
    let Scene { installation, .. } = scene;
    let log = installation.server.unwrap().stop();
    assert!(!log.contains("panicked"), "{log}");
    let name = attack.name;
    let calm = percentile_99(&before.auth).max(percentile_99(&after.auth));
    let figure = format!(
        "{name}: {came}; {}; calm p99 {}, disk {disk} MiB, memory {peak} MiB",
        during.figure(),
        millis(calm)
    );
    assert!(peak <= MEMORY_AT_MOST, "{figure}");
    assert!(disk <= attack.disk_at_most, "{figure}");
    if scale != Scale::Gate {
        let most = SLOWER_AT_MOST * calm.max(UNNOTICED);
        assert!(percentile_99(&during.auth) <= most, "/auth of a neighbour: {figure}");
        for (what, times) in [
            ("/healthz", &during.health),
            ("the admin address", &during.admin),
            ("a command", &during.command),
        ] {
            let slowest = times.iter().max().copied().unwrap_or_default();
            assert!(slowest <= OPERABLE, "{what} took {}: {figure}", millis(slowest));
        }
    }
    figure
}

/// Attackers have machines of their own: here every other process takes precedence.
fn elsewhere<T: Send>(attack: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let attack = || {
            make_idle(rustix::thread::gettid());
            attack()
        };
        scope.spawn(attack).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// The database has a machine of its own, as far as this one allows: the last of its processors, which
/// nothing else uses.
fn set_database_apart() {
    let all = sched_getaffinity(None).unwrap();
    let processors: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|number| all.is_set(*number)).collect();
    let [ours @ .., last] = processors.as_slice() else { return };
    if ours.is_empty() {
        return;
    }
    let set = |processors: &[usize]| {
        let mut set = CpuSet::new();
        processors.iter().for_each(|number| set.set(*number));
        set
    };
    // Inherited by whatever either of them starts from now on: its processes for connections, and the server.
    sched_setaffinity(Some(jeton_testkit::Cluster::shared().process()), &set(&[*last])).unwrap();
    sched_setaffinity(None, &set(ours)).unwrap();
}

/// Lets a thread, and all that it starts, run while nobody else wants to.
fn make_idle(thread: Pid) {
    assert!(schedule(&["--idle"], "0", thread), "a thread may always be less urgent");
}

/// Whoever waits for an answer has a machine of its own, too: what it waits for a processor of this one is not the server's. What
/// it starts is as urgent as anything else. Only root may do this; for others, that wait is part of what is measured.
fn have_a_processor(thread: Pid) {
    let _is_done = schedule(&["--fifo", "--reset-on-fork"], "1", thread);
}

fn schedule(policy: &[&str], priority: &str, thread: Pid) -> bool {
    let mut chrt = std::process::Command::new("chrt");
    chrt.args(policy).args(["--pid", priority, &thread.as_raw_nonzero().to_string()]);
    chrt.stderr(std::process::Stdio::null()).status().unwrap().success()
}

impl Scene {
    pub(super) fn address(&self) -> SocketAddr {
        self.installation.server().address
    }

    /// What is noticed while something happens, and what came of that. It is given a channel by which nothing
    /// ever comes, to wait on.
    fn noticed<T>(&self, happening: impl FnOnce(&std::sync::mpsc::Receiver<()>) -> T) -> (Noticed, T) {
        let noticed = Mutex::new(Noticed::default());
        let came = thread::scope(|scope| {
            let noticed = &noticed;
            let watch = |ask: Box<dyn FnMut() -> Duration + Send>, pause, put: fn(&mut Noticed, Duration)| {
                let (stop, stopped) = channel::<()>();
                scope.spawn(move || {
                    have_a_processor(rustix::thread::gettid());
                    let mut ask = ask;
                    while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                        let took = ask();
                        put(&mut noticed.lock().unwrap(), took);
                    }
                });
                stop
            };
            let millis = Duration::from_millis;
            let (server, sandbox) = (self.installation.server(), &self.installation.sandbox);
            let (public, admin) = (server.address, server.admin_address);
            let mut watches: Vec<Sender<()>> = (0..2)
                .map(|_| {
                    let mut gateway = Gateway::new(public, &self.neighbour);
                    watch(Box::new(move || gateway.ask()), millis(2), |all, took| all.auth.push(took))
                })
                .collect();
            watches.push(watch(Box::new(move || get(public, "/healthz")), millis(20), |all, took| {
                all.health.push(took);
            }));
            watches.push(watch(Box::new(move || get(admin, "/metrics")), millis(50), |all, took| {
                all.admin.push(took);
            }));
            let mut list = sandbox.command(&["app", "list"]);
            list.stdout(std::process::Stdio::null());
            watches.push(watch(Box::new(move || command(&mut list)), millis(500), |all, took| {
                all.command.push(took);
            }));
            let (_silent, never) = channel();
            let came = happening(&never);
            // Also by a panic: that is what the watches wait for.
            drop(watches);
            came
        });
        (noticed.into_inner().unwrap(), came)
    }
}

impl Noticed {
    fn figure(&self) -> String {
        let mut figure = format!("/auth p99 {} of {}", millis(percentile_99(&self.auth)), self.auth.len());
        for (what, times) in [("/healthz", &self.health), ("admin", &self.admin), ("command", &self.command)]
        {
            let slowest = times.iter().max().copied().unwrap_or_default();
            write!(figure, ", {what} at most {} of {}", millis(slowest), times.len()).unwrap();
        }
        figure
    }
}

/// A gateway, which keeps its connection.
struct Gateway {
    connection: Kept,
    request: String,
}

impl Gateway {
    fn new(address: SocketAddr, token: &str) -> Self {
        let path = "/auth/neighbour?permission=read";
        let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {token}\r\n\r\n");
        Gateway { connection: Kept::from(Ipv4Addr::LOCALHOST, address), request }
    }

    fn ask(&mut self) -> Duration {
        let begun = Instant::now();
        let reply = self.connection.ask(&self.request);
        assert_eq!(reply.status, 200, "a neighbour's token");
        begun.elapsed()
    }
}

/// How long an answer of 200 takes on a connection of its own.
fn get(address: SocketAddr, path: &str) -> Duration {
    let begun = Instant::now();
    let answer = request_if_served(address, "GET", path, &[], None);
    let took = begun.elapsed();
    assert_eq!(answer.as_ref().map(|answer| answer.status), Some(200), "{path}: {answer:?}");
    took
}

fn command(command: &mut std::process::Command) -> Duration {
    let begun = Instant::now();
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    begun.elapsed()
}

/// How long 99 of 100 take at most.
fn percentile_99(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    times.get(times.len() * 99 / 100).copied().unwrap_or_default()
}

fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

/// In MiB.
fn size_of_folder(folder: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let entries = folder.read_dir().unwrap();
    let blocks: u64 = entries.filter_map(|entry| Some(entry.ok()?.metadata().ok()?.blocks())).sum();
    (blocks * 512).div_ceil(1024 * 1024)
}
