//! PostgreSQL's primary dies under load, and its synchronous standby takes its place: nothing that was acknowledged is lost, nothing
//! that was revoked comes back, the nodes go on by themselves, and who reads changes in order gets each of them once.
//!
//! The nodes reach the primary through a proxy, as through HAProxy or an address that moves. A primary that is dead stays dead.

mod ledger;
mod order;

use super::fleet::{self, NODES, Node, Operator, is_allowed};
use super::now;
use crate::support::{Installation, PATIENCE, Sandbox, loopback, run};
use jeton_testkit::Cluster;
use ledger::Ledger;
use rustix::process::{Signal, kill_process};
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// `cache.max_staleness_milliseconds`: how late a node may learn what another has revoked.
const STALENESS: Duration = Duration::from_secs(2);
/// Connections to each node that ask.
const ASKING: usize = 2;
/// Writes by each node before the primary dies, and after another has taken its place.
const WRITES: u64 = 100;
/// How many tokens a writer lets live before it revokes the oldest.
const LIVING: usize = 20;
/// How long who was refused waits.
const PAUSE: Duration = Duration::from_millis(2);
/// How long a connection rests between two questions.
const REST: Duration = Duration::from_micros(500);

#[test]
fn one_round() {
    if !jeton_testkit::skips("PostgreSQL") {
        failovers(1, |_| ());
    }
}

#[test]
#[ignore = "ten rounds take some minutes: cargo xtask prove failover"]
#[expect(clippy::print_stdout, reason = "a proof prints its figures")]
fn ten_rounds() {
    failovers(10, |figure| println!("failover: {figure}"));
}

/// What one node does.
struct Work {
    /// Writes that were acknowledged.
    writes: AtomicU64,
    writing: Served,
    asking: Served,
}

/// When requests were served.
struct Served {
    begun: Instant,
    /// The last one; instants are nanoseconds since the beginning.
    last: AtomicU64,
    /// The longest time between two.
    gap: AtomicU64,
    refused: AtomicU64,
}

impl Served {
    fn new(begun: Instant) -> Self {
        let last = AtomicU64::new(nanoseconds(begun.elapsed()));
        Served { begun, last, gap: AtomicU64::new(0), refused: AtomicU64::new(0) }
    }

    fn note(&self, is_served: bool) {
        if !is_served {
            self.refused.fetch_add(1, Ordering::SeqCst);
            thread::park_timeout(PAUSE);
            return;
        }
        let now = nanoseconds(self.begun.elapsed());
        let before = self.last.fetch_max(now, Ordering::SeqCst);
        self.gap.fetch_max(now.saturating_sub(before), Ordering::SeqCst);
    }

    fn take_gap(&self) -> Duration {
        Duration::from_nanos(self.gap.swap(0, Ordering::SeqCst))
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap()
}

/// All that goes on until it is stopped.
struct Load<'a> {
    installation: &'a Installation,
    nodes: &'a [Node],
    work: Vec<Work>,
    ledger: Ledger,
    begun: Instant,
    is_over: AtomicBool,
    has_failed: AtomicBool,
    /// Clients that are at work.
    clients: AtomicUsize,
    /// Questions that were answered, and how late the last was that allowed what was revoked.
    asked: AtomicU64,
    late: AtomicU64,
}

/// Stops it, also when the test fails: then the nodes, too, whose streams would not end.
struct Ending<'a, 'b>(&'a Load<'b>);

impl Drop for Ending<'_, '_> {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::SeqCst);
        if thread::panicking() {
            for node in self.0.nodes {
                // One that has ended is no more.
                let _ = kill_process(node.server.pid(), Signal::KILL);
            }
        }
    }
}

/// A client that is at work. Tells the others when it fails.
struct Client<'a, 'b>(&'a Load<'b>);

impl Drop for Client<'_, '_> {
    fn drop(&mut self) {
        self.0.has_failed.fetch_or(thread::panicking(), Ordering::SeqCst);
        self.0.clients.fetch_sub(1, Ordering::SeqCst);
    }
}

