//! The documents are what the code describes, and they cover what surfaces serve.

use crate::document::Document;
use crate::endpoint::{Endpoint, documents};
use crate::listeners;
use serde_json::Value;
use std::path::Path;

/// Where the documents are.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi");
/// With this variable, the test writes them.
const WRITES: &str = "JETON_WRITE_OPENAPI";
/// Names of requests below a prefix that no path of the API has.
const ELSEWHERE: [&str; 1] = ["/admin/v1"];

fn described(document: &Document) -> String {
    let described = (document.describe)();
    serde_json::to_string_pretty(&described).unwrap() + "\n"
}

fn surfaces() -> impl Iterator<Item = (&'static Endpoint, &'static Document)> {
    let surfaces = listeners::ALL.iter().flat_map(|table| table.surfaces).copied();
    surfaces.filter_map(|surface| Some((surface, surface.document?)))
}

#[test]
fn the_documents_are_what_the_code_says() {
    let mut stale = Vec::new();
    for document in documents(listeners::ALL) {
        let described = described(document);
        if document.text != described {
            stale.push(document.name);
            if std::env::var_os(WRITES).is_some() {
                std::fs::write(Path::new(FOLDER).join(format!("{}.json", document.name)), described).unwrap();
            }
        }
    }
    let command = format!("{WRITES}=1 cargo test --workspace --lib openapi");
    assert!(stale.is_empty(), "not what the code says: {stale:?}. Written anew by: {command}");
}

#[test]
fn every_api_of_clients_and_operators_has_one() {
    let mut names: Vec<&str> = documents(listeners::ALL).map(|document| document.name).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["admin", "appkey", "auth", "credentials", "delegate", "dotide", "loopback", "oauth", "verify"]
    );
    let files = std::fs::read_dir(FOLDER).unwrap().map(|file| file.unwrap());
    let files = files.filter(|file| file.file_type().unwrap().is_file());
    let mut files: Vec<String> = files.map(|file| file.file_name().into_string().unwrap()).collect();
    files.sort_unstable();
    let expected: Vec<String> = names.iter().map(|name| format!("{name}.json")).collect();
    assert_eq!(files, expected);
}

/// A name in logs and metrics is that of a path.
#[test]
fn every_route_of_a_surface_is_described_and_every_path_is_a_route() {
    for (surface, document) in surfaces() {
        let parsed: Value = serde_json::from_str(document.text).unwrap();
        let paths: Vec<&String> = parsed["paths"].as_object().unwrap().keys().collect();
        for name in surface.names.iter().filter(|name| !ELSEWHERE.contains(name)) {
            assert!(paths.iter().any(|path| path == name), "{}: {name} is not described", document.name);
        }
        for path in paths {
            let first = crate::endpoint::first_segment(path);
            assert!(surface.has(path, first), "{}: {path} is not its own", document.name);
            let number = (surface.name)(path);
            let name = number.map(|number| surface.names[number]);
            assert!(
                name.is_some_and(|name| !ELSEWHERE.contains(&name)),
                "{}: {path} is no route",
                document.name
            );
        }
    }
}
