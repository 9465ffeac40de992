//! What happened, and how much there is.

use super::call::{Call, json};
use super::error::AdminError;
use super::input::{Query, number_of};
use super::wire;
use axum::http::StatusCode;
use axum::response::Response;
use jeton_core::{AppKey, ChangeKind, TokenId};
use jeton_service::{AuditRequest, instant};

/// The parameters of the list.
pub(super) const LISTED: &[&str] = &["app", "token", "actor", "address", "what", "since", "limit", "cursor"];

pub(super) async fn list(call: &Call<'_>) -> Result<Response, AdminError> {
    let query = call.query(LISTED)?;
    let (limit, before) = (query.limit()?, cursor(&query)?);
    let (entries, next) = call.service.audit(request(&query)?, before, limit).await?;
    Ok(json(StatusCode::OK, wire::audit(&entries, next)))
}

/// Of at most so many apps, of which there is a sum in any case.
pub(super) async fn stats(call: &Call<'_>) -> Result<Response, AdminError> {
    let query = call.query(&["limit", "cursor"])?;
    let (limit, after) = (query.limit()?, cursor(&query)?.unwrap_or(0));
    let stats = call.service.stats().await?;
    let begin = stats.partition_point(|app| app.counts.id.get() <= after);
    let rest = &stats[begin..];
    let page = &rest[..rest.len().min(limit as usize)];
    let next = page.last().filter(|_| page.len() < rest.len()).map(|app| app.counts.id.get());
    Ok(json(StatusCode::OK, wire::stats(&stats, page, next, call.service.usage_stats())))
}

pub(super) fn request(query: &Query) -> Result<AuditRequest, AdminError> {
    let wrong = |text: String| AdminError::Parameter(text);
    let app = query
        .text("app")
        .map(|text| text.parse().map_err(|error: jeton_core::AppKeyError| wrong(format!("app: {error}"))));
    let app: Option<AppKey> = app.transpose()?;
    let token = query.text("token").map(|text| {
        let id = number_of(text).and_then(TokenId::new);
        id.ok_or_else(|| wrong("token is the number of a token".to_owned()))
    });
    let actor = query.text("actor");
    if !actor.is_none_or(AuditRequest::is_actor) {
        return Err(wrong("actor is who did it, as in operator:1, or the first part of that".to_owned()));
    }
    let address = query.text("address").map(|text| {
        text.parse().map_err(|_| wrong("address is an IP address, as in 192.0.2.1 or 2001:db8::1".to_owned()))
    });
    let what = query.text("what").map(|name| {
        let known = || ChangeKind::ALL.map(ChangeKind::name).join(", ");
        ChangeKind::from_name(name).ok_or_else(|| wrong(format!("what is one of {}", known())))
    });
    let since = query.text("since").map(|text| instant("since", text));
    Ok(AuditRequest {
        app,
        token: token.transpose()?,
        actor: actor.map(str::to_owned),
        address: address.transpose()?,
        what: what.transpose()?,
        since: since.transpose().map_err(|error| wrong(error.to_string()))?,
        is_brief: false,
    })
}

/// The number that an earlier page ended with.
pub(super) fn cursor(query: &Query) -> Result<Option<i64>, AdminError> {
    query.cursor("", |text| number_of(text).filter(|number| *number > 0))
}
