//! One operation: a method of a path.

use super::answer::Answers;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};
use std::borrow::Borrow;

/// A parameter of a request.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    place: &'static str,
    name: &'static str,
    is_required: bool,
    description: &'static str,
    schema: Value,
    /// Whether the value is written as JSON.
    is_json: bool,
}

impl Parameter {
    pub(crate) fn path(name: &'static str, description: &'static str, schema: Value) -> Self {
        Parameter { place: "path", name, is_required: true, description, schema, is_json: false }
    }

    pub(crate) fn query(name: &'static str, description: &'static str, schema: Value) -> Self {
        Parameter { place: "query", name, is_required: false, description, schema, is_json: false }
    }

    pub(crate) fn header(name: &'static str, description: &'static str, schema: Value) -> Self {
        Parameter { place: "header", name, is_required: false, description, schema, is_json: false }
    }

    /// A value in the query that is written as JSON.
    pub(crate) fn json(name: &'static str, description: &'static str, schema: Value) -> Self {
        Parameter { is_json: true, ..Parameter::query(name, description, schema) }
    }

    /// The same where the request makes no sense without it.
    pub(crate) fn required(self) -> Self {
        Parameter { is_required: true, ..self }
    }
}

/// The description of an operation, in the making.
#[derive(Clone)]
pub(crate) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) id: String,
    summary: String,
    tag: &'static str,
    description: String,
    /// Each suffices; none: the operation asks for no credentials. An empty name: it also goes without.
    credentials: Vec<&'static str>,
    parameters: Vec<Parameter>,
    body: Option<Body>,
    examples: Vec<Example>,
    answers: Answers,
}

