//! Tokens of an app.

use super::apps::{grace, locate};
use super::call::{Call, done, json};
use super::error::AdminError;
use super::input::{Members, misfit, number_of};
use super::once::once;
use super::wire;
use crate::transport::wire::scope_draft;
use axum::http::StatusCode;
use axum::response::Response;
use jeton_core::{Lifetime, Timestamp, Token, TokenId, UseRate};
use jeton_service::{
    DraftError, EditDraft, Listed, OpenApp, ScopeDraft, Service, TokenDraft, TokenUse, addresses_of_json,
    end_of_token, instant, lifetime_of_days, rates_of_json, user_id_of, uses_of_json,
};
use serde_json::Value;
use std::slice;
use std::sync::Arc;

/// The members of a new token.
pub(super) const CREATED: &[&str] = &[
    "user_id",
    "title",
    "tags",
    "description",
    "permissions",
    "scopes",
    "expires_in_days",
    "expires_in_seconds",
    "expires_at",
    "not_before",
    "allowed_addresses",
    "uses_left",
    "rates",
];
/// The members of a token that change.
pub(super) const CHANGED: &[&str] = &[
    "title",
    "tags",
    "description",
    "permissions",
    "scopes",
    "enabled",
    "expires_in_days",
    "expires_in_seconds",
    "expires_at",
    "not_before",
    "allowed_addresses",
    "uses_left",
    "rates",
];
/// The members that say how long a token lives, one of them at most.
pub(super) const LIFETIMES: [&str; 3] = ["expires_in_days", "expires_in_seconds", "expires_at"];

pub(super) async fn create(call: &Call<'_>, app: &str) -> Result<Response, AdminError> {
    let members = call.members(CREATED)?;
    let app = call.open_app(app).await?;
    let issue = draft(&members, call.service.now())?.issue(&app)?;
    let (service, authority, of_app) = (call.service.clone(), call.authority(), Arc::clone(&app));
    let make = async move {
        let issued = service.issue(&of_app, &authority, issue).await??;
        let masked = issued.secret.masked();
        let uses = Uses::none_of(&issued.token);
        let view = view(&service, &of_app, &issued.token, Some(&masked), &uses);
        let shown = wire::new_token(&view, Some(&issued.secret));
        Ok((issued.token.id.get(), created(&of_app, issued.token.id, shown)))
    };
    once(call, make, async |id| {
        let id = TokenId::new(id).ok_or(AdminError::Gone)?;
        let (shown, uses) = find(call, &app, id).await.map_err(AdminError::or_gone)?;
        let masked = shown.masked();
        let view = view(call.service, &app, &shown.token, masked.as_deref(), &uses);
        Ok(created(&app, id, wire::new_token(&view, None)))
    })
    .await
}

/// A new token, as it is described.
pub(super) fn draft(members: &Members, now: Timestamp) -> Result<TokenDraft, AdminError> {
    Ok(TokenDraft {
        user_id: members.get("user_id").map(user_id_of).transpose()?.flatten(),
        title: members.text("title")?,
        tags: members.text("tags")?,
        description: members.text("description")?,
        permissions: permissions(members)?,
        scopes: scopes(members)?,
        lifetime: lifetime(members, now)?,
        not_before: not_before(members)?.flatten(),
        allowed_addresses: addresses(members)?.unwrap_or_default(),
        uses_left: uses_left(members)?.flatten(),
        rates: rates(members)?.unwrap_or_default(),
    })
}

fn created(app: &OpenApp, id: TokenId, shown: String) -> Response {
    let mut response = json(StatusCode::CREATED, shown);
    locate(&mut response, &format!("/admin/v1/apps/{}/tokens/{id}", app.key));
    response
}

/// A token as it is shown now.
pub(super) fn view<'a>(
    service: &Service,
    app: &'a OpenApp,
    token: &'a Token,
    masked: Option<&'a str>,
    uses: &'a Uses,
) -> wire::TokenView<'a> {
    let (app, state) = (app.key.as_str(), token.state(service.now()));
    wire::TokenView { app, token, state, masked, usage: uses.made.as_ref(), uses_left: uses.left }
}

