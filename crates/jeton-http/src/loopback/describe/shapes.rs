//! The shapes of rows and filters, which are written and read value by value.

use super::wire;
use crate::describe::Api;
use crate::describe::schema::{any_of, described, flag, integer, list, or_null};
use serde_json::{Value, json};

pub(super) struct Shapes {
    pub(super) row: Value,
    pub(super) rows: Value,
    pub(super) list: Value,
    pub(super) created: Value,
    pub(super) form: Value,
    pub(super) filter: Value,
    pub(super) condition: Value,
    pub(super) count: Value,
    pub(super) exists: Value,
    pub(super) user: Value,
    pub(super) error: Value,
    /// That of an error, or of several.
    pub(super) several: Value,
}

impl Shapes {
    pub(super) fn of(api: &mut Api) -> Self {
        let row = api.named("AccessToken", row());
        let error = api.shape::<wire::ErrorBody<'_>>();
        let several = api.shape::<wire::ErrorsBody<'_>>();
        let condition = api.named("Where", condition());
        Shapes {
            list: list(&row),
            created: json!({"oneOf": [row, list(&row)]}),
            rows: json!({"oneOf": [row, {"type": "array", "items": row, "maxItems": 1_000}]}),
            form: api.named("AccessTokenForm", form()),
            filter: api.named("Filter", filter(&condition)),
            condition,
            count: api.shape::<wire::Count>(),
            exists: api.shape::<wire::Exists>(),
            user: json!({"type": ["object", "null"], "maxProperties": 0}),
            several: any_of([error.clone(), several]),
            error,
            row,
        }
    }
}

/// A row as it is sent and answered: a part of it, where `fields` says so.
fn row() -> Value {
    json!({
        "type": "object",
        "description": "A token. It may have further members, which are kept as they are.",
        "properties": {
            "id": {"type": ["string", "null"], "description": "Its secret."},
            "ttl": {
                "type": ["number", "null"],
                "description": "For how many seconds it lives from `created` on; -1: for ever, where the app allows that.",
            },
            "created": {"type": ["string", "null"], "format": "date-time", "description": "When it was made."},
            "userId": {
                "type": ["number", "string", "null"],
                "description": "Its user: an integer below 2^53 as a number, any other as a text.",
            },
        },
        "additionalProperties": true,
    })
}

fn form() -> Value {
    json!({
        "type": "object",
        "description": "The same as a form: nested names are written as in `a[b]`.",
        "properties": {
            "id": {"type": "string"}, "ttl": {"type": "string"}, "created": {"type": "string"}, "userId": {"type": "string"},
        },
        "additionalProperties": {"type": "string"},
    })
}

fn condition() -> Value {
    let description = "Conditions on members: a value, or operators such as `gt`, `inq`, `like`, `regexp`; `and` and `or` are \
                       lists of conditions.";
    described(json!({"type": "object", "additionalProperties": true}), description)
}

fn filter(condition: &Value) -> Value {
    let text = json!({"type": "string"});
    let count = || or_null(integer(0, 9_007_199_254_740_991));
    json!({
        "type": "object",
        "description": "Which rows, in which order, and what of them.",
        "properties": {
            "where": condition,
            "order": described(any_of([text.clone(), list(&text)]), "Such as `created DESC`."),
            "limit": count(),
            "skip": count(),
            "offset": described(count(), "The same as `skip`."),
            "fields": described(
                any_of([text.clone(), list(&text), json!({"type": "object", "additionalProperties": flag()})]),
                "Which members to answer.",
            ),
            "include": described(
                any_of([json!({"const": "user"}), list(&json!({"const": "user"}))]),
                "There is one relation, `user`, and no users.",
            ),
        },
        "additionalProperties": true,
    })
}
