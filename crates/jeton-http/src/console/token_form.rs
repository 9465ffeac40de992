//! Making and changing a token.

use super::limits_input::Limited;
use super::token_input::{Allowed, Bounded, Entered, blank, entered, is_to_grow, of_token, read};
use super::token_refusal::{draft_refused, refused};
use super::visit::Visit;
use crate::browser::error::PageError;
use axum::response::Response;
use jeton_console::pages::{TokenForm, TokenFormPage};
use jeton_console::{CredentialKind, Frame, Notice, Page, Section};
use jeton_core::{Token, TokenId};
use jeton_service::{EditDraft, OpenApp, TokenDraft};

fn page(frame: &Frame<'_>, app: &OpenApp, token: Option<&Token>, form: TokenForm) -> String {
    let id = token.map(|token| token.id.get());
    TokenFormPage { frame, key: app.key.as_str(), id, version: token.map(version).unwrap_or_default(), form }
        .html()
}

/// At which of its versions a token was read.
fn version(token: &Token) -> String {
    token.updated_at.as_millis().to_string()
}

fn again(visit: &Visit, app: &OpenApp, token: Option<&Token>, form: TokenForm) -> Response {
    visit.again(Section::Apps, |frame| page(frame, app, token, form))
}

fn path_of(app: &OpenApp, id: TokenId) -> String {
    format!("{}/{id}", super::tokens::table_of(app))
}

pub(super) async fn ask_for_new(visit: &Visit) -> Result<Response, PageError> {
    let app = visit.open_app().await?;
    let form = blank(visit.language());
    Ok(visit.page(Section::Apps, |frame| page(frame, &app, None, form)))
}

pub(super) async fn create(visit: &Visit) -> Result<Response, PageError> {
    let app = visit.open_app().await?;
    let (service, language) = (visit.service(), visit.language());
    let most = service.limits().scopes.scopes;
    let mut form = entered(visit.form(), language.token_lifetime_default(), most, language)?;
    if is_to_grow(visit.form()) {
        return Ok(visit.page(Section::Apps, |frame| page(frame, &app, None, form)));
    }
    let Some(entered) = read(&mut form, service.now(), language) else {
        return Ok(again(visit, &app, None, form));
    };
    let Entered { title, user_id, tags, description, allowed, lifetime, bounds, limits } = entered;
    let (permissions, scopes) = allowed.unwrap_or_default().said();
    let Bounded { not_before, addresses: allowed_addresses } = bounds.unwrap_or_default();
    let Limited { uses, rates } = limits.unwrap_or_default();
    let draft = TokenDraft {
        user_id,
        title,
        tags,
        description,
        permissions,
        scopes,
        lifetime,
        not_before,
        allowed_addresses,
        uses_left: uses.flatten(),
        rates,
    };
    let issue = match draft.issue(&app) {
        Ok(issue) => issue,
        Err(error) => {
            form.error = draft_refused(error, language);
            return Ok(again(visit, &app, None, form));
        }
    };
    match service.issue(&app, &visit.authority(), issue).await? {
        Ok(issued) => {
            let id = issued.token.id;
            let secrets = vec![(CredentialKind::AccessToken, issued.secret)];
            Ok(visit.made(&path_of(&app, id), Notice::TokenCreated(id), secrets))
        }
        Err(refusal) => {
            form.error = refused(refusal, language)?;
            Ok(again(visit, &app, None, form))
        }
    }
}

pub(super) async fn ask_to_change(visit: &Visit) -> Result<Response, PageError> {
    let app = visit.open_app().await?;
    let token = visit.token(&app).await?.token;
    let form = shown(visit, &token).await?;
    Ok(visit.page(Section::Apps, |frame| page(frame, &app, Some(&token), form)))
}

/// The form of a token as it is.
async fn shown(visit: &Visit, token: &Token) -> Result<TokenForm, PageError> {
    let uses_left = visit.service().uses_left([token]).await?.remove(&token.id);
    Ok(of_token(token, uses_left, visit.language()))
}

/// Changes what was entered otherwise than it is, if nobody has changed the token since it was shown.
pub(super) async fn change(visit: &Visit) -> Result<Response, PageError> {
    let app = visit.open_app().await?;
    let token = visit.token(&app).await?.token;
    let (service, language) = (visit.service(), visit.language());
    let most = service.limits().scopes.scopes.max(token.spec.scopes.as_slice().len());
    let mut form = entered(visit.form(), language.token_lifetime_keep(), most, language)?;
    if is_to_grow(visit.form()) {
        return Ok(visit.page(Section::Apps, |frame| page(frame, &app, Some(&token), form)));
    }
    if visit.form().text("version") != version(&token) {
        let error = language.token_stale().to_owned();
        let now = TokenForm { error, ..shown(visit, &token).await? };
        return Ok(again(visit, &app, Some(&token), now));
    }
    let Some(entered) = read(&mut form, service.now(), language) else {
        return Ok(again(visit, &app, Some(&token), form));
    };
    let before = read(&mut of_token(&token, None, language), service.now(), language);
    let draft = difference(before.as_ref(), entered);
    if draft.is_empty() {
        return Ok(visit.done(&path_of(&app, token.id), Notice::TokenUnchanged(token.id)));
    }
    let edit = match draft.edit() {
        Ok(edit) => edit,
        Err(error) => {
            form.error = draft_refused(error, language);
            return Ok(again(visit, &app, Some(&token), form));
        }
    };
    match service.update(&app, &visit.authority(), token.id, None, &edit).await? {
        Ok(_) => Ok(visit.done(&path_of(&app, token.id), Notice::TokenChanged(token.id))),
        Err(refusal) => {
            form.error = refused(refusal, language)?;
            Ok(again(visit, &app, Some(&token), form))
        }
    }
}

/// What is to be otherwise. `before`: what a form says of the token as it is.
fn difference(before: Option<&Entered>, entered: Entered) -> EditDraft {
    let text = |before: Option<Option<String>>, entered: Option<String>| {
        Some(entered).filter(|entered| before.as_ref() != Some(entered))
    };
    let lifetime = entered.lifetime;
    let has_other = |allowed: &Allowed| {
        before.and_then(|before| before.allowed.as_ref()).is_none_or(|before| before != allowed)
    };
    let allowed = entered.allowed.filter(has_other);
    let bounds = entered.bounds;
    let was = before.and_then(|before| before.bounds.as_ref());
    let begins_otherwise = |bounds: &Bounded| was.is_none_or(|was| was.not_before != bounds.not_before);
    let is_elsewhere = |bounds: &Bounded| was.is_none_or(|was| was.addresses != bounds.addresses);
    let not_before =
        bounds.as_ref().filter(|bounds| begins_otherwise(bounds)).map(|bounds| bounds.not_before);
    let was = before.and_then(|before| before.limits.as_ref());
    let has_other_rates = |limits: &Limited| was.is_none_or(|was| was.rates != limits.rates);
    EditDraft {
        title: text(before.map(|before| before.title.clone()), entered.title),
        tags: text(before.map(|before| before.tags.clone()), entered.tags),
        description: text(before.map(|before| before.description.clone()), entered.description),
        // Together they replace all that it had.
        permissions: allowed.as_ref().map(|allowed| allowed.permissions.clone()),
        scopes: allowed.map(|allowed| allowed.scopes),
        enabled: None,
        lifetime,
        not_before,
        allowed_addresses: bounds.filter(is_elsewhere).map(|bounds| bounds.addresses),
        uses_left: entered.limits.as_ref().and_then(|limits| limits.uses),
        rates: entered.limits.filter(has_other_rates).map(|limits| limits.rates),
    }
}
