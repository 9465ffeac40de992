//! What a write makes of a row that is there.

use super::caller::Writer;
use super::document::{LoopBackDocument, to_json};
use super::life::{Life, expiry, lifetime};
use super::row::ttl;
use super::said::Said;
use super::write::WriteFault;
use crate::apps::OpenApp;
use jeton_core::{Lifetime, Owner, Scopes, Timestamp, Token, TokenKind, UserId};

/// What becomes of the properties that a write does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// They stay.
    Stays,
    /// They are as if the row were created now.
    Resets,
}

/// Why there is no merged row.
#[derive(Clone, Copy, Debug)]
pub(super) enum MergeFault {
    Fault(WriteFault),
    /// The document that is there makes no sense.
    Unreadable,
}

/// The token of a row after a write.
pub(super) fn merged(
    before: &Token,
    said: &Said,
    rest: Rest,
    writer: &Writer,
    app: &OpenApp,
    (now, max_bytes): (Timestamp, usize),
) -> Result<Token, MergeFault> {
    let mut after = before.clone();
    after.updated_at = now.max(before.updated_at);
    let document = match rest {
        Rest::Stays => {
            let document = LoopBackDocument::of(before).ok_or(MergeFault::Unreadable)?;
            merge(&mut after, document, said, writer, app, now)
        }
        Rest::Resets => reset(&mut after, said, writer, app, now),
    };
    let too_large = MergeFault::Fault(WriteFault::TooLarge(max_bytes));
    after.document = Some(document.into_document(max_bytes).ok_or(too_large)?);
    Ok(after)
}

fn merge(
    token: &mut Token,
    mut document: LoopBackDocument,
    said: &Said,
    writer: &Writer,
    app: &OpenApp,
    now: Timestamp,
) -> LoopBackDocument {
    let before = token.clone();
    if let Some(user) = &said.user {
        give(token, user.as_ref(), writer);
        document.user_is_null = user.is_none();
    }
    if said.ttl.is_some() || said.created.is_some() || token.kind != before.kind {
        let shown = said.ttl.clone().unwrap_or_else(|| ttl(&before, &document));
        let created = match said.created {
            None if document.created_is_null => None,
            None => Some(before.created_at),
            Some(created) => created,
        };
        let lifetime = if created.is_none() { Lifetime::Millis(0) } else { lifetime(&shown, &app.settings) };
        token.created_at = created.unwrap_or(before.created_at);
        token.expires_at = expiry(&app.settings, token.kind, (token.created_at, now), lifetime);
        document.ttl = Some(to_json(&shown));
        document.ttl_ends_at = token.expires_at.map(Timestamp::as_millis);
        document.created_is_null = created.is_none();
    }
    for (name, value) in &said.rest {
        document.rest.insert(name.clone(), to_json(value));
    }
    document
}

/// A user that is not named is taken away.
fn reset(token: &mut Token, said: &Said, writer: &Writer, app: &OpenApp, now: Timestamp) -> LoopBackDocument {
    give(token, said.user.as_ref().and_then(Option::as_ref), writer);
    let life = Life::of(said, app, token.kind, now);
    token.created_at = life.created_at;
    token.expires_at = life.expires_at;
    LoopBackDocument::new(said, &life)
}

/// Makes the row this user's. Where nobody vouches for that, the row is self-made from now on.
fn give(token: &mut Token, user: Option<&UserId>, writer: &Writer) {
    if user == token.owner.shown() {
        return;
    }
    if !writer.vouches_for(user) {
        token.kind = TokenKind::SelfMade;
        token.scopes = Scopes::none();
    }
    // A grant says what is allowed, and elsewhere it would be allowed to that user: it is shown, and proves nothing.
    let owner = if token.kind == TokenKind::Grant { Owner::StandIn } else { Owner::Named };
    token.owner = user.cloned().map_or(Owner::Nobody, owner);
}
