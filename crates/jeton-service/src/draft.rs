//! Tokens as people and programs describe them, to commands and to the admin API alike: what each part means, and what
//! makes no sense. No error quotes what it is about.

use crate::open_app::OpenApp;
use crate::update::Cleared;
use crate::{Edit, Issue, RequestedLifetime};
use jeton_core::{
    AddressError, AllowedAddresses, Bounds, Description, Label, LabelError, Lifetime, Lineage, MAX_USES,
    Owner, Permission, PermissionError, Scope, Scopes, ScopesError, Timestamp, TokenKind, TokenSpec,
    UseLimitError, UseLimits, UseRate, UseRates, UserId, UserIdError,
};
use jiff::civil::date;
use jiff::fmt::temporal::Pieces;
use serde_json::Value;

/// Most days for which a token can be asked to live, and that can be asked about.
pub const MAX_DAYS: u32 = 36_500;
/// 2^63: beyond every integer of 64 bits.
const TOO_LARGE: f64 = 9_223_372_036_854_775_808.0;

/// A token to be issued, as it is described.
#[derive(Clone, Debug, Default)]
pub struct TokenDraft {
    /// Whose it is.
    pub user_id: Option<UserId>,
    /// Its name.
    pub title: Option<String>,
    /// Free text for sorting.
    pub tags: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// Names of permissions on everything, separated by commas.
    pub permissions: Option<String>,
    /// What it allows besides. Neither this nor permissions: it says who its user is, and allows nothing.
    pub scopes: Option<Vec<ScopeDraft>>,
    /// How long it lives; `None`: as long as the app decides, or, if it is a service credential, until it is revoked.
    pub lifetime: Option<Lifetime>,
    /// From when it is valid; `None`: at once.
    pub not_before: Option<Timestamp>,
    /// The addresses and CIDR blocks from which it may be used; empty: from everywhere.
    pub allowed_addresses: Vec<String>,
    /// How often it may be used; `None`: any number of times.
    pub uses_left: Option<u64>,
    /// How often in a time; empty: any number of times.
    pub rates: Vec<UseRate>,
}

/// What to change of a token, as it is described. `None` leaves a part as it is; `Some(None)` takes a text away.
#[derive(Clone, Debug, Default)]
pub struct EditDraft {
    /// Its name.
    pub title: Option<Option<String>>,
    /// Free text for sorting.
    pub tags: Option<Option<String>>,
    /// Free text.
    pub description: Option<Option<String>>,
    /// Names of permissions on everything, separated by commas. They replace all scopes, with those beside them.
    pub permissions: Option<String>,
    /// All of its scopes.
    pub scopes: Option<Vec<ScopeDraft>>,
    /// Whether it is switched on.
    pub enabled: Option<bool>,
    /// How long it lives from now on.
    pub lifetime: Option<Lifetime>,
    /// From when it is valid; `Some(None)`: at once.
    pub not_before: Option<Option<Timestamp>>,
    /// The addresses and CIDR blocks from which it may be used; `Some` and empty: from everywhere.
    pub allowed_addresses: Option<Vec<String>>,
    /// How often it may be used from now on; `Some(None)`: any number of times.
    pub uses_left: Option<Option<u64>>,
    /// How often in a time; `Some` and empty: any number of times.
    pub rates: Option<Vec<UseRate>>,
}

/// A scope, as it is described.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeDraft {
    /// Which actions.
    pub permissions: Vec<String>,
    /// Whether on everything.
    pub global: bool,
    /// On these resources.
    pub ids: Vec<String>,
    /// On those that bear all of these tags.
    pub tags: Vec<String>,
}

