//! The requests of `jeton token`.

use super::token_input::{edit_of, issue_of};
use super::token_json::{token_json, user_json};
use super::{BY, open_app};
use crate::error::CommandError;
use crate::request::{TokenDraft, TokenEdit};
use jeton_core::{Authority, AuthorityRefusal, Demand, Secret, Token, TokenId, Verdict};
use jeton_http::rfc3339;
use jeton_service::{Explained, FamilyMember, OpenApp, Refusal, SearchRequest, Service};
use serde_json::{Value, json};
use std::net::IpAddr;
use std::time::Duration;

pub(super) const AUTHORITY: Authority = Authority::Everything(BY);

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

async fn with_usage(service: &Service, app: &OpenApp, token: &Token) -> Result<Value, CommandError> {
    let usage = service.usage_of(app, &[token.id]).await?;
    let left = service.uses_left([token]).await?;
    Ok(token_json(service, token, usage.get(&token.id), left.get(&token.id).copied()))
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
