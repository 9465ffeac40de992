//! Answers that operations have in common.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Moves the refusals that more than one operation has out of these paths, and leaves references to them.
pub(super) fn refusals(paths: &mut Map<String, Value>) -> Map<String, Value> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for_each(paths, |_, answer| *counts.entry(answer.to_string()).or_default() += 1);
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut shared = Map::new();
    for_each(paths, |status, answer| {
        let text = answer.to_string();
        if counts.get(&text).is_none_or(|count| *count < 2) {
            return;
        }
        let name = names.entry(text).or_insert_with(|| {
            let name = free_name(status, &shared.keys().map(String::as_str).collect());
            shared.insert(name.clone(), answer.clone());
            name
        });
        *answer = json!({"$ref": format!("#/components/responses/{name}")});
    });
    shared
}

fn for_each(paths: &mut Map<String, Value>, mut act: impl FnMut(&str, &mut Value)) {
    let operations = paths.values_mut().filter_map(Value::as_object_mut).flat_map(Map::values_mut);
    for answers in operations.filter_map(|operation| operation["responses"].as_object_mut()) {
        for (status, answer) in answers.iter_mut().filter(|(status, _)| status.as_str() >= "400") {
            act(status, answer);
        }
    }
}

/// What a status is called, with a number where others are called so.
fn free_name(status: &str, taken: &BTreeSet<&str>) -> String {
    let status: StatusCode = status.parse().expect("a status is a number");
    let reason: String = status.canonical_reason().unwrap_or("Other").split(' ').collect();
    let numbered = (2..).map(|number| format!("{reason}{number}"));
    let mut names = std::iter::once(reason.clone()).chain(numbered);
    names.find(|name| !taken.contains(name.as_str())).unwrap_or(reason)
}
