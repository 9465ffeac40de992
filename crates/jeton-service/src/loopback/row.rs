//! Tokens as LoopBack's rows.

use super::document::{LoopBackDocument, value_of_json};
use crate::keys::Keys;
use crate::list::{Listed, ShownSecret, handle_id};
use jeton_core::{Digest, Secret, Timestamp, Token, TokenId, UserId};
use jeton_loopback::{Row, Value};
use jeton_store::StoredToken;
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// One row of the AccessToken model: its properties in the order of LoopBack's answers.
#[derive(Clone, Debug)]
pub struct LoopBackRow {
    /// The number of the token.
    pub token_id: TokenId,
    /// `id`, `ttl`, `created`, `userId`, then the others as they were stored. Absent properties have no
    /// member.
    pub members: Vec<(String, Value)>,
    /// Whether the id that it shows is the secret.
    is_clear: bool,
    digest: Digest,
    keys: Arc<Keys>,
}

/// The approximate cost of creating a row in units of work: its secret is unsealed, and its document is
/// parsed.
pub(super) fn row_units(stored: &StoredToken) -> u64 {
    let document = stored.token.spec.document.as_ref().map_or(0, |document| document.as_str().len());
    1_500 + 16 * document as u64
}

impl LoopBackRow {
    /// `None`: the token's document cannot be read.
    pub(super) fn new(listed: &Listed, digest: Digest, keys: &Arc<Keys>) -> Option<Self> {
        let token = &listed.token;
        let document = LoopBackDocument::of(token)?;
        let (id, is_clear) = match &listed.secret {
            ShownSecret::Clear(secret) => (secret.expose().to_owned(), true),
            ShownSecret::Masked(_) | ShownSecret::Gone => (format!("~{}", token.id), false),
        };
        let mut members = vec![
            ("id".to_owned(), Value::Text(id)),
            ("ttl".to_owned(), ttl(token, &document)),
            ("created".to_owned(), created(token, &document)),
        ];
        members.extend(user(token, &document).map(|user| ("userId".to_owned(), user)));
        members.extend(document.rest.iter().map(|(name, value)| (name.clone(), value_of_json(value))));
        Some(LoopBackRow { token_id: token.id, members, is_clear, digest, keys: Arc::clone(keys) })
    }

    /// Its id as shown.
    pub(super) fn id(&self) -> String {
        self.member("id").map_or_else(String::new, Value::to_text)
    }

    /// The same with its id in clear: the answer to a create shows it once, whatever the app keeps.
    pub(super) fn showing(mut self, secret: &Secret) -> Self {
        if let Some((_, id)) = self.members.iter_mut().find(|(name, _)| name == "id") {
            *id = Value::Text(secret.expose().to_owned());
            self.is_clear = true;
        }
        self
    }
}

impl Row for LoopBackRow {
    fn member(&self, name: &str) -> Option<&Value> {
        self.members.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// By digest, or by the handle that replaces a secret that is not kept.
    fn has_id(&self, id: &str) -> bool {
        if self.is_clear {
            // In the same time for every text of that length.
            let shown = |shown: &Value| matches!(shown, Value::Text(own) if own.as_bytes().ct_eq(id.as_bytes()).into());
            return self.member("id").is_some_and(shown);
        }
        let is_handle = handle_id(id) == Some(self.token_id);
        is_handle && self.member("id").is_some_and(|shown| shown.to_text() == id)
            || Secret::parse(id)
                .is_ok_and(|secret| self.keys.digests(&secret).any(|digest| digest == self.digest))
    }

    fn width(&self) -> usize {
        self.members.len()
    }

    fn id_units(&self) -> u64 {
        if self.is_clear { 200 } else { 2_000 }
    }
}

/// The lifetime that a row shows: as it was stored, unless the actual one is shorter or another expiry was
/// set elsewhere since. Then it is in whole seconds, which is all that some clients can read, rounded down. A
/// row whose creation date is after its expiry has a negative one, but never -1, which would mean unlimited.
pub(super) fn ttl(token: &Token, document: &LoopBackDocument) -> Value {
    match &document.ttl {
        Some(ttl) if document.ttl_ends_at == token.expires_at.map(Timestamp::as_millis) => value_of_json(ttl),
        _ => Value::Number(token.expires_at.map_or(-1.0, |expires_at| {
            // Within 2^39 seconds, which a double represents exactly.
            match (expires_at.millis_since(token.created_at) as f64 / 1000.0).floor() {
                -1.0 => -2.0,
                seconds => seconds,
            }
        })),
    }
}

fn created(token: &Token, document: &LoopBackDocument) -> Value {
    if document.created_is_null { Value::Null } else { Value::Date(token.created_at.as_millis()) }
}

fn user(token: &Token, document: &LoopBackDocument) -> Option<Value> {
    match token.spec.owner.shown() {
        Some(user_id) => Some(user_value(user_id)),
        None => document.user_is_null.then_some(Value::Null),
    }
}

/// A user id as LoopBack shows it: a number where every client reads it exactly.
pub(super) fn user_value(user_id: &UserId) -> Value {
    user_id.as_safe_integer().map_or_else(|| Value::Text(user_id.to_string()), Value::integer)
}
