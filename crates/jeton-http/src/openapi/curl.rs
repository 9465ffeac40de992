//! Examples as they are typed.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// What stays as it is in a URL.
const ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'$').remove(b'*');

/// An example's command for curl.
pub(super) fn command(
    document: &Value,
    (method, path): (&str, &str),
    operation: &Value,
    name: &str,
) -> String {
    let origin = &document["servers"][0]["variables"]["origin"]["default"];
    let (mut path, mut query, mut headers) = (path.to_owned(), Vec::new(), Vec::new());
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let form = parameter.pointer("/content/application~1json").unwrap_or(parameter);
        let (Some(key), Some(value)) = (parameter["name"].as_str(), form["examples"][name].get("value"))
        else {
            continue;
        };
        match parameter["in"].as_str() {
            Some("path") => path = path.replace(&format!("{{{key}}}"), &encoded(&text(value))),
            Some("query") => {
                let items = value.as_array().filter(|_| parameter.get("content").is_none());
                let items = items.map_or_else(|| vec![value], |items| items.iter().collect());
                query.extend(items.into_iter().map(|item| format!("{key}={}", encoded(&text(item)))));
            }
            _ => headers.push(format!("{key}: {}", text(value))),
        }
    }
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let url = quoted(&format!("{}{path}{query}", origin.as_str().unwrap_or_default()));
    let mut words = vec![format!("curl -s {url}")];
    words.extend(verb(method, operation, name));
    words.extend(credentials(document, operation));
    words.extend(headers.iter().map(|header| format!("-H {}", quoted(header))));
    words.extend(body(operation, name));
    words.join(" \\\n  ")
}

/// The method, unless it is that which curl takes.
fn verb(method: &str, operation: &Value, name: &str) -> Option<String> {
    match (method, example_body(operation, name)) {
        ("get", None) | ("post", Some(_)) => None,
        ("head", _) => Some("--head".to_owned()),
        (method, _) => Some(format!("-X {}", method.to_ascii_uppercase())),
    }
}

/// The first credentials that suffice.
fn credentials(document: &Value, operation: &Value) -> Option<String> {
    let name = operation["security"].as_array()?.first()?.as_object()?.keys().next()?;
    match document["components"]["securitySchemes"][name]["scheme"].as_str()? {
        "basic" => Some("-u CLIENT_ID:CLIENT_SECRET".to_owned()),
        _ => Some("-H 'Authorization: Bearer TOKEN'".to_owned()),
    }
}

fn example_body<'a>(operation: &'a Value, name: &str) -> Option<(&'a str, &'a Value)> {
    let content = operation["requestBody"]["content"].as_object()?;
    content.iter().find_map(|(kind, body)| Some((kind.as_str(), body["examples"][name].get("value")?)))
}

fn body(operation: &Value, name: &str) -> Vec<String> {
    match example_body(operation, name) {
        None => Vec::new(),
        Some((kind, Value::Object(members))) if kind.ends_with("form-urlencoded") => {
            let pair = |(name, value): (&String, &Value)| {
                format!("-d {}", quoted(&format!("{name}={}", text(value))))
            };
            members.iter().map(pair).collect()
        }
        Some((kind, body)) => {
            vec![
                format!("-H {}", quoted(&format!("Content-Type: {kind}"))),
                format!("-d {}", quoted(&body.to_string())),
            ]
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// As a shell takes it literally.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_example_can_be_typed() {
        let document = json!({
            "servers": [{"variables": {"origin": {"default": "http://127.0.0.1:8080"}}}],
            "components": {"securitySchemes": {"client": {"type": "http", "scheme": "basic"}}},
        });
        let operation = json!({
            "security": [{"client": []}],
            "parameters": [
                {"name": "app", "in": "path", "examples": {"one": {"value": "d/o"}}},
                {"name": "tag", "in": "query", "examples": {"one": {"value": ["a b", "c"]}}},
                {"name": "X-A", "in": "header", "examples": {"one": {"value": "b"}}},
                {"name": "other", "in": "query", "examples": {"two": {"value": 1}}},
            ],
            "requestBody": {"content": {"application/json": {"examples": {"one": {"value": {"a": "it's"}}}}}},
        });
        let typed = command(&document, ("put", "/x/{app}"), &operation, "one");
        let expected = "curl -s 'http://127.0.0.1:8080/x/d%2Fo?tag=a%20b&tag=c' \\\n  -X PUT \\\n  \
                        -u CLIENT_ID:CLIENT_SECRET \\\n  -H 'X-A: b' \\\n  -H 'Content-Type: application/json' \\\n  \
                        -d '{\"a\":\"it'\\''s\"}'";
        assert_eq!(typed, expected);
    }
}
