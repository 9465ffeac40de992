//! How soon what one node has revoked is refused by the others: while all is well, while nothing is announced, and while a node is
//! stopped or cut off from the database.
//!
//! Connections to every node ask about one token all the time. A request counts by the instant before it is written; it was late
//! by so much as that is after the answer to the revoke. A round ends when each connection was refused several times after it.

use super::connection::connect;
use super::fleet::{self, NODES, Node, Operator, is_allowed, metric};
use super::now;
use crate::support::{Installation, PATIENCE, Sandbox};
use jeton_testkit::{Cluster, ProxyMode};
use rustix::process::{Signal, kill_process};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How late a request may be that is allowed, in 99 of 100 rounds, while changes are announced.
const BUDGET: Duration = Duration::from_millis(10);
/// `cache.poll_milliseconds`: how often a node looks that hears nothing.
const POLL: Duration = Duration::from_millis(20);
/// How often one looks that hears announcements.
const SLOW_POLL: Duration = Duration::from_millis(200);
/// `cache.max_staleness_milliseconds`: how late any request may be, whatever happens.
const STALENESS: Duration = Duration::from_secs(2);
/// Refusals of each connection that end a round.
const ENOUGH: u64 = 2;
const PAUSE: Duration = Duration::from_micros(200);
/// Above all instants.
const NEVER: u64 = u64::MAX;

#[derive(Clone, Copy)]
struct Size {
    /// Rounds in which all is well.
    rounds: u64,
    /// In which nothing is announced any more.
    mute: u64,
    /// In which announcements cease.
    ceasing: u64,
    /// With each fault.
    faults: u64,
    /// To each node.
    connections: usize,
    /// How long each rests between two questions.
    rest: Duration,
    /// Whether the machine has nothing else to do, so that times of some milliseconds say something.
    is_quiet: bool,
}

const SMALL: Size = Size {
    rounds: 20,
    mute: 5,
    ceasing: 1,
    faults: 1,
    connections: 2,
    rest: Duration::from_millis(2),
    is_quiet: false,
};
const FULL: Size = Size {
    rounds: 10_000,
    mute: 1_000,
    ceasing: 20,
    faults: 12,
    connections: 2,
    // As many questions as leave the machine some time: where there is none, what is measured is the wait for a processor.
    rest: Duration::from_millis(2),
    is_quiet: true,
};

#[test]
fn a_few_rounds() {
    if !jeton_testkit::skips("PostgreSQL") {
        revokes(&Nodes::on(Cluster::shared()), SMALL, |_| ());
    }
}

#[test]
#[ignore = "10,000 rounds take some minutes: cargo xtask prove nodes"]
#[expect(clippy::print_stdout, reason = "a proof prints its figures")]
fn ten_thousand_revokes() {
    let cluster = Cluster::durable();
    revokes(&Nodes::on(&cluster), FULL, |figure| println!("nodes: {figure}"));
}

/// What is done to a node before a token is revoked by another, and undone afterwards.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    Stopped,
    CutOff(ProxyMode),
}

const FAULTS: [Fault; 4] = [
    Fault::Stopped,
    Fault::CutOff(ProxyMode::Refused),
    Fault::CutOff(ProxyMode::Silent),
    Fault::CutOff(ProxyMode::Dropped),
];

/// For how long, in turn.
const FAULTY: [Duration; 3] =
    [Duration::from_millis(2_200), Duration::from_millis(1_200), Duration::from_millis(3_500)];

/// A token, from its issue to when it is refused everywhere.
struct Round {
    secret: String,
    connections: Vec<Vec<Connection>>,
}

/// What one connection has been told. Instants are nanoseconds since the beginning.
#[derive(Default)]
struct Connection {
    allowed: AtomicU64,
    /// When the last request was sent that was allowed.
    last_allowed: AtomicU64,
    /// Refusals of requests that were sent after the answer.
    refused: AtomicU64,
}