impl<'b> Load<'b> {
    fn over(installation: &'b Installation, nodes: &'b [Node]) -> Self {
        let begun = now();
        let work =
            || Work { writes: AtomicU64::new(0), writing: Served::new(begun), asking: Served::new(begun) };
        Load {
            installation,
            nodes,
            work: (0..NODES).map(|_| work()).collect(),
            ledger: Ledger::default(),
            begun,
            is_over: AtomicBool::new(false),
            has_failed: AtomicBool::new(false),
            clients: AtomicUsize::new(0),
            asked: AtomicU64::new(0),
            late: AtomicU64::new(0),
        }
    }

    fn refused(&self) -> u64 {
        let served = self.work.iter().flat_map(|work| [&work.writing, &work.asking]);
        served.map(|served| served.refused.load(Ordering::SeqCst)).sum()
    }

    fn client(&self) -> Client<'_, 'b> {
        self.clients.fetch_add(1, Ordering::SeqCst);
        Client(self)
    }

    fn goes_on(&self) -> bool {
        !self.is_over.load(Ordering::SeqCst) && !self.has_failed.load(Ordering::SeqCst)
    }

    /// Makes tokens by a node and revokes them a while later.
    fn write(&self, node: usize) {
        let _client = self.client();
        let Work { writes, writing, .. } = &self.work[node];
        let mut operator = Operator::of(&self.nodes[node], self.installation);
        let mut living = VecDeque::new();
        let mut user = (node as u64 + 1) * 100_000_000;
        let acknowledged = |is_served: bool| {
            writing.note(is_served);
            writes.fetch_add(u64::from(is_served), Ordering::SeqCst);
        };
        while self.goes_on() {
            user += 1;
            let made = operator.create(user);
            acknowledged(made.is_some());
            if let Some(made) = made {
                living.push_back(self.ledger.issued(made));
            }
            if living.len() > LIVING
                && let Some(token) = living.pop_front()
            {
                token.is_asked_to_go();
                let revoked = operator.revoke(token.id);
                acknowledged(revoked.is_some());
                match revoked {
                    Some(true) => token.is_gone(self.begun.elapsed()),
                    Some(false) => panic!("a token that was acknowledged is lost: {}", token.id),
                    None => {}
                }
            }
        }
    }

    /// Asks a node about one token after the other.
    fn ask(&self, node: usize, number: usize) {
        let _client = self.client();
        let mut stream = super::connection::connect(self.nodes[node].server.address);
        let mut turn = number;
        while self.goes_on() {
            turn += 1;
            let Some(token) = self.ledger.one_of_the_last(turn) else { continue };
            let (before, sent) = (token.state(), self.begun.elapsed());
            let answer = is_allowed(&mut stream, &token.secret);
            self.work[node].asking.note(answer.is_some());
            thread::park_timeout(REST);
            let Some(is_allowed) = answer else { continue };
            self.asked.fetch_add(1, Ordering::Relaxed);
            if let (Some(gone), true) = (before.gone, is_allowed) {
                let late = sent.saturating_sub(gone);
                assert!(late <= STALENESS, "{late:?} after the answer to its revoke a token is allowed");
                self.late.fetch_max(nanoseconds(late), Ordering::SeqCst);
            }
            // What nobody has asked to go is there, on whichever node.
            assert!(
                is_allowed || token.state().is_asked_to_go,
                "an acknowledged token is refused: {}",
                token.id
            );
        }
    }

    /// Waits until every node has acknowledged so many more.
    fn wait_for_writes(&self, more: u64) {
        let writes = || self.work.iter().map(|work| work.writes.load(Ordering::SeqCst));
        let wanted: Vec<u64> = writes().map(|writes| writes + more).collect();
        let begun = now();
        while writes().zip(&wanted).any(|(writes, wanted)| writes < *wanted) {
            assert!(!self.has_failed.load(Ordering::SeqCst), "a client failed");
            assert!(begun.elapsed() < PATIENCE, "nodes do not go on: {:?}", writes().collect::<Vec<_>>());
            thread::park_timeout(PAUSE);
        }
    }

    /// Returns when no client is at work any more.
    fn end(&self) {
        self.is_over.store(true, Ordering::SeqCst);
        while self.clients.load(Ordering::SeqCst) > 0 {
            thread::park_timeout(PAUSE);
        }
        assert!(!self.has_failed.load(Ordering::SeqCst), "a client failed");
    }