/// Why a description makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    /// A text is none that a token can have.
    #[error("{member} {error}")]
    Text {
        /// Which.
        member: &'static str,
        /// Why.
        error: LabelError,
    },
    /// A name among the permissions is none.
    #[error("permissions: {0}")]
    Permissions(PermissionError),
    /// A name among the permissions of a scope is none.
    #[error("permissions of a scope: {0}")]
    ScopePermission(PermissionError),
    /// Together they are no scopes of one token.
    #[error(transparent)]
    Scopes(#[from] ScopesError),
    /// A text is no user id.
    #[error("user_id: {0}")]
    User(#[from] UserIdError),
    /// It is neither an integer nor a text.
    #[error("user_id is an integer or a string")]
    UserForm,
    /// It is a number that is no integer of 64 bits.
    #[error(
        "user_id is an integer or a string: as a number it has at most 64 bits, write a larger one as a string"
    )]
    UserTooLarge,
    /// It is no number of days for which a token may be asked to live.
    #[error("expires_in_days is -1 to {MAX_DAYS}")]
    Days,
    /// What is to be its list of addresses is none.
    #[error("allowed_addresses {0}")]
    Addresses(#[from] AddressError),
    /// What is to be the number of its uses is none.
    #[error("uses_left {0}")]
    Uses(UseLimitError),
    /// What are to be its rates are none.
    #[error("rates {0}")]
    Rates(UseLimitError),
    /// It would end a token that is there.
    #[error("to end a token now, revoke or disable it")]
    EndsNow,
    /// It is no instant.
    #[error("{0} is a time as in 2026-11-21T08:00:00Z, with its offset, in the years 0 to 9999")]
    Instant(&'static str),
}

impl TokenDraft {
    /// The token to be issued in this app.
    ///
    /// Permissions of Jeton's own, and nothing else, make a service credential; other scopes, and none that are named as
    /// such, a grant; nothing of that kind an identity token.
    ///
    /// # Errors
    /// The first part that makes no sense.
    pub fn issue(self, app: &OpenApp) -> Result<Issue, DraftError> {
        let has_scopes = self.permissions.is_some() || self.scopes.is_some();
        let scopes = scopes_of(self.permissions.as_deref(), &self.scopes.unwrap_or_default())?;
        let kind = kind_of(has_scopes, &scopes);
        let default = || {
            RequestedLifetime::Default(match kind {
                // What gateways and backends authenticate with is not to end some day without a word.
                TokenKind::Service => Lifetime::Unlimited,
                _ => app.settings.common.default_lifetime(),
            })
        };
        Ok(Issue {
            lifetime: self.lifetime.map_or_else(default, RequestedLifetime::Asked),
            spec: TokenSpec {
                kind,
                owner: self.user_id.map_or(Owner::Nobody, Owner::Named),
                title: label("title", self.title)?,
                tags: label("tags", self.tags)?,
                description: description(self.description)?,
                permissions_as_sent: self.permissions,
                scopes,
                bounds: Bounds {
                    not_before: self.not_before,
                    allowed_addresses: addresses_of(&self.allowed_addresses)?,
                },
                limits: limits_of(self.uses_left, self.rates)?,
                lineage: Lineage::NONE,
                document: None,
            },
        })
    }
}

impl EditDraft {
    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        let texts = [&self.title, &self.tags, &self.description];
        texts.iter().all(|text| text.is_none())
            && self.permissions.is_none()
            && self.scopes.is_none()
            && self.enabled.is_none()
            && self.lifetime.is_none()
            && self.not_before.is_none()
            && self.allowed_addresses.is_none()
            && self.uses_left.is_none()
            && self.rates.is_none()
    }

    /// The change.
    ///
    /// # Errors
    /// The first part that makes no sense.
    pub fn edit(self) -> Result<Edit, DraftError> {
        let has_scopes = self.permissions.is_some() || self.scopes.is_some();
        let scopes = self.scopes.unwrap_or_default();
        let scopes = has_scopes.then(|| scopes_of(self.permissions.as_deref(), &scopes)).transpose()?;
        let is_cleared = |text: &Option<Option<String>>| matches!(text, Some(None));
        Ok(Edit {
            cleared: Cleared {
                title: is_cleared(&self.title),
                tags: is_cleared(&self.tags),
                description: is_cleared(&self.description),
            },
            title: label("title", self.title.flatten())?,
            tags: label("tags", self.tags.flatten())?,
            description: description(self.description.flatten())?,
            permissions: None,
            scopes,
            known_permissions: None,
            enabled: self.enabled,
            lifetime: self.lifetime,
            not_before: self.not_before,
            allowed_addresses: self.allowed_addresses.as_deref().map(addresses_of).transpose()?,
            uses: self
                .uses_left
                .map(|uses| limits_of(uses, Vec::new()).map(|limits| limits.allowance))
                .transpose()?,
            rates: self.rates.map(rates_of).transpose()?,
        })
    }
}