/// What all connections ask about.
struct Questions {
    begun: Instant,
    rest: Duration,
    round: Mutex<Option<Arc<Round>>>,
    /// When the revoke of this round was answered.
    answered: AtomicU64,
    asked: AtomicU64,
    has_failed: AtomicBool,
}

impl Questions {
    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_nanos()).unwrap()
    }

    fn round(&self) -> Option<Arc<Round>> {
        self.round.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn put(&self, round: Option<Arc<Round>>) {
        *self.round.lock().unwrap_or_else(PoisonError::into_inner) = round;
    }

    /// Asks a node over one connection until there is nothing more to ask.
    fn ask(&self, node: &Node, (of_node, number): (usize, usize)) {
        let _failing = Failing(&self.has_failed);
        let mut stream = connect(node.server.address);
        while let Some(round) = self.round() {
            let told = &round.connections[of_node][number];
            let sent = self.now();
            let answer = is_allowed(&mut stream, &round.secret);
            self.asked.fetch_add(1, Ordering::Relaxed);
            match answer {
                Some(true) => {
                    told.last_allowed.fetch_max(sent, Ordering::SeqCst);
                    told.allowed.fetch_add(1, Ordering::SeqCst);
                }
                Some(false) if sent > self.answered.load(Ordering::SeqCst) => {
                    told.refused.fetch_add(1, Ordering::SeqCst);
                }
                // It may not have been revoked when this was asked, but not answered yet; or nobody could tell.
                Some(false) | None => {}
            }
            if !self.rest.is_zero() {
                thread::park_timeout(self.rest);
            }
        }
    }
}

/// Tells who waits for a connection when it fails.
struct Failing<'a>(&'a AtomicBool);

impl Drop for Failing<'_> {
    fn drop(&mut self) {
        self.0.fetch_or(thread::panicking(), Ordering::SeqCst);
    }
}

/// Lets the connections go also when the test fails.
struct Enough<'a>(&'a Questions);

impl Drop for Enough<'_> {
    fn drop(&mut self) {
        self.0.put(None);
    }
}

/// The nodes, and who makes and revokes tokens by each.
struct Nodes {
    installation: Installation,
    nodes: Vec<Node>,
    operators: Mutex<Vec<Operator>>,
}

impl Nodes {
    fn on(cluster: &Cluster) -> Self {
        let url = cluster.create_database();
        let installation = Installation::at(Sandbox::on(Some(url.clone())));
        let nodes = fleet::start(&installation.sandbox, &url, cluster.address());
        let operators = nodes.iter().map(|node| Operator::of(node, &installation)).collect();
        Nodes { installation, nodes, operators: Mutex::new(operators) }
    }

    fn create(&self, by: usize, user: u64) -> fleet::Made {
        let mut operators = self.operators.lock().unwrap();
        // A database beside which all other tests run may have no connection in time.
        until(|| operators[by].create(user))
    }

    fn revoke(&self, by: usize, id: i64) {
        let mut operators = self.operators.lock().unwrap();
        until(|| operators[by].revoke(id));
    }

    /// Waits until every node hears announcements, or none does.
    fn all_listen(&self, listen: bool) {
        for node in &self.nodes {
            until(|| (metric(node, "jeton_change_listening") == u64::from(listen)).then_some(()));
        }
    }

    fn set_mute(&self, is_mute: bool) {
        self.nodes.iter().for_each(|node| node.proxy.set_mute(is_mute));
    }
}

/// The answer, once there is one.
fn until<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "it never comes");
        thread::park_timeout(PAUSE);
    }
}

/// One load, and the rounds that are made under it.
struct Load<'a> {
    nodes: &'a Nodes,
    questions: &'a Questions,
    size: Size,
    /// How many rounds there were.
    made: u64,
}