/// What is known of a token's uses.
#[derive(Default)]
pub(super) struct Uses {
    /// Those that were made.
    pub(super) made: Option<TokenUse>,
    /// How many are left; `None`: any number.
    pub(super) left: Option<u64>,
}

impl Uses {
    /// Those of a token that was never used since it was given its limits.
    fn none_of(token: &Token) -> Self {
        Uses { made: None, left: token.spec.limits.allowance.map(|allowance| allowance.uses) }
    }
}

pub(super) async fn show(call: &Call<'_>, app: &str, id: &str) -> Result<Response, AdminError> {
    call.query(&[])?;
    let app = call.open_app(app).await?;
    let (shown, uses) = find(call, &app, token_id(id)?).await?;
    let masked = shown.masked();
    let view = view(call.service, &app, &shown.token, masked.as_deref(), &uses);
    Ok(json(StatusCode::OK, wire::token(&view)))
}

pub(super) async fn change(call: &Call<'_>, app: &str, id: &str) -> Result<Response, AdminError> {
    let members = call.members(CHANGED)?;
    let app = call.open_app(app).await?;
    let id = token_id(id)?;
    let draft = edit(&members, call.service.now())?;
    // What else is shown is read first: once the change is made, nothing stands in the way of its answer.
    let (shown, mut uses) = find(call, &app, id).await?;
    let masked = shown.masked();
    let before = shown.token.spec.limits.allowance;
    let token = match draft.is_empty() {
        true => shown.token,
        false => call.service.update(&app, &call.authority(), id, None, &draft.edit()?).await??,
    };
    if token.spec.limits.allowance != before {
        uses.left = Uses::none_of(&token).left;
    }
    let view = view(call.service, &app, &token, masked.as_deref(), &uses);
    Ok(json(StatusCode::OK, wire::token(&view)))
}

/// What is to change, as it is described.
pub(super) fn edit(members: &Members, now: Timestamp) -> Result<EditDraft, AdminError> {
    let lifetime = lifetime(members, now)?;
    if lifetime.is_none() && LIFETIMES.iter().any(|name| members.has(name)) {
        return Err(DraftError::EndsNow.into());
    }
    Ok(EditDraft {
        title: members.clearable("title")?,
        tags: members.clearable("tags")?,
        description: members.clearable("description")?,
        permissions: permissions(members)?,
        scopes: scopes(members)?,
        enabled: members.flag("enabled")?,
        lifetime,
        not_before: not_before(members)?,
        allowed_addresses: addresses(members)?,
        uses_left: uses_left(members)?,
        rates: rates(members)?,
    })
}

/// The body may say for how long the secret of before is good beside the new one.
pub(super) async fn rotate(call: &Call<'_>, app: &str, id: &str) -> Result<Response, AdminError> {
    let grace = grace(call)?;
    let app = call.open_app(app).await?;
    let id = token_id(id)?;
    // What else is shown is read first: once it is done, nothing stands in the way of its answer.
    let (_, uses) = find(call, &app, id).await?;
    let rotated = call.service.rotate(&app, &call.authority(), id, None, grace).await??;
    let masked = rotated.secret.masked();
    let view = view(call.service, &app, &rotated.token, Some(&masked), &uses);
    Ok(json(StatusCode::OK, wire::new_token(&view, Some(&rotated.secret))))
}

pub(super) async fn revoke(call: &Call<'_>, app: &str, id: &str) -> Result<Response, AdminError> {
    call.nothing()?;
    let app = call.open_app(app).await?;
    call.service.revoke(&app, &call.authority(), token_id(id)?, None).await??;
    Ok(done())
}

/// A token as it is now, with what is known of its use.
async fn find(call: &Call<'_>, app: &OpenApp, id: TokenId) -> Result<(Listed, Uses), AdminError> {
    let shown = call.service.show(app, &call.authority(), id).await?.ok_or(AdminError::NoSuchToken)?;
    let mut usage = call.service.usage_of(app, slice::from_ref(&id)).await?;
    let left = call.service.uses_left([&shown.token]).await?.remove(&id);
    Ok((shown, Uses { made: usage.remove(&id), left }))
}

