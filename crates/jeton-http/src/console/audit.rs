//! The audit log.

use super::visit::Visit;
use crate::browser::error::PageError;
use crate::browser::form::{Form, instant_of, link};
use axum::response::Response;
use jeton_console::pages::{Audit, AuditFilter, AuditRow};
use jeton_console::{Choice, Field, Language, Page, Paging, Section};
use jeton_core::{AppKey, ChangeKind, TokenId};
use jeton_service::{AuditEntry, AuditRequest};
use std::net::IpAddr;

const PATH: &str = "/console/audit";
/// Entries on a page.
const PAGE: u32 = 50;
/// What a link to another page says besides where that begins.
const NAMES: [&str; 6] = ["what", "app", "token", "actor", "address", "since"];

pub(super) async fn list(visit: &Visit) -> Result<Response, PageError> {
    let query = visit.query()?;
    let before = match query.given("cursor") {
        None => None,
        Some(text) => Some(text.parse().ok().filter(|number| *number > 0).ok_or(PageError::Request)?),
    };
    let mut filter = filter(&query, visit.language());
    let (entries, next) = match request(&query, &mut filter, visit.language()) {
        Some(request) => visit.service().audit(request, before, PAGE).await?,
        None => (Vec::new(), None),
    };
    let to = |cursor: &str| {
        let kept = NAMES.map(|name| (name, query.text(name)));
        link(PATH, &[&kept[..], &[("cursor", cursor)]].concat())
    };
    let paging = Paging { first: before.map(|_| to("")), next: next.map(|next| to(&next.to_string())) };
    let entries = entries.into_iter().map(row).collect();
    Ok(visit.page(Section::Audit, |frame| Audit { frame, filter, entries, paging }.html()))
}

/// What was entered, as it was.
fn filter(query: &Form, language: Language) -> AuditFilter {
    let field = |name: &str| Field::of(query.text(name));
    let chosen = query.text("what");
    let any =
        Choice { value: String::new(), label: language.audit_any().to_owned(), is_chosen: chosen.is_empty() };
    let kinds = ChangeKind::ALL.into_iter().map(|kind| Choice {
        value: kind.name().to_owned(),
        label: language.change(kind).to_owned(),
        is_chosen: kind.name() == chosen,
    });
    AuditFilter {
        app: field("app"),
        token: field("token"),
        actor: field("actor"),
        address: field("address"),
        since: field("since"),
        what: std::iter::once(any).chain(kinds).collect(),
    }
}

/// What is sought; `None`: some of it makes no sense, which its field says then.
fn request(query: &Form, filter: &mut AuditFilter, language: Language) -> Option<AuditRequest> {
    let app = query.given("app").map(str::parse::<AppKey>).transpose();
    let token = query.given("token").map(|text| text.parse().ok().and_then(TokenId::new).ok_or(()));
    let token = token.transpose();
    let actor = query.given("actor");
    let is_actor = actor.is_none_or(AuditRequest::is_actor);
    let address = query.given("address").map(str::parse::<IpAddr>).transpose();
    let since = query.given("since").map(instant_of).transpose();
    let what = query.given("what").map(|name| ChangeKind::from_name(name).ok_or(())).transpose();
    let note = |field: &mut Field, is_right: bool, error: &str| {
        if !is_right {
            error.clone_into(&mut field.error);
        }
    };
    note(&mut filter.app, app.is_ok(), language.audit_wrong_app());
    note(&mut filter.token, token.is_ok(), language.audit_wrong_token());
    note(&mut filter.actor, is_actor, language.audit_wrong_actor());
    note(&mut filter.address, address.is_ok(), language.audit_wrong_address());
    note(&mut filter.since, since.is_ok(), language.audit_wrong_since());
    match (app, token, address, since, what) {
        (Ok(app), Ok(token), Ok(address), Ok(since), Ok(what)) if is_actor => Some(AuditRequest {
            app,
            token,
            actor: actor.map(str::to_owned),
            address,
            what,
            since,
            is_brief: false,
        }),
        _ => None,
    }
}

pub(super) fn row(entry: AuditEntry) -> AuditRow {
    let AuditEntry { sequence: _, at, what, app, subject_id, by } = entry;
    AuditRow { at, what, app: app.map(String::from), subject_id, by }
}
