//! The description of Dotide's access tokens.

use super::ENDPOINT;
use super::error::DotideError;
use super::input::{OF_SCOPES, PERMISSIONS, SHOWN};
use super::wire;
use crate::describe::schema::{
    app_key, described, flag, held_permission, integer, list, name, object, one_of_texts, or_null,
};
use crate::describe::{Address, Api, Occasion, Operation, Parameter, faults};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

const ABOUT: &str = "Access tokens of a database, each with scopes: actions on all resources, on those with an id, or on those \
                     that bear tags. `/v1` and `/v2` are the same.\n\nCallers that do not prove to be the client of the \
                     database get 404, with one and the same answer, whatever they ask.\n\nBrowsers may call it from the \
                     origins that the app's setting `cors` names.";
/// A secret that a token of the examples has.
const TOKEN: &str = "5b1c0e7f3a9d4682b0c7e5f1a2d38496c4e1f0b7a69d5823e7046f1c9b2ad835";

/// What differs between the two versions.
struct Version {
    root: &'static str,
    list: &'static str,
    one: &'static str,
    /// What ends the ids of operations.
    suffix: &'static str,
}

const V1: Version = Version {
    root: "/v1",
    list: "/v1/{db}/access_tokens",
    one: "/v1/{db}/access_tokens/{access_token}",
    suffix: "",
};
const V2: Version = Version {
    root: "/v2",
    list: "/v2/{db}/access_tokens",
    one: "/v2/{db}/access_tokens/{access_token}",
    suffix: "V2",
};

struct Shapes {
    token: Value,
    error: Value,
    validation: Value,
    version: Value,
    new: Value,
    change: Value,
}

pub(super) fn describe() -> Value {
    let mut api = Api::new("Jeton: access tokens (Dotide)", ABOUT, Address::Public);
    api.tag("access tokens", "Access tokens of a database");
    api.tag("version", "The version of the API");
    api.credentials("client", "basic", "The client id and the client secret of the database.");
    let error = api.shape::<wire::Message<'_>>();
    let shapes = Shapes {
        token: api.shape::<wire::AccessToken<'_>>(),
        error,
        validation: api.shape::<wire::Validation<'_>>(),
        version: api.shape::<wire::Version>(),
        new: api.named("NewAccessToken", body(&one_of_texts(PERMISSIONS.iter().copied()))),
        change: api.named("AccessTokenChange", body(&held_permission())),
    };
    for version in [&V1, &V2] {
        for operation in [root, read_all, create, read, update, delete] {
            api.add(operation(version, &shapes));
        }
    }
    api.finish()
}

fn body(permission: &Value) -> Value {
    let scope = OF_SCOPES.iter().map(|member| {
        let texts = or_null(list(&name()));
        match *member {
            "permissions" => (
                *member,
                described(
                    or_null(list(permission)),
                    "`read`, `write`, `delete`, or names that the token holds.",
                ),
            ),
            "global" => (*member, described(or_null(flag()), "Whether on every resource.")),
            "ids" => (*member, described(texts, "On these resources.")),
            "tags" => (*member, described(texts, "On resources that bear all of these.")),
            other => panic!("the member {other} has no description"),
        }
    });
    let scopes = described(list(&object(&[], scope)), "All of its scopes.");
    let written = [("scopes", scopes), ("tz", or_null(zone()))];
    let back = SHOWN.iter().map(|name| (*name, json!({"description": "Not considered: as it was read."})));
    let mut schema = object(&[], written.into_iter().chain(back));
    schema["anyOf"] = json!([{"required": ["scopes"]}, {"required": ["tz"]}, {"maxProperties": 0}]);
    schema
}

fn zone() -> Value {
    described(json!({"type": "string"}), "A name of the Olson database, for the times in the answer.")
}

fn db() -> Parameter {
    Parameter::path("db", "The database: the key of the app", app_key())
}

fn token() -> Parameter {
    let secret = json!({"type": "string", "minLength": 1});
    Parameter::path("access_token", "Its secret, or `~` and its number", secret)
}

fn tz() -> [Parameter; 2] {
    [
        Parameter::query("tz", "The time zone of the times in the answer", zone()),
        Parameter::header("Timezone", "The same, where the query does not say it", zone()),
    ]
}

fn operation(
    version: &Version,
    method: &'static str,
    path: &'static str,
    id: &str,
    summary: &str,
) -> Operation {
    Operation::new(method, path, &format!("{id}{}", version.suffix), summary)
        .of("access tokens")
        .by(&["client"])
        .takes([db()])
        .takes(tz())
}

fn root(version: &Version, shapes: &Shapes) -> Operation {
    Operation::new("get", version.root, &format!("version{}", version.suffix), "Say which version this is")
        .of("version")
        .answers_with(StatusCode::OK, "The version", "application/json", &shapes.version)
        .header(StatusCode::OK, "cache-control")
        .refuses(&shapes.error, faults(ENDPOINT.refuse, &[Occasion::Any]))
}

