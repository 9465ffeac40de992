//! The requests of `jeton token`.

use super::token_input::{edit_of, import_row, issue_of};
use super::{BY, open_app};
use crate::error::CommandError;
use crate::request::{ImportLine, TokenDraft, TokenEdit};
use futures_util::TryStreamExt;
use jeton_core::{
    AllowedAddresses, Authority, AuthorityRefusal, Demand, Lifetime, Secret, Timestamp, Token, TokenId,
    UserId, Verdict, earlier_end,
};
use jeton_http::rfc3339;
use jeton_service::{
    Explained, FamilyMember, Imported, ListRequest, Listed, OpenApp, Order, Refusal, SearchRequest, Service,
    TokenUse,
};
use serde_json::{Value, json};
use std::net::IpAddr;
use std::time::Duration;

const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;
const AUTHORITY: Authority = Authority::Everything(BY);

pub(super) async fn create(service: &Service, app: &str, draft: TokenDraft) -> Result<Value, CommandError> {
    let app = open_app(service, app).await?;
    let issue = issue_of(&app, draft)?;
    let issued = service.issue(&app, &AUTHORITY, issue).await?.map_err(refused)?;
    Ok(json!({
        "id": issued.token.id.get(),
        "access_token": issued.secret.expose(),
        "expires_at": issued.token.expires_at.map(rfc3339),
    }))
}

pub(super) async fn list(
    service: &Service,
    app: &str,
    user_id: Option<&str>,
    unused_days: Option<u32>,
    after: Option<i64>,
    limit: u32,
) -> Result<Value, CommandError> {
    let app = open_app(service, app).await?;
    let user_id: Option<UserId> = user_id
        .map(str::parse)
        .transpose()
        .map_err(|error: jeton_core::UserIdError| CommandError::usage(format!("--user-id: {error}")))?;
    let after = after.and_then(TokenId::new);
    let unused_since =
        unused_days.map(|days| service.now().saturating_add_millis(-i64::from(days) * DAY_MILLIS));
    let request = ListRequest {
        user_id,
        unused_since,
        order: Order::NewestFirst,
        after,
        skip: 0,
        take: Some(u64::from(limit)),
        is_counted: false,
    };
    let listing = service.list(&app, &AUTHORITY, request).await?.map_err(refused)?;
    let pages: Vec<Vec<Listed>> = listing.pages.try_collect().await?;
    let ids: Vec<TokenId> = pages.iter().flatten().map(|listed| listed.token.id).collect();
    let usage = service.usage_of(&app, &ids).await?;
    let left = service.uses_left(pages.iter().flatten().map(|listed| &listed.token)).await?;
    let row = |listed: &Listed| {
        let id = &listed.token.id;
        token_json(service, &listed.token, usage.get(id), left.get(id).copied())
    };
    Ok(pages.iter().flatten().map(row).collect())
}

pub(super) async fn show(service: &Service, app: &str, id: i64) -> Result<Value, CommandError> {
    let app = open_app(service, app).await?;
    let shown = match TokenId::new(id) {
        Some(id) => service.show(&app, &AUTHORITY, id).await?,
        None => None,
    };
    let listed = shown.ok_or_else(|| no_token(&app, id))?;
    let mut answer = with_usage(service, &app, &listed.token).await?;
    if let Some(family) = service.family(&app, &AUTHORITY, &listed.token).await? {
        answer["family"] = family_json(&family);
    }
    Ok(answer)
}

/// A token with what it made.
fn family_json(member: &FamilyMember) -> Value {
    json!({
        "id": member.id.get(),
        "title": member.title.as_ref().map(jeton_core::Label::as_str),
        "state": member.state.name(),
        "children": member.children.iter().map(family_json).collect::<Vec<_>>(),
        "has_more": member.has_more,
    })
}

pub(super) async fn update(
    service: &Service,
    app: &str,
    id: i64,
    edit: TokenEdit,
) -> Result<Value, CommandError> {
    let app = open_app(service, app).await?;
    let edit = edit_of(edit)?;
    let number = TokenId::new(id).ok_or_else(|| no_token(&app, id))?;
    match service.update(&app, &AUTHORITY, number, None, &edit).await? {
        Ok(token) => with_usage(service, &app, &token).await,
        Err(Refusal::NotFound) => Err(no_token(&app, id)),
        Err(refusal @ Refusal::Forbidden(_)) => Err(refused(refusal)),
    }
}

pub(super) async fn rotate(
    service: &Service,
    app: &str,
    id: i64,
    grace: Option<Duration>,
) -> Result<Value, CommandError> {
    let app = open_app(service, app).await?;
    let number = TokenId::new(id).ok_or_else(|| no_token(&app, id))?;
    match service.rotate(&app, &AUTHORITY, number, None, grace).await? {
        Ok(rotated) => Ok(json!({
            "id": id,
            "access_token": rotated.secret.expose(),
            "expires_at": rotated.token.expires_at.map(rfc3339),
        })),
        Err(Refusal::NotFound) => Err(no_token(&app, id)),
        Err(refusal @ Refusal::Forbidden(_)) => Err(refused(refusal)),
    }
}

