//! What is decided about is what the API gets.

use super::requests::asked_about;
use super::witness::Witness;
use super::{Bed, Gateway, Kind};
use crate::support::request;

/// Targets that some program takes for one that the token is good for. The second text is what the API gets
/// where it may get anything: what Jeton was asked about, and nothing that it was not.
const TRICKS: [(&str, Option<&str>); 27] = [
    ("//v1/demo/datastreams/7", None),
    ("/v1//demo/datastreams/7", None),
    ("/v1/demo/datastreams//7", None),
    ("/v1/demo/datastreams/7/", None),
    ("/v1/demo/datastreams/./7", None),
    ("/v1/demo/datastreams/8/../7", None),
    ("/v1/demo/datastreams/7/../8", None),
    ("/v1/demo/datastreams/%2e/7", None),
    ("/v1/demo/datastreams/8/%2e%2e/7", None),
    ("/v1/demo/datastreams/7/%2E%2E/8", None),
    ("/v1/demo/datastreams/8%2f..%2f7", None),
    ("/v1/demo/datastreams%2F7", None),
    ("/v1/demo/datastreams%5C7", None),
    ("/v1/demo/datastreams/%37", None),
    ("/v1/demo/datastreams/%2537", None),
    ("/v1/demo/datastreams/7;a=b", None),
    ("/v1/demo/datastreams/7%3Ba=b", None),
    ("/v1/demo/datastreams/7%00", None),
    ("/V1/demo/datastreams/7", None),
    ("/v1/demo/DataStreams/7", None),
    ("/v1/demo/datastreams/8?/../7", None),
    ("/v1/demo/datastreams/8?permission=read&id=7", None),
    ("/v1/demo/datastreams/8#/../7", None),
    ("/v1/demo/nothing?permission=read&id=7", None),
    ("/_jeton", None),
    ("http://elsewhere.example/v1/demo/datastreams/8", None),
    ("http://elsewhere.example/v1/demo/datastreams/7", Some("/v1/demo/datastreams/7")),
];

/// Targets that the token is good for, with what would mislead a reader of their queries.
const GOOD: [&str; 5] = [
    "/v1/demo/datastreams/7",
    "/v1/demo/datastreams/a%20b",
    "/v1/other/datastreams/7?permission=write&id=8&tag=x",
    "/v1/demo/datastreams/7?a=%2F..//b;c&d=%2e%2E&e",
    "/v1/demo/datastreams/7?/../8",
];

pub(super) fn tricks(kind: Kind) {
    let bed = Bed::new(kind);
    for target in GOOD {
        let (answer, seen) = bed.ask_as_holder("GET", target, &[]);
        assert_eq!(answer.status, 200, "{target}");
        assert_eq!(seen.unwrap().target, target);
    }
    // A whole URL of the gateway's own (RFC 9112 section 3.2.2).
    let (answer, seen) = bed.ask_as_holder("GET", &format!("http://{}{}", bed.gateway.front(), GOOD[0]), &[]);
    assert_eq!((answer.status, seen.unwrap().target.as_str()), (200, GOOD[0]));
    for (target, passed) in TRICKS {
        let (answer, seen) = bed.ask_as_holder("GET", target, &[]);
        let seen = seen.map(|seen| seen.target);
        match passed {
            // A gateway may know better than to ask about some of them.
            None => assert!(
                matches!(answer.status, 400 | 403 | 404) && seen.is_none(),
                "{target}: {answer:?} {seen:?}"
            ),
            Some(passed) => {
                let is_passed = (answer.status, seen.as_deref()) == (200, Some(passed));
                assert!(
                    is_passed || (answer.status == 400 && seen.is_none()),
                    "{target}: {answer:?} {seen:?}"
                );
            }
        }
    }
}

/// Whatever Jeton thinks of it: here it says yes to everything.
pub(super) fn nothing_is_changed_in_between(kind: Kind) {
    let (jeton, api) = (Witness::start(), Witness::start());
    jeton.answer("200 OK\r\nContent-Length: 0\r\n\r\n");
    let gateway = Gateway::start(kind, Some(jeton.address), api.address);
    let mut passed = 0;
    for target in TRICKS.into_iter().map(|(target, _)| target).chain(GOOD) {
        let answer = request(gateway.front(), "GET", target, &[], None);
        match (jeton.saw(), api.saw()) {
            (Some(question), Some(seen)) => {
                assert_eq!(asked_about(kind, &question), ("GET", seen.target.as_str()), "{target}");
                // Of a whole URL the path alone is left. What no URL has there may be encoded.
                let sent = target.strip_prefix("http://elsewhere.example").unwrap_or(target);
                let is_as_sent = seen.target == sent || seen.target == sent.replace('#', "%23");
                assert!(is_as_sent, "{target} became {}", seen.target);
                passed += 1;
            }
            (_, None) => assert!(matches!(answer.status, 400 | 404), "{target}: {answer:?}"),
            (None, Some(seen)) => panic!("{target}: no backend was expected: {seen:?}"),
        }
    }
    assert!(passed > 20, "the gateway refuses a few of them itself, not {passed}");
}
