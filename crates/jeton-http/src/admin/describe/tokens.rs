//! Tokens of an app.

use super::{
    JSON, app, done, makes, number, of_body, of_once, operation, paging, parameter, refusals, shows,
};
use crate::admin::error::AdminError;
use crate::admin::search::{LISTED, REVOKED};
use crate::admin::tokens::{CHANGED, CREATED, LIFETIMES};
use crate::admin::wire;
use crate::describe::schema::{
    addresses, any_of, described, flag, instant, integer, label, list, object, one_of_texts, or_null,
    permission, permissions, rates, scope, user_id, uses,
};
use crate::describe::{Api, Operation};
use axum::http::StatusCode;
use jeton_core::{AuthorityRefusal, MAX_DESCRIPTION_CHARS, MAX_LABEL_CHARS, TokenState};
use jeton_service::MAX_DAYS;
use serde_json::{Value, json};

const ALL: &str = "/admin/v1/apps/{app}/tokens";
const ONE: &str = "/admin/v1/apps/{app}/tokens/{id}";
const TAG: &str = "tokens";

type Described = (Operation, Vec<AdminError>);

pub(super) fn describe(api: &mut Api, problem: &Value, rotation: Value) {
    let token = api.shape::<wire::TokenShape<'_>>();
    let page = api.shape::<wire::Page<'_, wire::TokenShape<'_>>>();
    let revoked = api.shape::<wire::Revoked>();
    let scope = api.named("ScopeInput", scope());
    let new = api.named("NewToken", new_token(&scope));
    let change = api.named("TokenChange", change_of_token(&scope));
    let filter = api.named("Filter", filter());
    let operations = [
        list_all(page),
        create(new, token.clone()),
        revoke_found(filter, revoked),
        show(token.clone()),
        change_one(change, token.clone()),
        rotate(rotation, token),
        revoke(),
    ];
    for (operation, own) in operations {
        api.add(operation.of(TAG).refuses(problem, refusals(own)));
    }
}

fn member(name: &str, scope: &Value) -> Value {
    let days = i64::from(MAX_DAYS);
    match name {
        "user_id" => described(or_null(user_id()), "Whose it is."),
        "title" => described(or_null(label(MAX_LABEL_CHARS)), "What it is called."),
        "tags" => described(or_null(label(MAX_LABEL_CHARS)), "Free text for sorting, with commas between."),
        "description" => described(or_null(label(MAX_DESCRIPTION_CHARS)), "Free text."),
        "permissions" => described(
            any_of([list(&permission()), permissions(), json!({"type": "null"})]),
            "The names of what it allows on every resource: a list, or a text with commas.",
        ),
        "scopes" => described(or_null(list(scope)), "What it allows besides."),
        "enabled" => described(or_null(flag()), "Whether it is switched on."),
        "expires_in_days" => described(or_null(integer(-1, days)), "-1: for ever; 0: as the app decides."),
        "expires_in_seconds" => {
            described(or_null(integer(-1, i64::MAX)), "-1: for ever; 0: as the app decides.")
        }
        "expires_at" => described(or_null(instant()), "An instant to come; `null`: never."),
        "not_before" => described(or_null(instant()), "It is not valid before; `null`: it is at once."),
        "allowed_addresses" => described(
            or_null(addresses()),
            "The addresses and CIDR blocks, of IPv4 and IPv6, from which it may be used; empty or `null`: from everywhere.",
        ),
        "uses_left" => {
            described(or_null(uses()), "How often it may be used from now on; `null`: any number of times.")
        }
        "rates" => described(
            or_null(rates()),
            "How often it may be used in so many seconds, each period once; empty or `null`: any number of times.",
        ),
        other => panic!("the member {other} has no description"),
    }
}

/// A token's end is said in one way at most.
fn ends_once(mut schema: Value) -> Value {
    let [days, seconds, at] = LIFETIMES;
    schema["not"] = json!({"anyOf": [
        {"required": [days, seconds]}, {"required": [days, at]}, {"required": [seconds, at]},
    ]});
    schema
}

fn new_token(scope: &Value) -> Value {
    let members = CREATED.iter().map(|name| (*name, member(name, scope)));
    described(
        ends_once(object(&[], members)),
        "With neither permissions nor scopes it is an identity token; with `jeton:verify` or `jeton:manage` alone, a service \
         credential.",
    )
}