fn read_all(version: &Version, shapes: &Shapes) -> Operation {
    let count = || integer(0, u32::MAX.into());
    operation(version, "get", version.list, "listAccessTokens", "List access tokens")
        .says("The oldest come first.")
        .takes([
            Parameter::query("limit", "How many to answer; all if left out", count()),
            Parameter::query("offset", "How many to leave out", count()),
        ])
        .example("all", "All of them", [("db", json!("demo"))])
        .example(
            "page",
            "A page, with times in Kolkata",
            [
                ("db", json!("demo")),
                ("limit", json!(10)),
                ("offset", json!(0)),
                ("tz", json!("Asia/Kolkata")),
            ],
        )
        .answers_with(StatusCode::OK, "A part of them", "application/json", list(&shapes.token))
        .header(StatusCode::OK, "cache-control")
        .refuses(&shapes.error, refusals(&[Occasion::Any]))
}

fn create(version: &Version, shapes: &Shapes) -> Operation {
    let created = StatusCode::CREATED;
    let link = [("db", "$request.path.db"), ("access_token", "$response.body#/access_token")];
    let [read, update, delete] = if version.suffix.is_empty() {
        ["readAccessToken", "updateAccessToken", "deleteAccessToken"]
    } else {
        ["readAccessTokenV2", "updateAccessTokenV2", "deleteAccessTokenV2"]
    };
    operation(version, "post", version.list, "createAccessToken", "Make an access token")
        .body("What it allows", [("application/json", shapes.new.clone())])
        .example("sensor", "A token that reads two streams", [("db", json!("demo"))])
        .with(
            "application/json",
            json!({"scopes": [{"permissions": ["read"], "ids": ["sensor-7", "sensor-8"]}]}),
        )
        .example("everything", "A token that may do everything", [("db", json!("demo"))])
        .with(
            "application/json",
            json!({"scopes": [{"permissions": ["read", "write", "delete"], "global": true}], "tz": "UTC"}),
        )
        .answers_with(created, "It is made", "application/json", &shapes.token)
        .header(created, "cache-control")
        .header(created, "location")
        .leads_to(created, read, "Read it", link)
        .leads_to(created, update, "Change it", link)
        .leads_to(created, delete, "Delete it", link)
        .refuses(&shapes.error, refusals(&[Occasion::Any, Occasion::Body]))
        .refuses(&shapes.validation, invalid())
}

fn read(version: &Version, shapes: &Shapes) -> Operation {
    operation(version, "get", version.one, "readAccessToken", "Read an access token")
        .takes([token()])
        .example("one", "One of them", [("db", json!("demo")), ("access_token", json!(TOKEN))])
        .answers_with(StatusCode::OK, "It", "application/json", &shapes.token)
        .header(StatusCode::OK, "cache-control")
        .refuses(&shapes.error, refusals(&[Occasion::Any]))
}

fn update(version: &Version, shapes: &Shapes) -> Operation {
    operation(version, "put", version.one, "updateAccessToken", "Change an access token")
        .takes([token()])
        .body("What it is to allow", [("application/json", shapes.change.clone())])
        .example(
            "tags",
            "It may write what bears a tag",
            [("db", json!("demo")), ("access_token", json!(TOKEN))],
        )
        .with("application/json", json!({"scopes": [{"permissions": ["write"], "tags": ["greenhouse"]}]}))
        .answers_with(StatusCode::OK, "It, as it is now", "application/json", &shapes.token)
        .header(StatusCode::OK, "cache-control")
        .refuses(&shapes.error, refusals(&[Occasion::Any, Occasion::Body]))
        .refuses(&shapes.validation, invalid())
}

fn delete(version: &Version, shapes: &Shapes) -> Operation {
    operation(version, "delete", version.one, "deleteAccessToken", "Delete an access token")
        .takes([token()])
        .example("one", "One of them", [("db", json!("demo")), ("access_token", json!(TOKEN))])
        .answers(StatusCode::NO_CONTENT, "It is gone; from now on it is refused")
        .header(StatusCode::NO_CONTENT, "cache-control")
        .refuses(&shapes.error, refusals(&[Occasion::Any]))
}

fn invalid() -> [Response; 1] {
    [DotideError::Scopes("scopes must be an array".into()).into_response()]
}

fn refusals(occasions: &[Occasion]) -> Vec<Response> {
    let own = [DotideError::NotFound, DotideError::Bad("limit must be 0 to 4294967295".into())];
    own.into_iter().map(IntoResponse::into_response).chain(faults(ENDPOINT.refuse, occasions)).collect()
}
