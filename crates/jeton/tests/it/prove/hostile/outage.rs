//! PostgreSQL that refuses, hangs, is stopped or cannot be reached: on every surface the first answers come
//! within the time of a read, all others at once, and everything is served again soon after it is back.

use super::wire::basic;
use crate::support::{Answer, Installation, Sandbox, Server, loopback, request_if_served, text};
use jeton_testkit::{Cluster, FaultyProxy, ProxyMode};
use serde_json::json;
use std::net::SocketAddr;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;
use tokio::time::Instant;

/// How a database goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cut {
    /// Nothing listens any more.
    Refused,
    /// Connections are accepted, and nothing is said.
    Silent,
    /// Connections are not even refused.
    Dropped,
    /// Its processes are stopped by a signal.
    Suspended,
}

pub(super) const CUTS: [Cut; 4] = [Cut::Refused, Cut::Silent, Cut::Dropped, Cut::Suspended];

/// How long things may take.
pub(super) struct Bounds {
    /// The first answer of a surface.
    first: Duration,
    /// So many answers more of all surfaces together.
    burst: Duration,
    /// From when the database is back until each surface serves.
    back: Duration,
}

/// `limits.query_seconds` is 2.
pub(super) const TIGHT: Bounds = Bounds {
    first: Duration::from_millis(2_250),
    burst: Duration::from_secs(1),
    back: Duration::from_secs(2),
};

/// Where other tests use the machine. Without the breaker the first answer takes 5 s, and each of those after
/// it 2 s.
const GENEROUS: Bounds = Bounds {
    first: Duration::from_millis(4_500),
    burst: Duration::from_secs(20),
    back: Duration::from_secs(30),
};

/// Calls after the first, of each question: more than 200 in all.
const BURST: usize = 25;

/// What clients of each surface ask.
struct Question {
    name: &'static str,
    line: [&'static str; 2],
    authorization: String,
    body: Option<String>,
}

impl Question {
    fn ask(&self, address: SocketAddr) -> (u16, Duration) {
        let [method, path] = self.line;
        let headers = [format!("Authorization: {}", self.authorization)];
        let begun = Instant::now();
        let answer = request_if_served(address, method, path, &headers, self.body.as_deref());
        let answer = answer.unwrap_or_else(|| panic!("{}: no answer", self.name));
        (answer.status, begun.elapsed())
    }
}

/// Two by each surface; of what they ask, nothing is in memory.
fn questions(installation: &Installation) -> Vec<Question> {
    let token = || {
        let token = installation.sandbox.json(&["token", "create", "--app", "demo", "--permissions", "read"]);
        text(&token, "access_token").to_owned()
    };
    let client = basic(installation.credential("client_id"), installation.credential("client_secret"));
    let admin = format!("Bearer {}", installation.credential("admin_token"));
    let question = |name, line, authorization: &str, body: Option<serde_json::Value>| Question {
        name,
        line,
        authorization: authorization.to_owned(),
        body: body.map(|body| body.to_string()),
    };
    let check = |token: String| Some(json!({"token": token, "permission": "read"}));
    let checks = json!({"checks": [check(token()), check(token())]});
    let scopes = json!([{"permissions": ["read"], "global": true}]);
    vec![
        question("/auth", ["GET", "/auth/demo?permission=read"], &format!("Bearer {}", token()), None),
        question("/verify", ["POST", "/verify/demo"], &client, check(token())),
        question("/verify of many", ["POST", "/verify/demo"], &client, Some(checks)),
        question("AppKey's list", ["GET", "/AccessToken/demo"], &admin, None),
        question(
            "AppKey's create",
            ["POST", "/AccessToken/demo"],
            &admin,
            Some(json!({"title": "t", "permissions": "read"})),
        ),
        question("Dotide's list", ["GET", "/v1/demo/access_tokens"], &client, None),
        question(
            "Dotide's create",
            ["POST", "/v1/demo/access_tokens"],
            &client,
            Some(json!({"scopes": scopes})),
        ),
        question("LoopBack's list", ["GET", "/api/accessTokens?filter[limit]=1"], &admin, None),
        question("LoopBack's create", ["POST", "/api/accessTokens"], &admin, Some(json!({}))),
    ]
}

/// What `ask` says of each question, all asked at the same time.
fn each<T: Send>(questions: &[Question], ask: impl Fn(&Question) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let ask = &ask;
        let asking: Vec<_> = questions.iter().map(|question| scope.spawn(move || ask(question))).collect();
        asking.into_iter().map(|asking| asking.join().unwrap()).collect()
    })
}

/// Cuts the database off once, and answers the figures.
pub(super) fn outage(cut: Cut, bounds: &Bounds) -> String {
    let own = matches!(cut, Cut::Suspended).then(Cluster::own);
    let url = own.as_ref().unwrap_or_else(|| Cluster::shared()).create_database();
    let server: SocketAddr = url.split(['@', '/']).nth(3).unwrap().parse().unwrap();
    let proxy = FaultyProxy::to(server);
    let url = match &own {
        Some(_) => url,
        None => url.replace(&server.to_string(), &proxy.address().to_string()) + "?sslmode=disable",
    };
    let mut installation =
        Installation::at(Sandbox::on(Some(url))).with(&loopback::open()).serve_as_shipped(&[]);
    let questions = questions(&installation);
    let set = |mode| {
        proxy.set(mode);
        None
    };
    let figure = watched(&questions, installation.server(), bounds, || {
        let suspended = match cut {
            Cut::Refused => set(ProxyMode::Refused),
            Cut::Silent => set(ProxyMode::Silent),
            Cut::Dropped => set(ProxyMode::Dropped),
            Cut::Suspended => own.as_ref().map(Cluster::suspend),
        };
        || {
            drop(suspended);
            proxy.set(ProxyMode::Open);
        }
    });
    let log = installation.server.as_mut().unwrap().stop();
    for line in ["the database does not answer, and is not asked", "the database answers again"] {
        assert_eq!(log.matches(line).count(), 1, "{log}");
    }
    assert!(!log.contains("panicked"), "{log}");
    format!("{cut:?}: {figure}")
}