fn change_of_token(scope: &Value) -> Value {
    let members = CHANGED.iter().map(|name| {
        let schema = match *name {
            "expires_in_days" | "expires_in_seconds" => {
                let most = if *name == "expires_in_days" { i64::from(MAX_DAYS) } else { i64::MAX };
                let some = integer(-1, most);
                described(json!({"allOf": [some, {"not": {"const": 0}}]}), "From now on; -1: for ever.")
            }
            name => member(name, scope),
        };
        (*name, schema)
    });
    described(
        ends_once(object(&[], members)),
        "What is left out stays. `null` takes a title, tags or a description away; permissions and scopes replace all that it \
         had.",
    )
}

/// The conditions of a search.
fn condition(name: &str) -> Value {
    let days = || integer(0, i64::from(MAX_DAYS));
    match name {
        "user_id" => described(user_id(), "Of this user."),
        "title" => {
            described(label(MAX_LABEL_CHARS), "Of this title; with `*` at its end, of titles that begin so.")
        }
        "tag" => described(label(MAX_LABEL_CHARS), "With this one among their tags."),
        "scope" => described(
            label(MAX_LABEL_CHARS),
            "With a scope that names this: a permission, the id of a resource, or a tag.",
        ),
        "state" => described(
            one_of_texts(TokenState::ALL.map(TokenState::name)),
            "That stand so. Without it, all that were not revoked.",
        ),
        "unused_days" => described(days(), "Older than so many days, and not used in that time."),
        "never_used" => described(flag(), "That were never used."),
        "eternal" => described(flag(), "That never expire."),
        "expires_within_days" => described(days(), "That will expire within so many days, the next first."),
        "created_before" => described(instant(), "Made before this."),
        other => panic!("the parameter {other} has no description"),
    }
}

fn filter() -> Value {
    let members = REVOKED.iter().map(|name| match *name {
        "dry_run" => ("dry_run", described(flag(), "Only to count them.")),
        "state" => {
            let states = TokenState::ALL.into_iter().filter(|state| *state != TokenState::Revoked);
            ("state", described(one_of_texts(states.map(TokenState::name)), "That stand so."))
        }
        // `false` is no condition.
        name @ ("eternal" | "never_used") => {
            let only_if = condition(name)["description"].as_str().unwrap_or_default().to_owned();
            (name, described(json!({"const": true}), &only_if))
        }
        name => (name, condition(name)),
    });
    let mut schema = object(&[], members);
    let some = REVOKED.iter().filter(|name| **name != "dry_run").map(|name| json!({"required": [name]}));
    schema["anyOf"] = some.collect();
    described(schema, "Which tokens; at least one condition.")
}

fn list_all(page: Value) -> Described {
    let conditions = LISTED.iter().filter(|name| !["limit", "cursor"].contains(name)).map(|name| {
        let mut schema = condition(name);
        let description = schema["description"].as_str().unwrap_or_default().to_owned();
        schema.as_object_mut().expect("a schema is an object").remove("description");
        parameter(name, description.leak(), schema)
    });
    let operation = operation("get", ALL, "listTokens", "List tokens of an app")
        .says("The newest come first, but for `expires_within_days` and `state=expired`. Several conditions are true together.")
        .takes([app()])
        .takes(conditions)
        .takes(paging(json!({"type": "string"})))
        .example("all", "All that were not revoked", [("app", json!("demo"))])
        .example(
            "user",
            "The active ones of a user",
            [("app", json!("demo")), ("user_id", json!(7)), ("state", json!("active")), ("limit", json!(20))],
        )
        .example(
            "unused",
            "Those that were not used for 90 days",
            [("app", json!("demo")), ("unused_days", json!(90)), ("title", json!("ci*"))],
        );
    let item = [("app", "$request.path.app"), ("id", "$response.body#/items/0/id")];
    let operation = shows(operation, StatusCode::OK, "A page of them", page)
        .leads_to(StatusCode::OK, "showToken", "Show the first of them", item)
        .leads_to(StatusCode::OK, "changeToken", "Change the first of them", item);
    (operation, vec![AdminError::NoSuchApp, AdminError::Parameter("unused_days is 0 to 36500".to_owned())])
}