/// The list of these addresses and blocks; `None`: there are none in it, and it bounds nothing.
///
/// # Errors
/// One of them makes no sense, or there are too many.
pub fn addresses_of(texts: &[String]) -> Result<Option<AllowedAddresses>, DraftError> {
    Ok(AllowedAddresses::parse(texts.iter().map(String::as_str))?)
}

/// The addresses and blocks that a JSON value lists, each as a text that is not read yet.
///
/// # Errors
/// It is no list of texts.
pub fn addresses_of_json(value: &Value) -> Result<Vec<String>, DraftError> {
    let texts = value
        .as_array()
        .and_then(|texts| texts.iter().map(|text| text.as_str().map(str::to_owned)).collect());
    texts.ok_or(DraftError::Addresses(AddressError::Form))
}

/// The limits of a new token.
///
/// # Errors
/// They make no sense.
pub(crate) fn limits_of(uses: Option<u64>, rates: Vec<UseRate>) -> Result<UseLimits, DraftError> {
    UseLimits::new(uses, rates_of(rates)?).map_err(DraftError::Uses)
}

/// The limits that JSON values describe: a number of uses, and a list of rates, each `{"limit", "per_seconds"}`.
///
/// # Errors
/// They make no sense.
pub fn limits_of_json(uses: Option<&Value>, rates: Option<&Value>) -> Result<UseLimits, DraftError> {
    limits_of(uses.map(uses_of_json).transpose()?, rates.map(rates_of_json).transpose()?.unwrap_or_default())
}

/// The number of uses that a JSON value says.
///
/// # Errors
/// It says none.
pub fn uses_of_json(value: &Value) -> Result<u64, DraftError> {
    value.as_u64().filter(|uses| *uses <= MAX_USES).ok_or(DraftError::Uses(UseLimitError::Uses))
}

/// The rates that a JSON value lists.
///
/// # Errors
/// It lists none.
pub fn rates_of_json(value: &Value) -> Result<Vec<UseRate>, DraftError> {
    let rates = value
        .as_array()
        .ok_or(UseLimitError::Rate)
        .and_then(|rates| rates.iter().map(|rate| rate_of_json(rate).ok_or(UseLimitError::Rate)).collect());
    rates.map_err(DraftError::Rates)
}

fn rate_of_json(value: &Value) -> Option<UseRate> {
    let members = value.as_object().filter(|members| members.len() == 2)?;
    let number = |name: &str| u32::try_from(members.get(name)?.as_u64()?).ok();
    UseRate::new(number("limit")?, number("per_seconds")?)
}

fn rates_of(rates: Vec<UseRate>) -> Result<UseRates, DraftError> {
    UseRates::new(rates).map_err(DraftError::Rates)
}

/// Permissions of Jeton's own, and nothing else, make a service credential.
fn kind_of(has_scopes: bool, scopes: &Scopes) -> TokenKind {
    if !has_scopes {
        TokenKind::Identity
    } else if TokenKind::Service.check_scopes(scopes).is_ok() {
        TokenKind::Service
    } else {
        TokenKind::Grant
    }
}

/// Permissions on everything, separated by commas, and further scopes.
///
/// # Errors
/// What of them makes no sense.
pub fn scopes_of(permissions: Option<&str>, scopes: &[ScopeDraft]) -> Result<Scopes, DraftError> {
    let names = Permission::parse_list(permissions.unwrap_or_default()).map_err(DraftError::Permissions)?;
    let mut all = Vec::new();
    if !names.is_empty() {
        all.push(Scope::global(names));
    }
    for scope in scopes {
        let permissions: Result<Vec<Permission>, PermissionError> =
            scope.permissions.iter().map(|name| name.parse()).collect();
        let permissions = permissions.map_err(DraftError::ScopePermission)?;
        let (ids, tags) = (scope.ids.clone(), scope.tags.clone());
        all.push(Scope { permissions, global: scope.global, ids, tags });
    }
    Ok(Scopes::new(all)?)
}

/// So many days: -1 is never, 0 and nothing are the default.
///
/// # Errors
/// It is another negative number, or too many.
pub fn lifetime_of_days(days: Option<i64>) -> Result<Option<Lifetime>, DraftError> {
    match days {
        None | Some(0) => Ok(None),
        Some(-1) => Ok(Some(Lifetime::Unlimited)),
        Some(days) => match u32::try_from(days) {
            Ok(days) if days <= MAX_DAYS => Ok(Some(Lifetime::days(days))),
            Ok(_) | Err(_) => Err(DraftError::Days),
        },
    }
}

