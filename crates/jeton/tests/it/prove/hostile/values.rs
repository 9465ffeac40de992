//! Requests that are HTTP, with paths, queries and bodies that are not what they should be.

use super::wire::{Target, statuses};

/// Where each API answers, below which there is an id.
const PATHS: [&str; 6] = [
    "/AccessToken/demo",
    "/v1/demo/access_tokens",
    "/v2/demo/access_tokens",
    "/api/accessTokens",
    "/apps/demo/api/accessTokens",
    "/auth/demo",
];

/// Sends every value to every API and answers how many requests that were. None may be refused for want of
/// room.
pub(super) async fn run(target: &Target) -> usize {
    let mut count = 0;
    for path in PATHS {
        let authorization = match path.as_bytes()[1] {
            b'v' => target.basic.clone(),
            _ => format!("Bearer {}", target.admin),
        };
        let (segments, queries, bodies) = (segments(), queries(), bodies());
        let reads = segments.iter().map(|segment| ("GET", format!("{path}/{segment}"), "", ""));
        let questions = queries.iter().map(|query| ("GET", format!("{path}?{query}"), "", ""));
        let writes = bodies.iter().flat_map(|(kind, body)| {
            [("POST", path.to_owned(), *kind, &**body), ("PUT", format!("{path}/1"), *kind, &**body)]
        });
        for (method, uri, kind, body) in reads.chain(questions).chain(writes) {
            let mut request = format!(
                "{method} {uri} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nAuthorization: {authorization}\r\n\
                 Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
                body.len()
            )
            .into_bytes();
            request.extend(body.as_bytes());
            let what: String = format!("{method} {uri} {body}").chars().take(200).collect();
            let answer = target.exchange(&what, &request).await;
            let statuses = statuses(&what, &answer);
            assert!(matches!(statuses[..], [status] if status < 500), "{what}: {statuses:?}");
            count += 1;
        }
    }
    count
}

fn segments() -> Vec<String> {
    let mut segments: Vec<String> = [
        "%ff",
        "%",
        "%z",
        "%zz",
        "%00",
        "%2e%2e%2f",
        "%c0%af",
        "%ed%a0%80",
        "%F4%90%80%80",
        "%25ff",
        "~",
        "~1",
        "~-1",
        "~99999999999999999999",
        "99999999999999999999",
        "-1",
        "1e9",
        "0x1",
        "%20",
        "%0d%0aX:%20y",
        ";a=b",
        "a%2fb",
    ]
    .map(str::to_owned)
    .into();
    segments.push("%ff".repeat(3_000));
    segments.push("a/".repeat(5_000));
    segments
}

fn queries() -> Vec<String> {
    let mut queries: Vec<String> = [
        "%ff=%ff",
        "%=%",
        "a=%zz",
        "&&&&=&=&",
        "a[]=1&a[b]=2&a=3",
        "a[25]=x&a[1000000000]=y",
        "a[b",
        "a]b[c=1",
        "filter=%7B",
        "filter=%00",
        "filter=null",
        "filter=[[[[[[[[",
        "where=%5B%5D",
        "filter[where][__proto__][x]=1",
        "filter[limit]=1e400",
        "filter[skip]=-1",
        "filter[order]=%00",
        "filter[where][id][regexp]=(a*)*(b*)*$",
        "filter[where][id][regexp]=(((((((((",
        "filter[where][ttl][gt]=NaN",
        "filter[include]=x",
        "take=1e99&skip=99999999999999999999",
        "limit=-9223372036854775809",
        "tz=%2f..%2f..%2fetc%2fpasswd",
        "permission=%ff",
        "userID=%00",
        "access_token=%ff",
    ]
    .map(str::to_owned)
    .into();
    queries.push(format!("filter{}=x", "[a]".repeat(4_000)));
    queries.push(format!("filter[where]{}[id]=x", "[and][0]".repeat(1_500)));
    queries.push(format!("filter={}", "%5B".repeat(4_000)));
    queries.push(format!("filter={}", r#"%7B"and":%5B"#.repeat(1_000)));
    queries.push("a=b&".repeat(3_500));
    queries.push("a[]=b&".repeat(2_500));
    queries
}

/// Each a content type and a body.
fn bodies() -> Vec<(&'static str, String)> {
    const JSON: &str = "application/json";
    const FORM: &str = "application/x-www-form-urlencoded";
    let nested = |open: &str, inner: &str, close: &str, depth: usize| {
        format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
    };
    let mut bodies: Vec<(&str, String)> = [
        "",
        "{",
        "nul",
        "\u{feff}",
        "\0",
        "[]",
        "\"x\"",
        "1",
        "{\"title\":1e999999}",
        "{\"title\":-0}",
        "{\"title\":\"\\ud800\"}",
        "{\"title\":\"\\u0000\"}",
        "{\"title\":\"a\",\"title\":\"b\"}",
        "{\"__proto__\":{}}",
        "{\"id\":{\"toString\":1}}",
        "{\"ttl\":1e400}",
        "{\"ttl\":{}}",
        "{\"created\":\"+275760-09-13T00:00:00.001Z\"}",
        "{\"scopes\":[[[]]]}",
        "{\"scopes\":[{\"ids\":[1],\"global\":\"yes\"}]}",
        "{\"title\":\"x\",\"expireInDays\":1e18}",
        "{\"title\":\"x\",\"permissions\":\",,,\"}",
        "{\"userId\":9007199254740993}",
    ]
    .map(|body| (JSON, body.to_owned()))
    .into();
    bodies.push((JSON, nested("[", "", "]", 50_000)));
    bodies.push((JSON, "[".repeat(100_000)));
    bodies.push((JSON, nested(r#"{"a":"#, "1", "}", 16_000)));
    bodies.push((JSON, nested(r#"{"a":["#, "1", "]}", 120)));
    bodies.push((JSON, format!(r#"{{"title":"{}"}}"#, "x".repeat(100_000))));
    bodies.push((JSON, format!(r#"{{"ttl":{}}}"#, "9".repeat(100_000))));
    bodies.push((JSON, format!("[{}1]", "1,".repeat(50_000))));
    bodies.push((JSON, "x".repeat(300_000)));
    bodies.push((FORM, "a=b&".repeat(25_000)));
    bodies.push((FORM, format!("a{}=x", "[b]".repeat(30_000))));
    bodies.push((FORM, "%ff%zz%=%&".repeat(9_000)));
    bodies.push(("multipart/form-data; boundary=x", "--x\r\n".repeat(1_000)));
    bodies.push(("application/json; charset=utf-16", "{}".to_owned()));
    bodies
}
