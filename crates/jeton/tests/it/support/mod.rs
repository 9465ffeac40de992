//! What these tests share: installations, runs of the program, servers, an HTTP client.

mod http;
mod install;
mod run;
mod second_node;
mod server;

pub(crate) use http::{Answer, request, request_if_served, send};
pub(crate) use install::{Installation, Sandbox};
pub(crate) use jeton_testkit::Lines;
pub(crate) use run::{Run, finish, next_program, program, run};
pub(crate) use second_node::SecondNode;
pub(crate) use server::{Server, launch};

use serde_json::Value;
use std::path::Path;
use std::time::Duration;

/// How long anything may take before a test gives up. Nothing takes this long unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// Settings of an app under which LoopBack's REST API was recorded.
pub(crate) mod loopback {
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
}

/// The text of a member.
pub(crate) fn text<'a>(object: &'a Value, member: &str) -> &'a str {
    object[member].as_str().unwrap_or_else(|| panic!("there is no text {member} in {object}"))
}

/// The names of an object's members, in their order.
pub(crate) fn members(object: &Value) -> Vec<&str> {
    object.as_object().unwrap_or_else(|| panic!("no object: {object}")).keys().map(String::as_str).collect()
}

/// The permission bits of a file.
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    let metadata = path.symlink_metadata();
    metadata.unwrap_or_else(|e| panic!("{}: {e}", path.display())).permissions().mode() & 0o7777
}

/// Runs a scenario where commands work by themselves, where they find a running server, and where that has its data in
/// PostgreSQL.
macro_rules! each_way {
    ($scenario:ident) => {
        mod $scenario {
            use crate::support::Installation;

            #[test]
            fn alone() {
                super::$scenario(&Installation::sqlite());
            }

            #[test]
            fn beside_a_server() {
                super::$scenario(&Installation::sqlite().serve());
            }

            #[test]
            fn on_postgresql() {
                if !jeton_testkit::skips("PostgreSQL") {
                    super::$scenario(&Installation::postgres().serve());
                }
            }
        }
    };
}
pub(crate) use each_way;
