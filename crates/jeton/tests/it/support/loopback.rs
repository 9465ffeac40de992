//! Settings of an app under which LoopBack's REST API was recorded.

use serde_json::{Value, json};

/// Everyone may do everything, and choose ids.
pub(crate) fn open() -> Value {
    json!({"loopback": {"acls": [entry("$everyone", "ALLOW", "*")], "client_ids": "anyone"}})
}

/// Everyone may create, choosing ids; user 2 may do everything.
pub(crate) fn administered() -> Value {
    let acls = [
        entry("$everyone", "DENY", "*"),
        entry("$everyone", "ALLOW", "create"),
        entry("admin", "ALLOW", "*"),
    ];
    json!({"loopback": {"acls": acls, "roles": {"admin": [2]}, "client_ids": "anyone"}})
}

pub(crate) fn entry(role: &str, permission: &str, property: &str) -> Value {
    json!({"principalType": "ROLE", "principalId": role, "permission": permission, "property": property})
}
