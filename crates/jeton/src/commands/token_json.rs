//! Tokens as commands show them.

use jeton_core::{AllowedAddresses, Token, TokenId, UserId};
use jeton_http::rfc3339;
use jeton_service::{Service, TokenUse};
use serde_json::{Value, json};

/// A token as commands show it: everything but its secret.
pub(super) fn token_json(
    service: &Service,
    token: &Token,
    usage: Option<&TokenUse>,
    uses_left: Option<u64>,
) -> Value {
    let scopes: Vec<Value> = token
        .spec
        .scopes
        .as_slice()
        .iter()
        .map(|scope| {
            let permissions: Vec<&str> =
                scope.permissions.iter().map(jeton_core::Permission::as_str).collect();
            json!({"permissions": permissions, "global": scope.global, "ids": scope.ids, "tags": scope.tags})
        })
        .collect();
    let allowed = token.spec.bounds.allowed_addresses.iter().flat_map(AllowedAddresses::blocks);
    let addresses: Vec<String> = allowed.map(ToString::to_string).collect();
    let rates = token.spec.limits.rates.as_slice().iter();
    let rates: Vec<Value> =
        rates.map(|rate| json!({"limit": rate.limit(), "per_seconds": rate.per_seconds()})).collect();
    json!({
        "id": token.id.get(),
        "kind": token.spec.kind.name(),
        "state": token.state(service.now()).name(),
        "user_id": user_json(token.spec.owner.shown()),
        "title": token.spec.title.as_ref().map(jeton_core::Label::as_str),
        "tags": token.spec.tags.as_ref().map(jeton_core::Label::as_str),
        "description": token.spec.description.as_ref().map(jeton_core::Description::as_str),
        "permissions": token.spec.permissions_text(),
        "scopes": scopes,
        "enabled": token.is_enabled(),
        "disabled_by": token.disabled_by.as_ref().map(ToString::to_string),
        "created_at": rfc3339(token.created_at),
        "updated_at": rfc3339(token.updated_at),
        "expires_at": token.expires_at.map(rfc3339),
        "not_before": token.spec.bounds.not_before.map(rfc3339),
        "allowed_addresses": addresses,
        "uses_left": uses_left,
        "rates": rates,
        "parent_id": token.spec.lineage.parent().map(TokenId::get),
        "last_used_at": usage.map(|used| rfc3339(used.last_used_at)),
        "last_address": usage.and_then(|used| used.last_address).map(|address| address.to_string()),
        "use_count": usage.map_or(0, |used| used.use_count),
    })
}

pub(super) fn user_json(user_id: Option<&UserId>) -> Option<Value> {
    user_id.map(|user_id| {
        user_id.as_safe_integer().map_or_else(|| json!(user_id.to_string()), |number| json!(number))
    })
}