impl Load<'_> {
    /// Makes a token that every connection is allowed to read with, and answers by which node it is to be revoked.
    fn begin(&mut self) -> (Arc<Round>, i64, usize) {
        self.made += 1;
        let by = usize::try_from(self.made).unwrap() % NODES;
        let token = self.nodes.create((by + 1) % NODES, self.made);
        let connections =
            (0..NODES).map(|_| (0..self.size.connections).map(|_| Connection::default()).collect()).collect();
        let round = Arc::new(Round { secret: token.secret, connections });
        self.questions.answered.store(NEVER, Ordering::SeqCst);
        self.questions.put(Some(round.clone()));
        self.wait_for(&round, |told| told.allowed.load(Ordering::SeqCst) >= ENOUGH);
        (round, token.id, by)
    }

    /// Revokes it, and answers when that was answered.
    fn revoke(&self, id: i64, by: usize) -> u64 {
        self.nodes.revoke(by, id);
        let answered = self.questions.now();
        self.questions.answered.store(answered, Ordering::SeqCst);
        answered
    }

    /// How late the last request was that was allowed, once all have been refused.
    fn end(&self, round: &Round, by: usize, answered: u64) -> Duration {
        self.wait_for(round, |told| told.refused.load(Ordering::SeqCst) >= ENOUGH);
        let late = |told: &Connection| told.last_allowed.load(Ordering::SeqCst).saturating_sub(answered);
        let of_node = |node: usize| round.connections[node].iter().map(late).max().unwrap_or_default();
        assert_eq!(of_node(by), 0, "allowed by the node that had answered, so many ns later");
        let late = Duration::from_nanos((0..NODES).map(of_node).max().unwrap_or_default());
        assert!(late <= STALENESS, "allowed {late:?} after the answer");
        late
    }

    fn round(&mut self) -> Duration {
        let (round, id, by) = self.begin();
        let answered = self.revoke(id, by);
        self.end(&round, by, answered)
    }

    /// A round with a node that has a fault for this long from before the revoke on.
    fn round_with(&mut self, fault: Fault, faulty: Duration) -> Duration {
        let (round, id, by) = self.begin();
        let victim = &self.nodes.nodes[(by + 1) % NODES];
        let signal = |signal| kill_process(victim.server.pid(), signal).unwrap();
        match fault {
            Fault::Stopped => signal(Signal::STOP),
            Fault::CutOff(mode) => victim.proxy.set(mode),
        }
        let begun = now();
        let answered = self.revoke(id, by);
        while let Some(rest) = faulty.checked_sub(begun.elapsed()).filter(|rest| !rest.is_zero()) {
            thread::park_timeout(rest);
        }
        match fault {
            Fault::Stopped => signal(Signal::CONT),
            Fault::CutOff(_) => victim.proxy.set(ProxyMode::Open),
        }
        let late = self.end(&round, by, answered);
        // The next round begins where all is well again.
        until(|| (metric(victim, "jeton_store_cut_off") == 0).then_some(()));
        late
    }

    fn wait_for(&self, round: &Round, is_so: impl Fn(&Connection) -> bool) {
        until(|| {
            assert!(!self.questions.has_failed.load(Ordering::SeqCst), "a connection failed");
            round.connections.iter().flatten().all(&is_so).then_some(())
        });
    }
}

/// How late the last allowed requests of rounds were.
struct Lateness(Vec<Duration>);

impl Lateness {
    fn of(rounds: impl Iterator<Item = Duration>) -> Self {
        let mut rounds: Vec<_> = rounds.collect();
        rounds.sort_unstable();
        Lateness(rounds)
    }

    fn percentile(&self, percent: usize) -> Duration {
        self.0[(self.0.len() * percent).div_ceil(100) - 1]
    }
}

impl fmt::Display for Lateness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = |percent| self.percentile(percent).as_secs_f64() * 1_000.0;
        write!(f, "p50 {:.1} ms, p99 {:.1} ms, at most {:.1} ms", millis(50), millis(99), millis(100))
    }
}

