//! A user's own tokens.

use super::user::{SignedIn, User, Visit};
use crate::browser::error::PageError;
use crate::browser::form::link;
use crate::browser::grace;
use axum::response::Response;
use futures_util::TryStreamExt;
use jeton_console::pages::{Confirm, NewOwnToken, OwnToken, OwnTokenPage, OwnTokens};
use jeton_console::{Choice, CredentialKind, Field, Frame, Language, Notice, Page, Paging};
use jeton_core::{
    Authority, AuthorityRefusal, Lifetime, Policy, Scopes, Secret, Token, TokenId, TokenKind, TokenSpec,
};
use jeton_service::{
    Cleared, Edit, Issue, ListRequest, Listed, Order, Refusal, RequestedLifetime, ShownSecret, TokenUse,
    description, label,
};
use std::collections::HashMap;
use std::pin::pin;
use std::slice;
use std::sync::Arc;

/// Tokens on a page.
const PAGE: usize = 50;
/// For how many days a new token can be asked to live. 0: as long as the app decides; -1: for ever.
const DAYS: [i64; 7] = [0, 1, 7, 30, 90, 365, -1];

pub(super) async fn list(visit: &Visit) -> Result<Response, PageError> {
    let User { app, authority, token_id, .. } = &visit.session.visitor;
    let query = visit.query()?;
    let after = match query.given("cursor") {
        None => None,
        Some(cursor) => Some(cursor.parse().ok().and_then(TokenId::new).ok_or(PageError::Request)?),
    };
    let request = ListRequest {
        user_id: None,
        unused_since: None,
        order: Order::NewestFirst,
        after,
        skip: 0,
        take: Some(PAGE as u64),
        is_counted: true,
    };
    let listing = visit.service().list(app, authority, request).await?.map_err(refused_list)?;
    let pages: Vec<Vec<Listed>> = pin!(listing.pages).try_collect().await?;
    let tokens: Vec<Token> = pages.into_iter().flatten().map(|listed| listed.token).collect();
    let ids: Vec<TokenId> = tokens.iter().map(|token| token.id).collect();
    let usage = visit.service().usage_of(app, &ids).await?;
    let home = &visit.arrival.home;
    let next = tokens.last().filter(|_| tokens.len() == PAGE);
    let paging = Paging {
        first: after.map(|_| home.clone()),
        next: next.map(|token| link(home, &[("cursor", &token.id.to_string())])),
    };
    let total = listing.total.unwrap_or_default();
    let page = |frame: &Frame<'_>| {
        let tokens = tokens.iter().map(|token| own(token, *token_id, usage.get(&token.id))).collect();
        OwnTokens { frame, tokens, total, paging }.html()
    };
    Ok(visit.page((), page))
}

/// A list of one's own tokens is refused to nobody.
fn refused_list(_: Refusal) -> PageError {
    PageError::NotFound
}

fn own<'a>(token: &'a Token, of_session: TokenId, used: Option<&TokenUse>) -> OwnToken<'a> {
    OwnToken {
        token,
        is_of_session: token.id == of_session,
        last_used_at: used.map(|used| used.last_used_at),
    }
}

/// What a token page shows.
struct Shown {
    listed: Listed,
    usage: Option<TokenUse>,
    uses_left: Option<u64>,
}

/// The token that the path names, if it is the user's.
async fn find(visit: &Visit) -> Result<Shown, PageError> {
    let User { app, authority, .. } = &visit.session.visitor;
    let id = visit.segment(1).parse().ok().and_then(TokenId::new).ok_or(PageError::NotFound)?;
    let listed = visit.service().show(app, authority, id).await?.ok_or(PageError::NotFound)?;
    let mut usage: HashMap<_, _> = visit.service().usage_of(app, slice::from_ref(&id)).await?;
    let mut left = visit.service().uses_left([&listed.token]).await?;
    Ok(Shown { listed, usage: usage.remove(&id), uses_left: left.remove(&id) })
}

fn path(visit: &Visit, id: TokenId, name: &str) -> String {
    format!("{}/tokens/{id}{name}", visit.arrival.home)
}

pub(super) async fn show(visit: &Visit) -> Result<Response, PageError> {
    let shown = find(visit).await?;
    let texts = Texts::of(&shown.listed.token);
    Ok(visit.page((), |frame| page(visit, frame, &shown, texts, "")))
}