/// A title, or tags: `member` says which.
///
/// # Errors
/// It is too long or holds a NUL.
pub fn label(member: &'static str, text: Option<String>) -> Result<Option<Label>, DraftError> {
    text.map(Label::new).transpose().map_err(|error| DraftError::Text { member, error })
}

/// A description.
///
/// # Errors
/// It is too long or holds a NUL.
pub fn description(text: Option<String>) -> Result<Option<Description>, DraftError> {
    let misfit = |error| DraftError::Text { member: "description", error };
    text.map(Description::new).transpose().map_err(misfit)
}

/// The user that a JSON value names; `null` names none.
///
/// # Errors
/// It is no user id.
pub fn user_id_of(value: &Value) -> Result<Option<UserId>, DraftError> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.parse()?)),
        value => match value.as_i64() {
            Some(number) => Ok(Some(UserId::from_integer(number))),
            None if value.is_u64() || value.as_f64().is_some_and(|number| number.abs() >= TOO_LARGE) => {
                Err(DraftError::UserTooLarge)
            }
            None => Err(DraftError::UserForm),
        },
    }
}

/// The instant that a text of RFC 3339 says; `member`: what it stands in.
///
/// # Errors
/// It says none.
pub fn instant(member: &'static str, text: &str) -> Result<Timestamp, DraftError> {
    let parsed: Option<jiff::Timestamp> = text.parse().ok();
    let instant = parsed.and_then(|instant| Timestamp::from_millis(instant.as_millisecond()));
    instant.ok_or(DraftError::Instant(member))
}

/// The end of a token; `None`: never. That is what the last day of the year 9999 stands for in many systems, and no later
/// instant is one here.
///
/// # Errors
/// It is no instant.
pub fn end_of_token(text: &str) -> Result<Option<Timestamp>, DraftError> {
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
    use serde_json::json;

    #[test]
    fn the_end_of_time_is_never() {
        for never in [
            "9999-12-31T23:59:59Z",
            "9999-12-31T23:59:59.9999999Z",
            "9999-12-31T00:00:00+14:00",
            "9999-12-30T12:00:00Z",
            "9999-12-31 23:59:59-12:00",
        ] {
            assert_eq!(end_of_token(never), Ok(None), "{never}");
        }
        assert_eq!(end_of_token("9999-12-30T00:00:00Z"), Ok(Some(Timestamp::MAX)));
        assert!(end_of_token("2026-11-21T08:00:00+08:00").unwrap().is_some());
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
            assert_eq!(end_of_token(bad), Err(DraftError::Instant("expires_at")), "{bad}");
        }
        assert!(instant("created_at", "9999-12-31T23:59:59Z").is_err(), "nothing was made then");
    }

    #[test]
    fn users_are_exact() {
        let user = |text: &str| Ok(Some(text.parse::<UserId>().unwrap()));
        assert_eq!(user_id_of(&json!(7)), user("7"));
        assert_eq!(user_id_of(&json!("7")), user("7"));
        assert_eq!(user_id_of(&json!("alice")), user("alice"));
        assert_eq!(user_id_of(&Value::Null), Ok(None));
        assert_eq!(user_id_of(&json!(u64::MAX)), Err(DraftError::UserTooLarge));
        assert_eq!(user_id_of(&json!(1e300)), Err(DraftError::UserTooLarge));
        assert_eq!(user_id_of(&json!(7.5)), Err(DraftError::UserForm));
        assert_eq!(user_id_of(&json!("")), Err(DraftError::User(UserIdError::Empty)));
    }

    #[test]
    fn an_edit_says_what_it_takes_away() {
        let draft = EditDraft { title: Some(None), tags: Some(Some("a".to_owned())), ..EditDraft::default() };
        assert!(!draft.is_empty() && EditDraft::default().is_empty());
        let edit = draft.edit().unwrap();
        assert_eq!(edit.cleared, Cleared { title: true, ..Cleared::default() });
        assert_eq!((edit.title, edit.tags.unwrap().as_str()), (None, "a"));
        assert!(edit.scopes.is_none());
        let emptied = EditDraft { scopes: Some(Vec::new()), ..EditDraft::default() };
        assert_eq!(emptied.edit().unwrap().scopes, Some(Scopes::none()));
    }
}
