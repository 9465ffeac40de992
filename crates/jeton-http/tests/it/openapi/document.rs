//! The documents, and the answers that they allow.

use super::schema;
use crate::answer::Answer;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

/// The names of the documents.
pub(super) const NAMES: [&str; 9] =
    ["admin", "appkey", "auth", "credentials", "delegate", "dotide", "loopback", "oauth", "verify"];

/// One of the documents.
pub(super) struct Api {
    pub(super) name: &'static str,
    pub(super) text: String,
    pub(super) document: Value,
}

/// Reads them. Later they cost nothing: tests count what is done meanwhile.
pub(crate) fn read() {
    LazyLock::force(&ROUTES);
}

pub(super) static ALL: LazyLock<Vec<Api>> = LazyLock::new(|| {
    let read = |name: &'static str| {
        let path = format!("{}/../../docs/openapi/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        Api { name, document: serde_json::from_str(&text).unwrap(), text }
    };
    NAMES.map(read).into()
});

/// The paths of the admin API, each with its methods in lower case.
pub(crate) fn admin_operations() -> BTreeMap<String, BTreeSet<String>> {
    let mut paths: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (path, method, _) in ALL.iter().filter(|api| api.name == "admin").flat_map(Api::operations) {
        paths.entry(path.to_owned()).or_default().insert(method.to_owned());
    }
    paths
}

impl Api {
    /// Path, method in lower case, and operation.
    pub(super) fn operations(&self) -> impl Iterator<Item = (&str, &str, &Value)> {
        let paths = self.document["paths"].as_object().unwrap();
        paths.iter().flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().iter();
            methods.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
        })
    }

    /// What a reference leads to, or the value itself.
    pub(super) fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(at) => self.document.pointer(at.strip_prefix('#').unwrap()).unwrap(),
            None => value,
        }
    }
}

/// An operation that can be found by its path.
struct Route {
    segments: Vec<&'static str>,
    method: &'static str,
    api: &'static Api,
    operation: &'static Value,
}

/// The operations by the first segment of their paths.
static ROUTES: LazyLock<HashMap<&'static str, Vec<Route>>> = LazyLock::new(|| {
    let mut routes: HashMap<_, Vec<Route>> = HashMap::new();
    for api in ALL.iter() {
        for (path, method, operation) in api.operations() {
            let segments: Vec<&str> = path.split('/').skip(1).collect();
            routes.entry(segments[0]).or_default().push(Route { segments, method, api, operation });
        }
    }
    routes
});

impl Route {
    /// How many segments are names and not texts; `None`: the path is another one.
    fn unlike(&self, path: &[&str]) -> Option<usize> {
        let is_name = |name: &str| name.starts_with('{');
        let fits = |(name, segment): (&&str, &&str)| {
            if is_name(name) { !segment.is_empty() } else { name == segment }
        };
        let is_alike = self.segments.len() == path.len() && self.segments.iter().zip(path).all(fits);
        is_alike.then(|| self.segments.iter().filter(|name| is_name(name)).count())
    }
}

/// The described operation of a request: of several that fit, the one with the fewest names in its path.
fn operation(method: &str, path: &str) -> Option<(&'static Api, &'static Value)> {
    let method = method.to_ascii_lowercase();
    let path: Vec<&str> = path.split('/').skip(1).collect();
    let routes = ROUTES.get(path.first()?)?;
    let of = |method: &str| {
        let fitting = routes.iter().filter(|route| route.method == method);
        let fitting = fitting.filter_map(|route| Some((route.unlike(&path)?, route)));
        fitting.min_by_key(|(names, _)| *names).map(|(_, route)| (route.api, route.operation))
    };
    // HEAD is as GET, without a body.
    of(&method).or_else(|| if method == "head" { of("get") } else { None })
}

/// Fails if a request is that of a described operation and the answer is none that its description allows.
pub(crate) fn assert_described(method: &str, path: &str, answer: &Answer) {
    let Some((api, operation)) = operation(method, path) else { return };
    let about = format!("{} {method} {path}: {}", api.name, answer.status);
    let Some(described) = operation["responses"].get(answer.status.as_str()) else {
        panic!("{about} is not described: {}", answer.text());
    };
    let described = api.resolved(described);
    for (name, header) in described["headers"].as_object().into_iter().flatten() {
        let is_there = answer.headers.contains_key(name);
        assert!(is_there || header["required"] == false, "{about} has no {name}");
    }
    if method.eq_ignore_ascii_case("head") || answer.is_cut {
        return;
    }
    assert_content(api, described, answer, &about);
}

fn assert_content(api: &Api, described: &Value, answer: &Answer, about: &str) {
    let content: Option<&Map<String, Value>> = described["content"].as_object();
    let Some(content) = content else {
        assert!(answer.body.is_empty(), "{about} has a body: {}", answer.text());
        return;
    };
    let kind = answer.headers["content-type"].to_str().unwrap().split(';').next().unwrap();
    let Some(form) = content.get(kind) else { panic!("{about} is {kind}, which is not described") };
    let value = if kind.ends_with("json") { answer.json() } else { Value::from(answer.text()) };
    if let Err(fault) = schema::check(&form["schema"], &value, &api.document) {
        panic!("{about}: {fault}: {value}");
    }
}

#[test]
fn what_is_not_described_is_found() {
    use axum::http::{HeaderMap, StatusCode};
    let answer = |status: StatusCode, kind: &str, body: &str| {
        let pairs = [("content-type", kind), ("cache-control", "no-store")];
        let headers: HeaderMap =
            pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        Answer { status, headers, body: body.into(), is_cut: false }
    };
    let fails = |answer: &Answer| {
        std::panic::catch_unwind(|| assert_described("POST", "/verify/demo", answer)).is_err()
    };
    let refusal = r#"{"error": "invalid_json", "message": "the body is no JSON"}"#;
    let described = answer(StatusCode::BAD_REQUEST, "application/json", refusal);
    assert!(!fails(&described));
    assert!(fails(&answer(StatusCode::IM_A_TEAPOT, "application/json", refusal)), "a status");
    assert!(fails(&answer(StatusCode::BAD_REQUEST, "text/plain", refusal)), "a media type");
    assert!(fails(&answer(StatusCode::BAD_REQUEST, "application/json", r#"{"error": 1}"#)), "a body");
    let mut bare = described;
    bare.headers.remove("cache-control");
    assert!(fails(&bare), "a header");
}