fn page(visit: &Visit, frame: &Frame<'_>, shown: &Shown, texts: Texts, error: &str) -> String {
    let Shown { listed: Listed { token, secret }, usage, uses_left } = shown;
    let masked = match secret {
        ShownSecret::Clear(secret) => Some(secret.masked()),
        ShownSecret::Masked(masked) => Some(masked.clone()),
        ShownSecret::Gone => None,
    };
    let Texts { title, tags, description } = texts;
    OwnTokenPage {
        frame,
        own: own(token, visit.session.visitor.token_id, usage.as_ref()),
        masked: masked.as_deref(),
        uses: usage.as_ref().map_or(0, |usage| usage.use_count),
        uses_left: *uses_left,
        last_address: usage.as_ref().and_then(|usage| usage.last_address),
        title,
        tags,
        description,
        graces: grace::choices(frame.language),
        error,
    }
    .html()
}

/// The texts of a token, as they stand in a form.
struct Texts {
    title: Field,
    tags: Field,
    description: Field,
}

impl Texts {
    fn of(token: &Token) -> Self {
        let TokenSpec { title, tags, description, .. } = &token.spec;
        Texts {
            title: Field::of(title.as_ref().map_or("", |text| text.as_str())),
            tags: Field::of(tags.as_ref().map_or("", |text| text.as_str())),
            description: Field::of(description.as_ref().map_or("", |text| text.as_str())),
        }
    }

    /// What was entered, and what it says. `Err`: the same with what is wrong with it.
    fn read(visit: &Visit) -> Result<Edit, Box<Self>> {
        let form = visit.form();
        let language = visit.language();
        let [title, tags, text] = ["title", "tags", "description"].map(|name| form.text(name).to_owned());
        let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let read = (label("title", given(&title)), label("tags", given(&tags)), description(given(&text)));
        match read {
            (Ok(Some(title)), Ok(tags), Ok(description)) => {
                let cleared =
                    Cleared { title: false, tags: tags.is_none(), description: description.is_none() };
                Ok(Edit { title: Some(title), tags, description, cleared, ..Edit::default() })
            }
            (read_title, read_tags, read_description) => {
                let wrong = |is_wrong: bool| {
                    if is_wrong { language.self_text_wrong().to_owned() } else { String::new() }
                };
                let error = match title.is_empty() {
                    true => language.self_title_missing().to_owned(),
                    false => wrong(read_title.is_err()),
                };
                Err(Box::new(Texts {
                    title: Field { value: title, error },
                    tags: Field { value: tags, error: wrong(read_tags.is_err()) },
                    description: Field { value: text, error: wrong(read_description.is_err()) },
                }))
            }
        }
    }
}

pub(super) async fn change(visit: &Visit) -> Result<Response, PageError> {
    let shown = find(visit).await?;
    match Texts::read(visit) {
        Ok(edit) => apply(visit, shown, &edit, Notice::OwnTokenChanged).await,
        Err(texts) => Ok(visit.again((), |frame| page(visit, frame, &shown, *texts, ""))),
    }
}

pub(super) async fn rotate(visit: &Visit) -> Result<Response, PageError> {
    let shown = find(visit).await?;
    let User { app, authority, token_id, .. } = &visit.session.visitor;
    let grace = grace::chosen(visit.form())?;
    let id = shown.listed.token.id;
    match visit.service().rotate(app, authority, id, None, grace).await? {
        Ok(rotated) => {
            if id == *token_id {
                // Else the session would end with the secret of before.
                let token =
                    Secret::parse(rotated.secret.expose()).unwrap_or_else(|_| unreachable!("it is one"));
                visit.sign_in_anew(SignedIn { app: app.key.clone(), token: Arc::new(token) });
            }
            let notice = Notice::OwnTokenRotated(visit.language().own_token_name(&rotated.token));
            Ok(visit.made(&path(visit, id, ""), notice, vec![(CredentialKind::AccessToken, rotated.secret)]))
        }
        Err(refusal) => {
            let texts = Texts::of(&shown.listed.token);
            let error = refused(visit.language(), refusal)?;
            Ok(visit.again((), |frame| page(visit, frame, &shown, texts, error)))
        }
    }
}

