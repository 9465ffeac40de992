//! Tokens of an app: their table, and one of them.

use super::audit;
use super::token_filter::{self, Sought};
use super::visit::Visit;
use crate::browser::answer;
use crate::browser::error::PageError;
use crate::browser::form::{Form, link, noted};
use crate::browser::grace;
use axum::response::Response;
use jeton_console::pages::{Confirm, Tester, TokenPage, TokenRow, TokenUsage, Tokens};
use jeton_console::{Choice, CredentialKind, Field, Language, Notice, Page, Paging, Section};
use jeton_core::{Demand, Permission, Resource, TokenId, TokenState};
use jeton_service::{
    AuditRequest, EditDraft, Listed, LookedAt, OpenApp, SearchOrder, SearchPlace, SearchRequest, TitleSearch,
};
use std::collections::HashMap;
use std::slice;

/// Tokens on a page.
const PAGE: u32 = 50;
/// Entries of the audit log on the page of a token.
const HISTORY: u32 = 10;
/// What lists can be sorted by.
const SORTS: [(&str, SearchOrder); 4] = [
    ("newest", SearchOrder::NewestFirst),
    ("oldest", SearchOrder::OldestFirst),
    ("ending", SearchOrder::EndingNext),
    ("title", SearchOrder::ByTitle),
];

/// Where the tokens of an app are.
pub(super) fn table_of(app: &OpenApp) -> String {
    format!("/console/apps/{}/tokens", app.key)
}

fn path_of(app: &OpenApp, id: TokenId) -> String {
    format!("{}/{id}", table_of(app))
}

pub(super) async fn list(visit: &Visit) -> Result<Response, PageError> {
    let app = visit.open_app().await?;
    let (query, language) = (visit.query()?, visit.language());
    let mut id = Field::of(query.text("id"));
    if let Some(text) = query.given("id") {
        match number(visit, &app, text).await? {
            Some(found) => return Ok(answer::see_other(&path_of(&app, found))),
            None => language.wrong_number().clone_into(&mut id.error),
        }
    }
    let Sought { filter, request } = token_filter::read(&query, &TokenState::ALL, language)?;
    let sorted = sorted(&query)?;
    let is_sought = request.is_some() && id.error.is_empty();
    let request = request.unwrap_or_default();
    let request = SearchRequest { sorted: sorted.or_else(|| suiting(&request)), ..request };
    let order = request.at(&app, visit.service().now()).order();
    let place = |text: &str| SearchPlace::from_text(text, order).ok_or(PageError::Request);
    let after = query.given("cursor").map(place).transpose()?;
    let looked = match is_sought {
        true => visit.service().look_for(&app, &visit.authority(), &request, after.as_ref(), PAGE).await?,
        false => nothing(),
    };
    let (table, sort) = (table_of(&app), query.text("sort"));
    let said = [token_filter::kept(&query), vec![("sort", sort)]].concat();
    let to = |cursor: &str| link(&table, &[&said[..], &[("cursor", cursor)]].concat());
    let paging = Paging {
        first: after.as_ref().map(|_| to("")),
        next: looked.next.as_ref().map(|next| to(&next.to_text())),
    };
    let revoke = match request.is_empty() || request.state == Some(TokenState::Revoked) || !is_sought {
        true => String::new(),
        false => {
            let said = [token_filter::kept(&query), vec![("count", "yes")]].concat();
            link(&format!("/console/apps/{}/revoke-tokens", app.key), &said)
        }
    };
    let now = visit.service().now();
    Ok(visit.page(Section::Apps, |frame| {
        let tokens = looked.items.iter().map(|listed| TokenRow {
            token: &listed.token,
            state: listed.token.state(now),
            masked: listed.masked(),
            last_used_at: looked.usage.get(&listed.token.id).map(|used| used.last_used_at),
        });
        Tokens {
            frame,
            key: app.key.as_str(),
            id,
            filter,
            sort: sort_choices(sorted, language),
            order: name_of(order, language),
            tokens: tokens.collect(),
            total: looked.total,
            looked_at: looked.looked_at.map(u64::from),
            paging,
            revoke,
        }
        .html()
    }))
}

