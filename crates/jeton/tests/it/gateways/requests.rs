//! Requests of honest clients and of attackers.

use super::witness::{Seen, Witness};
use super::{Bed, Gateway, Kind};
use crate::support::{PATIENCE, request};
use std::io::{Read, Write};
use std::net::TcpStream;

const GOOD: &str = "/v1/demo/datastreams/7";
/// The headers in which Jeton identifies the caller.
const IDENTITY: [&str; 4] = ["x-auth-app", "x-auth-token-id", "x-auth-user", "x-auth-scopes"];

/// What a client sends to be taken for somebody else, or its request for another one.
const LIES: [&str; 26] = [
    "X-Auth-App: lie",
    "X-Auth-Token-Id: 1",
    "X-Auth-User: 1",
    "X-Auth-Scopes: lie",
    "X-Auth-Scopes: lie",
    "x-auth-scopes: lie",
    "X_Auth_User: lie",
    "X-Original-Method: GET",
    "X-Original-URI: /v1/demo/datastreams/7",
    "X-Original-URL: http://lie.example/v1/demo/datastreams/7",
    "X-Original-Host: lie.example",
    "X-Forwarded-Method: GET",
    "X-Forwarded-Uri: /v1/demo/datastreams/7",
    "X-Forwarded-For: 203.0.113.9",
    "X-Forwarded-Host: lie.example",
    "X-Forwarded-Proto: lie",
    "X-Forwarded-Prefix: /lie",
    "X-Forwarded-Path: /lie",
    "X-Forwarded-Port: lie",
    "X-Forwarded-Server: lie.example",
    "X-Real-IP: 203.0.113.9",
    "Forwarded: for=203.0.113.9",
    "X-Rewrite-Url: /lie",
    "X-HTTP-Method: LIE",
    "X-HTTP-Method-Override: LIE",
    "X-Method-Override: LIE",
];

fn identity(seen: &Seen) -> [Vec<&str>; 4] {
    IDENTITY.map(|name| seen.all(name))
}

pub(super) fn decisions(kind: Kind) {
    let bed = Bed::new(kind);
    let id = bed.token_id.to_string();
    for (method, target) in [("GET", GOOD), ("HEAD", GOOD), ("OPTIONS", GOOD), ("GET", "/v1/demo/whoami")] {
        let (answer, seen) = bed.ask_as_holder(method, target, &[]);
        assert_eq!(answer.status, 200, "{method} {target}");
        let seen = seen.unwrap();
        assert_eq!((seen.method.as_str(), seen.target.as_str()), (method, target));
        assert_eq!(
            identity(&seen),
            [vec!["demo"], vec![id.as_str()], vec!["7"], vec![]],
            "{method} {target}"
        );
    }
    let narrow =
        [("PUT", GOOD), ("DELETE", GOOD), ("POST", GOOD), ("GET", "/v1/demo/datastreams/8"), ("GET", "/")];
    for (method, target) in narrow {
        let (answer, seen) = bed.ask_as_holder(method, target, &[]);
        assert_eq!((answer.status, seen), (403, None), "{method} {target}");
        let challenge = answer.header("www-authenticate");
        assert_eq!(challenge, Some("Bearer error=\"insufficient_scope\""), "{method} {target}");
    }
    for headers in [&[][..], &["Authorization: Bearer garbage"], &["Authorization: Basic Og=="]] {
        let (answer, seen) = bed.ask("GET", GOOD, headers);
        assert_eq!((answer.status, seen), (401, None), "{headers:?}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{headers:?}");
    }
    let id = id.as_str();
    bed.installation.sandbox.run(&["token", "revoke", "--app", "demo", id]);
    let (answer, seen) = bed.ask_as_holder("GET", GOOD, &[]);
    assert_eq!((answer.status, seen), (401, None), "revoked");
}

/// What is asked is a read, or nothing.
pub(super) fn methods(kind: Kind) {
    let bed = Bed::new(kind);
    let overridden = format!("{GOOD}?_method=GET&method=GET&X-HTTP-Method-Override=GET");
    for method in ["PUT", "PATCH", "DELETE", "PROPFIND", "PURGE", "TRACE", "delete", "Put", "GETX", "X"] {
        for target in [GOOD, &overridden] {
            let (answer, seen) = bed.ask_as_holder(method, target, &["X-HTTP-Method-Override: GET"]);
            // Gateways know better than to pass on some of them.
            let is_refused = matches!(answer.status, 400 | 403 | 405 | 501) && seen.is_none();
            assert!(is_refused, "{method} {target}: {answer:?} {seen:?}");
        }
    }
    // The other way round it is no matter either.
    let (answer, seen) =
        bed.ask_as_holder("GET", &format!("{GOOD}?_method=PUT"), &["X-HTTP-Method-Override: PUT"]);
    let seen = seen.unwrap();
    assert_eq!((answer.status, seen.method.as_str()), (200, "GET"));
    assert_eq!(seen.all("x-http-method-override"), [""; 0]);
}