pub(super) async fn disable(visit: &Visit) -> Result<Response, PageError> {
    let edit = Edit { enabled: Some(false), ..Edit::default() };
    apply(visit, find(visit).await?, &edit, Notice::OwnTokenDisabled).await
}

pub(super) async fn enable(visit: &Visit) -> Result<Response, PageError> {
    let edit = Edit { enabled: Some(true), ..Edit::default() };
    apply(visit, find(visit).await?, &edit, Notice::OwnTokenEnabled).await
}

async fn apply(
    visit: &Visit,
    shown: Shown,
    edit: &Edit,
    notice: fn(String) -> Notice,
) -> Result<Response, PageError> {
    let User { app, authority, .. } = &visit.session.visitor;
    let id = shown.listed.token.id;
    match visit.service().update(app, authority, id, None, edit).await? {
        Ok(token) => Ok(visit.done(&path(visit, id, ""), notice(visit.language().own_token_name(&token)))),
        Err(refusal) => {
            let texts = Texts::of(&shown.listed.token);
            let error = refused(visit.language(), refusal)?;
            Ok(visit.again((), |frame| page(visit, frame, &shown, texts, error)))
        }
    }
}

/// What a refusal says to the user.
fn refused(language: Language, refusal: Refusal) -> Result<&'static str, PageError> {
    match refusal {
        Refusal::NotFound => Err(PageError::NotFound),
        Refusal::Forbidden(refusal) => Ok(match refusal {
            AuthorityRefusal::NotHeld | AuthorityRefusal::Reserved => language.self_not_held(),
            AuthorityRefusal::Outlives => language.self_outlives(),
            AuthorityRefusal::BeyondCaller | AuthorityRefusal::NotYours => language.self_beyond(),
            AuthorityRefusal::BeginsEarlier | AuthorityRefusal::Elsewhere => language.self_bounds(),
            AuthorityRefusal::DisabledByAnother => language.self_disabled_by_another(),
            AuthorityRefusal::NeverBegins
            | AuthorityRefusal::MoreOften
            | AuthorityRefusal::NoLimits
            | AuthorityRefusal::WouldWiden
            | AuthorityRefusal::IdentityToken
            | AuthorityRefusal::ServiceToken
            | AuthorityRefusal::UnknownPermission
            | AuthorityRefusal::Limit(_) => language.self_refused_otherwise(),
            AuthorityRefusal::Policy(policy) => match policy {
                Policy::MaxLifetime(..) | Policy::RequireExpiry => language.self_policy_lifetime(),
                Policy::MaxTokensPerUser(_) => language.self_policy_many(),
                Policy::ForbiddenPermission | Policy::RequirePrefix => language.self_policy_permission(),
            },
        }),
    }
}

pub(super) async fn ask_to_revoke(visit: &Visit) -> Result<Response, PageError> {
    let shown = find(visit).await?;
    let token = &shown.listed.token;
    let language = visit.language();
    let is_own = token.id == visit.session.visitor.token_id;
    let consequence = if is_own { language.self_revoke_own() } else { language.self_revoke_consequence() };
    let title = language.self_revoke_title(language.own_token_name(token));
    let (action, back) = (path(visit, token.id, "/revoke"), path(visit, token.id, ""));
    let page = |frame: &Frame<'_>| {
        Confirm {
            frame,
            title: &title,
            consequence,
            action: &action,
            hidden: &[],
            typed: None,
            button: language.self_revoke(),
            back: &back,
        }
        .html()
    };
    Ok(visit.page((), page))
}

pub(super) async fn revoke(visit: &Visit) -> Result<Response, PageError> {
    let shown = find(visit).await?;
    let User { app, authority, .. } = &visit.session.visitor;
    let token = &shown.listed.token;
    match visit.service().revoke(app, authority, token.id, None).await? {
        Ok(()) => {
            let notice = Notice::OwnTokenRevoked(visit.language().own_token_name(token));
            Ok(visit.done(&visit.arrival.home, notice))
        }
        Err(refusal) => {
            let error = refused(visit.language(), refusal)?;
            let texts = Texts::of(token);
            Ok(visit.again((), |frame| page(visit, frame, &shown, texts, error)))
        }
    }
}

