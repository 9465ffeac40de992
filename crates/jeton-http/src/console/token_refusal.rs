//! Why a token cannot be as it was entered, in words.

use crate::browser::error::PageError;
use jeton_console::Language;
use jeton_core::{AuthorityRefusal, ScopesError};
use jeton_service::{DraftError, Refusal};

/// Why no token is like that, in words.
pub(super) fn draft_refused(error: DraftError, language: Language) -> String {
    match error {
        DraftError::Addresses(_) => language.token_addresses_wrong().to_owned(),
        DraftError::Uses(_) => language.token_uses_wrong().to_owned(),
        DraftError::Rates(_) => language.token_rates_wrong().to_owned(),
        DraftError::Scopes(limit) => limit_refused(limit, language),
        DraftError::Permissions(_) | DraftError::ScopePermission(_) => language.wrong_permission().to_owned(),
        DraftError::Text { .. }
        | DraftError::User(_)
        | DraftError::UserForm
        | DraftError::UserTooLarge
        | DraftError::Days
        | DraftError::EndsNow
        | DraftError::Instant(_) => language.wrong_token().to_owned(),
    }
}

/// The same of what a use case has refused. `Err`: there is no such token.
pub(super) fn refused(refusal: Refusal, language: Language) -> Result<String, PageError> {
    let refusal = match refusal {
        Refusal::NotFound => return Err(PageError::NotFound),
        Refusal::Forbidden(refusal) => refusal,
    };
    Ok(match refusal {
        AuthorityRefusal::Limit(limit) => limit_refused(limit, language),
        AuthorityRefusal::Reserved | AuthorityRefusal::ServiceToken => language.wrong_reserved().to_owned(),
        AuthorityRefusal::NeverBegins => language.token_never_begins().to_owned(),
        AuthorityRefusal::NoLimits => language.token_no_limits().to_owned(),
        AuthorityRefusal::IdentityToken => language.wrong_identity().to_owned(),
        AuthorityRefusal::Policy(policy) => language.wrong_policy(policy.name()),
        AuthorityRefusal::NotHeld
        | AuthorityRefusal::Outlives
        | AuthorityRefusal::MoreOften
        | AuthorityRefusal::BeginsEarlier
        | AuthorityRefusal::Elsewhere
        | AuthorityRefusal::BeyondCaller
        | AuthorityRefusal::NotYours
        | AuthorityRefusal::DisabledByAnother
        | AuthorityRefusal::WouldWiden
        | AuthorityRefusal::UnknownPermission => language.wrong_token().to_owned(),
    })
}

fn limit_refused(limit: ScopesError, language: Language) -> String {
    match limit {
        ScopesError::TooMany(most) => language.wrong_many_scopes(most),
        ScopesError::TooManyNames(most) => language.wrong_many_names(most),
        ScopesError::NameLength(most) => language.wrong_name_length(most),
    }
}
