//! How Jeton's own APIs show parts of tokens. Published APIs have shapes of their own.

use jeton_core::{Permission, Scope, UserId};
use serde::{Serialize, Serializer};
use std::borrow::Borrow;

/// A number where every client reads it exactly, otherwise a text.
pub(crate) struct UserIdShape<U>(pub(crate) U);

impl<U: Borrow<UserId>> Serialize for UserIdShape<U> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let user_id = self.0.borrow();
        match user_id.as_safe_integer() {
            Some(number) => serializer.serialize_i64(number),
            None => serializer.collect_str(user_id),
        }
    }
}

/// A scope with all of its members.
#[derive(Serialize)]
pub(crate) struct ScopeShape<'a> {
    permissions: Vec<&'a str>,
    global: bool,
    ids: &'a [String],
    tags: &'a [String],
}

impl<'a> From<&'a Scope> for ScopeShape<'a> {
    fn from(scope: &'a Scope) -> Self {
        ScopeShape {
            permissions: scope.permissions.iter().map(Permission::as_str).collect(),
            global: scope.global,
            ids: &scope.ids,
            tags: &scope.tags,
        }
    }
}