pub(super) async fn ask_for_new(visit: &Visit) -> Result<Response, PageError> {
    let empty = Texts { title: Field::default(), tags: Field::default(), description: Field::default() };
    Ok(visit.page((), |frame| new_page(visit, frame, empty, "")))
}

/// The names that the user's token may grant on everything.
fn grantable(authority: &Authority) -> Vec<String> {
    match authority {
        Authority::SelfService { holding, .. } => {
            holding.scopes.global_permissions().into_iter().map(ToString::to_string).collect()
        }
        Authority::Everything(_) | Authority::Manager { .. } => Vec::new(),
    }
}

fn new_page(visit: &Visit, frame: &Frame<'_>, texts: Texts, error: &str) -> String {
    let (form, language) = (visit.form(), frame.language);
    let chosen: Vec<&str> = form.all("permission").collect();
    let permissions = grantable(&visit.session.visitor.authority).into_iter().map(|name| Choice {
        is_chosen: chosen.contains(&name.as_str()),
        label: name.clone(),
        value: name,
    });
    let asked = form.given("lifetime").unwrap_or("0");
    let lifetimes = DAYS.map(|days| Choice {
        value: days.to_string(),
        label: lifetime_label(language, days),
        is_chosen: asked == days.to_string(),
    });
    let Texts { title, tags, description } = texts;
    NewOwnToken {
        frame,
        title,
        tags,
        description,
        permissions: permissions.collect(),
        lifetimes: lifetimes.into(),
        error,
    }
    .html()
}

fn lifetime_label(language: Language, days: i64) -> String {
    match u64::try_from(days) {
        Ok(0) => language.self_lifetime_default().to_owned(),
        Ok(days) => language.days(days),
        Err(_) => language.self_no_expiry().to_owned(),
    }
}

/// How long a new token lives, by the value of the form. The default is cut to what the user may give.
fn lifetime(visit: &Visit) -> Option<RequestedLifetime> {
    let app = &visit.session.visitor.app;
    let asked = visit.form().given("lifetime").unwrap_or("0");
    let days = asked.parse().ok().filter(|days| DAYS.contains(days))?;
    Some(match u32::try_from(days) {
        Ok(0) => RequestedLifetime::Default(app.settings.common.appkey.default_lifetime()),
        Ok(days) => RequestedLifetime::Asked(Lifetime::days(days)),
        Err(_) => RequestedLifetime::Asked(Lifetime::Unlimited),
    })
}

pub(super) async fn create(visit: &Visit) -> Result<Response, PageError> {
    let User { app, authority, .. } = &visit.session.visitor;
    let Edit { title, tags, description, .. } = match Texts::read(visit) {
        Ok(edit) => edit,
        Err(texts) => return Ok(visit.again((), |frame| new_page(visit, frame, *texts, ""))),
    };
    let lifetime = lifetime(visit).ok_or(PageError::Request)?;
    let permissions = visit.form().all("permission").map(str::parse).collect::<Result<Vec<_>, _>>();
    let permissions = permissions.map_err(|_| PageError::Request)?;
    let texts = |visit: &Visit| {
        let [title, tags, description] =
            ["title", "tags", "description"].map(|name| Field::of(visit.form().text(name)));
        Texts { title, tags, description }
    };
    let again = |refusal: Refusal| -> Result<Response, PageError> {
        let error = refused(visit.language(), refusal)?;
        Ok(visit.again((), |frame| new_page(visit, frame, texts(visit), error)))
    };
    let owner = match authority.owner(None) {
        Ok(owner) => owner,
        Err(refusal) => return again(refusal.into()),
    };
    let scopes = match Scopes::from_global(permissions) {
        Ok(scopes) => scopes,
        Err(limit) => return again(AuthorityRefusal::from(limit).into()),
    };
    let spec = TokenSpec { title, tags, description, ..TokenSpec::new(TokenKind::Grant, owner, scopes) };
    match visit.service().issue(app, authority, Issue { spec, lifetime }).await? {
        Err(refusal) => again(refusal),
        Ok(issued) => {
            let notice = Notice::OwnTokenCreated(visit.language().own_token_name(&issued.token));
            let secrets = vec![(CredentialKind::AccessToken, issued.secret)];
            Ok(visit.made(&path(visit, issued.token.id, ""), notice, secrets))
        }
    }
}
