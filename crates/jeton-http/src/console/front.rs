//! The front page.

use super::apps::tally;
use super::visit::Console;
use super::visit::Visit;
use crate::browser::error::PageError;
use crate::browser::site::Site;
use crate::transport::fault::Fault;
use axum::response::Response;
use jeton_console::pages::{Attention, Front};
use jeton_console::{Page, Section, Tally};
use jeton_service::AppSummary;

/// Apps that are looked at: the first ones.
const APPS: u32 = 20;

pub(super) async fn show(visit: &Visit) -> Result<Response, PageError> {
    let (first, apps) = visit.service().apps_page(None, APPS).await?;
    let mut attention = Vec::new();
    for app in &first {
        attention.push(look_at(visit, app).await);
    }
    let history = visit.service().history();
    let verdicts =
        history.minutes.into_iter().map(|(at, counts)| (at, counts.allowed, counts.refused)).collect();
    let uses = history.days;
    Ok(visit.page(Section::Overview, |frame| Front { frame, apps, attention, verdicts, uses }.html()))
}

/// What needs attention in an app. That some of it could not be found out is no reason not to show the rest of the page.
async fn look_at(visit: &Visit, app: &AppSummary) -> Attention {
    let key = app.key.as_str().to_owned();
    match visit.service().worth_a_look(app.id, Front::SOON_DAYS, Front::UNUSED_DAYS).await {
        Ok(found) => Attention {
            key,
            expiring: tally(found.expiring),
            unused: tally(found.unused),
            eternal: tally(found.eternal),
        },
        Err(error) => {
            Fault::from(error).log(Console::ROUTE);
            let unknown = Tally::Unknown;
            Attention { key, expiring: unknown, unused: unknown, eternal: unknown }
        }
    }
}
