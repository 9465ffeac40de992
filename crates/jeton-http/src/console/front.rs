//! The front page.

use super::error::ConsoleError;
use super::visit::Visit;
use axum::response::Response;
use jeton_console::pages::Front;
use jeton_console::{Page, Section};

pub(super) async fn show(visit: &Visit) -> Result<Response, ConsoleError> {
    let (_, apps) = visit.service().apps_page(None, 0).await?;
    Ok(visit.page(Section::Overview, |frame| Front { frame, apps }.html()))
}
