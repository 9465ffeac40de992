//! Finding one row.

use super::row::LoopBackRow;
use crate::apps::OpenApp;
use crate::list::{Listed, SecretReader, ShownSecret};
use crate::{Error, Service};
use jeton_core::{Actor, Authority, Secret, Timestamp, Token, TokenKind, UserId};
use jeton_store::StoredToken;

/// The kinds that LoopBack sees.
pub(super) const KINDS: [TokenKind; 3] = [TokenKind::Identity, TokenKind::Grant, TokenKind::SelfMade];

impl Service {
    /// The row with this id, or handle.
    ///
    /// # Errors
    /// It could not be found out.
    pub async fn loopback_row(&self, app: &OpenApp, id: &str) -> Result<Option<LoopBackRow>, Error> {
        self.loopback_token(app, id).await?.map(|stored| self.row(app, stored)).transpose()
    }

    /// Whether the row of this id is this user's: whoever issued it named that user.
    ///
    /// # Errors
    /// It could not be found out.
    pub async fn loopback_owns(&self, app: &OpenApp, user_id: &UserId, id: &str) -> Result<bool, Error> {
        let stored = self.loopback_token(app, id).await?;
        Ok(stored.is_some_and(|stored| {
            stored.token.kind != TokenKind::SelfMade && stored.token.owner.named() == Some(user_id)
        }))
    }

    /// The token behind a row.
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
        self.keys.digests(secret).any(|digest| digest == stored.digest)
    }

    pub(super) fn row(&self, app: &OpenApp, stored: StoredToken) -> Result<LoopBackRow, Error> {
        let digest = stored.digest;
        let listed = shown(app, stored);
        LoopBackRow::new(&listed, digest, &self.keys).ok_or(Error::Unreadable("document of a token"))
    }
}

/// Whether LoopBack sees a token.
pub(super) fn is_seen(token: &Token, now: Timestamp) -> bool {
    KINDS.contains(&token.kind) && token.is_enabled() && !token.has_left_loopback(now)
}

/// A token with its secret, if that was kept. Whether the caller may read ids at all is for the app's access rules to say,
/// and they said so.
fn shown(app: &OpenApp, stored: StoredToken) -> Listed {
    SecretReader::new(app, &Authority::Everything(Actor::Anonymous)).read(stored)
}

/// Whether the row's id is the secret. Only where it is not does the handle stand for it: handles can be counted up, and
/// to know an id is what lets a caller act on a row wherever rules open `/:id` to many.
fn shows_secret(app: &OpenApp, stored: &StoredToken) -> bool {
    matches!(shown(app, stored.clone()).secret, ShownSecret::Clear(_))
}
