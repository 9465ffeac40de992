//! `cache.on_outage`: a server that is cut off from its PostgreSQL.

use crate::support::{Answer, Installation, Sandbox, Server, request, run, text};
use jeton_testkit::{Cluster, FaultyProxy, ProxyMode};

/// Asks until the answer is so. What takes longer than a test may hangs.
fn until(ask: impl Fn() -> Answer, is_so: impl Fn(&Answer) -> bool) -> Answer {
    loop {
        let answer = ask();
        if is_so(&answer) {
            return answer;
        }
    }
}

#[test]
fn what_is_known_is_served_while_the_database_is_away() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let url = Cluster::shared().create_database();
    let server = url.split(['@', '/']).nth(3).unwrap();
    let proxy = FaultyProxy::to(server.parse().unwrap());
    let through = url.replace(server, &proxy.address().to_string());
    let installation = Installation::at(Sandbox::on(Some(url.clone())));
    let create = || {
        let made = installation.sandbox.json(&["token", "create", "--app", "demo", "--permissions", "read"]);
        text(&made, "access_token").to_owned()
    };
    let (known, unseen) = (create(), create());
    let mut command = installation.sandbox.command(&["serve"]);
    command.env("JETON_DATABASE_URL", &through).env("JETON_CACHE_ON_OUTAGE", "serve_for 1h");
    command.env("JETON_CACHE_MAX_STALENESS_MILLISECONDS", "100").env("JETON_LIMITS_QUERY_SECONDS", "1");
    let server = Server::launched(&mut command);
    let ask = |token: &str| server.ask("GET", "/auth/demo?permission=read", token, None);
    let hits = || {
        let metrics = request(server.admin_address, "GET", "/metrics", &[], None).body;
        let mark = "jeton_cache_questions_total{answer=\"hit\"} ";
        metrics.lines().find_map(|line| line.strip_prefix(mark)).unwrap().parse::<u64>().unwrap()
    };
    // Answered from memory, as the database has it.
    let is_known = || {
        let before = hits();
        until(|| ask(&known), |answer| answer.status == 200 && answer.header("jeton-stale").is_none());
        hits() > before
    };
    for mode in [ProxyMode::Refused, ProxyMode::Silent] {
        while !is_known() {}
        proxy.set(mode);
        let stale = until(|| ask(&known), |answer| answer.header("jeton-stale").is_some());
        assert_eq!((stale.status, stale.header("cache-control")), (200, Some("no-store")), "{mode:?}");
        assert_eq!(ask(&unseen).status, 503, "{mode:?}");
        assert_eq!(server.ask("GET", "/auth/demo?permission=write", &known, None).status, 403, "{mode:?}");
        proxy.set(ProxyMode::Open);
    }
    // What was revoked elsewhere meanwhile is refused from the first answer on that is not marked.
    while !is_known() {}
    proxy.set(ProxyMode::Refused);
    until(|| ask(&known), |answer| answer.header("jeton-stale").is_some());
    let elsewhere = Sandbox::on(Some(url));
    let keys = std::fs::read_to_string(installation.sandbox.file("keys.json")).unwrap();
    let mut suspend = elsewhere.command(&["app", "suspend", "demo"]);
    assert_eq!(run(suspend.env("JETON_KEYS", keys), "").code, Some(0));
    assert_eq!(ask(&known).status, 200, "it cannot know");
    proxy.set(ProxyMode::Open);
    let fresh = until(|| ask(&known), |answer| answer.header("jeton-stale").is_none());
    assert_eq!(fresh.status, 401);
}
