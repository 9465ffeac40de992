//! An outage of Jeton is neither a yes nor a no.

use super::witness::Witness;
use super::{Bed, Gateway, Kind};
use crate::support::request;
use jeton_testkit::ProxyMode;

const GOOD: &str = "/v1/demo/datastreams/7";

pub(super) fn outages(kind: Kind) {
    let mut bed = Bed::new(kind);
    for passage in [ProxyMode::Refused, ProxyMode::Silent, ProxyMode::Open] {
        bed.jeton.set(passage);
        let (answer, seen) = bed.ask_as_holder("GET", GOOD, &[]);
        let expected = if passage == ProxyMode::Open { 200 } else { 503 };
        assert_eq!((answer.status, seen.is_some()), (expected, expected == 200), "{passage:?}: {answer:?}");
    }
    bed.installation.server.as_mut().unwrap().stop();
    let (answer, seen) = bed.ask_as_holder("GET", GOOD, &[]);
    assert_eq!((answer.status, seen), (503, None), "{answer:?}");
}

/// Whatever stands where Jeton should: only 200 lets anybody through, and only 401, 403 and, where a gateway can, 429 are handed
/// on.
pub(super) fn other_answers(kind: Kind) {
    let (jeton, api) = (Witness::start(), Witness::start());
    let gateway = Gateway::start(kind, Some(jeton.address), api.address);
    let ask = |answer: &str| {
        // RFC 9110 section 8.6.
        let length = if matches!(&answer[..3], "204" | "304") { "" } else { "Content-Length: 0\r\n" };
        jeton.answer(&format!("{answer}\r\n{length}X-Auth-User: 7\r\nX-Auth-Token-Id: 7\r\n\r\n"));
        let headers = ["Authorization: Bearer any".to_owned()];
        let status = request(gateway.front(), "GET", GOOD, &headers, None).status;
        assert!(jeton.saw().is_some(), "{answer}: Jeton was asked");
        (status, api.saw().is_some())
    };
    assert_eq!(ask("200 OK"), (200, true));
    for refusal in ["401 Unauthorized\r\nWWW-Authenticate: Bearer", "403 Forbidden"] {
        let status = refusal[..3].parse().unwrap();
        assert_eq!(ask(refusal), (status, false), "{refusal}");
    }
    let over = "429 Too Many Requests\r\nRetry-After: 60\r\nRateLimit-Policy: \"60s\";q=1;w=60";
    if matches!(kind, Kind::Nginx) {
        assert_eq!(ask(over), (503, false), "its recipe has Jeton say 403");
    } else {
        assert_eq!(ask(over), (429, false));
        let headers = ["Authorization: Bearer any".to_owned()];
        let answer = request(gateway.front(), "GET", GOOD, &headers, None);
        let said = ["retry-after", "ratelimit-policy", "ratelimit"].map(|name| answer.header(name));
        assert_eq!(said, [Some("60"), Some("\"60s\";q=1;w=60"), None], "{answer:?}");
        assert!(jeton.saw().is_some() && api.saw().is_none());
    }
    for answer in [
        "201 Created",
        "202 Accepted",
        "203 Non-Authoritative Information",
        "204 No Content",
        "206 Partial Content",
        "299 Anything",
        "300 Multiple Choices",
        "301 Moved Permanently\r\nLocation: https://elsewhere.example/",
        "304 Not Modified",
        "307 Temporary Redirect\r\nLocation: https://elsewhere.example/",
        "302 Found\r\nLocation: https://elsewhere.example/",
        "400 Bad Request",
        "404 Not Found",
        "431 Request Header Fields Too Large",
        "500 Internal Server Error",
        "503 Service Unavailable\r\nRetry-After: 1",
    ] {
        assert_eq!(ask(answer), (503, false), "{answer}");
    }
    // What the API answers is its own.
    jeton.answer("200 OK\r\nContent-Length: 0\r\n\r\n");
    for status in [401, 403, 404, 500, 503] {
        api.answer(&format!("{status} Its Own\r\nContent-Length: 3\r\nX-Api: yes\r\n\r\napi"));
        let answer = request(gateway.front(), "GET", GOOD, &[], None);
        assert_eq!(
            (answer.status, answer.body.as_str(), answer.header("x-api")),
            (status, "api", Some("yes"))
        );
        assert!(jeton.saw().is_some() && api.saw().is_some());
    }
}
