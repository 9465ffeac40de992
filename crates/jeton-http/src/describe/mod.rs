//! Descriptions of APIs in OpenAPI 3.1, for tests alone. Each surface describes its own: its operations by hand, the shapes
//! of its answers by the types that are serialised, its refusals by the errors that it really answers.
//!
//! What is served is the committed text in `docs/openapi`, which a test compares with the description.

mod answer;
mod operation;
pub(crate) mod schema;
mod shared;

pub(crate) use answer::{Occasion, faults};
pub(crate) use operation::{Operation, Parameter};

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Where schemas with a name are.
const SCHEMAS: &str = "#/components/schemas/";

/// Which address an API is served on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Address {
    /// That of clients, `--listen`.
    Public,
    /// That of operators, `--admin-listen`.
    Admin,
}

/// The description of an API, in the making.
pub(crate) struct Api {
    title: &'static str,
    description: String,
    servers: Vec<Value>,
    schemes: Map<String, Value>,
    tags: Vec<Value>,
    shapes: SchemaGenerator,
    operations: Vec<Operation>,
}

impl Api {
    pub(crate) fn new(title: &'static str, description: &str, address: Address) -> Self {
        let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| {
            settings.meta_schema = None;
            settings.definitions_path = "/components/schemas".into();
        });
        Api {
            title,
            description: description.to_owned(),
            servers: vec![server(address)],
            schemes: Map::new(),
            tags: Vec::new(),
            shapes: settings.into_generator(),
            operations: Vec::new(),
        }
    }

    /// Says that the same paths are served below another one, in which there is a name.
    pub(crate) fn also_below(&mut self, path: &str, name: &str, value: &str, description: &str) {
        let mut server = self.servers[0].clone();
        server["url"] = json!(format!("{{origin}}{path}"));
        server["description"] = json!("The same address, for any app");
        server["variables"][name] = json!({"default": value, "description": description});
        self.servers.push(server);
    }

    /// A group of operations.
    pub(crate) fn tag(&mut self, name: &str, description: &str) {
        self.tags.push(json!({"name": name, "description": description}));
    }

    /// Credentials in `Authorization`: `scheme` is `basic` or `bearer`.
    pub(crate) fn credentials(&mut self, name: &str, scheme: &str, description: &str) {
        self.schemes
            .insert(name.to_owned(), json!({"type": "http", "scheme": scheme, "description": description}));
    }

    /// Credentials elsewhere: `place` is `header` or `query`, and `key` the name there.
    pub(crate) fn credentials_in(&mut self, name: &str, place: &str, key: &str, description: &str) {
        let scheme = json!({"type": "apiKey", "in": place, "name": key, "description": description});
        self.schemes.insert(name.to_owned(), scheme);
    }

    /// The schema of a type as it is serialised.
    pub(crate) fn shape<T: JsonSchema>(&mut self) -> Value {
        self.shapes.subschema_for::<T>().to_value()
    }

    /// Gives a schema a name, under which it is referred to.
    pub(crate) fn named(&mut self, name: &str, schema: Value) -> Value {
        let known = self.shapes.definitions_mut().insert(name.to_owned(), schema);
        assert!(known.is_none(), "two schemas are called {name}");
        json!({"$ref": format!("{SCHEMAS}{name}")})
    }

    pub(crate) fn add(&mut self, operation: Operation) {
        self.operations.push(operation);
    }

    /// The document.
    pub(crate) fn finish(mut self) -> Value {
        let mut paths = Map::new();
        let mut ids = BTreeSet::new();
        for operation in &self.operations {
            let (path, method) = (operation.path, operation.method);
            assert!(ids.insert(operation.id.clone()), "two operations are called {}", operation.id);
            let item = paths.entry(path).or_insert_with(|| json!({}));
            assert!(item.get(method).is_none(), "{method} {path} is described twice");
            item[method] = operation.shown();
        }
        let responses = shared::refusals(&mut paths);
        let schemas: Map<String, Value> = std::mem::take(self.shapes.definitions_mut());
        let mut document = json!({
            "openapi": "3.1.0",
            "info": {
                "title": self.title,
                "description": self.description,
                "version": env!("CARGO_PKG_VERSION"),
                "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
            },
            "servers": self.servers,
            "tags": self.tags,
            "paths": paths,
            "components": {"securitySchemes": self.schemes, "schemas": schemas, "responses": responses},
        });
        assert_links_lead(&document, &ids);
        without_titles(&mut document);
        document
    }
}

fn server(address: Address) -> Value {
    let (port, flag) = match address {
        Address::Public => (8080, "--listen"),
        Address::Admin => (8081, "--admin-listen"),
    };
    json!({
        "url": "{origin}",
        "description": format!("The address of `jeton serve {flag}`"),
        "variables": {"origin": {
            "default": format!("http://127.0.0.1:{port}"),
            "description": "Scheme, host and port",
        }},
    })
}

/// Every link names an operation of the document.
fn assert_links_lead(value: &Value, ids: &BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(id)) = members.get("operationId") {
                assert!(ids.contains(id), "a link leads to {id}");
            }
            members.values().for_each(|member| assert_links_lead(member, ids));
        }
        Value::Array(items) => items.iter().for_each(|item| assert_links_lead(item, ids)),
        _ => {}
    }
}

/// Titles of schemas repeat the names of types.
fn without_titles(document: &mut Value) {
    for schema in document["components"]["schemas"].as_object_mut().into_iter().flat_map(Map::values_mut) {
        if let Some(schema) = schema.as_object_mut() {
            schema.remove("title");
        }
    }
}
