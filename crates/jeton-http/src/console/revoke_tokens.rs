//! Revoking tokens of an app together: first they are counted, then whoever asks types how many they are.

use super::token_filter::{self, Sought};
use super::tokens::table_of;
use super::visit::Visit;
use crate::browser::error::PageError;
use crate::browser::form::{Form, link};
use axum::response::Response;
use jeton_console::pages::{CountedTokens, RevokeTokens, TokenFilter};
use jeton_console::{Field, Frame, Notice, Page, Section};
use jeton_core::TokenState;
use jeton_service::{OpenApp, SearchRequest};

/// How what is to be revoked may stand.
const STATES: [TokenState; 3] = [TokenState::Active, TokenState::Disabled, TokenState::Expired];

/// Which tokens, and how many they are once that is asked.
pub(super) async fn ask(visit: &Visit) -> Result<Response, PageError> {
    let app = visit.open_app().await?;
    let query = visit.query()?;
    let Sought { filter, request } = token_filter::read(&query, &STATES, visit.language())?;
    let is_asked = query.given("count").is_some();
    let is_empty = request.as_ref().is_some_and(SearchRequest::is_empty);
    let error = if is_asked && is_empty { visit.language().bulk_empty() } else { "" };
    let counted = match request.filter(|_| is_asked && !is_empty) {
        None => None,
        Some(request) => Some(count(visit, &app, &request).await?),
    };
    let counted = counted.map(|count| told(&app, &query, count, Field::default()));
    Ok(visit.page(Section::Apps, |frame| page(frame, &app, filter, error.to_owned(), counted)))
}

fn page(
    frame: &Frame<'_>,
    app: &OpenApp,
    filter: TokenFilter,
    error: String,
    counted: Option<CountedTokens<'_>>,
) -> String {
    RevokeTokens { frame, key: app.key.as_str(), filter, error, counted }.html()
}

fn told<'a>(app: &OpenApp, form: &'a Form, count: u64, typed: Field) -> CountedTokens<'a> {
    let hidden = token_filter::kept(form);
    let shown_at = link(&table_of(app), &hidden);
    CountedTokens { count, hidden, shown_at, typed }
}

async fn count(visit: &Visit, app: &OpenApp, request: &SearchRequest) -> Result<u64, PageError> {
    Ok(visit.service().revoke_found(app, &visit.authority(), request, true).await?.matched)
}

/// Revokes what the very same conditions find, if that is as many as whoever asks has seen and typed. A filter that lets everything
/// through is none.
pub(super) async fn revoke(visit: &Visit) -> Result<Response, PageError> {
    let app = visit.open_app().await?;
    let (form, language) = (visit.form(), visit.language());
    let Sought { filter, request } = token_filter::read(form, &STATES, language)?;
    let request = request.filter(|request| !request.is_empty()).ok_or(PageError::Request)?;
    let counted: u64 = form.text("counted").parse().map_err(|_| PageError::Request)?;
    let now = count(visit, &app, &request).await?;
    let mut typed = Field::of(form.text("typed"));
    if now != counted {
        let error = language.bulk_moved(counted, now);
        let counted = Some(told(&app, form, now, Field::default()));
        return Ok(visit.again(Section::Apps, |frame| page(frame, &app, filter, error, counted)));
    }
    if typed.value != counted.to_string() {
        language.bulk_mistyped().clone_into(&mut typed.error);
        let counted = Some(told(&app, form, now, typed));
        return Ok(visit.again(Section::Apps, |frame| page(frame, &app, filter, String::new(), counted)));
    }
    let done = visit.service().revoke_found(&app, &visit.authority(), &request, false).await?;
    Ok(visit.done(&table_of(&app), Notice::TokensRevoked { revoked: done.revoked, counted }))
}