fn nothing() -> LookedAt {
    LookedAt { items: Vec::new(), usage: HashMap::new(), total: None, next: None, looked_at: None }
}

/// The number that a text says, if the app has a token of that number that was not revoked.
async fn number(visit: &Visit, app: &OpenApp, text: &str) -> Result<Option<TokenId>, PageError> {
    let Some(id) = text.parse().ok().and_then(TokenId::new) else { return Ok(None) };
    Ok(visit.service().show(app, &visit.authority(), id).await?.map(|listed| listed.token.id))
}

fn sorted(query: &Form) -> Result<Option<SearchOrder>, PageError> {
    let Some(name) = query.given("sort") else { return Ok(None) };
    let sort = SORTS.into_iter().find(|(other, _)| *other == name);
    sort.map(|(_, order)| Some(order)).ok_or(PageError::Request)
}

/// The order in which what is sought is near the beginning. `None`: the one that the store prefers.
fn suiting(request: &SearchRequest) -> Option<SearchOrder> {
    match request {
        SearchRequest { title: Some(TitleSearch::Prefix(_)), .. } => Some(SearchOrder::ByTitle),
        // What has been there for long is among the oldest.
        SearchRequest { expires_within_days: None, state: None | Some(TokenState::Active), .. }
            if request.is_never_used || request.unused_days.is_some() || request.created_before.is_some() =>
        {
            Some(SearchOrder::OldestFirst)
        }
        _ => None,
    }
}

fn name_of(order: SearchOrder, language: Language) -> &'static str {
    match order {
        SearchOrder::NewestFirst => language.sort_newest(),
        SearchOrder::OldestFirst => language.sort_oldest(),
        SearchOrder::EndingNext => language.sort_ending(),
        SearchOrder::EndedLast => language.sort_ended(),
        SearchOrder::ByTitle => language.sort_title(),
    }
}

fn sort_choices(sorted: Option<SearchOrder>, language: Language) -> Vec<Choice> {
    let choice = |value: &str, label: &str, is_chosen| Choice {
        value: value.to_owned(),
        label: label.to_owned(),
        is_chosen,
    };
    let suiting = choice("", language.sort_suiting(), sorted.is_none());
    let others = SORTS.map(|(name, order)| choice(name, name_of(order, language), sorted == Some(order)));
    std::iter::once(suiting).chain(others).collect()
}

pub(super) async fn show(visit: &Visit) -> Result<Response, PageError> {
    let app = visit.open_app().await?;
    let listed = visit.token(&app).await?;
    let query = visit.query()?;
    let id = listed.token.id;
    let usage = visit.service().usage_of(&app, slice::from_ref(&id)).await?.remove(&id);
    let uses_left = visit.service().uses_left([&listed.token]).await?.remove(&id);
    let request = AuditRequest {
        app: Some(app.key.clone()),
        token: Some(id),
        is_brief: true,
        ..AuditRequest::default()
    };
    let (entries, next) = visit.service().audit(request, None, HISTORY).await?;
    let earlier = next.map(|next| {
        let (key, id, cursor) = (app.key.as_str(), id.to_string(), next.to_string());
        link("/console/audit", &[("app", key), ("token", &id), ("cursor", &cursor)])
    });
    let tester = tester(visit, &app, &listed, &query);
    Ok(visit.page(Section::Apps, |frame| {
        TokenPage {
            frame,
            key: app.key.as_str(),
            token: &listed.token,
            state: listed.token.state(frame.now),
            masked: listed.masked(),
            usage: usage.map(|used| TokenUsage {
                last_used_at: used.last_used_at,
                last_address: used.last_address.map(|address| address.to_string()),
                use_count: used.use_count,
            }),
            uses_left,
            history: entries.into_iter().map(audit::row).collect(),
            earlier,
            tester,
            graces: grace::choices(frame.language),
        }
        .html()
    }))
}

