//! Apps.

use super::error::ConsoleError;
use super::form::link;
use super::visit::Visit;
use axum::response::Response;
use jeton_console::pages::{App, AppRow, Apps};
use jeton_console::{Frame, Page, Paging, Section};
use jeton_core::AppId;

const LIST: &str = "/console/apps";
/// Apps on a page.
const PAGE: u32 = 50;

pub(super) async fn list(visit: &Visit) -> Result<Response, ConsoleError> {
    let query = visit.query()?;
    let after = match query.given("cursor") {
        None => None,
        Some(cursor) => Some(cursor.parse().ok().and_then(AppId::new).ok_or(ConsoleError::Request)?),
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

pub(super) async fn show(visit: &Visit) -> Result<Response, ConsoleError> {
    let app = visit.app().await?;
    let page = |frame: &Frame<'_>| {
        let (key, client_id) = (app.key.as_str(), app.client_id.as_str());
        let (created_at, updated_at) = (app.created_at, app.updated_at);
        App { frame, key, client_id, created_at, updated_at, is_default: app.is_default }.html()
    };
    Ok(visit.page(Section::Apps, page))
}
