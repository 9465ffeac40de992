//! Apps.

use super::visit::Visit;
use crate::browser::error::PageError;
use crate::browser::form::link;
use crate::browser::grace;
use axum::response::Response;
use jeton_console::pages::{App, AppRow, Apps, Confirm, NewApp, TokenCounts};
use jeton_console::{CredentialKind, Field, Frame, Notice, Page, Paging, Section, Tally};
use jeton_core::{AppId, AppKey, Secret, UserId};
use jeton_service::{AppGlance, Bounded, BoundedCounts};

const LIST: &str = "/console/apps";
/// Apps on a page.
const PAGE: u32 = 50;

pub(super) async fn list(visit: &Visit) -> Result<Response, PageError> {
    let query = visit.query()?;
    let after = match query.given("cursor") {
        None => None,
        Some(cursor) => Some(cursor.parse().ok().and_then(AppId::new).ok_or(PageError::Request)?),
    };
    let (apps, total) = visit.service().apps_page(after, PAGE).await?;
    let next = apps.last().filter(|_| apps.len() == PAGE as usize);
    let paging = Paging {
        first: after.map(|_| LIST.to_owned()),
        next: next.map(|app| link(LIST, &[("cursor", &app.id.to_string())])),
    };
    let rows = apps.iter().map(|app| AppRow {
        key: app.key.as_str(),
        client_id: &app.client_id,
        created_at: app.created_at,
        is_default: app.is_default,
    });
    let rows = rows.collect();
    Ok(visit.page(Section::Apps, |frame| Apps { frame, apps: rows, total, paging }.html()))
}

/// The user whose the admin token of a new app is where none is named, as with `jeton app create`.
const ADMIN_USER: UserId = UserId::from_integer(1);

pub(super) async fn show(visit: &Visit) -> Result<Response, PageError> {
    let app = visit.app().await?;
    let glance = visit.service().glance(app.id).await?;
    let page = |frame: &Frame<'_>| {
        App {
            frame,
            key: app.key.as_str(),
            client_id: &app.client_id,
            created_at: app.created_at,
            updated_at: app.updated_at,
            is_default: app.is_default,
            is_suspended: app.settings.common.suspended,
            counts: counts(&glance),
            graces: grace::choices(frame.language),
        }
        .html()
    };
    Ok(visit.page(Section::Apps, page))
}

fn counts(glance: &AppGlance) -> TokenCounts {
    let BoundedCounts { kinds, disabled, expired, revoked } = glance.counts;
    let left = kinds.iter().sum::<u64>().saturating_sub(disabled.count + expired.count);
    TokenCounts {
        active: Tally::left(left, disabled.is_all && expired.is_all),
        disabled: tally(disabled),
        expired: tally(expired),
        revoked: tally(revoked),
        uses: glance.uses.map_or(0, |uses| uses.uses),
        last_used_at: glance.uses.map(|uses| uses.last_used_at),
    }
}

/// A count as people read it.
pub(super) fn tally(Bounded { count, is_all }: Bounded) -> Tally {
    Tally::counted(count, is_all)
}

pub(super) async fn ask_for_new(visit: &Visit) -> Result<Response, PageError> {
    let (key, admin_user) = (Field::default(), Field::default());
    Ok(visit.page(Section::Apps, |frame| NewApp { frame, key, admin_user }.html()))
}

pub(super) async fn create(visit: &Visit) -> Result<Response, PageError> {
    let (form, language) = (visit.form(), visit.language());
    let (mut key, mut admin_user) = (Field::of(form.text("app_key")), Field::of(form.text("admin_user")));
    let named = form.given("admin_user").map(str::parse::<UserId>).transpose();
    let parsed = key.value.parse::<AppKey>();
    match (parsed, named) {
        (Ok(app_key), Ok(user)) => {
            let user = user.unwrap_or(ADMIN_USER);
            if let Some((_, made)) = visit.service().create_app(&app_key, user, &visit.cause()).await? {
                let client_id = Secret::parse(&made.client_id)
                    .unwrap_or_else(|_| unreachable!("32 digits are within the bounds of a secret"));
                let secrets = vec![
                    (CredentialKind::ClientId, client_id),
                    (CredentialKind::ClientSecret, made.client_secret),
                    (CredentialKind::AdminToken, made.admin_token),
                ];
                let path = format!("{LIST}/{app_key}");
                return Ok(visit.made(&path, Notice::AppCreated(app_key.into()), secrets));
            }
            language.app_key_taken().clone_into(&mut key.error);
        }
        (parsed, named) => {
            if parsed.is_err() {
                language.app_key_wrong().clone_into(&mut key.error);
            }
            if named.is_err() {
                language.app_admin_user_wrong().clone_into(&mut admin_user.error);
            }
        }
    }
    Ok(visit.again(Section::Apps, |frame| NewApp { frame, key, admin_user }.html()))
}

