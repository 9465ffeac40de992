//! Converts what commands send to what the service takes.

use crate::error::CommandError;
use crate::request::{FilterText, ScopeText, TokenDraft, TokenEdit};
use jeton_core::{
    Demand, Permission, PermissionError, Resource, Timestamp, TokenState, UseLimitError, UseRate, UserId,
    UserIdError,
};
use jeton_service::{
    DraftError, Edit, EditDraft, Issue, OpenApp, ScopeDraft, SearchRequest, instant, lifetime_of_days,
    text_sought, title_sought,
};

pub(super) fn issue_of(app: &OpenApp, draft: TokenDraft) -> Result<Issue, CommandError> {
    if draft.expires_in_days == Some(0) {
        return Err(CommandError::usage(
            "--expires-in-days is 1 to 36500, or -1 for never; without it, the app decides",
        ));
    }
    let described = jeton_service::TokenDraft {
        user_id: draft.user_id.as_deref().map(user_of).transpose()?,
        title: draft.title,
        tags: draft.tags,
        description: draft.description,
        permissions: draft.permissions,
        scopes: described(draft.scopes),
        lifetime: lifetime_of_days(draft.expires_in_days).map_err(misfit)?,
        not_before: draft.not_before.as_deref().map(beginning).transpose()?.flatten(),
        allowed_addresses: draft.allowed_addresses,
        uses_left: draft.uses.as_deref().map(uses).transpose()?.flatten(),
        rates: rates(&draft.rates)?.unwrap_or_default(),
    };
    described.issue(app).map_err(misfit)
}

pub(super) fn edit_of(edit: TokenEdit) -> Result<Edit, CommandError> {
    if edit.expires_in_days == Some(0) {
        return Err(CommandError::usage(
            "--expires-in-days is 1 to 36500, or -1 for never: to end a token now, revoke or disable it",
        ));
    }
    let draft = EditDraft {
        title: edit.title.map(Some),
        tags: edit.tags.map(Some),
        description: edit.description.map(Some),
        permissions: edit.permissions,
        scopes: described(edit.scopes),
        enabled: edit.enabled,
        lifetime: lifetime_of_days(edit.expires_in_days).map_err(misfit)?,
        not_before: edit.not_before.as_deref().map(beginning).transpose()?,
        allowed_addresses: edit.allowed_addresses,
        uses_left: edit.uses.as_deref().map(uses).transpose()?,
        rates: rates(&edit.rates)?,
    };
    draft.edit().map_err(misfit)
}

/// What is to be revoked.
pub(super) fn revocation_of(filter: FilterText) -> Result<SearchRequest, CommandError> {
    let search = search_of(filter)?;
    // Commands ask for a condition already; whoever sends a request without any is not to revoke all tokens by that.
    if search.is_empty() { Err(CommandError::usage("name the tokens to revoke")) } else { Ok(search) }
}

/// What is sought.
pub(super) fn search_of(filter: FilterText) -> Result<SearchRequest, CommandError> {
    let FilterText { user_id, title, tag, state, unused_days, expiring_days, created_before } = filter;
    let user_of = |text: &str| {
        text.parse().map_err(|error: UserIdError| CommandError::usage(format!("--user-id: {error}")))
    };
    Ok(SearchRequest {
        user_id: user_id.as_deref().map(user_of).transpose()?,
        title: title_sought(title.as_deref()).map_err(misfit)?,
        tag: text_sought("--tag", tag.as_deref()).map_err(misfit)?,
        state: state.as_deref().map(state_of).transpose()?,
        unused_days,
        expires_within_days: expiring_days,
        created_before: created_before
            .map(|text| instant("--created-before", &text))
            .transpose()
            .map_err(misfit)?,
        ..SearchRequest::default()
    })
}

fn state_of(name: &str) -> Result<TokenState, CommandError> {
    let known = || TokenState::ALL.map(TokenState::name).join(", ");
    TokenState::from_name(name)
        .ok_or_else(|| CommandError::usage(format!("--state {name}: it is one of {}", known())))
}

/// How often a token may be used; `None`: any number of times.
fn uses(text: &str) -> Result<Option<u64>, CommandError> {
    let wrong = || CommandError::usage(format!("--uses {}, or unlimited", UseLimitError::Uses));
    if text == "unlimited" { Ok(None) } else { text.parse().map(Some).map_err(|_| wrong()) }
}

/// How often in a time; `None`: nothing is said.
fn rates(texts: &[String]) -> Result<Option<Vec<UseRate>>, CommandError> {
    let wrong =
        |error: UseLimitError| CommandError::usage(format!("--rate {error}, such as 100/60; or none"));
    match texts {
        [] => Ok(None),
        [none] if none == "none" => Ok(Some(Vec::new())),
        texts => texts.iter().map(|text| text.parse()).collect::<Result<_, _>>().map(Some).map_err(wrong),
    }
}

/// When a token begins to be valid; `None`: at once.
fn beginning(text: &str) -> Result<Option<Timestamp>, CommandError> {
    if text == "now" { Ok(None) } else { instant("--not-before", text).map(Some).map_err(misfit) }
}

pub(super) fn demand(
    permission: Option<&str>,
    id: Option<String>,
    tags: Vec<String>,
) -> Result<Demand, CommandError> {
    let no_permission = |error: PermissionError| CommandError::usage(error.to_string());
    let permission = permission.map(|name| Permission::held(name).map_err(no_permission)).transpose()?;
    Demand::new(permission, Resource::named(id, tags))
        .map_err(|missing| CommandError::usage(missing.to_string()))
}

/// Scopes of a command, which names none by naming no option.
fn described(scopes: Vec<ScopeText>) -> Option<Vec<ScopeDraft>> {
    (!scopes.is_empty()).then(|| scopes.into_iter().map(ScopeDraft::from).collect())
}

impl From<ScopeText> for ScopeDraft {
    fn from(scope: ScopeText) -> Self {
        let ScopeText { permissions, global, ids, tags } = scope;
        ScopeDraft { permissions, global, ids, tags }
    }
}

fn user_of(text: &str) -> Result<UserId, CommandError> {
    text.parse().map_err(|error: UserIdError| CommandError::usage(error.to_string()))
}

/// What the service says, in the words of whoever types it.
pub(super) fn misfit(error: DraftError) -> CommandError {
    match error {
        DraftError::Addresses(error) => CommandError::usage(format!("--allow-address {error}")),
        DraftError::Uses(error) => CommandError::usage(format!("--uses {error}")),
        DraftError::Rates(error) => CommandError::usage(format!("--rate {error}")),
        DraftError::Days => CommandError::usage("--expires-in-days is -1 to 36500"),
        other => CommandError::usage(other.to_string()),
    }
}
