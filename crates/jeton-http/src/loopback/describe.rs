//! The description of LoopBack's AccessToken API.

mod shapes;

use super::error::LoopBackError;
use super::negotiation::ErrorForm;
use super::route::CALLS;
use super::{ENDPOINT, wire};
use crate::describe::schema::{described, one_of_texts};
use crate::describe::{Address, Api, Occasion, Operation, Parameter, faults};
use crate::transport::body::FORM;
use axum::http::StatusCode;
use axum::response::Response;
use jeton_core::Policy;
use jeton_loopback::Method;
use jeton_service::{Error, WriteRefusal};
use serde_json::{Value, json};
use shapes::Shapes;

const ABOUT: &str = "The AccessToken model of LoopBack 2 and 3, method for method. The access rules of the app decide who may call \
                     what; by default everyone may create a row, and nobody may do anything else but its owner.\n\nThe paths \
                     below are those of the default app. They are also served without `/api`, and below `/apps/{app}` for any \
                     app. Names in them are read in any case.\n\nRows keep members that are not declared. Values are loosely \
                     typed, as in LoopBack: what is no number, date or text is made one where it can be.\n\nErrors have the \
                     shape of strong-error-handler, in JSON, HTML or XML as `Accept` says. Successes are JSON, or a script for \
                     `callback`.";
const TAG: &str = "AccessToken";
/// A row of the examples.
const ID: &str = "c0ffee5eed1e55ab1edecade5ca1ab1e0ddba11fee15babeb1adedb0a710adca";
const JSON: &str = "application/json";
const SCRIPT: &str = "text/javascript";

pub(super) fn describe() -> Value {
    let mut api = Api::new("Jeton: LoopBack access tokens", ABOUT, Address::Public);
    api.also_below("/apps/{app}", "app", "demo", "The key of an app that is not the default one");
    api.tag(TAG, "The AccessToken model");
    api.credentials_in("header", "header", "X-Access-Token", "A token of the app.");
    api.credentials_in("query", "query", "access_token", "The same in the query.");
    api.credentials("bearer", "bearer", "The same, encoded in base64; one that Jeton issued also as it is.");
    let shapes = Shapes::of(&mut api);
    let mut paths: Vec<&str> = Vec::new();
    for (verbs, path, method) in CALLS {
        for verb in verbs.split(' ') {
            api.add(operation(verb, path, method, &shapes));
        }
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    for path in paths {
        api.add(options(path, &shapes));
    }
    api.finish()
}

/// The whole path, in the form of a description.
fn whole(path: &str) -> &'static str {
    let slash = if path.is_empty() { "" } else { "/" };
    format!("/api/accessTokens{slash}{}", path.replace(":id", "{id}")).leak()
}

fn operation(verb: &str, path: &str, method: Method, shapes: &Shapes) -> Operation {
    let lower: &'static str = verb.to_ascii_lowercase().leak();
    // The first verb has the name of the method, as in LoopBack's own clients.
    let (name, summary) = about(method);
    let is_first = CALLS
        .iter()
        .find(|(_, _, known)| *known == method)
        .is_some_and(|(verbs, known, _)| *known == path && verbs.split(' ').next() == Some(verb));
    let suffix =
        if is_first { String::new() } else { format!("By{}{}", verb, path.replace([':', '/', '-'], "")) };
    let operation = Operation::new(lower, whole(path), &format!("{name}{suffix}"), summary)
        .of(TAG)
        .by(&["header", "query", "bearer", ""]);
    let operation = if path.starts_with(":id") { operation.takes([id_in_path()]) } else { operation };
    let operation = successes(arguments(operation, method, shapes), method, verb, shapes);
    let errors = if method == Method::Create { &shapes.several } else { &shapes.error };
    let operation = operation.refuses(errors, refusals(method, verb != "GET" && verb != "HEAD"));
    let text = json!({"type": "string"});
    let operation = operation.refuses_also("text/html", &text).refuses_also("text/xml", &text);
    if method == Method::CreateChangeStream {
        operation
    } else {
        operation.answers_with(
            StatusCode::NOT_ACCEPTABLE,
            "None of the media types is accepted",
            "text/plain",
            text,
        )
    }
}

/// What a path says of its methods. It takes no credentials.
fn options(path: &str, shapes: &Shapes) -> Operation {
    let done = StatusCode::NO_CONTENT;
    let id = format!("options{}", path.replace([':', '/', '-'], ""));
    let operation = Operation::new("options", whole(path), &id, "Say which methods the path has")
        .of(TAG)
        .answers(done, "The methods; those of a preflight, for an origin that the app allows")
        .perhaps_header(done, "allow")
        .refuses(&shapes.error, refusals(Method::Exists, false));
    if path.starts_with(":id") {
        operation.takes([id_in_path()]).example("one", "Of a row", [("id", json!(ID))])
    } else {
        operation
    }
}