pub(super) async fn ask_to_suspend(visit: &Visit) -> Result<Response, PageError> {
    let app = visit.app().await?;
    let language = visit.language();
    let (title, back) = (language.app_suspend_title(&app.key), format!("{LIST}/{}", app.key));
    let action = format!("{back}/suspend");
    let page = |frame: &Frame<'_>| {
        Confirm {
            frame,
            title: &title,
            consequence: language.app_suspend_consequence(),
            action: &action,
            hidden: &[],
            typed: None,
            button: language.app_suspend_ask(),
            back: &back,
        }
        .html()
    };
    Ok(visit.page(Section::Apps, page))
}

pub(super) async fn suspend(visit: &Visit) -> Result<Response, PageError> {
    set_suspended(visit, true, Notice::AppSuspended).await
}

pub(super) async fn resume(visit: &Visit) -> Result<Response, PageError> {
    set_suspended(visit, false, Notice::AppResumed).await
}

async fn set_suspended(
    visit: &Visit,
    is_suspended: bool,
    notice: fn(String) -> Notice,
) -> Result<Response, PageError> {
    let app = visit.app().await?;
    let changed = visit.service().suspend_app(&app.key, is_suspended, &visit.cause()).await?;
    let app = changed.ok_or(PageError::NotFound)?;
    Ok(visit.done(&format!("{LIST}/{}", app.key), notice(app.key.into())))
}

pub(super) async fn rotate_secret(visit: &Visit) -> Result<Response, PageError> {
    let app = visit.app().await?;
    let grace = grace::chosen(visit.form())?;
    let rotated = visit.service().rotate_client_secret(&app.key, grace, &visit.cause()).await?;
    let (_, secret) = rotated.ok_or(PageError::NotFound)?;
    let path = format!("{LIST}/{}", app.key);
    Ok(visit.made(&path, Notice::SecretRotated(app.key.into()), vec![(CredentialKind::ClientSecret, secret)]))
}

pub(super) async fn ask_to_delete(visit: &Visit) -> Result<Response, PageError> {
    let app = visit.app().await?;
    Ok(visit.page(Section::Apps, |frame| deletion(frame, app.key.as_str(), Field::default())))
}

fn deletion(frame: &Frame<'_>, key: &str, typed: Field) -> String {
    let language = frame.language;
    Confirm {
        frame,
        title: &language.app_delete_title(key),
        consequence: language.app_delete_consequence(),
        action: &format!("{LIST}/{key}/delete"),
        hidden: &[],
        typed: Some((&language.app_delete_type(key), typed)),
        button: language.app_delete_ask(),
        back: &format!("{LIST}/{key}"),
    }
    .html()
}

/// Whoever deletes an app types its key: a click is too little.
pub(super) async fn delete(visit: &Visit) -> Result<Response, PageError> {
    let app = visit.app().await?;
    let typed = visit.form().text("typed");
    if typed != app.key.as_str() {
        let typed =
            Field { value: typed.to_owned(), error: visit.language().app_delete_mistyped().to_owned() };
        return Ok(visit.again(Section::Apps, |frame| deletion(frame, app.key.as_str(), typed)));
    }
    if !visit.service().delete_app(&app.key, &visit.cause()).await? {
        return Err(PageError::NotFound);
    }
    Ok(visit.done(LIST, Notice::AppDeleted(app.key.into())))
}