fn revokes(nodes: &Nodes, size: Size, say: impl Fn(String)) {
    let questions = Questions {
        begun: now(),
        rest: size.rest,
        round: Mutex::new(None),
        answered: AtomicU64::new(NEVER),
        asked: AtomicU64::new(0),
        has_failed: AtomicBool::new(false),
    };
    let mut load = Load { nodes, questions: &questions, size, made: 0 };
    nodes.all_listen(true);
    thread::scope(|scope| {
        let questions = &questions;
        let _enough = Enough(questions);
        // The connections need something to ask from the start.
        let connections = (0..NODES).map(|_| (0..size.connections).map(|_| Connection::default()).collect());
        let secret = nodes.create(0, 0).secret;
        questions.put(Some(Arc::new(Round { secret, connections: connections.collect() })));
        for (of_node, node) in nodes.nodes.iter().enumerate() {
            for number in 0..size.connections {
                scope.spawn(move || questions.ask(node, (of_node, number)));
            }
        }
        while_all_is_well(&mut load, &say);
        FAULTS.into_iter().for_each(|fault| with_a_fault(&mut load, fault, &say));
        without_announcements(&mut load, &say);
    });
    assert_eq!(nodes.installation.sandbox.json(&["check"])["sound"], true);
}

fn while_all_is_well(load: &mut Load<'_>, say: &impl Fn(String)) {
    let (begun, asked) = (now(), load.questions.asked.load(Ordering::SeqCst));
    let late = Lateness::of((0..load.size.rounds).map(|_| load.round()));
    let asked = (load.questions.asked.load(Ordering::SeqCst) - asked) as f64 / begun.elapsed().as_secs_f64();
    if load.size.is_quiet {
        assert!(late.percentile(99) <= BUDGET, "{late}");
    }
    say(format!(
        "{NODES} nodes, {} revokes by one after the other, {} connections that ask ({asked:.0} requests/s): the last request that \
         another node allowed was sent {late} after the answer, and none by the node that answered",
        load.size.rounds,
        NODES * load.size.connections,
    ));
}

fn with_a_fault(load: &mut Load<'_>, fault: Fault, say: &impl Fn(String)) {
    let turns = (0..load.size.faults).map(|turn| FAULTY[usize::try_from(turn).unwrap() % FAULTY.len()]);
    let late = Lateness::of(turns.map(|faulty| load.round_with(fault, faulty)));
    let what = match fault {
        Fault::Stopped => "stopped (SIGSTOP) and continued".to_owned(),
        Fault::CutOff(mode) => format!("cut off from PostgreSQL ({mode:?})"),
    };
    say(format!(
        "a node {what}, {} times for {FAULTY:?} in turn: the last request that it allowed was sent p50 {:.2} s, at most {:.2} s after \
         the answer of another",
        load.size.faults,
        late.percentile(50).as_secs_f64(),
        late.percentile(100).as_secs_f64(),
    ));
}

/// A node that hears nothing looks every [`POLL`]. One that heard does so as soon as it has found what was not announced, for
/// which it may take [`SLOW_POLL`]. Looking itself takes what it takes while announcements come.
fn without_announcements(load: &mut Load<'_>, say: &impl Fn(String)) {
    let mut ceasing = Vec::new();
    for _ in 0..load.size.ceasing {
        load.nodes.set_mute(false);
        load.nodes.all_listen(true);
        // Heard of, so that the nodes rely on it again.
        load.round();
        let (round, id, by) = load.begin();
        load.nodes.set_mute(true);
        let answered = load.revoke(id, by);
        ceasing.push(load.end(&round, by, answered));
    }
    let ceasing = Lateness::of(ceasing.into_iter());
    let late = Lateness::of((0..load.size.mute).map(|_| load.round()));
    if load.size.is_quiet {
        // They know by now, and did not hear anything meanwhile.
        load.nodes.all_listen(false);
        assert!(late.percentile(99) <= POLL + BUDGET, "{late}");
        assert!(ceasing.percentile(99) <= SLOW_POLL + BUDGET, "{ceasing}");
    }
    say(format!(
        "without announcements, {} revokes: {late} (a look every {} ms, and {} ms to look); the first after they ceased, {} times: \
         {ceasing}",
        load.size.mute,
        POLL.as_millis(),
        BUDGET.as_millis(),
        load.size.ceasing,
    ));
}