#[derive(Clone)]
struct Body {
    description: &'static str,
    is_required: bool,
    forms: Vec<(&'static str, Value)>,
}

#[derive(Clone)]
struct Example {
    name: &'static str,
    summary: &'static str,
    parameters: Vec<(&'static str, Value)>,
    body: Option<(&'static str, Value)>,
}

impl Operation {
    /// `method` in lower case. The id is that of a function in a client.
    pub(crate) fn new(method: &'static str, path: &'static str, id: &str, summary: &str) -> Self {
        Operation {
            method,
            path,
            id: id.to_owned(),
            summary: summary.to_owned(),
            tag: "",
            description: String::new(),
            credentials: Vec::new(),
            parameters: Vec::new(),
            body: None,
            examples: Vec::new(),
            answers: Answers::default(),
        }
    }

    pub(crate) fn of(mut self, tag: &'static str) -> Self {
        self.tag = tag;
        self
    }

    pub(crate) fn says(mut self, description: &str) -> Self {
        description.clone_into(&mut self.description);
        self
    }

    /// Any of these credentials suffices.
    pub(crate) fn by(mut self, credentials: &[&'static str]) -> Self {
        self.credentials.extend(credentials);
        self
    }

    pub(crate) fn takes(mut self, parameters: impl IntoIterator<Item = Parameter>) -> Self {
        self.parameters.extend(parameters);
        self
    }

    /// A body in any of these media types.
    pub(crate) fn body(
        mut self,
        description: &'static str,
        forms: impl IntoIterator<Item = (&'static str, Value)>,
    ) -> Self {
        self.body = Some(Body { description, is_required: true, forms: forms.into_iter().collect() });
        self
    }

    /// The same where the body may be missing.
    pub(crate) fn optional_body(
        self,
        description: &'static str,
        forms: impl IntoIterator<Item = (&'static str, Value)>,
    ) -> Self {
        let mut operation = self.body(description, forms);
        operation.body = operation.body.map(|body| Body { is_required: false, ..body });
        operation
    }

    /// A request that succeeds, with these parameters and no others. One that says nothing but the path needs none: where it
    /// makes sense, it succeeds, too.
    pub(crate) fn example<const N: usize>(
        mut self,
        name: &'static str,
        summary: &'static str,
        parameters: [(&'static str, Value); N],
    ) -> Self {
        for (parameter, _) in &parameters {
            let is_known = self.parameters.iter().any(|known| known.name == *parameter);
            assert!(is_known, "{}: the example {name} has {parameter}", self.id);
        }
        self.examples.push(Example { name, summary, parameters: parameters.into(), body: None });
        self
    }

    /// The body of the last example.
    pub(crate) fn with(mut self, media_type: &'static str, body: Value) -> Self {
        let example = self.examples.last_mut().unwrap_or_else(|| panic!("{} has no example", self.id));
        example.body = Some((media_type, body));
        self
    }

    /// A success without a body.
    pub(crate) fn answers(mut self, status: StatusCode, description: &str) -> Self {
        self.answers.say(status, description);
        self
    }

    /// A success with a body.
    pub(crate) fn answers_with(
        mut self,
        status: StatusCode,
        description: &str,
        media_type: &'static str,
        schema: impl Borrow<Value>,
    ) -> Self {
        self.answers.say(status, description);
        self.answers.show(status, media_type, schema.borrow());
        self
    }

    /// A header that an answer always has.
    pub(crate) fn header(mut self, status: StatusCode, name: &'static str) -> Self {
        self.answers.header(status, name, true);
        self
    }

    /// A header that an answer may have.
    pub(crate) fn perhaps_header(mut self, status: StatusCode, name: &'static str) -> Self {
        self.answers.header(status, name, false);
        self
    }

    /// What it may be refused with, each as it is really answered, in this shape.
    pub(crate) fn refuses(mut self, shape: &Value, refusals: impl IntoIterator<Item = Response>) -> Self {
        for refusal in refusals {
            self.answers.refuse(shape, refusal);
        }
        self
    }

    /// Another form that all refusals with a body may have.
    pub(crate) fn refuses_also(mut self, media_type: &'static str, schema: &Value) -> Self {
        self.answers.refuse_also(media_type, schema);
        self
    }

    /// What can be asked next: parameters are expressions over this request and its answer.
    pub(crate) fn leads_to<const N: usize>(
        mut self,
        status: StatusCode,
        operation_id: &'static str,
        description: &str,
        parameters: [(&'static str, &'static str); N],
    ) -> Self {
        self.answers.link(status, operation_id, description, &parameters);
        self
    }

    pub(super) fn shown(&self) -> Value {
        assert!(self.makes_sense_bare() || !self.examples.is_empty(), "{} has no example", self.id);
        for Example { name, parameters, body, .. } in &self.examples {
            // It would be nowhere in the document.
            let says_something = !parameters.is_empty() || body.is_some();
            assert!(says_something, "{}: the example {name} says nothing but the path", self.id);
        }
        let mut shown = Map::new();
        shown.insert("operationId".to_owned(), json!(self.id));
        shown.insert("summary".to_owned(), json!(self.summary));
        if !self.description.is_empty() {
            shown.insert("description".to_owned(), json!(self.description));
        }
        shown.insert("tags".to_owned(), json!([self.tag]));
        let named = |name: &&str| if name.is_empty() { json!({}) } else { json!({*name: []}) };
        shown.insert("security".to_owned(), self.credentials.iter().map(named).collect());
        if !self.parameters.is_empty() {
            let parameters = self.parameters.iter().map(|parameter| self.shown_parameter(parameter));
            shown.insert("parameters".to_owned(), parameters.collect());
        }
        if let Some(body) = &self.body {
            shown.insert("requestBody".to_owned(), self.shown_body(body));
        }
        shown.insert("responses".to_owned(), self.answers.shown());
        Value::Object(shown)
    }

    /// Whether a request that says nothing but the path is one.
    fn makes_sense_bare(&self) -> bool {
        let is_required = self.parameters.iter().any(|parameter| parameter.is_required);
        !is_required && self.body.as_ref().is_none_or(|body| !body.is_required)
    }

    fn shown_parameter(&self, parameter: &Parameter) -> Value {
        let mut shown = json!({
            "name": parameter.name,
            "in": parameter.place,
            "required": parameter.is_required,
            "description": parameter.description,
        });
        let mut examples = Map::new();
        for example in &self.examples {
            let value = example.parameters.iter().find(|(name, _)| *name == parameter.name);
            assert!(
                value.is_some() || !parameter.is_required,
                "{}: the example {} lacks {}",
                self.id,
                example.name,
                parameter.name
            );
            if let Some((_, value)) = value {
                let value = json!({"summary": example.summary, "value": value});
                examples.insert(example.name.to_owned(), value);
            }
        }
        let place = if parameter.is_json {
            shown["content"] = json!({"application/json": {}});
            &mut shown["content"]["application/json"]
        } else {
            &mut shown
        };
        place["schema"] = parameter.schema.clone();
        if !examples.is_empty() {
            place["examples"] = Value::Object(examples);
        }
        shown
    }

    fn shown_body(&self, body: &Body) -> Value {
        let mut content = Map::new();
        for (media_type, schema) in &body.forms {
            let bodies = self.examples.iter().filter_map(|example| {
                let (_, value) = example.body.as_ref().filter(|(of, _)| of == media_type)?;
                Some((example.name.to_owned(), json!({"summary": example.summary, "value": value})))
            });
            let examples: Map<String, Value> = bodies.collect();
            let mut form = json!({"schema": schema});
            if !examples.is_empty() {
                form["examples"] = Value::Object(examples);
            }
            content.insert((*media_type).to_owned(), form);
        }
        json!({"description": body.description, "required": body.is_required, "content": content})
    }
}
