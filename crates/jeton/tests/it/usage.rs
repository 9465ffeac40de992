//! When and how often tokens were used.

use crate::support::loopback::open;
use crate::support::{Answer, Installation, Server, request, text};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rustix::process::Signal;
use serde_json::{Value, json};

fn shown(installation: &Installation, id: &Value) -> Value {
    installation.sandbox.json(&["token", "show", &id.to_string(), "--app", "demo"])
}

fn each_engine(scenario: impl Fn(Installation)) {
    scenario(Installation::sqlite().serve());
    if !jeton_testkit::skips("PostgreSQL") {
        scenario(Installation::postgres().serve());
    }
}

#[test]
fn every_use_is_counted_and_outlives_the_server() {
    each_engine(|mut installation| {
        let made = installation.sandbox.json(&["token", "create", "--app", "demo", "--permissions", "read"]);
        let (id, token) = (&made["id"], text(&made, "access_token"));
        assert_eq!(shown(&installation, id)["use_count"], 0);
        let before = shown(&installation, id);
        for _ in 0..5 {
            assert_eq!(installation.server().auth(token), 200);
        }
        let check =
            json!({"checks": [{"token": token}, {"token": token, "permission": "write"}]}).to_string();
        let admin = installation.credential("admin_token");
        assert_eq!(installation.server().ask("POST", "/verify/demo", admin, Some(&check)).status, 200);
        let after = shown(&installation, id);
        assert_eq!(after["use_count"], 7);
        assert!(after["last_used_at"].as_str() >= before["created_at"].as_str(), "{after}");
        assert_eq!(after["updated_at"], before["updated_at"]);

        // What was not requested is written when the server stops.
        assert_eq!(installation.server().auth(token), 200);
        let mut server = installation.server.take().expect("it is served");
        assert_eq!(server.end(Signal::TERM).code, Some(0));
        assert_eq!(shown(&installation, id)["use_count"], 8);
    });
}

/// Each server records what it saw, and what all of them did is one number: nothing is lost when they stop, and none writes what
/// another has written.
#[test]
fn uses_over_several_servers_add_up() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let installation = Installation::postgres();
    let made = installation.sandbox.json(&["token", "create", "--app", "demo", "--permissions", "read"]);
    let (id, token) = (&made["id"], text(&made, "access_token"));
    let mut servers: Vec<Server> = (0..3).map(|_| Server::start(&installation.sandbox, &[])).collect();
    std::thread::scope(|scope| {
        for server in &servers {
            scope.spawn(move || (0..200).for_each(|_| assert_eq!(server.auth(token), 200)));
        }
    });
    let mut first = servers.remove(0);
    assert_eq!(first.end(Signal::TERM).code, Some(0));
    let last = servers.len() - 1;
    assert_eq!(servers[last].auth(token), 200);
    for server in &mut servers {
        assert_eq!(server.end(Signal::TERM).code, Some(0));
    }
    assert_eq!(shown(&installation, id)["use_count"], 601);
}

