//! The pages of `/docs`.

use super::html::{code, escaped, inline, paragraphs, table};
use super::{curl, schema};
use crate::document::Document;
use serde_json::{Map, Value};
use std::fmt::Write;

/// The methods of a path, in the order in which they are shown.
const METHODS: [&str; 8] = ["get", "head", "post", "put", "patch", "delete", "options", "trace"];

/// All APIs.
pub(super) fn index(documents: &[&Document]) -> String {
    let mut main = "<h1>The APIs of Jeton</h1>\n<p>Each as a page for people and as a document in OpenAPI 3.1, from which \
                    clients can be generated.</p>\n<ul class=\"apis\">\n"
        .to_owned();
    for document in documents {
        let (name, parsed) = (document.name, read(document));
        let about = parsed["info"]["description"]
            .as_str()
            .unwrap_or_default()
            .split("\n\n")
            .next()
            .unwrap_or_default();
        write(
            &mut main,
            format_args!(
                "<li><h2><a href=\"/docs/{name}\">{}</a></h2><p>{}</p><p><a href=\"/openapi/{name}.json\">/openapi/{name}.json\
                 </a></p></li>\n",
                escaped(title(&parsed)),
                inline(about)
            ),
        );
    }
    shell("The APIs of Jeton", documents, "", &(main + "</ul>\n"))
}

/// One API: its operations, and the schemas that these name.
pub(super) fn reference(document: &Document, documents: &[&Document]) -> String {
    let parsed = read(document);
    let mut main = format!("<h1>{}</h1>\n", escaped(title(&parsed)));
    main += &paragraphs(parsed["info"]["description"].as_str().unwrap_or_default());
    let name = document.name;
    write(
        &mut main,
        format_args!(
            "<p>For programs: <a href=\"/openapi/{name}.json\">/openapi/{name}.json</a>, OpenAPI 3.1.</p>\n"
        ),
    );
    main += &credentials(&parsed);
    main += &contents(&parsed);
    for tag in parsed["tags"].as_array().into_iter().flatten() {
        write(
            &mut main,
            format_args!("<h2>{}</h2>\n", inline(tag["description"].as_str().unwrap_or_default())),
        );
        for (path, method, operation) in operations(&parsed) {
            if operation["tags"][0] == tag["name"] {
                main += &self::operation(&parsed, (method, path), operation);
            }
        }
    }
    main += &schemas(&parsed);
    shell(title(&parsed), documents, name, &main)
}

fn read(document: &Document) -> Value {
    serde_json::from_str(document.text).unwrap_or_else(|_| unreachable!("a test reads all documents"))
}

fn title(parsed: &Value) -> &str {
    parsed["info"]["title"].as_str().unwrap_or_default()
}

/// Path, method and operation, in the order of the document.
fn operations(parsed: &Value) -> impl Iterator<Item = (&str, &'static str, &Value)> {
    let paths = parsed["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        METHODS.into_iter().filter_map(move |method| Some((path.as_str(), method, item.get(method)?)))
    })
}

fn shell(title: &str, documents: &[&Document], here: &str, main: &str) -> String {
    let links: String = documents
        .iter()
        .map(|document| {
            let name = document.name;
            let current = if name == here { " aria-current=\"page\"" } else { "" };
            format!("<li><a href=\"/docs/{name}\"{current}>{name}</a></li>")
        })
        .collect();
    let current = if here.is_empty() { " aria-current=\"page\"" } else { "" };
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{}</title>\n<link rel=\"stylesheet\" href=\"/docs/style.css\">\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#main\">Skip to the text</a>\n<header><nav aria-label=\"APIs\"><ul>\
         <li><a href=\"/docs\"{current}>APIs</a></li>{links}</ul></nav></header>\n<main id=\"main\">\n{main}</main>\n\
         </body>\n</html>\n",
        escaped(title)
    )
}

fn credentials(parsed: &Value) -> String {
    let Some(schemes) = parsed["components"]["securitySchemes"].as_object() else { return String::new() };
    let scheme = |(name, scheme): (&String, &Value)| {
        let kind = match (scheme["scheme"].as_str(), scheme["name"].as_str(), scheme["in"].as_str()) {
            (Some("basic"), ..) => "<code>Authorization: Basic</code>".to_owned(),
            (Some(_), ..) => "<code>Authorization: Bearer</code>".to_owned(),
            (None, Some(key), Some("query")) => format!("{} in the query", code(key)),
            (None, key, _) => code(key.unwrap_or_default()),
        };
        let description = inline(scheme["description"].as_str().unwrap_or_default());
        format!("<tr><th scope=\"row\">{}</th><td>{kind}</td><td>{description}</td></tr>\n", code(name))
    };
    let rows: String = schemes.iter().map(scheme).collect();
    format!("<h2>Credentials</h2>\n{}", table(&["Name", "Where", "What"], &rows))
}

fn contents(parsed: &Value) -> String {
    let link = |(path, method, operation): (&str, &str, &Value)| {
        format!(
            "<li><a href=\"#{}\"><span class=\"method\">{}</span>{}</a> {}</li>\n",
            escaped(text(operation, "operationId")),
            method.to_ascii_uppercase(),
            code(path),
            escaped(text(operation, "summary")),
        )
    };
    format!(
        "<h2>Operations</h2>\n<ul class=\"contents\">\n{}</ul>\n",
        operations(parsed).map(link).collect::<String>()
    )
}