/// Browsers ask whether they may ask, without a token: the API answers them where the settings say so.
pub(super) fn preflights(kind: Kind) {
    let bed = Bed::new(kind);
    let preflight = ["Origin: https://app.example", "Access-Control-Request-Method: PUT"];
    assert_eq!(bed.ask("OPTIONS", GOOD, &preflight).0.status, 401);
    let merge = ["app", "settings", "demo", "--merge", "-", "--json"];
    bed.installation.sandbox.run_with(&merge, r#"{"forward_auth": {"preflights": true}}"#).json();
    let (answer, seen) = bed.ask("OPTIONS", GOOD, &[&preflight[..], &LIES[..4]].concat());
    assert_eq!(answer.status, 200, "{answer:?}");
    let seen = seen.unwrap();
    assert_eq!((seen.method.as_str(), seen.all("origin")), ("OPTIONS", vec!["https://app.example"]));
    assert_eq!(identity(&seen), [vec!["demo"], vec![], vec![], vec![]]);
    for (method, headers) in [("OPTIONS", &preflight[..1]), ("PUT", &preflight)] {
        let (answer, seen) = bed.ask(method, GOOD, headers);
        assert_eq!((answer.status, seen), (401, None), "{method} {headers:?}");
    }
}

pub(super) fn headers_of_clients(kind: Kind) {
    let bed = Bed::new(kind);
    let id = bed.token_id.to_string();
    let (answer, seen) = bed.ask_as_holder("GET", GOOD, &LIES);
    assert_eq!(answer.status, 200, "{answer:?}");
    let seen = seen.unwrap();
    assert_eq!(identity(&seen), [vec!["demo"], vec![id.as_str()], vec!["7"], vec![]]);
    for line in LIES {
        let (name, lie) = line.split_once(": ").unwrap();
        let is_identity = IDENTITY.contains(&name.to_ascii_lowercase().as_str());
        let values = seen.all(name);
        assert!(is_identity || values.iter().all(|value| !value.contains(lie)), "{name}: {values:?}");
    }
    let front = bed.gateway.front().to_string();
    // Envoy gives clients of its own machine that machine's address.
    assert!(matches!(seen.all("x-forwarded-for")[..], [only] if only == "127.0.0.1" || kind == Kind::Envoy));
    assert_eq!(seen.all("x-forwarded-proto"), ["http"]);
    assert!(seen.all("x-forwarded-host").iter().all(|host| *host == front));
    assert_eq!(seen.all("host"), [front.as_str()]);
    // None of them makes another request of it.
    for (method, target) in [("PUT", GOOD), ("GET", "/v1/demo/datastreams/8")] {
        for lies in [&LIES[..], &["X-HTTP-Method-Override: GET"], &["X-Original-URI: /v1/demo/datastreams/7"]]
        {
            let (answer, seen) = bed.ask_as_holder(method, target, lies);
            assert_eq!((answer.status, seen), (403, None), "{method} {target} {lies:?}");
        }
    }
    let (answer, seen) = bed.ask("GET", GOOD, &LIES);
    assert_eq!((answer.status, seen), (401, None), "no credentials");
}

pub(super) fn credentials(kind: Kind) {
    let bed = Bed::new(kind);
    let (token, bearer) = (&bed.token, bed.bearer());
    let x_access_token = format!("X-Access-Token: {token}");
    let cookie = format!("Cookie: access_token={token}");
    let statuses = |target: &str, headers: &[&str]| {
        let (answer, seen) = bed.ask("GET", target, headers);
        assert_eq!(seen.is_some(), answer.status == 200);
        answer.status
    };
    assert_eq!(statuses(GOOD, &[&x_access_token]), 200);
    assert_eq!(statuses(GOOD, &[&bearer, &x_access_token]), 401, "two");
    assert_eq!(statuses(GOOD, &[&cookie]), 401, "a cookie");
    // Neither the gateway nor Jeton takes it from there, unless `query_token` says so.
    assert_eq!(statuses(&format!("{GOOD}?access_token={token}"), &[]), 401, "a parameter");
    assert_eq!(
        statuses(&format!("{GOOD}?access_token=garbage"), &[&bearer]),
        200,
        "a parameter beside the header"
    );
    for second in [bearer.as_str(), "Authorization: Bearer garbage"] {
        let (answer, seen) = bed.ask("GET", GOOD, &[&bearer, second]);
        // Some gateways refuse it themselves; none lets the second one reach an API that would read it.
        let passed = seen.map(|seen| seen.all("authorization").len());
        assert!(
            matches!((answer.status, passed), (400 | 401, None)),
            "{second}: {} {passed:?}",
            answer.status
        );
    }
}

pub(super) fn bodies_and_large_heads(kind: Kind) {
    let bed = Bed::new(kind);
    let scope = r#"{"permissions": ["write"], "ids": ["7"]}"#;
    let writer = bed.installation.sandbox.json(&["token", "create", "--app", "demo", "--scope", scope]);
    let bearer = format!("Authorization: Bearer {}", crate::support::text(&writer, "access_token"));
    let body = "x".repeat(200_000);
    let answer = request(bed.gateway.front(), "PUT", GOOD, std::slice::from_ref(&bearer), Some(&body));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(bed.api.saw().unwrap().body == body, "the body arrives whole");
    let refused = request(bed.gateway.front(), "PUT", GOOD, &[bed.bearer()], Some(&body));
    assert_eq!((refused.status, bed.api.saw()), (403, None));

    let large = "y".repeat(32 * 1_024);
    let one = format!("X-Large: {large}");
    let many: Vec<String> = (0..32).map(|i| format!("X-Large-{i}: {}", &large[..1_000])).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let cookie = format!("Cookie: a={large}");
    for lines in [&[one.as_str()][..], &many, &[cookie.as_str()]] {
        let (answer, seen) = bed.ask_as_holder("GET", GOOD, lines);
        assert_eq!(answer.status, 200, "{} lines", lines.len());
        let seen = seen.unwrap();
        let names = seen.names().filter(|name| name.starts_with("x-large") || name == "cookie");
        assert_eq!(names.count(), lines.len(), "all of it arrives");
        assert_eq!(bed.ask("GET", GOOD, lines).0.status, 401);
    }
}

pub(super) fn upgrades(kind: Kind) {
    let bed = Bed::new(kind);
    let handshake = |bearer: &str, protocol: &str| {
        let mut stream = TcpStream::connect(bed.gateway.front()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!(
            "GET {GOOD} HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: {protocol}\r\n{bearer}\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let (mut answer, mut byte) = (Vec::new(), [0]);
        while !answer.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).unwrap();
            answer.extend(byte);
        }
        let status: u16 = str::from_utf8(&answer[9..12]).unwrap().parse().unwrap();
        (status, stream)
    };
    let (status, mut stream) = handshake(&bed.bearer(), "websocket");
    assert_eq!(status, 101);
    assert_eq!(bed.api.saw().unwrap().target, GOOD);
    stream.write_all(b"hello").unwrap();
    let mut back = [0; 5];
    stream.read_exact(&mut back).unwrap();
    assert_eq!(&back, b"hello");
    assert_eq!(handshake("Authorization: Bearer garbage", "websocket").0, 401);
    assert_eq!(bed.api.saw(), None);
    // Another protocol would carry requests past the gateway.
    let (status, _) = handshake(&bed.bearer(), "h2c");
    let upgrade = bed.api.saw().map(|seen| seen.all("upgrade").len());
    assert!(matches!((status, upgrade), (200, Some(0)) | (400..500, None)), "{status} {upgrade:?}");
}

/// What Jeton is sent: what it needs, once each, and nothing that the client could have written in its place.
pub(super) fn questions(kind: Kind) {
    let (jeton, api) = (Witness::start(), Witness::start());
    let gateway = Gateway::start(kind, Some(jeton.address), api.address);
    let own =
        ["Authorization: Bearer any", "X-Access-Token: any", "Cookie: a=b", "X-HTTP-Method-Override: GET"];
    let headers: Vec<String> = own.iter().chain(&LIES).map(|line| (*line).to_owned()).collect();
    let target = "/v1/demo/datastreams/8?permission=read";
    let answer = request(gateway.front(), "PUT", target, &headers, Some("{}"));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(api.saw().is_some());
    let question = jeton.saw().unwrap();
    assert_eq!(question.body, "");
    for (name, values) in [
        ("authorization", &["Bearer any"][..]),
        ("x-access-token", &["any"]),
        ("cookie", &[]),
        ("transfer-encoding", &[]),
    ] {
        assert_eq!(question.all(name), values, "{name}");
    }
    assert!(question.all("content-length").iter().all(|length| *length == "0"));
    assert!(!question.names().any(|name| name.replace('_', "-").starts_with("x-auth-")), "{question:?}");
    assert_eq!(asked_about(kind, &question), ("PUT", target));
}

/// The method and the target that a question is about.
pub(super) fn asked_about(kind: Kind, question: &Seen) -> (&str, &str) {
    const PATH: &str = "/auth/demo/route";
    if kind.source() == "request" {
        return (&question.method, question.target.strip_prefix(PATH).unwrap());
    }
    assert_eq!(question.target, PATH);
    let prefix = kind.source();
    let [method, target] = ["method", "uri"].map(|what| question.all(&format!("{prefix}-{what}")));
    assert_eq!((method.len(), target.len()), (1, 1), "once each: {question:?}");
    (method[0], target[0])
}