fn id_in_path() -> Parameter {
    let text = json!({"type": "string", "minLength": 1});
    Parameter::path("id", "The id of the row, which is the token's secret", text)
}

/// The name of a method in clients, and what it does.
fn about(method: Method) -> (&'static str, &'static str) {
    match method {
        Method::Create => ("create", "Create a row, or several"),
        Method::Upsert => ("upsert", "Change the row with the id of the data, or create one"),
        Method::ReplaceOrCreate => {
            ("replaceOrCreate", "Replace the row with the id of the data, or create one")
        }
        Method::UpsertWithWhere => ("upsertWithWhere", "Change the one row that matches, or create one"),
        Method::Find => ("find", "Find rows"),
        Method::FindOne => ("findOne", "Find the first row"),
        Method::FindById => ("findById", "Find a row by its id"),
        Method::Exists => ("exists", "Say whether there is a row with this id"),
        Method::Count => ("count", "Count rows"),
        Method::UpdateAll => ("updateAll", "Change all rows that match"),
        Method::UpdateAttributes => ("updateAttributes", "Change a row"),
        Method::ReplaceById => ("replaceById", "Replace a row"),
        Method::DeleteById => ("deleteById", "Delete a row: its token is refused from then on"),
        Method::GetUser => ("getUser", "Get the user of a row: there is no directory of users"),
        Method::CreateChangeStream => {
            ("createChangeStream", "Follow the changes of rows; the answer does not end")
        }
    }
}

fn format() -> [Parameter; 2] {
    let forms = one_of_texts(["json", "application/json", "text/javascript", "application/javascript"]);
    [
        Parameter::query("_format", "The form of the answer, in place of `Accept`", forms),
        Parameter::query("callback", "The function that a script calls", json!({"type": "string"})),
    ]
}

/// What the method takes, with an example.
fn arguments(operation: Operation, method: Method, shapes: &Shapes) -> Operation {
    let filter =
        || Parameter::json("filter", "Which rows, in which order, and what of them", shapes.filter.clone());
    let condition = || Parameter::json("where", "Which rows", shapes.condition.clone());
    let bodies = |shape: &Value| [(JSON, shape.clone()), (FORM, shapes.form.clone())];
    let one = |operation: Operation| operation.example("one", "A row", [("id", json!(ID))]);
    match method {
        Method::Create => operation
            .takes(format())
            .body("The row, or a list of rows", bodies(&shapes.rows))
            .example("one", "A token of user 7", [])
            .with(JSON, json!({"userId": 7, "ttl": 3600}))
            .example("several", "Two at once", [])
            .with(JSON, json!([{"userId": 7}, {"userId": 8, "ttl": 60, "device": "phone"}])),
        Method::Upsert | Method::ReplaceOrCreate => operation
            .takes(format())
            .body("The row", bodies(&shapes.row))
            .example("new", "A row that was not there", [])
            .with(JSON, json!({"userId": 7, "ttl": 3600}))
            .example("known", "A row that is there", [])
            .with(JSON, json!({"id": ID, "ttl": 7200})),
        Method::UpsertWithWhere | Method::UpdateAll => operation
            .takes([condition().required()])
            .takes(format())
            .body("What is to be otherwise", bodies(&shapes.row))
            .example("user", "Of a user", [("where", json!({"userId": 77}))])
            .with(JSON, json!({"ttl": 7200})),
        Method::Find | Method::FindOne => operation
            .takes([filter()])
            .takes(format())
            .example("some", "Of a user, the newest first", [(
                "filter",
                json!({"where": {"userId": 7}, "order": "created DESC", "limit": 10, "fields": ["id", "ttl"]}),
            )]),
        Method::Count => operation
            .takes([condition()])
            .takes(format())
            .example("long", "Those that live for long", [("where", json!({"ttl": {"gt": 86400}}))]),
        Method::FindById => one(operation.takes([filter()]).takes(format())),
        Method::UpdateAttributes | Method::ReplaceById => {
            one(operation.takes(format()).body("What is to be otherwise", bodies(&shapes.row))).with(JSON, json!({"ttl": 7200}))
        }
        Method::Exists | Method::DeleteById | Method::GetUser => one(operation.takes(format())),
        Method::CreateChangeStream => {
            let since = json!({"type": "string", "pattern": "^[0-9a-f]{16}-[0-9]+$"});
            operation
                .takes([condition()])
                .takes([Parameter::header("Last-Event-ID", "Where to go on: the id of the last event", since)])
        }
    }
}