/// What verification would answer, if that is asked.
fn tester(visit: &Visit, app: &OpenApp, listed: &Listed, query: &Form) -> Tester {
    if query.given("ask").is_none() {
        return Tester::default();
    }
    let language = visit.language();
    let field = |name| Field::of(query.text(name));
    let mut tester = Tester {
        permission: field("permission"),
        id: field("id"),
        tags: field("tags"),
        address: field("address"),
        explanation: None,
    };
    let address = query.given("address").map(str::parse).transpose();
    let Some(address) = noted(&mut tester.address, address, language.tester_address_wrong()) else {
        return tester;
    };
    let permission = query.given("permission").map(str::parse::<Permission>).transpose();
    let Ok(permission) = permission else {
        language.wrong_permission().clone_into(&mut tester.permission.error);
        return tester;
    };
    let tags = query.text("tags").split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned);
    let resource = Resource::named(query.given("id").map(str::to_owned), tags.collect());
    match Demand::new(permission, resource) {
        Ok(demand) => {
            tester.explanation =
                Some(visit.service().explain_listed(app, listed, &demand, address).explanation);
        }
        Err(_) => language.tester_resource_alone().clone_into(&mut tester.permission.error),
    }
    tester
}

/// What is asked before something happens to a token.
struct Asked {
    title: String,
    consequence: &'static str,
    button: &'static str,
    action: &'static str,
}

async fn ask(visit: &Visit, asked: impl FnOnce(Language, TokenId) -> Asked) -> Result<Response, PageError> {
    let app = visit.open_app().await?;
    let id = visit.token(&app).await?.token.id;
    let Asked { title, consequence, button, action } = asked(visit.language(), id);
    let back = path_of(&app, id);
    let action = format!("{back}/{action}");
    Ok(visit.page(Section::Apps, |frame| {
        let (title, action, back) = (&title, &action, &back);
        Confirm { frame, title, consequence, action, hidden: &[], typed: None, button, back }.html()
    }))
}

pub(super) async fn ask_to_disable(visit: &Visit) -> Result<Response, PageError> {
    ask(visit, |language, id| Asked {
        title: language.token_disable_title(id),
        consequence: language.token_disable_consequence(),
        button: language.token_disable(),
        action: "disable",
    })
    .await
}

pub(super) async fn disable(visit: &Visit) -> Result<Response, PageError> {
    switch(visit, false, Notice::TokenDisabled).await
}

pub(super) async fn enable(visit: &Visit) -> Result<Response, PageError> {
    switch(visit, true, Notice::TokenEnabled).await
}

async fn switch(visit: &Visit, enabled: bool, notice: fn(TokenId) -> Notice) -> Result<Response, PageError> {
    let app = visit.open_app().await?;
    let id = visit.token(&app).await?.token.id;
    let draft = EditDraft { enabled: Some(enabled), ..EditDraft::default() };
    let edit = draft.edit().map_err(|_| PageError::Request)?;
    visit.service().update(&app, &visit.authority(), id, None, &edit).await??;
    Ok(visit.done(&path_of(&app, id), notice(id)))
}

/// Gives it another secret, which is shown once.
pub(super) async fn rotate(visit: &Visit) -> Result<Response, PageError> {
    let app = visit.open_app().await?;
    let id = visit.token(&app).await?.token.id;
    let grace = grace::chosen(visit.form())?;
    let rotated = visit.service().rotate(&app, &visit.authority(), id, None, grace).await??;
    let secrets = vec![(CredentialKind::AccessToken, rotated.secret)];
    Ok(visit.made(&path_of(&app, id), Notice::TokenRotated(id), secrets))
}

pub(super) async fn ask_to_revoke(visit: &Visit) -> Result<Response, PageError> {
    ask(visit, |language, id| Asked {
        title: language.token_revoke_title(id),
        consequence: language.token_revoke_consequence(),
        button: language.token_revoke(),
        action: "revoke",
    })
    .await
}

/// From the answer on, it is refused.
pub(super) async fn revoke(visit: &Visit) -> Result<Response, PageError> {
    let app = visit.open_app().await?;
    let id = visit.token(&app).await?.token.id;
    visit.service().revoke(&app, &visit.authority(), id, None).await??;
    Ok(visit.done(&table_of(&app), Notice::TokenRevoked(id)))
}
