//! Reading a row.

use super::row::LoopBackRow;
use crate::apps::OpenApp;
use crate::list::{Listed, SecretReader, ShownSecret};
use crate::{Error, Service};
use jeton_core::{Actor, Authority, Cause, Secret, Timestamp, Token, TokenKind, UserId};
use jeton_store::StoredToken;

/// The kinds that LoopBack sees.
pub(super) const KINDS: [TokenKind; 3] = [TokenKind::Identity, TokenKind::Grant, TokenKind::SelfMade];

impl Service {
    /// The row with this id, or handle.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    pub async fn loopback_row(&self, app: &OpenApp, id: &str) -> Result<Option<LoopBackRow>, Error> {
        self.loopback_token(app, id).await?.map(|stored| self.row(app, stored)).transpose()
    }

    /// Whether the row with this id belongs to this user: its issuer named that user.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    pub async fn loopback_owns(&self, app: &OpenApp, user_id: &UserId, id: &str) -> Result<bool, Error> {
        let stored = self.loopback_token(app, id).await?;
        Ok(stored.is_some_and(|stored| {
            stored.token.spec.kind != TokenKind::SelfMade && stored.token.spec.owner.named() == Some(user_id)
        }))
    }

    /// The token of a row.
    pub(super) async fn loopback_token(&self, app: &OpenApp, id: &str) -> Result<Option<StoredToken>, Error> {
        let Ok(presented) = Secret::parse(id) else { return Ok(None) };
        let found = self.stored_with(app, &presented).await?;
        Ok(found.filter(|stored| {
            let is_handle =
                || presented.expose() == format!("~{}", stored.token.id) && !shows_secret(app, stored);
            is_seen(&stored.token, self.now()) && (self.is_secret_of(&presented, stored) || is_handle())
        }))
    }

    pub(super) fn is_secret_of(&self, secret: &Secret, stored: &StoredToken) -> bool {
        self.keys.load().digests(secret).any(|digest| digest == stored.digest)
    }

    pub(super) fn row(&self, app: &OpenApp, stored: StoredToken) -> Result<LoopBackRow, Error> {
        let digest = stored.digest;
        let listed = shown(app, stored);
        LoopBackRow::new(&listed, digest, &self.keys.share()).ok_or(Error::Unreadable("document of a token"))
    }
}

/// Whether LoopBack sees a token.
pub(super) fn is_seen(token: &Token, now: Timestamp) -> bool {
    KINDS.contains(&token.spec.kind) && token.is_enabled() && !token.has_left_loopback(now)
}

/// A token with its secret, if that is kept. Whether the caller may read ids is decided by the app's access
/// rules, which have admitted it.
fn shown(app: &OpenApp, stored: StoredToken) -> Listed {
    SecretReader::new(app, &Authority::Everything(Cause::nowhere(Actor::Anonymous))).read(stored)
}

/// Whether the row's id is the secret. The handle replaces it only where it is not: handles can be guessed by
/// counting, and knowing an id lets a caller act on a row wherever rules open `/:id` to many.
fn shows_secret(app: &OpenApp, stored: &StoredToken) -> bool {
    matches!(shown(app, stored.clone()).secret, ShownSecret::Clear(_))
}
