//! Merging a write into an existing row.

use super::caller::Writer;
use super::document::{LoopBackDocument, to_json};
use super::expiry::Expiry;
use super::input::RowInput;
use super::row::ttl;
use super::write::WriteRefusal;
use crate::apps::OpenApp;
use jeton_core::{Authority, Owner, Scopes, Timestamp, Token, TokenKind, UserId, later_end};

/// What happens to the properties that a write does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// They keep their values.
    Stays,
    /// They get the values of a new row.
    Resets,
}

/// Why rows could not be merged.
#[derive(Clone, Copy, Debug)]
pub(super) enum MergeError {
    Refused(WriteRefusal),
    /// The existing document cannot be read.
    Unreadable,
}

/// The conditions under which a row is written.
pub(super) struct Terms<'a> {
    pub(super) app: &'a OpenApp,
    pub(super) writer: &'a Writer,
    /// The writer's authority over tokens; `None`: none.
    pub(super) authority: Option<Authority>,
    pub(super) now: Timestamp,
    /// At most this many bytes of other properties.
    pub(super) max_bytes: usize,
}

/// The token of a row after a write.
pub(super) fn merged(
    before: &Token,
    input: &RowInput,
    rest: Rest,
    terms: &Terms<'_>,
) -> Result<Token, MergeError> {
    let mut after = before.clone();
    after.updated_at = terms.now.max(before.updated_at);
    let (mut document, expiry) = match rest {
        Rest::Stays => {
            let mut document = LoopBackDocument::of(before).ok_or(MergeError::Unreadable)?;
            let expiry = merge(&mut after, &mut document, input, terms);
            (document, expiry)
        }
        Rest::Resets => (LoopBackDocument::new(input), Some(reset(&mut after, input, terms))),
    };
    if let Some(mut expiry) = expiry {
        expiry.end_by(terms.latest_end(before));
        let policies = &terms.app.settings.common.policies;
        let latest = policies.latest(terms.writer.kind(), terms.now);
        expiry.end_by(latest.and_then(|latest| later_end(before.expires_at, Some(latest))));
        after.created_at = expiry.created_at;
        after.expires_at = expiry.expires_at();
        document.set_expiry(&expiry, terms.now);
    }
    after.return_to_loopback(terms.now);
    let too_large = MergeError::Refused(WriteRefusal::TooLarge(terms.max_bytes));
    after.spec.document = Some(document.into_document(terms.max_bytes).ok_or(too_large)?);
    Ok(after)
}

impl Terms<'_> {
    /// The latest expiry that the row may get: it may always expire sooner, and later only within the
    /// writer's authority. A token that proves anything is not revived after it expired, except by a writer
    /// that is admitted by name.
    fn latest_end(&self, before: &Token) -> Option<Timestamp> {
        let may_prolong = match before.spec.kind {
            // It proves nothing, and lives no longer than one created now.
            TokenKind::SelfMade => true,
            _ => self.authority.as_ref().is_some_and(|authority| authority.may_prolong(before, self.now)),
        };
        if may_prolong {
            later_end(before.expires_at, self.writer.ends_at(self.app))
        } else {
            before.expires_at
        }
    }
}

/// Merges the given properties into the row. Returns its expiry, if one of them changes it.
fn merge(
    token: &mut Token,
    document: &mut LoopBackDocument,
    input: &RowInput,
    terms: &Terms<'_>,
) -> Option<Expiry> {
    let before = token.clone();
    if let Some(user) = &input.user {
        give(token, user.as_ref(), terms.writer);
        document.user_is_null = user.is_none();
    }
    for (name, value) in &input.rest {
        document.rest.insert(name.clone(), to_json(value));
    }
    let changes_expiry =
        input.ttl.is_some() || input.created.is_some() || token.spec.kind != before.spec.kind;
    changes_expiry.then(|| {
        let ttl = input.ttl.clone().unwrap_or_else(|| ttl(&before, document));
        let shown = (!document.created_is_null).then_some(before.created_at);
        let created = input.created.unwrap_or(shown);
        let created = (created, created.unwrap_or(before.created_at));
        Expiry::new(&terms.app.settings, token.spec.kind, created, ttl, terms.now)
    })
}

/// The same if absent properties are reset. A user that is not given is removed.
fn reset(token: &mut Token, input: &RowInput, terms: &Terms<'_>) -> Expiry {
    give(token, input.user.as_ref().and_then(Option::as_ref), terms.writer);
    Expiry::of(input, terms.app, token.spec.kind, terms.now)
}

/// Sets the row's user. Unless the writer is admitted by name, the row becomes self-made: its bearer would
/// otherwise become another user, perhaps the writer's own.
fn give(token: &mut Token, user: Option<&UserId>, writer: &Writer) {
    if user == token.spec.owner.shown() {
        return;
    }
    if !writer.is_named {
        token.spec.kind = TokenKind::SelfMade;
        token.spec.scopes = Scopes::none();
    }
    // A grant says what is allowed, and elsewhere it would be allowed to that user: the user is shown, and
    // proves nothing.
    let owner = if token.spec.kind == TokenKind::Grant { Owner::StandIn } else { Owner::Named };
    token.spec.owner = user.cloned().map_or(Owner::Nobody, owner);
}
