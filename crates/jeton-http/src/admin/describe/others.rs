//! Operators, the change log, and figures.

use super::{
    JSON, done, makes, number, numbered, of_body, of_once, operation, paging, parameter, refusals, shows,
};
use crate::admin::error::AdminError;
use crate::admin::wire;
use crate::describe::schema::{app_key, described, instant, integer, object, one_of_texts};
use crate::describe::{Api, Operation};
use axum::http::StatusCode;
use jeton_core::{ChangeKind, MAX_INTEGER, MAX_LABEL_CHARS};
use serde_json::{Value, json};

const OPERATORS: &str = "/admin/v1/operators";

type Described = (Operation, Vec<AdminError>);

pub(super) fn describe(api: &mut Api, problem: &Value) {
    let operators = api.shape::<wire::Page<'_, wire::OperatorShape<'_>>>();
    let new = api.named("OperatorName", operator_name());
    let made = api.shape::<wire::NewOperator<'_>>();
    let audit = api.shape::<wire::AuditPage<'_>>();
    let stats = api.shape::<wire::Stats<'_>>();
    for (operation, own) in [list(operators), create(new, made), revoke()] {
        api.add(operation.of("operators").refuses(problem, refusals(own)));
    }
    for (operation, own) in [self::audit(audit), self::stats(stats)] {
        api.add(operation.of("insight").refuses(problem, refusals(own)));
    }
}

fn operator_name() -> Value {
    // Something in it is to be seen.
    let name = json!({"type": "string", "maxLength": MAX_LABEL_CHARS, "pattern": r"^[^\u0000]*[^\s\u0000][^\u0000]*$"});
    object(&["name"], [("name", described(name, "By which people know it."))])
}

fn list(page: Value) -> Described {
    let operation =
        operation("get", OPERATORS, "listOperators", "List operators").says("All of them stand on one page.");
    (shows(operation, StatusCode::OK, "All of them", page), Vec::new())
}

fn create(new: Value, made: Value) -> Described {
    let operation = operation("post", OPERATORS, "createOperator", "Make an operator")
        .says("The answer alone shows its token.")
        .body("Its name", [(JSON, new)]);
    let operation = makes(operation, "It is made", made)
        .example("plain", "An operator", [])
        .with(JSON, json!({"name": "Mei"}))
        .example(
            "once",
            "The same, made once however often it is asked",
            [("Idempotency-Key", json!("hire-ada"))],
        )
        .with(JSON, json!({"name": "Ada"}))
        .leads_to(StatusCode::CREATED, "revokeOperator", "Revoke it", [("id", "$response.body#/id")]);
    (operation, of_body().into_iter().chain([AdminError::OperatorExists]).chain(of_once()).collect())
}

fn revoke() -> Described {
    let operation = operation("delete", "/admin/v1/operators/{id}", "revokeOperator", "Revoke an operator")
        .says("Also oneself. From the answer on, its token is refused.")
        .takes([number("id", "The number of the operator")])
        .example("two", "Operator 2", [("id", json!(2))]);
    let own = of_body().into_iter().chain([AdminError::NoSuchOperator]);
    (done(operation, "It is revoked"), own.collect())
}

fn audit(page: Value) -> Described {
    let actor = json!({"type": "string", "maxLength": 300, "pattern": r"^[^\u0000]*$"});
    let address = json!({"type": "string", "maxLength": 45});
    let operation = operation("get", "/admin/v1/audit", "listAudit", "List who did what")
        .says(
            "The newest come first. An answer reads a million entries at most: a page can be short, or empty, and have a \
             `next`.",
        )
        .takes([
            parameter("app", "In this app, also one that was deleted", app_key()),
            parameter("token", "To the token of this number", integer(1, MAX_INTEGER)),
            parameter("actor", "By this one, such as `operator:1`, or by all of a kind, such as `operator`", actor),
            parameter("address", "From this IP address, such as `192.0.2.1` or `2001:db8::1`", address),
            parameter("what", "Only this", one_of_texts(ChangeKind::ALL.map(ChangeKind::name))),
            parameter("since", "At this instant or later", instant()),
        ])
        .takes(paging(numbered()))
        .example(
            "revoked",
            "What operators revoked in an app since a day",
            [
                ("app", json!("demo")),
                ("what", json!("token.revoked")),
                ("actor", json!("operator")),
                ("since", json!("2026-01-01T00:00:00Z")),
                ("limit", json!(50)),
            ],
        );
    let own = vec![AdminError::Parameter("token is the number of a token".to_owned())];
    (shows(operation, StatusCode::OK, "A page of entries", page), own)
}

fn stats(shape: Value) -> Described {
    let operation = operation("get", "/admin/v1/stats", "showStats", "Show how much there is")
        .says("Tokens by state and kind, and their uses: of all apps together, and of each.")
        .takes(paging(numbered()))
        .example("page", "A page of ten apps", [("limit", json!(10)), ("cursor", json!(1))]);
    (shows(operation, StatusCode::OK, "Figures", shape), Vec::new())
}