fn create(new: Value, token: Value) -> Described {
    let created = StatusCode::CREATED;
    let item = [("app", "$request.path.app"), ("id", "$response.body#/id")];
    let operation = operation("post", ALL, "createToken", "Make a token")
        .says("The answer alone shows the secret, in `access_token`.")
        .takes([app()])
        .body("What is wanted", [(JSON, new)]);
    let operation = makes(operation, "It is made", token)
        .example("reader", "A token that reads, for 90 days", [("app", json!("demo"))])
        .with(JSON, json!({"user_id": 7, "title": "ci", "permissions": ["read"], "expires_in_days": 90}))
        .example("sensor", "A token for one resource, made once", [
            ("app", json!("demo")),
            ("Idempotency-Key", json!("sensor-7")),
        ])
        .with(
            JSON,
            json!({"title": "sensor-7", "scopes": [{"permissions": ["write"], "ids": ["sensor-7"]}], "expires_at": null}),
        )
        .leads_to(created, "showToken", "Show it", item)
        .leads_to(created, "changeToken", "Change it", item)
        .leads_to(created, "revokeToken", "Revoke it", item);
    let own = of_body().into_iter().chain(of_once());
    let own = own.chain([AdminError::NoSuchApp, AdminError::Refused(AuthorityRefusal::ServiceToken)]);
    (operation, own.collect())
}

fn revoke_found(filter: Value, revoked: Value) -> Described {
    let operation = operation("post", "/admin/v1/apps/{app}/tokens/revoke", "revokeTokens", "Revoke what a filter finds")
        .says(
            "It answers once all of them are refused everywhere on this server. If it fails in between, what was revoked stays \
             revoked: ask again.",
        )
        .takes([app()])
        .body("Which tokens", [(JSON, filter)])
        .example("dry", "How many a user has", [("app", json!("demo"))])
        .with(JSON, json!({"user_id": 7, "dry_run": true}))
        .example("unused", "Those that were not used for 90 days", [("app", json!("shop"))])
        .with(JSON, json!({"unused_days": 90}));
    let own = of_body().into_iter().chain([AdminError::NoSuchApp]);
    (shows(operation, StatusCode::OK, "How many", revoked), own.collect())
}

fn show(token: Value) -> Described {
    let operation = operation("get", ONE, "showToken", "Show a token")
        .takes([app(), number("id", "The number of the token")])
        .example("two", "Token 2", [("app", json!("demo")), ("id", json!(2))]);
    (shows(operation, StatusCode::OK, "It", token), vec![AdminError::NoSuchApp, AdminError::NoSuchToken])
}

fn change_one(change: Value, token: Value) -> Described {
    let operation = operation("patch", ONE, "changeToken", "Change a token")
        .takes([app(), number("id", "The number of the token")])
        .body("What is to be otherwise", [(JSON, change.clone()), ("application/merge-patch+json", change)])
        .example("disable", "Switch it off", [("app", json!("demo")), ("id", json!(2))])
        .with(JSON, json!({"enabled": false}))
        .example("scopes", "Other scopes, and no title", [("app", json!("demo")), ("id", json!(2))])
        .with(JSON, json!({"title": null, "scopes": [{"permissions": ["read"], "tags": ["greenhouse"]}]}));
    let own = of_body().into_iter().chain([
        AdminError::NoSuchApp,
        AdminError::NoSuchToken,
        AdminError::Refused(AuthorityRefusal::IdentityToken),
        AdminError::Refused(AuthorityRefusal::ServiceToken),
    ]);
    (shows(operation, StatusCode::OK, "It, as it is now", token), own.collect())
}

fn rotate(rotation: Value, token: Value) -> Described {
    let operation = operation("post", "/admin/v1/apps/{app}/tokens/{id}/rotate", "rotateToken", "Change the secret of a token")
        .says(
            "The answer alone shows the new one, in `access_token`. Without a grace, the old one is refused from the answer on. Nothing \
             else of the token changes, its expiry neither.",
        )
        .takes([app(), number("id", "The number of the token")])
        .optional_body("For how long the old one stays", [(JSON, rotation)])
        .example("at-once", "The old one ends at once", [("app", json!("demo")), ("id", json!(2))])
        .example("grace", "The old one ends in a day", [("app", json!("demo")), ("id", json!(2))])
        .with(JSON, json!({"grace_seconds": 86_400}));
    let own = of_body().into_iter().chain([AdminError::NoSuchApp, AdminError::NoSuchToken]);
    (shows(operation, StatusCode::OK, "It has another", token), own.collect())
}

fn revoke() -> Described {
    let operation = operation("delete", ONE, "revokeToken", "Revoke a token")
        .says("From the answer on, it is refused.")
        .takes([app(), number("id", "The number of the token")])
        .example("two", "Token 2", [("app", json!("demo")), ("id", json!(2))]);
    let own = of_body().into_iter().chain([AdminError::NoSuchApp, AdminError::NoSuchToken]);
    (done(operation, "It is revoked"), own.collect())
}