/// A token's number in a path: what cannot be one is that of no token.
fn token_id(text: &str) -> Result<TokenId, AdminError> {
    number_of(text).and_then(TokenId::new).ok_or(AdminError::NoSuchToken)
}

/// Names on everything: a list, or a text with commas between.
fn permissions(members: &Members) -> Result<Option<String>, AdminError> {
    let wrong = || misfit("permissions", "is a list of names, or a text of them with commas between");
    match members.get("permissions") {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Array(names)) => {
            let names: Option<Vec<&str>> = names.iter().map(Value::as_str).collect();
            let names = names.ok_or_else(wrong)?;
            // What would be two names once they stand in a text is none here.
            if names.iter().any(|name| name.contains(',')) { Err(wrong()) } else { Ok(Some(names.join(","))) }
        }
        Some(_) => Err(wrong()),
    }
}

fn scopes(members: &Members) -> Result<Option<Vec<ScopeDraft>>, AdminError> {
    let Some(value) = members.get("scopes") else { return Ok(None) };
    let Value::Array(scopes) = value else { return Err(misfit("scopes", "is a list of scopes")) };
    scopes.iter().map(scope_draft).collect::<Result<_, _>>().map(Some).map_err(AdminError::Member)
}

/// From when it is valid; `Some(None)`: at once.
fn not_before(members: &Members) -> Result<Option<Option<Timestamp>>, AdminError> {
    let text = members.clearable("not_before")?;
    let read = |text: Option<String>| text.map(|text| instant("not_before", &text)).transpose();
    Ok(text.map(read).transpose()?)
}

/// From where it may be used. `null` is as an empty list: from everywhere.
fn addresses(members: &Members) -> Result<Option<Vec<String>>, AdminError> {
    let addresses = members.get("allowed_addresses").map(addresses_of_json).transpose()?;
    Ok(members.has("allowed_addresses").then(|| addresses.unwrap_or_default()))
}

/// How often it may be used; `Some(None)`: any number of times.
fn uses_left(members: &Members) -> Result<Option<Option<u64>>, AdminError> {
    let uses = members.get("uses_left").map(uses_of_json).transpose()?;
    Ok(members.has("uses_left").then_some(uses))
}

/// How often in a time. `null` is as an empty list.
fn rates(members: &Members) -> Result<Option<Vec<UseRate>>, AdminError> {
    let rates = members.get("rates").map(rates_of_json).transpose()?;
    Ok(members.has("rates").then(|| rates.unwrap_or_default()))
}

/// How long a token is to live, in one of three ways; `None`: nothing is said.
fn lifetime(members: &Members, now: Timestamp) -> Result<Option<Lifetime>, AdminError> {
    let named: Vec<&str> = LIFETIMES.into_iter().filter(|name| members.has(name)).collect();
    let [name] = named.as_slice() else {
        let wrong = misfit(&LIFETIMES.join(", "), "say the same in three ways: name one of them");
        return if named.is_empty() { Ok(None) } else { Err(wrong) };
    };
    match *name {
        "expires_in_days" => Ok(lifetime_of_days(members.integer(name)?)?),
        "expires_in_seconds" => match members.integer(name)? {
            None | Some(0) => Ok(None),
            Some(-1) => Ok(Some(Lifetime::Unlimited)),
            Some(seconds @ 1..) => Ok(Some(Lifetime::seconds(seconds))),
            Some(_) => Err(misfit(name, "is -1 or more")),
        },
        _ => match members.text(name)? {
            None => Ok(Some(Lifetime::Unlimited)),
            Some(text) => match end_of_token(&text)? {
                None => Ok(Some(Lifetime::Unlimited)),
                Some(end) if end > now => Ok(Some(Lifetime::Until(end))),
                Some(_) => Err(misfit(name, "lies in the future")),
            },
        },
    }
}
