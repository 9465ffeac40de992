//! The description of the user-token API.

use super::error::AppKeyError;
use super::input::{CHANGED, CREATED, MAX_DAYS};
use super::wire::{self, SHOWN};
use super::{ENDPOINT, wire::Envelope};
use crate::describe::schema::{
    any_of, app_key, described, int64, integer, label, object, or_null, permissions, text_like,
};
use crate::describe::{Address, Api, Occasion, Operation, Parameter, faults};
use crate::transport::body::FORM;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jeton_core::{AuthorityRefusal, MAX_DESCRIPTION_CHARS, MAX_LABEL_CHARS};
use jeton_service::MAX_GRACE;
use serde_json::{Value, json};

const ABOUT: &str = "Users of an app make and manage tokens of their own; a service credential with `jeton:manage` manages all \
                     of them. Every answer is the envelope `{\"code\", \"data\", \"error\"}`, whose `code` is the HTTP \
                     status.\n\nNames of members and parameters are read in any case, and integers as numbers or as texts. A \
                     write with a name that is not known is refused.\n\nBrowsers may call it from the origins that the app's \
                     setting `cors` names.";
const LIST: &str = "/AccessToken/{appKey}";
const ONE: &str = "/AccessToken/{appKey}/{id}";
const ROTATE: &str = "/AccessToken/{appKey}/{id}/rotate";

pub(super) fn describe() -> Value {
    let mut api = Api::new("Jeton: user tokens (AppKey)", ABOUT, Address::Public);
    api.tag("tokens", "Tokens of an app");
    api.credentials("token", "bearer", "A live token of the app.");
    let shapes = Shapes {
        error: api.shape::<Envelope<'_, ()>>(),
        listing: api.shape::<Envelope<'_, wire::Listing<'_>>>(),
        created: api.shape::<Envelope<'_, wire::TokenModel<'_>>>(),
        done: api.shape::<Envelope<'_, bool>>(),
        new: api.named("NewToken", new_token()),
        new_form: api.named("NewTokenForm", form(&["title"], CREATED)),
        change: api.named("TokenChange", change()),
        change_form: api.named("TokenChangeForm", form(&[], CHANGED)),
        rotation: api.named("Rotation", rotation()),
    };
    api.add(list(&shapes));
    api.add(create(&shapes));
    api.add(update(&shapes));
    api.add(rotate(&shapes));
    api.add(delete(&shapes));
    api.finish()
}

struct Shapes {
    error: Value,
    listing: Value,
    created: Value,
    done: Value,
    new: Value,
    new_form: Value,
    change: Value,
    change_form: Value,
    rotation: Value,
}

/// An integer as a number or as a text; an empty text is as nothing.
fn loose(least: i64, most: i64) -> Value {
    any_of([
        integer(least, most),
        json!({"type": "string", "pattern": "^([+-]?0*[0-9]{1,18})?$"}),
        json!({"type": "null"}),
    ])
}

fn member(name: &str) -> Value {
    match name {
        "title" => described(label(MAX_LABEL_CHARS), "What it is called."),
        "tags" => described(or_null(label(MAX_LABEL_CHARS)), "Free text for sorting."),
        "description" => described(or_null(label(MAX_DESCRIPTION_CHARS)), "Free text."),
        "permissions" => {
            described(or_null(permissions()), "The names of what it allows, with commas between.")
        }
        "userID" => described(loose(i64::MIN, i64::MAX), "Whose it is; 0: nobody's."),
        "expireInDays" => {
            described(loose(-1, MAX_DAYS.into()), "-1: for ever; 0 or left out: as the app decides.")
        }
        "enable" => described(
            any_of([
                json!({"type": ["boolean", "null"]}),
                json!({"type": "string", "pattern": "^([Tt]rue|[Ff]alse)$"}),
            ]),
            "Whether it is switched on.",
        ),
        other => panic!("the member {other} has no description"),
    }
}