/// What is answered when the database is cut off by `cut`, which answers how to mend it.
fn watched<M: FnOnce()>(
    questions: &[Question],
    server: &Server,
    bounds: &Bounds,
    cut: impl FnOnce() -> M,
) -> String {
    let address = server.address;
    let mend = cut();
    let (firsts, healthy) = healthy(server, || each(questions, |question| question.ask(address)));
    for (question, (status, took)) in questions.iter().zip(&firsts) {
        assert_eq!(*status, 503, "{}", question.name);
        assert!(*took <= bounds.first, "{}: {took:?}", question.name);
    }
    let slowest = firsts.iter().map(|(_, took)| *took).max().unwrap_or_default();

    let begun = Instant::now();
    each(questions, |question| {
        for _ in 0..BURST {
            assert_eq!(question.ask(address).0, 503, "{}", question.name);
        }
    });
    let burst = begun.elapsed();
    assert!(burst <= bounds.burst, "{burst:?}");
    for address in [address, server.admin_address] {
        assert_eq!(get(address, "/readyz").status, 503);
    }
    assert!(get(server.admin_address, "/metrics").body.contains("\njeton_store_cut_off 1\n"));

    let begun = Instant::now();
    mend();
    let back = each(questions, |question| {
        while question.ask(address).0 >= 300 {
            thread::park_timeout(Duration::from_millis(5));
        }
        begun.elapsed()
    });
    let back = back.into_iter().max().unwrap_or_default();
    assert!(back <= bounds.back, "{back:?}");
    for (question, (status, took)) in questions.iter().zip(each(questions, |question| question.ask(address)))
    {
        assert!(status < 300 && took <= bounds.first, "{}: {status}, {took:?}", question.name);
    }
    assert_eq!(get(address, "/readyz").status, 200);
    format!(
        "first answers within {} ms, {} more in {} ms, back in {} ms; {healthy} times healthy",
        slowest.as_millis(),
        BURST * questions.len(),
        burst.as_millis(),
        back.as_millis()
    )
}

/// The answers when only the process that accepts connections is stopped: existing ones work, and a request
/// that needs another fails within the time of a read.
pub(super) fn no_more_connections(bounds: &Bounds) -> String {
    let cluster = Cluster::own();
    let sandbox = Sandbox::on(Some(cluster.create_database()));
    let mut installation = Installation::at(sandbox).with(&loopback::open()).serve_as_shipped(&[]);
    let questions = questions(&installation);
    let address = installation.server().address;
    let suspended = cluster.suspend_first();
    let ask = |_| each(&questions, |question| question.ask(address)).into_iter().zip(&questions);
    let answers: Vec<_> = (0..3).flat_map(ask).collect();
    for ((status, took), question) in &answers {
        assert!(*status < 300 || *status == 503, "{}: {status}", question.name);
        assert!(*took <= bounds.first, "{}: {took:?}", question.name);
    }
    let served = answers.iter().filter(|((status, _), _)| *status < 300).count();
    assert!(served > 0, "those that there are go on");
    drop(suspended);
    each(&questions, |question| while question.ask(address).0 >= 300 {});
    let log = installation.server.as_mut().unwrap().stop();
    assert!(!log.contains("panicked"), "{log}");
    format!("without more connections: {served} of {} served", answers.len())
}

fn get(address: SocketAddr, path: &str) -> Answer {
    request_if_served(address, "GET", path, &[], None).unwrap()
}

/// What comes of something during which both addresses say again and again that the process is well, and how
/// often.
fn healthy<T>(server: &Server, happening: impl FnOnce() -> T) -> (T, usize) {
    thread::scope(|scope| {
        let (stop, stopped) = channel::<()>();
        let watch = scope.spawn(move || {
            let mut count = 0;
            loop {
                for address in [server.address, server.admin_address] {
                    assert_eq!(get(address, "/healthz").status, 200);
                    count += 1;
                }
                if stopped.recv_timeout(Duration::from_millis(20)) != Err(RecvTimeoutError::Timeout) {
                    return count;
                }
            }
        });
        let came = happening();
        drop(stop);
        (came, watch.join().unwrap())
    })
}

macro_rules! in_the_gate {
    ($($name:ident: $cut:ident,)*) => {
        $(
            #[test]
            fn $name() {
                if !jeton_testkit::skips("PostgreSQL") {
                    outage(Cut::$cut, &GENEROUS);
                }
            }
        )*
    };
}

in_the_gate! {
    a_database_that_refuses: Refused,
    a_database_that_is_silent: Silent,
    a_database_that_cannot_be_reached: Dropped,
    a_database_that_is_stopped: Suspended,
}

#[test]
fn a_database_that_takes_no_more_connections() {
    if !jeton_testkit::skips("PostgreSQL") {
        no_more_connections(&GENEROUS);
    }
}
