//! Converts what commands send to what the service takes.

use crate::error::CommandError;
use crate::request::{ImportText, ScopeText, TokenDraft, TokenEdit};
use jeton_core::{
    Demand, Description, Label, LabelError, Lifetime, Owner, Permission, PermissionError, Resource, Scope,
    Scopes, Secret, Timestamp, TokenKind, UserId,
};
use jeton_service::{Edit, ImportRow, Issue, OpenApp, RequestedLifetime};
use jiff::civil::date;
use jiff::fmt::temporal::Pieces;
use serde_json::Value;

/// 2^63: beyond every integer of 64 bits.
const TOO_LARGE: f64 = 9_223_372_036_854_775_808.0;

pub(super) fn issue_of(app: &OpenApp, draft: TokenDraft) -> Result<Issue, CommandError> {
    let has_scopes = draft.permissions.is_some() || !draft.scopes.is_empty();
    let scopes = scopes_of(draft.permissions.as_deref(), &draft.scopes)?;
    let lifetime = match lifetime(draft.expires_in_days)? {
        Some(lifetime) => RequestedLifetime::Asked(lifetime),
        None => RequestedLifetime::Default(app.settings.common.default_lifetime()),
    };
    Ok(Issue {
        kind: kind_of(has_scopes, &scopes),
        owner: draft.user_id.as_deref().map_or(Ok(Owner::Nobody), |text| user_of(text).map(Owner::Named))?,
        lifetime,
        title: label("title", draft.title)?,
        tags: label("tags", draft.tags)?,
        description: description(draft.description)?,
        permissions_as_sent: draft.permissions,
        scopes,
        document: None,
    })
}

pub(super) fn edit_of(edit: TokenEdit) -> Result<Edit, CommandError> {
    if edit.expires_in_days == Some(0) {
        return Err(CommandError::usage(
            "--expires-in-days is 1 to 36500, or -1 for never: to end a token now, revoke or disable it",
        ));
    }
    let has_scopes = edit.permissions.is_some() || !edit.scopes.is_empty();
    let scopes = has_scopes.then(|| scopes_of(edit.permissions.as_deref(), &edit.scopes)).transpose()?;
    Ok(Edit {
        title: label("title", edit.title)?,
        tags: label("tags", edit.tags)?,
        description: description(edit.description)?,
        permissions: None,
        scopes,
        known_permissions: None,
        enabled: edit.enabled,
        lifetime: lifetime(edit.expires_in_days)?,
    })
}

pub(super) fn import_row(row: ImportText) -> Result<ImportRow, CommandError> {
    let has_scopes = row.permissions.is_some() || row.scopes.is_some();
    let listed: Vec<ScopeText> = row.scopes.into_iter().flatten().map(|scope| scope.0).collect();
    let scopes = scopes_of(row.permissions.as_deref(), &listed)?;
    let owner = match &row.user_id {
        None | Some(Value::Null) => Owner::Nobody,
        Some(Value::String(text)) => {
            let user =
                user_of(text).map_err(|error| CommandError::usage(format!("user_id: {}", error.message)))?;
            Owner::Named(user)
        }
        Some(value) => {
            let wanted = if value.is_u64() || value.as_f64().is_some_and(|number| number.abs() >= TOO_LARGE) {
                "user_id is an integer or a string: as a number it has at most 64 bits, write a larger one as a string"
            } else {
                "user_id is an integer or a string"
            };
            let number = value.as_i64().ok_or_else(|| CommandError::usage(wanted))?;
            Owner::Named(UserId::from_integer(number))
        }
    };
    Ok(ImportRow {
        secret: Secret::parse(&row.access_token)
            .map_err(|error| CommandError::usage(format!("access_token: {error}")))?,
        issue: Issue {
            kind: if has_scopes { TokenKind::Grant } else { TokenKind::Identity },
            owner,
            lifetime: RequestedLifetime::Asked(Lifetime::Unlimited),
            title: label("title", row.title)?,
            tags: label("tags", row.tags)?,
            description: description(row.description)?,
            permissions_as_sent: row.permissions,
            scopes,
            document: None,
        },
        created_at: row.created_at.map(|text| instant("created_at", &text)).transpose()?,
        expires_at: row.expires_at.map(|text| end(&text)).transpose()?.flatten(),
        enabled: row.enabled.unwrap_or(true),
    })
}

pub(super) fn demand(
    permission: Option<&str>,
    id: Option<String>,
    tags: Vec<String>,
) -> Result<Demand, CommandError> {
    let permission = permission.map(|name| Permission::held(name).map_err(no_permission)).transpose()?;
    Demand::new(permission, Resource::named(id, tags))
        .map_err(|missing| CommandError::usage(missing.to_string()))
}

