//! The answers of an operation.

use crate::server::HeadError;
use crate::transport::body::BodyLimits;
use crate::transport::fault::Fault;
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::FutureExt;
use http_body_util::BodyExt;
use jeton_service::{Error, TooOften};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The headers of answers that are worth knowing: what each says, and its schema.
const HEADERS: [(&str, &str, &str, &str); 19] = [
    ("allow", "Allow", "The methods of this path.", "string"),
    ("cache-control", "Cache-Control", "Whether the answer may be kept.", "string"),
    ("etag", "ETag", "The version of what is answered.", "string"),
    ("idempotency-replayed", "Idempotency-Replayed", "`true`: made before, under the same key.", "string"),
    (
        "jeton-stale",
        "Jeton-Stale",
        "The database cannot be reached, and this is what was known so many seconds ago.",
        "integer",
    ),
    ("last-modified", "Last-Modified", "When it changed last.", "string"),
    ("location", "Location", "Where that is which was made.", "string"),
    ("ratelimit", "RateLimit", "What is left of each limit of the token, and for how long.", "string"),
    ("ratelimit-policy", "RateLimit-Policy", "The limits of the token.", "string"),
    ("retry-after", "Retry-After", "In how many seconds to ask again.", "integer"),
    ("vary", "Vary", "The headers of the request on which the answer depends.", "string"),
    ("www-authenticate", "WWW-Authenticate", "Which credentials are wanted, and what was wrong.", "string"),
    ("x-accel-buffering", "X-Accel-Buffering", "`no`: not to be buffered on its way.", "string"),
    ("x-auth-app", "X-Auth-App", "The key of the app, percent-encoded.", "string"),
    ("x-auth-scopes", "X-Auth-Scopes", "The scopes of the token, percent-encoded; empty: none.", "string"),
    ("x-auth-token-id", "X-Auth-Token-Id", "The number of the token; empty: none.", "string"),
    ("x-auth-user", "X-Auth-User", "The user of the token, percent-encoded; empty: none.", "string"),
    ("x-content-type-options", "X-Content-Type-Options", "Always `nosniff`.", "string"),
    ("content-security-policy", "Content-Security-Policy", "Nothing is to be loaded.", "string"),
];

/// Headers that say nothing about this answer in particular.
const SELF_EVIDENT: [&str; 2] = ["content-type", "content-length"];

/// When faults occur that do not depend on an API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// To every request.
    Any,
    /// To requests with a body.
    Body,
    /// The same, where it may be as large as a batch of `/verify`.
    LargeBody,
    /// To requests with credentials.
    Credentials,
}

/// The faults that do not depend on an API, in its shape.
pub(crate) fn faults(refuse: fn(Fault) -> Response, occasions: &[Occasion]) -> Vec<Response> {
    let on = |occasion: &Occasion| match occasion {
        Occasion::Any => vec![
            Fault::Head(HeadError::Host),
            Fault::Head(HeadError::TooLarge),
            Fault::NoRoom,
            Fault::Unavailable(Error::Failed),
        ],
        Occasion::Body => of_body(BodyLimits::default()),
        Occasion::LargeBody => of_body(BodyLimits::OF_VERIFY),
        Occasion::Credentials => vec![Fault::TooOften(TooOften { retry_seconds: 60 })],
    };
    occasions.iter().flat_map(on).map(refuse).collect()
}

fn of_body(limits: BodyLimits) -> Vec<Fault> {
    vec![
        Fault::Incomplete,
        Fault::TooSlow,
        Fault::TooLarge(limits.bytes),
        Fault::Unsupported("the body must come as it is, without Content-Encoding".into()),
    ]
}

/// Answers by status.
#[derive(Clone, Default)]
pub(super) struct Answers(BTreeMap<u16, Answer>);

#[derive(Clone, Default)]
struct Answer {
    /// What it may mean.
    meanings: Vec<String>,
    /// How many answers this describes.
    count: usize,
    /// Each with the number of those that have it.
    headers: BTreeMap<&'static str, usize>,
    content: Map<String, Value>,
    links: Map<String, Value>,
}

impl Answers {
    fn of(&mut self, status: StatusCode) -> &mut Answer {
        self.0.entry(status.as_u16()).or_default()
    }

    pub(super) fn say(&mut self, status: StatusCode, meaning: &str) {
        let answer = self.of(status);
        answer.mean(meaning);
        answer.count += 1;
    }

