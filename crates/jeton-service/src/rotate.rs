//! Rotation: another secret for a token that stays what it is.

use crate::apps::MAX_GRACE;
use crate::keys::DataKey;
use crate::open_app::OpenApp;
use crate::update::{MAX_TRIES, is_there};
use crate::{Error, Issued, Refusal, Service};
use jeton_core::{Authority, Timestamp, TokenId, TokenKind, UserId};
use jeton_store::write::RotateToken;
use std::time::Duration;

impl Service {
    /// Gives a token another secret. Its number, owner, scopes, expiry, history and use stay as they are.
    ///
    /// The secret of before is good for `grace` more, at most [`MAX_GRACE`], and those before it at most as long; without grace they are
    /// refused from this answer on. `of_user`: only if the token shows this user. Users rotate what they could issue, and the token that
    /// they present.
    ///
    /// # Errors
    ///
    /// The write failed.
    pub async fn rotate(
        &self,
        app: &OpenApp,
        authority: &Authority,
        id: TokenId,
        of_user: Option<&UserId>,
        grace: Option<Duration>,
    ) -> Result<Result<Issued, Refusal>, Error> {
        let before = self.cache.before();
        let _lock = self.locks.lock(("token", id)).await?;
        let mut data_key = app.data_key.clone();
        for _ in 0..MAX_TRIES {
            self.check_authority(app, authority, &before).await?;
            let stored = self.store.token(app.id, id).await?;
            // The secret of a self-made token is the id of its row, which its client chose.
            let stored = stored.filter(|stored| {
                stored.token.spec.kind != TokenKind::SelfMade && is_there(&stored.token, authority, of_user)
            });
            let Some(stored) = stored else { return Ok(Err(Refusal::NotFound)) };
            if let Err(refused) = authority.may_rotate(&stored.token) {
                return Ok(Err(refused.into()));
            }
            let now = self.now();
            let keys = self.writing_keys()?;
            let secret = keys.mint(&*self.entropy, app.settings.common.token_prefix.as_ref())?;
            let digest = keys.digest(&secret);
            // A service credential is shown only when it is made.
            let key = data_key.as_ref().filter(|_| stored.token.spec.kind != TokenKind::Service);
            let sealed = key.map(|key| key.seal(&*self.entropy, app.id, &digest, &secret)).transpose()?;
            let rotated = RotateToken {
                app_id: app.id,
                id,
                expected: stored.revision,
                digest,
                digest_key_id: keys.current_id(),
                sealed,
                sealed_under: key.map(DataKey::sealed),
                old_until: end_of(now, grace),
                at: now,
                by: authority.cause(),
            };
            if self.store.write(rotated).await? {
                let mut token = stored.token;
                token.updated_at = now;
                return Ok(Ok(Issued { token, secret }));
            }
            // The token has changed, or the data key: if the app is gone, so is the caller.
            let now = self.read_by(Some(&app.key)).await?.filter(|now| now.id == app.id);
            data_key = now.ok_or(Error::Withdrawn)?.data_key.clone();
        }
        Err(Error::Contended)
    }
}

fn end_of(now: Timestamp, grace: Option<Duration>) -> Timestamp {
    let grace = grace.unwrap_or_default().min(MAX_GRACE);
    now.saturating_add_millis(i64::try_from(grace.as_millis()).unwrap_or(i64::MAX))
}