/// Permissions reserved for Jeton, and nothing else, make a service credential.
fn kind_of(has_scopes: bool, scopes: &Scopes) -> TokenKind {
    if !has_scopes {
        TokenKind::Identity
    } else if TokenKind::Service.check_scopes(scopes).is_ok() {
        TokenKind::Service
    } else {
        TokenKind::Grant
    }
}

fn scopes_of(permissions: Option<&str>, scopes: &[ScopeText]) -> Result<Scopes, CommandError> {
    let names = Permission::parse_list(permissions.unwrap_or_default());
    let names = names.map_err(|error| CommandError::usage(format!("permissions: {error}")))?;
    let mut all = Vec::new();
    if !names.is_empty() {
        all.push(Scope::global(names));
    }
    for scope in scopes {
        let permissions: Result<Vec<Permission>, CommandError> =
            scope.permissions.iter().map(|name| name.parse().map_err(no_permission_of_scope)).collect();
        let (ids, tags) = (scope.ids.clone(), scope.tags.clone());
        all.push(Scope { permissions: permissions?, global: scope.global, ids, tags });
    }
    Scopes::new(all).map_err(|error| CommandError::usage(error.to_string()))
}

fn no_permission_of_scope(error: PermissionError) -> CommandError {
    CommandError::usage(format!("permissions of a scope: {error}"))
}

fn no_permission(error: PermissionError) -> CommandError {
    CommandError::usage(error.to_string())
}

fn user_of(text: &str) -> Result<UserId, CommandError> {
    text.parse().map_err(|error: jeton_core::UserIdError| CommandError::usage(error.to_string()))
}

/// -1: never; 0 or absent: the default.
fn lifetime(days: Option<i64>) -> Result<Option<Lifetime>, CommandError> {
    match days {
        None | Some(0) => Ok(None),
        Some(-1) => Ok(Some(Lifetime::Unlimited)),
        Some(days) => match u32::try_from(days) {
            Ok(days) if days <= 36_500 => Ok(Some(Lifetime::days(days))),
            Ok(_) | Err(_) => Err(CommandError::usage("--expires-in-days is -1 to 36500")),
        },
    }
}

fn label(name: &str, text: Option<String>) -> Result<Option<Label>, CommandError> {
    text.map(Label::new).transpose().map_err(|error| invalid(name, error))
}

fn description(text: Option<String>) -> Result<Option<Description>, CommandError> {
    text.map(Description::new).transpose().map_err(|error| invalid("description", error))
}

fn invalid(name: &str, error: LabelError) -> CommandError {
    CommandError::usage(format!("{name} {error}"))
}

fn instant(name: &str, text: &str) -> Result<Timestamp, CommandError> {
    let parsed: Option<jiff::Timestamp> = text.parse().ok();
    let instant = parsed.and_then(|instant| Timestamp::from_millis(instant.as_millisecond()));
    instant.ok_or_else(|| {
        CommandError::usage(format!(
            "{name} is a time as in 2026-11-21T08:00:00Z, with its offset, in the years 0 to 9999"
        ))
    })
}

/// When a token expires; `None`: never. Many systems write "never" as the last day of the year 9999, and no
/// later instant is valid here.
fn end(text: &str) -> Result<Option<Timestamp>, CommandError> {
    let is_beyond_time = || {
        let pieces = Pieces::parse(text).ok()?;
        let has_instant = pieces.time().is_some() && pieces.to_numeric_offset().is_some();
        Some(has_instant && pieces.date() >= date(9999, 12, 30))
    };
    match instant("expires_at", text) {
        Ok(instant) => Ok(Some(instant)),
        Err(_) if is_beyond_time() == Some(true) => Ok(None),
        Err(refused) => Err(refused),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_time_is_never() {
        for never in [
            "9999-12-31T23:59:59Z",
            "9999-12-31T23:59:59.9999999Z",
            "9999-12-31T00:00:00+14:00",
            "9999-12-30T12:00:00Z",
            "9999-12-31 23:59:59-12:00",
        ] {
            assert_eq!(end(never).unwrap(), None, "{never}");
        }
        assert_eq!(end("9999-12-30T00:00:00Z").unwrap(), Some(Timestamp::MAX));
        assert!(end("2026-11-21T08:00:00+08:00").unwrap().is_some());
        for bad in [
            "9999-12-31",
            "9999-12-31T23:59:59",
            "9999-13-31T00:00:00Z",
            "10000-01-01T00:00:00Z",
            "never",
            "",
            "2026-11-21T08:00:00",
            "2026-02-30T00:00:00Z",
        ] {
            let reason = end(bad).unwrap_err().message;
            assert!(reason.starts_with("expires_at is a time as in 2026-11-21T08:00:00Z"), "{bad}: {reason}");
        }
        assert!(instant("created_at", "9999-12-31T23:59:59Z").is_err(), "nothing was created then");
    }
}