fn operation(parsed: &Value, (method, path): (&str, &str), operation: &Value) -> String {
    let id = escaped(text(operation, "operationId"));
    let mut shown = format!(
        "<section id=\"{id}\">\n<h3>{}</h3>\n<p class=\"line\">\
         <span class=\"method\">{}</span>{}</p>\n",
        escaped(text(operation, "summary")),
        method.to_ascii_uppercase(),
        code(path),
    );
    if operation.get("description").is_some() {
        shown += &paragraphs(text(operation, "description"));
    }
    let named = operation["security"].as_array().into_iter().flatten();
    let named: Vec<String> = named.filter_map(|one| Some(code(one.as_object()?.keys().next()?))).collect();
    if !named.is_empty() {
        write(&mut shown, format_args!("<p>Credentials: {}.</p>\n", named.join(" or ")));
    }
    shown += &parameters(operation);
    shown += &body(operation);
    shown += &examples(parsed, (method, path), operation);
    shown += &answers(parsed, operation);
    shown + "</section>\n"
}

fn parameters(operation: &Value) -> String {
    let Some(parameters) = operation["parameters"].as_array() else { return String::new() };
    let row = |parameter: &Value| {
        let mark = if parameter["required"] == true { " <small>required</small>" } else { "" };
        format!(
            "<tr><th scope=\"row\">{}{mark}</th><td>{}</td><td>{}</td><td>{}</td></tr>\n",
            code(text(parameter, "name")),
            escaped(text(parameter, "in")),
            match parameter.pointer("/content/application~1json/schema") {
                Some(json) => format!("{} as JSON", schema::in_words(json)),
                None => schema::in_words(&parameter["schema"]),
            },
            inline(text(parameter, "description")),
        )
    };
    let rows: String = parameters.iter().map(row).collect();
    format!("<h4>Parameters</h4>\n{}", table(&["Name", "In", "Value", "Meaning"], &rows))
}

fn body(operation: &Value) -> String {
    let body = &operation["requestBody"];
    let Some(content) = body["content"].as_object() else { return String::new() };
    let form = |(kind, form): (&String, &Value)| {
        format!("<li>{}: {}</li>\n", code(kind), schema::in_words(&form["schema"]))
    };
    let forms: String = content.iter().map(form).collect();
    let mark = if body["required"] == true { "" } else { " It may be missing." };
    format!("<h4>Body</h4>\n<p>{}.{mark}</p>\n<ul>\n{forms}</ul>\n", inline(text(body, "description")))
}

fn examples(parsed: &Value, place: (&str, &str), operation: &Value) -> String {
    let mut named = Map::new();
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let bodies = operation["requestBody"]["content"].as_object().into_iter().flat_map(Map::values);
    let parameters =
        parameters.map(|parameter| parameter.pointer("/content/application~1json").unwrap_or(parameter));
    for examples in parameters.chain(bodies).filter_map(|one| one["examples"].as_object()) {
        named.extend(examples.iter().map(|(name, example)| (name.clone(), example["summary"].clone())));
    }
    if takes_nothing(operation) {
        named.insert(String::new(), Value::String("Without parameters".to_owned()));
    }
    let mut shown = "<h4>Examples</h4>\n".to_owned();
    for (name, summary) in &named {
        let command = curl::command(parsed, place, operation, name);
        let summary = escaped(summary.as_str().unwrap_or_default());
        write(
            &mut shown,
            format_args!(
                "<figure><figcaption>{summary}</figcaption><pre tabindex=\"0\" role=\"group\" aria-label=\"{summary}\"><code>{}</code></pre>\
                 </figure>\n",
                escaped(&command)
            ),
        );
    }
    shown
}

/// Whether a request may say nothing but its path.
fn takes_nothing(operation: &Value) -> bool {
    let mut parameters = operation["parameters"].as_array().into_iter().flatten();
    parameters.all(|parameter| parameter["required"] == false) && operation["requestBody"]["required"] != true
}

fn answers(parsed: &Value, operation: &Value) -> String {
    let Some(answers) = operation["responses"].as_object() else { return String::new() };
    let row = |(status, answer): (&String, &Value)| {
        let shared = answer["$ref"].as_str().and_then(|at| parsed.pointer(at.strip_prefix('#')?));
        let answer = shared.unwrap_or(answer);
        let mut bodies: Vec<String> = Vec::new();
        for form in answer["content"].as_object().into_iter().flat_map(Map::values) {
            let words = schema::in_words(&form["schema"]);
            if !bodies.contains(&words) {
                bodies.push(words);
            }
        }
        let headers = answer["headers"].as_object().into_iter().flat_map(Map::keys);
        let headers: Vec<String> = headers.map(|name| code(name)).collect();
        let next = answer["links"].as_object().into_iter().flatten().map(|(id, link)| {
            format!("<br>Then: <a href=\"#{}\">{}</a>", escaped(id), escaped(text(link, "description")))
        });
        format!(
            "<tr><th scope=\"row\">{status}</th><td>{}{}</td><td>{}</td><td>{}</td></tr>\n",
            inline(text(answer, "description")),
            next.collect::<String>(),
            bodies.join(" or "),
            headers.join(", "),
        )
    };
    let rows: String = answers.iter().map(row).collect();
    format!("<h4>Answers</h4>\n{}", table(&["Status", "Meaning", "Body", "Headers"], &rows))
}

fn schemas(parsed: &Value) -> String {
    let Some(schemas) = parsed["components"]["schemas"].as_object() else { return String::new() };
    let mut shown = "<h2>Schemas</h2>\n".to_owned();
    for (name, schema) in schemas {
        let name = escaped(name);
        write(
            &mut shown,
            format_args!(
                "<section id=\"schema-{name}\">\n<h3>{name}\
                 </h3>\n{}{}</section>\n",
                paragraphs(text(schema, "description")),
                schema::in_full(schema),
            ),
        );
    }
    shown
}

fn text<'a>(object: &'a Value, member: &str) -> &'a str {
    object[member].as_str().unwrap_or_default()
}

fn write(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments).unwrap_or_else(|_| unreachable!("texts can be written to"));
}
