//! Tokens of an app: those that are sought, listed or revoked together.

use super::call::{Call, json};
use super::error::AdminError;
use super::input::{Members, Query, misfit};
use super::tokens::{Uses, view};
use super::wire;
use axum::http::StatusCode;
use axum::response::Response;
use jeton_core::TokenState;
use jeton_service::{
    DraftError, Listed, MAX_DAYS, SearchPlace, SearchRequest, instant, text_sought, title_sought, user_id_of,
};
use serde_json::Value;

/// The parameters of a list.
pub(super) const LISTED: &[&str] = &[
    "user_id",
    "title",
    "tag",
    "scope",
    "state",
    "unused_days",
    "never_used",
    "expires_within_days",
    "eternal",
    "created_before",
    "limit",
    "cursor",
];
/// The members of a request to revoke what is found.
pub(super) const REVOKED: &[&str] = &[
    "user_id",
    "title",
    "tag",
    "scope",
    "state",
    "unused_days",
    "never_used",
    "expires_within_days",
    "eternal",
    "created_before",
    "dry_run",
];

pub(super) async fn list(call: &Call<'_>, app: &str) -> Result<Response, AdminError> {
    let query = call.query(LISTED)?;
    let request = of_query(&query)?;
    let limit = query.limit()?;
    let app = call.open_app(app).await?;
    let order = request.at(&app, call.service.now()).order();
    let after = query.cursor("of the same list ", |text| SearchPlace::from_text(text, order))?;
    let found = call.service.search(&app, &call.authority(), &request, after, limit).await?;
    let next = found.next.map(|place| place.to_text());
    let masked: Vec<Option<String>> = found.items.iter().map(Listed::masked).collect();
    let left = call.service.uses_left(found.items.iter().map(|listed| &listed.token)).await?;
    let uses = found.items.iter().map(|listed| {
        let id = &listed.token.id;
        Uses { made: found.usage.get(id).copied(), left: left.get(id).copied() }
    });
    let uses: Vec<Uses> = uses.collect();
    let views = found
        .items
        .iter()
        .zip(&masked)
        .zip(&uses)
        .map(|((listed, masked), uses)| view(call.service, &app, &listed.token, masked.as_deref(), uses));
    Ok(json(StatusCode::OK, wire::tokens(views, found.total, next.as_deref())))
}

/// A filter means the same as in a list. One that lets everything through is refused: whoever wants to revoke all tokens of an
/// app says so by the instant before which they were made.
pub(super) async fn revoke(call: &Call<'_>, app: &str) -> Result<Response, AdminError> {
    let members = call.members(REVOKED)?;
    let is_dry = members.flag("dry_run")?.unwrap_or(false);
    let request = of_members(&members)?;
    if request.is_empty() {
        return Err(misfit("dry_run", "does not say which tokens: name at least one of the others"));
    }
    if request.state == Some(TokenState::Revoked) {
        return Err(misfit("state", "revoked is what they are to be"));
    }
    let app = call.open_app(app).await?;
    let done = call.service.revoke_found(&app, &call.authority(), &request, is_dry).await?;
    Ok(json(StatusCode::OK, wire::revoked(done)))
}

pub(super) fn of_query(query: &Query) -> Result<SearchRequest, AdminError> {
    let wrong = |error: DraftError| AdminError::Parameter(error.to_string());
    let user_id = query.text("user_id").map(|text| user_id_of(&Value::String(text.to_owned())));
    Ok(SearchRequest {
        user_id: user_id.transpose().map_err(wrong)?.flatten(),
        title: title_sought(query.text("title")).map_err(wrong)?,
        tag: text_sought("tag", query.text("tag")).map_err(wrong)?,
        scope_name: text_sought("scope", query.text("scope")).map_err(wrong)?,
        state: query.text("state").map(state).transpose().map_err(AdminError::Parameter)?,
        unused_days: query.number("unused_days", 0, MAX_DAYS)?,
        is_never_used: query.flag("never_used")?,
        expires_within_days: query.number("expires_within_days", 0, MAX_DAYS)?,
        is_eternal: query.flag("eternal")?,
        created_before: query
            .text("created_before")
            .map(|text| instant("created_before", text))
            .transpose()
            .map_err(wrong)?,
        sorted: None,
    })
}

pub(super) fn of_members(members: &Members) -> Result<SearchRequest, AdminError> {
    let days = |name: &str| match members.integer(name)? {
        None => Ok(None),
        Some(days) => match u32::try_from(days) {
            Ok(days) if days <= MAX_DAYS => Ok(Some(days)),
            Ok(_) | Err(_) => Err(misfit(name, "is 0 to 36500")),
        },
    };
    let created_before = members.text("created_before")?;
    Ok(SearchRequest {
        user_id: members.get("user_id").map(user_id_of).transpose()?.flatten(),
        title: title_sought(members.text("title")?.as_deref())?,
        tag: text_sought("tag", members.text("tag")?.as_deref())?,
        scope_name: text_sought("scope", members.text("scope")?.as_deref())?,
        state: members.text("state")?.as_deref().map(state).transpose().map_err(AdminError::Member)?,
        unused_days: days("unused_days")?,
        is_never_used: members.flag("never_used")?.unwrap_or(false),
        expires_within_days: days("expires_within_days")?,
        is_eternal: members.flag("eternal")?.unwrap_or(false),
        created_before: created_before.map(|text| instant("created_before", &text)).transpose()?,
        sorted: None,
    })
}

fn state(text: &str) -> Result<TokenState, String> {
    let known = || TokenState::ALL.map(TokenState::name).join(", ");
    TokenState::from_name(text).ok_or_else(|| format!("state is one of {}", known()))
}