/// The same in a form, where every value is a text.
fn form(required: &[&str], names: &[&'static str]) -> Value {
    let members = names.iter().map(|name| {
        let schema = match *name {
            "title" | "tags" => label(MAX_LABEL_CHARS),
            "description" => label(MAX_DESCRIPTION_CHARS),
            "permissions" => permissions(),
            "enable" => text_like("^([Tt]rue|[Ff]alse)$"),
            "expireInDays" => text_like("^(-1|[0-9]{1,3}|)$"),
            "userID" => text_like("^(-?[0-9]{1,18}|)$"),
            other => panic!("the member {other} has no description"),
        };
        (*name, schema)
    });
    let mut schema = object(required, members);
    if required.is_empty() {
        schema["anyOf"] = names.iter().map(|name| json!({"required": [name]})).collect();
    } else {
        schema["properties"]["title"]["minLength"] = json!(1);
    }
    described(schema, "The same as a form.")
}

/// The members of answers, which clients may send back.
fn sent_back(written: &[&'static str]) -> Vec<(&'static str, Value)> {
    let others = SHOWN.iter().filter(|name| !written.contains(name));
    others.map(|name| (*name, json!({"description": "Not considered: as it was read."}))).collect()
}

fn new_token() -> Value {
    let members = CREATED.iter().map(|name| (*name, member(name)));
    let enable =
        any_of([json!({"enum": [true, null, ""]}), json!({"type": "string", "pattern": "^[Tt]rue$"})]);
    let back = sent_back(CREATED).into_iter().map(|(name, schema)| match name {
        "enable" => (name, described(enable.clone(), "A new token is switched on.")),
        name => (name, schema),
    });
    let mut schema = object(&["title"], members.chain(back));
    schema["properties"]["title"]["minLength"] = json!(1);
    described(schema, "What is wanted.")
}

fn change() -> Value {
    let members = CHANGED.iter().map(|name| match *name {
        "title" => ("title", or_null(member("title"))),
        name => (name, member(name)),
    });
    let mut schema = object(&[], members.chain(sent_back(CHANGED)));
    let some = CHANGED.iter().map(|name| json!({"required": [name]}));
    schema["anyOf"] = some.chain([json!({"maxProperties": 0})]).collect();
    schema["type"] = json!(["object", "null"]);
    described(
        schema,
        "What is to be otherwise. A member that is left out, `null`, or an empty title, changes nothing.",
    )
}

fn rotation() -> Value {
    let most = i64::try_from(MAX_GRACE.as_secs()).expect("a year has few seconds");
    let grace = described(loose(0, most), "For how many seconds the old secret is good beside the new one.");
    let members = [("graceSeconds", grace)].into_iter().chain(sent_back(&[]));
    let mut schema = object(&[], members);
    schema["type"] = json!(["object", "null"]);
    described(schema, "Without `graceSeconds`, the old secret ends at once.")
}

fn key() -> Parameter {
    Parameter::path("appKey", "The key of the app", app_key())
}

fn id() -> Parameter {
    Parameter::path("id", "The number of the token", json!({"type": "integer"}))
}

fn user() -> Parameter {
    let user = any_of([int64(), json!({"type": "string", "maxLength": 0})]);
    Parameter::query("userId", "Only of this user; 0: of any", user)
}

fn forms(shape: &Value, form: &Value) -> [(&'static str, Value); 3] {
    [
        ("application/json", shape.clone()),
        ("application/json-patch+json", shape.clone()),
        (FORM, form.clone()),
    ]
}

fn list(shapes: &Shapes) -> Operation {
    let count = || any_of([integer(0, i32::MAX.into()), json!({"type": "string", "maxLength": 0})]);
    Operation::new("get", LIST, "listTokens", "List tokens")
        .of("tokens")
        .says("The newest come first. A user sees its own; secrets are shown as far as the caller and the app's settings allow.")
        .by(&["token"])
        .takes([
            key(),
            user(),
            Parameter::query("skip", "How many to leave out", count()),
            Parameter::query("take", "How many to answer, at most 1,000; 100 if left out", count()),
        ])
        .example("all", "The newest hundred", [("appKey", json!("demo"))])
        .example(
            "page",
            "The second page of a user's",
            [("appKey", json!("demo")), ("userId", json!(7)), ("skip", json!(20)), ("take", json!(20))],
        )
        .answers_with(StatusCode::OK, "A part of them", "application/json", &shapes.listing)
        .header(StatusCode::OK, "cache-control")
        .leads_to(
            StatusCode::OK,
            "updateToken",
            "Change the first of them",
            [("appKey", "$request.path.appKey"), ("id", "$response.body#/data/data/0/id")],
        )
        .leads_to(
            StatusCode::OK,
            "deleteToken",
            "Delete the first of them",
            [("appKey", "$request.path.appKey"), ("id", "$response.body#/data/data/0/id")],
        )
        .refuses(&shapes.error, refusals(&[], &[Occasion::Any, Occasion::Credentials]))
}

fn create(shapes: &Shapes) -> Operation {
    Operation::new("post", LIST, "createToken", "Make a token")
        .of("tokens")
        .says("The answer alone shows the secret for certain. The user may stand in the query or in the body; in both, it must be the same.")
        .by(&["token"])
        .takes([key(), user()])
        .body("What is wanted", forms(&shapes.new, &shapes.new_form))
        .example("reader", "A token that reads, for a month", [("appKey", json!("demo"))])
        .with(
            "application/json",
            json!({"title": "ci", "tags": "build", "userID": 7, "permissions": "read,list", "expireInDays": 30}),
        )
        .example("form", "The same as a form", [("appKey", json!("demo")), ("userId", json!(7))])
        .with(FORM, json!({"title": "ci", "permissions": "read", "expireInDays": "30"}))
        .answers_with(StatusCode::OK, "It is made", "application/json", &shapes.created)
        .header(StatusCode::OK, "cache-control")
        .leads_to(StatusCode::OK, "listTokens", "Find it among all", [("appKey", "$request.path.appKey")])
        .refuses(
            &shapes.error,
            refusals(
                &[AuthorityRefusal::NotHeld, AuthorityRefusal::Outlives, AuthorityRefusal::Reserved],
                &[Occasion::Any, Occasion::Body, Occasion::Credentials],
            ),
        )
}

fn update(shapes: &Shapes) -> Operation {
    let refused = [
        AuthorityRefusal::NotHeld,
        AuthorityRefusal::BeyondCaller,
        AuthorityRefusal::DisabledByAnother,
        AuthorityRefusal::Reserved,
        AuthorityRefusal::WouldWiden,
        AuthorityRefusal::IdentityToken,
    ];
    Operation::new("put", ONE, "updateToken", "Change a token")
        .of("tokens")
        .by(&["token"])
        .takes([key(), id(), user()])
        .body("What is to be otherwise", forms(&shapes.change, &shapes.change_form))
        .example("disable", "Switch it off", [("appKey", json!("demo")), ("id", json!(2))])
        .with("application/json", json!({"enable": false}))
        .example("rename", "Another title", [("appKey", json!("demo")), ("id", json!(2))])
        .with("application/json", json!({"title": "nightly build", "tags": "build"}))
        .answers_with(StatusCode::OK, "It is changed", "application/json", &shapes.done)
        .header(StatusCode::OK, "cache-control")
        .refuses(&shapes.error, refusals(&refused, &[Occasion::Any, Occasion::Body, Occasion::Credentials]))
        .refuses(&shapes.error, [AppKeyError::NoSuchToken.into_response()])
}

fn rotate(shapes: &Shapes) -> Operation {
    let json = ["application/json", "application/json-patch+json"];
    Operation::new("post", ROTATE, "rotateToken", "Change the secret of a token")
        .of("tokens")
        .says(
            "The answer alone shows the new one for certain. Nothing else of the token changes, its expiry neither. Jeton has added this: \
             the original does not know it.",
        )
        .by(&["token"])
        .takes([key(), id(), user()])
        .optional_body("For how long the old one stays", json.map(|form| (form, shapes.rotation.clone())))
        .example("at-once", "The old one ends at once", [("appKey", json!("demo")), ("id", json!(2))])
        .example("grace", "The old one ends in an hour", [("appKey", json!("demo")), ("id", json!(2))])
        .with("application/json", json!({"graceSeconds": 3600}))
        .answers_with(StatusCode::OK, "It has another", "application/json", &shapes.created)
        .header(StatusCode::OK, "cache-control")
        .refuses(
            &shapes.error,
            refusals(&[AuthorityRefusal::BeyondCaller], &[Occasion::Any, Occasion::Body, Occasion::Credentials]),
        )
        .refuses(&shapes.error, [AppKeyError::NoSuchToken.into_response()])
}

fn delete(shapes: &Shapes) -> Operation {
    Operation::new("delete", ONE, "deleteToken", "Delete a token")
        .of("tokens")
        .says("Once it is answered, the token is refused.")
        .by(&["token"])
        .takes([key(), id(), user()])
        .example("one", "One of the app's", [("appKey", json!("demo")), ("id", json!(2))])
        .answers_with(StatusCode::OK, "It is gone", "application/json", &shapes.done)
        .header(StatusCode::OK, "cache-control")
        .refuses(
            &shapes.error,
            refusals(&[AuthorityRefusal::BeyondCaller], &[Occasion::Any, Occasion::Credentials]),
        )
        .refuses(&shapes.error, [AppKeyError::NoSuchToken.into_response()])
}

fn refusals(refused: &[AuthorityRefusal], occasions: &[Occasion]) -> Vec<Response> {
    let own = [
        AppKeyError::Unproven,
        AppKeyError::NoSuchApp,
        AppKeyError::Powerless,
        AppKeyError::Forbidden(AuthorityRefusal::NotYours),
        AppKeyError::bad("userId must be an integer"),
    ];
    let refused = refused.iter().map(|refusal| AppKeyError::Forbidden(*refusal));
    let own = own.into_iter().chain(refused).map(IntoResponse::into_response);
    own.chain(faults(ENDPOINT.refuse, occasions)).collect()
}
