//! The front page.

use super::ROUTE;
use super::error::ConsoleError;
use super::visit::Visit;
use crate::transport::fault::Fault;
use axum::response::Response;
use jeton_console::pages::{Attention, Front};
use jeton_console::{Page, Section};
use jeton_core::AppKey;
use jeton_service::{OpenApp, SearchRequest};

/// Apps that are looked at: the first ones.
const APPS: u32 = 20;

pub(super) async fn show(visit: &Visit) -> Result<Response, ConsoleError> {
    let (first, apps) = visit.service().apps_page(None, APPS).await?;
    let mut attention = Vec::new();
    for app in &first {
        attention.extend(look_at(visit, &app.key).await?);
    }
    let history = visit.service().history();
    let verdicts =
        history.minutes.into_iter().map(|(at, counts)| (at, counts.allowed, counts.refused)).collect();
    let uses = history.days;
    Ok(visit.page(Section::Overview, |frame| Front { frame, apps, attention, verdicts, uses }.html()))
}

/// What needs attention in an app; `None`: it is gone.
async fn look_at(visit: &Visit, key: &AppKey) -> Result<Option<Attention>, ConsoleError> {
    let Some(app) = visit.service().open_app(key).await? else { return Ok(None) };
    let within = Some(Front::SOON_DAYS);
    let unused = Some(Front::UNUSED_DAYS);
    Ok(Some(Attention {
        key: key.as_str().to_owned(),
        expiring: count(
            visit,
            &app,
            &SearchRequest { expires_within_days: within, ..SearchRequest::default() },
        )
        .await,
        unused: count(visit, &app, &SearchRequest { unused_days: unused, ..SearchRequest::default() }).await,
        eternal: count(visit, &app, &SearchRequest { is_eternal: true, ..SearchRequest::default() }).await,
    }))
}

/// How many there are. `None`: that could not be found out, above all since it takes longer than a page may take, which is no reason
/// not to show the rest of it.
async fn count(visit: &Visit, app: &OpenApp, request: &SearchRequest) -> Option<u64> {
    match visit.service().count_found(app, request).await {
        Ok(count) => Some(count),
        Err(error) => {
            Fault::from(error).log(ROUTE);
            None
        }
    }
}