pub(super) async fn revoke(service: &Service, app: &str, id: i64) -> Result<Value, CommandError> {
    let app = open_app(service, app).await?;
    let number = TokenId::new(id).ok_or_else(|| no_token(&app, id))?;
    match service.revoke(&app, &AUTHORITY, number, None).await? {
        Ok(()) => Ok(json!({"id": id, "revoked": true})),
        Err(Refusal::NotFound) => Err(no_token(&app, id)),
        Err(refusal @ Refusal::Forbidden(_)) => Err(refused(refusal)),
    }
}

pub(super) async fn revoke_found(
    service: &Service,
    app: &str,
    search: &SearchRequest,
    is_dry: bool,
) -> Result<Value, CommandError> {
    let app = open_app(service, app).await?;
    let done = service.revoke_found(&app, &AUTHORITY, search, is_dry).await?;
    Ok(json!({"matched": done.matched, "revoked": done.revoked}))
}

pub(super) async fn verify(
    service: &Service,
    app: &str,
    token: &str,
    demand: &Demand,
    address: Option<IpAddr>,
    explain: bool,
) -> Result<Value, CommandError> {
    let app = open_app(service, app).await?;
    let secret = Secret::parse(token).map_err(|error| CommandError::usage(error.to_string()))?;
    let verified = service.explain(&app.key, &secret, demand, address).await?;
    let mut answer = json!({
        "active": !matches!(verified.verdict, Verdict::Inactive(_)),
        "allowed": verified.verdict == Verdict::Allowed,
        "reason": verified.verdict.reason(),
        "token_id": verified.token.as_ref().map(|token| token.id.get()),
        "user_id": verified.token.as_ref().and_then(|token| user_json(token.spec.owner.named())),
        "expires_at": verified.token.as_ref().and_then(|token| token.expires_at).map(rfc3339),
    });
    if explain {
        answer["explanation"] = explanation_json(&verified);
    }
    Ok(answer)
}

pub(super) async fn import(
    service: &Service,
    app: &str,
    lines: Vec<ImportLine>,
    allow_weak: bool,
) -> Result<Value, CommandError> {
    let app = open_app(service, app).await?;
    let now = service.now();
    let latest = app.settings.common.lifetime_policy().expires_at(now, now, Lifetime::Unlimited);
    let is_shortened = |asked: Option<Timestamp>| earlier_end(asked, latest) != asked;
    let (mut numbers, mut rows, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for ImportLine { line, row } in lines {
        match import_row(row) {
            Ok(row) => {
                numbers.push((line, is_shortened(row.expires_at)));
                rows.push(row);
            }
            Err(reason) => refused.push(json!({"line": line, "reason": reason.message})),
        }
    }
    let (mut imported, mut duplicates, mut shortened) = (0, 0, 0);
    for ((line, is_shortened), outcome) in
        numbers.into_iter().zip(service.import(&app, rows, allow_weak, &BY).await?)
    {
        let reason = match outcome {
            Imported::Taken(_) => {
                imported += 1;
                shortened += u64::from(is_shortened);
                continue;
            }
            Imported::Duplicate => {
                duplicates += 1;
                continue;
            }
            Imported::Weak => {
                "access_token has less than 32 characters and can be guessed: --allow-weak accepts it"
                    .to_owned()
            }
            Imported::Unfit => {
                "access_token has white space at an end or a control character in it: no header can carry it"
                    .to_owned()
            }
            Imported::Refused(error) => error.to_string(),
        };
        refused.push(json!({"line": line, "reason": reason}));
    }
    Ok(json!({"imported": imported, "duplicates": duplicates, "refused": refused, "shortened": shortened}))
}

async fn with_usage(service: &Service, app: &OpenApp, token: &Token) -> Result<Value, CommandError> {
    let usage = service.usage_of(app, &[token.id]).await?;
    let left = service.uses_left([token]).await?;
    Ok(token_json(service, token, usage.get(&token.id), left.get(&token.id).copied()))
}

/// A token as commands show it: everything but its secret.
fn token_json(service: &Service, token: &Token, usage: Option<&TokenUse>, uses_left: Option<u64>) -> Value {
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

fn user_json(user_id: Option<&UserId>) -> Option<Value> {
    user_id.map(|user_id| {
        user_id.as_safe_integer().map_or_else(|| json!(user_id.to_string()), |number| json!(number))
    })
}

fn explanation_json(verified: &Explained) -> Value {
    let lacks: Vec<&str> = verified.explanation.lacks.iter().map(|lack| lack.name()).collect();
    let mut explanation = json!({"matched_scope": verified.explanation.matched_scope, "lacks": lacks});
    if let Some(list) = verified.explanation.refused_by {
        explanation["refused_by"] = list.name().into();
    }
    if let Some(ancestor) = verified.explanation.ancestor {
        explanation["ancestor"] = ancestor.get().into();
    }
    explanation
}

fn refused(refusal: Refusal) -> CommandError {
    match refusal {
        Refusal::Forbidden(
            AuthorityRefusal::Limit(_) | AuthorityRefusal::NeverBegins | AuthorityRefusal::NoLimits,
        ) => CommandError::usage(refusal.to_string()),
        Refusal::NotFound | Refusal::Forbidden(_) => CommandError::refused(refusal.to_string()),
    }
}

fn no_token(app: &OpenApp, id: i64) -> CommandError {
    CommandError::refused(format!("there is no token {id} in app {}", app.key))
}