/// What the method answers.
fn successes(operation: Operation, method: Method, verb: &str, shapes: &Shapes) -> Operation {
    let ok = StatusCode::OK;
    let (description, shape) = match method {
        Method::Create => ("The row, or the rows", &shapes.created),
        Method::Find => ("The rows", &shapes.list),
        Method::Count | Method::UpdateAll | Method::DeleteById => ("How many", &shapes.count),
        Method::Exists => ("Whether there is one", &shapes.exists),
        Method::GetUser => ("`null`, or `{}` for a row without a user", &shapes.user),
        Method::CreateChangeStream => return stream(operation),
        Method::Upsert
        | Method::ReplaceOrCreate
        | Method::UpsertWithWhere
        | Method::FindOne
        | Method::FindById
        | Method::UpdateAttributes
        | Method::ReplaceById => ("The row", &shapes.row),
    };
    let operation = if verb == "HEAD" && method == Method::Exists {
        operation.answers(ok, description).answers(StatusCode::NOT_FOUND, "There is none")
    } else if verb == "HEAD" {
        operation.answers(ok, description)
    } else {
        let script = described(json!({"type": "string"}), "A call of the function that `callback` names.");
        operation.answers_with(ok, description, JSON, shape).answers_with(ok, description, SCRIPT, script)
    };
    let operation = operation
        .header(ok, "cache-control")
        .perhaps_header(ok, "etag")
        .perhaps_header(ok, "x-content-type-options");
    let operation = match verb {
        "GET" | "HEAD" => {
            let known = StatusCode::NOT_MODIFIED;
            operation
                .answers(known, "The client has it already (`If-None-Match`)")
                .header(known, "etag")
                .header(known, "cache-control")
        }
        _ => operation,
    };
    let link = [("id", "$response.body#/id")];
    match (method, verb) {
        (Method::Create, _) => operation
            .leads_to(ok, "findById", "Find it", link)
            .leads_to(ok, "updateAttributes", "Change it", link)
            .leads_to(ok, "deleteById", "Delete it", link),
        _ => operation,
    }
}

fn stream(operation: Operation) -> Operation {
    let ok = StatusCode::OK;
    let events = described(json!({"type": "string"}), "Server-sent events, each with the JSON of a change.");
    let lines = described(json!({"type": "string"}), "Lines of JSON, as mux-demux writes them.");
    operation
        .answers_with(ok, "The changes, as they happen", "text/event-stream", &events)
        .answers_with(ok, "The changes, as they happen", JSON, &lines)
        .header(ok, "cache-control")
        .perhaps_header(ok, "x-accel-buffering")
        .answers_with(
            StatusCode::NOT_ACCEPTABLE,
            "None of the media types is accepted",
            "text/plain",
            json!({"type": "string"}),
        )
}

fn refusals(method: Method, has_body: bool) -> Vec<Response> {
    let costly = Error::TooCostly { request: 20, row: 2 };
    let mut all = vec![
        LoopBackError::InvalidToken,
        LoopBackError::Denied,
        LoopBackError::NoModel("GET /accessTokens".to_owned()),
        LoopBackError::bad("Relation \"users\" is not defined for AccessToken model"),
    ];
    match method {
        Method::Find | Method::FindOne | Method::Count | Method::UpdateAll | Method::UpsertWithWhere => {
            all.push(costly.into());
        }
        _ => {}
    }
    match method {
        Method::FindOne => all.push(LoopBackError::NoRow("undefined".to_owned())),
        Method::FindById => all.push(LoopBackError::NoRow(ID.to_owned())),
        Method::UpdateAttributes | Method::GetUser => all.push(LoopBackError::NoRowToChange(ID.to_owned())),
        Method::ReplaceById => all.push(LoopBackError::NoRowToReplace(ID.to_owned())),
        _ => {}
    }
    if matches!(
        method,
        Method::FindById
            | Method::UpdateAttributes
            | Method::ReplaceById
            | Method::Exists
            | Method::DeleteById
            | Method::GetUser
    ) {
        all.push(LoopBackError::Undecodable("%ff".to_owned()));
    }
    if has_body && method != Method::DeleteById && method != Method::CreateChangeStream {
        all.extend(of_writes());
    }
    if method == Method::Create {
        all.push(LoopBackError::Several(vec![None, Some(WriteRefusal::Duplicate)]));
        all.push(LoopBackError::TooManyRows);
    }
    let own = all.into_iter().map(|error| error.respond(ErrorForm::Json));
    own.chain(faults(ENDPOINT.refuse, &[Occasion::Any, Occasion::Body, Occasion::Credentials])).collect()
}

fn of_writes() -> Vec<LoopBackError> {
    let often = jeton_service::TooOften { retry_seconds: 60 };
    let refused = [
        WriteRefusal::Duplicate,
        WriteRefusal::IdChanged,
        WriteRefusal::TooLarge(16_384),
        WriteRefusal::TooManySelfMade,
        WriteRefusal::Policy(Policy::RequirePrefix),
        WriteRefusal::TooOften(often),
        WriteRefusal::IdNotYours,
        WriteRefusal::Id,
        WriteRefusal::Created,
        WriteRefusal::User,
    ];
    let of_body = [LoopBackError::Syntax { line: 1, column: 2 }, LoopBackError::TooManyParameters];
    of_body.into_iter().chain(refused.into_iter().map(LoopBackError::Write)).collect()
}