    /// The gaps of all nodes, of writes and of questions.
    fn take_gaps(&self) -> [Vec<Duration>; 2] {
        let gaps = |of: fn(&Work) -> &Served| self.work.iter().map(|work| of(work).take_gap()).collect();
        [gaps(|work| &work.writing), gaps(|work| &work.asking)]
    }
}

/// What came of the rounds.
#[derive(Default)]
struct Figures {
    /// From the death of the primary until the standby took writes.
    promoted: Vec<Duration>,
    /// Without an acknowledged write, for each node, and without an answered question.
    writing: Vec<Duration>,
    asking: Vec<Duration>,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spread = |times: &[Duration]| {
            let mut times = times.to_vec();
            times.sort_unstable();
            let seconds = |place: usize| times.get(place).map_or(0.0, Duration::as_secs_f64);
            format!(
                "{:.2} s, at most {:.2} s",
                seconds(times.len() / 2),
                seconds(times.len().saturating_sub(1))
            )
        };
        write!(
            f,
            "the standby took writes {} after the death of the primary; on a node the last write before and the first after it were \
             {} apart, questions {}",
            spread(&self.promoted),
            spread(&self.writing),
            spread(&self.asking)
        )
    }
}

fn failovers(rounds: usize, say: impl Fn(String)) {
    let first = Cluster::durable();
    let url = first.create_database();
    let installation = Installation::at(Sandbox::on(Some(url.clone()))).with(&loopback::open());
    let nodes = fleet::start(&installation.sandbox, &url, first.address());
    let load = Load::over(&installation, &nodes);
    // Whoever reads changes in order reads up to its removal.
    let last = Operator::of(&nodes[0], &installation).create(1).unwrap();
    let mut figures = Figures::default();
    let (primary, streamed) = thread::scope(|scope| {
        let (load, nodes, installation, last) = (&load, &nodes, &installation, &last);
        let read = |node| scope.spawn(move || order::read(node, installation, &last.secret));
        let readers: Vec<_> = nodes.iter().map(read).collect();
        let _ending = Ending(load);
        for node in 0..NODES {
            scope.spawn(move || load.write(node));
            (0..ASKING).for_each(|number| drop(scope.spawn(move || load.ask(node, number))));
        }
        let mut primary = first;
        for round in 0..rounds {
            primary = fail_over(load, &primary, round, &mut figures);
        }
        load.end();
        assert_eq!(Operator::of(&nodes[1], installation).revoke(last.id), Some(true));
        let streamed: Vec<_> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
        (primary, streamed)
    });
    let url = primary.url_of(&url);
    let acknowledged = ledger::assert_kept(&load.ledger, &nodes, &url);
    let changes = order::assert_whole(&streamed, &nodes, &installation, &url);
    let mut check = installation.sandbox.command(&["check", "--json"]);
    assert_eq!(run(check.env("JETON_DATABASE_URL", &url), "").json()["sound"], true);
    say(format!(
        "{rounds} primaries killed under the load of {NODES} nodes: {acknowledged} acknowledged writes, none lost; {} questions, none \
         answered wrongly, and the last about a revoked token that was allowed was sent {:.1} ms after the answer of another node; {} \
         requests refused, all 503",
        load.asked.load(Ordering::SeqCst),
        load.late.load(Ordering::SeqCst) as f64 / 1e6,
        load.refused(),
    ));
    say(format!("{figures}"));
    say(format!(
        "{changes} changes in the log: {NODES} streams and each node's audit log gave them in order, each once"
    ));
}

/// Lets a standby of this primary take its place, and answers it.
fn fail_over(load: &Load<'_>, primary: &Cluster, round: usize, figures: &mut Figures) -> Cluster {
    let standby = primary.standby();
    load.wait_for_writes(WRITES);
    // What it took to copy the primary is no failure.
    load.take_gaps();
    let lead = || load.nodes.iter().for_each(|node| node.proxy.lead_to(standby.address()));
    let died = now();
    primary.kill();
    // In every other round nodes come to the standby while it is one.
    if round % 2 == 1 {
        lead();
    }
    standby.promote();
    figures.promoted.push(died.elapsed());
    lead();
    load.wait_for_writes(WRITES);
    let [writing, asking] = load.take_gaps();
    figures.writing.extend(writing);
    figures.asking.extend(asking);
    standby
}