#[test]
fn unused_tokens_are_listed() {
    each_engine(|installation| {
        let old =
            json!({"access_token": "a".repeat(40), "title": "old", "created_at": "2020-01-02T03:04:05Z"});
        let used =
            json!({"access_token": "b".repeat(40), "title": "used", "created_at": "2020-01-02T03:04:05Z"});
        let import = ["token", "import", "--app", "demo", "--json"];
        installation.sandbox.run_with(&import, &format!("{old}\n{used}\n")).json();
        assert_eq!(installation.server().auth(&"b".repeat(40)), 200);
        let titles = |days: &str| {
            let rows = installation.sandbox.rows(&["token", "list", "--app", "demo", "--unused-days", days]);
            let rows = rows.as_array().expect("an array").clone();
            rows.iter().map(|row| text(row, "title").to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(titles("30"), ["old"]);
        assert_eq!(titles("36500"), [""; 0]);
    });
}

/// How a token is presented, and whether that is a use of it.
struct Presentation {
    what: &'static str,
    /// How it was made.
    token: &'static [&'static str],
    /// The request line, with the token in the place of `{token}`.
    line: (&'static str, &'static str),
    /// The credential; without one, the app's client credentials.
    header: Option<&'static str>,
    body: Option<&'static str>,
    status: u16,
    /// How often it was used, and from where.
    seen: (u64, Option<&'static str>),
}

const GRANT: &[&str] = &["--permissions", "read"];
const IDENTITY: &[&str] = &["--user-id", "7"];
const BEARER: Option<&str> = Some("Authorization: Bearer {token}");
const HERE: Option<&str> = Some("127.0.0.1");

#[rustfmt::skip]
const PRESENTATIONS: &[Presentation] = &[
    Presentation { what: "a gateway", token: GRANT, line: ("GET", "/auth/demo"), header: BEARER, body: None, status: 200, seen: (1, HERE) },
    Presentation { what: "another header", token: GRANT, line: ("POST", "/auth/demo"), header: Some("X-Access-Token: {token}"), body: None, status: 200, seen: (1, HERE) },
    Presentation { what: "active, not allowed", token: GRANT, line: ("GET", "/auth/demo?permission=write"), header: BEARER, body: None, status: 403, seen: (1, HERE) },
    Presentation { what: "another app's", token: GRANT, line: ("GET", "/auth/shop"), header: BEARER, body: None, status: 401, seen: (0, None) },
    Presentation { what: "a backend was handed it", token: GRANT, line: ("POST", "/verify/demo"), header: None, body: Some(r#"{"token": "{token}"}"#), status: 200, seen: (1, None) },
    Presentation { what: "a backend asks", token: &["--permissions", "jeton:verify"], line: ("POST", "/verify/demo"), header: BEARER, body: Some(r#"{"token": "x"}"#), status: 200, seen: (1, HERE) },
    Presentation { what: "a backend may not ask", token: GRANT, line: ("POST", "/verify/demo"), header: BEARER, body: Some(r#"{"token": "x"}"#), status: 403, seen: (1, HERE) },
    Presentation { what: "AppKey, for its user", token: IDENTITY, line: ("GET", "/AccessToken/demo"), header: BEARER, body: None, status: 200, seen: (1, HERE) },
    Presentation { what: "AppKey, without an owner", token: GRANT, line: ("GET", "/AccessToken/demo"), header: BEARER, body: None, status: 403, seen: (1, HERE) },
    Presentation { what: "AppKey, elsewhere", token: IDENTITY, line: ("GET", "/AccessToken/shop"), header: BEARER, body: None, status: 404, seen: (0, None) },
    Presentation { what: "LoopBack, by query", token: IDENTITY, line: ("GET", "/api/accessTokens/count?access_token={token}"), header: Some("Accept: */*"), body: None, status: 200, seen: (1, HERE) },
    Presentation { what: "LoopBack, by header", token: IDENTITY, line: ("GET", "/api/accessTokens/count"), header: Some("Authorization: {token}"), body: None, status: 200, seen: (1, HERE) },
    Presentation { what: "LoopBack, without an owner", token: GRANT, line: ("GET", "/api/accessTokens/count"), header: Some("X-Access-Token: {token}"), body: None, status: 200, seen: (1, HERE) },
    Presentation { what: "LoopBack, named", token: IDENTITY, line: ("GET", "/api/accessTokens/{token}"), header: Some("Accept: */*"), body: None, status: 200, seen: (0, None) },
    Presentation { what: "Dotide, named", token: GRANT, line: ("GET", "/v1/demo/access_tokens/{token}"), header: None, body: None, status: 200, seen: (0, None) },
    Presentation { what: "Dotide takes no tokens", token: IDENTITY, line: ("GET", "/v1/demo/access_tokens?access_token={token}"), header: BEARER, body: None, status: 404, seen: (0, None) },
];

#[test]
fn presenting_a_token_is_a_use_of_it_wherever_it_is_taken() {
    each_engine(|installation| {
        let installation = installation.with(&open());
        installation.sandbox.json(&["app", "create", "shop"]);
        for presentation in PRESENTATIONS {
            let create = [&["token", "create", "--app", "demo"], presentation.token].concat();
            let made = installation.sandbox.json(&create);
            let answer = presentation.make(&installation, text(&made, "access_token"));
            assert_eq!(answer.status, presentation.status, "{}: {answer:?}", presentation.what);
            let token = shown(&installation, &made["id"]);
            let (uses, address) = presentation.seen;
            assert_eq!(
                (&token["use_count"], &token["last_address"], token["last_used_at"].is_null()),
                (&json!(uses), &json!(address), uses == 0),
                "{}",
                presentation.what
            );
            // An invalid token is never used, however it is presented.
            let id = made["id"].to_string();
            installation.sandbox.json(&["token", "update", &id, "--app", "demo", "--disable"]);
            presentation.make(&installation, text(&made, "access_token"));
            assert_eq!(shown(&installation, &made["id"])["use_count"], uses, "{}", presentation.what);
        }
    });
}

impl Presentation {
    /// The client forges an address, too.
    fn make(&self, installation: &Installation, token: &str) -> Answer {
        let credential = match self.header {
            Some(header) => header.replace("{token}", token),
            None => {
                let member = |name| installation.credential(name);
                let pair = format!("{}:{}", member("client_id"), member("client_secret"));
                format!("Authorization: Basic {}", BASE64_STANDARD.encode(pair))
            }
        };
        let headers = [credential, "X-Forwarded-For: 203.0.113.9".to_owned()];
        let body = self.body.map(|body| body.replace("{token}", token));
        let (method, target) = self.line;
        let target = target.replace("{token}", token);
        request(installation.server().address, method, &target, &headers, body.as_deref())
    }
}

#[test]
fn the_log_says_from_where_a_change_came_and_believes_no_client() {
    each_engine(|installation| {
        let (server, forged) = (installation.server(), "X-Forwarded-For: 203.0.113.9".to_owned());
        let bearer = |name| format!("Authorization: Bearer {}", installation.credential(name));
        let asked = [bearer("admin_token"), forged.clone()];
        let made = request(server.address, "POST", "/AccessToken/demo", &asked, Some(r#"{"title": "t"}"#));
        assert_eq!(made.status, 200, "{made:?}");
        installation.sandbox.json(&["token", "create", "--app", "demo", "--permissions", "read"]);
        let asked = [bearer("operator_token"), forged];
        let read = || request(server.admin_address, "GET", "/admin/v1/audit?limit=2", &asked, None).json();
        let mut log = read();
        // On PostgreSQL, entries are shown once no transaction of the cluster, which other tests use as well, can come before them.
        while log["items"][0]["actor"] != "cli" {
            log = read();
        }
        let entries: Vec<_> =
            (0..2).map(|at| (&log["items"][at]["actor"], &log["items"][at]["address"])).collect();
        assert_eq!(entries, [(&json!("cli"), &Value::Null), (&json!("manager:1"), &json!("127.0.0.1"))]);
    });
}

#[test]
fn behind_a_proxy_the_address_is_what_the_proxy_says() {
    let mut installation = Installation::sqlite().with(&open());
    let mut command = installation.sandbox.command(&["serve", "--behind-proxy"]);
    installation.server = Some(Server::launched(command.env("JETON_LOG_REQUESTS", "all")));
    let (server, sandbox) = (installation.server(), &installation.sandbox);
    let made = sandbox.json(&["token", "create", "--app", "demo", "--user-id", "7"]);
    let bearer = format!("Authorization: Bearer {}", text(&made, "access_token"));
    let shown_after = |target: &str, forwarded: Option<&str>| {
        let forwarded = forwarded.map(|addresses| format!("X-Forwarded-For: {addresses}"));
        let headers: Vec<String> = [bearer.clone()].into_iter().chain(forwarded).collect();
        let answer = request(server.address, "GET", target, &headers, None);
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(!answer.body.contains("203.0.113") && !answer.body.contains("127.0.0.1"), "{answer:?}");
        shown(&installation, &made["id"])["last_address"].clone()
    };
    assert_eq!(shown_after("/auth/demo", None), Value::Null, "the proxy's own address is no client's");
    for target in ["/auth/demo", "/AccessToken/demo", "/api/accessTokens"] {
        assert_eq!(shown_after(target, Some("198.51.100.7, 203.0.113.9")), "203.0.113.9", "{target}");
        assert_eq!(shown_after(target, Some("203.0.113.9, ::ffff:203.0.113.8")), "203.0.113.8", "{target}");
        assert_eq!(
            shown_after(target, Some("203.0.113.9, nobody")),
            "203.0.113.8",
            "{target}: left as it was"
        );
    }
    for (place, node) in ["[2001:db8::5]", "\"[2001:db8::5]:4711\"", "[2001:db8::5]:80"].iter().enumerate() {
        let before = format!("2001:db8:a{place}::7");
        assert_eq!(shown_after("/auth/demo", Some(&before)), *before);
        assert_eq!(shown_after("/auth/demo", Some(node)), "2001:db8::5", "{node}");
    }
    assert_eq!(shown_after("/auth/demo", Some("2001:db8::7")), "2001:db8::7");
    let rows = sandbox.rows(&["token", "list", "--app", "demo"]);
    let row = rows.as_array().unwrap().iter().find(|row| row["id"] == made["id"]).unwrap();
    assert_eq!(row["last_address"], "2001:db8::7", "{row}");

    // The log and the metrics do not reveal clients' addresses.
    let metrics = request(server.admin_address, "GET", "/metrics", &[], None);
    let mut server = installation.server.take().unwrap();
    for text in [metrics.body, server.stop(), sandbox.stderr()] {
        for address in ["203.0.113", "198.51.100.7", "2001:db8"] {
            assert!(!text.contains(address), "{address} in {text}");
        }
    }
}