    pub(super) fn show(&mut self, status: StatusCode, media_type: &'static str, schema: &Value) {
        self.of(status).content.insert(media_type.to_owned(), json!({"schema": schema}));
    }

    pub(super) fn header(&mut self, status: StatusCode, name: &str, is_always: bool) {
        let answer = self.of(status);
        let of_how_many = if is_always { answer.count } else { 0 };
        answer.headers.insert(known(name), of_how_many);
    }

    /// A refusal as it is answered.
    pub(super) fn refuse(&mut self, shape: &Value, refusal: Response) {
        let (head, body) = refusal.into_parts();
        let answer = self.of(head.status);
        let body = whole(body);
        let meaning = match serde_json::from_slice::<Value>(&body) {
            Ok(body) => {
                let meaning = message(&body);
                let kind = head.headers["content-type"].to_str().unwrap_or_default();
                let kind = kind.split(';').next().unwrap_or_default();
                let content = answer.content.entry(kind).or_insert_with(|| json!({"schema": shape}));
                content["examples"][slug(&meaning)] = json!({"value": body});
                meaning
            }
            Err(_) => head.status.canonical_reason().unwrap_or_default().to_owned(),
        };
        answer.mean(&meaning);
        answer.count += 1;
        for name in head.headers.keys().filter(|name| !SELF_EVIDENT.contains(&name.as_str())) {
            *answer.headers.entry(known(name.as_str())).or_default() += 1;
        }
    }

    /// Another form of all refusals with a body.
    pub(super) fn refuse_also(&mut self, media_type: &str, schema: &Value) {
        for answer in self.0.range_mut(400..).map(|(_, answer)| answer) {
            if !answer.content.is_empty() {
                answer.content.insert(media_type.to_owned(), json!({"schema": schema}));
            }
        }
    }

    pub(super) fn link(
        &mut self,
        status: StatusCode,
        operation_id: &str,
        description: &str,
        parameters: &[(&'static str, &'static str)],
    ) {
        let parameters: Map<String, Value> =
            parameters.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        let link = json!({"operationId": operation_id, "parameters": parameters, "description": description});
        self.of(status).links.insert(operation_id.to_owned(), link);
    }

    pub(super) fn shown(&self) -> Value {
        let shown = self.0.iter().map(|(status, answer)| (status.to_string(), answer.shown()));
        Value::Object(shown.collect())
    }
}

impl Answer {
    fn mean(&mut self, meaning: &str) {
        if !self.meanings.iter().any(|known| known == meaning) {
            self.meanings.push(meaning.to_owned());
        }
    }

    fn shown(&self) -> Value {
        let mut description = self.meanings.join("; ");
        if let Some(first) = description.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        let mut shown = json!({"description": description});
        let headers = self.headers.iter().map(|(name, count)| {
            let (_, written, says, kind) =
                HEADERS.iter().find(|known| known.0 == *name).unwrap_or(&HEADERS[0]);
            let is_always = *count > 0 && *count == self.count;
            let header = json!({"description": says, "required": is_always, "schema": {"type": kind}});
            ((*written).to_owned(), header)
        });
        let headers: Map<String, Value> = headers.collect();
        for (member, value) in
            [("headers", headers), ("content", self.content.clone()), ("links", self.links.clone())]
        {
            if !value.is_empty() {
                shown[member] = Value::Object(value);
            }
        }
        shown
    }
}

/// The name of a header that has a description.
fn known(name: &str) -> &'static str {
    let known = HEADERS.iter().find(|(known, ..)| *known == name);
    known.unwrap_or_else(|| panic!("the header {name} has no description")).0
}

fn whole(body: Body) -> Vec<u8> {
    let collected = body.collect().now_or_never().expect("the body of a refusal is in memory");
    collected.expect("it can be read").to_bytes().to_vec()
}

/// What an error says, wherever its API says it.
fn message(body: &Value) -> String {
    let error = &body["error"];
    let said = [&body["detail"], &body["message"], &body["error_description"], &error["message"], error];
    let said = said.iter().find_map(|text| text.as_str().filter(|text| !text.is_empty()));
    said.unwrap_or_else(|| panic!("an error says nothing: {body}")).to_owned()
}

/// The first words of a text, as a name.
fn slug(text: &str) -> String {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.take(8).collect::<Vec<_>>().join("-").to_ascii_lowercase()
}
